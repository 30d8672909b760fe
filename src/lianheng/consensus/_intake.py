"""The bounded queue of submissions that both sequencers have: taking in, sharing out, answering.

It starts no thread and makes no block. Rules:

- What is taken in is counted until its caller was told; beyond the bounds `Busy` says when to come
  back, and nothing of that submission was taken.
- Each caller is told once: results in the order of submission, or one error.
- Organisations take turns; what one of them has waiting keeps its order. One that has little
  waiting finds room where another one has filled the queue.
- Results of the parts of one submission may arrive in any order and from any thread.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field

from lianheng.ledger import Results, Segment, Submission, check_transactions
from lianheng.model import Busy, LianhengError, Result, Stopped, UsageError, limits

# Weight of the newest block in the running mean of the speed, and the answer before there is one.
_SPEED_WEIGHT = 0.2
_FIRST_RETRY_MS = 100
_LONGEST_RETRY_MS = 5_000


@dataclass(slots=True, eq=False)
class Waiting:
    """One submission: how much of it was taken for ordering, and the segments that are known."""

    transactions: Sequence[bytes]
    size_bytes: int
    future: "Future[Sequence[Result]]"
    organisation: str = ""
    taken: int = 0
    answered: int = 0
    ended: bool = False
    segments: list[tuple[int, Segment]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Part:
    """Neighbouring transactions of one submission."""

    waiting: Waiting
    start: int
    length: int

    @property
    def transactions(self) -> Sequence[bytes]:
        """Their bytes, in order."""
        return self.waiting.transactions[self.start : self.start + self.length]


@dataclass(slots=True)
class _Pace:
    """How many transactions an organisation submitted: in this period, in the one before."""

    began: float = 0.0
    last: float = 0.0
    count: int = 0
    before: int = 0

    @property
    def lately(self) -> int:
        """Of the last period, and up to as much again."""
        return self.count + self.before

    def add(self, count: int, now: float) -> None:
        """Count a submission."""
        if now - self.began >= limits.CONTENDED_SECONDS:
            near = now - self.began < 2 * limits.CONTENDED_SECONDS
            self.began, self.before, self.count = now, self.count if near else 0, 0
        self.last = now
        self.count += count


class Intake:
    """Submissions from taking in to the answer.

    `lock` guards it; `changed` tells of what can be taken, and of each answer while it closes.
    """

    def __init__(
        self,
        queue_transactions: int,
        queue_bytes: int,
        *,
        organisation_of: Callable[[bytes], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Bounds of what is taken in and not answered yet.

        `organisation_of` says whose a transaction claims to be; without it all are one's.
        """
        self._organisation_of = organisation_of
        self._clock = clock
        self._most_transactions = queue_transactions
        self._most_bytes = queue_bytes
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.failure: LianhengError | None = None
        self.closing = False
        self.queued_transactions = 0
        self.queued_bytes = 0
        self.busy_refused = 0
        # Not taken for ordering yet, and what is to be taken again.
        self.untaken_transactions = 0
        self.untaken_bytes = 0
        # By organisation, whose turn is next first; none is empty.
        self._incoming: dict[str, deque[Waiting]] = {}
        self._queued_of: dict[str, int] = {}
        # How much each submitted lately, of those that submitted at all.
        self._paces: dict[str, _Pace] = {}
        self._again: deque[Part] = deque()
        self._speed_per_ms = 0.0

    def submit(self, transactions: Sequence[bytes]) -> Submission:
        """Take transactions in. Raise `Busy`, `Stopped`, or what stopped the sequencer."""
        check_transactions(transactions)
        count = len(transactions)
        size_bytes = sum(map(len, transactions))
        future: Future[Sequence[Result]] = Future()
        # Running, so that nobody cancels what may already be in a block.
        future.set_running_or_notify_cancel()
        known = self._organisation_of if transactions else None
        organisation = "" if known is None else known(transactions[0])
        waiting = Waiting(transactions, size_bytes, future, organisation)
        with self.changed:
            self._check_open()
            self._check_room(count, size_bytes, organisation)
            self._paces.setdefault(organisation, _Pace()).add(count, self._clock())
            self._queued_of[organisation] = self._queued_of.get(organisation, 0) + count
            self.queued_transactions += count
            self.queued_bytes += size_bytes
            self.untaken_transactions += count
            self.untaken_bytes += size_bytes
            self._incoming.setdefault(organisation, deque()).append(waiting)
            self.changed.notify_all()
        return Submission(future, count)

    def close(self) -> None:
        """Take nothing new from here on."""
        with self.changed:
            self.closing = True
            self.changed.notify_all()

    def take(self, most_transactions: int, most_bytes: int, *, mixed: bool) -> list[Part]:
        """The next parts, in turn; empty where nothing waits. Call under `changed`.

        Small submissions are taken whole. A large one's piece goes alone, or, where `mixed`, with
        whatever else there is room for. One transaction is taken whatever its size.
        """
        parts: list[Part] = []
        room, room_bytes = most_transactions, most_bytes
        while room > 0 and self._again:
            if parts and sum(map(len, self._again[0].transactions)) > room_bytes:
                return parts
            part = self._take_again(room, room_bytes)
            parts.append(part)
            room -= part.length
            room_bytes -= sum(map(len, part.transactions))
        taken: dict[str, int] = {}
        while room > 0 and (organisation := self._next_turn(taken)) is not None:
            waiting = self._incoming[organisation][0]
            left = len(waiting.transactions) - waiting.taken
            whole = waiting.taken == 0 and left <= room and waiting.size_bytes <= room_bytes
            if parts and not whole and not mixed:
                break
            piece = Part(waiting, waiting.taken, left)
            if not whole:
                piece = _shortened(piece, room, room_bytes, least=0 if parts else 1)
            if piece.length == 0:
                break
            size_bytes = waiting.size_bytes if whole else sum(map(len, piece.transactions))
            parts.append(piece)
            self._took(piece, size_bytes)
            taken[organisation] = taken.get(organisation, 0) + piece.length
            room -= piece.length
            room_bytes -= size_bytes
            if not whole and not mixed:
                break
        return parts

    def is_contended(self) -> bool:
        """Whether somebody who submitted little lately has thousands of others' before it.

        Call under `changed`.
        """
        since = self._clock() - limits.CONTENDED_SECONDS
        for organisation in [name for name, pace in self._paces.items() if pace.last < since]:
            del self._paces[organisation]
        most = limits.CONTENDED_TRANSACTIONS
        crowds = {name for name, count in self._queued_of.items() if count > most}
        return bool(crowds) and any(
            pace.lately <= most for name, pace in self._paces.items() if name not in crowds
        )

    def _next_turn(self, taken: dict[str, int]) -> str | None:
        """Whose submission is next: of those that wait whoever got least of this batch."""
        found = None
        for organisation in self._incoming:
            if organisation not in taken:
                found = organisation
                break
            if found is None or taken[organisation] < taken[found]:
                found = organisation
        if found is not None:
            # To the end of the line; among equals the first in line is next.
            self._incoming[found] = self._incoming.pop(found)
        return found

    def again(self, parts: Sequence[Part]) -> None:
        """These are to be taken once more, before everything else."""
        with self.changed:
            failure = self.failure
            if failure is None:
                for part in parts:
                    if not part.waiting.ended:
                        self._again.append(part)
                        self.untaken_transactions += part.length
                        self.untaken_bytes += sum(map(len, part.transactions))
                self.changed.notify_all()
        if failure is not None:
            self.fail(parts, failure)

    def answer(self, part: Part, segments: Sequence[Segment]) -> None:
        """What became of a part; the last part of a submission tells its caller."""
        waiting = part.waiting
        with self.changed:
            start = part.start
            for segment in segments:
                waiting.segments.append((start, segment))
                start += segment.length
            waiting.answered += part.length
            complete = waiting.answered == len(waiting.transactions)
            if not complete or not self._end(waiting):
                return
        waiting.segments.sort(key=_first)
        waiting.future.set_result(Results([segment for _, segment in waiting.segments]))

    def fail(self, parts: Iterable[Part], failure: LianhengError) -> None:
        """Tell those who wait; what else of their submissions waits is not ordered any more."""
        for waiting in {id(part.waiting): part.waiting for part in parts}.values():
            with self.changed:
                ended = self._end(waiting)
            if ended:
                told = _partly(failure) if waiting.answered else again(failure)
                waiting.future.set_exception(told)

    def stop(
        self,
        failure: LianhengError,
        parts: Sequence[Part] = (),
        told: LianhengError | None = None,
    ) -> None:
        """Nothing more is ordered: tell all who wait, and all who come later.

        Those of the parts are told something else where it is given.
        """
        with self.changed:
            self.failure = self.failure or failure
            rest = self.waiting_parts()
        self.fail(parts, told or failure)
        self.fail(rest, failure)
        with self.changed:
            self.changed.notify_all()

    def waiting_parts(self) -> list[Part]:
        """What was not taken yet, or is to be taken again. Call under `changed`."""
        incoming = (waiting for queue in self._incoming.values() for waiting in queue)
        return [*(Part(waiting, 0, 0) for waiting in incoming), *self._again]

    def measure(self, count: int, elapsed_ms: float) -> None:
        """So many were ordered in this time: the base of the estimate in `Busy`."""
        speed = count / max(elapsed_ms, 0.001)
        weight = _SPEED_WEIGHT if self._speed_per_ms else 1.0
        self._speed_per_ms += weight * (speed - self._speed_per_ms)

    def _check_open(self) -> None:
        if self.failure is not None:
            raise again(self.failure)
        if self.closing:
            raise Stopped("ledger.closed", "this ledger is closed", "open it again")

    def _check_room(self, count: int, size_bytes: int, organisation: str) -> None:
        if count > self._most_transactions or size_bytes > self._most_bytes:
            raise UsageError(
                "ledger.submission_too_large",
                f"{count:,} transactions of {size_bytes:,} bytes do not fit the queue of "
                f"{self._most_transactions:,} and {self._most_bytes:,} bytes",
                "submit them in parts",
            )
        # Who has little waiting finds room beyond what others filled.
        few = self._queued_of.get(organisation, 0) + count
        spare = 0 if few > self._most_transactions // limits.QUEUE_LITTLE else 1
        most = self._most_transactions + spare * self._most_transactions // limits.QUEUE_SPARE
        most_bytes = self._most_bytes + spare * self._most_bytes // limits.QUEUE_SPARE
        if self.queued_transactions + count > most or self.queued_bytes + size_bytes > most_bytes:
            retry = self._retry_after_ms()
            self.busy_refused += 1
            raise Busy(
                "ledger.busy",
                f"{self.queued_transactions:,} transactions already wait",
                f"submit again in {retry} ms; nothing of this was taken in",
                retry_after_ms=retry,
            )

    def _retry_after_ms(self) -> int:
        if self._speed_per_ms <= 0:
            return _FIRST_RETRY_MS
        half = self.queued_transactions / self._speed_per_ms / 2
        return max(1, min(_LONGEST_RETRY_MS, round(half)))

    def _take_again(self, room: int, room_bytes: int) -> Part:
        part = self._again.popleft()
        piece = _shortened(part, room, room_bytes, least=1)
        if piece.length < part.length:
            rest = Part(part.waiting, part.start + piece.length, part.length - piece.length)
            self._again.appendleft(rest)
        self.untaken_transactions -= piece.length
        self.untaken_bytes -= sum(map(len, piece.transactions))
        return piece

    def _took(self, piece: Part, size_bytes: int) -> None:
        waiting = piece.waiting
        waiting.taken += piece.length
        self.untaken_transactions -= piece.length
        self.untaken_bytes -= size_bytes
        if waiting.taken == len(waiting.transactions):
            self._leave(waiting)

    def _end(self, waiting: Waiting) -> bool:
        """Let go of a submission; true for the one thread that may tell its caller."""
        if waiting.ended:
            return False
        waiting.ended = True
        # Only a failed submission still lies there; looking for all others would cost a step
        # for each submission that waits.
        left = waiting.taken < len(waiting.transactions)
        if left and waiting in self._incoming.get(waiting.organisation, ()):
            self._leave(waiting)
            rest = waiting.transactions[waiting.taken :]
            self.untaken_transactions -= len(rest)
            self.untaken_bytes -= sum(map(len, rest))
        if self._again and waiting.answered < len(waiting.transactions):
            self._forget_again(waiting)
        self.queued_transactions -= len(waiting.transactions)
        held = self._queued_of.pop(waiting.organisation) - len(waiting.transactions)
        if held:
            self._queued_of[waiting.organisation] = held
        self.queued_bytes -= waiting.size_bytes
        if self.closing:
            self.changed.notify_all()
        return True

    def _leave(self, waiting: Waiting) -> None:
        queue = self._incoming[waiting.organisation]
        if queue[0] is waiting:
            queue.popleft()
        else:
            queue.remove(waiting)
        if not queue:
            del self._incoming[waiting.organisation]

    def _forget_again(self, waiting: Waiting) -> None:
        for part in [part for part in self._again if part.waiting is waiting]:
            self._again.remove(part)
            self.untaken_transactions -= part.length
            self.untaken_bytes -= sum(map(len, part.transactions))


def again(failure: LianhengError) -> LianhengError:
    """A new object for each who waits: raising one in several threads mixes tracebacks."""
    error = type(failure)(failure.code, failure.message, failure.hint, **failure.details)
    error.__cause__ = failure
    return error


def _first(item: tuple[int, Segment]) -> int:
    return item[0]


def _shortened(part: Part, most: int, most_bytes: int, *, least: int) -> Part:
    """As many of its first transactions as there is room for, and `least` in any case."""
    transactions = part.waiting.transactions
    size_bytes = 0
    for length in range(min(part.length, most)):
        size_bytes += len(transactions[part.start + length])
        if size_bytes > most_bytes and length >= least:
            return Part(part.waiting, part.start, length)
    return Part(part.waiting, part.start, min(part.length, most))


def _partly(failure: LianhengError) -> LianhengError:
    # The first parts of a large submission can be in blocks that were confirmed before.
    error = type(failure)(
        failure.code,
        f"{failure.message}; some of these transactions are final",
        "; ".join(filter(None, [failure.hint, "look the ids up"])),
        **failure.details,
    )
    error.__cause__ = failure
    return error
