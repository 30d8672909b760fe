"""Headers and their seals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from lianheng_verify import _cbor, _cose, _shape
from lianheng_verify._errors import VerificationError
from lianheng_verify._hashes import digest, key_id
from lianheng_verify._quorum import QuorumSeal, parse_quorum_seal, verify_quorum
from lianheng_verify._sealers import COMETBFT, SOLO

if TYPE_CHECKING:
    from lianheng_verify._cbor import Value
    from lianheng_verify._sealers import Sealers

Seal: TypeAlias = _cose.Signed | QuorumSeal

FIELD_NAMES: Final = {
    "chain": "chain",
    "height": "height",
    "consensus_height": "consensus height",
    "time": "time",
    "history_root": "history root",
    "entries_root": "entries root",
    "state_root": "state root",
    "replay_root": "replay root",
    "sealers_hash": "sealers hash",
    "rules": "rules",
}


@dataclass(frozen=True, slots=True)
class Header:
    """The summary of a block; `hash` is what a seal signs. Times are ms since 1970."""

    chain: str
    height: int
    consensus_height: int
    time: int
    history_root: bytes
    entries_root: bytes
    state_root: bytes
    replay_root: bytes
    sealers_hash: bytes
    rules: int
    encoded: bytes
    hash: bytes


def parse_header(data: bytes, where: str = "header") -> Header:
    """Raises UnreadableError where the bytes are not a header's."""
    row = _shape.row(_cbor.decode(data, where), where, 11)
    _shape.constant(row[0], "lianheng.header.1", f"{where}: format")
    return Header(
        chain=_shape.text(row[1], f"{where}: chain", _shape.ORGANISATION),
        height=_shape.uint(row[2], f"{where}: height"),
        consensus_height=_shape.uint(row[3], f"{where}: consensus height"),
        time=_shape.uint(row[4], f"{where}: time"),
        history_root=_shape.digest(row[5], f"{where}: history root"),
        entries_root=_shape.digest(row[6], f"{where}: entries root"),
        state_root=_shape.digest(row[7], f"{where}: state root"),
        replay_root=_shape.digest(row[8], f"{where}: replay root"),
        sealers_hash=_shape.digest(row[9], f"{where}: sealers hash"),
        rules=_shape.uint(row[10], f"{where}: rules"),
        encoded=data,
        hash=digest(data),
    )


def parse_seal(value: Value, where: str = "seal") -> Seal:
    """A seal of either kind, checked for form. Raises UnreadableError."""
    if isinstance(value, list) and value and value[0] == COMETBFT:
        return parse_quorum_seal(value, where)
    row = _shape.row(value, where, 2)
    _shape.constant(row[0], SOLO, f"{where}: kind")
    signed = _cose.parse_sign1(_shape.octets(row[1], where), where)
    payload = _shape.row(_cbor.decode(signed.payload, f"{where}: payload"), f"{where}: payload", 2)
    _shape.constant(payload[0], "lianheng.seal.1", f"{where}: payload")
    _shape.digest(payload[1], f"{where}: header hash")
    return signed


def verify_seal(header: Header, seal: Seal | None, genesis_hash: bytes, sealers: Sealers) -> str:
    """That this header is sealed as its chain seals. Returns by whom; raises `seal.*`.

    `sealers` is a set of the chain that is trusted. It must have made a solo seal; whether the set
    of a quorum seal may be trusted is for `_steps` to say.
    """
    at = f"block {header.height}"
    if seal is None:
        raise VerificationError(
            "seal.missing", f"{at} has no seal", "a network seals a block a moment after it: retry"
        )
    kind = COMETBFT if isinstance(seal, QuorumSeal) else SOLO
    if kind != sealers.kind:
        raise VerificationError(
            "seal.wrong_kind", f"{at} has a seal of kind {kind}, its chain is {sealers.kind}"
        )
    if isinstance(seal, QuorumSeal):
        return f"{verify_quorum(header, seal, genesis_hash)} · needs more than two thirds"
    _verify_solo(header, seal, genesis_hash, sealers)
    return "1 of 1 sequencer (see limit: solo)"


def _verify_solo(header: Header, seal: _cose.Signed, genesis_hash: bytes, sealers: Sealers) -> None:
    at, public = f"block {header.height}", sealers.members[0].public
    if header.sealers_hash != sealers.hash:
        raise VerificationError(
            "seal.other_sealers", f"{at} names another set of sealers than your anchor"
        )
    if seal.signatures[0].key_id != key_id(public):
        raise VerificationError("seal.wrong_key", f"{at} is sealed by another key")
    if seal.payload != _cbor.encode(["lianheng.seal.1", header.hash]):
        raise VerificationError("seal.other_header", f"the seal of {at} is for another header")
    try:
        seal.verify(0, public, genesis_hash)
    except VerificationError as error:
        raise VerificationError("seal.bad", f"the seal of {at}: {error.message}") from error


def check_consensus_height(header: Header, kind: str, earlier: Header | None = None) -> None:
    """That the consensus height fits: solo counts as the chain does; CometBFT's runs ahead of it.

    `earlier` is a header of a lower height. Raises VerificationError (`header.consensus_height`).
    """
    at = f"block {header.height}"
    if kind == SOLO:
        if header.consensus_height != header.height:
            raise VerificationError(
                "header.consensus_height",
                f"{at}: consensus height {header.consensus_height}; solo counts it like the height",
            )
        return
    height, consensus = (earlier.height, earlier.consensus_height) if earlier else (0, 0)
    if header.consensus_height - consensus < header.height - height:
        raise VerificationError(
            "header.consensus_height",
            f"{at} was ordered at {header.consensus_height}, block {height} at {consensus}: "
            "each block is ordered above the one before it",
        )
