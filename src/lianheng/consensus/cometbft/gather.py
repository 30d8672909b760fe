"""Gathers what clients submit to this node into signed envelopes, and brings each its result.

A transaction's way: taken into the bounded queue; prepared together with others, outside any lock
(what can not be ordered is answered at once); signed as one envelope; handed to CometBFT by a
second thread; decided in some block; answered by `on_block`, on the thread that committed. Rules:

- Every transaction taken in is answered exactly once: by a block, by its expiry, or by an error.
- With nothing under way an envelope leaves at once. Else it waits for company, about half a block.
- An envelope that CometBFT did not take, or lost, is sent again until its last transaction expired.
- Nothing is called dropped that could still be ordered: only block time decides an expiry, or
  this node's clock where CometBFT never had the envelope.
"""

import atexit
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from lianheng import _native
from lianheng.consensus._intake import Intake, Part
from lianheng.consensus.clock import Clock, system_monotonic_ms, system_wall_ms
from lianheng.consensus.cometbft._core import (
    CommittedBlock,
    FaultPoint,
    GatheringEngine,
)
from lianheng.consensus.cometbft._flight import (
    AllDropped,
    Flight,
    split_dropped,
)
from lianheng.consensus.cometbft._post import Broadcaster, Post
from lianheng.consensus.cometbft.pool import EnvelopePool
from lianheng.consensus.solo import QueueLimits
from lianheng.ledger import Segment, Submission, as_ledger_error
from lianheng.model import (
    LianhengError,
    Stopped,
    limits,
    native_errors,
)

# Together with length prefixes and head this many bytes of transactions stay within an envelope.
_PAYLOAD_BYTES = (
    limits.ENVELOPE_BYTES
    - limits.ENVELOPE_HEAD_BYTES
    - limits.ENVELOPE_TRANSACTIONS * limits.ENVELOPE_TRANSACTION_OVERHEAD_BYTES
)


class Signer(Protocol):
    """The node's identity. `members.Identity` is one."""

    @property
    def member(self) -> str:
        """The node's member id."""

    def sign(self, payload: bytes, external_aad: bytes) -> bytes:
        """COSE_Sign1 of the payload."""


