"""A node's life as its own process: up, down, killed, twice, with a passphrase."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.node.support import frame, make_home
from tests.rooms import People, genesis, people

from lianheng.client import Home, LocalClient, connect, wire
from lianheng.consensus import create_ledger, open_ledger
from lianheng.model import Held, IdentityError, LianhengError, NodeError, NotFound
from lianheng.node import detached_log, run, start_detached, stop


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Path, People]]:
    them = make_home(tmp_path)
    yield tmp_path, them
    stop(tmp_path)


def wait_ended(pid: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            if os.waitpid(pid, os.WNOHANG)[0] == pid:
                return
        except ChildProcessError:
            return
        time.sleep(0.01)
    pytest.fail("the node did not end")


def test_up_call_down_and_up_again(home: tuple[Path, People]) -> None:
    folder, them = home
    with pytest.raises(NodeError) as caught:
        LocalClient.connect(folder)
    assert caught.value.code == "node.not_running"
    started = start_detached(folder)
    assert started.seconds < 10
    record = Home(folder).node_record()
    assert record is not None
    assert record.pid == started.pid
    with connect(folder) as client:
        assert isinstance(client, LocalClient)
        result = client.call(them.alice, "toolshed.add", id="x")
        assert result.height == 1
    assert stop(folder) is True
    assert not Home(folder).socket.exists()
    assert not Home(folder).node_file.exists()
    assert stop(folder) is False
    with connect(folder) as ledger:
        assert not isinstance(ledger, LocalClient)
        assert result.id is not None
        assert ledger.result(result.id) == result
    assert start_detached(folder).height == 1


def test_a_second_node_is_told_of_the_first(home: tuple[Path, People]) -> None:
    folder, _ = home
    started = start_detached(folder)
    with pytest.raises(NodeError) as caught:
        start_detached(folder)
    assert caught.value.code == "node.running"
    assert str(started.pid) in caught.value.message
    with LocalClient.connect(folder) as client:
        assert client.height == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_cleanly(home: tuple[Path, People], number: signal.Signals) -> None:
    folder, them = home
    started = start_detached(folder)
    with connect(folder) as client:
        submission = client.submit(
            client.sign_many(them.alice, [("toolshed.add", {"id": f"s{n}"}) for n in range(1_000)])
        )
        client.height  # noqa: B018 - answered after the node has read the submission
        os.kill(started.pid, number)
        assert all(result.final for result in submission.wait(30))
    wait_ended(started.pid)
    assert not Home(folder).socket.exists()
    with connect(folder) as ledger:
        assert len(list(ledger.table("toolshed", "tools"))) == 1_000


def test_a_killed_node_leaves_a_socket_that_the_next_one_recognises(
    home: tuple[Path, People],
) -> None:
    folder, them = home
    started = start_detached(folder)
    with connect(folder) as client:
        result = client.call(them.alice, "toolshed.add", id="x").checked()
        os.kill(started.pid, signal.SIGKILL)
        wait_ended(started.pid)
        with pytest.raises(NodeError) as caught:
            client.call(them.alice, "toolshed.add", id="y")
        assert caught.value.code == "node.disconnected"
    assert Home(folder).socket.exists()
    assert Home(folder).node_file.exists()
    assert stop(folder) is False
    with connect(folder) as ledger:
        assert not isinstance(ledger, LocalClient)
        assert result.id is not None
        assert ledger.result(result.id) == result
    assert start_detached(folder).height == 1


def test_a_ledger_that_another_process_has_open_is_named(home: tuple[Path, People]) -> None:
    folder, _ = home
    with connect(folder) as ledger:
        assert not isinstance(ledger, LocalClient)
        with pytest.raises(Held):
            connect(folder)
        with pytest.raises(Held) as caught:
            start_detached(folder)
        assert str(os.getpid()) in caught.value.message


def test_a_development_home_never_asks_for_a_passphrase(home: tuple[Path, People]) -> None:
    folder, _ = home

    def prompt() -> str:
        raise AssertionError("asked")

    start_detached(folder, passphrase=prompt)
    assert stop(folder)
    connect(folder, passphrase=prompt).close()


def test_a_node_without_a_ledger_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no ledger"):
        start_detached(tmp_path)


def test_a_damaged_record_is_no_obstacle(home: tuple[Path, People]) -> None:
    folder, _ = home
    for text in (
        "",
        "{",
        "[]",
        '{"pid": 1}',
        '{"pid":"x","socket":"s","started_ms":1,"version":"1"}',
    ):
        Home(folder).node_file.write_text(text)
        assert Home(folder).node_record() is None
    start_detached(folder)
    assert Home(folder).node_record() is not None


def test_an_encrypted_sealer_needs_its_passphrase(tmp_path: Path) -> None:
    them = people(development=False)
    create_ledger(
        tmp_path / "ledger", genesis(them), sealer=them.sealer, passphrase="right"
    ).close()
    for wrong in (None, "wrong"):
        with pytest.raises(IdentityError) as caught:
            start_detached(tmp_path, passphrase=wrong)
        assert caught.value.code == "identity.locked"
    start_detached(tmp_path, passphrase="right")
    with connect(tmp_path) as client:
        assert client.call(them.alice, "toolshed.add", id="x").final
    command = Path(f"/proc/{Home(tmp_path).node_record().pid}/cmdline")  # type: ignore[union-attr]
    if command.exists():
        assert b"right" not in command.read_bytes()
    assert stop(tmp_path)
    assert "right" not in Home(tmp_path).log_file.read_text()


def test_a_node_that_dies_before_it_reads_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    them = people(development=False)
    create_ledger(tmp_path / "ledger", genesis(them), sealer=them.sealer, passphrase="p").close()

    class Dead(subprocess.Popen[bytes]):
        """A process that has ended before anything is written to it."""

        def __init__(self, command: list[str], **options: Any) -> None:
            del command
            super().__init__([sys.executable, "-c", ""], **options)
            self.wait(30)

    monkeypatch.setattr(subprocess, "Popen", Dead)
    with pytest.raises(NodeError) as caught:
        start_detached(tmp_path, passphrase="p")
    assert caught.value.code == "node.not_started"
    assert "node.log" in caught.value.message


def test_stopping_a_node_that_does_not_answer_does_not_wait_for_ever(tmp_path: Path) -> None:
    home = Home(tmp_path)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(home.socket))
    listening.listen()
    hello = {"protocol": 1, "version": "x", "pid": 1, "chain": "c", "genesis_hash": bytes(32)}

    def greet_only() -> None:
        peer, _ = listening.accept()
        with peer:
            peer.recv(1_000)
            peer.sendall(frame([1, wire.VALUE, hello]))
            while peer.recv(1_000):
                pass

    threading.Thread(target=greet_only, daemon=True).start()
    started = time.monotonic()
    with pytest.raises(NodeError) as caught:
        stop(tmp_path, timeout=0.3)
    assert caught.value.code == "node.silent"
    assert time.monotonic() - started < 5
    listening.close()


def test_a_process_leaves_although_a_thread_works_on() -> None:
    program = (
        "import threading, time; from lianheng.node.__main__ import leave;"
        "threading.Thread(target=time.sleep, args=(60,), name='busy').start(); leave(3)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=20
    )
    assert done.returncode == 3
    assert b"busy" in done.stderr


def test_a_long_path_gets_a_short_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long" * 30)
    folder.mkdir()
    them = make_home(folder)
    start_detached(folder)
    record = Home(folder).node_record()
    assert record is not None
    assert len(str(record.socket)) < 100
    with connect(folder) as client:
        assert isinstance(client, LocalClient)
        assert client.call(them.alice, "toolshed.add", id="x").final
    os.kill(record.pid, signal.SIGKILL)
    wait_ended(record.pid)
    assert record.socket.parent.exists()
    start_detached(folder)
    assert not record.socket.parent.exists()
    again = Home(folder).node_record()
    assert again is not None
    assert stop(folder)
    assert not again.socket.parent.exists()


def test_a_node_in_the_foreground_ends_with_its_terminal(home: tuple[Path, People]) -> None:
    folder, _ = home
    program = "import sys, pathlib, lianheng.node as n; n.run(pathlib.Path(sys.argv[1]))"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stderr=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 30
        while True:
            try:
                LocalClient.connect(folder).close()
                break
            except LianhengError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, log = process.communicate(timeout=30)
        assert process.returncode == 0
    assert "ready" in log
    assert "stopped" in log
    assert "Traceback" not in log


class Ill:
    """Something that is served, and fails after a moment."""

    def __init__(self, folder: Path, end: Callable[[], None], *, early: bool) -> None:
        self.ledger = open_ledger(folder / "ledger")
        self.failure: LianhengError | None = None
        self.closed = False
        self._end = end
        self._early = early

    def _fail(self) -> None:
        self.failure = LianhengError("test.failed", "a part failed")
        self._end()

    def start(self, stopping: threading.Event) -> str:
        if self._early:
            self._fail()
            assert stopping.is_set()
        else:
            threading.Timer(0.2, self._fail).start()
        return "something"

    def finish(self) -> None:
        assert not self.closed

    def close(self) -> None:
        self.closed = True
        self.ledger.close()


@pytest.mark.parametrize("early", [True, False])
def test_a_node_whose_part_fails_ends_and_says_why(
    home: tuple[Path, People], monkeypatch: pytest.MonkeyPatch, early: bool
) -> None:
    folder, _ = home
    made: list[Ill] = []

    def open_ill(place: Home, secret: bytes | None, log: Any, end: Callable[[], None]) -> Ill:
        del secret, log
        made.append(Ill(place.path, end, early=early))
        return made[0]

    monkeypatch.setattr("lianheng.node._run._open", open_ill)
    told: list[str] = []
    with pytest.raises(LianhengError) as caught:
        run(folder, log=detached_log(), on_ready=lambda _, missing: told.append(missing))
    assert caught.value.code == "test.failed"
    assert made[0].closed
    assert told == ([] if early else ["something"])
    assert not Home(folder).socket.exists()
    assert not Home(folder).node_file.exists()
