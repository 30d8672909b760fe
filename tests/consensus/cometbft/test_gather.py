import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.consensus.cometbft.fake_chain import (
    START_MS,
    identity,
    transaction,
)
from tests.consensus.cometbft.gather_bench import AWAY, BUSY, Bench, code

from lianheng.consensus import QueueLimits
from lianheng.consensus.cometbft._core import CommittedBlock
from lianheng.ledger import Submission
from lianheng.model import (
    Busy,
    LedgerError,
    LianhengError,
    Result,
    Status,
    Stopped,
    TimedOut,
    limits,
)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_lone_call_leaves_at_once(bench: Bench) -> None:
    submission = bench.submit(1)
    bench.pump()
    assert len(bench.comet.waiting) == 1
    assert bench.faults == ["gather.signed", "gather.sent"]
    bench.block()
    assert submission.one(0).value == transaction(1)
    assert (submission.one(0).height, submission.one(0).index) == (1, 0)


def test_while_one_is_under_way_others_wait_for_company_half_a_block(bench: Bench) -> None:
    bench.submit(1)
    bench.pump()
    bench.block(after_ms=100)
    bench.submit(2)
    bench.pump()
    bench.submit(3)
    bench.pump()
    bench.submit(4)
    bench.pump(after_ms=49)
    assert bench.under_way == 1
    bench.pump(after_ms=1)
    assert bench.under_way == 2
    assert bench.sequencer.status()["block_interval_ms"] == 100


def test_the_wait_for_company_is_bounded(bench: Bench) -> None:
    bench.submit(1)
    bench.pump()
    bench.block(after_ms=4_000)
    bench.submit(2)
    bench.pump()
    bench.submit(3)
    bench.pump()
    bench.pump(after_ms=limits.GATHER_LONGEST_MS - 1)
    assert bench.under_way == 1
    bench.pump(after_ms=1)
    assert bench.under_way == 2


def test_a_full_envelope_waits_for_nobody(bench: Bench) -> None:
    bench.submit(1)
    bench.pump()
    submission = bench.submit(*range(10, 10 + limits.ENVELOPE_TRANSACTIONS))
    bench.pump()
    assert bench.under_way == 2
    bench.block()
    assert submission.done()


def test_envelopes_obey_their_bounds_and_large_submissions_are_split(bench: Bench) -> None:
    signed = [transaction(number, size=400) for number in range(3_000)]
    submission = bench.sequencer.submit(signed)
    bench.pump()
    for _ in range(20):
        bench.block()
        bench.pump(after_ms=300)
    results = submission.wait(0)
    assert [result.value for result in results] == signed
    sizes = [len(data) for data in bench.comet.seen]
    assert max(sizes) <= limits.ENVELOPE_BYTES
    # Full ones, not scraps: 1.2 MB need five.
    assert len(sizes) <= 6


def test_one_transaction_larger_than_an_envelope_goes_alone(bench: Bench) -> None:
    large = transaction(1, size=300_000)
    submission = bench.sequencer.submit([transaction(0), large, transaction(2)])
    bench.pump()
    for _ in range(3):
        bench.block()
        bench.pump(after_ms=300)
    assert [len(result.value) for result in submission.wait(0)] == [15, 300_000, 15]
    assert len(bench.comet.seen) == 3


def test_what_can_never_be_ordered_is_answered_without_travelling(bench: Bench) -> None:
    bench.submit(5)
    bench.pump()
    bench.block()
    far = START_MS + 10**9
    submission = bench.sequencer.submit(
        [b"junk", transaction(5), transaction(6), transaction(7, START_MS), transaction(8, far)]
    )
    bench.pump()
    bench.block()
    results = submission.wait(0)
    assert [result.status for result in results] == [
        Status.DROPPED,
        Status.DROPPED,
        Status.FINAL,
        Status.DROPPED,
        Status.DROPPED,
    ]
    assert [code(result) for result in results if result.error] == [
        "dropped.undecodable",
        "dropped.replayed",
        "dropped.expired",
        "dropped.too_far_ahead",
    ]
    assert results[0].id is None
    error = results[1].error
    assert error is not None
    assert "entry 0 of block 1" in error.message
    assert error.hint
    only_bad = bench.sequencer.submit([b"junk", b""])
    bench.pump()
    assert [code(result) for result in only_bad.wait(0)] == ["dropped.undecodable"] * 2
    assert len(bench.comet.seen) == 2


def test_what_found_no_room_comes_again_in_front(bench: Bench) -> None:
    first = bench.submit(*range(10))
    bench.pump()
    later = bench.submit(20)
    bench.block(room=4)
    assert not first.done()
    bench.pump(after_ms=300)
    bench.block(room=6)
    assert [result.height for result in first.wait(0)] == [1] * 4 + [2] * 6
    bench.pump(after_ms=300)
    bench.block()
    assert later.one(0).height == 3


