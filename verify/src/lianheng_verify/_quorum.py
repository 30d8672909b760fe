"""Quorum seals: a CometBFT header that carries our header hash, a commit for it, who signed.

Each signature is checked once, and all that a commit carries: a vote that does not verify makes the
commit bad even where the others would do, so that no byte of a seal goes unchecked.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from lianheng_verify import _comet, _shape
from lianheng_verify import _limits as limits
from lianheng_verify._comet import BlockId, HeaderFields, Time
from lianheng_verify._ed25519 import verify_signature
from lianheng_verify._errors import VerificationError
from lianheng_verify._hashes import HASH_BYTES
from lianheng_verify._sealers import COMETBFT, Sealers, parse_sealers

if TYPE_CHECKING:
    from lianheng_verify._cbor import Value
    from lianheng_verify._header import Header

FOR_BLOCK: Final = 2
FOR_NONE: Final = 3
_ADDRESS_BYTES: Final = 20
_SIGNATURE_BYTES: Final = 64
_NANOSECONDS: Final = 999_999_999
_BLOCK_PROTOCOL: Final = 11
_CHAIN_ID_BYTES: Final = 24


@dataclass(frozen=True, slots=True)
class Vote:
    """One member's precommit: `flag` 2 for the block, 3 for none."""

    flag: int
    address: bytes
    time: Time
    signature: bytes


@dataclass(frozen=True, slots=True)
class Commit:
    """The votes of one round in the set's order; None where a member's is absent."""

    height: int
    round: int
    block: BlockId
    votes: tuple[Vote | None, ...]


@dataclass(frozen=True)
class QuorumSeal:
    """A CometBFT header with the commit and the set that made it final."""

    header: HeaderFields
    commit: Commit
    sealers: Sealers

    @cached_property
    def block_hash(self) -> bytes:
        """The hash of the CometBFT header."""
        return _comet.header_hash(self.header)

    @property
    def title(self) -> str:
        """How sentences call it."""
        return f"CometBFT header {self.header.height}"

    @cached_property
    def signers(self) -> dict[bytes, int]:
        """Keys that voted for the block, with their power in the seal's own set."""
        pairs = zip(self.sealers.members, self.commit.votes, strict=False)
        return {
            member.public: member.power
            for member, vote in pairs
            if vote is not None and vote.flag == FOR_BLOCK
        }


def chain_id(genesis_hash: bytes) -> str:
    """CometBFT's name for the chain: no vote of one chain is a vote of another."""
    return genesis_hash[:_CHAIN_ID_BYTES].hex()


# --- form ---


def parse_quorum_seal(value: Value, where: str = "seal") -> QuorumSeal:
    """Raises UnreadableError."""
    row = _shape.row(value, where, 4)
    _shape.constant(row[0], COMETBFT, f"{where}: kind")
    sealers = parse_sealers(row[3], f"{where}: sealers")
    if sealers.kind != COMETBFT:
        raise _shape.refuse(f"{where}: sealers", "a set of another kind", "format.unknown")
    header = _parse_header(row[1], f"{where}: CometBFT header")
    return QuorumSeal(header, _parse_commit(row[2], f"{where}: commit"), sealers)


def _parse_header(value: Value, where: str) -> HeaderFields:
    row = _shape.row(value, where, 14)
    block, application = _shape.row(row[0], f"{where}: version", 2)
    hashes = [
        _parse_hash(item, f"{where}: field {place}") for place, item in enumerate(row[5:13], 6)
    ]
    return HeaderFields(
        version=(
            _shape.uint(block, f"{where}: version"),
            _shape.uint(application, f"{where}: version"),
        ),
        chain_id=_shape.text(row[1], f"{where}: chain id", _shape.CHAIN_ID),
        height=_shape.between(row[2], f"{where}: height", 1, limits.COMET_HEIGHT),
        time=_parse_time(row[3], f"{where}: time"),
        last_block=None if row[4] is None else _parse_block_id(row[4], f"{where}: last block"),
        last_commit=hashes[0],
        data=hashes[1],
        validators=hashes[2],
        next_validators=hashes[3],
        consensus=hashes[4],
        application=hashes[5],
        last_results=hashes[6],
        evidence=hashes[7],
        proposer=_shape.octets(row[13], f"{where}: proposer", _ADDRESS_BYTES),
    )


def _parse_hash(value: Value, where: str) -> bytes:
    data = _shape.octets(value, where)
    if len(data) not in {0, HASH_BYTES}:
        raise _shape.refuse(where, f"{len(data)} bytes, neither 0 nor {HASH_BYTES}")
    return data


def _parse_time(value: Value, where: str) -> Time:
    seconds, nanoseconds = _shape.row(value, where, 2)
    return Time(
        _shape.between(seconds, where, *limits.COMET_SECONDS),
        _shape.between(nanoseconds, where, 0, _NANOSECONDS),
    )


def _parse_block_id(value: Value, where: str) -> BlockId:
    row = _shape.row(value, where, 3)
    return BlockId(
        _shape.digest(row[0], where),
        _shape.between(row[1], f"{where}: parts", 0, limits.COMET_PARTS),
        _shape.digest(row[2], f"{where}: parts hash"),
    )


