import asyncio
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from tests.consensus.fake_engine import FakeEngine, FakePending

from lianheng.consensus import BlockClock, QueueLimits, SoloSequencer
from lianheng.ledger import Results, tally
from lianheng.members import Identity
from lianheng.model import (
    Busy,
    ClockError,
    InvalidValue,
    LedgerError,
    LianhengError,
    Milliseconds,
    Result,
    Stopped,
    TimedOut,
    UsageError,
    decode,
)

Solo = SoloSequencer[list[bytes], FakePending]
SEALER = Identity.generate("sequencer@north")
SMALL = QueueLimits(
    queue_transactions=50,
    queue_bytes=10_000,
    batch_transactions=8,
    batch_bytes=400,
)


def items(count: int, size: int = 32, first: int = 0) -> list[bytes]:
    return [(first + number).to_bytes(size, "big") for number in range(count)]


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine(block_room={"block_bytes": 1_000, "block_transactions": 16})
    yield fake
    fake.commit_gate.set()


@pytest.fixture
def solo(engine: FakeEngine) -> Iterator[Solo]:
    sequencer: Solo = SoloSequencer(engine, SEALER, bounds=SMALL)
    yield sequencer
    engine.commit_gate.set()
    sequencer.close()


def test_one_call_makes_a_block_at_once(engine: FakeEngine, solo: Solo) -> None:
    (result,) = solo.submit(items(1)).wait(5)
    assert result.final
    assert (result.height, result.index) == (1, 0)
    assert engine.blocks == [items(1)]


def test_results_come_in_order_for_batches_of_any_size(engine: FakeEngine, solo: Solo) -> None:
    submissions = [
        (first, count, solo.submit(items(count, first=first)))
        for first, count in ((0, 1), (100, 8), (200, 9), (300, 20))
    ]
    for first, count, submission in submissions:
        results = submission.wait(5)
        assert len(submission) == len(results) == count
        assert [result.value for result in results] == items(count, first=first)
        assert results[-1].value == items(count, first=first)[-1]
        assert [item.value for item in results[1:3]] == items(count, first=first)[1:3]
        assert tally(results) == (count, 0, 0)
        with pytest.raises(IndexError):
            _ = results[count]
    written = [item for block in engine.blocks for item in block]
    assert written == [
        item for first, count, _ in submissions for item in items(count, first=first)
    ]
    assert max(map(len, engine.blocks)) <= engine.block_room["block_transactions"]
    assert max(engine.prepared) <= SMALL.batch_transactions


def test_bytes_bound_batches_and_blocks_as_well(engine: FakeEngine, solo: Solo) -> None:
    solo.submit(items(5, size=300)).wait(5)
    assert max(sum(map(len, block)) for block in engine.blocks) <= engine.block_room["block_bytes"]
    # A transaction larger than a batch goes alone rather than nowhere.
    solo.submit(items(1, size=600)).wait(5)
    assert engine.prepared[-1] == 1


def test_small_submissions_share_a_block_under_load(engine: FakeEngine, solo: Solo) -> None:
    engine.commit_gate.clear()
    first = solo.submit(items(1))
    assert engine.committing.wait(5)
    waiting = [solo.submit(items(1, first=number)) for number in range(1, 30)]
    engine.commit_gate.set()
    for submission in [first, *waiting]:
        submission.wait(5)
    assert len(engine.blocks) < 15
    assert [item for block in engine.blocks for item in block] == items(30)


def test_the_next_batch_is_prepared_while_a_block_commits(engine: FakeEngine, solo: Solo) -> None:
    engine.commit_gate.clear()
    solo.submit(items(1))
    assert engine.committing.wait(5)
    second = solo.submit(items(2, first=10))
    deadline = time.monotonic() + 5
    while 2 not in engine.prepared:
        assert time.monotonic() < deadline, "not prepared while the first block commits"
        time.sleep(0.001)
    assert not second.done()


def test_nothing_is_confirmed_before_commit_returned(engine: FakeEngine, solo: Solo) -> None:
    engine.commit_gate.clear()
    submission = solo.submit(items(1))
    assert engine.committing.wait(5)
    with pytest.raises(TimedOut, match="look their ids up"):
        submission.wait(0.02)
    assert not submission.done()
    engine.commit_gate.set()
    assert submission.wait(5)[0].final


