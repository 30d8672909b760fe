"""Killing nodes of a network at random and at each step of a block: one history, nothing lost.

Each run kills one node, its CometBFT alone, or all of them, at a random moment or at a named step,
while a caller at each node calls without rest. After each run the dead come back and every node
takes calls again. In the end all nodes have one history, with every confirmed call in it once.
`LIANHENG_NETWORK_FAULT_RUNS` runs are made (5 unless set); `LIANHENG_FAULT_SEED` varies them.
"""

import os
import random
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.faults.network import ROOT, Callers, Network, check_history, four

from lianheng.consensus.cometbft.application import FAULT_POINTS

RUNS = int(os.environ.get("LIANHENG_NETWORK_FAULT_RUNS", "5"))
SEED = os.environ.get("LIANHENG_FAULT_SEED", "1")
RUNS_PER_NETWORK = 20
# At a point that a node passes with every block; the store flushes once a second.
POINT_SECONDS = 15.0
PASSES = 12

_FAULTS = (ROOT / "rust" / "store" / "src" / "fault.rs").read_text()
_STORE = re.findall(r'"([a-z]+\.[a-z_]+)",', _FAULTS[: _FAULTS.index("];")])
STORE_POINTS = tuple(
    point
    for point in _STORE
    if point.startswith(("log.", "store.", "flush."))
    # Of the log that is synced with each block, which a network's is not.
    and point not in ("log.after_append_before_sync", "log.after_sync")
)


class Run(NamedTuple):
    """What is killed, and where; no point: at a random moment, with SIGKILL."""

    who: str
    point: str | None

    def __str__(self) -> str:
        return f"{self.who} at {self.point or 'a random moment'}"


def plan(runs: int, chance: random.Random) -> Iterator[Run]:
    """All steps of a block for one node and for all, random kills in between."""
    points = [*FAULT_POINTS, *STORE_POINTS]
    chance.shuffle(points)
    steps = cycle(
        [
            *(Run("one", point) for point in points),
            *(Run("all", point) for point in points),
        ]
    )
    kinds = cycle([Run("one", None), Run("comet", None), None, Run("all", None), None, None])
    return islice((kind or next(steps) for kind in kinds), runs)


def carry_out(network: Network, run: Run, chance: random.Random) -> bool:
    """Kill as the run says; whether what was to die at a point did."""
    places = list(range(len(network.homes)))
    chosen = places if run.who == "all" else [chance.choice(places)]
    if run.point is None:
        time.sleep(chance.uniform(0.0, 0.6))
        pids = [pid for place in chosen for pid in network.pids(place)]
        network.kill(pids[1:2] if run.who == "comet" else pids)
        return True
    # A fault is armed at the start: stop in good order, start again with it.
    for place in chosen:
        network.kill(network.pids(place))
    armed = f"{run.point}:{chance.randint(1, PASSES)}"
    network.start_all(dict.fromkeys(chosen, armed))
    died = [network.wait_until_down(place, POINT_SECONDS) for place in chosen]
    for place, down in zip(chosen, died, strict=True):
        if not down:
            # Too few passes: with all others dead no further block comes.
            network.kill(network.pids(place))
    return any(died)


def kill_again_and_again(folder: Path, runs: list[Run], chance: random.Random) -> tuple[int, int]:
    """Follow the plan on one network: calls confirmed, and runs that did what they were to do."""
    done = 0
    with four(folder) as network:
        callers = Callers(network)
        try:
            network.check_calls("before")
            for number, run in enumerate(runs):
                done += carry_out(network, run, chance)
                network.start_all()
                network.check_calls(f"after-{number}")
        finally:
            callers.stop()
        with ExitStack() as stack:
            ledgers = [stack.enter_context(network.client(place)) for place in range(4)]
            deadline = time.monotonic() + 30
            while len({ledger.height for ledger in ledgers}) > 1:
                assert time.monotonic() < deadline, [ledger.height for ledger in ledgers]
                time.sleep(0.05)
            check_history(ledgers, callers.confirmed)
        return len(callers.confirmed), done


@pytest.mark.faults
@pytest.mark.parametrize(
    "group", range((RUNS + RUNS_PER_NETWORK - 1) // RUNS_PER_NETWORK), ids="network-{}".format
)
def test_one_history_whatever_is_killed(tmp_path: Path, group: int) -> None:
    chance = random.Random(f"{SEED}-{group}")  # noqa: S311 - no secret, repeatable
    first = group * RUNS_PER_NETWORK
    everything = list(plan(RUNS, random.Random(SEED)))  # noqa: S311 - no secret, repeatable
    runs = everything[first : first + RUNS_PER_NETWORK]
    confirmed, done = kill_again_and_again(tmp_path / "network", runs, chance)
    print(f"{len(runs)} runs, {done} as planned; {confirmed} calls confirmed")  # noqa: T201 - the figures of a long run
    assert confirmed > len(runs)
    assert done >= len(runs) - 2, [str(run) for run in runs]
