"""A node's life: open the ledger, start what orders its calls, listen, serve, stop cleanly.

On SIGTERM, SIGINT or a stop request the node takes nothing new, finishes what was submitted,
closes the ledger and removes its socket; where a part fails that it cannot be without, it does the
same and says why. A socket that a killed node left is recognised by nobody listening on it; the
ledger's own lock decides who may open it.
"""

import asyncio
import contextlib
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from lianheng import __version__
from lianheng.client import Home, LocalClient
from lianheng.consensus import open_ledger
from lianheng.ledger import EngineBackend, Ledger
from lianheng.members import Passphrase, resolve_passphrase
from lianheng.model import QUORUM, IdentityError, LianhengError, NodeError, limits
from lianheng.node._keys import cache_mb, consensus_kind, key_file, needs_passphrase
from lianheng.node._log import terminal_log
from lianheng.node._server import NodeServer

_SHORT_PREFIX = "lianheng-"
Log = structlog.typing.FilteringBoundLogger
Ready = Callable[[Ledger, str], None]
"""Told the ledger that is served, and what is still missing, in words."""


class Served(Protocol):
    """What a node serves: a ledger, and whatever orders its calls."""

    @property
    def ledger(self) -> Ledger:
        """The ledger. It stays this object's: nobody else closes it."""

    @property
    def failure(self) -> LianhengError | None:
        """What ended it by itself."""

    def start(self, stopping: threading.Event) -> str:
        """Start ordering; gives what is missing, in words. MUST return soon once it is stopping."""

    def finish(self) -> None:
        """Take nothing new, and answer what was taken within a bounded time."""

    def close(self) -> None:
        """Stop everything."""


class _Embedded:
    """A ledger with its own sequencer, which starts with the first call."""

    failure = None

    def __init__(self, home: Home, passphrase: Passphrase) -> None:
        self.ledger = open_ledger(home.ledger, passphrase=passphrase, cache_mb=cache_mb(home))

    def start(self, stopping: threading.Event) -> str:
        del stopping
        backend = self.ledger.backend
        if isinstance(backend, EngineBackend):
            backend.start()
        return ""

    def finish(self) -> None:
        """Its queue is emptied when it is closed; until then it goes on confirming."""

    def close(self) -> None:
        self.ledger.close()


def run(
    folder: Path,
    *,
    passphrase: Passphrase = None,
    log: Log | None = None,
    on_ready: Ready | None = None,
) -> None:
    """Serve this home until asked to stop. Returns after a clean stop.

    The log is lines for a terminal unless another is given; `on_ready` is called once the socket
    listens.

    Raise `NodeError` where a node runs already, what opening the ledger raises, and what ended the
    node where nobody asked it to.
    """
    home = Home(folder)
    log = log or terminal_log()
    _check_alone(home)
    # A node that could not confirm is no use: ask for the passphrase now, not at the first call.
    secret = resolve_passphrase(passphrase) if needs_passphrase(home) else None
    if secret is None and needs_passphrase(home):
        raise IdentityError(
            "identity.locked",
            f"the key in {key_file(home)} does not open",
            "give its passphrase by prompt, --passphrase-file or LIANHENG_PASSPHRASE",
        )
    life = _Life(log, on_ready)
    served = _open(home, secret, log, life.end)
    try:
        asyncio.run(life.serve(home, served))
    finally:
        served.close()
    if served.failure is not None:
        raise served.failure
    log.info("stopped")


def _open(home: Home, secret: bytes | None, log: Log, end: Callable[[], None]) -> Served:
    if consensus_kind(home) != QUORUM:
        return _Embedded(home, secret)
    # Only here: what a validator needs costs a plain node half a second of start-up.
    from lianheng.node._validator import Validator

    return Validator(home, passphrase=secret, log=log, on_failure=end)


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


class _Life:
    """From the first to the last moment of a node that serves."""

    def __init__(self, log: Log, on_ready: Ready | None) -> None:
        self._log = log
        self._on_ready = on_ready
        # Set from any thread: the start is on another thread than the loop.
        self._ending = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: NodeServer | None = None

    def end(self) -> None:
        """Stop serving. Any thread may call it, and before serving began as well."""
        self._ending.set()
        loop, server = self._loop, self._server
        if loop is not None and server is not None:
            with contextlib.suppress(RuntimeError):  # it has ended
                loop.call_soon_threadsafe(server.stopping.set)

    async def serve(self, home: Home, served: Served) -> None:
        """Start, listen, serve until the end."""
        server = NodeServer(served.ledger.backend, version=__version__, log=self._log)
        self._loop, self._server = asyncio.get_running_loop(), server
        _remove_left_over(home)
        for name in (signal.SIGTERM, signal.SIGINT):
            self._loop.add_signal_handler(name, self.end)
        path = _socket_path(home)
        try:
            missing = await self._loop.run_in_executor(None, served.start, self._ending)
            if not self._ending.is_set():
                await server.start(path)
                _write_record(home, path)
                self._tell(served, path, missing)
                await server.stopping.wait()
            self._log.info("stopping")
            await self._loop.run_in_executor(None, served.finish)
            await server.stop()
        finally:
            for name in (signal.SIGTERM, signal.SIGINT):
                self._loop.remove_signal_handler(name)
            path.unlink(missing_ok=True)
            home.node_file.unlink(missing_ok=True)
            if path.parent != home.path:
                path.parent.rmdir()

    def _tell(self, served: Served, path: Path, missing: str) -> None:
        ledger = served.ledger
        self._log.info("ready", chain=ledger.chain, height=ledger.height, socket=str(path))
        if missing:
            self._log.warning("not complete", missing=missing)
        if self._on_ready is not None:
            self._on_ready(ledger, missing)


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
