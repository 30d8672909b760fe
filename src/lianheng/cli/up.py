"""`lianheng up`: run the node of this home, here or in the background."""

from typing import TYPE_CHECKING, Annotated

import typer

from lianheng.cli._options import Home, Json, PassphraseFile

if TYPE_CHECKING:
    from lianheng import ledger
    from lianheng.cli._home import HomeFolder


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
    from lianheng.cli._session import SEALER, find_home, passphrase
    from lianheng.client import Home as Place

    folder, started = find_home(home), time.monotonic()
    asked = node.needs_passphrase(Place(folder.path))
    secret = passphrase(passphrase_file, SEALER) if asked else None

    def ready(pid: int, missing: str) -> None:
        seconds = time.monotonic() - started
        if json:
            emit({"ready": True, "seconds": round(seconds, 3), "pid": pid, "missing": missing})
            return
        stop = "lianheng down" if detach else "Ctrl-C"
        console().print(f"ready in {seconds:.1f} s · {who(folder)} · stop: {stop}", markup=False)
        if missing:
            console().print(f"! {missing}", style="yellow", markup=False)

    if detach:
        begun = node.start_detached(folder.path, passphrase=secret)
        ready(begun.pid, begun.missing)
        return

    def serving(_: "ledger.Ledger", missing: str) -> None:
        import os

        ready(os.getpid(), missing)

    node.run(folder.path, passphrase=secret, on_ready=serving)


def who(folder: "HomeFolder") -> str:
    """Whose keys are here, and whether they are protected."""
    from lianheng.members import is_development

    names = ", ".join(folder.members()) or "no keys here"
    if any(is_development(folder.identity_file(member)) for member in folder.members()):
        return f"{names} (UNENCRYPTED development keys)"
    return names
