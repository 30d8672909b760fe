"""The content of tables and cells in memory: values by key, in key order; changes can be undone."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from lianheng.contract._directory import Directory, Nobody
from lianheng.contract._errors import Stopped
from lianheng.contract._records import Record, copied
from lianheng.contract._timers import Timers
from lianheng.contract._types import Mismatch, Type, to_plain
from lianheng.model import decode, encode

Place = tuple[tuple[int, Any], ...]
"""Key parts in a form that sorts as the chain's keys do: kind, then value."""

_KINDS = {bytes: 0, str: 1, int: 2, bool: 3}


_UNREAD: Any = object()


class Stored:
    """A row or a cell's value: its canonical bytes, the declared type, and what they mean by it.

    What was written under another layout is read when it is asked for, and may not fit.
    """

    __slots__ = ("_row", "data", "place", "type")

    def __init__(self, data: bytes, declared: Type, place: str, row: Any = _UNREAD) -> None:
        """`place` says what holds it: `a row of items`."""
        self.data = data
        self.type = declared
        self.place = place
        self._row = row

    @property
    def row(self) -> Any:
        """The value, not to be handed out. Raise `Stopped` where the bytes have another type."""
        if self._row is _UNREAD:
            self._row = self._read()
        return self._row

    def fresh(self) -> Any:
        """A copy that may be handed out."""
        if not self.type.immutable:
            return self._read()
        return copied(self.row) if isinstance(self.row, Record) else self.row

    def _read(self) -> Any:
        try:
            return self.type.decode(decode(self.data))
        except Mismatch as found:
            message = f"{self.place} is no {self.type}{found.path}: {found.message}"
            raise Stopped("state.unreadable", message) from None


def stored(value: object, declared: Type, place: str) -> Stored:
    """What is kept of a value. Raise TypeError where it holds what cannot be stored."""
    data = encode(to_plain(value))
    row = value if declared.immutable else declared.decode(decode(data))
    return Stored(data, declared, place, row)


@dataclass
class Migration:
    """What an upgrade's migration knows of the layout that ends."""

    fields: Mapping[str, Sequence[str]]
    """Fields that name signatories, by table or cell."""
    observing: Mapping[str, Sequence[str]]
    """Fields that name observers, by table or cell."""
    released: Counter[frozenset[str]] = field(default_factory=Counter)
    """How many rows with these signatories were taken out and not written again."""
    observed: dict[str, dict[Place, frozenset[str]]] = field(default_factory=dict)
    """Observers, by the old layout, of rows that were taken out as they had been found."""

    def returned(self, parties: frozenset[str]) -> bool:
        """Whether a row with these signatories was taken out; from then on it is back."""
        if self.released[parties] <= 0:
            return False
        self.released[parties] -= 1
        return True


class Rows:
    """One table's or cell's content. Changes since the last `keep` can be taken back."""

    def __init__(self) -> None:
        """An empty table."""
        self._content: dict[Place, Stored] = {}
        self._before: dict[Place, Stored | None] = {}
        self._sorted: list[Place] | None = []

    def __len__(self) -> int:
        """How many rows."""
        return len(self._content)

    def __contains__(self, place: Place) -> bool:
        return place in self._content

    def get(self, place: Place) -> Any:
        """A copy of what is kept at this key; None where nothing is."""
        found = self._content.get(place)
        return None if found is None else found.fresh()

    def put(self, place: Place, new: Stored) -> None:
        """Write."""
        self._change(place, new)

    def delete(self, place: Place) -> None:
        """Remove a row that is there."""
        self._change(place, None)

    def ordered(self) -> Iterable[tuple[Place, Stored]]:
        """All rows in key order."""
        if self._sorted is None:
            self._sorted = sorted(self._content)
        return [(place, self._content[place]) for place in self._sorted]

    def keep(self) -> dict[Place, bytes | None]:
        """Make the changes last; gives the new bytes of each row that changed, None for deleted."""
        changed = {place: self._data(place) for place in self._before}
        self._before = {}
        return changed

    def undo(self) -> None:
        """Take back every change since the last `keep`."""
        for place, before in self._before.items():
            self._set(place, before)
        self._before = {}

    def changed(self) -> list[tuple[Place, Stored | None, Stored | None]]:
        """What was kept before and what is now, of each row written since `keep`, in key order."""
        written = sorted(self._before)
        return [(place, self._before[place], self._content.get(place)) for place in written]

    def is_changed(self, place: Place) -> bool:
        """Whether a row was written since the last `keep`."""
        return place in self._before

    def copy(self) -> "Rows":
        """The same rows, for a snapshot."""
        other = Rows()
        other._content = dict(self._content)
        other._sorted = None
        return other

    def retyped(self, declared: Type, place: str) -> "Rows":
        """The same bytes, to be read by another type."""
        other = Rows()
        kept = self._content.items()
        other._content = {key: Stored(found.data, declared, place) for key, found in kept}
        other._sorted = None
        return other

    def data(self) -> dict[tuple[Any, ...], bytes]:
        """Each row's key and bytes, in key order."""
        return {key_of(place): stored.data for place, stored in self.ordered()}

    def _data(self, place: Place) -> bytes | None:
        found = self._content.get(place)
        return None if found is None else found.data

    def _change(self, place: Place, new: Stored | None) -> None:
        self._before.setdefault(place, self._content.get(place))
        self._set(place, new)

    def _set(self, place: Place, new: Stored | None) -> None:
        if (new is None) == (place in self._content):
            self._sorted = None
        if new is None:
            self._content.pop(place, None)
        else:
            self._content[place] = new


class State:
    """The tables and cells of one contract while it runs; a view may not change them."""

    def __init__(self, tables: Mapping[str, Rows] | None = None) -> None:
        """Empty, or with these tables."""
        self.tables: dict[str, Rows] = dict(tables or {})
        self.timers = Timers()
        self.read_only = False
        self.signed: tuple[tuple[str, str], ...] = ()
        """Member and organisation of each signer of the running call."""
        self.directory: Directory = Nobody()
        """Who there is on the chain of the running call."""
        self.migration: Migration | None = None
        """Set while the migration of an upgrade runs."""

    def rows(self, table: str) -> Rows:
        """A table's content."""
        return self.tables.setdefault(table, Rows())

    def may_write(self) -> None:
        """Raise `Stopped` inside a view."""
        if self.read_only:
            raise Stopped("view.write", "a view only reads: declare the method with @call to write")

    def keep(self) -> dict[str, dict[Place, bytes | None]]:
        """Make the changes last; gives them by table."""
        self.timers.keep()
        changed = {name: rows.keep() for name, rows in self.tables.items()}
        return {name: rows for name, rows in changed.items() if rows}

    def undo(self) -> None:
        """Take back every change since the last `keep`."""
        self.timers.undo()
        for rows in self.tables.values():
            rows.undo()

    def copy(self) -> "State":
        """The same content, for a snapshot."""
        other = State({name: rows.copy() for name, rows in self.tables.items()})
        other.timers = self.timers.copy()
        return other


def place_of(values: Iterable[object]) -> Place:
    """Key parts in the form that sorts; enums count by value. Raise TypeError for other types."""
    return tuple(_part(value) for value in values)


def key_of(place: Place) -> tuple[Any, ...]:
    """The plain key parts again."""
    return tuple(value for _, value in place)


def _part(value: object) -> tuple[int, Any]:
    plain = value.value if isinstance(value, Enum) else value
    kind = _KINDS.get(type(plain))
    if kind is None:
        raise TypeError(f"a {type(plain).__name__} cannot be part of a key")
    return kind, plain
