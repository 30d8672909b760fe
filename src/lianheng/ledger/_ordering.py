"""Making one block, and the smallest sequencer: each submission is a block of its own."""

import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Generic, Protocol, TypeVar

from lianheng.ledger._submission import BlockOutcome, Results, Segment, Submission
from lianheng.model import (
    HeaderHash,
    InvalidValue,
    LedgerError,
    LianhengError,
    Result,
    native_errors,
    seal_payload,
    solo_seal,
)

# The core checks the seal and the parent before it writes anything.
_NOTHING_WRITTEN = ("seal.", "block.stale")

PreparedT = TypeVar("PreparedT")
PendingT = TypeVar("PendingT", bound="PendingBlock")


class PendingBlock(Protocol):
    """What making a block needs of the core's `Pending`."""

    @property
    def header_hash(self) -> bytes:
        """Hash that the seal signs."""

    @property
    def empty(self) -> bool:
        """Whether there is nothing to record, so that no header is made."""


class OrderingEngine(Protocol[PreparedT, PendingT]):
    """What a sequencer needs of the core. `_native.Engine` is one."""

    @property
    def genesis_hash(self) -> bytes:
        """Hash that every signature is bound to."""

    @property
    def time(self) -> int:
        """Time of the last block, ms."""

    @property
    def next_timer(self) -> int | None:
        """Block time (ms) from which the next block runs a timer; None where no timer waits."""

    @property
    def block_room(self) -> Mapping[str, int]:
        """What the next block has: `block_bytes`, `block_gas`, `block_transactions`."""

    def claimed_organisation(self, transaction: bytes) -> str:
        """Of its sender, where it is in force; else empty. Any thread; checks no signature."""

    def prepare(self, transactions: Sequence[bytes]) -> PreparedT:
        """Decode and verify; any thread."""

    def execute(self, batches: Sequence[PreparedT], time: int) -> PendingT:
        """Run the batches in order; one thread."""

    def commit(self, pending: PendingT, seal: bytes | None) -> Sequence[BlockOutcome]:
        """Make the block durable; returns one outcome for each batch."""


class Sealer(Protocol):
    """Who seals: signs a payload bound to external data. `members.Identity` is one."""

    def sign(self, payload: bytes, external_aad: bytes) -> bytes:
        """COSE_Sign1 of the payload."""


class Sequencer(Protocol):
    """What a ledger needs to get calls ordered. They MUST confirm only what is durable."""

    def submit(self, transactions: Sequence[bytes]) -> Submission:
        """Take transactions in; MUST return at once, or raise `Busy`."""

    def start(self) -> None:
        """Run what falls due from here on, submissions or not. MUST be callable again."""

    def status(self) -> Mapping[str, Any]:
        """Figures for people."""

    def close(self) -> None:
        """Finish what was taken in, then stop. MUST be callable twice."""


class BlockMaker(Generic[PreparedT, PendingT]):
    """Turns prepared batches into one durable, sealed block."""

    def __init__(self, engine: OrderingEngine[PreparedT, PendingT], sealer: Sealer) -> None:
        """The sealer's public key MUST be the one that the genesis names."""
        self._engine = engine
        self._sealer = sealer
        self._genesis = engine.genesis_hash

    def make(self, batches: Sequence[PreparedT], time_ms: int) -> Sequence[BlockOutcome]:
        """Execute, seal, commit. What returns is durable; what raises is not confirmed.

        Where the commit itself fails, the block may be durable all the same: then the error is
        that of `outcome_unknown`, and its cause is the commit's own.
        """
        with native_errors():
            pending = self._engine.execute(batches, time_ms)
            seal = None if pending.empty else self._seal(HeaderHash(pending.header_hash))
        try:
            # Commit point: the core returns only after the block log is synced.
            with native_errors():
                return self._engine.commit(pending, seal)
        except Exception as failure:
            error = as_ledger_error(failure)
            if error.code.startswith(_NOTHING_WRITTEN):
                raise
            raise outcome_unknown(error) from error

    def _seal(self, header_hash: HeaderHash) -> bytes:
        return solo_seal(self._sealer.sign(seal_payload(header_hash), self._genesis))


class DirectSequencer(Generic[PreparedT, PendingT]):
    """One block for each submission, made before `submit` returns. For tests and tools."""

    def __init__(
        self,
        engine: OrderingEngine[PreparedT, PendingT],
        sealer: Sealer,
        now_ms: Callable[[], int],
    ) -> None:
        """`now_ms` gives block time; it is raised to the last block's where it lies below."""
        self._engine = engine
        self._maker = BlockMaker(engine, sealer)
        self._now_ms = now_ms
        self._lock = threading.Lock()

    def submit(self, transactions: Sequence[bytes]) -> Submission:
        """Order, execute and commit at once."""
        check_transactions(transactions)
        with self._lock:
            with native_errors():
                prepared = self._engine.prepare(transactions)
            time_ms = max(self._engine.time, self._now_ms())
            (outcome,) = self._maker.make([prepared], time_ms)
        future: Future[Sequence[Result]] = Future()
        future.set_result(Results([Segment(outcome, 0, len(transactions))]))
        return Submission(future, len(transactions))

    def status(self) -> Mapping[str, Any]:
        """Kind only."""
        return {"kind": "direct"}

    def start(self) -> None:
        """Nothing: who made this says when time passes, with `run_due`."""

    def run_due(self, time_ms: int) -> int | None:
        """Make one block of what fell due by then, at the moment when it did; its time in ms.

        None where nothing was due.
        """
        with self._lock:
            due = self._engine.next_timer
            if due is None or due > time_ms:
                return None
            moment = max(self._engine.time, due)
            self._maker.make([], moment)
        return moment

    def close(self) -> None:
        """Nothing to stop."""


def as_ledger_error(failure: BaseException) -> LianhengError:
    """The failure itself where it is of the tree, else a `LedgerError` that names it."""
    if isinstance(failure, LianhengError):
        return failure
    error = LedgerError(
        "ledger.fault",
        f"the sequencer met an unexpected {type(failure).__name__}: {failure}",
        "open the ledger again; report this",
    )
    error.__cause__ = failure
    return error


def outcome_unknown(failure: LianhengError) -> LianhengError:
    """What those are told whose block may be durable although its commit failed."""
    error = type(failure)(
        failure.code,
        f"{failure.message}; whether this block is final is unknown until the ledger is opened "
        "again",
        "; ".join(filter(None, [failure.hint, "open the ledger again and look the ids up"])),
        **failure.details,
    )
    error.__cause__ = failure
    return error


def check_transactions(transactions: Sequence[bytes]) -> None:
    """Raise `InvalidValue` unless there is at least one and all are bytes."""
    if not transactions:
        raise InvalidValue("transaction.none", "nothing to submit", "pass a transaction")
    # One look at each distinct type: nothing here may cost a step for each transaction.
    for kind in set(map(type, transactions)):
        if not issubclass(kind, bytes):
            raise InvalidValue(
                "transaction.not_bytes", f"a transaction is bytes, not {kind.__name__}"
            )
