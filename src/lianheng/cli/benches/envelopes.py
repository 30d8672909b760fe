"""`bench envelopes`: what our ABCI server costs, against the application inside CometBFT itself.

The same network twice, in turn: with our server and the no-op application, one process a node, and
with CometBFT's kvstore. The same settings, opaque transactions of the same form and size, the same
way of offering them; what is compared is the bytes in decided blocks.
"""

import base64
import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianheng.cli.benches.machine import describe
from lianheng.model import LianhengError, NodeError, limits

if TYPE_CHECKING:
    import structlog

    from lianheng.cli._network import NetworkFolder
    from lianheng.consensus.cometbft.files import CometSockets

Say = Callable[[str], None]
OURS, THEIRS = "lianheng", "kvstore"
ROUNDS = 2  # of each, in turn, so that a machine that slows down slows both
WARM_UP_SECONDS = 3.0
READY_SECONDS = 60.0
STOP_SECONDS = 10.0
POLL_SECONDS = 0.01
RPC_SECONDS = 30.0
METAS_A_CALL = 20  # as many as CometBFT gives at once
TARGET_PERCENT = 60
# What a node of ours lets wait at once, for each of the nodes.
WAITING_BYTES = limits.FLIGHT_BYTES
ANY_SIZE = '"max_bytes": "-1"'


