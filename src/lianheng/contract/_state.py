"""State beyond tables: cells and counters; who must sign a row's changes; migrations.

This room holds values in the mapping that the host gives for a name, under the empty key, and
asks the host who signed. It does not run upgrades: `migrate` only declares.
"""

from collections.abc import Callable, Iterable, MutableMapping
from copy import copy, deepcopy
from typing import Any, Generic, TypeVar, cast, overload

from lianheng.contract._records import Record, conforms, describe

_Value = TypeVar("_Value")
_Method = TypeVar("_Method", bound=Callable[..., Any])
_Rows = MutableMapping[tuple[object, ...], Any]
_Signers = Callable[[], Iterable[tuple[str, str]]]

COUNTER_MAX = 2**63 - 1
"""Most that a counter holds: what the VM keeps without big integers."""


class SignatoryMissing(BaseException):
    """A row changes without the signature of somebody whom it names as signatory.

    The VM refuses the whole call with `policy.signatory`, which no contract can catch; so this is
    no Exception.
    """

    code = "policy.signatory"

    def __init__(self, record: str, party: str, signed: Iterable[str]) -> None:
        """Name the record's class, who is missing, and who signed."""
        who = " and ".join(signed)
        super().__init__(f"{record} changes only if {party!r} signs; signed by {who}")
        self.party = party


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
        if not conforms(default, kind):
            raise TypeError(f"default is {type(default).__name__}, declared {describe(kind)}")
        self._kind = kind
        self._default = default
        self._name = "cell"
        self._rows: _Rows | None = None
        self._signers: _Signers = tuple

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def bound(self, rows: _Rows, signers: _Signers) -> "Cell[_Value]":
        """Return this declaration with its value in `rows` (for hosts, not for contracts)."""
        cell = copy(self)
        cell.__dict__.update(_rows=rows, _signers=signers)
        return cell

    def get(self) -> _Value:
        """Return the value as a copy."""
        return cast("_Value", deepcopy(self._content().get((), self._default)))

    def set(self, value: _Value) -> None:
        """Write the value; a TypeError where it has not the declared type."""
        if not conforms(value, self._kind):
            given = type(value).__name__
            raise TypeError(f"{self._name} is {given}, declared {describe(self._kind)}")
        check_parties(self.get(), value, self._signers)
        self._content()[()] = deepcopy(value)

    def _content(self) -> _Rows:
        if self._rows is None:
            raise RuntimeError(
                "this cell has no ledger: call the contract through the `ledger` fixture"
            )
        return self._rows


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
        if type(amount) is not int:
            raise TypeError(f"a counter adds int, not {type(amount).__name__}")
        if amount > COUNTER_MAX or self.get() + amount > COUNTER_MAX:
            raise OverflowError(f"the counter {self._name} cannot go beyond 2**63 - 1")
        if amount < 0:
            raise ValueError(f"a counter only grows: {amount} is negative")
        value = self.get() + amount
        Cell.set(self, value)
        return value

    def set(self, value: int) -> None:
        """Refuse: a counter only grows."""
        raise TypeError(f"a counter is not set to {value}: it has get(), next() and add(amount)")


def check_parties(old: object, new: object, signers: _Signers) -> None:
    """Raise `SignatoryMissing` unless all signatories of the row before and after signed."""
    needed = sorted(_signatories(old) | _signatories(new))
    if not needed:
        return
    signed = list(signers())
    for party in needed:
        if not any(party == (one[0] if "@" in party else one[1]) for one in signed):
            record = old if isinstance(old, Record) else new
            raise SignatoryMissing(type(record).__name__, party, [one[0] for one in signed])


def _signatories(row: object) -> set[str]:
    if not isinstance(row, Record):
        return set()
    found: set[str] = set()
    for field in type(row).signatories:
        value = getattr(row, field)
        if isinstance(value, str):
            found.add(value)
        elif value is not None:
            found.update(value)
    return found


def migrate(*, from_version: int) -> Callable[[_Method], _Method]:
    """Declare what an upgrade runs where `from_version` other sources were in force before.

    The first source that was deployed is version 0. Inside, `self.drain("items")` takes all rows
    out of a table or cell as they were stored: dicts of plain values.
    """

    def declare(method: _Method) -> _Method:
        method._migrates = from_version  # type: ignore[attr-defined]  # noqa: SLF001
        return method

    return declare
