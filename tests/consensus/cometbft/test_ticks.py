"""Ticks: one for each header and moment, let in when it is time, in no block, gone afterwards."""

import threading
from pathlib import Path
from typing import Any

import pytest
from tests.consensus.cometbft.fake_chain import START_MS, FakeChain

from lianheng import _native
from lianheng.consensus.cometbft import _messages as m
from lianheng.consensus.cometbft.application import LedgerApplication
from lianheng.consensus.cometbft.pool import EnvelopePool, PoolLimits
from lianheng.consensus.cometbft.ticks import Ticker, check_tick, is_tick, tick
from lianheng.members import CallSigner, Genesis, Identity, MemberSpec, Validator
from lianheng.model import (
    Busy,
    ChainName,
    ContractSource,
    GenesisFile,
    HeaderHash,
    LianhengError,
    NodeError,
    encode,
    limits,
)

REMINDERS = Path(__file__).parents[2] / "contracts" / "reminders.py"
HASH = bytes(range(32))


class Sent:
    """A broadcaster that remembers, and fails as it is told."""

    def __init__(self, failure: LianhengError | None = None) -> None:
        self.data: list[bytes] = []
        self.failure = failure
        self.came = threading.Event()

    def broadcast(self, data: bytes) -> None:
        if self.failure is not None:
            raise self.failure
        self.data.append(data)
        self.came.set()


def test_all_nodes_make_the_same_tick() -> None:
    assert tick(HASH, 5) == tick(bytes(bytearray(HASH)), 5)
    assert len({tick(HASH, 5), tick(HASH, 6), tick(bytes(32), 5)}) == 3
    assert is_tick(tick(HASH, 5))
    assert len(tick(HASH, 2**63)) < 96


@pytest.mark.parametrize(
    "data",
    [
        tick(bytes(32), START_MS),
        tick(HASH, START_MS + 1),
        tick(HASH, START_MS - 1),
        tick(HASH, START_MS) + b"\0",
        tick(HASH, START_MS)[:-1],
        encode(["lianheng.tick.1", HASH, START_MS, 1])[:60],
        encode(["lianheng.tick.1", HASH, True]),
        encode(["lianheng.tick.1", HASH, None]),
        encode(["lianheng.tick.1", HASH + b"x" * 4_000, START_MS]),
    ],
)
def test_only_the_tick_that_is_due_is_let_in(data: bytes) -> None:
    head = FakeChain(next_timer=START_MS, header_hash=HASH)
    check_tick(tick(HASH, START_MS), head, START_MS)
    with pytest.raises(LianhengError, match=r"envelope\.not_due"):
        check_tick(data, head, START_MS + 10)


def test_a_tick_is_not_let_in_before_its_moment_nor_without_a_timer() -> None:
    head = FakeChain(next_timer=START_MS, header_hash=HASH)
    with pytest.raises(LianhengError, match="is due at"):
        check_tick(tick(HASH, START_MS), head, START_MS - 1)
    head.next_timer = None
    for data in (tick(HASH, START_MS), encode(["lianheng.tick.1", HASH, None])):
        with pytest.raises(LianhengError, match=r"envelope\.not_due"):
            check_tick(data, head, START_MS)


def test_the_ticker_waits_sends_and_waits_again() -> None:
    now = [START_MS]
    head, sent = FakeChain(header_hash=HASH), Sent()
    ticker = Ticker(head, sent, clock_ms=lambda: now[0])
    assert ticker.tick_once() is None
    head.next_timer = START_MS + 700
    assert ticker.tick_once() == 700
    head.next_timer = START_MS + 10**9
    assert ticker.tick_once() == limits.TIMER_WAIT_SECONDS * 1000
    head.next_timer = START_MS
    assert ticker.tick_once() == limits.TICK_AGAIN_MS
    assert sent.data == [tick(HASH, START_MS)]
    assert ticker.sent == 1
    for failure in (
        Busy("cometbft.mempool_full", "full", "wait", retry_after_ms=1),
        NodeError("cometbft.not_reachable", "gone", "wait"),
    ):
        sent.failure = failure
        assert ticker.tick_once() == limits.TICK_AGAIN_MS
    assert ticker.sent == 1


