"""`lianheng replay`: an outsider re-executes exported blocks and compares every header byte."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from lianheng.cli._options import Json

GENESIS = "genesis.cbor"


def replay(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `lianheng export` wrote.")],
    json: Json = False,
) -> None:
    """Re-execute an exported chain from its genesis, in memory, trusting nobody."""
    import time

    from lianheng import _native
    from lianheng.cli._print import console, emit
    from lianheng.cli._progress import progress
    from lianheng.model import NotFound, native_errors

    if not (folder / GENESIS).is_file():
        raise NotFound(
            "export.not_found", f"{folder} holds no {GENESIS}", "make it with: lianheng export DIR"
        )
    started = time.monotonic()
    with native_errors(), progress("replaying", quiet=json) as step:
        outsider = _native.replay_open((folder / GENESIS).read_bytes())
        for block in blocks(folder):
            outsider.apply(block)
            step(outsider.height, outsider.height)
    seconds = time.monotonic() - started
    if json:
        emit({"height": outsider.height, "equal": True, "seconds": round(seconds, 3)})
        return
    console().print(
        f"[bold green]equal[/]  every header of blocks 1 to {outsider.height:,} · {seconds:.1f} s"
    )


def blocks(folder: Path) -> Iterator[bytes]:
    """The exported blocks in order, one CBOR item after the other."""
    from lianheng.ledger import read_export

    yield from read_export(folder)
