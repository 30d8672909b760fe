"""The solo sequencer: one process orders, executes, seals and makes durable.

Two threads. The first prepares what arrives (decoding and signatures, outside the GIL), the second
executes, seals and commits; so the next block's signatures are checked while this one is written.
A block is made as soon as something waits, and grows with what arrives meanwhile. Rules:

- Results are handed out only after the commit returned, that is, after the block log is synced.
- Organisations take turns; while one has thousands waiting and another one a few, blocks are
  small, so that the other does not wait long.
- The queue is bounded, from taking in to confirming; beyond it `Busy` says when to come back.
- An idle sequencer writes nothing; it wakes where a timer is due, and without timers never.
- A clock that cannot be trusted refuses what waits; a failure of the core stops everything.
"""

import atexit
import queue
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from lianheng.consensus._intake import Intake, Part
from lianheng.consensus.clock import BlockClock
from lianheng.ledger import (
    BlockMaker,
    BlockOutcome,
    OrderingEngine,
    PendingBlock,
    Sealer,
    Segment,
    Submission,
    as_ledger_error,
    outcome_unknown,
)
from lianheng.model import ClockError, LianhengError, limits, native_errors

PreparedT = TypeVar("PreparedT")
PendingT = TypeVar("PendingT", bound=PendingBlock)


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Bounds of the sequencer's queues and batches; what a block has the chain says."""

    queue_transactions: int = limits.QUEUE_TRANSACTIONS
    queue_bytes: int = limits.QUEUE_BYTES
    batch_transactions: int = limits.BATCH_TRANSACTIONS
    batch_bytes: int = limits.BATCH_BYTES


@dataclass(frozen=True, slots=True)
class _Batch(Generic[PreparedT]):
    """Prepared transactions and whose they are."""

    prepared: PreparedT
    parts: list[Part]
    transactions: int
    size_bytes: int


