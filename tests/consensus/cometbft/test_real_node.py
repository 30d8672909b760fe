"""The real CometBFT, one node, on the no-op application: calls, crashes, replay, rest.

What can only be known from CometBFT itself: that it takes our answers, in its order and form.
"""

import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.consensus.cometbft.support import serving

from lianheng.consensus.cometbft import _messages as m
from lianheng.consensus.cometbft import _version
from lianheng.consensus.cometbft.noop import Counts, NoopApplication
from lianheng.consensus.cometbft.process import check_version, find_binary
from lianheng.consensus.cometbft.rpc import CometRpc, CometStatus
from lianheng.model import LianhengError, NodeError

SETTINGS = {
    "indexer": '"null"',
    "create_empty_blocks": "false",
    "skip_timeout_commit": "true",
    "timeout_commit": '"50ms"',
    "addr_book_strict": "false",
    "pex": "false",
}
WAIT_SECONDS = 30
REST_SECONDS = 4


class Recording(NoopApplication):
    """The no-op application, and what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[m.Info] = []
        self.genesis: list[m.InitChain] = []
        self.blocks: list[m.FinalizeBlock] = []
        self.fails_at = 0

    def info(self, request: m.Info) -> m.InfoAnswer:
        self.started.append(request)
        return super().info(request)

    def init_chain(self, request: m.InitChain) -> m.InitChainAnswer:
        self.genesis.append(request)
        return super().init_chain(request)

    def check_tx(self, request: m.CheckTx) -> m.CheckTxAnswer:
        if request.tx.startswith(b"bad"):
            return m.CheckTxAnswer(7, "test.bad: it begins with bad")
        return super().check_tx(request)

    def finalize_block(self, request: m.FinalizeBlock) -> m.FinalizeBlockAnswer:
        if self.fails_at and request.height >= self.fails_at:
            raise ValueError("the application has a bug")
        self.blocks.append(request)
        return super().finalize_block(request)


class Node:
    """A folder of CometBFT, and its process."""

    def __init__(self, folder: Path, binary: Path) -> None:
        self.folder, self.binary = folder, binary
        self.rpc_socket = folder / "rpc.sock"
        self._home = folder / "comet"
        subprocess.run([binary, "init", "--home", self._home], check=True, capture_output=True)
        file = self._home / "config" / "config.toml"
        text = file.read_text()
        addresses = {
            "proxy_app": f'"unix://{folder}/abci.sock"',
            'laddr = "tcp://127.0.0.1:26657"': f'"unix://{self.rpc_socket}"',
            'laddr = "tcp://0.0.0.0:26656"': '"tcp://127.0.0.1:0"',
        }
        for key, value in (SETTINGS | addresses).items():
            name, equals, _ = key.partition(" = ")
            pattern = rf"(?m)^{re.escape(key)}$" if equals else rf"(?m)^{name} = .*$"
            text, count = re.subn(pattern, f"{name} = {value}", text)
            assert count == 1, key
        file.write_text(text)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.rpc_socket.unlink(missing_ok=True)
        with (self.folder / "comet.log").open("ab") as log:
            self._process = subprocess.Popen(
                [self.binary, "start", "--home", self._home], stdout=log, stderr=log
            )

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._process.pid, number)
            self._process.wait(WAIT_SECONDS)

    def ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None


@pytest.fixture(scope="module")
def binary() -> Path:
    try:
        found = find_binary()
        assert check_version(found) == _version.VERSION
    except NodeError as failure:
        pytest.skip(str(failure))
    return found


@pytest.fixture
def node(tmp_path: Path, binary: Path) -> Iterator[Node]:
    made = Node(tmp_path, binary)
    yield made
    made.kill()


def wait_for(happened: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        with contextlib.suppress(LianhengError):  # not reachable yet
            if happened():
                return
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.02)


def broadcast(node: Node, application: NoopApplication, *txs: bytes) -> None:
    """Hand them over and wait until they are in blocks and the chain is at rest again."""
    wait_for(node.rpc_socket.exists, "the RPC socket")
    rpc = CometRpc(node.rpc_socket)
    try:
        wait_for(lambda: rpc.status().height >= 1, "the first block")
        before = application.committed.transactions
        for tx in txs:
            rpc.broadcast(tx)
        wanted = before + len(txs)
        wait_for(lambda: application.committed.transactions == wanted, "its transactions")
        # One block more carries the app hash of the last one, as its proof.
        wait_for(lambda: is_proved(rpc.status(), application.committed), "the proof block")
    finally:
        rpc.close()


def is_proved(status: CometStatus, committed: Counts) -> bool:
    return (status.height, status.app_hash) == (committed.height, committed.app_hash)


def test_calls_rest_and_a_refusal(node: Node, tmp_path: Path) -> None:
    application = Recording()
    with serving(tmp_path, application) as served:
        node.start()
        broadcast(node, application, b"one", b"two" * 80_000)
        assert [tx for block in application.blocks for tx in block.txs] == [b"one", b"two" * 80_000]
        (genesis,) = application.genesis
        ((key, power),) = genesis.validators
        assert (len(key), power, genesis.initial_height) == (32, 10, 1)
        assert abs(genesis.time_ms - time.time() * 1000) < 60_000
        assert application.started[0].abci_version.startswith("2.")
        later = application.blocks[-1]
        assert later.time_ms >= application.blocks[0].time_ms >= genesis.time_ms
        ((address, _, flag),) = later.votes
        assert (address, flag) == (later.proposer, 2)

        height = application.committed.height
        time.sleep(REST_SECONDS)
        assert application.committed.height == height, "an idle chain makes no blocks"

        rpc = CometRpc(node.rpc_socket)
        with contextlib.closing(rpc), pytest.raises(LianhengError) as failure:
            rpc.broadcast(b"bad")
        assert failure.value.code == "test.bad"
        node.kill(signal.SIGTERM)
        wait_for(lambda: not served.server._connections, "the end of connections")
        assert not served.failures
        assert "ABCI request malformed" not in served.events


def test_cometbft_is_killed_and_goes_on(node: Node, tmp_path: Path) -> None:
    application = Recording()
    with serving(tmp_path, application) as served:
        for turn in range(3):
            node.start()
            height = application.committed.height
            broadcast(node, application, b"before %d" % turn, b"after %d" % turn)
            assert application.committed.height > height
            node.kill()
        heights = [block.height for block in application.blocks]
        # A block that was decided but not committed when the kill came is decided again.
        assert sorted(set(heights)) == list(range(1, heights[-1] + 1))
        assert heights == sorted(heights)
        assert application.committed.transactions == 6
        assert len(application.started) == 3
        assert len(application.genesis) == 1
        assert not served.failures


def test_an_application_that_lost_everything_is_replayed(node: Node, tmp_path: Path) -> None:
    first = Recording()
    with serving(tmp_path, first):
        node.start()
        broadcast(node, first, b"a", b"b")
        broadcast(node, first, b"c")
        node.kill()
    second = Recording()
    with serving(tmp_path, second):
        node.start()
        broadcast(node, second, b"d")
        assert second.committed.transactions == 4
        same = len(first.blocks)
        assert [b.txs for b in second.blocks[:same]] == [b.txs for b in first.blocks]
        assert [b.hash for b in second.blocks[:same]] == [b.hash for b in first.blocks]
        node.kill()


def test_a_failing_application_stops_cometbft(node: Node, tmp_path: Path) -> None:
    application = Recording()
    with serving(tmp_path, application) as served:
        node.start()
        broadcast(node, application, b"fine")
        application.fails_at = application.committed.height + 1
        rpc = CometRpc(node.rpc_socket)
        # It may end before it has answered.
        with contextlib.closing(rpc), contextlib.suppress(NodeError):
            rpc.broadcast(b"fatal")
        wait_for(node.ended, "the end of CometBFT")
        served.server.stop()
        assert [str(failure) for failure in served.failures] == ["the application has a bug"]
    repaired = restarted(tmp_path, node)
    assert [tx for block in repaired.blocks for tx in block.txs] == [b"fine", b"fatal", b"next"]


def restarted(folder: Path, node: Node) -> Recording:
    application = Recording()
    with serving(folder, application):
        node.start()
        broadcast(node, application, b"next")
        node.kill()
    return application
