"""Block time from the wall clock, and the refusal to use a clock that was set.

Block time never goes back. The wall clock is compared with the monotonic clock at every block:
where they part by more than the tolerance since the ledger was opened, somebody set the clock, and
nothing is confirmed until it agrees again or the operator opens the ledger anew. The comparison is
with the opening, not with the block before, so that many small steps are seen as well.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from lianheng.model import ClockError, Milliseconds, limits

Clock = Callable[[], int]
"""A clock's reading in milliseconds."""


def system_wall_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def system_monotonic_ms() -> int:
    """Milliseconds since some start; counts the time that the machine sleeps, where it can."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000
    return time.monotonic_ns() // 1_000_000


class BlockClock:
    """Gives block times, or raises `ClockError` where no honest one can be given."""

    def __init__(
        self,
        wall_ms: Clock = system_wall_ms,
        monotonic_ms: Clock = system_monotonic_ms,
        tolerance_ms: int = limits.CLOCK_TOLERANCE_MS,
    ) -> None:
        """Remembers how the two clocks stand to each other now."""
        self._wall_ms = wall_ms
        self._monotonic_ms = monotonic_ms
        self._tolerance_ms = tolerance_ms
        self._offset_ms = wall_ms() - monotonic_ms()

    def wait_ms(self, moment: int) -> int:
        """How long until the wall clock shows `moment`; 0 where it does already."""
        return max(0, moment - self._wall_ms())

    def block_time(self, previous: int) -> Milliseconds:
        """Time for a block after one of time `previous`: the wall clock, never below `previous`."""
        wall = self._wall_ms()
        expected = self._monotonic_ms() + self._offset_ms
        if abs(wall - expected) > self._tolerance_ms:
            raise ClockError(
                "clock.jumped",
                f"the wall clock says {_text(wall)}; by the monotonic clock it is "
                f"{_text(expected)}: it was set {abs(wall - expected):,} ms "
                f"{'ahead' if wall > expected else 'back'}. Nothing is confirmed",
                "set the clock right, or stop and open the ledger again if it is right now",
                wall_ms=wall,
                expected_ms=expected,
            )
        if wall < previous - self._tolerance_ms:
            raise ClockError(
                "clock.behind",
                f"the wall clock says {_text(wall)}; the last block is of {_text(previous)}: "
                f"{previous - wall:,} ms later. Nothing is confirmed",
                "set the clock right; it was ahead when that block was made, or is behind now",
                wall_ms=wall,
                previous_ms=previous,
            )
        return Milliseconds(max(previous, wall))


def _text(milliseconds: int) -> str:
    try:
        moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return f"{milliseconds:,} ms"
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
