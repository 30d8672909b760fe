"""`lianheng fsck`: re-derives every root and index from the blocks."""

from pathlib import Path
from typing import Annotated

import typer

from lianheng.cli._options import Home, Json


def fsck(
    ledger: Annotated[
        Path | None, typer.Argument(metavar="LEDGER", help="Ledger folder; else that of home.")
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Check the whole ledger: seals, entries, roots, state and indexes, all derived anew."""
    import time

    from lianheng.cli._print import console, counted, emit
    from lianheng.cli._progress import progress
    from lianheng.cli._session import open_client, open_path

    started = time.monotonic()
    opened = open_client(home) if ledger is None else open_path(ledger)
    with opened as found, progress("checking", quiet=json) as step:
        report = found.fsck(progress=step)
    seconds = time.monotonic() - started
    faults = report["faults"]
    if json:
        emit({**report, "seconds": round(seconds, 3)})
    elif faults:
        console().print(f"[bold red]damaged[/]  {len(faults)} faults")
        for fault in faults:
            console().print(f"  {fault}", markup=False)
        console().print("  keep the folder as it is; restore from a copy or a peer", style="dim")
    else:
        # Buckets of the tree are no rows, and how many there are depends on hashes.
        rows = sum(count for name, count in report["rows"].items() if name != "tree buckets")
        found_all = (
            f"{counted(report['blocks'], 'block')} · {counted(report['transactions'], 'call')} · "
            f"{counted(rows, 'row')} · "
            f"every root and index derived anew, all equal · {seconds:.1f} s"
        )
        console().print(f"[bold green]sound[/]  {found_all}")
    if faults:
        raise typer.Exit(1)