class SoloSequencer(Generic[PreparedT, PendingT]):
    """Orders what is submitted to one engine. Owns its two threads; `close` ends them."""

    def __init__(
        self,
        engine: OrderingEngine[PreparedT, PendingT],
        sealer: Sealer,
        *,
        clock: BlockClock | None = None,
        bounds: QueueLimits | None = None,
    ) -> None:
        """The sealer's public key MUST be the one that the genesis names."""
        self._engine = engine
        self._maker = BlockMaker(engine, sealer)
        self._clock = clock or BlockClock()
        self._bounds = bounds or QueueLimits()
        self._intake = Intake(
            self._bounds.queue_transactions,
            self._bounds.queue_bytes,
            organisation_of=self._organisation_of,
        )
        self._prepared: queue.Queue[_Batch[PreparedT] | None] = queue.Queue(limits.PREPARED_BATCHES)
        self._clock_failure: ClockError | None = None
        self._blocks = 0
        self._timers_wait_until = 0.0
        self._threads = [
            threading.Thread(target=target, name=f"lianheng-{name}", daemon=True)
            for name, target in (("prepare", self._prepare_loop), ("commit", self._commit_loop))
        ]
        for thread in self._threads:
            thread.start()
        # Daemon threads would be cut off in the middle of a block when the interpreter ends.
        atexit.register(self.close)

    def submit(self, transactions: Sequence[bytes]) -> Submission:
        """Take transactions in. Raise `Busy`, `Stopped`, or what stopped the sequencer."""
        return self._intake.submit(transactions)

    def start(self) -> None:
        """Nothing: it has run since it was made."""

    def status(self) -> Mapping[str, Any]:
        """Queue and speed; `stopped` and `clock` name a failure in force."""
        intake = self._intake
        with intake.changed:
            return {
                "kind": "solo",
                "queued_transactions": intake.queued_transactions,
                "queued_bytes": intake.queued_bytes,
                "blocks_made": self._blocks,
                "stopped": None if intake.failure is None else str(intake.failure),
                "clock": None if self._clock_failure is None else str(self._clock_failure),
            }

    def close(self) -> None:
        """Finish what was taken in, then end the threads. Closing twice does nothing."""
        self._intake.close()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        atexit.unregister(self.close)

    def _organisation_of(self, transaction: bytes) -> str:
        with native_errors():
            return self._engine.claimed_organisation(transaction)

    def _prepare_loop(self) -> None:
        try:
            self._prepare_all()
        except BaseException as failure:  # noqa: BLE001 - a thread that ends must say so
            self._intake.stop(as_ledger_error(failure))
        finally:
            # The other thread ends with this; without it `close` would wait for ever.
            self._prepared.put(None)

    def _prepare_all(self) -> None:
        while (parts := self._take()) is not None:
            transactions: list[bytes] = []
            for part in parts:
                transactions += part.transactions
            try:
                with native_errors():
                    prepared = self._engine.prepare(transactions)
            except BaseException as failure:  # noqa: BLE001 - must reach those who wait
                self._intake.stop(as_ledger_error(failure), parts)
                continue
            size_bytes = sum(map(len, transactions))
            self._prepared.put(_Batch(prepared, parts, len(transactions), size_bytes))

    def _take(self) -> list[Part] | None:
        """Wait for submissions; take one large one's next piece, or several small ones whole."""
        bounds, intake = self._bounds, self._intake
        with intake.changed:
            while True:
                room = self._engine.block_room
                most = min(bounds.batch_transactions, room["block_transactions"])
                if intake.is_contended():
                    # What is prepared has its place: the less it is, the sooner others come.
                    if not self._prepared.empty():
                        intake.changed.wait()
                        continue
                    most = min(most, limits.CONTENDED_TRANSACTIONS)
                parts = intake.take(most, min(bounds.batch_bytes, room["block_bytes"]), mixed=False)
                if parts:
                    return parts
                if intake.closing:
                    return None
                intake.changed.wait()

    def _commit_loop(self) -> None:
        try:
            self._commit_all()
        except BaseException as failure:  # noqa: BLE001 - a thread that ends must say so
            error = as_ledger_error(failure)
            self._intake.stop(error)
            # The queue goes on being emptied, or the other thread would wait for room for ever.
            while (batch := self._prepared.get()) is not None:
                self._taken()
                self._intake.fail(batch.parts, error)

    def _commit_all(self) -> None:
        carried: _Batch[PreparedT] | None = None
        while True:
            first = carried if carried is not None else self._next_batch()
            carried = None
            if first is None:
                return
            batches = [first]
            ended = False
            count, size_bytes = first.transactions, first.size_bytes
            while not ended and carried is None:
                try:
                    following = self._prepared.get_nowait()
                    self._taken()
                except queue.Empty:
                    break
                if following is None:
                    ended = True
                elif self._exceeds(
                    count + following.transactions, size_bytes + following.size_bytes
                ):
                    carried = following
                else:
                    batches.append(following)
                    count += following.transactions
                    size_bytes += following.size_bytes
            self._make_block(batches, count)
            if ended:
                return

    def _next_batch(self) -> _Batch[PreparedT] | None:
        """Wait for a batch; meanwhile make a block whenever a timer is due."""
        while True:
            seconds = self._seconds_to_timer()
            if seconds == 0.0 and self._prepared.empty():
                self._run_timers()
                continue
            try:
                batch = self._prepared.get(timeout=seconds or None)
            except queue.Empty:
                continue
            self._taken()
            return batch

    def _taken(self) -> None:
        """Tell the other thread that there is room for what it prepares next."""
        with self._intake.changed:
            self._intake.changed.notify_all()

    def _seconds_to_timer(self) -> float | None:
        """Until a block is to be made for a timer; None: there is nothing to wait for."""
        if self._intake.failure is not None:
            return None
        with native_errors():
            due = self._engine.next_timer
        if due is None:
            return None
        retry = max(0.0, self._timers_wait_until - time.monotonic())
        wait = min(self._clock.wait_ms(due) / 1000, limits.TIMER_WAIT_SECONDS)
        return max(retry, wait)

    def _run_timers(self) -> None:
        """A block of what fell due. Where the clock allows none now, it is tried again."""
        try:
            self._commit([], 0)
        except ClockError as failure:
            self._clock_failure = failure
            self._timers_wait_until = time.monotonic() + limits.TIMER_RETRY_SECONDS
        except BaseException as failure:  # noqa: BLE001 - must reach those who submit later
            self._stop_commit(failure, [])

    def _exceeds(self, count: int, size_bytes: int) -> bool:
        room = self._engine.block_room
        most = room["block_transactions"]
        with self._intake.changed:
            if self._intake.is_contended():
                most = min(most, limits.CONTENDED_TRANSACTIONS)
        return count > most or size_bytes > room["block_bytes"]

    def _make_block(self, batches: list[_Batch[PreparedT]], count: int) -> None:
        # Pieces of a submission whose caller was told of a failure: a submission that failed
        # halfway does not go on, and its batches hold nothing else.
        batches = [batch for batch in batches if not all(p.waiting.ended for p in batch.parts)]
        if not batches:
            return
        parts = [part for batch in batches for part in batch.parts]
        if self._intake.failure is not None:
            self._intake.fail(parts, self._intake.failure)
            return
        try:
            self._commit(batches, count)
        except ClockError as failure:
            self._clock_failure = failure
            self._intake.fail(parts, failure)
        except BaseException as failure:  # noqa: BLE001 - must reach those who wait
            self._stop_commit(failure, parts)

    def _commit(self, batches: list[_Batch[PreparedT]], count: int) -> None:
        started = time.perf_counter()
        time_ms = self._clock.block_time(self._engine.time)
        self._clock_failure = None
        outcomes = self._maker.make([batch.prepared for batch in batches], time_ms)
        self._measure(count, (time.perf_counter() - started) * 1000)
        # Durable from here on: only now may anybody hear of it.
        try:
            for batch, outcome in zip(batches, outcomes, strict=True):
                self._confirm(batch, outcome)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the block is durable
            error = as_ledger_error(failure)
            raise outcome_unknown(error) from error

    def _stop_commit(self, failure: BaseException, parts: Sequence[Part]) -> None:
        if isinstance(failure, Exception):
            told = as_ledger_error(failure)
        else:
            # A panic of the core, for one: nobody knows how far the block came.
            told = outcome_unknown(as_ledger_error(failure))
        # Those in this block hear of an unknown outcome, all others of its cause alone.
        cause = told.__cause__
        self._intake.stop(cause if isinstance(cause, LianhengError) else told, parts, told)

    def _measure(self, count: int, elapsed_ms: float) -> None:
        if count:
            self._intake.measure(count, elapsed_ms)
        self._blocks += 1

    def _confirm(self, batch: _Batch[PreparedT], outcome: BlockOutcome) -> None:
        start = 0
        for part in batch.parts:
            self._intake.answer(part, [Segment(outcome, start, part.length)])
            start += part.length