def _parse_commit(value: Value, where: str) -> Commit:
    row = _shape.row(value, where, 4)
    votes = _shape.array(row[3], f"{where}: votes", 0, limits.VALIDATORS)
    return Commit(
        _shape.between(row[0], f"{where}: height", 0, limits.COMET_HEIGHT),
        _shape.between(row[1], f"{where}: round", 0, limits.COMET_ROUND),
        _parse_block_id(row[2], f"{where}: block"),
        tuple(None if vote is None else _parse_vote(vote, f"{where}: vote") for vote in votes),
    )


def _parse_vote(value: Value, where: str) -> Vote:
    row = _shape.row(value, where, 4)
    return Vote(
        _shape.between(row[0], f"{where}: flag", FOR_BLOCK, FOR_NONE),
        _shape.octets(row[1], f"{where}: address", _ADDRESS_BYTES),
        _parse_time(row[2], f"{where}: time"),
        _shape.octets(row[3], f"{where}: signature", _SIGNATURE_BYTES),
    )


# --- checks ---


def verify_quorum(header: Header, seal: QuorumSeal, genesis_hash: bytes) -> str:
    """That the set which `header` names made it final. Returns who did; raises `seal.*`."""
    at = f"block {header.height}"
    if seal.header.height <= header.consensus_height:
        raise VerificationError(
            "seal.height",
            f"{at} was ordered at CometBFT height {header.consensus_height}; a seal of height "
            f"{seal.header.height} cannot carry it",
        )
    if seal.header.application != header.hash:
        raise VerificationError(
            "seal.other_header",
            f"the seal is for {_short(seal.header.application)}, {at} is {_short(header.hash)}",
        )
    if seal.sealers.hash != header.sealers_hash:
        raise VerificationError(
            "seal.other_sealers",
            f"{at} names the set {_short(header.sealers_hash)}, its seal is by "
            f"{_short(seal.sealers.hash)}",
        )
    return verify_commit(seal, chain_id(genesis_hash))


def verify_commit(seal: QuorumSeal, chain: str) -> str:
    """That more than two thirds of the seal's set signed its CometBFT header, on this chain.

    Returns who did, for a report. Raises VerificationError (`seal.*`).
    """
    _check_header(seal, chain)
    _check_votes(seal)
    _check_power(seal)
    commit = seal.commit
    form = _comet.VoteForm(chain, commit.height, commit.round, commit.block)
    for number, (member, vote) in enumerate(zip(seal.sealers.members, commit.votes, strict=True)):
        if vote is None:
            continue
        message = form.signed_bytes(vote.time, for_block=vote.flag == FOR_BLOCK)
        try:
            verify_signature(member.public, message, vote.signature)
        except VerificationError as error:
            raise VerificationError(
                "seal.bad", f"{seal.title}, vote {number + 1}: {error.message}"
            ) from error
    signed, members = len(seal.signers), seal.sealers.members
    power = sum(seal.signers.values())
    return f"{signed} of {len(members)} validators ({power} of {seal.sealers.power} power)"


def _check_header(seal: QuorumSeal, chain: str) -> None:
    header, commit = seal.header, seal.commit
    if header.version[0] != _BLOCK_PROTOCOL:
        raise VerificationError(
            "seal.version", f"{seal.title}: block protocol {header.version[0]}, not 11"
        )
    if header.chain_id != chain:
        raise VerificationError(
            "seal.other_chain", f"{seal.title}: chain {header.chain_id[:8]}…, not {chain[:8]}…"
        )
    if header.validators != seal.sealers.validators_hash:
        raise VerificationError(
            "seal.other_validators",
            f"{seal.title} names validators {_short(header.validators)}, the set with it is "
            f"{_short(seal.sealers.validators_hash)}",
        )
    if commit.height != header.height:
        raise VerificationError(
            "seal.other_block", f"{seal.title} comes with a commit of height {commit.height}"
        )
    if commit.block.hash != seal.block_hash:
        raise VerificationError(
            "seal.other_block",
            f"the commit is for {_short(commit.block.hash)}, {seal.title} is "
            f"{_short(seal.block_hash)}",
        )


def _check_votes(seal: QuorumSeal) -> None:
    members, votes = seal.sealers.members, seal.commit.votes
    if len(votes) != len(members):
        raise VerificationError(
            "seal.votes", f"{seal.title}: {len(votes)} places for the votes of {len(members)} keys"
        )
    for number, (member, vote) in enumerate(zip(members, votes, strict=True), 1):
        if vote is not None and vote.address != member.address:
            raise VerificationError(
                "seal.other_voter",
                f"{seal.title}: vote {number} is by {_short(vote.address)}, there belongs that of "
                f"{_short(member.address)}",
            )


def _check_power(seal: QuorumSeal) -> None:
    power, total = sum(seal.signers.values()), seal.sealers.power
    if power * 3 <= total * 2:
        raise VerificationError(
            "seal.no_quorum",
            f"{seal.title}: {len(seal.signers)} of {len(seal.sealers.members)} validators, {power} "
            f"of {total} power, signed it: not more than two thirds",
        )


def _short(data: bytes) -> str:
    return f"{data.hex()[:8]}…" if data else "nothing"
