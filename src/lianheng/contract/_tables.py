"""Typed tables over an ordered key space."""

from collections.abc import Sequence
from enum import Enum
from typing import Any, Generic, TypeVar, overload

from lianheng.contract._records import Record
from lianheng.contract._state import Place, Rows, State, place_of

LIMIT_ROWS = 1_000
"""Rows that one listing may return: a call reads a bounded part of the state."""

Row = TypeVar("Row", bound=Record)
Default = TypeVar("Default")
Part = int | str | bytes | bool | Enum
Key = Part | tuple[Part, ...]


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
    ) -> None:
        """Declare the record type, the key field or fields, and the indexed fields."""
        self.record = record
        self.key = (key,) if isinstance(key, str) else tuple(key)
        self.indexes = [(i,) if isinstance(i, str) else tuple(i) for i in indexes]
        self._state: State | None = None
        self._content: Rows | None = None

    def bound(self, state: State, name: str) -> "Table[Row]":
        """Return this declaration with content (for hosts, not for contracts)."""
        table = Table(self.record, key=self.key, indexes=self.indexes)
        table._state = state
        table._content = state.rows(name)
        return table

    def __getitem__(self, key: Key) -> Row:
        """Return the row as a copy; KeyError when there is none."""
        row = self._rows().get(self._place(key))
        if row is None:
            raise KeyError(key)
        return row  # type: ignore[return-value]

    @overload
    def get(self, key: Key) -> Row | None: ...
    @overload
    def get(self, key: Key, default: Default) -> Row | Default: ...
    def get(self, key: Key, default: Default | None = None) -> Row | Default | None:
        """Return the row as a copy, or the default."""
        row = self._rows().get(self._place(key))
        return default if row is None else row  # type: ignore[return-value]

    def __contains__(self, key: Key) -> bool:
        return self._rows().get(self._place(key)) is not None

    def __setitem__(self, key: Key, row: Row) -> None:
        """Write the row; its key fields must say the same key (ValueError)."""
        rows = self._writable()
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
        rows.put(place, row)

    def __delitem__(self, key: Key) -> None:
        """Remove the row; KeyError when there is none."""
        rows, place = self._writable(), self._place(key)
        if rows.get(place) is None:
            raise KeyError(key)
        rows.delete(place)

    def delete(self, key: Key) -> None:
        """Remove the row; KeyError when there is none."""
        del self[key]

    def scan(
        self, *prefix: Part, limit: int, after: Key | None = None, reverse: bool = False
    ) -> list[Row]:
        """List at most `limit` rows whose key starts with `prefix`, in key order.

        `after` is the key of the last row of the page before.
        """
        if len(prefix) > len(self.key):
            raise TypeError(f"the table's key has {len(self.key)} parts, the prefix {len(prefix)}")
        _check_limit(limit)
        behind = None if after is None else self._place(after)
        wanted = self._typed(self.key, prefix)
        rows: Any = [
            (place, stored.row)
            for place, stored in self._rows().ordered()
            if place[: len(wanted)] == wanted
        ]
        return self._page(rows, limit, behind, reverse=reverse)

    def by(
        self,
        index: str | tuple[str, ...],
        *values: Part,
        limit: int,
        after: Row | None = None,
        reverse: bool = False,
    ) -> list[Row]:
        """List at most `limit` rows by an index, in the order of indexed values, then key.

        The index goes by its first field, or by all its fields. Fewer values than fields are a
        prefix; a row whose indexed field is None is not in the index. `after` is the last row of
        the page before.
        """
        fields = self._index(index, len(values))
        _check_limit(limit)
        behind = None
        if after is not None:
            if type(after) is not self.record:
                raise TypeError("after= takes the last row of the page before")
            behind = self._entry(after, fields)
        wanted = self._typed(fields, values)
        rows: Any = [
            (entry, stored.row)
            for _, stored in self._rows().ordered()
            if (entry := self._entry(stored.row, fields)) and entry[: len(wanted)] == wanted
        ]
        rows.sort(key=lambda pair: pair[0])
        return self._page(rows, limit, behind, reverse=reverse)

    def _page(
        self, rows: list[tuple[Place, Row]], limit: int, after: Place | None, *, reverse: bool
    ) -> list[Row]:
        if after is not None:
            rows = [pair for pair in rows if (pair[0] < after if reverse else pair[0] > after)]
        found = rows[::-1][:limit] if reverse else rows[:limit]
        content, key = self._rows(), self.key
        again = (content.get(place_of(getattr(row, name) for name in key)) for _, row in found)
        return list(again)  # type: ignore[arg-type]

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

    def _rows(self) -> Rows:
        if self._content is None:
            raise RuntimeError(
                "this table has no ledger: call the contract through the `ledger` fixture"
            )
        return self._content

    def _writable(self) -> Rows:
        rows = self._rows()
        if self._state is not None:
            self._state.may_write()
        return rows


def _check_limit(limit: object) -> None:
    if not isinstance(limit, int):
        raise TypeError(f"'{type(limit).__name__}' object cannot be interpreted as an integer")
    if not 1 <= limit <= LIMIT_ROWS:
        raise ValueError(f"limit is {limit}, allowed 1 to {LIMIT_ROWS}")