def test_the_tickers_thread_hears_of_blocks_and_ends() -> None:
    head, sent = FakeChain(header_hash=HASH), Sent()
    ticker = Ticker(head, sent, clock_ms=lambda: START_MS)
    ticker.start()
    head.next_timer = START_MS
    ticker.notify()
    assert sent.came.wait(10)
    ticker.stop()
    ticker.stop()


class OneValidator:
    """A validator's application over the real core, with a contract that has a timer."""

    def __init__(self) -> None:
        self.now = START_MS
        self.node = Identity.generate("node-1@bank-a")
        self.ann = Identity.generate("ann@bank-a")
        document = Genesis.create(
            chain="trade",
            organisations=["bank-a"],
            members=[
                MemberSpec("ann@bank-a", self.ann, kind="person", roles=("operator",)),
            ],
            validators=[Validator(MemberSpec("node-1@bank-a", self.node, kind="node"))],
            time_ms=START_MS,
            contracts=[ContractSource("reminders", "reminders.py", REMINDERS.read_text())],
        )
        self.engine: Any = _native.Engine.create(None, document.encoded)
        self.pool: EnvelopePool[Any] = EnvelopePool(PoolLimits.shared(2**24, 100, 1))
        self.application = LedgerApplication(
            self.engine,
            self.pool,
            genesis=GenesisFile.from_bytes(self.engine.genesis_file),
            on_block=lambda _: None,
            clock_ms=lambda: self.now,
            fault=lambda _: None,
        )
        self.height = 0

    def envelope(self, after: int) -> bytes:
        signer = CallSigner(
            ChainName("trade"), HeaderHash(self.engine.genesis_hash), lambda: self.now
        )
        call = signer.sign([self.ann], "reminders.remind", {"id": "a", "after": after})
        prepared = self.engine.prepare([bytes(call)], fresh=True, latest=self.now + 10**6)
        gathered = self.engine.gather(prepared, "node-1@bank-a", self.now)
        data: bytes = gathered.seal(self.node.sign(gathered.head, self.engine.genesis_hash)).data
        return data

    def decide(self, *txs: bytes) -> bytes:
        self.height += 1
        request = m.FinalizeBlock(
            list(txs), self.height, self.now, bytes([self.height]) * 32, b"\1" * 20
        )
        answer = self.application.finalize_block(request)
        self.application.commit()
        return answer.app_hash

    def check(self, data: bytes, *, recheck: bool = False) -> int:
        return self.application.check_tx(m.CheckTx(data, recheck)).code

    def proposed(self, *txs: bytes) -> list[bytes]:
        request = m.PrepareProposal(10**6, list(txs), self.height + 1, self.now, b"\1" * 20)
        return list(self.application.prepare_proposal(request).txs)

    def votes_for(self, *txs: bytes) -> bool:
        request = m.ProcessProposal(list(txs), self.height + 1, self.now, bytes(32), b"\1" * 20)
        return self.application.process_proposal(request).accept


def test_a_tick_wakes_and_leaves_and_stands_in_no_block() -> None:
    chain = OneValidator()
    chain.decide(chain.envelope(5_000))
    due = chain.engine.next_timer
    one = tick(chain.engine.header_hash, due)
    assert chain.check(one) != 0
    chain.now = due
    assert chain.check(one) == 0
    assert chain.check(one, recheck=True) == 0
    # However many nodes send it: it is the same, and counts in nobody's share.
    assert chain.pool.status()["mempool_envelopes"] == 0
    assert chain.proposed(one, one) == []
    assert chain.votes_for()
    assert not chain.votes_for(one)
    height = chain.engine.height
    before, after = chain.engine.header_hash, chain.decide()
    assert after != before
    assert chain.engine.height == height + 1
    assert chain.check(one, recheck=True) != 0
    assert chain.check(one) != 0
    # At rest: nothing is due, an empty block leaves the app hash.
    assert chain.decide() == after


def test_a_block_that_carries_a_tick_all_the_same_is_as_one_without() -> None:
    with_tick, without = OneValidator(), OneValidator()
    with_tick.decide(with_tick.envelope(5_000))
    one = tick(with_tick.engine.header_hash, with_tick.engine.next_timer)
    with_tick.now = with_tick.engine.next_timer
    with_tick.decide(one)
    assert with_tick.engine.height == 2
    assert without.decide(one) == without.engine.genesis_hash
