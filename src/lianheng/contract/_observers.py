"""Who is told: notices for rows whose records declare observers.

A transaction gives one for each row that it creates, changes or deletes: from how it found the row
to how it leaves it, whatever was written in between. Notices stand behind the events that contracts
announced, in the order of the rows' keys.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from lianheng.contract._errors import Stopped
from lianheng.contract._parties import may_have_parties, parties_in, shown
from lianheng.contract._records import Record
from lianheng.contract._state import Place, Rows, State, key_of
from lianheng.model import NOTICE, encode

Parties = frozenset[str]


def check_observers(old: object, new: object, state: State, table: str, place: Place) -> None:
    """Raise `Stopped` where a row gets an observer who is no member and no organisation."""
    for party in sorted(_observers(new) - _observers(old)):
        if state.directory.is_party(party):
            continue
        kind = type(new)
        fields = (f for f in kind.observers if party in parties_in([getattr(new, f)]))  # type: ignore[attr-defined]
        key = ", ".join(map(repr, key_of(place)))
        where = f"{table}[{key}]" if key else table
        why = "is no member or organisation, so nobody would be told of"
        what = f"'{shown(party)}' in {kind.__name__}.{next(fields)}"
        hint = "correct the name, or have it registered"
        raise Stopped("policy.observer", f"{what} {why} {where}: {hint}")


@dataclass(frozen=True)
class _Change:
    """A row from how it was found to how it stands; None where there is none."""

    table: str
    place: Place
    existed: bool
    before: Parties
    after: Parties | None

    @property
    def word(self) -> str:
        if not self.existed:
            return "created"
        return "deleted" if self.after is None else "changed"

    @property
    def moved(self) -> Parties | None:
        """In a migration: the observers of a row that was taken out, or written elsewhere."""
        if self.existed and self.after is None:
            return self.before
        return None if self.existed else self.after


def notices(states: Mapping[str, State]) -> Iterator[tuple[str, str, bytes]]:
    """The notices of everything that changed since the last `keep`: contract, name and data."""
    for contract in sorted(states):
        state = states[contract]
        found: list[_Change] = []
        for table in sorted(state.tables):
            found += _changes(table, state.tables[table], state)
        if state.migration is not None:
            found = list(_settled(found))
        for change in found:
            told = change.before | (change.after or frozenset())
            if told:
                data = {
                    "key": list(key_of(change.place)),
                    "table": change.table,
                    "change": change.word,
                    "observers": sorted(told),
                }
                yield contract, NOTICE, encode(data)


def _changes(table: str, rows: Rows, state: State) -> Iterator[_Change]:
    drained: Mapping[Place, Parties] = {}
    if state.migration is not None:
        drained = state.migration.observed.get(table, {})
    for place, before, after in rows.changed():
        if before is None and after is None:
            continue
        if state.migration is None and before and after and before.data == after.data:
            continue
        were: Parties = frozenset()
        if place in drained:
            were = drained[place]
        elif before is not None and may_have_parties(before.type):
            were = _observers(before.row)
        are = None if after is None else _observers(after.row)
        yield _Change(table, place, before is not None, were, are)


def _settled(changes: Iterable[_Change]) -> Iterator[_Change]:
    """What a migration tells.

    Nobody is told of a row that keeps its place and its observers, nor of rows that moved, where
    as many with the same observers were written as taken out.
    """
    all_of_them = list(changes)
    balance: Counter[Parties] = Counter()
    for change in all_of_them:
        if change.moved is not None:
            balance[change.moved] += 1 if change.existed else -1
    for change in all_of_them:
        moved = change.moved
        if change.before != change.after if moved is None else balance[moved] != 0:
            yield change


def _observers(row: object) -> Parties:
    if not isinstance(row, Record):
        return frozenset()
    return parties_in(getattr(row, field) for field in type(row).observers)
