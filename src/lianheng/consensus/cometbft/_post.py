"""Our envelopes under way: sent, sent again while CometBFT may have lost them, and settled.

What a flight waits for is its block. Rules:

- Each is settled once: by the first block that carries it, by block time beyond its expiry, by the
  clock where CometBFT never had it, or by an error that says what is not known.
- `lock` is the intake's, and is never held while CometBFT is asked or a caller is told.
"""

import threading
from collections.abc import Iterable, Sequence
from typing import Protocol

from lianheng.consensus._intake import Intake, Part
from lianheng.consensus.clock import Clock
from lianheng.consensus.cometbft._core import (
    CommittedBlock,
    FaultPoint,
    GatheringEngine,
    TriedOutcome,
)
from lianheng.consensus.cometbft._flight import AllDropped, Flight, settle
from lianheng.ledger import Segment
from lianheng.model import (
    Busy,
    LedgerError,
    LianhengError,
    NodeError,
    TimedOut,
    limits,
    native_errors,
)

_INTERVAL_WEIGHT = 0.2
_LONGEST_INTERVAL_MS = 5_000.0
_RETRIED = frozenset({"envelope.over_share", "envelope.bad_sender"})


class Broadcaster(Protocol):
    """Hands an envelope to CometBFT. `CometRpc` is one."""

    def broadcast(self, data: bytes) -> None:
        """Return once CometBFT has it, whether from now or from before.

        Raise `Busy` where its mempool is full, the error of `check_tx` where that refused,
        `NodeError` where CometBFT did not answer.
        """


