"""What `ledger.deploy` gives: a contract, and its methods as somebody calls them."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lianheng.ledger import Table, shaped
from lianheng.model import CallFailed, ContractName, UsageError, limits

if TYPE_CHECKING:
    from lianheng.testing._fixture import LedgerFixture


class Refusal:
    """What `rejects` caught: `error` is set once the block is left."""

    error: CallFailed | None = None


class ContractHandle:
    """A deployed contract: `handle.as_(member).method(...)`; views may be asked by nobody."""

    def __init__(self, fixture: "LedgerFixture", name: ContractName) -> None:
        """Made by `deploy`."""
        self._fixture = fixture
        self.name = name

    def as_(
        self, *members: str, gas: int = limits.DEFAULT_GAS, attachments: Sequence[bytes] = ()
    ) -> "Caller":
        """The contract as these members call it: the sender, then those who sign as well.

        `attachments` are hashes that their transactions name, 32 bytes each.
        """
        for member in members:
            self._fixture.known(member)
        return Caller(self._fixture, self.name, members, gas, attachments)

    def table(self, name: str) -> Table:
        """A table, to read."""
        return self._fixture.embedded.table(self.name, name)

    @property
    def interface(self) -> Mapping[str, Any]:
        """What the contract declares: calls, views, tables, records, events, enums."""
        return self._fixture.embedded.interface(self.name)

    def check_invariants(self) -> None:
        """Run every `@invariant` on the state as it is. AssertionError names those that break."""
        self._fixture.check_invariants(self.name)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """A view, asked by nobody in particular."""
        return getattr(Caller(self._fixture, self.name, (), limits.VIEW_GAS), method)  # type: ignore[no-any-return]


class Caller:
    """A contract seen by its callers: its calls and views are methods here."""

    def __init__(
        self,
        fixture: "LedgerFixture",
        name: ContractName,
        members: tuple[str, ...],
        gas: int,
        attachments: Sequence[bytes] = (),
    ) -> None:
        """Made by `ContractHandle.as_`."""
        self._attachments = attachments
        self._fixture = fixture
        self._name = name
        self._members = members
        self._gas = gas

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """A call, which raises where it is refused and else gives the value; or a view."""
        if method.startswith("_"):
            raise AttributeError(method)

        def invoke(*values: Any, **named: Any) -> Any:
            interface = self._fixture.embedded.interface(self._name)
            kind, declared = _method(interface, self._name, method)
            arguments = _arguments(declared, method, values, named)
            target = f"{self._name}.{method}"
            if kind == "views":
                member = self._members[0] if self._members else None
                result = self._fixture.ask(member, target, arguments, self._gas)
            elif not self._members:
                raise UsageError(
                    "testing.no_sender", f"{target} is a call", "write .as_('alice@north')"
                )
            else:
                result = self._fixture.call(
                    self._members, target, arguments, self._gas, self._attachments
                )
            return shaped(result.checked().value, str(declared.get("returns", "")), interface)

        invoke.__name__ = method
        return invoke


def _method(
    interface: Mapping[str, Any], contract: str, method: str
) -> tuple[str, Mapping[str, Any]]:
    for kind in ("calls", "views"):
        for declared in interface[kind]:
            if declared["name"] == method:
                return kind, declared
    names = sorted(item["name"] for kind in ("calls", "views") for item in interface[kind])
    raise AttributeError(f"{contract} has no method {method!r}; it has {', '.join(names)}")


def _arguments(
    declared: Mapping[str, Any], method: str, values: Sequence[Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    names = [parameter["name"] for parameter in declared["parameters"]]
    if len(values) > len(names):
        raise TypeError(f"{method}() takes {len(names)} arguments, {len(values)} were given")
    arguments = dict(zip(names, values, strict=False))
    twice = sorted(set(arguments) & set(named))
    if twice:
        raise TypeError(f"{method}() got {twice[0]!r} twice")
    return {**arguments, **named}