def test_the_same_bytes_never_travel_twice(bench: Bench) -> None:
    submission = bench.submit(1)
    for _ in range(4):
        bench.pump(after_ms=300)
        bench.block(room=0)
    bench.pump(after_ms=300)
    assert len(bench.comet.seen) == len(set(bench.comet.seen)) == 5
    bench.block()
    assert submission.one(0).final


def test_a_full_mempool_and_a_silent_comet_are_tried_again(bench: Bench) -> None:
    submission = bench.submit(1)
    bench.comet.answer = BUSY
    bench.pump()
    bench.pump(after_ms=199)
    assert len(bench.comet.seen) == 1
    bench.pump(after_ms=1)
    assert len(bench.comet.seen) == 2
    bench.comet.answer = AWAY
    for _ in range(10):
        bench.pump(after_ms=limits.BROADCAST_LONGEST_RETRY_MS)
    assert len(bench.comet.seen) == 12
    bench.comet.answer = None
    bench.pump(after_ms=limits.BROADCAST_LONGEST_RETRY_MS)
    bench.block()
    assert submission.one(0).final


def test_an_envelope_that_nobody_saw_is_sent_again(bench: Bench) -> None:
    submission = bench.submit(1)
    bench.pump()
    bench.comet.waiting.clear()
    bench.block(after_ms=limits.REBROADCAST_MS - 1)
    bench.pump()
    assert not bench.comet.waiting
    bench.pump(after_ms=1)
    assert len(bench.comet.waiting) == 1
    assert bench.sequencer.status()["rebroadcast"] == 1
    bench.block()
    assert submission.one(0).final


def test_after_a_restart_of_comet_all_is_sent_again_at_once(bench: Bench) -> None:
    bench.submit(1)
    bench.pump()
    bench.comet.waiting.clear()
    bench.sequencer.on_start()
    bench.pump()
    assert len(bench.comet.waiting) == 1


def test_block_time_beyond_the_expiry_answers(bench: Bench) -> None:
    submission = bench.submit(1, expires=START_MS + 1_000)
    bench.pump()
    waiting = bench.comet.waiting.pop()
    bench.block(after_ms=999)
    assert not submission.done()
    bench.block(after_ms=1)
    assert code(submission.one(0)) == "dropped.expired"
    assert submission.one(0).id == identity(transaction(1, START_MS + 1_000))
    # Decided late all the same, it is dropped by every node, and nobody is told twice.
    bench.decide([waiting])
    assert bench.under_way == 0


def test_the_clock_answers_only_for_what_comet_never_had(bench: Bench) -> None:
    never = bench.submit(1, expires=START_MS + 1_000)
    bench.comet.answer = BUSY
    bench.pump()
    bench.pump(after_ms=1_000)
    assert code(never.one(0)) == "dropped.expired"
    perhaps = bench.submit(2, expires=START_MS + 3_000)
    bench.comet.answer = AWAY
    bench.pump()
    bench.pump(after_ms=2_000)
    bench.pump(after_ms=limits.OUTCOME_GRACE_MS - 1)
    assert not perhaps.done()
    bench.pump(after_ms=1)
    with pytest.raises(TimedOut, match="look their ids up"):
        perhaps.wait(0)
    assert bench.sequencer.status()["queued_transactions"] == 0


@pytest.mark.parametrize("word", ["unknown_node", "malformed"])
def test_a_refusal_of_check_tx_reaches_the_caller(bench: Bench, word: str) -> None:
    bench.comet.answer = LedgerError(f"envelope.{word}", "no")
    submission = bench.submit(1)
    bench.pump()
    with pytest.raises(LedgerError, match=word):
        submission.wait(0)


@pytest.mark.parametrize("word", ["over_share", "bad_sender"])
def test_a_passing_refusal_is_tried_again(bench: Bench, word: str) -> None:
    bench.comet.answer = LedgerError(f"envelope.{word}", "no")
    submission = bench.submit(1)
    bench.pump()
    bench.comet.answer = None
    bench.pump(after_ms=limits.BROADCAST_FIRST_RETRY_MS)
    bench.block()
    assert submission.one(0).final


def test_an_envelope_that_did_not_count_says_so(bench: Bench) -> None:
    submission = bench.submit(1)
    bench.pump()
    (data,) = bench.comet.waiting
    passed = CommittedBlock(1, None, bench.now, [], [hashlib.sha256(data).digest()])
    bench.sequencer.on_block(passed)
    with pytest.raises(LedgerError, match=r"envelope\.passed_over.*not in force"):
        submission.wait(0)


