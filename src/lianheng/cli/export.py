"""`lianheng export`: genesis, headers and blocks as files, the same bytes for the same chain."""

from pathlib import Path
from typing import Annotated

import typer

from lianheng.cli._options import Home, Json


def carried_state(home: Path | None) -> Path | None:
    """The state with which the chain of this home began, where it continues another one."""
    from lianheng.cli._session import find_home
    from lianheng.consensus.embedded import STORE_NAME
    from lianheng.ledger import STATE_NAME

    file = find_home(home).ledger / STORE_NAME / STATE_NAME
    return file if file.is_file() else None


def export(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Empty or new folder.")],
    home: Home = None,
    json: Json = False,
) -> None:
    """Export the chain for outsiders, who replay or compare it."""
    from lianheng.cli._print import console, emit, size
    from lianheng.cli._progress import progress
    from lianheng.cli._session import open_client

    state = carried_state(home)
    with open_client(home) as ledger, progress("exporting", quiet=json) as step:
        height = ledger.export(folder, step, state=state)
    written = sum(file.stat().st_size for file in folder.iterdir())
    if json:
        emit({"folder": str(folder), "height": height, "bytes": written})
        return
    console().print(f"wrote {folder}: blocks 1 to {height:,}, {size(written)}")
    console().print(f"  re-execute it: lianheng replay {folder}", style="dim")
