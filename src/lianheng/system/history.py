"""Rows of the system's contracts as they were in force at a height, and which rows show it.

Rows are versions `(subject, version)` with `since`; none is ever changed. The one in force at a
height is the last version whose `since` is not above it. Two facts show that: the version itself,
and the next one, which is absent, or whose `since` is above the height.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from lianheng.model import InvalidValue


class Row(Protocol):
    """A key and its value."""

    @property
    def key(self) -> tuple[Any, ...]:
        """Its parts in order."""

    @property
    def value(self) -> Any:
        """The record as a map."""


class Page(Protocol):
    """Some rows, and where the next page begins."""

    @property
    def after(self) -> bytes | None:
        """None where there is none."""

    def __iter__(self) -> Iterator[Row]:
        """The rows in order."""


class Table(Protocol):
    """One table of a contract at the last height."""

    def get(self, *key: Any) -> Any:
        """The row with this key, or None."""

    def scan(
        self, prefix: Sequence[Any] = (), limit: int = 1_000, *, after: bytes | None = None
    ) -> Page:
        """Rows whose key begins with these parts, in key order."""


class Tables(Protocol):
    """A chain whose tables can be read: `ledger.Ledger` is one."""

    @property
    def height(self) -> int:
        """Height of the last block."""

    def table(self, contract: str, name: str) -> Table:
        """A table of a contract."""


class Fact(NamedTuple):
    """A row of a table that is there with this value, or is absent (None)."""

    contract: str
    table: str
    key: tuple[Any, ...]
    value: Any

    @property
    def name(self) -> str:
        """`members.members alice@north 0`."""
        parts = " ".join(p.hex() if isinstance(p, bytes) else str(p) for p in self.key)
        return f"{self.contract}.{self.table} {parts}"


class InForce(NamedTuple):
    """The row in force at a height (None: none yet), and the facts that show it."""

    row: Any
    facts: tuple[Fact, ...]


class History:
    """What was in force at one height. It reads when it is asked, at the last height there is."""

    def __init__(self, tables: Tables, height: int | None = None) -> None:
        """`height` is that of a block whose calls are meant; without it, the next one.

        Raise `InvalidValue` where the chain cannot know yet.
        """
        following = tables.height + 1
        self.height = following if height is None else height
        self.tables = tables
        if not 0 <= self.height <= following:
            raise InvalidValue(
                "height.unknown",
                f"what is in force at height {height} is not known: the next block is {following}",
                f"give a height from 0 to {following}",
            )

    def row(self, contract: str, table: str, subject: str | bytes) -> InForce:
        """The row of one subject, with what shows it."""
        rows = [row.value for row in self.all_rows(contract, table, (subject,))]
        return self._choose(contract, table, subject, rows)

    def rows(self, contract: str, table: str) -> list[InForce]:
        """Of each subject that had a row at this height, in key order."""
        found: dict[Any, list[Any]] = {}
        for row in self.all_rows(contract, table):
            found.setdefault(row.key[0], []).append(row.value)
        chosen = (self._choose(contract, table, subject, rows) for subject, rows in found.items())
        return [one for one in chosen if one.row is not None]

    def all_rows(self, contract: str, table: str, prefix: tuple[Any, ...] = ()) -> Iterator[Row]:
        """The rows of a table as it is, every version, page by page."""
        after: bytes | None = None
        while True:
            page = self.tables.table(contract, table).scan(prefix, after=after)
            yield from page
            after = page.after
            if after is None:
                return

    def _choose(
        self, contract: str, table: str, subject: str | bytes, rows: Sequence[Any]
    ) -> InForce:
        count = sum(row["since"] <= self.height for row in rows)  # `since` never falls
        following = rows[count] if count < len(rows) else None
        facts = [Fact(contract, table, (subject, count), following)]
        if count:
            facts.insert(0, Fact(contract, table, (subject, count - 1), rows[count - 1]))
        return InForce(rows[count - 1] if count else None, tuple(facts))
