"""Typed tables over an ordered key space, here held in memory."""

from collections.abc import Iterator, MutableMapping, Sequence
from copy import deepcopy
from typing import Generic, TypeVar

from lianheng.contract._records import Record

LIMIT_ROWS = 1_000
"""Rows that one listing may return: a call reads a bounded part of the state."""

Row = TypeVar("Row", bound=Record)
Key = int | str | bytes | bool | tuple[int | str | bytes | bool, ...]


class Table(Generic[Row]):
    """Rows of one record type, found by key, by the start of a composite key, or by an index.

    Under CPython the rows lie in a mapping that the host gives; a table without a host (the class
    attribute itself) refuses every access with RuntimeError.
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
        self._rows: MutableMapping[tuple[object, ...], Row] | None = None

    def bound(self, rows: MutableMapping[tuple[object, ...], Row]) -> "Table[Row]":
        """Return this declaration with `rows` as its content (for hosts, not for contracts)."""
        table = Table(self.record, key=self.key, indexes=self.indexes)
        table._rows = rows
        return table

    def __getitem__(self, key: Key) -> Row:
        """Return the row as a copy; KeyError when there is none."""
        return deepcopy(self._content()[self._full(key)])

    def get(self, key: Key) -> Row | None:
        """Return the row as a copy, or None."""
        return deepcopy(self._content().get(self._full(key)))

    def __contains__(self, key: Key) -> bool:
        return self._full(key) in self._content()

    def __setitem__(self, key: Key, row: Row) -> None:
        """Write the row; its key fields must say the same key (ValueError)."""
        if type(row) is not self.record:
            raise TypeError(f"{type(row).__name__} written to a table of {self.record.__name__}")
        if self._full(key) != self._key_of(row):
            raise ValueError(f"row has key {self._key_of(row)!r}, written under {key!r}")
        self._content()[self._full(key)] = deepcopy(row)

    def __delitem__(self, key: Key) -> None:
        """Remove the row; KeyError when there is none."""
        del self._content()[self._full(key)]

    def scan(self, *prefix: int | str | bytes | bool, limit: int) -> list[Row]:
        """List at most `limit` rows whose key starts with `prefix`, in key order."""
        return self._first(self.key, prefix, limit)

    def by(self, index: str, *values: int | str | bytes | bool, limit: int) -> list[Row]:
        """List at most `limit` rows whose indexed fields start with `values`, in key order."""
        for fields in self.indexes:
            if fields[0] == index and len(values) <= len(fields):
                return self._first(fields, values, limit)
        raise ValueError(f"no index on {index!r}; declared: {self.indexes}")

    def _first(self, fields: tuple[str, ...], values: tuple[object, ...], limit: int) -> list[Row]:
        if not 0 < limit <= LIMIT_ROWS:
            raise ValueError(f"limit is {limit}, allowed 1 to {LIMIT_ROWS}")
        found = [row for row in self._ordered() if _starts(row, fields, values)]
        return deepcopy(found[:limit])

    def _ordered(self) -> Iterator[Row]:
        content = self._content()
        return (content[key] for key in sorted(content))

    def _key_of(self, row: Row) -> tuple[object, ...]:
        return tuple(getattr(row, field) for field in self.key)

    def _full(self, key: Key) -> tuple[object, ...]:
        full = key if isinstance(key, tuple) else (key,)
        if len(full) != len(self.key):
            raise TypeError(f"key has {len(full)} parts, the table's key is {self.key}")
        return full

    def _content(self) -> MutableMapping[tuple[object, ...], Row]:
        if self._rows is None:
            raise RuntimeError(
                "this table has no ledger: call the contract through the `ledger` fixture"
            )
        return self._rows


def _starts(row: Record, fields: tuple[str, ...], values: tuple[object, ...]) -> bool:
    return all(getattr(row, f) == v for f, v in zip(fields, values, strict=False))
