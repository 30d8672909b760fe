"""`lianheng contract diff`: what an upgrade changes, and whether it needs a migration."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianheng.cli._options import Json

if TYPE_CHECKING:
    from lianheng.contract.upgrades import Effect

Old = Annotated[Path, typer.Argument(metavar="OLD", help="The contract as it is deployed.")]
Callers = Annotated[
    list[Path] | None,
    typer.Option(
        "--caller", help="A contract that calls this one, deployed under its file's name."
    ),
]
Name = Annotated[
    str | None, typer.Option("--name", help="Under which callers know it; else OLD's file name.")
]
New = Annotated[Path, typer.Argument(metavar="NEW", help="The contract as it shall become.")]


def diff(
    old: Old, new: New, callers: Callers = None, name: Name = None, json: Json = False
) -> None:
    """Compare two versions of a contract: stored rows, callers, authority, events.

    Exit code 1 where stored rows need a migration that NEW has not, and its skeleton is printed; or
    where a contract given by `--caller` declares calls that NEW no longer takes.
    """
    from lianheng import _native
    from lianheng.cli._print import console, emit, table
    from lianheng.cli.contract import read_source
    from lianheng.cli.contracts.check import refuse_if_wrong
    from lianheng.cli.contracts.upgrade import show_callers
    from lianheng.contract.imports import by_digits
    from lianheng.contract.skeletons import skeleton
    from lianheng.contract.upgrades import Effect, compare
    from lianheng.ledger import BrokenCaller
    from lianheng.model import native_errors

    first, second = read_source(old), read_source(new)
    refuse_if_wrong(first, old)
    refuse_if_wrong(second, new)
    others = [(path.stem, path.name, read_source(path)) for path in callers or ()]
    imports = by_digits(first) | by_digits(second)
    for _, _, text in others:
        imports |= by_digits(text)
    before, after = (
        _native.contract_interface(source, new.name, imports) for source in (first, second)
    )
    found = compare(before, after, _native.contract_changes(first, second, new.name, imports))
    was = (name or old.stem, new.name, first)
    with native_errors():
        broken = _native.contract_callers(was, second, others, imports)
    counts = {effect: sum(change.effect is effect for change in found) for effect in Effect}
    needs = counts[Effect.MIGRATION] > 0
    migrates = bool(after.get("migrations"))
    method = skeleton(before, after, found)
    if json:
        shown = [change.to_json() for change in found]
        emit(
            {
                "migration": needs,
                "migrates": migrates,
                "changes": shown,
                "skeleton": method,
                "callers": broken,
            }
        )
    else:
        if found:
            rows = [(change.effect, change.where, change.what, change.why) for change in found]
            table(("concerns", "where", "what", "why"), rows)
        show_callers(map(BrokenCaller.from_fields, broken), was[0])
        style = "bold red" if needs and not migrates else "bold green"
        console().print(verdict(counts, migrates=migrates), style=style, markup=False)
        if needs and not migrates:
            show_skeleton(method)
    if broken or (needs and not migrates):
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
