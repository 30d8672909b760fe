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
    TriedOutcome,
)
from lianheng.consensus.cometbft._flight import (
    NO_ROOM,
    AllDropped,
    Drop,
    Flight,
    settle,
    split_dropped,
)
from lianheng.consensus.cometbft.pool import EnvelopePool
from lianheng.consensus.solo import QueueLimits
from lianheng.ledger import Segment, Submission, as_ledger_error
from lianheng.model import (
    Busy,
    LedgerError,
    LianhengError,
    NodeError,
    Stopped,
    TimedOut,
    limits,
    native_errors,
)

# Together with length prefixes and head this many bytes of transactions stay within an envelope.
_PAYLOAD_BYTES = (
    limits.ENVELOPE_BYTES
    - limits.ENVELOPE_HEAD_BYTES
    - limits.ENVELOPE_TRANSACTIONS * limits.ENVELOPE_TRANSACTION_OVERHEAD_BYTES
)
_INTERVAL_WEIGHT = 0.2
_LONGEST_INTERVAL_MS = 5_000.0
# Copies of the last transaction that tell an envelope from one that was decided before.
_MOST_COPIES = 4
_RETRIED = frozenset({"envelope.over_share", "envelope.bad_sender"})
_NO_ROOM: Drop = (
    NO_ROOM,
    "the blocks had no room for it",
    "submit it again later: its id is free",
)


