"""What became of a call: final, refused or dropped, with value, events, gas and error."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from lianheng.model.errors import CallDropped, CallRefused, InvalidValue
from lianheng.model.ids import (
    ContractName,
    Gas,
    Height,
    Milliseconds,
    SourceHash,
    TransactionId,
)
from lianheng.model.values import decode, jsonable

_SUCCEEDED = 0
_REFUSED = 1
_SOURCE_FIELD = 6
_NO_GAS = Gas(0)


class Status(StrEnum):
    """How a call ended."""

    FINAL = "final"
    REFUSED = "refused"
    DROPPED = "dropped"


@dataclass(frozen=True, slots=True)
class CallError:
    """Why a call was refused or dropped: stable code, sentence, place, what to do."""

    code: str
    message: str
    reason: str | None = None
    file: str | None = None
    line: int | None = None
    field: str | None = None
    hint: str | None = None

    @classmethod
    def from_fields(cls, fields: Mapping[int, Any]) -> Self:
        """Read the error map of an encoded result."""
        return cls(
            code=fields[1],
            message=fields[2],
            reason=fields.get(3),
            file=fields.get(4),
            line=fields.get(5),
            field=fields.get(6),
            hint=fields.get(7),
        )

    @property
    def place(self) -> str | None:
        """`file:line`, or the file alone."""
        if self.file is None:
            return None
        return self.file if self.line is None else f"{self.file}:{self.line}"


NOTICE = "$observed"
"""Name of the event by which the VM tells a row's observers; no contract's event can have it."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What observers are told of a row: it was `created`, `changed` or `deleted`."""

    contract: ContractName
    table: str
    key: tuple[Any, ...]
    change: str
    observers: tuple[str, ...]

    def __str__(self) -> str:
        """`bills.items['a', 1] changed, told: north, ann@south`."""
        key = ", ".join(map(repr, self.key))
        row = f"{self.contract}.{self.table}" + (f"[{key}]" if self.key else "")
        return f"{row} {self.change}, told: {', '.join(self.observers)}"


@dataclass(frozen=True, slots=True)
class Event:
    """What a call announced; `number` counts the events of its contract from 0.

    An event with the name `NOTICE` comes from the VM: it tells the observers of a row.
    """

    contract: ContractName
    number: int
    name: str
    data: Mapping[str, Any]

    @property
    def notice(self) -> Notice | None:
        """What observers are told by it; None for an event that a contract announced."""
        if self.name != NOTICE:
            return None
        data = self.data
        key, observers = tuple(data["key"]), tuple(data["observers"])
        return Notice(self.contract, data["table"], key, data["change"], observers)

    def __str__(self) -> str:
        """`bills.Paid(number=7)`; of a notice, what it says."""
        if self.notice is not None:
            return str(self.notice)
        fields = ", ".join(f"{name}={value!r}" for name, value in self.data.items())
        return f"{self.contract}.{self.name}({fields})"


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one transaction.

    A dropped one has no height, no gas and, where its bytes were unreadable, no id.
    """

    status: Status
    id: TransactionId | None
    height: Height | None = None
    time: Milliseconds | None = None
    index: int | None = None
    value: Any = None
    events: tuple[Event, ...] = field(default=())
    gas: Gas = _NO_GAS
    error: CallError | None = None
    source: SourceHash | None = None

    @classmethod
    def from_bytes(
        cls,
        data: bytes,
        *,
        id: TransactionId | None,  # noqa: A002 - the field's own name
        height: Height,
        time: Milliseconds | None = None,
        index: int | None = None,
    ) -> Self:
        """Read an encoded result; raise `InvalidValue` where it does not follow the format."""
        fields = decode(data)
        try:
            refused = {_SUCCEEDED: False, _REFUSED: True}[fields[1]]
            return cls(
                status=Status.REFUSED if refused else Status.FINAL,
                id=id,
                height=height,
                time=time,
                index=index,
                value=fields.get(3),
                events=tuple(
                    Event(ContractName(item[0]), item[1], item[2], item[3])
                    for item in fields.get(4, ())
                ),
                gas=Gas(fields[2]),
                error=CallError.from_fields(fields[5]) if refused else None,
                source=SourceHash(fields[6]) if _SOURCE_FIELD in fields else None,
            )
        except (KeyError, TypeError, IndexError, AttributeError) as failure:
            raise InvalidValue(
                "result.malformed", f"an encoded result does not follow the format: {failure!r}"
            ) from failure

    @classmethod
    def dropped(
        cls, transaction: TransactionId | None, code: str, message: str, hint: str | None
    ) -> Self:
        """The result of a transaction that got no entry."""
        return cls(Status.DROPPED, transaction, error=CallError(code, message, hint=hint))

    @property
    def final(self) -> bool:
        """Whether the call succeeded and its effects hold."""
        return self.status is Status.FINAL

    def checked(self) -> Self:
        """This result if it is final; else raise `CallRefused` or `CallDropped`."""
        if self.error is None:
            return self
        kind = CallRefused if self.status is Status.REFUSED else CallDropped
        details = {
            name: getattr(self.error, name)
            for name in ("reason", "file", "line", "field")
            if getattr(self.error, name) is not None
        }
        raise kind(self.error.code, self.error.message, self.error.hint or "", **details)

    def to_json(self) -> dict[str, Any]:
        """For machines at the edge: plain values, absent parts left out."""
        known: dict[str, Any] = {
            "status": str(self.status),
            "id": None if self.id is None else self.id.hex(),
            "height": self.height,
            "time": self.time,
            "index": self.index,
            "value": jsonable(self.value),
            "events": [
                {
                    "contract": event.contract,
                    "number": event.number,
                    "name": event.name,
                    "data": jsonable(event.data),
                }
                for event in self.events
            ],
            "gas": self.gas,
            "source": None if self.source is None else self.source.hex(),
        }
        if self.error is not None:
            known["error"] = {
                name: getattr(self.error, name)
                for name in ("code", "message", "reason", "file", "line", "field", "hint")
                if getattr(self.error, name) is not None
            }
        return {name: item for name, item in known.items() if item is not None}
