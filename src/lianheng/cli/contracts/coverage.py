"""`lianheng contract coverage`: lines and branches that the tests reached in the VM."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import Json
from lianheng.cli.contracts.test import Place

if TYPE_CHECKING:
    from lianheng.testing import Record

DataFile = Annotated[Path, typer.Option("--data-file", help="Where to write coverage.py's data.")]
Least = Annotated[float | None, typer.Option("--fail-under", help="Fail below this many percent.")]


def coverage(
    place: Place = Path(),
    data_file: DataFile = Path(".coverage"),
    fail_under: Least = None,
    json: Json = False,
) -> None:
    """Run the tests, and write what the VM's traces reached in coverage.py's own format.

    `coverage html`, `coverage xml` and editors read the file.
    """
    from lianheng.cli._print import console, emit
    from lianheng.cli.contracts._tests import run_tests, show_failures

    run = run_tests(place, wants_steps=True)
    show_failures(run)
    if not run.ok:
        raise typer.Exit(1)
    total, report, files = measured(run.record, data_file)
    if json:
        emit({"percent": round(total), "files": files, "data_file": str(data_file)})
    else:
        print(report.rstrip())
        console().print(f"written to {data_file}: `coverage html` shows it", style="dim")
    if fail_under is not None and total < fail_under:
        console(error=True).print(f"{total:.1f}% covered, {fail_under:g}% wanted", style="bold red")
        raise typer.Exit(1)


def measured(record: "Record", data_file: Path) -> tuple[float, str, dict[str, Any]]:
    """Write the data file; gives percent, a report for people, and missing lines by file.

    Raise `UsageError` where coverage.py is not installed, or the tests called no contract.
    """
    import io

    from lianheng.cli.contracts._arcs import arcs_of
    from lianheng.model import UsageError

    try:
        from coverage import Coverage, CoverageData
    except ImportError:
        raise UsageError(
            "contract.no_coverage", "coverage.py is not installed", "pip install coverage"
        ) from None
    files = {
        str(Path(path).resolve()): arcs_of(path, file.source, file.traces)
        for path, file in record.files.items()
        if Path(path).is_file()
    }
    if not files:
        raise UsageError(
            "contract.no_calls", "the tests called no contract of a file", "use ledger.deploy(FILE)"
        )
    data = CoverageData(basename=str(data_file))
    data.erase()
    data.add_arcs(files)
    data.write()
    shown = Coverage(data_file=str(data_file), branch=True, config_file=False)
    # Invariants run beside the VM, in tests alone: its traces cannot show them.
    shown.exclude(r"^\s*@invariant\b")
    shown.load()
    text = io.StringIO()
    total = shown.report(morfs=list(files), show_missing=True, file=text)
    missing = {path: {"missing": list(shown.analysis2(path)[3])} for path in files}
    return total, text.getvalue(), missing