class Post:
    """Flights and what is done about them. Starts no thread: somebody calls `send_once`."""

    def __init__(
        self,
        engine: GatheringEngine,
        broadcaster: Broadcaster,
        intake: Intake,
        *,
        clock_ms: Clock,
        monotonic_ms: Clock,
        fault: FaultPoint,
    ) -> None:
        """The intake's callers are told what becomes of their transactions."""
        self._engine = engine
        self._broadcaster = broadcaster
        self._intake = intake
        self._clock_ms = clock_ms
        self._monotonic_ms = monotonic_ms
        self._fault = fault
        self.due = threading.Condition(intake.lock)
        self.flights: dict[bytes, Flight] = {}
        self.size_bytes = 0
        self.interval_ms = 0.0
        self.figures = {"envelopes_sent": 0, "rebroadcast": 0, "retried": 0, "ordered": 0}
        self._active_from: float | None = None

    def add(self, flight: Flight) -> None:
        """Under way from here on, or failed where everything was stopped meanwhile."""
        with self._intake.lock:
            failure = self._intake.failure
            if failure is None:
                self.flights[flight.envelope.hash] = flight
                self.size_bytes += len(flight.data)
                if self._active_from is None:
                    self._active_from = self._monotonic_ms()
                self.due.notify_all()
        if failure is not None:
            self._intake.fail(flight.places, failure)

    def abandon(self, why: str) -> None:
        """Tell all who wait that their outcome is not known here."""
        self.end(_unknown(why))

    def end(self, failure: LianhengError) -> None:
        """Tell all who wait this."""
        with self._intake.lock:
            flights = self._take(list(self.flights))
            self.due.notify_all()
        for flight in flights:
            self._intake.fail(flight.places, failure)

    def on_block(self, block: CommittedBlock) -> None:
        """A decided block is committed here: answer all whose transactions it settles."""
        now = self._monotonic_ms()
        with self._intake.lock:
            settled = [
                (self.flights[digest], outcome)
                for digest, outcome in dict(reversed(block.outcomes)).items()
                if digest in self.flights
            ]
            passed = [self.flights[item] for item in block.passed_over if item in self.flights]
            gone = {flight.envelope.hash for flight, _ in settled}
            gone.update(flight.envelope.hash for flight in passed)
            expired = [
                flight
                for digest, flight in self.flights.items()
                if digest not in gone and flight.envelope.expires <= block.time
            ]
            gone.update(flight.envelope.hash for flight in expired)
            self._take(gone)
            self._measure(now, sum(flight.count for flight, _ in settled))
        for flight, outcome in settled:
            self._settle(flight, outcome)
        for flight in expired:
            self._expire(flight, block.time)
        for flight in passed:
            self._intake.fail(flight.places, _passed_over(block.consensus_height, flight))

    def on_start(self) -> None:
        """CometBFT started anew, its mempool is empty: send again what is under way."""
        with self._intake.lock:
            for flight in self.flights.values():
                if flight.sent:
                    flight.next_at = self._monotonic_ms()
            self.due.notify_all()

    def send_once(self) -> float | None:
        """Do what is due about one envelope; else the ms until something is due, None: nothing."""
        with self._intake.lock:
            wait_ms = self.send_wait()
            if wait_ms is None or wait_ms > 0:
                return wait_ms
            flight = min(self.flights.values(), key=_due)
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

    def send_wait(self) -> float | None:
        """Ms until something is due about an envelope under way; None: not before a change."""
        if not self.flights:
            return None
        due = min(flight.next_at for flight in self.flights.values())
        return max(0.0, due - self._monotonic_ms())

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
            with self._intake.lock:
                self.figures["rebroadcast" if flight.sent else "envelopes_sent"] += 1
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
        elif refused.code == "envelope.replayed":
            self._gather_again(flight)
        else:
            self._give_up(flight, refused)

    def _retry(self, flight: Flight, least_ms: float = 0) -> None:
        with self._intake.lock:
            self.figures["retried"] += 1
            backoff = limits.BROADCAST_FIRST_RETRY_MS * 2 ** min(flight.failures, 16)
            flight.failures += 1
        self._later(flight, max(least_ms, min(backoff, limits.BROADCAST_LONGEST_RETRY_MS)))

    def _later(self, flight: Flight, wait_ms: float) -> None:
        with self._intake.lock:
            flight.next_at = self._monotonic_ms() + wait_ms

    def _give_up(self, flight: Flight, failure: LianhengError) -> None:
        with self._intake.lock:
            taken = self._take([flight.envelope.hash])
        if taken:
            self._intake.fail(flight.places, failure)

    def _gather_again(self, flight: Flight) -> None:
        # Other nodes had all of them ordered meanwhile: gathering finds where.
        with self._intake.lock:
            taken = self._take([flight.envelope.hash])
        if taken:
            self._intake.again(flight.places)

    def _drop_late(self, flight: Flight) -> None:
        with self._intake.lock:
            taken = self._take([flight.envelope.hash])
        if taken:
            self._expire(flight, self._clock_ms())

    def _take(self, digests: Iterable[bytes]) -> list[Flight]:
        found = [self.flights.pop(digest) for digest in digests if digest in self.flights]
        self.size_bytes -= sum(len(flight.data) for flight in found)
        if found:
            self._intake.changed.notify_all()
        return found

    def _settle(self, flight: Flight, outcome: TriedOutcome) -> None:
        with self._intake.lock:
            self.figures["ordered"] += flight.count
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
        self.answer_all(flight.places, AllDropped(self._engine, ids, {}, drop))

    def answer_all(self, places: Sequence[Part], outcome: AllDropped) -> None:
        """Tell those of these parts one outcome, position by position."""
        position = 0
        for place in places:
            self._intake.answer(place, [Segment(outcome, position, place.length)])
            position += place.length

    def _measure(self, now: float, ordered: int) -> None:
        """The time from block to block while something is under way, rests left out."""
        if self._active_from is not None:
            elapsed = min(now - self._active_from, _LONGEST_INTERVAL_MS)
            weight = _INTERVAL_WEIGHT if self.interval_ms else 1.0
            self.interval_ms += weight * (elapsed - self.interval_ms)
            self._intake.measure(ordered, elapsed)
        self._active_from = now if self.flights else None


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
