"""What processes use, as Linux tells in /proc."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

_PROC = Path("/proc")
# Fields of /proc/PID/stat after the name in brackets, from 0.
_PARENT, _USER, _SYSTEM = 1, 11, 12


def with_children(pids: Sequence[int]) -> list[int]:
    """These processes and all that descend from them."""
    parents: dict[int, int] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parents[int(entry.name)] = int(_stat(int(entry.name))[_PARENT])
    found = list(pids)
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def cpu_seconds(pids: Sequence[int]) -> float:
    """Processor time that they used so far, together."""
    ticks = 0
    for pid in pids:
        fields = _stat(pid)
        ticks += int(fields[_USER]) + int(fields[_SYSTEM])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_bytes(pids: Sequence[int]) -> int:
    """Memory that they hold together; what several share is counted once (PSS)."""
    total = 0
    for pid in pids:
        text = (_PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii")
        (line,) = [line for line in text.splitlines() if line.startswith("Pss:")]
        total += int(line.split()[1]) * 1024
    return total


def _stat(pid: int) -> list[str]:
    text = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    return text.rpartition(")")[2].split()
