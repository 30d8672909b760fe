"""The solo sequencer: one process orders, executes, seals and makes durable.

Two threads. The first prepares what arrives (decoding and signatures, outside the GIL), the second
executes, seals and commits; so the next block's signatures are checked while this one is written.
A block is made as soon as something waits, and grows with what arrives meanwhile. Rules:

- Results are handed out only after the commit returned, that is, after the block log is synced.
- The queue is bounded, from taking in to confirming; beyond it `Busy` says when to come back.
- An idle sequencer sleeps without a timeout and writes nothing.
- A clock that cannot be trusted refuses what waits; a failure of the core stops everything.
"""

import atexit
import queue
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from lianheng.consensus.clock import BlockClock
from lianheng.ledger import (
    BlockMaker,
    BlockOutcome,
    OrderingEngine,
    PendingBlock,
    Results,
    Sealer,
    Segment,
    Submission,
    as_ledger_error,
    check_transactions,
    outcome_unknown,
)
from lianheng.model import (
    Busy,
    ClockError,
    LianhengError,
    Result,
    Stopped,
    UsageError,
    limits,
    native_errors,
)

PreparedT = TypeVar("PreparedT")
PendingT = TypeVar("PendingT", bound=PendingBlock)

# Weight of the newest block in the running mean of the speed, and the answer before there is one.
_SPEED_WEIGHT = 0.2
_FIRST_RETRY_MS = 100
_LONGEST_RETRY_MS = 5_000


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Bounds of the sequencer's queues; blocks are bounded by the chain's parameters as well."""

    queue_transactions: int = limits.QUEUE_TRANSACTIONS
    queue_bytes: int = limits.QUEUE_BYTES
    batch_transactions: int = limits.BATCH_TRANSACTIONS
    batch_bytes: int = limits.BATCH_BYTES
    block_transactions: int = limits.BLOCK_TRANSACTIONS
    block_bytes: int = limits.BLOCK_BYTES


@dataclass(slots=True, eq=False)
class _Waiting:
    """One submission: what is still to be prepared, and the segments that are confirmed."""

    transactions: Sequence[bytes]
    size_bytes: int
    future: "Future[Sequence[Result]]"
    taken: int = 0
    confirmed: int = 0
    ended: bool = False
    segments: list[Segment] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Part:
    """A submission's share of one batch."""

    waiting: _Waiting
    length: int


