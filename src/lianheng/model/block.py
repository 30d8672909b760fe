"""Headers, seals, entries and blocks as read from their canonical bytes."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

from lianheng import _native
from lianheng.model.errors import InvalidValue
from lianheng.model.ids import (
    ChainName,
    Hash32,
    HeaderHash,
    Height,
    Milliseconds,
    SignedHash,
    TransactionId,
)
from lianheng.model.result import Result
from lianheng.model.run import Run
from lianheng.model.transaction import SignedTransaction
from lianheng.model.values import decode, encode

HEADER_NAME = "lianheng.header.1"
BLOCK_NAME = "lianheng.block.1"
SEALERS_NAME = "lianheng.sealers.1"
SEAL_NAME = "lianheng.seal.1"
SOLO = "solo"
QUORUM = "cometbft"
_ADDRESS_BYTES = 20


def _parts(data: bytes, name: str, count: int) -> list[Any]:
    parts = decode(data)
    if not isinstance(parts, list) or len(parts) != count or parts[0] != name:
        raise InvalidValue("block.malformed", f"these bytes are not a {name} of {count} parts")
    return parts


@dataclass(frozen=True, slots=True)
class Header:
    """The summary of a block; `encoded` is what is hashed and sealed."""

    chain: ChainName
    height: Height
    consensus_height: int
    time: Milliseconds
    history_root: Hash32
    entries_root: Hash32
    state_root: Hash32
    replay_root: Hash32
    sealers_hash: Hash32
    rules: int
    encoded: bytes

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a header; raise `InvalidValue` where the bytes are not one."""
        parts = _parts(data, HEADER_NAME, 11)
        try:
            return cls(
                ChainName(parts[1]),
                Height(parts[2]),
                parts[3],
                Milliseconds(parts[4]),
                Hash32(parts[5]),
                Hash32(parts[6]),
                Hash32(parts[7]),
                Hash32(parts[8]),
                Hash32(parts[9]),
                parts[10],
                data,
            )
        except TypeError as failure:
            raise InvalidValue("block.malformed", f"header part: {failure}") from failure

    @property
    def hash(self) -> HeaderHash:
        """Hash of the encoded header, by which other headers and seals name it."""
        return HeaderHash(_native.hash_bytes(self.encoded))


@dataclass(frozen=True, slots=True)
class Entry:
    """One transaction's place in a block: its id, the hash of its signed bytes, its result."""

    id: TransactionId
    signed_hash: SignedHash
    result: Result


class Block:
    """An ordered list of entries under one header. Parts are decoded when asked for."""

    __slots__ = ("_entries", "encoded", "header", "seal", "transactions")

    def __init__(self, data: bytes) -> None:
        """Raise `InvalidValue` where the bytes are not a block."""
        parts = _parts(data, BLOCK_NAME, 5)
        self.encoded = data
        self.header = Header.from_bytes(parts[1])
        self.seal: list[Any] | None = parts[2]
        self.transactions = [SignedTransaction(item) for item in parts[3]]
        self._entries: list[bytes] = parts[4]

    @property
    def height(self) -> Height:
        """Its number."""
        return self.header.height

    def __len__(self) -> int:
        """How many entries it holds."""
        return len(self._entries)

    def encoded_entry(self, index: int) -> bytes:
        """The canonical bytes of the entry at this position, from 0."""
        return self._entries[index]

    @property
    def runs(self) -> int:
        """How many entries are of the chain's own runs; they stand before those of calls."""
        return len(self._entries) - len(self.transactions)

    def run(self, index: int) -> Run:
        """What the chain ran by itself at this position; IndexError where there is no run."""
        if not 0 <= index < self.runs:
            raise IndexError(f"entry {index} of block {self.height} is no run")
        return Run.from_bytes(self._entries[index], self.height, self.header.time, index)

    def transaction(self, index: int) -> SignedTransaction:
        """The transaction of the entry at this position; IndexError where it is of a run."""
        if index < self.runs:
            raise IndexError(f"entry {index} of block {self.height} is of a run")
        return self.transactions[index - self.runs]

    def result(self, index: int) -> Result:
        """The result at this position, of a call or of a run. A run's has no id."""
        return self.run(index).result if index < self.runs else self.entry(index).result

    def entry(self, index: int) -> Entry:
        """The entry of a transaction at this position, from 0; IndexError where it is of a run."""
        if index < self.runs:
            raise IndexError(f"entry {index} of block {self.height} is of a run")
        parts = decode(self._entries[index])
        identity = TransactionId(parts[0])
        result = Result.from_bytes(
            encode(parts[2]),
            id=identity,
            height=self.height,
            time=self.header.time,
            index=index,
        )
        return Entry(identity, SignedHash(parts[1]), result)

    @property
    def entries(self) -> list[Entry]:
        """The entries of transactions, in order."""
        return [self.entry(index) for index in range(self.runs, len(self._entries))]

    @property
    def results(self) -> list[Result]:
        """What became of all that ran in the block, in order: runs, then calls."""
        return [self.result(index) for index in range(len(self._entries))]


def seal_payload(header_hash: HeaderHash) -> bytes:
    """What the sequencer signs, with the genesis hash as external AAD."""
    return encode([SEAL_NAME, header_hash])


def solo_seal(signature: bytes) -> bytes:
    """The seal of one sequencer, from its COSE_Sign1."""
    return encode([SOLO, signature])


def solo_sealers(public_key: bytes) -> list[Any]:
    """The set that seals a chain with one sequencer."""
    return [SEALERS_NAME, SOLO, [[public_key, 1]]]


def quorum_sealers(powers: Mapping[bytes, int]) -> list[Any]:
    """The set of validators, by public key and power, in CometBFT's order."""
    ordered = sorted(powers.items(), key=lambda each: (-each[1], validator_address(each[0])))
    return [SEALERS_NAME, QUORUM, [[public, power] for public, power in ordered]]


def validator_address(public_key: bytes) -> bytes:
    """What CometBFT calls a validator: the first 20 bytes of its key's SHA-256."""
    # CometBFT's own definition, whatever hash the chain's suite names.
    return sha256(public_key).digest()[:_ADDRESS_BYTES]