class EnvelopeSequencer:
    """Orders what is submitted to this node through CometBFT. `close` ends its two threads."""

    def __init__(
        self,
        engine: GatheringEngine,
        signer: Signer,
        pool: EnvelopePool[Any],
        broadcaster: Broadcaster,
        *,
        horizon_ms: int,
        bounds: QueueLimits | None = None,
        clock_ms: Clock = system_wall_ms,
        monotonic_ms: Clock = system_monotonic_ms,
        fault: FaultPoint | None = None,
        threads: bool = True,
    ) -> None:
        """The signer's key MUST be one of a member of kind node.

        What expires beyond `horizon_ms`, the genesis's `replay_horizon_ms`, is answered here: in
        an envelope it would make all with it wait for as long. Without threads, who made this
        calls `gather_once` and `send_once`.
        """
        queue = bounds or QueueLimits()
        self._engine = engine
        self._signer = signer
        self._pool = pool
        self._horizon_ms = horizon_ms
        self._clock_ms = clock_ms
        self._monotonic_ms = monotonic_ms
        self._fault = fault or _native.fault_point
        self._genesis = engine.genesis_hash
        self._intake = Intake(queue.queue_transactions, queue.queue_bytes)
        self._post = Post(
            engine,
            broadcaster,
            self._intake,
            clock_ms=clock_ms,
            monotonic_ms=monotonic_ms,
            fault=self._fault,
        )
        self._since: float | None = None
        self._number = 0
        self._ended = False
        self._threads = [
            threading.Thread(target=self._run, args=steps, name=f"lianheng-{name}", daemon=True)
            for name, *steps in (
                ("gather", self._intake.changed, self.gather_once, self._gather_wait),
                ("send", self._post.due, self._post.send_once, self._post.send_wait),
            )
            if threads
        ]
        for thread in self._threads:
            thread.start()
        atexit.register(self.close)

    def submit(self, transactions: Sequence[bytes]) -> Submission:
        """Take transactions in. Raise `Busy`, `Stopped`, or what stopped the sequencer."""
        return self._intake.submit(transactions)

    def start(self) -> None:
        """Nothing: its threads run, and `ticks` wakes the chain when a timer is due."""

    def sign_as(self, signer: Signer) -> None:
        """Sign envelopes with another key of this node from here on."""
        self._signer = signer

    def status(self) -> Mapping[str, Any]:
        """Queue, envelopes under way and block interval; `stopped` names a failure in force."""
        intake = self._intake
        with intake.changed:
            return {
                "kind": "cometbft",
                "queued_transactions": intake.queued_transactions,
                "queued_bytes": intake.queued_bytes,
                "envelopes_under_way": len(self._post.flights),
                "bytes_under_way": self._post.size_bytes,
                "block_interval_ms": round(self._post.interval_ms),
                **self._post.figures,
                "busy_refused": intake.busy_refused,
                "stopped": None if intake.failure is None else str(intake.failure),
            }

    def close(self) -> None:
        """Take nothing new, wait a bounded time for what is under way, then tell the rest."""
        intake = self._intake
        intake.close()
        deadline = time.monotonic() + (limits.FLIGHT_CLOSE_SECONDS if self._threads else 0)
        with intake.changed:
            while intake.queued_transactions and not self._ended and intake.failure is None:
                left = deadline - time.monotonic()
                if left <= 0 or not intake.changed.wait(left):
                    break
            self._ended = True
            intake.changed.notify_all()
        self._post.abandon("this node stops")
        intake.stop(
            Stopped(
                "ledger.closed",
                "this node stopped before these transactions were ordered",
                "submit them again",
            )
        )
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join()
        atexit.unregister(self.close)

    def on_block(self, block: CommittedBlock) -> None:
        """A decided block is committed here: answer all whose transactions it settles."""
        self._post.on_block(block)

    def end(self, failure: LianhengError) -> None:
        """The chain was closed: nothing that waits is ordered any more. Tell all of it."""
        self._post.end(failure)
        self._intake.stop(failure)

    def on_start(self) -> None:
        """CometBFT started anew, its mempool is empty: send again what is under way."""
        self._post.on_start()

    def send_once(self) -> float | None:
        """Do what is due about one envelope; else the ms until something is due, None: nothing."""
        return self._post.send_once()

    def gather_once(self) -> float | None:
        """Make one envelope if it is time; else the ms until it is, None: not before a change."""
        intake = self._intake
        with intake.changed:
            wait_ms = self._gather_wait()
            if wait_ms is None or wait_ms > 0:
                return wait_ms
            parts = intake.take(limits.ENVELOPE_TRANSACTIONS, _PAYLOAD_BYTES, mixed=True)
            self._since = None
        try:
            with native_errors():
                self._launch(parts)
        except BaseException as failure:  # noqa: BLE001 - must reach those who wait
            error = as_ledger_error(failure)
            # An envelope that the core refuses is no failure of the core: our key left, perhaps.
            if error.code.startswith("envelope."):
                intake.fail(parts, error)
            else:
                intake.stop(error, parts)
        return 0

    def _run(
        self,
        changed: threading.Condition,
        step: Callable[[], object],
        wait: Callable[[], float | None],
    ) -> None:
        """A step whenever it is time, until the end; a failure of ours stops the sequencer."""
        try:
            while True:
                with changed:
                    while not self._ended and (wait_ms := wait()) != 0:
                        changed.wait(None if wait_ms is None else wait_ms / 1000)
                    if self._ended:
                        return
                step()
        except BaseException as failure:  # noqa: BLE001 - a thread that ends must say so
            self._intake.stop(as_ledger_error(failure))

    def _gather_wait(self) -> float | None:
        """Ms until the next envelope is to be made; None: not before a change."""
        intake, now = self._intake, self._monotonic_ms()
        if not intake.untaken_transactions:
            self._since = None
            return None
        if self._since is None:
            self._since = now
        if not self._post.flights:
            return 0
        if (
            len(self._post.flights) >= limits.FLIGHT_ENVELOPES
            or self._post.size_bytes >= limits.FLIGHT_BYTES
        ):
            return None
        if (
            intake.closing
            or intake.untaken_transactions >= limits.ENVELOPE_TRANSACTIONS
            or intake.untaken_bytes >= _PAYLOAD_BYTES
        ):
            return 0
        gather_ms = min(
            limits.GATHER_LONGEST_MS, max(limits.GATHER_SHORTEST_MS, self._post.interval_ms / 2)
        )
        return max(0.0, self._since + gather_ms - now)

    def _launch(self, parts: Sequence[Part]) -> None:
        """Prepare, sign and put under way; what can not be ordered is answered here."""
        transactions = [item for part in parts for item in part.transactions]
        now = max(self._clock_ms(), self._engine.time)
        latest = now + self._horizon_ms + limits.CLOCK_TOLERANCE_MS
        prepared = self._engine.prepare(transactions, fresh=True, latest=latest)
        drops = {at: (code, said) for at, code, said in prepared.drops()}
        kept, lost = split_dropped(parts, drops)
        if lost:
            outcome = AllDropped(self._engine, prepared.ids(), drops)
            for position, part in lost:
                self._intake.answer(part, [Segment(outcome, position, 1)])
        if kept:
            # CometBFT takes the same bytes only once, but a transaction may come again: it found
            # no room, or its caller repeats it. The clock keeps numbers apart across restarts.
            self._number = max(self._number + 1, self._clock_ms())
            gathered = self._engine.gather(prepared, self._signer.member, self._number)
            envelope = gathered.seal(self._signer.sign(gathered.head, self._genesis))
            self._put_under_way(envelope, kept)

    def _put_under_way(self, envelope: Any, parts: Sequence[Part]) -> None:
        data = envelope.data
        self._pool.add(data, envelope, self._clock_ms())
        self._fault("gather.signed")
        self._post.add(Flight(envelope, data, parts, self._monotonic_ms()))
