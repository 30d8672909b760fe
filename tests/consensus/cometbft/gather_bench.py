"""A gatherer under simulated time, with a CometBFT that a test drives."""

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

from tests.consensus.cometbft.fake_chain import (
    START_MS,
    FakeChain,
    FakeSigner,
    transaction,
)

from lianheng.consensus import QueueLimits
from lianheng.consensus.cometbft._core import CommittedBlock
from lianheng.consensus.cometbft.gather import EnvelopeSequencer
from lianheng.consensus.cometbft.pool import EnvelopePool, PoolLimits
from lianheng.ledger import Submission
from lianheng.model import (
    Busy,
    LianhengError,
    NodeError,
    Result,
    limits,
)


@dataclass
class Comet:
    """CometBFT's mempool; `answer` is what the next broadcasts raise, `None` for all is well."""

    waiting: list[bytes] = field(default_factory=list)
    seen: list[bytes] = field(default_factory=list)
    answer: LianhengError | None = None
    arrives: bool = False
    decided: set[bytes] = field(default_factory=set)

    def broadcast(self, data: bytes) -> None:
        self.seen.append(data)
        # What was decided lately is taken without a word, and goes nowhere.
        known = data in self.waiting or data in self.decided
        if (self.answer is None or self.arrives) and not known:
            self.waiting.append(data)
        if self.answer is not None:
            raise self.answer


BUSY = Busy("cometbft.mempool_full", "full", retry_after_ms=200)
AWAY = NodeError("cometbft.not_reachable", "nobody answers")


class Bench:
    """A sequencer without threads, its chain and its CometBFT, under simulated time."""

    def __init__(self, *, threads: bool = False, bounds: QueueLimits | None = None) -> None:
        self.now = START_MS
        self.chain = FakeChain(time=0 if threads else START_MS)
        self.comet = Comet()
        self.pool: EnvelopePool[Any] = EnvelopePool(PoolLimits(2**24, 500))
        self.faults: list[str] = []
        self.sequencer = EnvelopeSequencer(
            self.chain,
            FakeSigner(),
            self.pool,
            self.comet,
            bounds=bounds,
            horizon_ms=limits.REPLAY_HORIZON_MS,
            clock_ms=(lambda: time.time_ns() // 1_000_000) if threads else lambda: self.now,
            monotonic_ms=(lambda: time.monotonic_ns() // 1_000_000)
            if threads
            else lambda: self.now,
            fault=self.faults.append,
            threads=threads,
        )

    def submit(self, *numbers: int, expires: int = START_MS + 60_000) -> Submission:
        return self.sequencer.submit([transaction(number, expires) for number in numbers])

    def pump(self, after_ms: int = 0) -> None:
        self.now += after_ms
        while self.sequencer.gather_once() == 0:
            pass
        while self.sequencer.send_once() == 0:
            pass

    def block(self, after_ms: int = 100, room: int = 10**9, *more: bytes) -> CommittedBlock:
        """Decide what waits in the mempool."""
        self.now += after_ms
        envelopes = [*self.comet.waiting, *more]
        self.comet.waiting.clear()
        return self.decide(envelopes, room)

    def decide(self, envelopes: list[bytes], room: int = 10**9, late_ms: int = 0) -> CommittedBlock:
        block = self.chain.block(envelopes, self.now - late_ms, room)
        self.comet.decided.update(envelopes)
        digests = [(data, hashlib.sha256(data).digest()) for data in envelopes]
        self.pool.block(digests, block.time)
        self.sequencer.on_block(block)
        return block

    @property
    def under_way(self) -> int:
        found: int = self.sequencer.status()["envelopes_under_way"]
        return found


def code(result: Result) -> str:
    assert result.error is not None
    return result.error.code
