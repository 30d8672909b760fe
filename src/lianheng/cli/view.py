"""`lianheng view`: ask a contract, or read rows of its tables; nothing is recorded."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import As, Home, Json, Pairs

if TYPE_CHECKING:
    from lianheng import Ledger

ROWS = 50


def view(
    target: Annotated[
        str, typer.Argument(metavar="CONTRACT.VIEW", help="A view, or a table: toolshed.tools")
    ],
    pairs: Pairs = None,
    member: As = None,
    home: Home = None,
    limit: Annotated[int, typer.Option(help="Most rows of a table.", min=1, max=1000)] = ROWS,
    json: Json = False,
) -> None:
    """Ask a view of a contract, or list the rows of a table."""
    from lianheng.cli._arguments import parse_pairs, split_target
    from lianheng.cli._print import console, emit, shorten
    from lianheng.cli._session import open_client
    from lianheng.cli._show import (
        as_declared,
        find_method,
        method_of,
        note_unknown,
        record_of,
        tables_of,
    )
    from lianheng.ledger import shaped

    contract, name = split_target(target)
    with open_client(home) as ledger:
        interface = ledger.interface(contract)
        is_view = find_method(interface, name, "views") is not None
        if not is_view and name in tables_of(interface):
            found = rows(ledger, contract, name, limit)
            record = record_of(interface, name)
            shown = found if json else [shaped(row, record, interface) for row in found]
            show_rows(shown, json=json)
            return
        declared = method_of(interface, contract, name, "views")
        arguments = parse_pairs(pairs or [], declared, interface)
        value = ledger.view(target, arguments, as_=member)
        if json:
            emit({"value": value})
        else:
            console().print(shorten(as_declared(value, interface, name)), markup=False)
            note_unknown(interface, name)


def rows(ledger: "Ledger", contract: str, table: str, limit: int) -> list[Any]:
    """The first rows of a table, in the order of their keys."""
    return ledger.table(contract, table).scan(limit=limit).values


def show_rows(found: list[Any], *, json: bool) -> None:
    """One row a line."""
    from lianheng.cli._print import console, counted, emit, shorten

    if json:
        emit({"rows": found})
        return
    for row in found:
        console().print(shorten(row), markup=False)
    console().print(counted(len(found), "row"), style="dim")
