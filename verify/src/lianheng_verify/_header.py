"""Headers, the sets that seal them, and their seals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lianheng_verify import _cbor, _cose, _shape
from lianheng_verify._errors import VerificationError
from lianheng_verify._hashes import digest, key_id

if TYPE_CHECKING:
    from lianheng_verify._cbor import Value

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


@dataclass(frozen=True, slots=True)
class Sealers:
    """A solo set: the one key that seals."""

    public: bytes
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


def parse_sealers(value: Value) -> Sealers:
    """A solo set has one key of power 1. Raises UnreadableError."""
    row = _shape.row(value, "sealers", 3)
    _shape.constant(row[0], "lianheng.sealers.1", "sealers: format")
    if row[1] == "cometbft":
        raise _shape.refuse("sealers", "sets of kind cometbft need a newer verifier")
    _shape.constant(row[1], "solo", "sealers: kind")
    public, power = _shape.row(_shape.row(row[2], "sealers: keys", 1)[0], "sealers: key", 2)
    if _shape.uint(power, "sealers: power") != 1:
        raise _shape.refuse("sealers: power", "the one sequencer has power 1")
    return Sealers(_shape.octets(public, "sealers: key", 32), digest(_cbor.encode(value)))


def parse_seal(value: Value, where: str = "seal") -> _cose.Signed:
    """The sequencer's COSE_Sign1, its payload checked for form. Raises UnreadableError."""
    row = _shape.row(value, where, 2)
    _shape.constant(row[0], "solo", f"{where}: kind")
    signed = _cose.parse_sign1(_shape.octets(row[1], where), where)
    payload = _shape.row(_cbor.decode(signed.payload, f"{where}: payload"), f"{where}: payload", 2)
    _shape.constant(payload[0], "lianheng.seal.1", f"{where}: payload")
    _shape.digest(payload[1], f"{where}: header hash")
    return signed


def verify_seal(
    header: Header, seal: _cose.Signed | None, genesis_hash: bytes, sealers: Sealers
) -> None:
    """That the set sealed this header. Raises VerificationError (`seal.*`)."""
    at = f"block {header.height}"
    if header.sealers_hash != sealers.hash:
        raise VerificationError(
            "seal.other_sealers", f"{at} names another set of sealers than your anchor"
        )
    if seal is None:
        raise VerificationError("seal.missing", f"{at} has no seal")
    if seal.signatures[0].key_id != key_id(sealers.public):
        raise VerificationError("seal.wrong_key", f"{at} is sealed by another key")
    if seal.payload != _cbor.encode(["lianheng.seal.1", header.hash]):
        raise VerificationError("seal.other_header", f"the seal of {at} is for another header")
    try:
        seal.verify(0, sealers.public, genesis_hash)
    except VerificationError as error:
        raise VerificationError("seal.bad", f"the seal of {at}: {error.message}") from error
