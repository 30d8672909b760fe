"""Typed tables over an ordered key space, here held in memory."""

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from copy import deepcopy
from enum import Enum
from typing import Any, Generic, TypeVar, overload

from lianheng.contract._records import Record
from lianheng.contract._state import check_parties

LIMIT_ROWS = 1_000
"""Rows that one listing may return: a call reads a bounded part of the state."""

Row = TypeVar("Row", bound=Record)
Default = TypeVar("Default")
Part = int | str | bytes | bool | Enum
Key = Part | tuple[Part, ...]


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
        unique: Sequence[str | tuple[str, ...]] = (),
    ) -> None:
        """Declare the record type, the key field or fields, and the indexed fields.

        No two rows have the same values in the fields of a `unique` index.
        """
        self.record = record
        self.key = (key,) if isinstance(key, str) else tuple(key)
        self.unique = [(i,) if isinstance(i, str) else tuple(i) for i in unique]
        plain = [(i,) if isinstance(i, str) else tuple(i) for i in indexes]
        self.indexes = [*plain, *self.unique]
        self._plain_indexes = plain
        self._signers: Callable[[], Iterable[tuple[str, str]]] = tuple
        self._name = record.__name__
        self._rows: MutableMapping[tuple[object, ...], Row] | None = None

    def __set_name__(self, _: type, name: str) -> None:
        self._name = name

    def bound(
        self,
        rows: MutableMapping[tuple[object, ...], Row],
        signers: Callable[[], Iterable[tuple[str, str]]] = tuple,
    ) -> "Table[Row]":
        """Return this declaration with `rows` as its content (for hosts, not for contracts).

        `signers` gives member and organisation of each signer of the running call.
        """
        table = Table(self.record, key=self.key, indexes=self._plain_indexes, unique=self.unique)
        table._rows, table._signers, table._name = rows, signers, self._name
        return table

    def __getitem__(self, key: Key) -> Row:
        """Return the row as a copy; KeyError when there is none."""
        return deepcopy(self._content()[self._full(key)])

    @overload
    def get(self, key: Key) -> Row | None: ...
    @overload
    def get(self, key: Key, default: Default) -> Row | Default: ...
    def get(self, key: Key, default: Default | None = None) -> Row | Default | None:
        """Return the row as a copy, or the default."""
        found = self._content().get(self._full(key))
        return default if found is None else deepcopy(found)

    def __contains__(self, key: Key) -> bool:
        return self._full(key) in self._content()

    def __setitem__(self, key: Key, row: Row) -> None:
        """Write the row; its key fields must say the same key (ValueError)."""
        if type(row) is not self.record:
            raise TypeError(f"{type(row).__name__} written to a table of {self.record.__name__}")
        if self._full(key) != self._key_of(row):
            raise ValueError(f"row has key {self._key_of(row)!r}, written under {key!r}")
        full = self._full(key)
        check_parties(self._content().get(full), row, self._signers)
        self._check_unique(full, row)
        self._content()[full] = deepcopy(row)

    def __delitem__(self, key: Key) -> None:
        """Remove the row; KeyError when there is none."""
        full = self._full(key)
        check_parties(self._content()[full], None, self._signers)
        del self._content()[full]

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
        behind = None if after is None else self._full(after)
        bounds = (start, end)
        return self._page(self.key, prefix, limit, behind, reverse=reverse, bounds=bounds)

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
        prefix; a row whose indexed field is None is not in the index. `after` is the last row of
        the page before.
        """
        for fields in self.indexes:
            named = index in (fields[0], fields)
            if named and len(values) <= len(fields):
                behind = None if after is None else _values(after, fields) + self._key_of(after)
                bounds = (start, end)
                return self._page(fields, values, limit, behind, reverse=reverse, bounds=bounds)
        raise ValueError(f"no index on {index!r}; declared: {self.indexes}")

    def _check_unique(self, full: tuple[object, ...], row: Row) -> None:
        for fields in self.unique:
            values = _values(row, fields)
            if None in values:
                continue
            for key, other in self._content().items():
                if key != full and _values(other, fields) == values:
                    shown = ", ".join(f"{f} {getattr(row, f)!r}" for f in fields)
                    raise ValueError(f"{self._name} has a row with {shown} already")

    def _page(
        self,
        fields: tuple[str, ...],
        values: tuple[object, ...],
        limit: int,
        after: tuple[Any, ...] | None,
        *,
        reverse: bool,
        bounds: tuple[Key | None, Key | None],
    ) -> list[Row]:
        if not 0 < limit <= LIMIT_ROWS:
            raise ValueError(f"limit is {limit}, allowed 1 to {LIMIT_ROWS}")
        wanted = _plain(values)
        first, last = (_bound(bound, len(fields) - len(wanted)) for bound in bounds)
        placed: list[tuple[tuple[Any, ...], Row]] = []
        for row in self._content().values():
            place = _values(row, fields)
            if None in place or place[: len(wanted)] != wanted:
                continue
            rest = place[len(wanted) :]
            if (first is not None and rest < first) or (last is not None and rest >= last):
                continue
            placed.append((place if fields == self.key else place + self._key_of(row), row))
        placed.sort(key=lambda pair: pair[0], reverse=reverse)
        if after is not None:
            placed = [p for p in placed if (p[0] < after if reverse else p[0] > after)]
        return deepcopy([row for _, row in placed[:limit]])

    def _key_of(self, row: Row) -> tuple[object, ...]:
        return _values(row, self.key)

    def _full(self, key: Key) -> tuple[object, ...]:
        parts = key if isinstance(key, tuple) else (key,)
        full = _plain(parts)
        if len(full) != len(self.key):
            raise TypeError(f"key has {len(full)} parts, the table's key is {self.key}")
        return full

    def _content(self) -> MutableMapping[tuple[object, ...], Row]:
        if self._rows is None:
            raise RuntimeError(
                "this table has no ledger: call the contract through the `ledger` fixture"
            )
        return self._rows


def _values(row: Record, fields: tuple[str, ...]) -> tuple[Any, ...]:
    return _plain(getattr(row, field) for field in fields)


def _bound(bound: Key | None, fields: int) -> tuple[Any, ...] | None:
    """Values of a bound, as they are stored; at most as many as fields follow the prefix."""
    if bound is None:
        return None
    values = _plain(bound if isinstance(bound, tuple) else (bound,))
    if len(values) > fields:
        raise TypeError(f"{fields} fields follow the prefix, the bound has {len(values)} values")
    return values


def _plain(values: Iterable[object]) -> tuple[Any, ...]:
    """Values as they are stored: an enum by its value."""
    return tuple(value.value if isinstance(value, Enum) else value for value in values)
