"""The RPC: every answer there may be from a server that lies, and the real CometBFT."""

import base64
import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from tests.consensus.cometbft.comet import Supervised, lone_home, real_binary, wait_for

from lianheng.consensus.cometbft.rpc import CometRpc
from lianheng.model import Busy, LianhengError, NodeError, limits

Answer = Callable[[dict[str, Any]], bytes]


class _QuietServer(ThreadingUnixStreamServer):
    """Clients that leave early are part of the tests."""

    def handle_error(self, *_: object) -> None:
        pass


class FakeServer:
    """Answers on a Unix socket with what a test chooses."""

    def __init__(self, path: Path) -> None:
        self.answer: Answer = lambda _: b""
        self.connections = 0
        self.close_after = False
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                server.connections += 1
                super().setup()

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                data = server.answer(json.loads(body))
                self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                # Without saying so: as a server that restarts.
                self.close_connection = server.close_after

            def log_message(self, *_: object) -> None:
                pass

        self._server = _QuietServer(str(path), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def result(self, value: object) -> None:
        self.answer = lambda request: json.dumps(
            {"jsonrpc": "2.0", "id": request["id"], "result": value}
        ).encode()

    def error(self, data: str) -> None:
        self.answer = lambda request: json.dumps(
            {
                "jsonrpc": "2.0",
                "id": request["id"],
                "error": {"code": -32603, "message": "Internal error", "data": data},
            }
        ).encode()

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FakeServer]:
    with contextlib.closing(FakeServer(tmp_path / "rpc.sock")) as made:
        yield made


@pytest.fixture
def rpc(tmp_path: Path) -> Iterator[CometRpc]:
    with contextlib.closing(CometRpc(tmp_path / "rpc.sock", seconds=2)) as made:
        yield made


CHECKED = {"code": 0, "data": "", "log": "", "codespace": "", "hash": "00"}


def test_an_envelope_goes_over_in_base64(server: FakeServer, rpc: CometRpc) -> None:
    asked: list[dict[str, Any]] = []

    def answer(request: dict[str, Any]) -> bytes:
        asked.append(request)
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": CHECKED}).encode()

    server.answer = answer
    rpc.broadcast(bytes(range(256)))
    assert asked[0]["method"] == "broadcast_tx_sync"
    assert base64.b64decode(asked[0]["params"]["tx"]) == bytes(range(256))
    rpc.broadcast(b"more")
    assert server.connections == 1, "the connection is kept"


@pytest.mark.parametrize(
    ("words", "code", "retry_ms"),
    [
        ("mempool is full: number of txs 2000 (max: 2000), ...", "mempool_full", 200),
        ("mempool is still rechecking after a new committed block, ...", "mempool_full", 200),
        ("endpoint is closed while node is catching up", "catching_up", 1_000),
    ],
)
def test_busy_with_a_time(
    server: FakeServer, rpc: CometRpc, words: str, code: str, retry_ms: int
) -> None:
    server.error(words)
    with pytest.raises(Busy) as failure:
        rpc.broadcast(b"x")
    assert (failure.value.code, failure.value.retry_after_ms) == (f"cometbft.{code}", retry_ms)


def test_one_that_is_there_is_fine(server: FakeServer, rpc: CometRpc) -> None:
    server.error("tx already exists in cache")
    rpc.broadcast(b"x")


@pytest.mark.parametrize(
    ("codespace", "log", "code"),
    [
        ("lianheng", "envelope.expired: it expired", "envelope.expired"),
        ("lianheng", "no code at all", "envelope.refused"),
        ("lianheng", "what is this: that", "envelope.refused"),
        ("other", "a.b: c", "envelope.refused"),
    ],
)
def test_what_check_tx_says(
    server: FakeServer, rpc: CometRpc, codespace: str, log: str, code: str
) -> None:
    server.result({**CHECKED, "code": 7, "log": log, "codespace": codespace})
    with pytest.raises(LianhengError) as failure:
        rpc.broadcast(b"x")
    assert failure.value.code == code
    assert log.removeprefix("envelope.expired: ") in failure.value.message
    assert failure.value.details["check_code"] == 7


