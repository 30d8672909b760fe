"""An upgrade under CPython: a contract's state brought to the layout of the source that follows."""

from collections.abc import Mapping
from typing import Any

from lianheng.contract._cells import Cell
from lianheng.contract._contracts import places
from lianheng.contract._directory import asking
from lianheng.contract._errors import Stopped, every_stop
from lianheng.contract._layout import index_names, layout_changes
from lianheng.contract._load import Program
from lianheng.contract._migration import check_released
from lianheng.contract._run import Outcome
from lianheng.contract._state import Migration, State
from lianheng.contract._tables import Table
from lianheng.contract._transaction import Call, Failure, Host, Peer, Transaction, failure_of
from lianheng.contract._types import Anything, Choice, Type


def upgrade(
    own: Peer, new: Program, from_version: int, call: Call, peers: Mapping[str, Peer]
) -> tuple[Outcome, State]:
    """Run an upgrade of `own` by the signers of `call`; gives the state after it, or the same one.

    `from_version` counts the sources that were in force before the present one.
    """
    old, state = own.program, own.state
    migration = new.migrations.get(from_version)
    if migration is None:
        for change in layout_changes(old.contract, new.contract):
            if change.needs_migration:
                message = f"{change.what}: {change.how}; this needs @migrate(from_version="
                failure = Failure("contract.migration_missing", f"{message}{from_version})")
                return Outcome(failure=failure), state
    content = _retyped(state, new)
    content.directory = call.directory
    content.signed = tuple((signer.member, signer.organisation) for signer in call.signers)
    transaction = Transaction(call, peers)
    transaction.entered[call.contract] = content
    host = Host(transaction, call.contract, Peer(new, content), view=False)
    transaction.active.append(call.contract)
    try:
        if migration is not None:
            content.migration = Migration(
                _party_fields(old, "signatories"), _party_fields(old, "observers")
            )
            with every_stop() as transaction.stops, asking(call.directory):
                getattr(new.contract(host), migration)()
            transaction.check_stops()
            check_released(content)
            transaction.tell()
            content.migration = None
            _check_leftovers(old, new, content)
        _read_again(old, new, content, migrated=migration is not None)
    except (Exception, Stopped) as error:  # noqa: BLE001 - a contract may raise anything
        transaction.undo()
        return Outcome(
            failure=transaction.failure or failure_of(transaction.first(error), new)
        ), state
    return Outcome(events=tuple(transaction.events), changes=transaction.keep()), content


def _retyped(state: State, new: Program) -> State:
    """The same content; what the new source has a name for is read by its types."""
    content, known = State(), places(new.contract)
    content.timers = state.timers.copy()
    for name, rows in state.tables.items():
        place = known.get(name)
        if isinstance(place, Table):
            content.tables[name] = rows.retyped(place.type, f"a row of {name}")
        else:
            declared: Type = Anything() if place is None else place.type
            content.tables[name] = rows.retyped(declared, f"what {name} holds")
    return content


def _party_fields(old: Program, parties: str) -> dict[str, list[str]]:
    found = {}
    for name, place in places(old.contract).items():
        choices = place.type.choices if isinstance(place.type, Choice) else (place.type,)
        kinds = (getattr(choice, "of", None) for choice in choices)
        found[name] = [field for kind in kinds for field in getattr(kind, parties, ())]
    return {name: fields for name, fields in found.items() if fields}


def _check_leftovers(old: Program, new: Program, content: State) -> None:
    known = places(new.contract)
    for kind in (Table, Cell):
        for name, place in places(old.contract).items():
            if not isinstance(place, kind) or isinstance(known.get(name), kind):
                continue
            if any((key == ()) == (kind is Cell) for key in content.rows(name).data()):
                message = f"{name} is gone, but something is stored there still: drain it"
                raise Stopped("contract.leftover", message)


def _read_again(old: Program, new: Program, content: State, *, migrated: bool) -> None:
    """Read what lies under another layout; the chain makes its indexes on the way."""
    before, after = places(old.contract), places(new.contract)
    for name, table in after.items():
        known: Any = before.get(name)
        if not isinstance(table, Table) or not (migrated or isinstance(known, Table)):
            continue
        had = index_names(known) if isinstance(known, Table) else []
        if migrated or any(index not in had for index in index_names(table)):
            table.bound(content, name).check_rows()
    for name, cell in after.items():
        if isinstance(cell, Cell):
            cell.bound(content, name).get()
