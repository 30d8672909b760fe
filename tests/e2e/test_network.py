"""Four organisations' validators as processes of their own, started as people start them."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest

from lianheng.client import Home, LocalClient
from lianheng.consensus import open_engine
from lianheng.consensus.cometbft.process import find_binary
from lianheng.members import Identity, read_identity
from lianheng.model import NodeError, TransactionId

pytestmark = pytest.mark.xdist_group("network")

T = TypeVar("T")
BIN = Path(sys.executable).parent
TOOLSHED = Path(__file__).parents[1] / "contracts" / "toolshed.py"
PEOPLE = {"a": "alice@a", "b": "bob@b", "c": "carol@c", "d": "dan@d"}


class Shell:
    """A folder and commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("LIANHENG_")}

    def run(self, *arguments: str, program: str = "lianheng") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [BIN / program, *arguments],
            cwd=self.folder,
            env={**self.environment, "COLUMNS": "200"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done
        return done.stdout

    def verify(self, *arguments: str) -> str:
        done = self.run(*arguments, program="lianheng-verify")
        assert done.returncode == 0, done
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.ok(*arguments, "--json"))


class Network(Shell):
    """A network in FOLDER/net, with a client and an identity for each node."""

    number = 0

    @property
    def path(self) -> Path:
        return self.folder / "net"

    def home(self, name: str) -> Path:
        return self.path / name

    def person(self, name: str) -> Identity:
        return read_identity(self.home(name) / "identities" / f"{PEOPLE[name]}.identity")

    def client(self, name: str) -> LocalClient:
        return LocalClient.connect(self.home(name))

    def runs(self, name: str) -> bool:
        try:
            self.client(name).close()
        except NodeError:
            return False
        return True

    def add(self, name: str) -> TransactionId:
        """A new tool, called through this organisation's node."""
        Network.number += 1
        with self.client(name) as ledger:
            tool = f"tool-{Network.number}"
            result = ledger.call(self.person(name), "toolshed.add", id=tool).checked()
        assert result.id is not None
        return result.id

    def pid(self, name: str) -> int:
        record = Home(self.home(name)).node_record()
        assert record is not None
        return record.pid

    def consensus(self, name: str) -> dict[str, Any]:
        with self.client(name) as ledger:
            found: dict[str, Any] = dict(ledger.status()["consensus"])
        return found

    def agree(self) -> tuple[int, bytes]:
        """Height and state root once all running nodes have the same."""
        return eventually(self._heads, lambda heads: len(heads) == 1).pop()

    def _heads(self) -> set[tuple[int, bytes]]:
        found = set()
        for name in PEOPLE:
            with self.client(name) as ledger:
                status = ledger.status()
                found.add((int(status["height"]), bytes(status["state_root"])))
        return found


def eventually(ask: Callable[[], T], reached: Callable[[T], bool], seconds: float = 30) -> T:
    deadline = time.monotonic() + seconds
    while True:
        found = ask()
        if reached(found):
            return found
        assert time.monotonic() < deadline, found
        time.sleep(0.05)


def gone(pid: int) -> None:
    def running() -> bool:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    eventually(running, lambda runs: not runs)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Network, float]]:
    """A network, and the seconds from nothing to its first final call."""
    try:
        find_binary()
    except NodeError as missing:
        pytest.skip(f"{missing.message}; {missing.hint}")
    network = Network(tmp_path_factory.mktemp("network"))
    began = time.monotonic()
    network.ok("network", "new", "net", "--orgs", "a,b,c,d", "--contracts", str(TOOLSHED))
    try:
        network.ok("network", "up", "net")
        network.add("a")
        yield network, time.monotonic() - began
    finally:
        network.run("network", "down", "net")


@pytest.fixture
def network(started: tuple[Network, float]) -> Network:
    """The network with all of its nodes up."""
    found = started[0]
    if not all(found.runs(name) for name in PEOPLE):
        found.ok("network", "up", "net")
    return found


