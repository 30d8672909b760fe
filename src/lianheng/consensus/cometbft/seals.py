"""Seals fetched after their block: CometBFT's commit for the header that carries our hash.

The seal of the header made at CometBFT height C is the header at C+1 with its commit, and the set
that signed. ABCI gives no signatures, so one thread asks the RPC for them. Rules:

- Consensus never waits for it: `notify` only wakes the thread.
- The core verifies each seal before it keeps it; one that is not good is told in the log and asked
  for again, ever less often.
- At the start everything that is not sealed yet is caught up with, oldest first; a header whose
  block is not kept any more does not hold up the others.
"""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from lianheng.consensus.cometbft._seal_form import Json, build_seal, seal_time
from lianheng.consensus.cometbft.rpc import CometCommit
from lianheng.model import LianhengError, NodeError, TimedOut, limits, native_errors

__all__ = ["SealKeeper", "SealSource", "SealedEngine", "build_seal", "seal_time"]

Log = structlog.typing.FilteringBoundLogger


class SealedEngine(Protocol):
    """What the keeper needs of the core."""

    @property
    def sealed_height(self) -> int:
        """All headers up to here have their seal."""
        ...

    def unsealed(self, limit: int) -> Sequence[tuple[int, int]]:
        """(height, consensus height) of headers without seal, ascending."""
        ...

    def add_seal(self, height: int, seal: bytes) -> None:
        """Verify and keep a seal; the same one twice is fine."""
        ...


class SealSource(Protocol):
    """What the keeper needs of the RPC."""

    def commit(self, height: int) -> CometCommit | None:
        """A header and its commit, or None where the height is not there."""
        ...

    def validators(self, height: int) -> Sequence[Json] | None:
        """The set of a height, or None."""
        ...


@dataclass(slots=True)
class _Aside:
    """A header whose seal could not be had: when to try again, and how long to wait then."""

    next_try: float
    pause: float


class SealKeeper:
    """Owns one thread; `start` and `stop` it. Any thread may call the rest."""

    def __init__(self, engine: SealedEngine, rpc: SealSource, log: Log) -> None:
        """Nothing is asked for before `start`."""
        self._engine = engine
        self._rpc = rpc
        self._log = log
        self._changed = threading.Condition()
        self._stopping = False
        self._committed = 0
        self._news = True
        self._beyond: set[int] = set()
        self._aside: dict[int, _Aside] = {}
        self._told: str | None = None
        self._set: tuple[str, Sequence[Json]] | None = None
        self._thread = threading.Thread(target=self._run, name="lianheng-seals", daemon=True)

    def start(self) -> None:
        """Begin with what is not sealed yet."""
        self._thread.start()

    def stop(self, seconds: float = limits.RPC_SECONDS + 1.0) -> None:
        """End the thread; a call under way ends first, at the latest at its time limit."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def notify(self, consensus_height: int) -> None:
        """Commit of this CometBFT height returned; also for one that made no header of ours."""
        with self._changed:
            self._committed = max(self._committed, consensus_height)
            self._news = True
            self._changed.notify_all()

    def wait(self, height: int, seconds: float) -> None:
        """Return once the header of this height has its seal.

        Raise `TimedOut` (`seal.not_yet`) where it has none in time, or the keeper stopped.
        """
        deadline = time.monotonic() + seconds
        with self._changed:
            while not self._is_sealed(height):
                left = deadline - time.monotonic()
                if left <= 0 or self._stopping:
                    raise TimedOut(
                        "seal.not_yet",
                        f"block {height} is final and has no seal yet",
                        "ask again in a moment",
                    )
                self._changed.wait(left)

    def _is_sealed(self, height: int) -> bool:
        return height in self._beyond or height <= self._engine.sealed_height

    def _run(self) -> None:
        pause = limits.SEAL_FIRST_SECONDS
        while True:
            with self._changed:
                if self._stopping:
                    return
                if self._news:
                    pause = limits.SEAL_FIRST_SECONDS
                self._news = False
            try:
                soonest = self._fetch_all()
            except Exception as failure:  # noqa: BLE001 - it must go on, whatever fails
                self._tell(failure)
                soonest = limits.SEAL_POLL_SECONDS
            pause = max(pause, soonest or 0.0)
            with self._changed:
                if not self._news and not self._stopping:
                    self._changed.wait(None if soonest is None else pause)
            pause = min(2 * pause, limits.SEAL_LONGEST_SECONDS)

    def _fetch_all(self) -> float | None:
        """One round: how soon another makes sense, None where every header has its seal."""
        soonest: float | None = None
        while not self._stopping:
            now = time.monotonic()
            room = limits.SEAL_PORTION + len(self._aside)
            with native_errors():
                found = self._engine.unsealed(room)
            due = [each for each in found if self._is_due(each[0], now)]
            if len(due) < len(found):
                soonest = limits.SEAL_POLL_SECONDS
            for height, consensus_height in due:
                if not self._fetch(height, consensus_height, now):
                    soonest = limits.SEAL_POLL_SECONDS
                    if height not in self._aside:
                        # Not decided, or nobody answers: so it is with all that follow.
                        late = consensus_height < self._committed
                        return limits.SEAL_FIRST_SECONDS if late else soonest
            if len(found) < room or not due:
                return soonest
        return None

    def _is_due(self, height: int, now: float) -> bool:
        aside = self._aside.get(height)
        return aside is None or aside.next_try <= now

    def _fetch(self, height: int, consensus_height: int, now: float) -> bool:
        """Fetch and keep one seal. A header whose seal is bad is put aside for a while."""
        try:
            commit = self._rpc.commit(consensus_height + 1)
        except NodeError as failure:
            self._tell(failure)
            return False
        if commit is None:
            if self._committed > consensus_height + 1 + _KEPT_AT_LEAST:
                self._set_aside(height, now)
            return False
        try:
            validators = self._validators(commit)
            if validators is None:
                self._set_aside(height, now)
                return False
            seal = build_seal(commit.signed_header, validators)
            with native_errors():
                self._engine.add_seal(height, seal)
        except LianhengError as failure:
            self._log.error(
                "seal refused", height=height, code=failure.code, reason=failure.message
            )
            self._set_aside(height, now)
            return False
        self._told = None
        self._keep(height)
        return True

    def _validators(self, commit: CometCommit) -> Sequence[Json] | None:
        """The set that signed; it seldom changes, so the last one is kept with its hash."""
        if self._set is None or self._set[0] != commit.validators_hash:
            validators = self._rpc.validators(commit.height)
            if validators is None:
                return None
            self._set = (commit.validators_hash, validators)
        return self._set[1]

    def _keep(self, height: int) -> None:
        self._aside.pop(height, None)
        with self._changed:
            sealed = self._engine.sealed_height
            self._beyond = {each for each in (*self._beyond, height) if each > sealed}
            self._changed.notify_all()

    def _set_aside(self, height: int, now: float) -> None:
        aside = self._aside.get(height)
        pause = limits.SEAL_LONGEST_SECONDS
        if aside is not None:
            pause = min(2 * aside.pause, limits.SEAL_ASIDE_SECONDS)
        self._aside[height] = _Aside(now + pause, pause)

    def _tell(self, failure: Exception) -> None:
        # CometBFT answers nothing while it replays: once is enough.
        if self._told != str(failure):
            self._told = str(failure)
            self._log.warning("seals wait", reason=str(failure))


# A block that others followed and that is not there was pruned, not late.
_KEPT_AT_LEAST = 8
