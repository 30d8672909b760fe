"""The node's local socket: many clients, many requests each, none can hold up the others.

A frame that cannot be read is answered with its reason and ends the connection. A client that does
not read its answers is cut off. A client that hangs up in the middle loses its answers only: what
it submitted goes on. Frames: see `client/wire.py`.
"""

import asyncio
import contextlib
import os
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog

from lianheng.client import wire
from lianheng.ledger import Backend, Results
from lianheng.model import LedgerError, LianhengError, NodeError, limits
from lianheng.node._methods import (
    HELLO,
    STATUS,
    STOP,
    SUBMIT,
    Method,
    answer,
    find_method,
    result_pages,
)

_READ_THREADS = 4
_LONG_THREADS = 1
# Evidence of the newest blocks waits for its seal, and must not keep others from reading.
_WAIT_THREADS = 16
_PROGRESS_SECONDS = 0.1
_FINISH_SECONDS = 30.0
_HANG_UP_SECONDS = 5.0


class NodeServer:
    """Serves one ledger on one Unix socket."""

    def __init__(
        self,
        backend: Backend,
        *,
        version: str,
        log: structlog.typing.FilteringBoundLogger,
        stall_seconds: float = limits.CLIENT_STALL_SECONDS,
    ) -> None:
        """The backend stays its owner's: `stop` does not close it."""
        self._backend = backend
        self._version = version
        self._log = log
        self._stall_seconds = stall_seconds
        self._started = time.monotonic()
        self._connections: set[_Connection] = set()
        self._readers = ThreadPoolExecutor(_READ_THREADS, "lianheng-read")
        self._long = ThreadPoolExecutor(_LONG_THREADS, "lianheng-long")
        self._waiting = ThreadPoolExecutor(_WAIT_THREADS, "lianheng-wait")
        self._server: asyncio.Server | None = None
        self.stopping = asyncio.Event()
        # Told to the threads of long work: nobody waits for them any more.
        self._ending = threading.Event()

    async def start(self, path: Path) -> None:
        """Listen. The socket is for its owner only from its first moment on."""
        mask = os.umask(0o177)
        try:
            self._server = await asyncio.start_unix_server(self._accept, str(path))
        finally:
            os.umask(mask)

    async def stop(self) -> None:
        """Take nothing new, finish what was asked, hang up."""
        self.stopping.set()
        if self._server is not None:
            self._server.close()
        waiting = [task for connection in self._connections for task in connection.tasks]
        late: set[asyncio.Task[None]] = set()
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=_FINISH_SECONDS)
        self._ending.set()
        if late:
            await asyncio.wait(late, timeout=_HANG_UP_SECONDS)
        # Answers that were written still leave; a client that does not read them is cut off.
        leaving = [asyncio.create_task(each.hang_up()) for each in self._connections]
        if leaving:
            await asyncio.wait(leaving, timeout=min(self._stall_seconds, _HANG_UP_SECONDS))
        for connection in list(self._connections):
            connection.abort()
        for pool in (self._readers, self._long, self._waiting):
            pool.shutdown(wait=False, cancel_futures=True)

    async def respond(
        self, request: wire.Request, send: Callable[[list[Any]], Coroutine[Any, Any, None]]
    ) -> Any:
        """The value of a request; parts and progress are sent on the way."""
        method = find_method(request.method, request.parameters)
        if request.method == HELLO:
            return self._hello(request.parameters)
        if request.method == STOP:
            self.stopping.set()
            return None
        if request.method == SUBMIT:
            return await self._submit(request, send)
        loop = asyncio.get_running_loop()
        if request.method == STATUS:
            return await loop.run_in_executor(self._readers, self._status)
        progress = None
        if method.long:
            progress = _throttled(loop, request.id, send, self._ending, self._stall_seconds)
        return await loop.run_in_executor(
            self._pool(method), answer, self._backend, request.method, request.parameters, progress
        )

    def _pool(self, method: Method) -> ThreadPoolExecutor:
        if method.long:
            return self._long
        return self._waiting if method.waits else self._readers

    def _hello(self, parameters: Any) -> dict[str, Any]:
        if parameters["protocol"] != wire.PROTOCOL:
            raise NodeError(
                "node.protocol",
                f"this node speaks protocol {wire.PROTOCOL}, not {parameters['protocol']!r}",
                "use the same version for node and command",
            )
        return {
            "protocol": wire.PROTOCOL,
            "version": self._version,
            "pid": os.getpid(),
            "chain": self._backend.chain,
            "genesis_hash": self._backend.genesis_hash,
        }

    async def _submit(
        self, request: wire.Request, send: Callable[[list[Any]], Coroutine[Any, Any, None]]
    ) -> Any:
        transactions = request.parameters["transactions"]
        if not isinstance(transactions, list):
            raise NodeError("node.parameters", "transactions are a list of byte strings")
        results = await self._backend.submit(transactions)
        if not isinstance(results, Results):
            raise LedgerError("ledger.fault", "the sequencer gave results of another kind")
        *pages, last = result_pages(results)
        for page in pages:
            await send([request.id, wire.PART, page])
        return last

    def _status(self) -> dict[str, Any]:
        return {
            **self._backend.status(),
            "node": {
                "pid": os.getpid(),
                "version": self._version,
                "up_seconds": int(time.monotonic() - self._started),
                "connections": len(self._connections),
            },
        }

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = _Connection(self, reader, writer, self._log, self._stall_seconds)
        if len(self._connections) >= limits.CONNECTIONS:
            await connection.refuse(
                NodeError(
                    "node.too_many_connections",
                    f"{limits.CONNECTIONS} clients are connected",
                    "close one",
                )
            )
            return
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)