@dataclass(slots=True)
class Sum:
    """What was decided while the clock ran."""

    seconds: float = 0.0
    blocks: int = 0
    transactions: int = 0

    def figures(self, size: int) -> dict[str, Any]:
        """For people and machines."""
        return {
            "mb_per_second": round(self.transactions * size / self.seconds / 1e6, 3),
            "transactions": self.transactions,
            "blocks": self.blocks,
            "mb_per_block": round(self.transactions * size / max(1, self.blocks) / 1e6, 2),
            "seconds": round(self.seconds, 2),
        }


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("cometbft", timeout=RPC_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Called by the library before the first request."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(RPC_SECONDS)
        self.sock.connect(str(self._path))


class Rpc:
    """The calls of CometBFT's RPC that only a bench makes. Any thread may call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Raises `NodeError` where it does not answer, or with an error."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        try:
            with contextlib.closing(UnixConnection(self._path)) as connection:
                connection.request("POST", "/", json.dumps(body))
                answer = json.load(connection.getresponse())
        except (OSError, http.client.HTTPException, ValueError) as failure:
            raise NodeError("bench.rpc", f"{method}: {failure!r}") from failure
        if "result" not in answer:
            raise NodeError("bench.rpc", f"{method}: {answer.get('error')}")
        return dict(answer["result"])

    def height(self) -> int:
        """Of the last decided block."""
        return int(self.call("status")["sync_info"]["latest_block_height"])

    def transactions(self, after: int, until: int) -> int:
        """How many are in the blocks (after, until]."""
        found = 0
        for first in range(after + 1, until + 1, METAS_A_CALL):
            last = min(first + METAS_A_CALL - 1, until)
            metas = self.call("blockchain", minHeight=str(first), maxHeight=str(last))
            found += sum(int(meta["num_txs"]) for meta in metas["block_metas"])
        return found


def measure(
    folder: Path, *, validators: int, size: int, seconds: float, say: Say
) -> dict[str, Any]:
    """Both in turn, `ROUNDS` times; each window lasts at least `seconds`."""
    sums = {OURS: Sum(), THEIRS: Sum()}
    for turn in range(ROUNDS):
        for name, total in sums.items():
            say(f"{name}, round {turn + 1} of {ROUNDS}")
            with running(folder / f"{name}-{turn}", validators, name) as rpcs:
                offer(rpcs, size, seconds, total)
    ours, theirs = (sums[name].figures(size) for name in (OURS, THEIRS))
    percent = 100 * ours["mb_per_second"] / max(theirs["mb_per_second"], 1e-9)
    return {
        "bench": "envelopes",
        "machine": describe(folder),
        "workload": {
            "validators": validators,
            "transaction_bytes": size,
            "block_bytes": limits.BLOCK_BYTES,
            "waiting_bytes": WAITING_BYTES * validators,
            "rounds": ROUNDS,
        },
        OURS: ours,
        THEIRS: theirs,
        "percent_of_kvstore": round(percent, 1),
        "to_reach_percent": TARGET_PERCENT,
    }


@contextmanager
def running(folder: Path, validators: int, name: str) -> Iterator[list[Rpc]]:
    """A new network on this application, all connected; stopped in the end."""
    from lianheng.cli._network import create_network
    from lianheng.consensus.cometbft.files import CometSockets

    organisations = [f"org-{number}" for number in range(1, validators + 1)]
    network, _ = create_network(folder, organisations=organisations, chain="bench")
    failures: list[LianhengError] = []
    with ExitStack() as held:
        sockets = [CometSockets.below(home.path) for home in network.homes]
        for each in sockets:
            held.callback(each.remove)
        for each in sockets if name == OURS else ():
            held.enter_context(noop_node(each.abci))
        start_engines(network, sockets, None if name == OURS else name, held, failures.append)
        wait_for(lambda: all(each.rpc.exists() for each in sockets), "RPC sockets", failures)
        rpcs = [Rpc(each.rpc) for each in sockets]
        wait_for(lambda: all(is_ready(rpc, validators) for rpc in rpcs), "peers", failures)
        yield rpcs
        if failures:
            raise failures[0]


@contextmanager
def noop_node(path: Path) -> Iterator[None]:
    """One process with our server on this socket."""
    command = [sys.executable, "-m", "lianheng.cli.benches.noop_node", str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            if process.stdout is None or process.stdout.readline() != b"ready\n":
                raise NodeError("bench.noop", "the no-op application does not start")
            yield
        finally:
            try:
                process.communicate(timeout=STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


def start_engines(
    network: "NetworkFolder",
    sockets: Sequence["CometSockets"],
    application: str | None,
    held: ExitStack,
    on_exit: Callable[[LianhengError], None],
) -> None:
    """CometBFT of each node as `up` runs it, but for bounded blocks: kvstore takes any size."""
    from lianheng.consensus.cometbft.files import GENESIS, write_comet_home
    from lianheng.consensus.cometbft.process import CometProcess, check_version, find_binary
    from lianheng.consensus.cometbft.settings import SETTINGS_NAME, read_settings
    from lianheng.members import read_identity
    from lianheng.model import GenesisFile

    binary = find_binary()
    check_version(binary)
    for home, each in zip(network.homes, sockets, strict=True):
        settings = read_settings(home.path / SETTINGS_NAME)
        genesis = GenesisFile.from_bytes(home.genesis_file.read_bytes())
        identity = read_identity(home.node_identity)
        comet = settings.comet_home
        write_comet_home(comet, settings, genesis, identity, each, application=application)
        file = comet / GENESIS
        text = file.read_text(encoding="utf-8")
        bounded = text.replace(ANY_SIZE, f'"max_bytes": "{limits.BLOCK_BYTES}"')
        file.write_text(bounded, encoding="utf-8")
        process = CometProcess(
            binary, comet, settings.comet_log, quiet_log(), on_exit, rpc=each.rpc
        )
        process.start()
        held.callback(process.stop, STOP_SECONDS)


def quiet_log() -> "structlog.typing.FilteringBoundLogger":
    """Errors only: a bench prints figures."""
    import structlog

    only_errors = structlog.make_filtering_bound_logger("error")
    logger = structlog.wrap_logger(structlog.PrintLogger(sys.stderr), wrapper_class=only_errors)
    return logger.bind()  # type: ignore[no-any-return]


def is_ready(rpc: Rpc, validators: int) -> bool:
    """Whether a node has its first block and all peers."""
    peers = int(rpc.call("net_info")["n_peers"])
    return rpc.height() >= 1 and peers == validators - 1


def wait_for(happened: Callable[[], bool], what: str, failures: Sequence[LianhengError]) -> None:
    """Raises what ended an engine meanwhile, or `NodeError` when it takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while True:
        if failures:
            raise failures[0]
        with contextlib.suppress(NodeError):  # not up yet
            if happened():
                return
        if time.monotonic() > deadline:
            raise NodeError("bench.timed_out", f"waited {READY_SECONDS:.0f} s for {what}")
        time.sleep(POLL_SECONDS)


def offer(rpcs: Sequence[Rpc], size: int, seconds: float, total: Sum) -> None:
    """Keep all mempools filled; count what is decided between two block ends."""
    stop = threading.Event()
    waiting = WAITING_BYTES * len(rpcs)
    failures: list[LianhengError] = []
    senders = [
        threading.Thread(target=send, args=(rpc, size, waiting, stop, failures)) for rpc in rpcs
    ]
    for sender in senders:
        sender.start()
    try:
        time.sleep(WARM_UP_SECONDS)
        begun, first = next_block(rpcs[0])
        time.sleep(seconds)
        ended, last = next_block(rpcs[0])
    finally:
        stop.set()
        for sender in senders:
            sender.join()
    if failures:
        raise failures[0]
    total.seconds += ended - begun
    total.blocks += last - first
    total.transactions += rpcs[0].transactions(first, last)


def next_block(rpc: Rpc) -> tuple[float, int]:
    """When the next block was decided, and its height."""
    deadline = time.perf_counter() + READY_SECONDS
    height = rpc.height()
    while (found := rpc.height()) == height:
        if time.perf_counter() > deadline:
            raise NodeError("bench.timed_out", f"no block after {height} in {READY_SECONDS:.0f} s")
        time.sleep(POLL_SECONDS)
    return time.perf_counter(), found


def send(
    rpc: Rpc, size: int, waiting: int, stop: threading.Event, failures: list[LianhengError]
) -> None:
    """New transactions to one node, as long as fewer than `waiting` bytes wait there."""
    try:
        while not stop.is_set():
            if int(rpc.call("num_unconfirmed_txs", limit="1")["total_bytes"]) >= waiting:
                stop.wait(POLL_SECONDS)
                continue
            answer = rpc.call("broadcast_tx_sync", tx=base64.b64encode(opaque(size)).decode())
            if answer["code"]:
                raise NodeError("bench.refused", f"CheckTx refused a transaction: {answer}")
    except LianhengError as failure:
        failures.append(failure)


def opaque(size: int) -> bytes:
    """Random, of the only form that kvstore takes: one `=` between a key and a value."""
    text = os.urandom(size // 2 + 1).hex().encode()[:size]
    return text[:32] + b"=" + text[33:]
