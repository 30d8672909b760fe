"""`lianheng contract test`: the tests of a contract, each call on both engines."""

from pathlib import Path
from typing import Annotated

import typer

from lianheng.cli._options import Json

Place = Annotated[Path, typer.Argument(metavar="[PATH]", help="Folder, test file or contract.")]
Only = Annotated[str | None, typer.Option("-k", help="Only tests whose names match, as in pytest.")]


def test(place: Place = Path(), only: Only = None, json: Json = False) -> None:
    """Run pytest; every call of the fixture `ledger` runs in the VM and under CPython."""
    from lianheng.cli._print import console, emit
    from lianheng.cli.contracts._tests import run_tests, show_advice, show_failures

    run = run_tests(place, options=["-k", only] if only else [])
    if json:
        emit(run.to_json())
    else:
        show_failures(run)
        show_advice(run.record)
        console().print(run.summary(), style="bold red" if not run.ok else None, markup=False)
    if not run.ok:
        raise typer.Exit(1)