def test_from_nothing_to_the_first_final_call(started: tuple[Network, float]) -> None:
    assert started[1] < 15


def test_each_organisation_calls_through_its_own_node(network: Network) -> None:
    called = {name: network.add(name) for name in PEOPLE}
    height, _ = network.agree()
    for name in PEOPLE:
        with network.client(name) as ledger:
            assert ledger.height == height
            for identity in called.values():
                assert ledger.result(identity).final


def test_receipts_of_every_node_are_verified_against_the_genesis(network: Network) -> None:
    identity = network.add("b").hex()
    network.agree()
    files = []
    for name in PEOPLE:
        files.append(f"receipt-{name}.cbor")
        network.ok("receipt", identity, "-o", files[-1], "--home", f"net/{name}")
    anchor = str(network.home("c") / "genesis.cbor")
    assert "4 of 4 receipts verified" in network.verify("receipt", *files, "--anchor", anchor)
    network.ok("receipt", identity, "-o", "members.cbor", "--members", "--home", "net/a")
    said = network.verify("receipt", "members.cbor", "--anchor", anchor)
    assert "in force at block" in said
    network.ok("prove", "toolshed.tools", "tool-1", "-o", "proof.cbor", "--home", "net/a")
    assert "VERIFIED" in network.verify("state", "proof.cbor", "--anchor", anchor)


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.long)])
def test_a_chain_without_work_rests(network: Network, seconds: int) -> None:
    network.add("a")
    height, _ = network.agree()
    sealed = eventually(
        lambda: [network.consensus(name) for name in PEOPLE],
        lambda found: (
            all(each["sealed_height"] == height for each in found)
            and len({each["height"] for each in found}) == 1
        ),
    )
    time.sleep(seconds)
    assert [network.consensus(name)["height"] for name in PEOPLE] == [
        each["height"] for each in sealed
    ]
    # After the rest block time is old; the next call becomes final all the same.
    network.add("d")


def test_a_state_is_proved_while_the_chain_goes_on(network: Network) -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            network.add("a")

    with ThreadPoolExecutor(1) as pool, network.client("b") as ledger:
        working = pool.submit(work)
        try:
            for number in range(5):
                proof = ledger.prove("toolshed", "tools", [f"tool-{number}"])
                (network.folder / f"proof-{number}.cbor").write_bytes(proof)
        finally:
            stop.set()
        working.result()
    anchor = str(network.home("d") / "genesis.cbor")
    for number in range(5):
        assert "VERIFIED" in network.verify("state", f"proof-{number}.cbor", "--anchor", anchor)


def test_the_status_says_what_the_chain_can_still_lose(network: Network) -> None:
    network.agree()
    # A node that was away signs again with the next block.
    text = eventually(
        lambda: network.ok("network", "status", "net"), lambda said: said.count(" yes ") == 4
    )
    assert "node-1@a" in text
    assert "4 of 4 vote: the chain goes on, also without any one of them" in text
    found = network.json("network", "status", "net")
    assert (found["votes"], found["validators"], found["losable"]) == (4, 4, 1)
    for row in found["nodes"]:
        assert row["lag"] == 0
        assert row["disk_bytes"] > 0
        assert row["consensus"]["cometbft"]["version"] == "v0.40.0"
        assert row["consensus"]["peers"] >= 2
        assert 0 < row["signed_last_100"] <= row["signed_of"] <= 100


def test_one_node_killed_and_revived_loses_nothing(network: Network) -> None:
    before = network.add("d")
    pid, comet = network.pid("d"), network.consensus("d")["cometbft"]["pid"]
    os.kill(pid, signal.SIGKILL)
    gone(pid)
    gone(comet)
    after = [network.add(name) for name in ("a", "b", "c")]
    refused = network.run("call", "toolshed.add", "id=x", "--home", "net/d", "--as", PEOPLE["d"])
    assert refused.returncode == 1
    assert "consensus.node_needed" in refused.stderr
    text = network.ok("network", "status", "net")
    assert "unreachable since" in text
    assert "3 of 4 vote: the chain goes on. One more loss stops it." in text
    network.ok("up", "--detach", "--home", "net/d")
    network.agree()
    with network.client("d") as ledger:
        for identity in (before, *after):
            assert ledger.result(identity).final
    network.add("d")


