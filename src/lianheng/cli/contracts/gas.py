"""`lianheng contract gas`: what calls cost, by call and by line, against a budget."""

import json as json_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import Json
from lianheng.cli.contracts.test import Place

if TYPE_CHECKING:
    from lianheng.testing import FileRecord, Record

DEAREST_LINES = 10  # shown of each file
Budget = Annotated[
    Path | None, typer.Option("--budget", help="Fail where a call costs more than it allows.")
]
Write = Annotated[
    Path | None, typer.Option("--write-budget", help="Write what the calls cost now.")
]
BudgetLines = Annotated[
    int, typer.Option("--budget-lines", min=0, help="Dearest lines a file to write as well.")
]
Lines = Annotated[bool, typer.Option("--lines/--no-lines", help="Also by line.")]


def gas(
    place: Place = Path(),
    budget: Budget = None,
    write: Write = None,
    budget_lines: BudgetLines = 0,
    lines: Lines = True,
    json: Json = False,
) -> None:
    """Run the tests and show the gas of each call, and where in the source it went.

    A budget holds the most gas of a call by method and, where it says so, of a line in one call.
    """
    from lianheng.cli._print import console, emit
    from lianheng.cli.contracts._budget import Budget as Limits
    from lianheng.cli.contracts._tests import run_tests, show_failures

    limits = None if budget is None else Limits.read(budget)
    by_line = bool(budget_lines) or (limits is not None and limits.has_lines)
    run = run_tests(place, wants_steps=lines or by_line)
    show_failures(run)
    if not run.ok:
        raise typer.Exit(1)
    findings = []
    if limits is not None and budget is not None:
        findings = list(limits.findings(Limits.of(run.record, budget.parent)))
    if json:
        emit({"files": as_json(run.record), "over": [vars(f) for f in findings]})
    else:
        show(run.record, lines=lines)
    if write is not None:
        costs = Limits.of(run.record, write.parent).to_json(dearest=budget_lines)
        text = json_.dumps(costs, indent=2, sort_keys=True, ensure_ascii=False)
        write.write_text(f"{text}\n", encoding="utf-8")
    for finding in findings:
        if not json:
            console(error=True).print(str(finding), style="bold red", markup=False)
    if findings:
        raise typer.Exit(1)


def show(record: "Record", *, lines: bool) -> None:
    """A table of methods, then one of the dearest lines of each file."""
    from lianheng.cli._print import table

    rows = [
        (Path(path).name, name, s.calls, f"{s.least:,}", f"{s.total // s.calls:,}", f"{s.most:,}")
        for path, file in sorted(record.files.items())
        for name, s in sorted(file.methods.items(), key=lambda pair: -pair[1].most)
    ]
    table(("contract", "method", "calls", "least", "mean", "most gas"), rows, right=(2, 3, 4, 5))
    if lines:
        for path, file in sorted(record.files.items()):
            if file.line_gas:
                print()
                table((Path(path).name, "gas", "runs", ""), _lines(file), right=(0, 1, 2))


def _lines(file: "FileRecord") -> list[tuple[object, ...]]:
    source = file.source.splitlines()
    dearest = sorted(file.line_gas.items(), key=lambda pair: -pair[1])[:DEAREST_LINES]
    return [
        (line, f"{gas:,}", file.line_runs[line], source[line - 1].strip())
        for line, gas in dearest
        if 0 < line <= len(source)
    ]


def as_json(record: "Record") -> dict[str, Any]:
    """Methods and lines of each file."""
    return {
        path: {
            "most": {name: spent.most for name, spent in file.methods.items()},
            "methods": {name: vars(spent) for name, spent in sorted(file.methods.items())},
            "lines": {str(line): gas for line, gas in sorted(file.line_gas.items())},
            "line_most": {str(line): gas for line, gas in sorted(file.line_most.items())},
        }
        for path, file in sorted(record.files.items())
    }