def test_what_is_under_way_is_bounded(bench: Bench) -> None:
    for number in range(limits.FLIGHT_ENVELOPES + 5):
        bench.submit(number)
        bench.pump()
        bench.pump(after_ms=limits.GATHER_LONGEST_MS)
    assert bench.under_way == limits.FLIGHT_ENVELOPES
    bench.block()
    bench.pump()
    assert bench.under_way == 1


def test_a_full_queue_says_busy() -> None:
    bench = Bench(bounds=QueueLimits(queue_transactions=10, queue_bytes=1_000))
    bench.submit(*range(8))
    bench.pump()
    with pytest.raises(Busy) as caught:
        bench.submit(20, 21, 22)
    assert caught.value.retry_after_ms > 0
    assert bench.sequencer.status()["busy_refused"] == 1
    bench.block()
    bench.submit(20, 21, 22)


def test_closing_tells_each_what_is_known_of_it(bench: Bench) -> None:
    sent = bench.submit(1)
    bench.pump()
    waiting = bench.submit(2)
    bench.sequencer.close()
    with pytest.raises(TimedOut, match="not known here"):
        sent.wait(0)
    with pytest.raises(Stopped, match="before these transactions were ordered"):
        waiting.wait(0)
    with pytest.raises(Stopped):
        bench.submit(3)
    bench.sequencer.close()
    bench.block()


def test_a_failure_of_the_core_reaches_all(bench: Bench) -> None:
    bench.chain.failure = RuntimeError("boom")
    submission = bench.submit(1)
    bench.pump()
    with pytest.raises(LedgerError, match="RuntimeError: boom"):
        submission.wait(0)
    with pytest.raises(LedgerError, match="boom"):
        bench.submit(2)
    assert "boom" in str(bench.sequencer.status()["stopped"])


def test_a_key_that_left_fails_those_calls_and_stops_nothing(bench: Bench) -> None:
    bench.chain.failure = LedgerError("envelope.unknown_node", "its key is not in force")
    submission = bench.submit(1)
    bench.pump()
    with pytest.raises(LedgerError, match="not in force"):
        submission.wait(0)
    bench.chain.failure = None
    again = bench.submit(1)
    bench.pump()
    bench.block()
    assert again.one(0).final


