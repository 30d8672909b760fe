"""Work that takes long: it ends with the client that asked for it, and with the node."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.node.support import RawClient, make_home, serving

from lianheng.client import LocalClient, wire
from lianheng.ledger import EngineBackend
from lianheng.model import LianhengError, NodeError
from lianheng.node import _server

ROUNDS = 100_000


class Slow:
    """A check that goes on for minutes unless its progress raises."""

    def __init__(self) -> None:
        self.failure: BaseException | None = None
        self.ended = threading.Event()

    def fsck(self, progress: Callable[[int, int], None]) -> dict[str, Any]:
        try:
            for done in range(ROUNDS):
                progress(done, ROUNDS)
                time.sleep(0.005)
        except BaseException as failure:
            self.failure = failure
            raise
        finally:
            self.ended.set()
        return {}


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow()
    monkeypatch.setattr(EngineBackend, "fsck", lambda _, progress: made.fsck(progress))
    return made


def test_long_work_ends_with_the_client_that_asked(slow: Slow, tmp_path: Path) -> None:
    make_home(tmp_path)
    with serving(tmp_path):
        with RawClient(tmp_path) as raw:
            raw.ask(1, "fsck")
            assert raw.read().kind == wire.PROGRESS
        assert slow.ended.wait(5), "it goes on although nobody waits for it"
        assert isinstance(slow.failure, OSError)
        with LocalClient.connect(tmp_path) as client:
            assert client.height == 0


def test_a_node_that_stops_ends_long_work(
    slow: Slow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_server, "_FINISH_SECONDS", 0.2)
    make_home(tmp_path)
    heard: list[LianhengError] = []

    def ask() -> None:
        with LocalClient.connect(tmp_path) as client:
            try:
                client.fsck()
            except LianhengError as failure:
                heard.append(failure)

    asking = threading.Thread(target=ask)
    with serving(tmp_path) as server:
        asking.start()
        deadline = time.monotonic() + 10
        while not any(connection.tasks for connection in list(server._connections)):
            assert time.monotonic() < deadline
            time.sleep(0.01)
        started = time.monotonic()
    assert time.monotonic() - started < 5
    assert slow.ended.wait(1)
    asking.join(5)
    assert [failure.code for failure in heard] == ["node.stopping"]


def test_progress_that_nobody_sends_does_not_wait_for_ever() -> None:
    loop = asyncio.new_event_loop()

    async def send(item: list[Any]) -> None:
        del item

    # The loop does not run, as that of a node that has ended.
    tell = _server._throttled(loop, 1, send, threading.Event(), 0.05)
    with pytest.raises(TimeoutError):
        tell(1, 2)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    time.sleep(0.11)
    with pytest.raises(OSError, match="ended"):
        tell(1, 2)
    ending = threading.Event()
    ending.set()
    with pytest.raises(NodeError):
        _server._throttled(loop, 1, send, ending, 0.05)(1, 2)
