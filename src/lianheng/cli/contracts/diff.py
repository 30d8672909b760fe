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

    Exit code 1 where stored rows need a migration that NEW has not; its skeleton is printed.
    """
    from lianheng import _native
    from lianheng.cli._print import console, emit, table
    from lianheng.cli.contract import read_source
    from lianheng.cli.contracts.check import refuse_if_wrong
    from lianheng.contract.imports import by_digits
    from lianheng.contract.skeletons import skeleton
    from lianheng.contract.upgrades import Effect, compare

    first, second = read_source(old), read_source(new)
    refuse_if_wrong(first, old)
    refuse_if_wrong(second, new)
    imports = by_digits(first) | by_digits(second)
    before, after = (
        _native.contract_interface(source, new.name, imports) for source in (first, second)
    )
    found = compare(before, after, _native.contract_changes(first, second, new.name, imports))
    counts = {effect: sum(change.effect is effect for change in found) for effect in Effect}
    needs = counts[Effect.MIGRATION] > 0
    migrates = bool(after.get("migrations"))
    method = skeleton(before, after, found)
    if json:
        shown = [change.to_json() for change in found]
        emit({"migration": needs, "migrates": migrates, "changes": shown, "skeleton": method})
    else:
        if found:
            rows = [(change.effect, change.where, change.what, change.why) for change in found]
            table(("concerns", "where", "what", "why"), rows)
        style = "bold red" if needs and not migrates else "bold green"
        console().print(verdict(counts, migrates=migrates), style=style, markup=False)
        if needs and not migrates:
            show_skeleton(method)
    if needs and not migrates:
        raise typer.Exit(1)


def show_skeleton(method: str) -> None:
    """The migration to be written, and what its number means."""
    from lianheng.cli._print import console

    told = (
        "write this into the new file, with migrate from lianheng.contract; from_version is the "
        "number of other sources that were in force before OLD (contract versions NAME):"
    )
    console().print(told, style="dim", markup=False)
    console().print(method, markup=False)


def verdict(counts: "dict[Effect, int]", *, migrates: bool) -> str:
    """One line: what an operator must know."""
    from lianheng.cli._print import counted
    from lianheng.contract.upgrades import Effect

    if not sum(counts.values()):
        return "same interface and layout"
    rows = "needs a migration" + (", and has one" if migrates else "")
    parts = [
        rows if counts[Effect.MIGRATION] else "stored rows stay readable",
        "callers or readers must change" if counts[Effect.CALLERS] else "callers need no change",
    ]
    if counts[Effect.AUTHORITY]:
        parts.append(f"authority of {counted(counts[Effect.AUTHORITY], 'call')} changes")
    return ", ".join(parts)
