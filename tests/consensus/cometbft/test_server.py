"""The transport: order, isolation, size, and what it does about bad bytes and failures."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.consensus.cometbft.support import Client, Recorder, Serving, request, serving

from lianheng.consensus.cometbft import _messages as m
from lianheng.consensus.cometbft._frames import FrameReader
from lianheng.consensus.cometbft._protobuf import ProtobufError, varint
from lianheng.consensus.cometbft.noop import NoopApplication
from lianheng.consensus.cometbft.server import AbciServer
from lianheng.model import NodeError, limits

NODE_KEY = b"\x01" * 32


class Scripted(NoopApplication):
    """Accepts everything, and does what a test asks on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.checked: list[m.CheckTx] = []
        self.blocks: list[m.FinalizeBlock] = []
        self.genesis: m.InitChain | None = None
        self.go_on = threading.Event()
        self.waiting = threading.Event()
        self.raised: BaseException | None = None
        self.results: int | None = None

    def init_chain(self, request: m.InitChain) -> m.InitChainAnswer:
        self.genesis = request
        return super().init_chain(request)

    def query(self, request: m.Query) -> m.QueryAnswer:
        self.waiting.set()
        assert self.go_on.wait(20)
        return super().query(request)

    def check_tx(self, request: m.CheckTx) -> m.CheckTxAnswer:
        self.checked.append(request)
        if self.raised is not None:
            raise self.raised
        number = int.from_bytes(request.tx[:4], "big")
        return m.CheckTxAnswer(number % 3, f"number {number}", gas_wanted=number)

    def finalize_block(self, request: m.FinalizeBlock) -> m.FinalizeBlockAnswer:
        self.blocks.append(request)
        return super().finalize_block(request)


@pytest.fixture
def application() -> Scripted:
    return Scripted()


@pytest.fixture
def served(tmp_path: Path, application: Scripted) -> Iterator[Serving]:
    before = set(threading.enumerate())
    with serving(tmp_path, application) as running:
        yield running
    assert set(threading.enumerate()) <= before
    assert not running.path.exists()


def check(number: int, size: int = 4) -> bytes:
    return request("check_tx", tx=number.to_bytes(4, "big").ljust(size, b"."))


def test_only_its_owner_may_connect(served: Serving) -> None:
    assert served.path.stat().st_mode & 0o777 == 0o600


def test_what_a_killed_node_left_behind_is_replaced(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "abci.sock"))
    left.close()
    with serving(tmp_path, NoopApplication()) as running, running.client() as client:
        assert client.call("echo", message="there?") == {"message": "there?"}


def test_a_file_in_its_place_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "abci.sock"
    path.write_text("notes")
    server = AbciServer(path, NoopApplication(), on_failure=print, log=Recorder().log)
    with pytest.raises(NodeError, match="is no socket"):
        server.start()
    server.stop()
    assert path.read_text() == "notes"


def test_a_path_too_long_for_a_socket(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 100)
    server = AbciServer(path, NoopApplication(), on_failure=print, log=Recorder().log)
    with pytest.raises(NodeError) as failure:
        server.start()
    assert failure.value.code == "node.socket_path"


def test_many_requests_at_once_are_answered_in_order(served: Serving) -> None:
    with served.client() as client:
        client.send(*(check(number) for number in range(500)), request("flush"))
        for number in range(500):
            answer = client.answer()
            assert answer is not None
            expected = {"code": number % 3, "gas_wanted": number, "codespace": "lianheng"}
            assert answer == ("check_tx", {**expected, "log": f"number {number}"})
        assert client.answer() == ("flush", {})


def test_an_answer_does_not_wait_for_flush(served: Serving) -> None:
    with served.client() as client:
        client.send(check(7))
        answer = client.answer()
        assert answer is not None
        assert answer[1]["gas_wanted"] == 7


def test_a_slow_query_holds_up_nobody(served: Serving, application: Scripted) -> None:
    with served.client() as slow, served.client() as consensus:
        slow.send(request("query", path="/", data=b""), request("flush"))
        assert application.waiting.wait(20)
        for height in range(1, 4):
            answer = consensus.call("finalize_block", txs=[b"a", b"b"], height=height)
            assert answer["tx_results"] == [{"code": 0}, {"code": 0}]
            assert consensus.call("commit") == {"retain_height": 0}
            assert answer["app_hash"] == application.committed.app_hash
        application.go_on.set()
        answered = slow.answer()
        assert answered is not None
        assert answered[1]["value"] == b"6"


def test_what_a_decided_block_says(served: Serving, application: Scripted) -> None:
    vote = {"validator": {"address": b"a" * 20, "power": 10}, "block_id_flag": 2}
    with served.client() as client:
        client.call(
            "finalize_block",
            txs=[b"one", b""],
            height=9,
            time={"seconds": 1_700_000_000, "nanos": 123_999_999},
            hash=b"h" * 32,
            proposer_address=b"p" * 20,
            decided_last_commit={"round": 1, "votes": [vote]},
            misbehavior=[{"type": 1, "height": 8}],
        )
    assert application.blocks == [
        m.FinalizeBlock(
            txs=[b"one", b""],
            height=9,
            time_ms=1_700_000_000_123,
            nanoseconds=999_999,
            hash=b"h" * 32,
            proposer=b"p" * 20,
            votes=[(b"a" * 20, 10, 2)],
            misbehavior=1,
        )
    ]


