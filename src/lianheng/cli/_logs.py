"""Log files of several nodes as one: merged by time, each line with its source before it."""

import json
import re
import time
from collections import deque
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

# A line's share of a file that is read from its end; longer ones are cut.
_LINE_BYTES = 1_000
_POLL_SECONDS = 0.2
_PART_BYTES = 1_048_576
# CometBFT's plain lines: level, then local time in brackets.
_COMET = re.compile(r"^[A-Z]\[(\d{4}-\d\d-\d\d)\|(\d\d:\d\d:\d\d(?:\.\d+)?)\]")
_KNOWN = ("timestamp", "level", "event")


def last_lines(files: Mapping[str, Path], count: int) -> tuple[list[str], dict[str, int]]:
    """The last lines of all files in the order of time, and where each file ended."""
    found: list[tuple[float, str]] = []
    places = dict.fromkeys(files, 0)
    for name, file in files.items():
        latest = 0.0
        lines, places[name] = tail(file, count)
        for text in lines:
            # What has no time of its own (a stack trace) stays behind the line before it.
            latest = moment(text) or latest
            found.append((latest, f"{name}  {readable(text)}"))
    found.sort(key=lambda each: each[0])
    return [text for _, text in found[len(found) - min(count, len(found)) :]], places


def follow_lines(files: Mapping[str, Path], places: dict[str, int]) -> Iterator[str]:
    """New lines as they come, for ever."""
    while True:
        quiet = True
        for name, file in files.items():
            lines, places[name] = more(file, places[name])
            for text in lines:
                quiet = False
                yield f"{name}  {readable(text)}"
        if quiet:
            time.sleep(_POLL_SECONDS)


def tail(file: Path, count: int) -> tuple[list[str], int]:
    """The last whole lines of a file, and its size."""
    try:
        with file.open("rb") as stream:
            size = stream.seek(0, 2)
            start = max(0, size - count * _LINE_BYTES)
            stream.seek(start)
            data = stream.read(size - start)
    except FileNotFoundError:
        return [], 0
    end = data.rfind(b"\n") + 1
    lines = data[:end].decode(errors="replace").splitlines()
    if start:
        lines = lines[1:]  # cut in two
    return list(deque(lines, maxlen=count)), start + end


def more(file: Path, place: int) -> tuple[list[str], int]:
    """Whole lines from a place on, and where they end."""
    try:
        with file.open("rb") as stream:
            if stream.seek(0, 2) < place:
                place = 0  # begun anew
            stream.seek(place)
            data = stream.read(_PART_BYTES)
    except FileNotFoundError:
        return [], 0
    end = data.rfind(b"\n") + 1
    if not end and len(data) == _PART_BYTES:
        end = len(data)  # a line without end is shown in parts
    return data[:end].decode(errors="replace").splitlines(), place + end


def moment(text: str) -> float:
    """When a line was written, seconds since 1970; 0 where it does not say."""
    fields = parsed(text)
    try:
        if fields is not None:
            return datetime.fromisoformat(str(fields.get("timestamp"))).timestamp()
        if match := _COMET.match(text):
            return datetime.fromisoformat(f"{match[1]}T{match[2]}").astimezone(UTC).timestamp()
    except ValueError:
        pass
    return 0.0


def readable(text: str) -> str:
    """A node's JSON line as words; any other line as it is."""
    fields = parsed(text)
    if fields is None:
        return text
    time_of_day = str(fields.get("timestamp", "")).partition("T")[2].rstrip("Z")
    rest = " ".join(f"{name}={value}" for name, value in fields.items() if name not in _KNOWN)
    level = str(fields.get("level", ""))
    return f"{time_of_day:15} {level:7} {fields.get('event', '')}  {rest}".rstrip()


def parsed(text: str) -> dict[str, object] | None:
    """The fields of a JSON line."""
    if not text.startswith("{"):
        return None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return fields if isinstance(fields, dict) else None