def test_a_full_queue_says_when_to_come_back(engine: FakeEngine, solo: Solo) -> None:
    engine.commit_gate.clear()
    taken = solo.submit(items(40))
    with pytest.raises(Busy) as caught:
        solo.submit(items(11, first=100))
    assert caught.value.retry_after_ms > 0
    assert "nothing of this was taken in" in caught.value.hint
    also = solo.submit(items(10, first=200))
    engine.commit_gate.set()
    taken.wait(5)
    also.wait(5)
    solo.submit(items(50, first=300)).wait(5)
    assert solo.status()["queued_transactions"] == solo.status()["queued_bytes"] == 0


def test_a_queue_bounded_in_bytes(engine: FakeEngine, solo: Solo) -> None:
    engine.commit_gate.clear()
    solo.submit(items(9, size=1_000))
    with pytest.raises(Busy):
        solo.submit(items(2, size=1_000))


def test_what_could_never_fit_is_told_so(solo: Solo) -> None:
    with pytest.raises(UsageError, match="in parts"):
        solo.submit(items(51))


@pytest.mark.parametrize("given", [[], [b"a", "b"], [1], [None]])
def test_other_things_than_bytes_are_refused_before_the_queue(solo: Solo, given: Any) -> None:
    with pytest.raises(InvalidValue):
        solo.submit(given)
    assert solo.status()["queued_transactions"] == 0


def test_the_seal_signs_the_header_under_the_genesis_hash(engine: FakeEngine, solo: Solo) -> None:
    from lianheng import _native

    solo.submit(items(1)).wait(5)
    (seal,) = engine.seals
    assert seal is not None
    kind, signature = decode(seal)
    assert kind == "solo"
    payload = _native.cose_verify(signature, [SEALER.public], engine.genesis_hash)
    assert decode(payload) == ["lianheng.seal.1", bytes(32)]


@pytest.mark.parametrize("step", ["prepare", "execute", "commit"])
def test_a_failure_reaches_all_who_wait_and_all_who_come_later(
    engine: FakeEngine, solo: Solo, step: str
) -> None:
    engine.commit_gate.clear()
    submissions = [solo.submit(items(1))]
    assert engine.committing.wait(5)
    engine.failures[step] = LedgerError("store.disk_full", "no space left", "free some")
    submissions += [solo.submit(items(2, first=number)) for number in (10, 20)]
    engine.commit_gate.set()
    outcomes = []
    for submission in submissions:
        try:
            submission.wait(5)
            outcomes.append("final")
        except LedgerError as failure:
            outcomes.append(failure.code)
    assert outcomes[1:] == ["store.disk_full", "store.disk_full"]
    assert outcomes[0] == ("store.disk_full" if step == "commit" else "final")
    with pytest.raises(LedgerError, match="no space left"):
        solo.submit(items(1))
    assert "disk_full" in solo.status()["stopped"]
    engine.failures.clear()
    with pytest.raises(LedgerError):
        solo.submit(items(1))
    solo.close()


def test_an_unexpected_failure_is_named_too(engine: FakeEngine, solo: Solo) -> None:
    engine.failures["execute"] = RuntimeError("boom")
    with pytest.raises(LianhengError, match="RuntimeError: boom") as caught:
        solo.submit(items(1)).wait(5)
    assert caught.value.code == "ledger.fault"


class Panic(BaseException):
    """What the binding raises where the core panics: no `Exception`."""


@pytest.mark.parametrize("step", ["prepare", "execute", "commit"])
def test_whatever_ends_a_step_reaches_all_and_closing_ends(
    engine: FakeEngine, solo: Solo, step: str
) -> None:
    engine.failures[step] = Panic("boom")
    taken = [solo.submit(items(20, first=100 * number)) for number in range(2)]
    for submission in taken:
        with pytest.raises(LianhengError, match="Panic: boom"):
            submission.wait(5)
    with pytest.raises(LedgerError, match="Panic: boom"):
        solo.submit(items(1))
    closing = threading.Thread(target=solo.close)
    closing.start()
    closing.join(5)
    assert not closing.is_alive()
    assert solo.status()["queued_transactions"] == 0


