"""`lianheng contract check`: what deployment would refuse, and what looks wrong."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import Json

if TYPE_CHECKING:
    from lianheng.contract.checks import Diagnostic

File = Annotated[Path, typer.Argument(metavar="FILE", help="Contract Python.")]
Home = Annotated[
    Path | None,
    typer.Option("--home", help="Folder of a running chain: policies are checked against it."),
]


def check(file: File, home: Home = None, json: Json = False) -> None:
    """Say what the chain would refuse in this file, and warn of what looks wrong.

    Each with line, column, rule, reason and a way to write it. Exit code 1 where it is refused.
    """
    from lianheng.cli._print import console, emit
    from lianheng.cli.contract import read_source, summary
    from lianheng.contract import checks

    source = read_source(file)
    names = {} if home is None else names_of(home)
    found = checks.check(source, str(file), **names)
    errors = [item for item in found if item.severity == checks.ERROR]
    if json:
        shown = [{**item.to_json(), "file": str(file)} for item in found]
        emit({"file": str(file), "accepted": not errors, "diagnostics": shown})
    else:
        show(found, str(file))
        if not errors:
            console().print(f"[bold green]accepted[/]  {summary(source, file.name)}")
    if errors:
        raise typer.Exit(1)


def refuse_if_wrong(source: str, file: Path, *, json: bool = False) -> None:
    """Show what deployment would refuse and end with 1, if there is anything."""
    from lianheng.cli._print import emit
    from lianheng.contract import checks

    found = [d for d in checks.check(source, str(file)) if d.severity == checks.ERROR]
    if found and json:
        shown = [item.to_json() for item in found]
        emit({"file": str(file), "accepted": False, "diagnostics": shown})
    elif found:
        show(found, str(file))
    if found:
        raise typer.Exit(1)


def show(found: "Sequence[Diagnostic]", file: str) -> None:
    """Each as a good compiler would: place and rule, the line with a caret, why, what to write."""
    from lianheng.cli._print import console, counted, printable

    out = console()
    for item in found:
        style = "bold red" if item.severity == "error" else "bold yellow"
        mark = "" if item.severity == "error" else " (warning)"
        place = f"{file}:{item.line}:{item.column}"
        out.print(f"{place}  {item.code}{mark}", style=style, markup=False)
        if item.source.strip():
            out.print(f"    {printable(item.source)}", markup=False)
            before = "".join(c if c == "\t" else " " for c in item.source[: item.column - 1])
            width = min(item.width, max(1, len(item.source) - item.column + 1))
            out.print("    " + before + "^" * width, style=style, markup=False)
        out.print(f"  {printable(item.message)}", markup=False)
        if item.help:
            out.print(f"  {printable(item.help)}", style="dim", markup=False)
    counts = {word: sum(item.severity == word for item in found) for word in ("error", "warning")}
    told = ", ".join(counted(number, word) for word, number in counts.items() if number)
    if told:
        out.print(told, style="dim")


def names_of(home: Path) -> dict[str, Any]:
    """Roles and organisations of a running chain."""
    from lianheng.cli._session import open_client

    with open_client(home) as ledger:
        rows = [row.value for row in ledger.table("members", "members")]
        members = [str(row.key[0]) for row in ledger.table("members", "members")]
    roles = {str(role) for row in rows for role in row.get("roles", ())}
    return {"roles": roles, "organisations": {m.partition("@")[2] for m in members}}