def test_a_cometbft_that_is_killed_is_started_again(network: Network) -> None:
    comet = network.consensus("b")["cometbft"]["pid"]
    os.kill(comet, signal.SIGKILL)
    again = eventually(
        lambda: network.consensus("b"),
        lambda found: bool(found["votes"]) and found["cometbft"]["pid"] not in (None, comet),
    )
    assert again["cometbft"]["starts"] >= 2
    network.add("b")
    network.agree()


def test_all_down_and_up_again(network: Network) -> None:
    last = network.add("c")
    head = network.agree()
    text = network.ok("network", "down", "net")
    assert text.count("stopped") == 4
    assert network.ok("network", "down", "net").count("did not run") == 4
    # Everything can be read without a node, and nothing is written.
    assert network.json("status", "--home", "net/c")["height"] == head[0]
    assert "sound" in network.ok("fsck", "--home", "net/c")
    stopped = network.run("network", "status", "net")
    assert stopped.returncode == 0
    assert "0 of 4 vote: the chain stands still until three more do" in stopped.stdout
    said = network.json("network", "up", "net")
    assert all("error" not in node for node in said["nodes"])
    assert network.agree() == head
    with network.client("a") as ledger:
        assert ledger.result(last).final
    network.add("a")


def test_logs_of_all_nodes_are_one(network: Network) -> None:
    text = network.ok("network", "logs", "net", "-n", "400")
    for name in PEOPLE:
        assert f"{name} node " in text
        assert f"{name} comet" in text
    only = network.ok("network", "logs", "net", "--org", "c", "-n", "5").splitlines()
    assert len(only) == 5
    assert all(line.startswith("c ") for line in only)
    assert network.run("network", "logs", "net", "--org", "x").returncode == 2


def test_a_node_that_does_not_start_is_named_and_holds_up_no_other(network: Network) -> None:
    network.ok("down", "--home", "net/d")
    file = network.home("d") / "genesis.cbor"
    right = file.read_bytes()
    network.ok("network", "new", "other", "--orgs", "d")
    shutil.copy(network.folder / "other" / "d" / "genesis.cbor", file)
    try:
        done = network.run("network", "up", "net")
        assert done.returncode == 1
        assert "consensus.wrong_genesis" in done.stdout
        assert "3 of 4 vote" in done.stdout
        network.add("a")
    finally:
        file.write_bytes(right)
        shutil.rmtree(network.folder / "other")
    network.ok("network", "up", "net")
    network.agree()


@pytest.mark.long
def test_all_or_nothing_where_a_port_is_taken(network: Network) -> None:
    network.ok("network", "new", "pair", "--orgs", "a,b")
    settings = (network.folder / "pair" / "b" / "lianheng.toml").read_text()
    host, _, port = re.findall(r'listen = "([^"]+)"', settings)[0].rpartition(":")
    with socket.socket() as other:
        other.bind((host, int(port)))
        other.listen()
        done = network.run("network", "up", "pair", "--all-or-nothing")
    assert done.returncode == 1
    assert "cometbft.address_in_use" in done.stdout
    assert port in done.stdout
    assert "no node of this network was left running" in done.stdout
    assert network.json("network", "status", "pair")["votes"] == 0
    assert not list((network.folder / "pair").glob("*/*.sock"))


