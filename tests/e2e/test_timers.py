"""Timers on running nodes: idle ones wake, a killed one runs them once, four validators agree."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.test_network import PEOPLE, Network, Shell, eventually

from lianheng.client import LocalClient
from lianheng.consensus.cometbft.process import find_binary
from lianheng.ledger import Ledger
from lianheng.members import read_identity
from lianheng.model import NodeError, Run

AHEAD_MS = {"a": 4_000, "b": -3_000, "c": 1_000, "d": 0}
# What each interpreter of the test's commands runs first: the clock of a node by its home's name.
SKEW = """\
import os, sys, time

words = sys.orig_argv[1:]
if words[:2] == ["-m", "lianheng.node"]:
    ahead = {ahead}[os.path.basename(words[2])] * 1_000_000
    exact = time.time_ns
    time.time_ns = lambda: exact() + ahead
    time.time = lambda: time.time_ns() / 1e9
    open(os.path.join(words[2], "skewed"), "w").close()
"""
REMINDERS = Path(__file__).parents[1] / "contracts" / "reminders.py"


def runs(ledger: Ledger) -> list[Run]:
    """Every run of a timer so far."""
    return [block.run(index) for block in ledger.blocks() for index in range(block.runs)]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    made.ok("init", "--dev", "--orgs", "north")
    made.ok("up", "--detach")
    try:
        made.ok("contract", "deploy", str(REMINDERS), "--as", "alice@north")
        yield made
    finally:
        made.run("down")


def remind(shell: Shell, name: str, after_ms: int) -> None:
    with LocalClient.connect(shell.folder) as ledger:
        alice = read_identity(shell.folder / "identities" / "alice@north.identity")
        ledger.call(alice, "reminders.remind", id=name, after=after_ms).checked()


def test_a_timer_fires_on_an_idle_node_and_its_receipt_is_verified(shell: Shell) -> None:
    remind(shell, "a", 700)
    with LocalClient.connect(shell.folder) as ledger:
        height = ledger.height
        eventually(lambda: ledger.height, lambda now: now == height + 1, 10)
        (run,) = runs(ledger)
        assert run.result.time is not None
        assert 0 <= run.result.time - run.at < 500
        assert ledger.run("reminders", 1) == run
        time.sleep(0.5)
        assert ledger.height == height + 1
    listed = shell.ok("block", str(height + 1))
    assert "timer 1" in listed
    assert "reminders.expire" in listed
    entry = shell.json("block", str(height + 1))["entries"][0]
    assert entry["timer"]["arguments"] == {"id": "a"}
    assert entry["events"][0]["name"] == "Passed"
    assert "expire" in shell.ok("trace", "reminders:1")
    shell.ok("receipt", "reminders:1", "-o", "run.cbor")
    said = shell.verify("receipt", "run.cbor", "--anchor", "genesis.cbor")
    assert "reminders.expire(id='a')" in said
    assert "VERIFIED" in said


def test_a_timer_that_was_due_while_the_node_was_dead_runs_once(shell: Shell) -> None:
    remind(shell, "a", 600)
    remind(shell, "b", 60_000)
    pid = int(json.loads((shell.folder / "node.json").read_text())["pid"])
    os.kill(pid, signal.SIGKILL)
    time.sleep(0.8)
    shell.ok("up", "--detach")
    with LocalClient.connect(shell.folder) as ledger:
        eventually(lambda: runs(ledger), lambda found: len(found) == 1, 10)
        os.kill(int(json.loads((shell.folder / "node.json").read_text())["pid"]), signal.SIGKILL)
    time.sleep(0.2)
    shell.ok("up", "--detach")
    with LocalClient.connect(shell.folder) as ledger:
        time.sleep(0.5)
        (run,) = runs(ledger)
        assert (run.number, run.result.final) == (1, True)
        waiting = ledger.backend.scan("chain", "timers", (), limit=9, after=None, reverse=False)
        assert [key[1:] for key, _ in waiting[0]] == [["reminders", 2]]
    assert shell.ok("fsck").startswith("sound")


def reminders_network(made: Network) -> Iterator[Network]:
    try:
        find_binary()
    except NodeError as missing:
        pytest.skip(f"{missing.message}; {missing.hint}")
    made.ok("network", "new", "net", "--orgs", "a,b,c,d", "--contracts", str(REMINDERS))
    try:
        made.ok("network", "up", "net")
        yield made
    finally:
        made.run("network", "down", "net")


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Network]:
    yield from reminders_network(Network(tmp_path))


@pytest.fixture
def skewed(tmp_path: Path) -> Iterator[Network]:
    """Nodes whose clocks are seconds apart. CometBFT keeps the machine's: Go cannot be told."""
    made = Network(tmp_path)
    (tmp_path / "sitecustomize.py").write_text(SKEW.format(ahead=AHEAD_MS), encoding="utf-8")
    made.environment["PYTHONPATH"] = str(tmp_path)
    yield from reminders_network(made)


