"""Contract classes, their declared calls and views, and what a running call can ask."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from lianheng.contract._records import Event, Record
from lianheng.contract._state import Cell
from lianheng.contract._tables import Table

_Method = TypeVar("_Method", bound=Callable[..., Any])


class Caller(Record):
    """Who calls: `alice@north` is a member, `north` the organisation, with the roles held there."""

    member: str
    organisation: str
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declaration:
    """What a decorator said of a method: its kind (`call` or `view`) and who may call it."""

    kind: str
    by: str | None = None


class Host(Protocol):
    """What surrounds a running call; the VM in a node, an in-memory one in tests."""

    @property
    def caller(self) -> Caller:
        """The first signer."""

    @property
    def signers(self) -> tuple[Caller, ...]:
        """All signers, in order."""

    @property
    def now(self) -> int:
        """Block time, milliseconds since 1970-01-01 UTC."""

    @property
    def height(self) -> int:
        """Height of the block."""

    @property
    def transaction_id(self) -> bytes:
        """Id of the running transaction, 32 bytes."""

    def rows(self, table: str) -> MutableMapping[tuple[object, ...], Any]:
        """Give the content of one of the contract's tables."""

    def emit(self, event: Event) -> None:
        """Take an event that the call announces."""


class Contract:
    """Base of a contract: tables as class attributes, calls and views as methods."""

    def __init__(self, host: Host) -> None:
        """Bind the tables to `host`; contracts are made by a host, not by contracts."""
        self._host = host
        for name in dir(type(self)):
            table = getattr(type(self), name)
            if isinstance(table, Table | Cell):
                setattr(self, name, table.bound(host.rows(name), self._who_signed))

    def _who_signed(self) -> list[tuple[str, str]]:
        return [(signer.member, signer.organisation) for signer in self._host.signers]

    @property
    def caller(self) -> Caller:
        """The first signer of the transaction."""
        return self._host.caller

    @property
    def signers(self) -> tuple[Caller, ...]:
        """All signers, in the order that the transaction declares."""
        return self._host.signers

    @property
    def now(self) -> int:
        """Block time in milliseconds since 1970-01-01 UTC; equal for all calls of a block."""
        return self._host.now

    @property
    def height(self) -> int:
        """Height of the block that this call lies in."""
        return self._host.height

    @property
    def transaction_id(self) -> bytes:
        """Id of the running transaction, 32 bytes."""
        return self._host.transaction_id

    @property
    def application(self) -> str | None:
        """Name of the application that made the transaction, where it gives one."""
        # Hosts of tests that know no transactions need not have it.
        found: str | None = getattr(self._host, "application", None)
        return found

    @property
    def attachments(self) -> tuple[bytes, ...]:
        """Hashes, 32 bytes each, of payloads off the chain that the transaction names."""
        return tuple(getattr(self._host, "attachments", ()))

    def drain(self, name: str) -> list[Any]:
        """Take all that is stored under a table or cell; only an upgrade's migration may."""
        raise RuntimeError(f"{name} is drained by an upgrade on a ledger, not here")

    def emit(self, event: Event) -> None:
        """Announce an event; it counts only if the call ends well."""
        self._host.emit(event)


def call(*, by: str) -> Callable[[_Method], _Method]:
    """Declare a method that changes state, and the policy its signers must meet."""

    def declare(method: _Method) -> _Method:
        method._lianheng = Declaration("call", by)  # type: ignore[attr-defined]  # noqa: SLF001
        return method

    return declare


def view(method: _Method) -> _Method:
    """Declare a method that only reads."""
    method._lianheng = Declaration("view")  # type: ignore[attr-defined]  # noqa: SLF001
    return method


def declarations(contract: type[Contract]) -> dict[str, Declaration]:
    """The calls and views of a contract by name, in the order of the source."""
    found = {}
    for base in reversed(contract.__mro__):
        for name, method in vars(base).items():
            if (declared := getattr(method, "_lianheng", None)) is not None:
                found[name] = declared
    return found