def test_other_refusals(server: FakeServer, rpc: CometRpc) -> None:
    server.error("Tx too large. Max size is 5, but got 6")
    with pytest.raises(LianhengError) as failure:
        rpc.broadcast(b"x")
    assert failure.value.code == "envelope.too_large"
    server.error("something new")
    with pytest.raises(NodeError, match="something new"):
        rpc.broadcast(b"x")
    with pytest.raises(NodeError, match="something new"):
        rpc.status()
    with pytest.raises(NodeError, match="something new"):
        rpc.commit(1)


@pytest.mark.parametrize(
    "words",
    [
        "height 5 must be less than or equal to the current blockchain height 3",
        "height 1 is not available, lowest height is 3",
        "could not find validator set for height #5",
    ],
)
def test_heights_that_are_not_there(server: FakeServer, rpc: CometRpc, words: str) -> None:
    server.error(words)
    assert rpc.commit(5) is None
    assert rpc.validators(5) is None
    assert rpc.block(5) is None


def test_a_commit_that_is_half_there(server: FakeServer, rpc: CometRpc) -> None:
    for value in (None, {}, {"signed_header": {"header": {}, "commit": None}, "canonical": False}):
        server.result(value)
        assert rpc.commit(5) is None


def test_all_pages_of_a_set(server: FakeServer, rpc: CometRpc) -> None:
    everybody = [{"number": number} for number in range(250)]

    def answer(request: dict[str, Any]) -> bytes:
        asked = request["params"]
        size = int(asked["per_page"])
        first = (int(asked["page"]) - 1) * size
        page = everybody[first : first + size]
        result = {"validators": page, "count": str(len(page)), "total": "250"}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode()

    server.answer = answer
    assert rpc.validators(1) == everybody
    everybody.extend({"number": number} for number in range(250, 2_000))
    server.answer = lambda request: answer(request).replace(b'"250"', b'"2000"')
    with pytest.raises(NodeError, match="validators"):
        rpc.validators(1)


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"null", b'{"id": 99, "result": {}}', b"[" * 100_000, b"\xff"]
)
def test_answers_that_are_none(server: FakeServer, rpc: CometRpc, data: bytes) -> None:
    server.answer = lambda _: data
    for ask in (lambda: rpc.broadcast(b"x"), rpc.status, lambda: rpc.commit(1)):
        with pytest.raises(NodeError) as failure:
            ask()
        assert failure.value.code == "cometbft.answer_malformed"


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["block", "header", "data", "txs", "signed_header", "commit", "canonical"]
            )
            | st.sampled_from(["peers", "node_info", "sync_info", "validators", "total", "code"])
            | st.sampled_from(["height", "validators_hash", "id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@hypothesis_settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(plain)
def test_no_answer_makes_a_traceback(server: FakeServer, rpc: CometRpc, value: object) -> None:
    server.result(value)
    for ask in (
        lambda: rpc.broadcast(b"x"),
        rpc.status,
        rpc.net_info,
        lambda: rpc.commit(1),
        lambda: rpc.block(1),
        lambda: rpc.validators(1),
    ):
        with contextlib.suppress(NodeError):
            ask()


def test_an_endless_answer_is_cut(
    server: FakeServer, rpc: CometRpc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "RPC_ANSWER_BYTES", 1_000)
    server.answer = lambda _: b"x" * 5_000
    with pytest.raises(NodeError, match="more than 1,000 bytes"):
        rpc.status()


def test_nobody_listens(rpc: CometRpc, tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(NodeError) as failure:
            rpc.broadcast(b"x")
        assert failure.value.code == "cometbft.not_reachable"
        # The second time a killed process left its socket.
        with (
            contextlib.closing(socket.socket(socket.AF_UNIX)) as left,
            contextlib.suppress(OSError),
        ):
            left.bind(str(tmp_path / "rpc.sock"))


def test_one_that_never_answers(server: FakeServer, tmp_path: Path) -> None:
    leave = threading.Event()
    server.answer = lambda _: b"late" if leave.wait(10) else b""
    with contextlib.closing(CometRpc(tmp_path / "rpc.sock", seconds=0.1)) as rpc:
        with pytest.raises(NodeError) as failure:
            rpc.status()
        assert failure.value.code == "cometbft.slow"
    leave.set()


def test_a_server_that_closed_a_kept_connection(server: FakeServer, rpc: CometRpc) -> None:
    server.result(CHECKED)
    server.close_after = True
    for _ in range(3):
        rpc.broadcast(b"x")
    assert server.connections == 3


def test_closing_ends_who_waits(server: FakeServer, tmp_path: Path) -> None:
    asked, leave = threading.Event(), threading.Event()

    def answer(_: object) -> bytes:
        asked.set()
        leave.wait(10)
        return b""

    server.answer = answer
    rpc = CometRpc(tmp_path / "rpc.sock", seconds=10)
    failures: list[str] = []

    def ask() -> None:
        try:
            rpc.status()
        except NodeError as failure:
            failures.append(failure.code)

    thread = threading.Thread(target=ask)
    thread.start()
    assert asked.wait(5)
    rpc.close()
    thread.join(5)
    leave.set()
    assert failures == ["cometbft.not_reachable"]
    with pytest.raises(NodeError):
        rpc.status()


def test_many_threads(server: FakeServer, rpc: CometRpc) -> None:
    def answer(request: dict[str, Any]) -> bytes:
        tx = request["params"]["tx"]
        text = base64.b64decode(tx).decode()
        result = {**CHECKED, "code": 1, "log": text}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}).encode()

    server.answer = answer
    wrong: list[str] = []

    def ask(number: int) -> None:
        for turn in range(20):
            text = f"{number}/{turn}."
            try:
                rpc.broadcast(text.encode())
            except LianhengError as failure:
                if text not in failure.message:
                    wrong.append(failure.message)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    assert server.connections <= 8


def test_the_real_one(tmp_path: Path) -> None:
    binary = real_binary()
    home = lone_home(tmp_path)
    home.write()
    with Supervised(home, binary) as comet:
        rpc = comet.rpc
        wait_for(lambda: comet.height() >= 1, "the first block")
        assert rpc.commit(10_000) is None
        assert rpc.block(10_000) is None
        assert rpc.validators(10_000) is None
        rpc.broadcast(b"a=1")
        rpc.broadcast(b"a=1")
        with pytest.raises(LianhengError) as failure:
            rpc.broadcast(b"no equals sign")
        assert failure.value.code == "envelope.refused"
        with pytest.raises(LianhengError) as failure:
            rpc.broadcast(b"k=" + b"v" * limits.CONSENSUS_TRANSACTION_BYTES)
        assert failure.value.code == "envelope.too_large"
        rpc.broadcast(b"k=" + b"v" * 3_000_000)
        wait_for(lambda: comet.height() >= 3, "their blocks")
        status = rpc.status()
        assert status.network == home.genesis.hash.hex()[:48]
        assert (status.power, status.catching_up, len(status.address)) == (1, False, 20)
        assert rpc.net_info() == []
        block = rpc.block(2)
        commit = rpc.commit(2)
        assert block is not None
        assert commit is not None
        assert block.txs[0] == b"a=1"
        assert (block.height, commit.height) == (2, 2)
        assert block.proposer == status.address
        validators = rpc.validators(2)
        assert validators is not None
        key = base64.b64decode(validators[0]["pub_key"]["value"])
        assert key == home.identity.public
        # A body above the limit of its server.
        with pytest.raises(LianhengError):
            rpc.broadcast(b"k=" + b"v" * limits.RPC_BODY_BYTES)
        assert rpc.status().height >= 3