class _Connection:
    """One client."""

    def __init__(
        self,
        server: NodeServer,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        log: structlog.typing.FilteringBoundLogger,
        stall_seconds: float,
    ) -> None:
        self._server = server
        self._reader = reader
        self._writer = writer
        self._log = log
        self._stall_seconds = stall_seconds
        self._room = asyncio.Semaphore(limits.CONNECTION_REQUESTS)
        self._writing = asyncio.Lock()
        self.tasks: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Read requests until the client hangs up or sends something unreadable."""
        try:
            while True:
                head = await self._reader.readexactly(wire.LENGTH_BYTES)
                data = await self._reader.readexactly(wire.frame_size(head))
                request = wire.parse_request(data)
                # A client with too many open requests is not read until one is answered.
                await self._room.acquire()
                task = asyncio.create_task(self._answer(request))
                self.tasks.add(task)
                task.add_done_callback(self._done)
        except (OSError, EOFError):
            # Hung up. Answers still under way fail when they are sent; submissions go on.
            pass
        except LianhengError as failure:
            self._log.warning("frame refused", code=failure.code, reason=failure.message)
            await self.refuse(failure)
        finally:
            if self.tasks:
                await asyncio.wait(self.tasks)
            await self.hang_up()

    async def refuse(self, failure: LianhengError) -> None:
        """Say why this connection ends."""
        with contextlib.suppress(OSError, NodeError):
            await self._send([wire.NO_REQUEST, wire.ERROR, wire.error_fields(failure)])
        self._writer.close()

    async def hang_up(self) -> None:
        """Send what is written, then hang up."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()

    def abort(self) -> None:
        """Hang up now."""
        self._writer.transport.abort()

    def _done(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        self._room.release()

    async def _answer(self, request: wire.Request) -> None:
        try:
            value = await self._server.respond(request, self._send)
            await self._send([request.id, wire.VALUE, value])
        except OSError:
            self.abort()
        except LianhengError as failure:
            await self._send_failure(request, failure)
        except Exception as failure:  # noqa: BLE001 - one request must not end the node
            self._log.exception("request failed", method=request.method)
            fault = LedgerError(
                "node.fault",
                f"the node met an unexpected {type(failure).__name__}",
                "see its log; report this",
            )
            await self._send_failure(request, fault)

    async def _send_failure(self, request: wire.Request, failure: LianhengError) -> None:
        try:
            await self._send([request.id, wire.ERROR, wire.error_fields(failure)])
        except OSError:
            self.abort()

    async def _send(self, item: list[Any]) -> None:
        data = wire.frame(item)
        async with self._writing:
            self._writer.write(data)
            try:
                await asyncio.wait_for(self._writer.drain(), self._stall_seconds)
            except TimeoutError as failure:
                self._log.warning("client stalled", seconds=self._stall_seconds)
                self.abort()
                raise ConnectionAbortedError("the client does not read") from failure


def _throttled(
    loop: asyncio.AbstractEventLoop,
    identity: int,
    send: Callable[[list[Any]], Coroutine[Any, Any, None]],
    ending: threading.Event,
    stall_seconds: float,
) -> Callable[[int, int], None]:
    """Progress from a worker thread, at most some ten frames a second.

    What it raises ends the core's work: `OSError` where the client is gone or does not read,
    `NodeError` where the node stops.
    """
    last = 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if ending.is_set():
            raise NodeError("node.stopping", "the node stopped before this was done", "ask again")
        now = time.monotonic()
        if now - last < _PROGRESS_SECONDS and done < total:
            return
        last = now
        item = send([identity, wire.PROGRESS, [done, total]])
        try:
            sending = asyncio.run_coroutine_threadsafe(item, loop)
        except RuntimeError as failure:
            item.close()
            raise ConnectionAbortedError("the node has ended") from failure
        # Waiting here keeps progress before the answer, and slows down with a slow client.
        try:
            sending.result(stall_seconds)
        except TimeoutError:
            sending.cancel()
            raise

    return report
