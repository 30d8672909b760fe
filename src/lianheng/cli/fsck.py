"""`lianheng fsck`: re-derives every root and index from the blocks."""

from pathlib import Path
from typing import Annotated

import typer

from lianheng.cli._options import Home, Json


def fsck(
    ledger: Annotated[
        Path | None, typer.Argument(metavar="[LEDGER]", help="Ledger folder; else that of home.")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Check the whole ledger: seals, entries, roots, state and indexes, all derived anew."""
    import time

    from lianheng.cli._print import console, emit
    from lianheng.cli._progress import progress
    from lianheng.cli._session import open_client, open_path

    started = time.monotonic()
    opened = open_client(home) if ledger is None else open_path(ledger)
    with opened as found, progress("checking", quiet=json) as step:
        report = found.fsck(progress=step)
    seconds = time.monotonic() - started
    damages = report.get("problems", [])
    if json:
        emit({**report, "seconds": round(seconds, 3)})
    elif damages:
        console().print(f"[bold red]damaged[/]  {len(damages)} problems")
        for damage in damages:
            console().print(f"  {damage}", markup=False)
    else:
        counts = " · ".join(f"{v:,} {k}" for k, v in report.items() if type(v) is int and v)
        console().print(f"[bold green]sound[/]  {counts} · {seconds:.1f} s")
    if damages:
        raise typer.Exit(1)
