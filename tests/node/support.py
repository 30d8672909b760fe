"""A home with a chain, its node on a thread of this process, and a client without manners."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from tests.rooms import People, genesis, people

from lianheng.client import Home, wire
from lianheng.consensus import create_ledger, open_ledger
from lianheng.model import encode
from lianheng.node import NodeServer, detached_log


def make_home(folder: Path) -> People:
    """A ledger in FOLDER/ledger with development keys."""
    them = people()
    create_ledger(folder / "ledger", genesis(them), sealer=them.sealer).close()
    return them


@contextlib.contextmanager
def serving(folder: Path, stall_seconds: float = 30.0) -> Iterator[NodeServer]:
    """The home's node on a thread of this process."""
    ready = threading.Event()
    loop = asyncio.new_event_loop()
    servers: list[NodeServer] = []

    async def serve() -> None:
        with open_ledger(folder / "ledger") as ledger:
            server = NodeServer(
                ledger.backend, version="test", log=detached_log(), stall_seconds=stall_seconds
            )
            servers.append(server)
            await server.start(Home(folder).socket)
            ready.set()
            await server.stopping.wait()
            await server.stop()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        assert ready.wait(30)
        yield servers[0]
    finally:
        loop.call_soon_threadsafe(servers[0].stopping.set)
        thread.join(60)
        assert not thread.is_alive()
        loop.close()
        Home(folder).socket.unlink(missing_ok=True)


class RawClient:
    """Sends any bytes, reads frames."""

    def __init__(self, folder: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(20)
        self.socket.connect(str(Home(folder).socket))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def ask(self, identity: int, method: str, **parameters: Any) -> None:
        self.send(frame([identity, method, parameters]))

    def read(self) -> wire.Answer:
        size = int.from_bytes(self.exactly(4), "big")
        return wire.parse_answer(self.exactly(size))

    def exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def ended(self) -> bool:
        """Whether the node hung up, with nothing more to read."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True


def frame(item: object) -> bytes:
    data = encode(item)
    return len(data).to_bytes(4, "big") + data