def test_a_block_decided_again_counts_once(served: Serving, application: Scripted) -> None:
    with served.client() as client:
        first = client.call("finalize_block", txs=[b"a"], height=1)
        assert client.call("info")["last_block_height"] == 0
        assert client.call("finalize_block", txs=[b"a"], height=1) == first
        client.call("commit")
        assert client.call("info")["last_block_app_hash"] == first["app_hash"]
    assert application.committed.transactions == 1


def test_the_start_of_a_chain(served: Serving, application: Scripted) -> None:
    with served.client() as client:
        info = client.call("info", version="0.40", abci_version="2.0.0")
        assert (info["last_block_height"], info["last_block_app_hash"]) == (0, b"")
        answer = client.call(
            "init_chain",
            chain_id="trade",
            app_state_bytes=b"{}",
            initial_height=1,
            validators=[{"pub_key": {"ed25519": NODE_KEY}, "power": 10}],
            time={"seconds": 5},
        )
    assert answer == {"app_hash": application.committed.app_hash}
    assert application.genesis is not None
    assert application.genesis.validators == [(NODE_KEY, 10)]
    assert application.genesis.time_ms == 5_000


def test_proposals(served: Serving) -> None:
    with served.client() as client:
        # Two bytes beside each transaction count: its field's number and its length.
        answer = client.call("prepare_proposal", max_tx_bytes=24, txs=[b"0123456789"] * 3)
        assert answer == {"txs": [b"0123456789"] * 2}
        assert client.call("process_proposal", txs=[b"x"], height=3) == {"status": 1}


def test_what_is_not_in_use_has_a_fixed_answer(served: Serving) -> None:
    with served.client() as client:
        for name, expected in (
            ("list_snapshots", {}),
            ("load_snapshot_chunk", {}),
            ("offer_snapshot", {"result": 2}),
            ("apply_snapshot_chunk", {"result": 2}),
            ("extend_vote", {}),
            ("verify_vote_extension", {"status": 1}),
        ):
            assert client.call(name) == expected


@pytest.mark.parametrize("name", ["insert_tx", "reap_txs"])
def test_a_mempool_of_the_application_is_not_there(served: Serving, name: str) -> None:
    with served.client() as client:
        client.send(request(name), request("flush"))
        answer = client.answer()
        assert answer is not None
        assert answer[0] == "exception"
        assert name in answer[1]["error"]
        assert client.answer() is None
    served.server.stop()
    assert isinstance(served.failures[0], NotImplementedError)


class Panic(BaseException):
    """As the core raises it: no Exception."""


@pytest.mark.parametrize("raised", [ValueError("no such thing"), Panic("index out of bounds")])
def test_a_failure_stops_the_node_loudly(
    served: Serving, application: Scripted, raised: BaseException
) -> None:
    with served.client() as client:
        client.send(check(1), request("flush"))
        assert client.answer() is not None
        assert client.answer() == ("flush", {})
        application.raised = raised
        client.send(check(2), check(3), request("flush"))
        answer = client.answer()
        assert answer is not None
        assert answer[0] == "exception"
        assert str(raised) in answer[1]["error"]
        assert client.answer() is None
    assert len(application.checked) == 2
    served.server.stop()
    assert served.failures == [raised]
    (line,) = (line for line in served.recorder.lines if line["log_level"] == "error")
    assert line["exc_info"] is raised


def test_an_answer_that_cannot_be_written_is_a_failure(
    served: Serving, application: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        application, "check_tx", lambda _: m.CheckTxAnswer(-1, "code is not negative")
    )
    with served.client() as client:
        client.send(check(1))
        answer = client.answer()
        assert answer is not None
        assert answer[0] == "exception"
        assert client.answer() is None
    served.server.stop()
    assert isinstance(served.failures[0], OverflowError)


def test_a_failure_may_stop_the_server(tmp_path: Path, application: Scripted) -> None:
    application.raised = ValueError("stop")
    stopped = threading.Event()

    def stop(_: BaseException) -> None:
        server.stop()
        stopped.set()

    path = tmp_path / "abci.sock"
    server = AbciServer(path, application, on_failure=stop, log=Recorder().log)
    server.start()
    with Client(path) as client, Client(path) as other:
        client.send(check(1))
        assert client.answer() is not None
        assert stopped.wait(20)
        assert other.answer() is None
    server.stop()
    assert not path.exists()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x00", "nothing that we know"),
        (varint(limits.ABCI_MESSAGE_BYTES + 1), "at most"),
        (b"\xff" * 5, "five bytes"),
        (b"\x03\x0a\x05a", "do not fit"),
        (b"\x02\x21\x00", "nothing that we know|ends early"),
        (b"GET / HTTP/1.1\r\n\r\n" * 8, "Request|request"),
        (request("echo", message="a")[:-1] + b"\xff", "UTF-8"),
        (request("finalize_block", time={"nanos": 10**9}), "nanoseconds"),
    ],
)
def test_malformed_bytes_end_their_connection_only(
    served: Serving, application: Scripted, data: bytes, said: str
) -> None:
    with served.client() as other, served.client() as client:
        client.send(data)
        assert client.answer() is None
        assert other.call("echo", message="still there") == {"message": "still there"}
    served.server.stop()
    assert not served.failures
    assert not application.blocks
    (line,) = (line for line in served.recorder.lines if line["log_level"] == "error")
    assert any(word in line["error"] for word in said.split("|")), line


