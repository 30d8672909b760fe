"""Contract classes, their declared methods, and what a running call can ask."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, overload

from lianheng.contract._cells import Cell
from lianheng.contract._interfaces import Expected, Use
from lianheng.contract._migration import drained
from lianheng.contract._records import Event, Record
from lianheng.contract._state import State
from lianheng.contract._tables import Table
from lianheng.contract._timers import DEFAULT_GAS

_Method = TypeVar("_Method", bound=Callable[..., Any])
_Invariant = TypeVar("_Invariant", bound=Callable[[Any], object])


class Caller(Record):
    """Who calls: `alice@north` is a member, `north` the organisation, with the roles held there."""

    member: str
    organisation: str
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Declaration:
    """What a decorator said: `call`, `view`, `timer` or `invariant`, and who may call it."""

    kind: str
    by: str | None = None


class Host(Protocol):
    """What surrounds a running call; the VM in a node, `lianheng.contract.twin` in tests."""

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

    @property
    def application(self) -> str | None:
        """Name of the application that made the transaction, where it gives one."""

    @property
    def attachments(self) -> tuple[bytes, ...]:
        """Hashes, 32 bytes each, of payloads off the chain that the transaction names."""

    @property
    def via(self) -> str | None:
        """Name of the contract that makes this call; None where the transaction does."""

    @property
    def contract(self) -> str:
        """Name under which the contract is deployed."""

    @property
    def state(self) -> State:
        """The contract's tables and cells."""

    def call_contract(self, use: Use, expected: Expected, arguments: Mapping[str, Any]) -> Any:
        """Run a method of another contract."""

    def emit(self, event: Event) -> None:
        """Take an event that the call announces."""

    def due(self, at: int, method: str, gas: int, arguments: Mapping[str, Any]) -> int:
        """Keep a timer; gives its number."""

    def cancel(self, number: int) -> bool:
        """Remove a timer; whether it waited."""


class Contract:
    """Base of a contract: tables as class attributes, calls and views as methods."""

    def __init__(self, host: Host) -> None:
        """Bind the tables to `host`; contracts are made by a host, not by contracts."""
        self._host = host
        for name, place in places(type(self)).items():
            setattr(self, name, place.bound(host.state, name))
        for name, use in uses(type(self)).items():
            setattr(self, name, use.bound(host))

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
        return self._host.application

    @property
    def attachments(self) -> tuple[bytes, ...]:
        """Hashes, 32 bytes each, of payloads off the chain that the transaction names."""
        return self._host.attachments

    @property
    def via(self) -> str | None:
        """Name of the contract that makes this call; None where the transaction itself does."""
        return self._host.via

    @property
    def contract(self) -> str:
        """Name under which this contract is deployed."""
        return self._host.contract

    def drain(self, name: str) -> list[Any]:
        """Take all that is stored under a table or cell; only an upgrade's migration may."""
        return drained(self._host.state, name)

    def emit(self, event: Event) -> None:
        """Announce an event; it counts only if the call ends well."""
        self._host.emit(event)

    def due(self, at: int, method: str, /, *, gas: int = DEFAULT_GAS, **arguments: Any) -> int:
        """Have a block run the `@timer` method, named by a plain text, once `at` (ms) has come.

        It costs its gas now, whatever it uses then. Gives the timer's number, from 1. ValueError
        for a moment that is not after `self.now`, or gas that no timer may carry.
        """
        return self._host.due(at, method, gas, arguments)

    def cancel(self, number: int) -> bool:
        """Remove a timer of this contract; whether it waited until now."""
        return self._host.cancel(number)


@overload
def call(method: _Method, /) -> _Method: ...
@overload
def call(*, by: str) -> Callable[[_Method], _Method]: ...
def call(method: Any = None, /, *, by: str | None = None) -> Any:
    """Declare a method that changes state, and the policy its signers must meet.

    Without a policy, as `@call`, it declares a method of an `Interface`: who may call is the other
    contract's matter.
    """
    if method is not None:
        return _declared(method, Declaration("call"))

    def declare(method: _Method) -> _Method:
        return _declared(method, Declaration("call", by))

    return declare


def view(method: _Method) -> _Method:
    """Declare a method that only reads."""
    return _declared(method, Declaration("view"))


def timer(method: _Method) -> _Method:
    """Declare a method that a block runs by itself, once: see `Contract.due`.

    Nobody calls it from outside and nobody signs it: `self.caller.member` is empty.
    """
    return _declared(method, Declaration("timer"))


def invariant(method: _Invariant) -> _Invariant:
    """Declare a method without arguments that must hold in every state: it raises where not.

    Tests run it after each call (`lianheng.testing.ledger_machine`). On the chain it is a helper
    that nobody outside reaches, so it costs nothing there.
    """
    return _declared(method, Declaration("invariant"))


def migrate(*, from_version: int) -> Callable[[_Method], _Method]:
    """Declare what an upgrade runs where `from_version` other sources were in force before.

    The first source that was deployed is version 0. Inside, `self.drain("items")` takes all rows
    out of a table or cell as they were stored: dicts of plain values.
    """

    def declare(method: _Method) -> _Method:
        method._migrates = from_version  # type: ignore[attr-defined]  # noqa: SLF001
        return method

    return declare


def declarations(contract: type[Contract]) -> dict[str, Declaration]:
    """The calls, views, timers and invariants of a contract by name, in the order of the source."""
    found = {}
    for base in reversed(contract.__mro__):
        for name, method in vars(base).items():
            if (declared := getattr(method, "_lianheng", None)) is not None:
                found[name] = declared
    return found


def migrations(contract: type[Contract]) -> dict[int, str]:
    """Names of the migrations of a contract, by the source that each starts from."""
    found = {}
    for name, method in vars(contract).items():
        if (source := getattr(method, "_migrates", None)) is not None:
            found[int(source)] = name
    return found


def places(contract: type[Contract]) -> dict[str, Table[Any] | Cell[Any]]:
    """The tables and cells of a contract by name, in source order; found once a class."""
    known: dict[str, Table[Any] | Cell[Any]] | None = contract.__dict__.get("_places")
    if known is None:
        known = {
            name: place
            for base in reversed(contract.__mro__)
            for name, place in vars(base).items()
            if isinstance(place, Table | Cell)
        }
        contract._places = known  # type: ignore[attr-defined]  # noqa: SLF001
    return known


def uses(contract: type[Contract]) -> dict[str, Use]:
    """The other contracts that a contract uses, by the name of the attribute; found once."""
    known: dict[str, Use] | None = contract.__dict__.get("_uses")
    if known is None:
        known = {
            name: use
            for base in reversed(contract.__mro__)
            for name, use in vars(base).items()
            if isinstance(use, Use)
        }
        contract._uses = known  # type: ignore[attr-defined]  # noqa: SLF001
    return known


_Declared = TypeVar("_Declared", bound=Callable[..., Any])


def _declared(method: _Declared, declaration: Declaration) -> _Declared:
    method._lianheng = declaration  # type: ignore[attr-defined]  # noqa: SLF001
    return method
