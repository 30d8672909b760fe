"""A client whose node, or whose own callback, does what it should not: nobody waits for ever."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest
from tests.node.support import frame

from lianheng.client import AsyncLocalClient, wire
from lianheng.client._connection import Connection
from lianheng.model import LedgerError, LianhengError


def no_progress(done: int, total: int) -> None:
    del done, total


def raising(done: int, total: int) -> None:
    raise ZeroDivisionError(f"{done} of {total}")


def exiting(done: int, total: int) -> None:
    raise SystemExit(done + total)


class BadNode:
    """Listens, reads one request and answers with these bytes."""

    def __init__(self, path: Path) -> None:
        self.listening = socket.socket(socket.AF_UNIX)
        self.listening.bind(str(path))
        self.listening.listen()
        self.hung_up = threading.Event()

    def answer(self, *frames: bytes) -> None:
        threading.Thread(target=self._answer, args=(frames,), daemon=True).start()

    def _answer(self, frames: tuple[bytes, ...]) -> None:
        peer, _ = self.listening.accept()
        with peer:
            peer.recv(1)
            for each in frames:
                peer.sendall(each)
            with contextlib.suppress(ConnectionError):
                while peer.recv(1_000):
                    pass
            self.hung_up.set()


@pytest.fixture
def node(tmp_path: Path) -> Iterator[BadNode]:
    made = BadNode(tmp_path / "node.sock")
    yield made
    made.listening.close()


MALFORMED = [
    [1, wire.PROGRESS, 5],
    [1, wire.PROGRESS, [1, 2, 3]],
    [1, wire.PART, 7],
    [1, wire.ERROR, {"code": "a.b", "message": "m", "details": 5}],
    [1, wire.ERROR, {"code": "a.b", "message": "m", "details": {"code": 1, "hint": 2}}],
    [1, wire.ERROR, 9],
    [1, wire.VALUE],
    [[], wire.VALUE, 1],
    [1, [], 1],
]


def ask_two(connection: Connection, progress: Callable[[int, int], None]) -> "list[Future[Any]]":
    found = []
    for callback in (progress, None):
        with contextlib.suppress(LianhengError):
            found.append(connection.ask("fsck", {}, callback))
    return found


@pytest.mark.parametrize("item", MALFORMED)
def test_a_malformed_answer_ends_what_waits(node: BadNode, tmp_path: Path, item: object) -> None:
    node.answer(frame(item))
    connection = Connection(tmp_path / "node.sock")
    asked = connection.ask("fsck", {}, no_progress)
    with pytest.raises(LianhengError):
        asked.result(5)
    connection.close()


@pytest.mark.parametrize("callback", [raising, exiting])
def test_a_callback_that_raises_ends_all_and_hangs_up(
    node: BadNode, tmp_path: Path, callback: Callable[[int, int], None]
) -> None:
    node.answer(frame([1, wire.PROGRESS, [1, 2]]))
    connection = Connection(tmp_path / "node.sock")
    asked = ask_two(connection, callback)
    for future in asked:
        with pytest.raises(LedgerError) as caught:
            future.result(5)
        assert caught.value.code == "client.fault"
        assert isinstance(caught.value.__cause__, ZeroDivisionError | SystemExit)
    # The node hears of it, and so ends the work that nobody waits for.
    assert node.hung_up.wait(5)
    with pytest.raises(LedgerError):
        connection.ask("head", {})
    connection.close()


@pytest.mark.parametrize("item", MALFORMED[2:])
def test_the_asynchronous_client_ends_what_waits_too(
    node: BadNode, tmp_path: Path, item: object
) -> None:
    node.answer(frame(item))

    async def work() -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "node.sock"))
        client = AsyncLocalClient(reader, writer)
        with pytest.raises(LianhengError):
            await asyncio.wait_for(client.request("fsck"), 5)
        await client.close()

    asyncio.run(work())


def test_closing_the_asynchronous_client_ends_what_waits(node: BadNode, tmp_path: Path) -> None:
    node.answer()

    async def work() -> None:
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "node.sock"))
        client = AsyncLocalClient(reader, writer)
        waiting = asyncio.create_task(client.request("head"))
        await asyncio.sleep(0.05)
        await client.close()
        with pytest.raises(LianhengError):
            await asyncio.wait_for(waiting, 5)
        with pytest.raises(LianhengError):
            await asyncio.wait_for(client.request("head"), 5)

    asyncio.run(work())
