"""Killing the process at random moments and at every durability point; nothing confirmed is lost.

Each test kills one ledger's process several times in a row and looks at it after each kill: every
confirmed transaction is there once, with its result; blocks and tables agree; `fsck` finds nothing.
`LIANHENG_FAULT_RUNS` kills are made in all (30 unless set, and at least two at each point);
`LIANHENG_FAULT_SEED` varies them.
"""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.faults.writer import fixed_people, open_or_create

from lianheng.consensus import open_ledger
from lianheng.ledger import Ledger
from lianheng.model import LianhengError, NodeError, NotFound, Status, TransactionId

ROOT = Path(__file__).parents[2]
RUNS = int(os.environ.get("LIANHENG_FAULT_RUNS", "30"))
SEED = os.environ.get("LIANHENG_FAULT_SEED", "1")
RUNS_PER_LEDGER = 5
LONGEST_SECONDS = 1.2
# Until a point is reached for the n-th time: the store flushes once a second.
POINT_SECONDS = 20.0
PASSES = {"log": 4, "store": 4, "flush": 2, "side": 2}

_FAULTS = (ROOT / "rust" / "store" / "src" / "fault.rs").read_text()
# Of a log that is synced lazily, which is a network's: tests/faults/test_network_kill.py.
_LAZY = (
    "log.before_lazy_sync",
    "log.after_lazy_sync",
    "log.after_mark",
    "segment.before_roll_sync",
)
POINTS = [
    point
    for point in re.findall(r'"([a-z]+\.[a-z_]+)",', _FAULTS[: _FAULTS.index("];")])
    if point not in _LAZY
]
# A torn tail is only cut where there is one: these follow a kill in the middle of an append.
AFTER_TORN_TAIL = ("open.before_cut", "open.after_cut")
# Only a new ledger, or one of more than a segment, makes a segment; the store's own tests kill
# there with small segments, here it is the creation that is killed.
AT_CREATION = tuple(
    point
    for point in POINTS
    if point.startswith(("segment.", "open.")) and point not in AFTER_TORN_TAIL
)
ORDINARY = tuple(point for point in POINTS if point not in (*AFTER_TORN_TAIL, *AT_CREATION))