class BadClock(BlockClock):
    def block_time(self, previous: int) -> Milliseconds:
        del previous
        raise Panic("no clock")


def test_a_clock_that_breaks_reaches_those_who_wait(engine: FakeEngine) -> None:
    solo: Solo = SoloSequencer(engine, SEALER, clock=BadClock(), bounds=SMALL)
    with pytest.raises(LedgerError, match="no clock"):
        solo.submit(items(30)).wait(5)
    closing = threading.Thread(target=solo.close, daemon=True)
    closing.start()
    closing.join(5)
    assert not closing.is_alive()


def test_results_of_another_number_reach_those_who_wait(
    engine: FakeEngine, solo: Solo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "commit", lambda pending, seal: [])  # noqa: ARG005
    with pytest.raises(LedgerError, match="unknown until"):
        solo.submit(items(3)).wait(5)


def test_a_failed_commit_says_that_its_outcome_is_unknown(engine: FakeEngine, solo: Solo) -> None:
    engine.commit_gate.clear()
    engine.failures["commit"] = LedgerError("store.wrong_height", "not applied", "report this")
    inside = solo.submit(items(1))
    assert engine.committing.wait(5)
    behind = solo.submit(items(1, first=50))
    engine.commit_gate.set()
    with pytest.raises(LedgerError, match="not applied") as caught:
        inside.wait(5)
    assert caught.value.code == "store.wrong_height"
    assert "unknown until the ledger is opened again" in caught.value.message
    assert "look the ids up" in caught.value.hint
    # What was in no block, and what comes later, was certainly not ordered.
    with pytest.raises(LedgerError) as caught:
        behind.wait(5)
    assert "unknown" not in caught.value.message
    with pytest.raises(LedgerError) as caught:
        solo.submit(items(1, first=60))
    assert "unknown" not in caught.value.message


@pytest.mark.parametrize("code", ["seal.missing", "block.stale"])
def test_a_commit_refused_before_it_wrote_leaves_nothing_unknown(
    engine: FakeEngine, solo: Solo, code: str
) -> None:
    engine.failures["commit"] = LedgerError(code, "refused")
    with pytest.raises(LedgerError) as caught:
        solo.submit(items(1)).wait(5)
    assert "unknown" not in caught.value.message


def test_a_submission_that_stopped_halfway_says_so(engine: FakeEngine, solo: Solo) -> None:
    engine.commit_gate.clear()
    # More than one block takes; the second one is not executed.
    submission = solo.submit(items(50))
    assert engine.committing.wait(5)
    engine.failures["execute"] = LedgerError("store.io", "gone")
    engine.commit_gate.set()
    with pytest.raises(LedgerError) as caught:
        submission.wait(5)
    assert engine.blocks
    assert "some of these transactions are final" in caught.value.message
    assert "look the ids up" in caught.value.hint


class SetClock:
    """A wall clock beside a monotonic one that stands still."""

    def __init__(self) -> None:
        self.wall = 1_000_000

    def block_clock(self) -> BlockClock:
        return BlockClock(lambda: self.wall, lambda: 0)


def test_a_clock_that_was_set_confirms_nothing_until_it_agrees(engine: FakeEngine) -> None:
    clock = SetClock()
    solo: Solo = SoloSequencer(engine, SEALER, clock=clock.block_clock(), bounds=SMALL)
    solo.submit(items(1)).wait(5)
    clock.wall += 3_600_000
    for count in (1, 20):
        with pytest.raises(ClockError) as caught:
            solo.submit(items(count, first=50)).wait(5)
        assert caught.value.code == "clock.jumped"
    assert engine.blocks == [items(1)]
    assert "clock.jumped" in solo.status()["clock"]
    clock.wall -= 3_600_000
    # What was refused for the clock was not ordered, and may be submitted again as it is.
    solo.submit(items(1, first=50)).wait(5)
    assert engine.blocks == [items(1), items(1, first=50)]
    assert engine.times == [1_000_000, 1_000_000]
    assert solo.status()["queued_transactions"] == 0
    solo.close()


