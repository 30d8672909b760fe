"""`lianheng contract diff`: what an upgrade changes, and whether it needs a migration."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianheng.cli._options import Json

if TYPE_CHECKING:
    from lianheng.contract.upgrades import Effect

Old = Annotated[Path, typer.Argument(metavar="OLD", help="The contract as it is deployed.")]
New = Annotated[Path, typer.Argument(metavar="NEW", help="The contract as it shall become.")]


def diff(old: Old, new: New, json: Json = False) -> None:
    """Compare two versions of a contract: stored rows, callers, authority, events.

    Exit code 1 where stored rows need a migration.
    """
    from lianheng import _native
    from lianheng.cli._print import console, emit, table
    from lianheng.cli.contract import read_source
    from lianheng.cli.contracts.check import refuse_if_wrong
    from lianheng.contract.imports import by_digits
    from lianheng.contract.upgrades import Effect, compare

    interfaces = []
    for file in (old, new):
        source = read_source(file)
        refuse_if_wrong(source, file)
        interfaces.append(_native.contract_interface(source, file.name, by_digits(source)))
    found = compare(*interfaces)
    counts = {effect: sum(change.effect is effect for change in found) for effect in Effect}
    needs = counts[Effect.MIGRATION] > 0
    if json:
        emit({"migration": needs, "changes": [change.to_json() for change in found]})
    else:
        if found:
            rows = [(change.effect, change.where, change.what, change.why) for change in found]
            table(("concerns", "where", "what", "why"), rows)
        style = "bold red" if needs else "bold green"
        console().print(verdict(counts), style=style, markup=False)
    if needs:
        raise typer.Exit(1)


def verdict(counts: "dict[Effect, int]") -> str:
    """One line: what an operator must know."""
    from lianheng.cli._print import counted
    from lianheng.contract.upgrades import Effect

    if not sum(counts.values()):
        return "same interface and layout"
    parts = [
        "needs a migration" if counts[Effect.MIGRATION] else "stored rows stay readable",
        "callers or readers must change" if counts[Effect.CALLERS] else "callers need no change",
    ]
    if counts[Effect.AUTHORITY]:
        parts.append(f"authority of {counted(counts[Effect.AUTHORITY], 'call')} changes")
    return ", ".join(parts)
