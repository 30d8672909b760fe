"""`lianheng up`: run the node of this home, here or in the background."""

from pathlib import Path
from typing import Annotated

import typer

from lianheng.cli._options import Home, Json, PassphraseFile


def up(
    home: Home = None,
    detach: Annotated[
        bool, typer.Option("--detach", "-d", help="Return when it is ready; it goes on.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Start the node; other commands then reach it through its socket."""
    import time

    from lianheng import node
    from lianheng.cli._print import console, emit
    from lianheng.cli._session import find_home, passphrase

    folder, started = find_home(home), time.monotonic()
    secret = passphrase(passphrase_file, "the sequencer")
    if not detach:
        node.run(folder, passphrase=secret)
        return
    running = node.start_detached(folder, passphrase=secret)
    seconds = time.monotonic() - started
    if json:
        emit({"ready": True, "seconds": round(seconds, 3), "pid": running.pid})
        return
    console().print(f"ready in {seconds:.1f} s · {who(folder)} · stop: lianheng down", markup=False)


def who(folder: Path) -> str:
    """Whose keys are here, and whether they are protected."""
    from lianheng.cli._session import IDENTITIES, SUFFIX
    from lianheng.members import is_development

    files = sorted((folder / IDENTITIES).glob(f"*{SUFFIX}"))
    names = ", ".join(file.name.removesuffix(SUFFIX) for file in files) or "no keys here"
    if any(is_development(file) for file in files):
        return f"{names} (UNENCRYPTED development keys)"
    return names
