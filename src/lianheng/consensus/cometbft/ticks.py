"""Ticks: what wakes an idle chain of validators when a timer is due.

An idle chain makes no block, because nothing waits in a mempool. A tick is the few bytes that wait
there instead: it names the last header and the moment that was due. Rules:

- Nobody signs a tick: all nodes that stand at one header make the same bytes, so a mempool holds
  one at most however many send it, and nobody can make another one.
- It is let in, and kept after a block, only while its header is the last one and its moment has
  come by this node's clock. The block that runs the timer makes another header: then it is gone.
- It is never proposed: a block runs timers by its time alone, and one that carries a tick is voted
  against as one that carries any other thing that is no envelope.
"""

import threading
from typing import Protocol

from lianheng.consensus.clock import Clock, system_wall_ms
from lianheng.consensus.cometbft._post import Broadcaster
from lianheng.model import (
    LedgerError,
    LianhengError,
    Stopped,
    decode,
    encode,
    limits,
    native_errors,
)

NAME = "lianheng.tick.1"
_HASH_BYTES = 32
_LARGEST = 96
# An array of three that begins with the name: no envelope begins so.
_BEGIN = encode([NAME, b"", 0])[: 2 + len(NAME)]


class TimerHead(Protocol):
    """What this needs of the core: where the chain stands, and what is due next."""

    @property
    def header_hash(self) -> bytes:
        """Hash of the last header."""

    @property
    def next_timer(self) -> int | None:
        """Block time (ms) from which the next block runs a timer; None where no timer waits."""


def is_tick(data: bytes) -> bool:
    """Whether these bytes say that they are a tick."""
    return data.startswith(_BEGIN)


def tick(header_hash: bytes, due: int) -> bytes:
    """The one tick of a header and a moment."""
    return encode([NAME, header_hash, due])


def check_tick(data: bytes, head: TimerHead, now_ms: int) -> None:
    """Raise `envelope.not_due` unless this tick wakes the chain for what is due now."""
    try:
        parts = decode(data) if len(data) <= _LARGEST else None
    except LianhengError:
        parts = None
    if not isinstance(parts, list) or len(parts) != len((NAME, b"", 0)):
        raise _not_due("these bytes begin as a tick and are none")
    with native_errors():
        due, last = head.next_timer, bytes(head.header_hash)
    if parts[1:] != [last, due] or type(parts[2]) is not int:
        raise _not_due("it is of another header or moment than the chain waits for")
    if parts[2] > now_ms:
        raise _not_due(f"its timer is due at {parts[2]}, it is {now_ms} (ms)")


class Ticker:
    """Sends a tick to this node's CometBFT whenever a timer is due. Has a thread of its own."""

    def __init__(
        self, head: TimerHead, broadcaster: Broadcaster, *, clock_ms: Clock = system_wall_ms
    ) -> None:
        """Sends nothing before `start`."""
        self._head = head
        self._broadcaster = broadcaster
        self._clock_ms = clock_ms
        self._changed = threading.Condition()
        self._ended = False
        self._again = False
        self.sent = 0
        self._thread = threading.Thread(target=self._run, name="lianheng-ticks", daemon=True)

    def start(self) -> None:
        """Look for timers from here on."""
        self._thread.start()

    def notify(self) -> None:
        """A block was committed: something else may be due next."""
        with self._changed:
            self._again = True
            self._changed.notify_all()

    def stop(self) -> None:
        """End the thread. Stopping twice does nothing."""
        with self._changed:
            self._ended = True
            self._changed.notify_all()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    def tick_once(self) -> float | None:
        """Send a tick if one is due; the ms until it is time again, None: not before a block."""
        with native_errors():
            due, header_hash = self._head.next_timer, bytes(self._head.header_hash)
        if due is None:
            return None
        wait_ms = due - self._clock_ms()
        if wait_ms > 0:
            return min(wait_ms, limits.TIMER_WAIT_SECONDS * 1000)
        try:
            with native_errors():
                self._broadcaster.broadcast(tick(header_hash, due))
        except LianhengError:
            # A block came in between, or CometBFT does not answer: what is due then is asked again.
            pass
        else:
            self.sent += 1
        return limits.TICK_AGAIN_MS

    def _run(self) -> None:
        while True:
            wait_ms = self._step()
            with self._changed:
                if not self._again and not self._ended:
                    self._changed.wait(None if wait_ms is None else wait_ms / 1000)
                self._again = False
                if self._ended:
                    return

    def _step(self) -> float | None:
        try:
            return self.tick_once()
        except Stopped:
            # The core is closed under us: the node ends.
            return None
        except LianhengError:
            # A core that fails stops the node where blocks are executed; here it is asked again.
            return limits.TICK_AGAIN_MS


def _not_due(message: str) -> LianhengError:
    return LedgerError("envelope.not_due", message, "nothing: each node sends its own when it is")