@pytest.mark.xdist_group("network")
def test_four_idle_validators_wake_for_a_timer_and_rest_again(network: Network) -> None:
    with network.client("a") as ledger:
        ledger.call(network.person("a"), "reminders.remind", id="a", after=4_000).checked()
        before = ledger.height
        # Idle meanwhile: block time is old when the timer falls due.
        eventually(lambda: ledger.height, lambda now: now > before, 20)
        (run,) = runs(ledger)
        assert run.result.final
        assert run.result.time is not None
        assert 0 <= run.result.time - run.at < 2_000
    height, _ = network.agree()
    assert height == before + 1
    headers = set()
    for name in PEOPLE:
        with network.client(name) as ledger:
            headers.add(ledger.block(height).header.hash)
    assert len(headers) == 1
    # At rest again: no block follows, and no tick waits anywhere.
    eventually(
        lambda: [network.consensus(name)["sealed_height"] for name in PEOPLE],
        lambda sealed: set(sealed) == {height},
    )
    time.sleep(1.5)
    rested = [network.consensus(name)["height"] for name in PEOPLE]
    time.sleep(2)
    assert [network.consensus(name)["height"] for name in PEOPLE] == rested
    network.ok("receipt", "reminders:1", "-o", "run.cbor", "--home", "net/b")
    anchor = str(network.home("c") / "genesis.cbor")
    assert "VERIFIED" in network.verify("receipt", "run.cbor", "--anchor", anchor)


@pytest.mark.xdist_group("network")
def test_a_timer_runs_once_though_the_nodes_clocks_disagree(skewed: Network) -> None:
    assert all((skewed.home(name) / "skewed").exists() for name in PEOPLE)
    numbers = {}
    for name, after in (("a", 1_500), ("b", 2_500)):
        with skewed.client(name) as ledger:
            call = ledger.call(skewed.person(name), "reminders.remind", id=name, after=after)
            numbers[name] = call.checked().value
    with skewed.client("d") as ledger:
        eventually(lambda: runs(ledger), lambda found: len(found) == len(numbers), 20)
    skewed.agree()
    found = {}
    for name in PEOPLE:
        with skewed.client(name) as ledger:
            found[name] = runs(ledger)
    assert all(seen == found["a"] for seen in found.values())
    assert [run.number for run in found["a"]] == sorted(numbers.values())
    for run in found["a"]:
        assert run.result.final
        assert run.result.time is not None
        assert 0 <= run.result.time - run.at < 3_000
    for name, number in zip("abcd", (1, 2, 1, 2), strict=True):
        home = str(skewed.home(name))
        skewed.ok("receipt", f"reminders:{number}", "-o", f"{name}.cbor", "--home", home)
        anchor = str(skewed.home("d") / "genesis.cbor")
        assert "VERIFIED" in skewed.verify("receipt", f"{name}.cbor", "--anchor", anchor)
