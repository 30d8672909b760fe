"""CometBFT's own encodings (v0.40), made again from values: hashes of headers and sets, votes.

Protobuf as its generated code writes it: fields by number, what is zero or empty left out, a
message that stands inside another written even where it is empty. Trees are those of RFC 6962,
which RFC 9162 kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lianheng_verify._hashes import Frontier, digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_VARINT, _FIXED64, _LENGTH = 0, 1, 2
_ADDRESS_BYTES: Final = 20
_VARINT_BITS: Final = 7
_PRECOMMIT: Final = 2
_UINT64_END: Final = 1 << 64


class Time(NamedTuple):
    """A point in time: seconds since 1970 and nanoseconds; compares as time does."""

    seconds: int
    nanoseconds: int

    @classmethod
    def of_milliseconds(cls, milliseconds: int) -> Time:
        """The point in time of our formats."""
        return cls(milliseconds // 1000, milliseconds % 1000 * 1_000_000)

    def __str__(self) -> str:
        return f"{self.seconds}.{self.nanoseconds:09} s"


class BlockId(NamedTuple):
    """What a commit is for: the header's hash, and the parts in which the block was spread."""

    hash: bytes
    parts: int
    parts_hash: bytes


class HeaderFields(NamedTuple):
    """The fourteen fields of a CometBFT header, in the order in which they are hashed."""

    version: tuple[int, int]
    chain_id: str
    height: int
    time: Time
    last_block: BlockId | None
    last_commit: bytes
    data: bytes
    validators: bytes
    next_validators: bytes
    consensus: bytes
    application: bytes
    last_results: bytes
    evidence: bytes
    proposer: bytes


def address(public: bytes) -> bytes:
    """CometBFT's name for the holder of an Ed25519 key."""
    return digest(public)[:_ADDRESS_BYTES]


def header_hash(fields: HeaderFields) -> bytes:
    """The block hash: the root over the encoded fields."""
    block, application = fields.version
    return _root(
        (
            _uint(1, block) + _uint(2, application),
            _octets(1, fields.chain_id.encode()),
            _uint(1, fields.height),
            _timestamp(fields.time),
            _block_id(fields.last_block),
            *(_octets(1, item) for item in fields[5:]),
        )
    )


def validators_hash(keys: Sequence[tuple[bytes, int]]) -> bytes:
    """The hash of a set: the root over keys with their powers, in order."""
    return _root(_message(1, _octets(1, public)) + _uint(2, power) for public, power in keys)


class VoteForm:
    """What all votes of one commit sign alike; only their time and flag differ."""

    __slots__ = ("_after", "_before", "_block")

    def __init__(self, chain_id: str, height: int, round_: int, block: BlockId) -> None:
        self._before = _uint(1, _PRECOMMIT) + _fixed(2, height) + _fixed(3, round_)
        self._block = _message(4, _block_id(block))
        self._after = _octets(6, chain_id.encode())

    def signed_bytes(self, time: Time, *, for_block: bool) -> bytes:
        """The length-prefixed vote: for the block, or for none."""
        block = self._block if for_block else b""
        content = self._before + block + _message(5, _timestamp(time)) + self._after
        return _varint(len(content)) + content


def _root(leaves: Iterable[bytes]) -> bytes:
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    return tree.root()


def _block_id(block: BlockId | None) -> bytes:
    if block is None:
        return _message(2, b"")
    return _octets(1, block.hash) + _message(
        2, _uint(1, block.parts) + _octets(2, block.parts_hash)
    )


def _timestamp(time: Time) -> bytes:
    return _uint(1, time.seconds) + _uint(2, time.nanoseconds)


def _uint(number: int, value: int) -> bytes:
    # A negative number (seconds before 1970) is written as its two's complement in 64 bits.
    return bytes([number << 3 | _VARINT]) + _varint(value % _UINT64_END) if value else b""


def _fixed(number: int, value: int) -> bytes:
    return bytes([number << 3 | _FIXED64]) + value.to_bytes(8, "little") if value else b""


def _octets(number: int, data: bytes) -> bytes:
    return _message(number, data) if data else b""


def _message(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | _LENGTH]) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >> _VARINT_BITS:
        out.append(value & 0x7F | 0x80)
        value >>= _VARINT_BITS
    out.append(value)
    return bytes(out)