RANDOM_GROUPS = max(2, (RUNS - 2 * len(ORDINARY)) // RUNS_PER_LEDGER)

Confirmed = dict[str, tuple[int, str]]


class Killed(NamedTuple):
    """The lines that the writer wrote until it was killed, and whether that was at the point."""

    lines: list[str]
    at_point: bool


def run_until_killed(folder: Path, seed: str, seconds: float, point: str | None) -> Killed:
    """Let the writer work until it aborts at the point, or is killed after so many seconds."""
    environment = {name: value for name, value in os.environ.items() if name != "LIANHENG_FAULT"}
    if point is not None:
        environment["LIANHENG_FAULT"] = point
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults.writer", str(folder), seed],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
        output, errors = process.communicate()
        assert process.returncode in (-signal.SIGKILL, -signal.SIGABRT), errors.decode()
    assert first == b"started\n", errors.decode()
    # A line without its end was cut off in the writing.
    return Killed(output.decode().split("\n")[:-1], process.returncode == -signal.SIGABRT)


def check_ledger(ledger: Ledger, confirmed: Confirmed) -> None:
    """Everything confirmed is there once, and all that is there agrees."""
    seen: dict[str, tuple[int, str]] = {}
    added: set[str] = set()
    for block in ledger.blocks():
        for transaction, entry in zip(block.transactions, block.entries, strict=True):
            identity = entry.id.hex()
            assert identity not in seen, f"{identity} is there twice"
            seen[identity] = (block.height, str(entry.result.status))
            payload = transaction.payload
            if entry.result.final:
                added.add(payload.arguments["id"])
    lost = [identity for identity in confirmed if identity not in seen]
    assert lost == [], f"{len(lost)} confirmed transactions are lost"
    assert {identity: seen[identity] for identity in confirmed} == confirmed
    assert {row.key[0] for row in ledger.table("toolshed", "tools")} == added
    for identity in list(confirmed)[-3:]:
        entry = ledger.entry(TransactionId.from_hex(identity))
        assert (entry.result.height, str(entry.result.status)) == confirmed[identity]
        assert ledger.receipt(entry.id)
    report = ledger.fsck()
    assert report["faults"] == []
    assert report["transactions"] == len(seen)


def check_replay_is_dropped(ledger: Ledger, confirmed: Confirmed) -> None:
    """Ids stay burnt: a confirmed transaction is not ordered a second time."""
    if not confirmed:
        return
    last = TransactionId.from_hex(next(reversed(confirmed)))
    height = ledger.height
    entry = ledger.entry(last)
    again = ledger.block(entry.result.height or 0).transactions[entry.result.index or 0]
    result = ledger.submit(bytes(again)).one(30)
    assert result.status is Status.DROPPED
    assert ledger.height == height


def read_lines(lines: Sequence[str]) -> Confirmed:
    parts = [line.split(" ") for line in lines]
    return {identity: (int(height), status) for identity, height, status in parts}


def kill_again_and_again(
    folder: Path, plan: Sequence[tuple[str | None, float]], seed: str
) -> tuple[int, int]:
    """Follow a plan of points and seconds on one ledger: calls confirmed, kills at points."""
    confirmed: Confirmed = {}
    at_points = 0
    for number, (point, seconds) in enumerate(plan):
        killed = run_until_killed(folder, f"{seed}{number}", seconds, point)
        confirmed |= read_lines(killed.lines)
        at_points += killed.at_point
        try:
            ledger = open_ledger(folder / "ledger")
        except NotFound:
            # Killed before there was a ledger, or its folder: it is made anew, as the error says.
            assert not confirmed
            shutil.rmtree(folder / "ledger", ignore_errors=True)
            continue
        with ledger:
            check_ledger(ledger, confirmed)
            check_replay_is_dropped(ledger, confirmed)
    return len(confirmed), at_points


def make_plan(choice: random.Random) -> list[tuple[str | None, float]]:
    """Half at random moments, half at the n-th pass of a point."""
    plan: list[tuple[str | None, float]] = []
    for _ in range(RUNS_PER_LEDGER):
        point = None
        if choice.random() < 0.5:
            point = f"{choice.choice(ORDINARY)}:{choice.randint(1, 8)}"
        plan.append((point, choice.uniform(0.02, LONGEST_SECONDS)))
    return plan


@pytest.mark.faults
@pytest.mark.parametrize("group", range(RANDOM_GROUPS))
def test_random_kills_lose_nothing(tmp_path: Path, group: int) -> None:
    choice = random.Random(f"{SEED}/{group}")  # noqa: S311 - repeatable on purpose
    kill_again_and_again(tmp_path, make_plan(choice), f"{SEED}x{group}x")


@pytest.mark.faults
@pytest.mark.parametrize("point", ORDINARY)
def test_a_kill_at_each_point_loses_nothing(tmp_path: Path, point: str) -> None:
    open_or_create(tmp_path, fixed_people()).close()
    passes = PASSES[point.partition(".")[0]]
    plan = [(f"{point}:{passes}", POINT_SECONDS), (point, POINT_SECONDS)]
    confirmed, at_points = kill_again_and_again(tmp_path, plan, f"{SEED}p{POINTS.index(point)}x")
    assert confirmed > 0
    assert at_points == len(plan)


@pytest.mark.faults
@pytest.mark.parametrize("point", AFTER_TORN_TAIL)
def test_a_kill_while_a_torn_tail_is_cut_loses_nothing(tmp_path: Path, point: str) -> None:
    open_or_create(tmp_path, fixed_people()).close()
    # Nobody looks between the torn tail and its cutting, which is what is to be interrupted.
    torn = run_until_killed(tmp_path, f"{SEED}t", POINT_SECONDS, "log.mid_append:4")
    cut = run_until_killed(tmp_path, f"{SEED}u", POINT_SECONDS, point)
    assert torn.at_point
    assert cut.at_point
    confirmed = read_lines(torn.lines)
    assert confirmed
    with open_ledger(tmp_path / "ledger") as ledger:
        check_ledger(ledger, confirmed)
        check_replay_is_dropped(ledger, confirmed)


@pytest.mark.faults
@pytest.mark.parametrize("point", AT_CREATION)
def test_a_kill_while_a_ledger_is_made_is_named_or_harmless(tmp_path: Path, point: str) -> None:
    assert run_until_killed(tmp_path, f"{SEED}c", POINT_SECONDS, point) == ([], True)
    try:
        ledger = open_ledger(tmp_path / "ledger")
    except LianhengError as failure:
        # Not a ledger yet: said so, and nothing was confirmed in it.
        told = (failure.code, failure.message, failure.hint)
        assert all(told)
        return
    with ledger:
        assert ledger.height == 0
        assert ledger.call(fixed_people().alice, "toolshed.add", id="x").final


@pytest.mark.faults
def test_a_node_that_is_killed_again_and_again_loses_nothing(tmp_path: Path) -> None:
    """The same through the node's socket: confirmed to a client means durable."""
    from tests.node.support import make_home

    from lianheng.client import connect
    from lianheng.node import start_detached, stop

    them = make_home(tmp_path)
    choice = random.Random(SEED)  # noqa: S311 - repeatable on purpose
    confirmed: list[TransactionId] = []
    for kill in range(4):
        started = start_detached(tmp_path)
        with connect(tmp_path) as client:
            deadline = time.monotonic() + choice.uniform(0.05, 0.4)
            killed = False
            while True:
                if time.monotonic() > deadline and not killed:
                    os.kill(started.pid, signal.SIGKILL)
                    killed = True
                try:
                    name = f"k{kill}-{len(confirmed)}"
                    result = client.call(them.alice, "toolshed.add", id=name)
                except NodeError:
                    break
                assert result.id is not None
                confirmed.append(result.id)
        os.waitpid(started.pid, 0)
    with connect(tmp_path) as ledger:
        assert all(ledger.result(identity).final for identity in confirmed)
        assert ledger.fsck()["faults"] == []
    assert len(confirmed) > 4
    assert stop(tmp_path) is False


@pytest.mark.faults
def test_the_check_notices_what_it_looks_for(tmp_path: Path) -> None:
    with open_or_create(tmp_path, fixed_people()) as ledger:
        result = ledger.call(fixed_people().alice, "toolshed.add", id="x").checked()
        assert result.id is not None
        assert result.height is not None
        there = {result.id.hex(): (int(result.height), "final")}
        check_ledger(ledger, there)
        for wrong in (
            {**there, "00" * 32: (1, "final")},
            {result.id.hex(): (2, "final")},
            {result.id.hex(): (1, "refused")},
        ):
            with pytest.raises(AssertionError):
                check_ledger(ledger, wrong)