def test_a_stranger_hears_that_it_is_on_another_network(network: Network) -> None:
    network.ok("network", "new", "strangers", "--orgs", "d,e")
    home = network.folder / "strangers" / "d"
    theirs = (network.home("d") / "lianheng.toml").read_text()
    peers = theirs[theirs.index("peers = [") : theirs.index("]", theirs.index("peers = ["))]
    settings = home / "lianheng.toml"
    text = settings.read_text()
    start = text.index("peers = [")
    settings.write_text(text[:start] + peers + text[text.index("]", start) :])
    try:
        said = network.ok("up", "--detach", "--home", str(home))
        assert "on another network" in said
        assert "genesis" in said
    finally:
        network.run("down", "--home", str(home))


def test_a_node_that_left_the_chain_says_where_and_stays_down(network: Network) -> None:
    network.agree()
    network.ok("down", "--home", "net/d")
    home, copy = network.home("d"), network.folder / "copy"
    shutil.copytree(home / "ledger", copy)
    network.ok("up", "--detach", "--home", "net/d")
    last = network.add("d")
    network.agree()
    with network.client("d") as ledger:
        height = ledger.result(last).height
        header = ledger.block(int(height or 0)).header
    network.ok("down", "--home", "net/d")
    # The same place in the chain, with another call.
    shutil.rmtree(home / "ledger")
    copy.rename(home / "ledger")
    with network.client("a") as ledger:
        forged = ledger.sign(network.person("d"), "toolshed.add", {"id": "forged"})
    engine = open_engine(home / "ledger")
    pending = engine.execute(
        [engine.prepare([bytes(forged)])], header.time, header.consensus_height
    )
    assert pending.height == height
    engine.commit(pending, None)
    engine.close()
    for _ in range(2):
        done = network.run("up", "--detach", "--home", "net/d")
        assert done.returncode == 1
        assert "chain.diverged" in done.stderr
        assert f"at height {height:,}" in done.stderr
        assert header.hash.hex() in done.stderr
        assert last.hex() in done.stderr
        assert forged.id(network_genesis(network)).hex() in done.stderr
        assert "doctor --rebuild" in done.stderr
    said = network.json("doctor", "--rebuild", "--home", "net/d")
    assert (network.folder / said["old"]).is_dir()
    network.ok("up", "--detach", "--home", "net/d")
    network.agree()
    network.add("d")
    assert "sound" in network.ok("fsck", "--home", "net/d")


# A node whose clock of blocks is one millisecond ahead from some height on.
WRONG = """
import dataclasses, pathlib, sys
from lianheng.consensus.cometbft.application import LedgerApplication
from lianheng.model import LianhengError
from lianheng import node

right = LedgerApplication._execute
def wrong(self, request):
    if request.txs:
        request = dataclasses.replace(request, time_ms=request.time_ms + 1)
    return right(self, request)
LedgerApplication._execute = wrong
try:
    node.run(pathlib.Path(sys.argv[1]), on_ready=lambda *_: print("ready", flush=True))
except LianhengError as failure:
    print(failure.code, failure.message, flush=True)
    sys.exit(1)
"""


@pytest.mark.long
def test_a_running_node_whose_result_differs_stops_loudly(network: Network) -> None:
    network.ok("down", "--home", "net/d")
    command = [sys.executable, "-c", WRONG, str(network.home("d"))]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            eventually(lambda: network.consensus("d"), lambda found: bool(found["votes"]))
            last = network.add("a")
            network.add("a")
            told, _ = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "chain.diverged" in told
    assert "They differ in time" in told
    assert "all transactions ended alike" in told or last.hex() in told
    done = network.run("up", "--detach", "--home", "net/d")
    assert "chain.diverged" in done.stderr
    assert "LEFT THE CHAIN since" in network.ok("network", "status", "net")
    network.ok("doctor", "--rebuild", "--home", "net/d")
    network.ok("up", "--detach", "--home", "net/d")
    network.agree()
    network.add("d")


def network_genesis(network: Network) -> Any:
    with network.client("a") as ledger:
        return ledger.genesis_hash
