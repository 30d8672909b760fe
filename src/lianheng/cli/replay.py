"""`lianheng replay`: an outsider re-executes exported blocks and compares every header byte."""

from pathlib import Path
from typing import Annotated

import typer

from lianheng.cli._options import Json


def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `lianheng export` wrote.")],
    json: Json = False,
) -> None:
    """Re-execute an exported chain from its genesis, in memory, trusting nobody."""
    import time

    from lianheng.cli._print import console, emit
    from lianheng.cli._progress import progress
    from lianheng.ledger import replay_export

    started = time.monotonic()
    with progress("replaying", quiet=json) as step:
        height = replay_export(folder, step)
    seconds = time.monotonic() - started
    if json:
        emit({"height": height, "equal": True, "seconds": round(seconds, 3)})
        return
    console().print(
        f"[bold green]equal[/]  every header of blocks 1 to {height:,} · {seconds:.1f} s"
    )