def test_closing_finishes_what_was_taken_in(solo: Solo) -> None:
    submissions = [solo.submit(items(10, first=100 * number)) for number in range(5)]
    solo.close()
    for submission in submissions:
        assert submission.done()
        assert tally(submission.wait(0)) == (10, 0, 0)
    with pytest.raises(Stopped):
        solo.submit(items(1))
    solo.close()


def test_an_idle_sequencer_does_nothing(engine: FakeEngine, solo: Solo) -> None:
    solo.submit(items(1)).wait(5)
    before = (list(engine.blocks), list(engine.prepared))
    time.sleep(0.2)
    assert (engine.blocks, engine.prepared) == before


def patiently(solo: Solo, transactions: list[bytes]) -> Sequence[Result]:
    while True:
        try:
            return solo.submit(transactions).wait(10)
        except Busy as busy:
            time.sleep(busy.retry_after_ms / 1000)


def test_many_threads_and_their_results_do_not_mix(engine: FakeEngine, solo: Solo) -> None:
    failures: list[str] = []

    def work(worker: int) -> None:
        for number in range(20):
            mine = items(1 + number % 3, first=worker * 1_000 + number * 10)
            if [result.value for result in patiently(solo, mine)] != mine:
                failures.append(f"{worker} {number}")

    workers = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    assert failures == []
    assert sum(map(len, engine.blocks)) == 8 * sum(1 + number % 3 for number in range(20))


def test_a_submission_can_be_awaited(solo: Solo) -> None:
    async def work() -> list[int]:
        submissions = [solo.submit(items(number, first=number * 10)) for number in (1, 2, 3)]
        return [len(await submission) for submission in submissions]

    assert asyncio.run(work()) == [1, 2, 3]


def test_a_cancelled_wait_leaves_the_sequencer_well(engine: FakeEngine, solo: Solo) -> None:
    async def work() -> None:
        engine.commit_gate.clear()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(_wait(solo), 0.05)
        engine.commit_gate.set()

    async def _wait(sequencer: Solo) -> None:
        await sequencer.submit(items(1))

    asyncio.run(work())
    assert isinstance(solo.submit(items(1, first=5)).wait(5), Results)


def test_a_callback_hears_of_the_end(solo: Solo) -> None:
    heard = threading.Event()
    solo.submit(items(1)).add_done_callback(lambda _: heard.set())
    assert heard.wait(5)


def test_an_idle_sequencer_wakes_for_a_timer_and_never_without_one(engine: FakeEngine) -> None:
    wall = [1_000]
    clock = BlockClock(lambda: wall[0], lambda: wall[0])
    engine.next_timer = 900
    sequencer: Solo = SoloSequencer(engine, SEALER, clock=clock, bounds=SMALL)
    try:
        deadline = time.monotonic() + 10
        while not engine.times and time.monotonic() < deadline:
            time.sleep(0.01)
        assert engine.times == [1_000]
        time.sleep(0.1)
        assert engine.times == [1_000]
        assert sequencer.submit(items(1)).wait(5)
    finally:
        sequencer.close()


def test_a_timer_waits_for_a_clock_that_can_be_trusted(engine: FakeEngine) -> None:
    wall, machine = [1_000_000], [1_000_000]
    engine.next_timer = 900
    clock = BlockClock(lambda: wall[0], lambda: machine[0])
    wall[0] += 10_000
    sequencer: Solo = SoloSequencer(engine, SEALER, clock=clock, bounds=SMALL)
    try:
        deadline = time.monotonic() + 10
        while sequencer.status()["clock"] is None and time.monotonic() < deadline:
            time.sleep(0.01)
        assert not engine.times
        machine[0] += 10_000
        while not engine.times and time.monotonic() < deadline:
            time.sleep(0.01)
        assert engine.times == [1_010_000]
    finally:
        sequencer.close()


def test_a_core_that_fails_at_a_timer_stops_the_sequencer(engine: FakeEngine) -> None:
    engine.next_timer = 1
    engine.failures["commit"] = LedgerError("store.io", "the disk is gone", "")
    sequencer: Solo = SoloSequencer(engine, SEALER, bounds=SMALL)
    try:
        deadline = time.monotonic() + 10
        while sequencer.status()["stopped"] is None and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(LedgerError, match="the disk is gone"):
            sequencer.submit(items(1))
    finally:
        sequencer.close()
