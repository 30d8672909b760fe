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

    folder, started = find_home(home), time.monotonic()
    secret = passphrase(passphrase_file, SEALER) if needs_passphrase(folder) else None

    def ready(pid: int) -> None:
        seconds = time.monotonic() - started
        if json:
            emit({"ready": True, "seconds": round(seconds, 3), "pid": pid})
            return
        stop = "lianheng down" if detach else "Ctrl-C"
        console().print(f"ready in {seconds:.1f} s · {who(folder)} · stop: {stop}", markup=False)

    if detach:
        ready(node.start_detached(folder.path, passphrase=secret).pid)
        return

    def serving(_: "ledger.Ledger") -> None:
        import os

        ready(os.getpid())

    node.run(folder.path, passphrase=secret, on_ready=serving)


def needs_passphrase(folder: "HomeFolder") -> bool:
    """Whether the sequencer's key is encrypted."""
    from lianheng.consensus import SEALER_NAME
    from lianheng.members import is_development

    return not is_development(folder.ledger / SEALER_NAME)


def who(folder: "HomeFolder") -> str:
    """Whose keys are here, and whether they are protected."""
    from lianheng.members import is_development

    names = ", ".join(folder.members()) or "no keys here"
    if any(is_development(folder.identity_file(member)) for member in folder.members()):
        return f"{names} (UNENCRYPTED development keys)"
    return names
