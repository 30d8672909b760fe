"""Reading a contract's tables: single rows, ranges in key order, and indexes."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, overload

from lianheng.ledger._backend import Backend, Rows
from lianheng.model import Row, decode, limits


class TableRow(NamedTuple):
    """A key and its value."""

    key: tuple[Any, ...]
    value: Any


class Page(Sequence[TableRow]):
    """Some rows in order; `after` is where the next page begins, None where there is none."""

    __slots__ = ("_rows", "after")

    def __init__(self, rows: Sequence[TableRow], after: bytes | None) -> None:
        """Rows as the core gave them."""
        self._rows = tuple(rows)
        self.after = after

    def __len__(self) -> int:
        """How many rows."""
        return len(self._rows)

    @overload
    def __getitem__(self, index: int) -> TableRow: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[TableRow]: ...
    def __getitem__(self, index: int | slice) -> TableRow | Sequence[TableRow]:
        """The row at this position."""
        return self._rows[index]

    @property
    def values(self) -> list[Any]:
        """The values alone."""
        return [row.value for row in self._rows]


class Table:
    """One table of a contract, at the last committed height."""

    __slots__ = ("_backend", "_contract", "_name", "_record")

    def __init__(self, backend: Backend, contract: str, name: str, record: str) -> None:
        """`record` is the name under which rows are shown."""
        self._backend = backend
        self._contract = contract
        self._name = name
        self._record = record

    def get(self, *key: Any) -> Any:
        """The row with this key (its parts in order), or None where there is none."""
        data = self._backend.get(self._contract, self._name, key)
        return None if data is None else self._value(data)

    def scan(
        self,
        prefix: Sequence[Any] | str | int | bytes = (),
        limit: int = limits.PAGE_ROWS,
        *,
        after: bytes | None = None,
        reverse: bool = False,
    ) -> Page:
        """Rows whose key begins with these parts, in key order."""
        found = self._backend.scan(
            self._contract, self._name, _parts(prefix), limit=limit, after=after, reverse=reverse
        )
        return self._page(found)

    def by(
        self,
        index: str,
        values: Sequence[Any] | str | int | bytes,
        limit: int = limits.PAGE_ROWS,
        *,
        after: bytes | None = None,
        reverse: bool = False,
    ) -> Page:
        """Rows whose indexed fields have these values, in key order."""
        found = self._backend.index(
            self._contract,
            self._name,
            index,
            _parts(values),
            limit=limit,
            after=after,
            reverse=reverse,
        )
        return self._page(found)

    def __iter__(self) -> Iterator[TableRow]:
        """All rows in key order, page by page."""
        after: bytes | None = None
        while True:
            page = self.scan((), after=after)
            yield from page
            after = page.after
            if after is None:
                return

    def _page(self, found: Rows) -> Page:
        rows, after = found
        return Page([TableRow(tuple(key), self._value(data)) for key, data in rows], after)

    def _value(self, data: bytes) -> Any:
        value = decode(data)
        return Row(value, self._record) if isinstance(value, dict) else value


def _parts(value: Sequence[Any] | str | int | bytes) -> Sequence[Any]:
    # One part may be given alone; a text is a part, not a sequence of letters.
    return (value,) if isinstance(value, str | int | bytes) else value
