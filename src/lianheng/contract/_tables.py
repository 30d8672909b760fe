"""Typed tables over an ordered key space."""

from collections.abc import Sequence
from copy import copy
from enum import Enum
from typing import Generic, TypeVar, overload

from lianheng.contract._errors import Stopped
from lianheng.contract._observers import check_observers
from lianheng.contract._parties import check_parties
from lianheng.contract._records import Record, RecordType
from lianheng.contract._state import Place, Rows, State, place_of, stored

LIMIT_ROWS = 1_000
"""Rows that one listing may return: a call reads a bounded part of the state."""

Row = TypeVar("Row", bound=Record)
Default = TypeVar("Default")
Part = int | str | bytes | bool | Enum
Key = Part | tuple[Part, ...]
Span = tuple[Place, Place | None, Place | None]
"""What a listing wants: the prefix of keys, the first key behind it, and the first too far."""


class Table(Generic[Row]):
    """Rows of one record type, found by key, by the start of a composite key, or by an index.

    A table without a ledger (the class attribute itself) refuses every access with RuntimeError.
    """

    def __init__(
        self,
        record: type[Row],
        *,
        key: str | tuple[str, ...],
        indexes: Sequence[str | tuple[str, ...]] = (),
        unique: Sequence[str | tuple[str, ...]] = (),
    ) -> None:
        """Declare the record type, the key field or fields, and the indexed fields.

        No two rows have the same values in the fields of a `unique` index, None aside.
        """
        self.record = record
        self.key = _fields(key)
        self.unique = [_fields(index) for index in unique]
        self.indexes = [*map(_fields, indexes), *self.unique]
        self._name = ""
        self._state: State | None = None

    @property
    def type(self) -> RecordType:
        """The declared type of the rows (for hosts, not for contracts)."""
        return self.record._declared_type  # noqa: SLF001 - one room

    def bound(self, state: State, name: str) -> "Table[Row]":
        """Return this declaration with content (for hosts, not for contracts)."""
        table = copy(self)
        vars(table).update(_state=state, _name=name)
        return table

    def __getitem__(self, key: Key) -> Row:
        """Return the row as a copy; KeyError when there is none."""
        row: Row | None = self._rows().get(self._place(key))
        if row is None:
            raise KeyError(key)
        return row

    @overload
    def get(self, key: Key) -> Row | None: ...
    @overload
    def get(self, key: Key, default: Default) -> Row | Default: ...
    def get(self, key: Key, default: Default | None = None) -> Row | Default | None:
        """Return the row as a copy, or the default."""
        row: Row | None = self._rows().get(self._place(key))
        return default if row is None else row

    def __contains__(self, key: Key) -> bool:
        return self._rows().get(self._place(key)) is not None

    def __setitem__(self, key: Key, row: Row) -> None:
        """Write the row; its key fields must say the same key (ValueError)."""
        state = self._writable()
        if type(row) is not self.record:
            raise TypeError(f"{type(row).__name__} written to a table of {self.record.__name__}")
        for name, expected in row._declared_type.fields.items():  # noqa: SLF001 - one room
            # Lists and dicts inside of a record may have changed since it was made.
            if not expected.conforms(value := getattr(row, name)):
                raise TypeError(
                    f"{self.record.__name__}.{name} is {type(value).__name__} "
                    f"with other content than declared: {expected}"
                )
        place, own = self._place(key), tuple(getattr(row, name) for name in self.key)
        if place != place_of(own):
            raise ValueError(f"row has key {own!r}, written under {key!r}")
        new = stored(row, row._declared_type, f"a row of {self._name}")  # noqa: SLF001 - one room
        rows = state.rows(self._name)
        old = rows.get(place) if self.record.signatories or self.record.observers else None
        if self.record.signatories:
            check_parties(old, row, state)
        if self.record.observers:
            check_observers(old, row, state, self._name, place)
        if state.migration is None:
            self._check_unique(place, row)
        rows.put(place, new)

    def __delitem__(self, key: Key) -> None:
        """Remove the row; KeyError when there is none."""
        state, place = self._writable(), self._place(key)
        rows = state.rows(self._name)
        if place not in rows:
            raise KeyError(key)
        if self.record.signatories:
            check_parties(rows.get(place), None, state)
        rows.delete(place)

    def delete(self, key: Key) -> None:
        """Remove the row; KeyError when there is none."""
        del self[key]

    def scan(
        self,
        *prefix: Part,
        limit: int,
        start: Key | None = None,
        end: Key | None = None,
        after: Key | None = None,
        reverse: bool = False,
    ) -> list[Row]:
        """List at most `limit` rows whose key starts with `prefix`, in key order.

        `start` and `end` bound the part of the key behind the prefix: the first that is wanted,
        and the first behind that is not. `after` is the key of the last row of the page before.
        """
        if len(prefix) > len(self.key):
            raise TypeError(f"the table's key has {len(self.key)} parts, the prefix {len(prefix)}")
        _check_limit(limit)
        behind = None if after is None else self._place(after)
        within = self._span(self.key, prefix, start, end)
        rows = [(place, kept.row) for place, kept in self._rows().ordered() if _lies(place, within)]
        return self._page(rows, limit, behind, reverse=reverse)

    def by(
        self,
        index: str | tuple[str, ...],
        *values: Part,
        limit: int,
        start: Key | None = None,
        end: Key | None = None,
        after: Row | None = None,
        reverse: bool = False,
    ) -> list[Row]:
        """List at most `limit` rows by an index, in the order of indexed values, then key.

        The index goes by its first field, or by all its fields. Fewer values than fields are a
        prefix; a row whose indexed field is None is not in the index. `start` and `end` bound the
        values behind the prefix. `after` is the last row of the page before.
        """
        if self._bound_state().migration is not None:
            message = "indexes are made again after a migration: scan the table, or drain it"
            raise Stopped("language.refused", message)
        fields = self._index(index, len(values))
        _check_limit(limit)
        behind = None
        if after is not None:
            if type(after) is not self.record:
                raise TypeError("after= takes the last row of the page before")
            behind = self._entry(after, fields)
        within = self._span(fields, values, start, end)
        rows = [
            (entry, kept.row)
            for _, kept in self._rows().ordered()
            if (entry := self._entry(kept.row, fields)) and _lies(entry, within)
        ]
        rows.sort(key=lambda pair: pair[0])
        return self._page(rows, limit, behind, reverse=reverse)

    def _check_unique(self, place: Place, row: Record) -> None:
        for fields in self.unique:
            values = [getattr(row, field) for field in fields]
            if None in values:
                continue
            wanted = place_of(values)
            for key, kept in self._rows().ordered():
                entry = self._entry(kept.row, fields) or ()
                if key != place and entry[: len(wanted)] == wanted:
                    raise ValueError(self._taken(row, fields))

    def check_rows(self) -> None:
        """Read every row by its type, its key and its unique values (for hosts: an upgrade)."""
        seen: set[tuple[tuple[str, ...], Place]] = set()
        for place, kept in self._rows().ordered():
            row = kept.row
            if place_of(getattr(row, name) for name in self.key) != place:
                message = "lies under another key than its own: drain the table and write it"
                raise Stopped("contract.leftover", f"a row of {self._name} {message}")
            for fields in self.unique:
                values = [getattr(row, field) for field in fields]
                if None in values:
                    continue
                entry = fields, place_of(values)
                if entry in seen:
                    raise Stopped("contract.not_unique", self._taken(row, fields))
                seen.add(entry)

    def _taken(self, row: Record, fields: tuple[str, ...]) -> str:
        shown = ", ".join(f"{field} {getattr(row, field)!r}" for field in fields)
        return f"{self._name} has a row with {shown} already"

    def _span(
        self, fields: tuple[str, ...], values: Sequence[object], start: object, end: object
    ) -> Span:
        """The prefix of a listing, and its bounds behind that."""
        prefix = self._typed(fields, values)
        rest, bounds = fields[len(values) :], []
        for bound in (start, end):
            parts = bound if isinstance(bound, tuple) else (bound,)
            if bound is not None and len(parts) > len(rest):
                raise TypeError(
                    f"{len(rest)} fields follow the prefix, the bound has {len(parts)} values"
                )
            bounds.append(None if bound is None else self._typed(rest, parts))
        return prefix, bounds[0], bounds[1]

    def _page(
        self, rows: list[tuple[Place, Row]], limit: int, after: Place | None, *, reverse: bool
    ) -> list[Row]:
        if after is not None:
            rows = [pair for pair in rows if (pair[0] < after if reverse else pair[0] > after)]
        found = rows[::-1][:limit] if reverse else rows[:limit]
        content, key = self._rows(), self.key
        again = (content.get(place_of(getattr(row, name) for name in key)) for _, row in found)
        return list(again)

    def _index(self, index: object, values: int) -> tuple[str, ...]:
        found: tuple[str, ...] | None = None
        for fields in self.indexes:
            short = isinstance(index, str) and index == fields[0] and values <= len(fields)
            if short or index == fields:
                found = fields
                break
        if found is None or values > len(found):
            declared = "), (".join(", ".join(fields) for fields in self.indexes)
            raise ValueError(f"no index on {index!r} for {values} values; declared: ({declared})")
        return found

    def _entry(self, row: Record, fields: tuple[str, ...]) -> Place | None:
        values = [getattr(row, field) for field in fields]
        if None in values:
            return None
        return place_of([*values, *(getattr(row, name) for name in self.key)])

    def _place(self, key: object) -> Place:
        parts = key if isinstance(key, tuple) else (key,)
        if len(parts) != len(self.key):
            raise TypeError(
                f"key has {len(parts)} parts, the table's key is ({', '.join(self.key)})"
            )
        return self._typed(self.key, parts)

    def _typed(self, fields: tuple[str, ...], values: Sequence[object]) -> Place:
        declared = self.record._declared_type.fields  # noqa: SLF001 - one room
        parts: Place = ()
        for name, value in zip(fields, values, strict=False):
            if not declared[name].conforms(value):
                raise TypeError(
                    f"{self.record.__name__}.{name} is {type(value).__name__}, "
                    f"declared {declared[name]}"
                )
            parts += place_of([value])
        return parts

    def _bound_state(self) -> State:
        if self._state is None:
            raise RuntimeError(
                "this table has no ledger: call the contract through the `ledger` fixture"
            )
        return self._state

    def _rows(self) -> Rows:
        return self._bound_state().rows(self._name)

    def _writable(self) -> State:
        state = self._bound_state()
        state.may_write()
        return state


def _fields(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return (names,) if isinstance(names, str) else tuple(names)


def _lies(place: Place, within: Span) -> bool:
    prefix, start, end = within
    rest = place[len(prefix) :]
    return (
        place[: len(prefix)] == prefix
        and (start is None or rest >= start)
        and (end is None or rest < end)
    )


def _check_limit(limit: object) -> None:
    if not isinstance(limit, int):
        raise TypeError(f"'{type(limit).__name__}' object cannot be interpreted as an integer")
    if not 1 <= limit <= LIMIT_ROWS:
        raise ValueError(f"limit is {limit}, allowed 1 to {LIMIT_ROWS}")