def test_what_is_being_prepared_while_it_closes_is_answered_too(bench: Bench) -> None:
    submission = bench.submit(1)
    bench.chain.before_gather = bench.sequencer.close
    bench.pump()
    with pytest.raises(Stopped):
        submission.wait(0)
    assert bench.under_way == 0


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_its_threads_carry_many_callers(bench: Bench) -> None:
    bench = Bench(threads=True)
    soon = time.time_ns() // 1_000_000 + 60_000
    stop = threading.Event()

    def decide() -> None:
        while not stop.wait(0.002):
            bench.now = time.time_ns() // 1_000_000
            bench.block(after_ms=0, room=40)

    consensus = threading.Thread(target=decide)
    consensus.start()
    failures: list[object] = []

    def call(worker: int) -> None:
        for number in range(20):
            mine = [
                transaction(worker * 1_000 + number * 10 + step, soon)
                for step in range(1 + number % 3)
            ]
            values = [result.value for result in bench.sequencer.submit(mine).wait(20)]
            if values != mine:
                failures.append((worker, number, values))

    workers = [threading.Thread(target=call, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert failures == []
    last = bench.sequencer.submit([transaction(1, soon)])
    bench.sequencer.close()
    stop.set()
    consensus.join()
    assert last.one(0).final
    assert bench.sequencer.status()["queued_transactions"] == 0


def test_idle_threads_sleep(bench: Bench) -> None:
    bench = Bench(threads=True)
    submission = bench.submit(1, expires=time.time_ns() // 1_000_000 + 60_000)
    _until(lambda: bench.comet.waiting)
    bench.now = time.time_ns() // 1_000_000
    bench.block()
    assert submission.one(1).final
    # Threads of others may work in this process meanwhile; ours would do so every time.
    used = []
    for _ in range(5):
        before = time.process_time()
        time.sleep(0.3)
        used.append(time.process_time() - before)
    assert min(used) < 0.02
    bench.sequencer.close()


class Gathering(RuleBasedStateMachine):
    """Whatever is lost, late, full, doubled or restarted: each transaction gets one true answer."""

    def __init__(self) -> None:
        super().__init__()
        self.bench = Bench(bounds=QueueLimits(queue_transactions=60, queue_bytes=4_000))
        self.submitted: list[tuple[list[bytes], Submission]] = []
        self.number = 0
        self.expires: dict[int, int] = {}
        self.no_room: Counter[bytes | None] = Counter()

    @rule(
        count=st.integers(1, 12),
        life=st.sampled_from([1, 400, 5_000, 60_000]),
        again=st.booleans(),
        junk=st.booleans(),
    )
    def submit(self, count: int, life: int, again: bool, junk: bool) -> None:
        items = [transaction(self.number + at, self.bench.now + life) for at in range(count)]
        self.number += count
        if again and self.submitted:
            items += self.submitted[-1][0][:2]
        if junk:
            items.insert(1, b"junk")
        try:
            self.submitted.append((items, self.bench.sequencer.submit(items)))
            self.expires[len(self.submitted)] = self.bench.now + life
        except Busy:
            status = self.bench.sequencer.status()
            size = sum(map(len, items))
            assert (
                status["queued_transactions"] + len(items) > 60
                or status["queued_bytes"] + size > 4_000
            )

    @rule(after=st.sampled_from([0, 1, 60, 1_000, 6_000]))
    def pump(self, after: int) -> None:
        self.bench.pump(after)

    @rule(answer=st.sampled_from([None, BUSY, AWAY]), arrives=st.booleans())
    def weather(self, answer: LianhengError | None, arrives: bool) -> None:
        self.bench.comet.answer = answer
        self.bench.comet.arrives = arrives and answer is AWAY

    @rule()
    def comet_restarts(self) -> None:
        self.bench.comet.waiting.clear()
        self.bench.sequencer.on_start()

    @rule(
        room=st.sampled_from([0, 1, 5, 10**9]),
        after=st.sampled_from([0, 100, 3_000]),
        keep=st.integers(0, 3),
        late=st.sampled_from([0, 0, 2_000]),
        twice=st.booleans(),
    )
    def block(self, room: int, after: int, keep: int, late: int, twice: bool) -> None:
        self.bench.now += after
        waiting = self.bench.comet.waiting
        chosen = waiting[: max(0, len(waiting) - keep)]
        del waiting[: len(chosen)]
        if twice:
            chosen += chosen[:1]
        for _, outcome in self.bench.decide(chosen, room, late).outcomes:
            for position in range(len(outcome)):
                if (outcome.drop(position) or ("",))[0] == "dropped.no_room":
                    self.no_room[outcome.id(position)] += 1

    @precondition(lambda self: self.bench.comet.seen)
    @rule(data=st.data())
    def somebody_else_has_it_decided(self, data: st.DataObject) -> None:
        envelope = data.draw(st.sampled_from(self.bench.comet.seen))
        self.bench.decide([envelope])

    @invariant()
    def answers_are_true(self) -> None:
        for number, (items, submission) in enumerate(self.submitted, 1):
            if not submission.done():
                continue
            results = self._results(number, submission)
            if results is None:
                continue
            assert len(results) == len(items)
            for item, result in zip(items, results, strict=True):
                self._is_true(item, result)

    def _results(self, number: int, submission: Submission) -> list[Result] | None:
        """None where the network was silent for too long: that nobody knows is true, too."""
        try:
            return list(submission.wait(0))
        except TimedOut:
            assert self.bench.now - self.expires[number] >= limits.OUTCOME_GRACE_MS
            return None

    def _is_true(self, item: bytes, result: Result) -> None:
        place = self.bench.chain.ordered.get(identity(item))
        if result.final:
            assert result.value == item
            assert place == (result.height, result.index)
            return
        reason = code(result)
        if item == b"junk":
            assert reason == "dropped.undecodable"
        elif reason == "dropped.replayed":
            assert place is not None
            assert result.error is not None
            assert f"entry {place[1]} of block {place[0]}" in result.error.message
        else:
            assert reason in {"dropped.expired", "dropped.no_room"}
            # It was tried again before its caller was told, each time in another envelope.
            assert reason == "dropped.expired" or self.no_room[identity(item)] >= 5
            # Another copy of it may have been ordered; if none was submitted, it never is.
            if sum(item in items for items, _ in self.submitted) == 1:
                assert place is None

    def teardown(self) -> None:
        self.bench.comet.answer = None
        for _ in range(12):
            self.bench.pump(after_ms=6_000)
            self.bench.block()
        status = self.bench.sequencer.status()
        assert all(submission.done() for _, submission in self.submitted)
        assert (status["queued_transactions"], status["queued_bytes"]) == (0, 0)
        assert (status["envelopes_under_way"], status["bytes_under_way"]) == (0, 0)
        self.answers_are_true()
        finals = [
            result.id
            for number, (_, submission) in enumerate(self.submitted, 1)
            for result in self._results(number, submission) or ()
            if result.final
        ]
        assert len(finals) == len(set(finals)), "one transaction was called final twice"
        self.bench.sequencer.close()


TestGathering = Gathering.TestCase
TestGathering.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
