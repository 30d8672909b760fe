"""The authenticated state: flat keys (tuple encoding) and Jellyfish proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lianheng_verify._errors import UnreadableError, VerificationError
from lianheng_verify._hashes import digest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lianheng_verify._cbor import Value

_LEAF: Final = b"JMT::LeafNode"
INNER: Final = b"JMT::IntrnalNode"
EMPTY: Final = b"SPARSE_MERKLE_PLACEHOLDER_HASH__"
_INTEGER_ZERO: Final = 0x14
_SHORT_BYTES: Final = 8
_LARGE_POSITIVE: Final = 0x1D
_LARGE_NEGATIVE: Final = 0x0B


def flat_key(contract: str, table: str, key: Sequence[Value]) -> bytes:
    """The row's key in the state. Raises UnreadableError for a part that no key can hold."""
    return b"".join(_part(part) for part in (contract, table, *key))


def _part(part: Value) -> bytes:
    if isinstance(part, bool):
        return b"\x27" if part else b"\x26"
    if isinstance(part, int):
        return _integer(part)
    if isinstance(part, bytes):
        return b"\x01" + part.replace(b"\x00", b"\x00\xff") + b"\x00"
    if isinstance(part, str):
        return b"\x02" + part.encode().replace(b"\x00", b"\x00\xff") + b"\x00"
    raise UnreadableError(
        "key.malformed", "key: a part is no integer, text, byte string or boolean"
    )


def _integer(value: int) -> bytes:
    magnitude = abs(value)
    length = (magnitude.bit_length() + 7) // 8
    raw = magnitude.to_bytes(length, "big")
    if length <= _SHORT_BYTES:
        if value >= 0:
            return bytes([_INTEGER_ZERO + length]) + raw
        return bytes([_INTEGER_ZERO - length]) + _complement(raw)
    body = length.to_bytes(2, "big") + raw
    if value > 0:
        return bytes([_LARGE_POSITIVE]) + body
    return bytes([_LARGE_NEGATIVE]) + _complement(body)


def _complement(data: bytes) -> bytes:
    return bytes(0xFF - byte for byte in data)


def leaf_node(key_hash: bytes, value_hash: bytes) -> bytes:
    """The hash of a leaf of the state tree."""
    return digest(_LEAF + key_hash + value_hash)


def verify_row(
    root: bytes,
    key: bytes,
    value: bytes | None,
    siblings: Sequence[bytes],
    other: tuple[bytes, bytes] | None,
) -> None:
    """That the flat key holds these bytes, or is absent (None), under the state root.

    `siblings` go from the bottom up. Raises VerificationError (`proof.bad`).
    """
    key_hash = digest(key)
    if value is not None:
        if other is not None:
            raise VerificationError("proof.bad", "a proof of presence names another leaf")
        place = leaf_node(key_hash, digest(value))
    elif other is not None:
        _check_other(key_hash, other[0], len(siblings))
        place = leaf_node(*other)
    else:
        place = EMPTY
    found = _climb(place, key_hash, siblings)
    if found != root:
        raise VerificationError(
            "proof.bad",
            f"the path leads to {found.hex()[:8]}…, the state root is {root.hex()[:8]}…",
        )


def _climb(place: bytes, key_hash: bytes, siblings: Sequence[bytes]) -> bytes:
    bits = int.from_bytes(key_hash, "big")
    depth = len(siblings)
    for step, sibling in enumerate(siblings):
        right = bits >> (256 - depth + step) & 1
        left_hash, right_hash = (sibling, place) if right else (place, sibling)
        place = digest(INNER + left_hash + right_hash)
    return place


def _check_other(key_hash: bytes, other: bytes, depth: int) -> None:
    if other == key_hash:
        raise VerificationError("proof.bad", "the other leaf is the row itself: it is present")
    differing = int.from_bytes(key_hash, "big") ^ int.from_bytes(other, "big")
    if differing >> (256 - depth):
        raise VerificationError("proof.bad", "the other leaf does not stand on the row's path")