class Broadcaster(Protocol):
    """Hands an envelope to CometBFT. `CometRpc` is one."""

    def broadcast(self, data: bytes) -> None:
        """Return once CometBFT has it, whether from now or from before.

        Raise `Busy` where its mempool is full, the error of `check_tx` where that refused,
        `NodeError` where CometBFT did not answer.
        """


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
        bounds: QueueLimits | None = None,
        horizon_ms: int | None = None,
        clock_ms: Clock = system_wall_ms,
        monotonic_ms: Clock = system_monotonic_ms,
        fault: FaultPoint | None = None,
        threads: bool = True,
    ) -> None:
        """The signer's key MUST be one of a member of kind node.

        With `horizon_ms`, the genesis's `replay_horizon_ms`, what expires too far ahead is
        answered here instead of by a block. Without threads, who made this calls `gather_once`
        and `send_once`.
        """
        queue = bounds or QueueLimits()
        self._engine = engine
        self._signer = signer
        self._pool = pool
        self._horizon_ms = horizon_ms
        self._broadcaster = broadcaster
        self._clock_ms = clock_ms
        self._monotonic_ms = monotonic_ms
        self._fault = fault or _native.fault_point
        self._genesis = engine.genesis_hash
        self._intake = Intake(queue.queue_transactions, queue.queue_bytes)
        self._flights: dict[bytes, Flight] = {}
        self._flight_bytes = 0
        self._since: float | None = None
        self._interval_ms = 0.0
        self._active_from: float | None = None
        self._figures = {"envelopes_sent": 0, "rebroadcast": 0, "retried": 0, "ordered": 0}
        self._ended = False
        self._threads = [
            threading.Thread(target=self._run, args=steps, name=f"lianheng-{name}", daemon=True)
            for name, *steps in (
                ("gather", self.gather_once, self._gather_wait),
                ("send", self.send_once, self._send_wait),
            )
            if threads
        ]
        for thread in self._threads:
            thread.start()
        atexit.register(self.close)

    def submit(self, transactions: Sequence[bytes]) -> Submission:
        """Take transactions in. Raise `Busy`, `Stopped`, or what stopped the sequencer."""
        return self._intake.submit(transactions)

    def status(self) -> Mapping[str, Any]:
        """Queue, envelopes under way and block interval; `stopped` names a failure in force."""
        intake = self._intake
        with intake.changed:
            return {
                "kind": "cometbft",
                "queued_transactions": intake.queued_transactions,
                "queued_bytes": intake.queued_bytes,
                "envelopes_under_way": len(self._flights),
                "bytes_under_way": self._flight_bytes,
                "block_interval_ms": round(self._interval_ms),
                **self._figures,
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
            flights = self._take_flights(list(self._flights))
            intake.changed.notify_all()
        for flight in flights:
            intake.fail(flight.places, _unknown("this node stops"))
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
        now = self._monotonic_ms()
        with self._intake.changed:
            settled = [
                (self._flights[digest], outcome)
                for digest, outcome in dict(reversed(block.outcomes)).items()
                if digest in self._flights
            ]
            passed = [self._flights[item] for item in block.passed_over if item in self._flights]
            gone = {flight.envelope.hash for flight, _ in settled}
            gone.update(flight.envelope.hash for flight in passed)
            expired = [
                flight
                for digest, flight in self._flights.items()
                if digest not in gone and flight.envelope.expires <= block.time
            ]
            gone.update(flight.envelope.hash for flight in expired)
            self._take_flights(gone)
            self._measure(now, sum(flight.count for flight, _ in settled))
        for flight, outcome in settled:
            self._settle(flight, outcome)
        for flight in expired:
            self._expire(flight, block.time)
        for flight in passed:
            self._intake.fail(flight.places, _passed_over(block.consensus_height, flight))

    def on_start(self) -> None:
        """CometBFT started anew, its mempool is empty: send again what is under way."""
        with self._intake.changed:
            for flight in self._flights.values():
                if flight.sent:
                    flight.next_at = self._monotonic_ms()
            self._intake.changed.notify_all()

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
            intake.stop(as_ledger_error(failure), parts)
        return 0

    def send_once(self) -> float | None:
        """Do what is due about one envelope; else the ms until something is due, None: nothing."""
        with self._intake.changed:
            wait_ms = self._send_wait()
            if wait_ms is None or wait_ms > 0:
                return wait_ms
            flight = min(self._flights.values(), key=_due)
        late_ms = self._clock_ms() - flight.envelope.expires
        if late_ms < 0:
            self._broadcast(flight)
        elif not flight.maybe_sent:
            self._drop_late(flight)
        elif late_ms < limits.OUTCOME_GRACE_MS:
            self._later(flight, limits.OUTCOME_GRACE_MS - late_ms)
        else:
            self._give_up(flight, _unknown("the network decides nothing"))
        return 0

    def _run(self, step: Callable[[], object], wait: Callable[[], float | None]) -> None:
        """A step whenever it is time, until the end; a failure of ours stops the sequencer."""
        changed = self._intake.changed
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

    def _send_wait(self) -> float | None:
        """Ms until something is due about an envelope under way; None: not before a change."""
        if not self._flights:
            return None
        due = min(flight.next_at for flight in self._flights.values())
        return max(0.0, due - self._monotonic_ms())

    def _gather_wait(self) -> float | None:
        """Ms until the next envelope is to be made; None: not before a change."""
        intake, now = self._intake, self._monotonic_ms()
        if not intake.untaken_transactions:
            self._since = None
            return None
        if self._since is None:
            self._since = now
        if not self._flights:
            return 0
        if (
            len(self._flights) >= limits.FLIGHT_ENVELOPES
            or self._flight_bytes >= limits.FLIGHT_BYTES
        ):
            return None
        if (
            intake.closing
            or intake.untaken_transactions >= limits.ENVELOPE_TRANSACTIONS
            or intake.untaken_bytes >= _PAYLOAD_BYTES
        ):
            return 0
        gather_ms = min(
            limits.GATHER_LONGEST_MS, max(limits.GATHER_SHORTEST_MS, self._interval_ms / 2)
        )
        return max(0.0, self._since + gather_ms - now)

    def _launch(self, parts: Sequence[Part], copies: int = 0) -> None:
        """Prepare, sign and put under way; what can not be ordered is answered here.

        CometBFT takes the same bytes only once, but a transaction may come again: it found no
        room, or its caller repeats it. `copies` of the last one, dropped as replayed by every
        node, make it another envelope.
        """
        transactions = [item for part in parts for item in part.transactions]
        count = len(transactions)
        transactions += transactions[-1:] * copies
        latest = None
        if self._horizon_ms is not None:
            now = max(self._clock_ms(), self._engine.time)
            latest = now + self._horizon_ms + limits.CLOCK_TOLERANCE_MS
        prepared = self._engine.prepare(transactions, fresh=True, latest=latest)
        ids = prepared.ids()
        drops = {at: (code, said) for at, code, said in prepared.drops() if at < count}
        kept, lost = split_dropped(parts, drops)
        if lost:
            outcome = AllDropped(self._engine, ids, drops)
            for position, part in lost:
                self._intake.answer(part, [Segment(outcome, position, 1)])
        if not kept:
            return
        if not copies or sum(map(len, transactions)) <= _PAYLOAD_BYTES:
            gathered = self._engine.gather(prepared, self._signer.member)
            envelope = gathered.seal(self._signer.sign(gathered.head, self._genesis))
            if not self._is_known(envelope.hash):
                self._put_under_way(envelope, kept)
                return
            if copies < _MOST_COPIES:
                self._launch(kept, copies + 1)
                return
        left = [found for at, found in enumerate(ids[:count]) if at not in drops]
        self._answer_all(kept, AllDropped(self._engine, left, {}, _NO_ROOM))

    def _is_known(self, digest: bytes) -> bool:
        with self._intake.changed:
            return digest in self._flights or self._pool.decided(digest)

    def _put_under_way(self, envelope: Any, parts: Sequence[Part]) -> None:
        data = envelope.data
        self._pool.add(data, envelope, self._clock_ms())
        self._fault("gather.signed")
        with self._intake.changed:
            failure = self._intake.failure
            if failure is None:
                now = self._monotonic_ms()
                self._flights[envelope.hash] = Flight(envelope, data, parts, now)
                self._flight_bytes += len(data)
                self._active_from = now if self._active_from is None else self._active_from
                self._intake.changed.notify_all()
        if failure is not None:
            self._intake.fail(parts, failure)

    def _broadcast(self, flight: Flight) -> None:
        try:
            with native_errors():
                self._broadcaster.broadcast(flight.data)
        except Busy as busy:
            self._retry(flight, busy.retry_after_ms)
        except NodeError:
            # It may have arrived all the same.
            flight.maybe_sent = True
            self._retry(flight)
        except LianhengError as refused:
            self._refused(flight, refused)
        else:
            self._fault("gather.sent")
            with self._intake.changed:
                self._figures["rebroadcast" if flight.sent else "envelopes_sent"] += 1
                flight.maybe_sent = flight.sent = True
                flight.failures = 0
            self._later(flight, limits.REBROADCAST_MS)

    def _refused(self, flight: Flight, refused: LianhengError) -> None:
        if refused.code in _RETRIED:
            self._retry(flight)
        elif flight.maybe_sent:
            # Other nodes may have it from before: a block, or its expiry, tells.
            self._later(flight, limits.REBROADCAST_MS)
        elif refused.code == "envelope.expired":
            self._drop_late(flight)
        else:
            self._give_up(flight, refused)

    def _retry(self, flight: Flight, least_ms: float = 0) -> None:
        with self._intake.changed:
            self._figures["retried"] += 1
            backoff = limits.BROADCAST_FIRST_RETRY_MS * 2 ** min(flight.failures, 16)
            flight.failures += 1
        self._later(flight, max(least_ms, min(backoff, limits.BROADCAST_LONGEST_RETRY_MS)))

    def _later(self, flight: Flight, wait_ms: float) -> None:
        with self._intake.changed:
            flight.next_at = self._monotonic_ms() + wait_ms

    def _give_up(self, flight: Flight, failure: LianhengError) -> None:
        with self._intake.changed:
            taken = self._take_flights([flight.envelope.hash])
        if taken:
            self._intake.fail(flight.places, failure)

    def _drop_late(self, flight: Flight) -> None:
        with self._intake.changed:
            taken = self._take_flights([flight.envelope.hash])
        if taken:
            self._expire(flight, self._clock_ms())

    def _take_flights(self, digests: Any) -> list[Flight]:
        found = [self._flights.pop(digest) for digest in digests if digest in self._flights]
        self._flight_bytes -= sum(len(flight.data) for flight in found)
        if found:
            self._intake.changed.notify_all()
        return found

    def _settle(self, flight: Flight, outcome: TriedOutcome) -> None:
        with self._intake.changed:
            self._figures["ordered"] += flight.count
        answers, again = settle(flight.places, outcome, self._engine)
        # First, so that its caller hears of an answer only once it is known what comes again.
        self._intake.again(again)
        for part, segment in answers:
            self._intake.answer(part, [segment])

    def _expire(self, flight: Flight, latest: int) -> None:
        expires = flight.envelope.expires
        drop = (
            "dropped.expired",
            f"no block took it before its envelope expired at {expires}; it is {latest} (ms)",
            "sign it again with a later expiry",
        )
        ids = flight.envelope.prepared.ids()
        self._answer_all(flight.places, AllDropped(self._engine, ids, {}, drop))

    def _answer_all(self, places: Sequence[Part], outcome: AllDropped) -> None:
        position = 0
        for place in places:
            self._intake.answer(place, [Segment(outcome, position, place.length)])
            position += place.length

    def _measure(self, now: float, ordered: int) -> None:
        """The time from block to block while something is under way, rests left out."""
        if self._active_from is not None:
            elapsed = min(now - self._active_from, _LONGEST_INTERVAL_MS)
            weight = _INTERVAL_WEIGHT if self._interval_ms else 1.0
            self._interval_ms += weight * (elapsed - self._interval_ms)
            self._intake.measure(ordered, elapsed)
        self._active_from = now if self._flights else None


def _due(flight: Flight) -> float:
    return flight.next_at


def _unknown(why: str) -> LianhengError:
    return TimedOut(
        "ledger.timed_out",
        f"{why}; whether these transactions become final is not known here",
        "they may until they expire: look their ids up at another node, or later",
    )


def _passed_over(consensus_height: int, flight: Flight) -> LianhengError:
    return LedgerError(
        "envelope.passed_over",
        f"block {consensus_height:,} of CometBFT carried these transactions in an envelope that "
        f"does not count: the key of {flight.envelope.node} is not in force",
        "submit them through another node; their ids are free",
    )
