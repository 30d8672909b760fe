"""From CometBFT's JSON to our quorum seal (docs/protocol/formats.cddl, `quorum-seal`).

Values are moved, never judged: whether a seal is good is the core's to say.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeAlias

from lianheng.model import QUORUM, NodeError, encode, quorum_sealers

Json: TypeAlias = Mapping[str, Any]

_ABSENT, _COMMIT, _NIL = 1, 2, 3
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z")
_NANOSECOND_DIGITS = 9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECONDS_PER_DAY = 86_400
_HEADER_HASHES = (
    "last_commit_hash",
    "data_hash",
    "validators_hash",
    "next_validators_hash",
    "consensus_hash",
    "app_hash",
    "last_results_hash",
    "evidence_hash",
)


def build_seal(signed_header: Json, validators: Sequence[Json]) -> bytes:
    """Canonical bytes of the seal: a header, a commit for it and the set that signed.

    `signed_header` is that of CometBFT's `commit` call, `validators` the whole set of the same
    height. Raise `NodeError` (`cometbft.answer_malformed`) where a part is not as CometBFT has it.
    """
    return encode(
        [
            QUORUM,
            _header(_object(signed_header, "header")),
            _commit(_object(signed_header, "commit")),
            quorum_sealers(dict(_member(each) for each in validators)),
        ]
    )


def seal_time(text: str) -> list[int]:
    """RFC 3339 in UTC as [seconds, nanoseconds]."""
    found = _TIME.fullmatch(text)
    if found is None:
        _malformed("time", text)
    try:
        moment = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
    except ValueError:
        _malformed("time", text)
    span = moment - _EPOCH
    fraction = found[2] or ""
    return [
        span.days * _SECONDS_PER_DAY + span.seconds,
        int(fraction.ljust(_NANOSECOND_DIGITS, "0")),
    ]


def _header(fields: Json) -> list[Any]:
    version = _object(fields, "version")
    return [
        # CometBFT leaves out what is zero.
        [_number(version, "block", "0"), _number(version, "app", "0")],
        _text(fields, "chain_id"),
        _number(fields, "height"),
        seal_time(_text(fields, "time")),
        _block_id(_object(fields, "last_block_id")),
        *(_hex(fields, name) for name in _HEADER_HASHES),
        _hex(fields, "proposer_address"),
    ]


def _commit(fields: Json) -> list[Any]:
    signatures = fields.get("signatures")
    if not isinstance(signatures, list):
        _malformed("signatures", signatures)
    return [
        _number(fields, "height"),
        _small(fields, "round"),
        _block_id(_object(fields, "block_id")),
        [_vote(each) for each in signatures],
    ]


def _vote(fields: Any) -> list[Any] | None:
    if not isinstance(fields, Mapping):
        _malformed("signatures", fields)
    flag = _small(fields, "block_id_flag")
    if flag == _ABSENT:
        return None
    if flag not in (_COMMIT, _NIL):
        _malformed("block_id_flag", flag)
    return [
        flag,
        _hex(fields, "validator_address"),
        seal_time(_text(fields, "timestamp")),
        _base64(fields, "signature"),
    ]


def _block_id(fields: Json) -> list[Any] | None:
    """None for the empty one, which the first block names as its last."""
    parts = _object(fields, "parts")
    identity = [_hex(fields, "hash"), _small(parts, "total"), _hex(parts, "hash")]
    return identity if any(identity) else None


def _member(fields: Any) -> tuple[bytes, int]:
    if not isinstance(fields, Mapping):
        _malformed("validators", fields)
    return _base64(_object(fields, "pub_key"), "value"), _number(fields, "voting_power")


def _object(fields: Json, name: str) -> Json:
    value = fields.get(name)
    if not isinstance(value, Mapping):
        _malformed(name, value)
    return value


def _text(fields: Json, name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        _malformed(name, value)
    return value


def _number(fields: Json, name: str, default: str | None = None) -> int:
    """A 64-bit number, which CometBFT's JSON has as text."""
    value = fields.get(name, default)
    if not isinstance(value, str) or not value.isascii() or not value.isdigit():
        _malformed(name, value)
    return int(value)


def _small(fields: Json, name: str) -> int:
    """A 32-bit number, which CometBFT's JSON has as number."""
    value = fields.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        _malformed(name, value)
    return value


def _hex(fields: Json, name: str) -> bytes:
    value = _text(fields, name)
    try:
        return bytes.fromhex(value)
    except ValueError:
        _malformed(name, value)


def _base64(fields: Json, name: str) -> bytes:
    value = _text(fields, name)
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        _malformed(name, value)


def _malformed(name: str, value: object) -> NoReturn:
    raise NodeError(
        "cometbft.answer_malformed",
        f"CometBFT's answer has {name} = {str(value)[:80]!r}",
        "check its version: lianheng doctor",
    )