@dataclass(frozen=True, slots=True)
class _Batch(Generic[PreparedT]):
    """Prepared transactions and whose they are."""

    prepared: PreparedT
    parts: list[_Part]
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
        self._changed = threading.Condition()
        self._incoming: deque[_Waiting] = deque()
        self._prepared: queue.Queue[_Batch[PreparedT] | None] = queue.Queue(limits.PREPARED_BATCHES)
        self._queued_transactions = 0
        self._queued_bytes = 0
        self._closing = False
        self._failure: LianhengError | None = None
        self._clock_failure: ClockError | None = None
        self._speed_per_ms = 0.0
        self._blocks = 0
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
        check_transactions(transactions)
        count = len(transactions)
        size_bytes = sum(map(len, transactions))
        future: Future[Sequence[Result]] = Future()
        # Running, so that nobody cancels what may already be in a block.
        future.set_running_or_notify_cancel()
        waiting = _Waiting(transactions, size_bytes, future)
        with self._changed:
            self._check_open()
            self._check_room(count, size_bytes)
            self._queued_transactions += count
            self._queued_bytes += size_bytes
            self._incoming.append(waiting)
            self._changed.notify_all()
        return Submission(future, count)

    def status(self) -> Mapping[str, Any]:
        """Queue and speed; `stopped` and `clock` name a failure in force."""
        with self._changed:
            return {
                "kind": "solo",
                "queued_transactions": self._queued_transactions,
                "queued_bytes": self._queued_bytes,
                "blocks_made": self._blocks,
                "stopped": None if self._failure is None else str(self._failure),
                "clock": None if self._clock_failure is None else str(self._clock_failure),
            }

    def close(self) -> None:
        """Finish what was taken in, then end the threads. Closing twice does nothing."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        atexit.unregister(self.close)

    def _check_open(self) -> None:
        if self._failure is not None:
            raise _again(self._failure)
        if self._closing:
            raise Stopped("ledger.closed", "this ledger is closed", "open it again")

    def _check_room(self, count: int, size_bytes: int) -> None:
        bounds = self._bounds
        if count > bounds.queue_transactions or size_bytes > bounds.queue_bytes:
            raise UsageError(
                "ledger.submission_too_large",
                f"{count:,} transactions of {size_bytes:,} bytes do not fit the queue of "
                f"{bounds.queue_transactions:,} and {bounds.queue_bytes:,} bytes",
                "submit them in parts",
            )
        if (
            self._queued_transactions + count > bounds.queue_transactions
            or self._queued_bytes + size_bytes > bounds.queue_bytes
        ):
            retry = self._retry_after_ms()
            raise Busy(
                "ledger.busy",
                f"{self._queued_transactions:,} transactions already wait",
                f"submit again in {retry} ms; nothing of this was taken in",
                retry_after_ms=retry,
            )

    def _retry_after_ms(self) -> int:
        if self._speed_per_ms <= 0:
            return _FIRST_RETRY_MS
        half = self._queued_transactions / self._speed_per_ms / 2
        return max(1, min(_LONGEST_RETRY_MS, round(half)))

    def _prepare_loop(self) -> None:
        try:
            self._prepare_all()
        except BaseException as failure:  # noqa: BLE001 - a thread that ends must say so
            self._stop(as_ledger_error(failure))
        finally:
            # The other thread ends with this; without it `close` would wait for ever.
            self._prepared.put(None)

    def _prepare_all(self) -> None:
        while (parts := self._take()) is not None:
            transactions: list[bytes] = []
            for part in parts:
                waiting = part.waiting
                transactions += waiting.transactions[waiting.taken : waiting.taken + part.length]
                waiting.taken += part.length
            try:
                with native_errors():
                    prepared = self._engine.prepare(transactions)
            except BaseException as failure:  # noqa: BLE001 - must reach those who wait
                self._stop(as_ledger_error(failure), parts)
                continue
            size_bytes = sum(map(len, transactions))
            self._prepared.put(_Batch(prepared, parts, len(transactions), size_bytes))

    def _take(self) -> list[_Part] | None:
        """Wait for submissions; take one large one's next piece, or several small ones whole."""
        bounds = self._bounds
        with self._changed:
            while not self._incoming:
                if self._closing:
                    return None
                self._changed.wait()
            parts: list[_Part] = []
            count = size_bytes = 0
            while self._incoming:
                waiting = self._incoming[0]
                left = len(waiting.transactions) - waiting.taken
                whole = waiting.taken == 0
                fits = (
                    whole
                    and count + left <= bounds.batch_transactions
                    and size_bytes + waiting.size_bytes <= bounds.batch_bytes
                )
                if parts and not fits:
                    break
                length = left if fits else self._piece(waiting)
                parts.append(_Part(waiting, length))
                count += length
                size_bytes += waiting.size_bytes
                if length == left:
                    self._incoming.popleft()
                if not fits:
                    break
            return parts

    def _piece(self, waiting: _Waiting) -> int:
        """How many of a large submission's next transactions make one batch: at least one."""
        size_bytes = 0
        end = min(waiting.taken + self._bounds.batch_transactions, len(waiting.transactions))
        for position in range(waiting.taken, end):
            size_bytes += len(waiting.transactions[position])
            if size_bytes > self._bounds.batch_bytes and position > waiting.taken:
                return position - waiting.taken
        return end - waiting.taken

    def _commit_loop(self) -> None:
        try:
            self._commit_all()
        except BaseException as failure:  # noqa: BLE001 - a thread that ends must say so
            error = as_ledger_error(failure)
            self._stop(error)
            # The queue goes on being emptied, or the other thread would wait for room for ever.
            while (batch := self._prepared.get()) is not None:
                self._fail(batch.parts, error)

    def _commit_all(self) -> None:
        carried: _Batch[PreparedT] | None = None
        while True:
            first = carried if carried is not None else self._prepared.get()
            carried = None
            if first is None:
                return
            batches = [first]
            ended = False
            count, size_bytes = first.transactions, first.size_bytes
            while not ended and carried is None:
                try:
                    following = self._prepared.get_nowait()
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

    def _exceeds(self, count: int, size_bytes: int) -> bool:
        return count > self._bounds.block_transactions or size_bytes > self._bounds.block_bytes

    def _make_block(self, batches: list[_Batch[PreparedT]], count: int) -> None:
        # Pieces of a submission whose caller was told of a failure: a submission that failed
        # halfway does not go on, and its batches hold nothing else.
        batches = [batch for batch in batches if not all(p.waiting.ended for p in batch.parts)]
        if not batches:
            return
        parts = [part for batch in batches for part in batch.parts]
        if self._failure is not None:
            self._fail(parts, self._failure)
            return
        try:
            self._commit(batches, count)
        except ClockError as failure:
            self._clock_failure = failure
            self._fail(parts, failure)
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

    def _stop_commit(self, failure: BaseException, parts: Sequence[_Part]) -> None:
        if isinstance(failure, Exception):
            told = as_ledger_error(failure)
        else:
            # A panic of the core, for one: nobody knows how far the block came.
            told = outcome_unknown(as_ledger_error(failure))
        # Those in this block hear of an unknown outcome, all others of its cause alone.
        cause = told.__cause__
        self._stop(cause if isinstance(cause, LianhengError) else told, parts, told)

    def _measure(self, count: int, elapsed_ms: float) -> None:
        speed = count / max(elapsed_ms, 0.001)
        weight = _SPEED_WEIGHT if self._speed_per_ms else 1.0
        self._speed_per_ms += weight * (speed - self._speed_per_ms)
        self._blocks += 1

    def _confirm(self, batch: _Batch[PreparedT], outcome: BlockOutcome) -> None:
        start = 0
        for part in batch.parts:
            waiting = part.waiting
            waiting.segments.append(Segment(outcome, start, part.length))
            start += part.length
            waiting.confirmed += part.length
            if waiting.confirmed == len(waiting.transactions) and self._end(waiting):
                waiting.future.set_result(Results(waiting.segments))

    def _end(self, waiting: _Waiting) -> bool:
        """Let go of a submission; true for the one thread that may tell its caller."""
        with self._changed:
            if waiting.ended:
                return False
            waiting.ended = True
            # Only a failed submission still lies there; looking for all others would cost a step
            # for each submission that waits.
            if waiting.taken < len(waiting.transactions) and waiting in self._incoming:
                self._incoming.remove(waiting)
            self._queued_transactions -= len(waiting.transactions)
            self._queued_bytes -= waiting.size_bytes
            return True

    def _fail(self, parts: Sequence[_Part], failure: LianhengError) -> None:
        """Tell those who wait; what else of their submissions waits is not ordered any more."""
        for waiting in {id(part.waiting): part.waiting for part in parts}.values():
            if self._end(waiting):
                told = _partly(failure) if waiting.confirmed else _again(failure)
                waiting.future.set_exception(told)

    def _stop(
        self,
        failure: LianhengError,
        parts: Sequence[_Part] = (),
        told: LianhengError | None = None,
    ) -> None:
        """Nothing more is ordered: tell all who wait, and all who come later.

        Those of the parts are told something else where it is given.
        """
        with self._changed:
            self._failure = self._failure or failure
            rest = [_Part(waiting, 0) for waiting in self._incoming]
        self._fail(parts, told or failure)
        self._fail(rest, failure)


def _partly(failure: LianhengError) -> LianhengError:
    # The first batches of a large submission can be in blocks that were confirmed before.
    error = type(failure)(
        failure.code,
        f"{failure.message}; some of these transactions are final",
        "; ".join(filter(None, [failure.hint, "look the ids up"])),
        **failure.details,
    )
    error.__cause__ = failure
    return error


def _again(failure: LianhengError) -> LianhengError:
    # A new object for each who waits: raising one object in several threads mixes tracebacks.
    error = type(failure)(failure.code, failure.message, failure.hint, **failure.details)
    error.__cause__ = failure
    return error
