"""`lianheng contract gas`: what calls cost, by call and by line, against a budget."""

import json as json_
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
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
Lines = Annotated[bool, typer.Option("--lines/--no-lines", help="Also by line.")]


@dataclass(frozen=True)
class Finding:
    """A call that does not keep its budget."""

    file: str
    method: str
    allowed: int | None
    most: int | None

    def __str__(self) -> str:
        name = f"{self.file} {self.method}"
        if self.most is None:
            return f"{name}: no test calls it; its budget is {self.allowed:,} gas"
        if self.allowed is None:
            return f"{name}: {self.most:,} gas and no budget"
        more = self.most - self.allowed
        return f"{name}: {self.most:,} gas, {more:,} more than its budget of {self.allowed:,}"


def gas(
    place: Place = Path(),
    budget: Budget = None,
    write: Write = None,
    lines: Lines = True,
    json: Json = False,
) -> None:
    """Run the tests and show the gas of each call, and where in the source it went."""
    from lianheng.cli._print import console, emit
    from lianheng.cli.contracts._tests import run_tests, show_failures

    run = run_tests(place, wants_steps=lines)
    show_failures(run)
    if not run.ok:
        raise typer.Exit(1)
    findings = []
    if budget is not None:
        findings = list(compare(read_budget(budget), costs_of(run.record, budget.parent)))
    if json:
        emit({"files": as_json(run.record), "over": [vars(f) for f in findings]})
    else:
        show(run.record, lines=lines)
    if write is not None:
        costs = costs_of(run.record, write.parent)
        write.write_text(json_.dumps(costs, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    for finding in findings:
        if not json:
            console(error=True).print(str(finding), style="bold red", markup=False)
    if findings:
        raise typer.Exit(1)


def costs_of(record: "Record", place: Path) -> dict[str, dict[str, int]]:
    """The most gas of one call of each method, by the file's path as seen from a folder."""
    return {
        Path(os.path.relpath(path, place)).as_posix(): {
            method: spent.most for method, spent in file.methods.items()
        }
        for path, file in sorted(record.files.items())
    }


def compare(
    allowed: Mapping[str, Mapping[str, int]], costs: Mapping[str, Mapping[str, int]]
) -> Iterator[Finding]:
    """Calls over budget, without budget, and budgets that no test tries."""
    for file in sorted({*allowed, *costs}):
        limits, spent = allowed.get(file, {}), costs.get(file, {})
        for method in sorted({*limits, *spent}):
            limit, most = limits.get(method), spent.get(method)
            if limit is None or most is None or most > limit:
                yield Finding(file, method, limit, most)


def read_budget(path: Path) -> dict[str, dict[str, int]]:
    """A budget file: JSON, gas by file (its path from there) and method.

    Raise `UsageError` for anything else.
    """
    from lianheng.model import UsageError

    hint = f"write it anew: lianheng contract gas --write-budget {path}"
    try:
        found = json_.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as failure:
        raise UsageError("contract.budget", f"{path} cannot be read: {failure}", hint) from failure
    sound = isinstance(found, dict) and all(
        isinstance(methods, dict) and all(type(gas) is int for gas in methods.values())
        for methods in found.values()
    )
    if not sound:
        raise UsageError("contract.budget", f"{path} is no map of file, method and gas", hint)
    return found  # type: ignore[no-any-return]


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
        }
        for path, file in sorted(record.files.items())
    }
