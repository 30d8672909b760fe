"""A node's life: open the ledger, listen, serve, stop cleanly.

On SIGTERM, SIGINT or a stop request the node takes nothing new, finishes what was submitted,
closes the ledger and removes its socket. A socket that a killed node left is recognised by nobody
listening on it; the ledger's own lock decides who may open it.
"""

import asyncio
import contextlib
import json
import os
import signal
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import structlog

from lianheng import __version__
from lianheng.client import Home, LocalClient
from lianheng.consensus import needs_passphrase, open_ledger
from lianheng.ledger import Ledger
from lianheng.members import Passphrase, resolve_passphrase
from lianheng.model import IdentityError, NodeError, limits
from lianheng.node._log import terminal_log
from lianheng.node._server import NodeServer

_SHORT_PREFIX = "lianheng-"


def run(
    folder: Path,
    *,
    passphrase: Passphrase = None,
    log: structlog.typing.FilteringBoundLogger | None = None,
    on_ready: Callable[[Ledger], None] | None = None,
) -> None:
    """Serve this home until asked to stop. Returns after a clean stop.

    The log is lines for a terminal unless another is given; `on_ready` is called once the socket
    listens.

    Raise `NodeError` where a node runs already, and what `open_ledger` raises.
    """
    home = Home(folder)
    log = log or terminal_log()
    _check_alone(home)
    # A node that could not seal is no use: ask for the passphrase now, not at the first call.
    secret = resolve_passphrase(passphrase) if needs_passphrase(home.ledger) else None
    if secret is None and needs_passphrase(home.ledger):
        raise IdentityError(
            "identity.locked",
            f"the sealer's key in {home.ledger} does not open",
            "give its passphrase by prompt, --passphrase-file or LIANHENG_PASSPHRASE",
        )
    with open_ledger(home.ledger, passphrase=secret) as ledger:
        asyncio.run(_serve(home, ledger, log, on_ready))
    log.info("stopped")


def _check_alone(home: Home) -> None:
    try:
        other = LocalClient.connect(home)
    except NodeError as failure:
        if failure.code != "node.not_running":
            raise
        return
    other.close()
    record = home.node_record()
    raise NodeError(
        "node.running",
        f"a node runs for {home.path} already"
        + ("" if record is None else f", process {record.pid}"),
        "use it, or stop it with lianheng down",
    )


async def _serve(
    home: Home,
    ledger: Ledger,
    log: structlog.typing.FilteringBoundLogger,
    on_ready: Callable[[Ledger], None] | None,
) -> None:
    server = NodeServer(ledger.backend, version=__version__, log=log)
    _remove_left_over(home)
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, server.stopping.set)
    path = _socket_path(home)
    try:
        await server.start(path)
        _write_record(home, path)
        log.info("ready", chain=ledger.chain, height=ledger.height, socket=str(path))
        if on_ready is not None:
            on_ready(ledger)
        await server.stopping.wait()
        log.info("stopping")
        await server.stop()
    finally:
        for name in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(name)
        path.unlink(missing_ok=True)
        home.node_file.unlink(missing_ok=True)
        if path.parent != home.path:
            path.parent.rmdir()


def _remove_left_over(home: Home) -> None:
    # Holding the ledger's lock, this process may remove what a killed one left.
    home.socket.unlink(missing_ok=True)
    record = home.node_record()
    if record is not None and record.socket.parent.name.startswith(_SHORT_PREFIX):
        record.socket.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            record.socket.parent.rmdir()


def _socket_path(home: Home) -> Path:
    if len(os.fsencode(home.socket)) <= limits.SOCKET_PATH_BYTES:
        return home.socket
    return Path(tempfile.mkdtemp(prefix=_SHORT_PREFIX)) / "node.sock"


def _write_record(home: Home, path: Path) -> None:
    record = {
        "pid": os.getpid(),
        "socket": str(path),
        "started_ms": time.time_ns() // 1_000_000,
        "version": __version__,
    }
    temporary = home.node_file.with_suffix(".new")
    temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")
    temporary.replace(home.node_file)
