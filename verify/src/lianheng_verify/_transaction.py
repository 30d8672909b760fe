"""Transactions, results and events, decoded and checked for form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lianheng_verify import _cbor, _cose, _shape
from lianheng_verify import _limits as limits
from lianheng_verify._hashes import digest

if TYPE_CHECKING:
    from lianheng_verify._cbor import Value

_RANDOM_BYTES: Final = 16
_APPLICATION_BYTES: Final = 128
_ATTACHMENTS: Final = 16
# Integer keys of the maps, as the CDDL numbers them.
_RANDOM, _CODE, _APPLICATION, _ATTACHED = 8, 10, 11, 12
_STATUS, _GAS, _VALUE, _EVENTS, _ERROR, _SOURCE = 1, 2, 3, 4, 5, 6
_ERROR_LINE: Final = 5
_ERROR_TEXTS: Final = {1: "code", 2: "message", 3: "reason", 4: "file", 6: "field", 7: "hint"}


@dataclass(frozen=True, slots=True)
class Transaction:
    """A signed call. `signed_hash` covers the signatures; the id does not."""

    signed: _cose.Signed
    signed_hash: bytes
    chain: str
    sender: str
    signers: tuple[bytes, ...]
    contract: str
    method: str
    arguments: dict[str, Value]
    expires: int
    gas_limit: int
    code: bytes | None

    def transaction_id(self, genesis_hash: bytes) -> bytes:
        """The id: the hash of what was signed, bound to the chain."""
        return digest(_cbor.encode(["lianheng.transaction.1", genesis_hash, self.signed.payload]))


NOTICE: Final = "$observed"
"""Name of the events by which observers are told; a contract's own event cannot have it."""

_CHANGES: Final = ("created", "changed", "deleted")


@dataclass(frozen=True, slots=True)
class Event:
    """What a call announced: `number` counts the events of its contract from 0."""

    contract: str
    number: int
    name: str
    data: dict[str, Value]

    @property
    def is_notice(self) -> bool:
        """Whether the machine itself announced it, to tell the observers of a row.

        Its data then has `table`, `key`, `change` and `observers`.
        """
        return self.name == NOTICE


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a call was refused."""

    code: str
    message: str
    reason: str | None
    file: str | None
    line: int | None
    field: str | None
    hint: str | None


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a call: a refusal, or value and events. `source` hashes the code that ran."""

    gas: int
    value: Value
    events: tuple[Event, ...]
    refusal: Refusal | None
    source: bytes | None


def parse_transaction(data: bytes) -> Transaction:
    """Raises UnreadableError where the bytes are not a transaction's."""
    signed = _cose.parse_signed(_cbor.decode(data, "transaction"), "transaction")
    content = _shape.fields(
        _cbor.decode(signed.payload, "payload"), "payload", range(1, 10), range(10, 13)
    )
    _shape.octets(content[_RANDOM], "payload: random", _RANDOM_BYTES)
    if _APPLICATION in content:
        _check_application(_shape.text(content[_APPLICATION], "payload: application"))
    if _ATTACHED in content:
        _shape.digests(content[_ATTACHED], "payload: attachments", _ATTACHMENTS, 1)
    return Transaction(
        signed=signed,
        signed_hash=digest(data),
        chain=_shape.text(content[1], "payload: chain", _shape.ORGANISATION),
        sender=_shape.text(content[2], "payload: sender", _shape.MEMBER),
        signers=_shape.digests(content[3], "payload: signers", limits.SIGNERS, 1),
        contract=_shape.text(content[4], "payload: contract", _shape.CONTRACT),
        method=_shape.text(content[5], "payload: method", _shape.CONTRACT),
        arguments=_shape.plain_map(content[6], "payload: arguments"),
        expires=_shape.uint(content[7], "payload: expires"),
        gas_limit=_shape.uint(content[9], "payload: gas limit"),
        code=_shape.digest(content[_CODE], "payload: code") if _CODE in content else None,
    )


def _check_application(text: str) -> None:
    if not 1 <= len(text.encode()) <= _APPLICATION_BYTES:
        raise _shape.refuse("payload: application", f"not 1 to {_APPLICATION_BYTES} bytes")


def parse_result(data: bytes) -> Result:
    """Raises UnreadableError where the bytes are not a result's."""
    return result_of(_cbor.decode(data, "result"))


def result_of(value: Value) -> Result:
    """The same for a decoded value."""
    content = _shape.fields(value, "result", (_STATUS, _GAS), (_VALUE, _EVENTS, _ERROR, _SOURCE))
    status = _shape.uint(content[_STATUS], "result: status")
    if status > 1:
        raise _shape.refuse("result: status", f"{status} is neither 0 nor 1")
    if (status == 1) != (_ERROR in content):
        raise _shape.refuse("result", "it has an error exactly when it is refused")
    if status == 1 and (_VALUE in content or _EVENTS in content):
        raise _shape.refuse("result", "a refused call returns nothing and announces nothing")
    if content.get(_VALUE, 0) is None:
        raise _shape.refuse("result: value", "null is written by leaving it out")
    events = (
        _shape.array(content[_EVENTS], "result: events", 1, limits.CONTAINER_ITEMS)
        if _EVENTS in content
        else []
    )
    return Result(
        gas=_shape.uint(content[_GAS], "result: gas"),
        value=_shape.plain(content.get(_VALUE), "result: value"),
        events=tuple(_event(item) for item in events),
        refusal=_refusal(content[_ERROR]) if _ERROR in content else None,
        source=_shape.digest(content[_SOURCE], "result: source hash")
        if _SOURCE in content
        else None,
    )


def _event(value: Value) -> Event:
    contract, number, name, data = _shape.row(value, "event", 4)
    event = Event(
        _shape.text(contract, "event: contract", _shape.CONTRACT),
        _shape.uint(number, "event: number"),
        _shape.text(name, "event: name"),
        _shape.plain_map(data, "event: data"),
    )
    if event.name == NOTICE:
        _check_notice(data)
    return event


def _check_notice(data: Value) -> None:
    content = _shape.fields(data, "notice", ("table", "key", "change", "observers"))
    _shape.text(content["table"], "notice: table")
    _shape.array(content["key"], "notice: key", 0, limits.CONTAINER_ITEMS)
    change = _shape.text(content["change"], "notice: change")
    if change not in _CHANGES:
        raise _shape.refuse("notice: change", f"none of {', '.join(_CHANGES)}")
    observers = _shape.array(content["observers"], "notice: observers", 1, limits.CONTAINER_ITEMS)
    names = [_shape.text(name, "notice: observers") for name in observers]
    if names != sorted(set(names)):
        raise _shape.refuse("notice: observers", "not in order, or one stands twice")


def _refusal(value: Value) -> Refusal:
    content = _shape.fields(value, "error", (1, 2), (3, 4, 5, 6, 7))
    texts = {
        name: _shape.text(content[key], f"error: {name}")
        for key, name in _ERROR_TEXTS.items()
        if key in content
    }
    return Refusal(
        code=texts["code"],
        message=texts["message"],
        reason=texts.get("reason"),
        file=texts.get("file"),
        line=_shape.uint(content[_ERROR_LINE], "error: line") if _ERROR_LINE in content else None,
        field=texts.get("field"),
        hint=texts.get("hint"),
    )