def test_answers_before_malformed_bytes_are_given(served: Serving) -> None:
    with served.client() as client:
        client.send(check(1), request("flush"), b"\x00")
        assert client.answer() is not None
        assert client.answer() == ("flush", {})
        assert client.answer() is None


def test_a_stream_that_ends_inside_a_message(served: Serving) -> None:
    with served.client() as client:
        client.send(check(1, size=1_000)[:-1])
        client.channel.shutdown(socket.SHUT_WR)
        assert client.answer() is None
    served.server.stop()
    assert served.recorder.lines[0]["event"] == "ABCI request malformed"


def test_a_proposal_with_too_many_items_is_voted_against(served: Serving) -> None:
    with served.client() as client:
        crowded = [b""] * (limits.ABCI_ITEMS + 1)
        assert client.call("process_proposal", txs=crowded, height=2) == {"status": 2}
        assert client.call("process_proposal", txs=[b""], height=2) == {"status": 1}
        client.send(request("finalize_block", txs=crowded))
        assert client.answer() is None


def test_a_large_message_in_small_pieces(served: Serving, application: Scripted) -> None:
    block = [random.Random(n).randbytes(1_000_000) for n in range(24)]  # noqa: S311 - test data
    data = request("finalize_block", txs=block, height=1)
    with served.client() as client:
        started = time.monotonic()
        for begin in range(0, len(data), 50_000):
            client.send(data[begin : begin + 50_000])
        client.send(request("flush"))
        answer = client.answer()
        assert answer is not None
        assert len(answer[1]["tx_results"]) == 24
        assert client.answer() == ("flush", {})
        assert client.call("echo", message="next") == {"message": "next"}
        assert time.monotonic() - started < 10
    assert application.blocks[0].txs == block


def test_a_large_answer(served: Serving) -> None:
    txs = [bytes([n]) * 1_000_000 for n in range(8)]
    with served.client() as client:
        assert client.call("prepare_proposal", max_tx_bytes=10**8, txs=txs) == {"txs": txs}


def test_connections_are_bounded(served: Serving) -> None:
    clients = [served.client() for _ in range(limits.ABCI_CONNECTIONS)]
    try:
        for client in clients:
            client.call("echo", message="in")
        with served.client() as late:
            assert late.answer() is None
        clients.pop().channel.close()
        deadline = time.monotonic() + 20
        while True:
            with served.client() as again:
                with contextlib.suppress(BrokenPipeError):
                    again.send(request("flush"))
                if again.answer() is not None:
                    break
            assert time.monotonic() < deadline
    finally:
        for client in clients:
            client.channel.close()


def test_stopping_waits_for_a_call_under_way(served: Serving, application: Scripted) -> None:
    with served.client() as client:
        client.send(request("query", path="/"))
        assert application.waiting.wait(20)
        stopper = threading.Thread(target=served.server.stop)
        stopper.start()
        stopper.join(0.2)
        assert stopper.is_alive()
        application.go_on.set()
        stopper.join(20)
        assert not stopper.is_alive()
        assert client.answer() is None


@given(
    st.lists(st.binary(max_size=600) | st.just(bytes(400_000)), max_size=6),
    st.lists(st.integers(1, 70_000), min_size=1, max_size=5),
)
def test_messages_are_cut_out_of_any_pieces(messages: list[bytes], steps: list[int]) -> None:
    data = b"".join(varint(len(message)) + message for message in messages)
    ours, theirs = socket.socketpair()

    def feed() -> None:
        begin = turn = 0
        while begin < len(data):
            step = max(steps[turn % len(steps)], len(data) // 500)
            theirs.sendall(data[begin : begin + step])
            begin, turn = begin + step, turn + 1
        theirs.close()

    feeder = threading.Thread(target=feed)
    feeder.start()
    try:
        reader = FrameReader(ours)
        found = []
        while (frame := reader.next(lambda: None)) is not None:
            with frame:
                found.append(bytes(frame))
        assert found == messages
    finally:
        feeder.join(20)
        ours.close()


def test_a_claimed_length_takes_no_memory() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(varint(limits.ABCI_MESSAGE_BYTES) + b"x")
        theirs.shutdown(socket.SHUT_WR)
        reader = FrameReader(ours)
        with pytest.raises(ProtobufError, match="ended"):
            reader.next(lambda: None)
        assert len(reader._room) <= 8 * 2**20
