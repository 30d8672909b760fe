"""What a migration takes out of the old layout, and whose signatures it needs for that."""

from collections.abc import Sequence
from typing import Any

from lianheng.contract._errors import Stopped
from lianheng.contract._parties import has_signed, parties_in, shown
from lianheng.contract._state import State
from lianheng.model import decode


def drained(state: State, name: str) -> list[Any]:
    """Take out all that is stored under a table or cell, as plain values in the order of keys."""
    state.may_write()
    migration = state.migration
    if migration is None:
        raise Stopped("language.refused", "only the migration of an upgrade drains tables")
    rows, found = state.rows(name), []
    for place, kept in rows.ordered():
        plain = decode(kept.data)
        parties = _named(plain, migration.fields.get(name, ()))
        if parties:
            migration.released[parties] += 1
        if not rows.is_changed(place):
            observers = _named(plain, migration.observing.get(name, ()))
            migration.observed.setdefault(name, {})[place] = observers
        found.append(plain)
        rows.delete(place)
    return found


def _named(plain: Any, fields: Sequence[str]) -> frozenset[str]:
    """The names in fields of a stored value; a cell may hold no record."""
    return parties_in(plain.get(field) for field in fields if isinstance(plain, dict))


def check_released(state: State) -> None:
    """Raise `Stopped` where a row was taken out for good and its signatories did not sign."""
    migration = state.migration
    left = () if migration is None else (+migration.released).keys()
    for parties in sorted(map(sorted, left)):
        for party in parties:
            if not has_signed(party, state):
                message = f"the migration removes a row only if '{shown(party)}' signs"
                raise Stopped("policy.signatory", message)
