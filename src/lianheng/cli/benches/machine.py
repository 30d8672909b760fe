"""On what a figure was measured, and how figures are summarised."""

import os
import platform
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

SYNC_TRIES = 30


def describe(folder: Path) -> dict[str, Any]:
    """Processor, memory, system, versions, and how long this folder's disk takes to sync."""
    from lianheng import __version__

    return {
        "processor": processor(),
        "cores": os.cpu_count() or 1,
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "lianheng": __version__,
        "sync_ms": percentiles(sync_times(folder)),
    }


def processor() -> str:
    """The processor's name, as far as the system tells."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if "model name" in line]
    return names[0] if names else platform.machine()


def sync_times(folder: Path) -> list[float]:
    """Milliseconds of some durable writes of 4 kB."""
    import tempfile

    times = []
    with tempfile.TemporaryFile(dir=folder) as probe:
        for _ in range(SYNC_TRIES):
            started = time.perf_counter()
            probe.write(b"x" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return times


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile and worst, to the microsecond."""
    if not values:
        return {}
    ordered = sorted(values)

    def at(share: float) -> float:
        return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 3)

    return {
        "p50": round(statistics.median(ordered), 3),
        "p95": at(0.95),
        "p99": at(0.99),
        "worst": round(ordered[-1], 3),
    }
