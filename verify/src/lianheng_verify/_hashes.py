"""Suite 1: SHA-256, and the trees and ids that the formats build from it."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Final

from lianheng_verify import _cbor
from lianheng_verify._errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Sequence

HASH_BYTES: Final = 32
EMPTY_TREE: Final = sha256(b"").digest()


def digest(data: bytes) -> bytes:
    """H of the formats: SHA-256."""
    return sha256(data).digest()


def key_id(public: bytes) -> bytes:
    """The COSE key thumbprint (RFC 9679) of an Ed25519 public key."""
    return digest(_cbor.encode({1: 1, -1: 6, -2: public}))


def leaf_hash(data: bytes) -> bytes:
    """A leaf of an RFC 9162 tree (section 2.1.1)."""
    return digest(b"\x00" + data)


def node_hash(left: bytes, right: bytes) -> bytes:
    """An inner node of an RFC 9162 tree."""
    return digest(b"\x01" + left + right)


def entries_root(count: int, root: bytes) -> bytes:
    """The entries root of a header: an RFC 9162 root, bound to the number of its leaves."""
    return digest(_cbor.encode(["lianheng.entries.1", count, root]))


def path_root(leaf: bytes, index: int, count: int, path: Sequence[bytes]) -> bytes:
    """The root to which the path leads from leaf `index` of `count` (RFC 9162, section 2.1.3.2).

    Raises VerificationError (`path.bad`) where the path has not the length of that place.
    """
    if index >= count:
        raise VerificationError("path.bad", f"place {index} lies outside of {count}")
    position, last, value = index, count - 1, leaf
    for sibling in path:
        if last == 0:
            raise VerificationError("path.bad", "the path is too long")
        if position & 1 or position == last:
            value = node_hash(sibling, value)
            while position & 1 == 0 and position != 0:
                position, last = position >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        position, last = position >> 1, last >> 1
    if last != 0:
        raise VerificationError("path.bad", "the path is too short")
    return value


def verify_inclusion(
    root: bytes, leaf: bytes, index: int, count: int, path: Sequence[bytes]
) -> None:
    """That the leaf hash stands at `index` of `count` leaves under this RFC 9162 root.

    Raises VerificationError (`path.bad`).
    """
    _compare_roots(path_root(leaf, index, count, path), root)


def verify_entry(root: bytes, entry: bytes, index: int, count: int, path: Sequence[bytes]) -> None:
    """That the encoded entry is number `index` of exactly `count` under an entries root.

    Raises VerificationError (`path.bad`).
    """
    _compare_roots(entries_root(count, path_root(leaf_hash(entry), index, count, path)), root)


def _compare_roots(found: bytes, root: bytes) -> None:
    if found != root:
        raise VerificationError(
            "path.bad", f"the path leads to {found.hex()[:8]}…, the root is {root.hex()[:8]}…"
        )


class Frontier:
    """An RFC 9162 tree that grows by one leaf at a time and keeps only its full subtrees."""

    __slots__ = ("_roots", "size")

    def __init__(self) -> None:
        self.size = 0
        self._roots: list[tuple[int, bytes]] = []

    def append(self, data: bytes) -> None:
        """Adds a leaf with this data."""
        level, value = 0, leaf_hash(data)
        while self._roots and self._roots[-1][0] == level:
            value = node_hash(self._roots.pop()[1], value)
            level += 1
        self._roots.append((level, value))
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far; of none, the hash of nothing."""
        if not self._roots:
            return EMPTY_TREE
        value = self._roots[-1][1]
        for _, left in reversed(self._roots[:-1]):
            value = node_hash(left, value)
        return value
