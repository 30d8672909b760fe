"""State that is one value: cells and counters."""

from copy import copy, deepcopy
from typing import Any, Generic, TypeVar, cast, overload

from lianheng.contract._observers import check_observers
from lianheng.contract._parties import check_parties, may_have_parties
from lianheng.contract._state import State, stored
from lianheng.contract._types import Type, resolve

_Value = TypeVar("_Value")

COUNTER_MAX = 2**63 - 1
"""Most that a counter holds: what the VM keeps without big integers."""


class Cell(Generic[_Value]):
    """One value of a contract's state, read with `get()` and written with `set(value)`.

    Reads and writes look like what they are: an attribute that writes to the ledger would not, and
    a change inside of what it gave would be lost without a word.
    """

    @overload
    def __init__(self, kind: type[_Value], default: _Value) -> None: ...
    @overload
    def __init__(self, kind: Any, default: _Value) -> None: ...
    def __init__(self, kind: Any, default: _Value) -> None:
        """Declare the type, and the value that is read before one was set."""
        self._type = resolve(kind, {})
        if not self._type.conforms(default):
            raise TypeError(f"default is {type(default).__name__}, declared {self._type}")
        self._default = default
        self._name = "cell"
        self._state: State | None = None

    @property
    def type(self) -> Type:
        """The declared type (for hosts, not for contracts)."""
        return self._type

    def bound(self, state: State, name: str) -> "Cell[_Value]":
        """Return this declaration with its value in `state` (for hosts, not for contracts)."""
        cell = copy(self)
        vars(cell).update(_state=state, _name=name)
        return cell

    def get(self) -> _Value:
        """Return the value as a copy."""
        rows = self._kept().rows(self._name)
        return cast("_Value", rows.get(()) if () in rows else deepcopy(self._default))

    def set(self, value: _Value) -> None:
        """Write the value; a TypeError where it has not the declared type."""
        state = self._kept()
        state.may_write()
        if not self._type.conforms(value):
            raise TypeError(f"{self._name} is {type(value).__name__}, declared {self._type}")
        if may_have_parties(self._type):
            old = self.get()
            check_parties(old, value, state)
            check_observers(old, value, state, self._name, ())
        place = f"what {self._name} holds"
        state.rows(self._name).put((), stored(value, self._type, place))

    def _kept(self) -> State:
        if self._state is None:
            raise RuntimeError(
                "this cell has no ledger: call the contract through the `ledger` fixture"
            )
        return self._state


class Counter(Cell[int]):
    """An int that begins with 0 and only grows: a number it gave is never given again."""

    def __init__(self) -> None:
        """Declare it."""
        super().__init__(int, 0)

    def next(self) -> int:
        """Add one, and return the value after it."""
        return self.add(1)

    def add(self, amount: int) -> int:
        """Add, and return the value after it; ValueError below 0, OverflowError past 2**63 - 1."""
        self._kept().may_write()
        if type(amount) is not int:
            raise TypeError(f"a counter adds int, not {type(amount).__name__}")
        if amount < 0:
            raise ValueError(f"a counter only grows: {amount} is negative")
        if amount > COUNTER_MAX:
            raise self._past_end()
        if (value := self.get() + amount) > COUNTER_MAX:
            raise self._past_end()
        Cell.set(self, value)
        return value

    def set(self, value: int) -> None:
        """Refuse: a counter only grows."""
        raise TypeError(f"a counter is not set to {value}: it has get(), next() and add(amount)")

    def _past_end(self) -> OverflowError:
        return OverflowError(f"the counter {self._name} cannot go beyond 2**63 - 1")
