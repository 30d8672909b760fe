"""Timers of four validators whose clocks disagree: each runs once, in one block, never early.

Consensus is played as CometBFT does it: block time is the median of the validators' clocks and
grows, a block is made only while something waits in some mempool, and nodes propose in turn. One
whose clock is far ahead proposes nothing, as if block time were old after a rest: others do.
"""

import random
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.consensus.cometbft.small_network import SmallNetwork, small_network

from lianheng.consensus.cometbft.ticks import Ticker
from lianheng.ledger import EngineBackend, Ledger
from lianheng.model import Run

REMINDERS = Path(__file__).parents[2] / "contracts" / "reminders.py"
TIMER_GAS = 300_000
STEP_MS = 250
FURTHEST_MS = 6_000
LAST_DUE_MS = 5_000
PATIENCE_MS = 2 * FURTHEST_MS + LAST_DUE_MS + 4_000


class Skewed:
    """The network, its tickers, and blocks as its clocks make them."""

    def __init__(self, ahead: list[int]) -> None:
        self.network = small_network(ahead=ahead, contract=REMINDERS)
        self.nodes = self.network.nodes
        self.tickers = [Ticker(node.engine, node, clock_ms=node.clock) for node in self.nodes]

    def median(self) -> int:
        """Of four equal votes: the time that more than half of the power has reached."""
        return sorted(node.clock() for node in self.nodes)[2]

    def step(self, proposer: int) -> None:
        """Time goes on; who has something to send sends it; a block, if anything waits."""
        network = self.network
        network.clock.now += STEP_MS
        for node, ticker in zip(self.nodes, self.tickers, strict=True):
            node.pump()
            ticker.tick_once()
        if not any(node.mempool for node in self.nodes):
            return
        network.time_ms = max(network.time_ms + 1, self.median())
        txs = network.propose(proposer)
        assert network.accepts(txs) == [True] * len(self.nodes)
        network.decide(txs)

    def remind(self, through: int, name: str, after: int) -> None:
        who = list(self.network.people)[through]
        call = self.network.sign(who, "reminders.remind", gas=TIMER_GAS, id=name, after=after)
        self.nodes[through].sequencer.submit([call])


def runs(network: SmallNetwork, node: int) -> list[tuple[int, Run]]:
    """Height and run of every timer that ran on this node."""
    own = network.nodes[node]
    ledger = Ledger(EngineBackend(own.engine, own.sequencer), own.clock)
    return [
        (int(block.header.height), block.run(index))
        for block in ledger.blocks()
        for index in range(block.runs)
    ]


@settings(max_examples=25, deadline=None)
@given(
    ahead=st.lists(st.integers(-FURTHEST_MS, FURTHEST_MS), min_size=4, max_size=4),
    due=st.lists(st.integers(1, LAST_DUE_MS), min_size=1, max_size=4),
    chance=st.randoms(use_true_random=False),
)
def test_a_timer_runs_once_everywhere_and_never_early(
    ahead: list[int], due: list[int], chance: random.Random
) -> None:
    skewed = Skewed(ahead)
    for number, after in enumerate(due):
        skewed.remind(chance.randrange(4), f"term-{number}", after)
    first = chance.randrange(4)
    for turn in range(PATIENCE_MS // STEP_MS):
        skewed.step((first + turn) % 4)
    found = [runs(skewed.network, node) for node in range(4)]
    assert found[1:] == found[:-1]
    assert sorted(run.number for _, run in found[0]) == list(range(1, len(due) + 1))
    for _, run in found[0]:
        assert run.result.final
        assert run.result.time is not None
        assert run.result.time >= run.at
    assert len(skewed.network.roots()) == 1
    # At rest: no tick waits, nothing is due.
    assert all(not node.mempool for node in skewed.nodes)
