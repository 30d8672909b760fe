"""`lianheng doctor --rebuild`: a node's state made anew from the blocks."""

from pathlib import Path

from lianheng.cli._options import Home


def rebuild(home: Home, *, json: bool) -> None:
    """Do it, and say where the old ledger lies and what comes next."""
    from lianheng import node
    from lianheng.cli._print import console, emit
    from lianheng.cli._session import find_home

    folder = find_home(home).path
    old: Path | None = node.rebuild(folder)
    if json:
        emit({"rebuilt": True, "old": None if old is None else str(old)})
        return
    if old is None:
        console().print("every root and index derived anew from the block log")
        return
    console().print(f"a new ledger; the old one lies in {old}", markup=False)
    console().print(
        f"  next: lianheng up --detach --home {folder}   # replays all blocks of the chain",
        style="dim",
        markup=False,
    )
