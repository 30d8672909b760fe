"""What a caller holds after submitting: a promise of results, and results read on demand."""

from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from typing import Any, NamedTuple, Protocol, overload

from lianheng.model import (
    Height,
    LedgerError,
    Milliseconds,
    Result,
    Status,
    TimedOut,
    TransactionId,
)

# An encoded result is a map of at most 23 pairs whose first pair is 1 => status, so the third
# byte tells success from refusal without decoding (docs/protocol/formats.cddl, "result").
_STATUS_BYTE = 2


class BlockOutcome(Protocol):
    """What this room needs of the core's `Outcome`: one prepared batch after its block."""

    @property
    def height(self) -> int:
        """Height of the block."""

    @property
    def time(self) -> int:
        """Its time, ms."""

    def id(self, position: int) -> bytes | None:
        """Transaction id, None where it could not be read."""

    def result(self, position: int) -> bytes | None:
        """Encoded result, None where dropped."""

    def drop(self, position: int) -> tuple[str, str, str] | None:
        """Code, message and what to do where dropped."""

    def index(self, position: int) -> int | None:
        """Position of the entry in its block, None where dropped."""


class Counts(NamedTuple):
    """How many transactions ended how."""

    final: int
    refused: int
    dropped: int


class Segment(NamedTuple):
    """Some neighbouring transactions of one prepared batch."""

    outcome: BlockOutcome
    start: int
    length: int


class Results(Sequence[Result]):
    """Results in the order of submission; each is decoded only when it is asked for."""

    __slots__ = ("_length", "_segments")

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Segments in the order of submission."""
        self._segments = tuple(segments)
        self._length = sum(segment.length for segment in self._segments)

    def __len__(self) -> int:
        """How many transactions were submitted."""
        return self._length

    @overload
    def __getitem__(self, index: int) -> Result: ...
    @overload
    def __getitem__(self, index: slice) -> list[Result]: ...
    def __getitem__(self, index: int | slice) -> Result | list[Result]:
        """The result of the transaction at this position."""
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(self._length))]
        segment, position = self._place(index)
        return read_result(segment.outcome, position)

    def encoded(self, index: int) -> tuple[int, int, int | None, bytes | None, bytes | None, Any]:
        """Height, time, index, id, encoded result and drop, as they cross the node's socket."""
        segment, position = self._place(index)
        outcome = segment.outcome
        return (
            outcome.height,
            outcome.time,
            outcome.index(position),
            outcome.id(position),
            outcome.result(position),
            outcome.drop(position),
        )

    def counts(self) -> Counts:
        """How many ended how, without decoding any result."""
        tally = [0, 0, 0]
        for outcome, start, length in self._segments:
            for position in range(start, start + length):
                data = outcome.result(position)
                tally[2 if data is None else data[_STATUS_BYTE]] += 1
        return Counts(*tally)

    def _place(self, index: int) -> tuple[Segment, int]:
        left = index + self._length if index < 0 else index
        if left >= 0:
            for segment in self._segments:
                if left < segment.length:
                    return segment, segment.start + left
                left -= segment.length
        raise IndexError(f"position {index} of {self._length} results")


def read_result(outcome: BlockOutcome, position: int) -> Result:
    """The result of one transaction of a batch."""
    identity = outcome.id(position)
    transaction = None if identity is None else TransactionId(identity)
    data = outcome.result(position)
    if data is not None and transaction is not None:
        return Result.from_bytes(
            data,
            id=transaction,
            height=Height(outcome.height),
            time=Milliseconds(outcome.time),
            index=outcome.index(position),
        )
    drop = outcome.drop(position)
    if drop is None:
        raise LedgerError("ledger.no_outcome", f"the core gives no outcome for position {position}")
    return Result.dropped(transaction, *drop)


class Submission:
    """A promise of results: wait for it in a thread, or await it in asyncio."""

    __slots__ = ("_future", "_length")

    def __init__(self, future: "Future[Sequence[Result]]", length: int) -> None:
        """The future is resolved by a sequencer or a client, once everything is final."""
        self._future = future
        self._length = length

    def __len__(self) -> int:
        """How many transactions were submitted."""
        return self._length

    def wait(self, timeout: float | None = None) -> Sequence[Result]:
        """Results in order, once all are durable. Seconds; None waits without limit.

        Raise `TimedOut` when they are not there in time, and what stopped the ledger if it did.
        """
        try:
            return self._future.result(timeout)
        except FutureTimeout as failure:
            raise TimedOut(
                "ledger.timed_out",
                f"{self._length} transaction(s) not final after {timeout} s",
                "they may still become final until they expire: look their ids up",
            ) from failure

    def one(self, timeout: float | None = None) -> Result:
        """The only result of a submission of one transaction."""
        (result,) = self.wait(timeout)
        return result

    def done(self) -> bool:
        """Whether the results are there."""
        return self._future.done()

    def add_done_callback(self, function: Callable[["Submission"], object]) -> None:
        """Call the function once the results are there, on the sequencer's thread: be brief."""
        self._future.add_done_callback(lambda _: function(self))

    def __await__(self) -> Generator[Any, None, Sequence[Result]]:
        """Results in order, in asyncio."""
        # Imported here: asyncio costs 40 ms of start-up that a plain command does not need.
        import asyncio

        return asyncio.wrap_future(self._future).__await__()


def tally(results: Sequence[Result]) -> Counts:
    """How many ended how."""
    if isinstance(results, Results):
        return results.counts()
    counted = [0, 0, 0]
    order = (Status.FINAL, Status.REFUSED, Status.DROPPED)
    for result in results:
        counted[order.index(result.status)] += 1
    return Counts(*counted)
