"""A small ledger in memory: runs a contract file under CPython, for tests of this folder.

It has the shape of the `ledger` fixture (deploy, as_, rejects) and none of its consensus,
signatures, gas or language checks. A refused call leaves the state as it was.
"""

import importlib.util
import inspect
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

from lianheng.contract import Caller, Contract, Event, Rejected, declarations

State = dict[str, dict[tuple[Any, ...], Any]]


class TwinHost:
    """What one call sees; `state` is its working copy."""

    def __init__(self, caller: Caller, state: State) -> None:
        self.caller = caller
        self.signers = (caller,)
        self.now = 1_772_323_200_000
        self.height = 1
        self.transaction_id = bytes(32)
        self.state = state
        self.events: list[Event] = []

    def rows(self, table: str) -> dict[tuple[Any, ...], Any]:
        return self.state.setdefault(table, {})

    def emit(self, event: Event) -> None:
        self.events.append(event)


class TwinLedger:
    """Members with roles, and the contracts deployed."""

    def __init__(self) -> None:
        self.members: dict[str, Caller] = {}

    def member(self, name: str, *, roles: Sequence[str] = ("operator",)) -> None:
        """Enrol `alice@north` with roles."""
        organisation = name.partition("@")[2]
        self.members[name] = Caller(member=name, organisation=organisation, roles=tuple(roles))

    def deploy(self, path: str | Path) -> "TwinContract":
        """Load the one contract of a file."""
        module_name = f"twin_{Path(path).stem}"
        spec = importlib.util.spec_from_file_location(module_name, path)
        if spec is None or spec.loader is None:
            raise ValueError(f"{path} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module  # annotations are resolved through it
        spec.loader.exec_module(module)
        found = [
            value
            for _, value in inspect.getmembers(module, inspect.isclass)
            if issubclass(value, Contract) and value is not Contract
        ]
        return TwinContract(self, found[0])

    @contextmanager
    def rejects(self, code: str) -> Iterator[None]:
        """Expect the block to be refused with this code."""
        try:
            yield
        except Rejected as rejected:
            if rejected.code != code:
                raise AssertionError(f"refused with {rejected}, expected {code}") from rejected
        except KeyError as error:
            if code != "KeyError":
                raise AssertionError(f"KeyError {error}, expected {code}") from error
        else:
            raise AssertionError(f"not refused, expected {code}")


class TwinContract:
    """A deployed contract: its committed state and events."""

    def __init__(self, ledger: TwinLedger, contract: type[Contract]) -> None:
        self.ledger = ledger
        self.contract = contract
        self.declared = declarations(contract)
        self.state: State = {}
        self.events: list[Event] = []

    def as_(self, member: str) -> "TwinCalls":
        """Call as this member."""
        return TwinCalls(self, self.ledger.members[member])

    def run(self, caller: Caller, name: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        declared = self.declared[name]
        if declared.by is not None and declared.by.removeprefix("role:") not in caller.roles:
            raise Rejected("policy_denied", f"{name} needs {declared.by}")
        host = TwinHost(caller, deepcopy(self.state))
        result = getattr(self.contract(host), name)(*args, **named)
        if declared.kind == "call":
            self.state = host.state
            self.events += host.events
        return result


class TwinCalls:
    """The methods of a contract, as one member calls them."""

    def __init__(self, contract: TwinContract, caller: Caller) -> None:
        self._contract = contract
        self._caller = caller

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args, **named: self._contract.run(self._caller, name, args, named)
