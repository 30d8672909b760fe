"""RFC 9162 trees and the Jellyfish state tree, by their recursive definitions."""

from __future__ import annotations

from tests.verify.chainmaker.encoding import digest, encode

EMPTY = b"SPARSE_MERKLE_PLACEHOLDER_HASH__"


def log_root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return digest(b"")
    if len(leaves) == 1:
        return digest(b"\0" + leaves[0])
    k = split(len(leaves))
    return digest(b"\1" + log_root(leaves[:k]) + log_root(leaves[k:]))


def entries_root(entries: list[bytes]) -> bytes:
    return digest(encode(["lianheng.entries.1", len(entries), log_root(entries)]))


def log_path(index: int, leaves: list[bytes]) -> list[bytes]:
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*log_path(index, leaves[:k]), log_root(leaves[k:])]
    return [*log_path(index - k, leaves[k:]), log_root(leaves[:k])]


def split(count: int) -> int:
    k = 1
    while k * 2 < count:
        k *= 2
    return k


class StateTree:
    """Rows by flat key; roots and proofs recomputed from all rows each time."""

    def __init__(self, rows: dict[bytes, bytes]) -> None:
        self.leaves = sorted((digest(key), digest(value)) for key, value in rows.items())

    def root(self) -> bytes:
        return subtree(self.leaves, 0)

    def prove(self, flat: bytes) -> tuple[list[bytes], tuple[bytes, bytes] | None]:
        """Siblings from the bottom up, and the other leaf that stands in an absent row's place."""
        target, leaves, siblings = digest(flat), self.leaves, []
        depth = 0
        while len(leaves) > 1:
            left = [leaf for leaf in leaves if not bit(leaf[0], depth)]
            right = [leaf for leaf in leaves if bit(leaf[0], depth)]
            leaves, beside = (right, left) if bit(target, depth) else (left, right)
            depth += 1
            siblings.append(subtree(beside, depth))
        other = leaves[0] if leaves and leaves[0][0] != target else None
        return siblings[::-1], other


def bit(key: bytes, depth: int) -> int:
    return key[depth // 8] >> (7 - depth % 8) & 1


def subtree(leaves: list[tuple[bytes, bytes]], depth: int) -> bytes:
    if not leaves:
        return EMPTY
    if len(leaves) == 1:
        return digest(b"JMT::LeafNode" + leaves[0][0] + leaves[0][1])
    left = [leaf for leaf in leaves if not bit(leaf[0], depth)]
    right = [leaf for leaf in leaves if bit(leaf[0], depth)]
    return digest(b"JMT::IntrnalNode" + subtree(left, depth + 1) + subtree(right, depth + 1))
