"""What CometBFT's own words tell: its log lines read for the few that its supervisor must know.

Each line goes to a bounded log file; those that match become events. It starts and stops nothing.
"""

import os
import re
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from lianheng.model import limits


@dataclass(frozen=True, slots=True)
class CometEvent:
    """Something that a log line tells. `fatal`: starting again would not help.

    Kinds: `wrong_network`, `app_hash`, `consensus_failure`, `application_lost`, `address_in_use`,
    `locked`, `store_behind`, `store_pruned`, `double_sign`, `crashed`, `refused`.
    """

    kind: str
    message: str
    fatal: bool = False
    details: Mapping[str, str] = field(default_factory=dict)


class _Pattern(NamedTuple):
    kind: str
    needle: str
    fatal: bool = False
    details: re.Pattern[str] | None = None
    also: str = ""


_HEX = "[0-9A-Fa-f]*"
# The first that fits decides.
_PATTERNS = (
    _Pattern(
        "wrong_network",
        "peer is on a different network",
        details=re.compile(r"Got (?P<theirs>[^,\s]+), expected (?P<ours>[0-9a-zA-Z_-]+)"),
    ),
    _Pattern(
        "app_hash",
        # More than two thirds prevoted for it, or committed it.
        "invalid block: wrong Block.Header.AppHash",
        fatal=True,
        details=re.compile(f"Expected (?P<ours>{_HEX}), got (?P<theirs>{_HEX})"),
    ),
    _Pattern(
        "app_hash",
        # While it catches up: a block whose commit it verified just before.
        "Error in validation",
        fatal=True,
        details=re.compile(f"Expected (?P<ours>{_HEX}), got (?P<theirs>{_HEX})"),
        also="wrong Block.Header.AppHash",
    ),
    _Pattern("consensus_failure", "CONSENSUS FAILURE!!!", fatal=True),
    _Pattern(
        "app_hash",
        "wrong Block.Header.AppHash",
        details=re.compile(f"Expected (?P<ours>{_HEX}), got (?P<theirs>{_HEX})"),
    ),
    _Pattern(
        "app_hash",
        "AppHash does not match AppHash after replay",
        fatal=True,
        details=re.compile(f"Got (?P<ours>{_HEX}), expected (?P<theirs>{_HEX})"),
    ),
    _Pattern("app_hash", "does not match app's AppHash", fatal=True),
    _Pattern("store_behind", "is higher than core", fatal=True),
    _Pattern("store_pruned", "is too far below block store base", fatal=True),
    _Pattern("double_sign", "conflicting vote from ourselves", fatal=True),
    _Pattern("application_lost", "Did the application crash?"),
    _Pattern("locked", "failed to initialize database: resource temporarily unavailable"),
    _Pattern("address_in_use", "bind: address already in use"),
    _Pattern("refused", "ERROR: "),
    _Pattern("crashed", "panic: "),
    _Pattern("crashed", "fatal error: "),
)
# Lines that begin with these are CometBFT's end, whatever they say; others only where they match.
_ENDS = ("ERROR: ", "panic: ", "fatal error: ")
_QUIET = ("refused", "crashed")
_MESSAGE_CHARACTERS = 500


def read_event(line: str) -> CometEvent | None:
    """The event that a log line tells, or None."""
    for pattern in _PATTERNS:
        if pattern.needle not in line or pattern.also not in line:
            continue
        if pattern.kind in _QUIET and not line.startswith(_ENDS):
            continue
        found = None if pattern.details is None else pattern.details.search(line)
        details = {} if found is None else found.groupdict()
        return CometEvent(pattern.kind, _sentence(line), pattern.fatal, details)
    return None


def _sentence(line: str) -> str:
    """A log line as one sentence: without level, time, module and stack."""
    text = re.sub(r"^[A-Z]\[[^\]]*\]\s*", "", line).partition(" stack=")[0]
    text = re.sub(r"\s+module=\S+", "", text)
    return " ".join(text.split())[:_MESSAGE_CHARACTERS]


class LogFile:
    """A log file of bounded size, and one old one beside it."""

    def __init__(self, path: Path, limit_bytes: int = limits.COMET_LOG_BYTES) -> None:
        """Opened at the first line."""
        self._path = path
        self._limit_bytes = limit_bytes
        self._descriptor: int | None = None
        self._size_bytes = 0

    def write(self, data: bytes) -> None:
        """Append. A disk that is full or gone loses lines, never the node."""
        try:
            if self._descriptor is None:
                self._open()
            elif self._size_bytes + len(data) > self._limit_bytes:
                self.close()
                self._path.replace(self._path.with_name(self._path.name + ".1"))
                self._open()
            if self._descriptor is not None:
                self._size_bytes += os.write(self._descriptor, data)
        except OSError:
            self.close()

    def close(self) -> None:
        """Close; the next line opens it again."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._descriptor = os.open(self._path, flags, 0o600)
        self._size_bytes = os.fstat(self._descriptor).st_size


class LineWatch:
    """Takes one child's output line by line: to the log file, to the last lines, to events."""

    def __init__(self, log_file: LogFile, on_event: Callable[[CometEvent], None]) -> None:
        """`on_event` is called on the reading thread, once for equal events in a row."""
        self._log_file = log_file
        self._on_event = on_event
        self._seen: set[tuple[str, bool, str]] = set()
        self._trace = False
        self.last_lines: deque[str] = deque(maxlen=limits.COMET_LAST_LINES)
        self.cause: CometEvent | None = None

    def take(self, data: bytes) -> None:
        """One line, or a piece of a very long one."""
        self._log_file.write(data)
        line = data.decode("utf-8", "replace").rstrip()
        # Go prints the stacks of all goroutines after the reason: those would push it out.
        self._trace = self._trace or line.startswith("goroutine ")
        if line and not self._trace:
            self.last_lines.append(line[: 2 * _MESSAGE_CHARACTERS])
        event = read_event(line)
        if event is None:
            return
        if self.cause is None or (event.fatal and not self.cause.fatal):
            self.cause = event
        key = (event.kind, event.fatal, event.details.get("theirs", ""))
        if key not in self._seen:
            self._seen.add(key)
            self._on_event(event)
