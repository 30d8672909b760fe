"""From the lines that the VM passed to coverage.py's arcs, function by function.

An arc is a step from line to line inside of one function; `(-first, line)` enters a function that
begins at `first`, `(line, -first)` leaves it.
"""

import sys
from collections.abc import Iterable, Sequence
from itertools import pairwise
from types import CodeType, FrameType
from typing import Any

Arc = tuple[int, int]
_STEPS = 4  # loop headers that one step of the VM may have passed


def arcs_of(path: str, source: str, traces: Iterable[Sequence[int]]) -> set[Arc]:
    """Arcs of what ran when the file was loaded, and of these traces of calls."""
    code = compile(source, path, "exec", dont_inherit=True, optimize=0)
    functions = _functions(code)
    found = _loading(code)
    for trace in traces:
        found |= _of_trace(trace, functions)
    lines = {line for arc in found for line in arc if line > 0}
    return _through_headers(found, source) | _within_lines(code, lines)


def _through_headers(found: set[Arc], source: str) -> set[Arc]:
    """Steps that the source has not, as the steps that they are made of.

    The VM leaves a loop from its last line; in the source that goes through the line with `for`.
    """
    from coverage.parser import PythonParser

    parser = PythonParser(text=source)
    parser.parse_source()
    possible: dict[int, list[int]] = {}
    for start, end in parser.arcs():
        possible.setdefault(start, []).append(end)
    whole: set[Arc] = set()
    for start, end in found:
        one, other = parser.first_line(abs(start)), parser.first_line(abs(end))
        one, other = (one if start > 0 else -one), (other if end > 0 else -other)
        if one == other:
            continue
        path = _path(possible, one, other)
        whole.update(pairwise(path))
    return found | whole


def _path(possible: dict[int, list[int]], start: int, end: int) -> list[int]:
    """The shortest way from line to line, or none within a few steps."""
    ways = [[start]]
    for _ in range(_STEPS):
        longer = [[*way, to] for way in ways for to in possible.get(way[-1], ()) if to not in way]
        for way in longer:
            if way[-1] == end:
                return way
        ways = [way for way in longer if way[-1] > 0]
    return [start, end]


def _functions(code: CodeType) -> dict[int, int]:
    """The first line of the innermost named function that a line belongs to."""
    found: dict[int, int] = {}

    def visit(own: CodeType, first: int | None) -> None:
        if first is not None:
            lines = [line for _, _, line in own.co_lines() if line]
            found.update(dict.fromkeys(lines, first))
        for inner in own.co_consts:
            if isinstance(inner, CodeType):
                hidden = inner.co_name.startswith("<")
                is_class = not hidden and not inner.co_flags & 0x2  # CO_NEWLOCALS
                visit(inner, first if hidden else None if is_class else inner.co_firstlineno)

    visit(code, None)
    return found


def _of_trace(trace: Sequence[int], functions: dict[int, int]) -> set[Arc]:
    """Arcs of one call: its lines, split by the functions that they lie in."""
    found: set[Arc] = set()
    frames: list[list[int]] = []  # [first line of the function, line reached]
    for line in trace:
        first = functions.get(line)
        if first is None:
            continue
        while len(frames) > 1 and frames[-1][0] != first and any(f[0] == first for f in frames):
            left = frames.pop()
            found.add((left[1], -left[0]))
        if frames and frames[-1][0] == first:
            if frames[-1][1] != line:
                found.add((frames[-1][1], line))
            frames[-1][1] = line
        else:
            found.add((-first, line))
            frames.append([first, line])
    found.update((reached, -first) for first, reached in frames)
    return found


def _within_lines(code: CodeType, reached: set[int]) -> set[Arc]:
    """Comprehensions and lambdas on lines that ran: the VM does not tell them apart."""
    found: set[Arc] = set()
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            found |= _within_lines(inner, reached)
            if inner.co_name.startswith("<"):
                first = inner.co_firstlineno
                lines = sorted({line for _, _, line in inner.co_lines() if line})
                if first in reached or set(lines) & reached:
                    steps = [-first, *lines, -first]
                    found.update(pairwise(steps))
    return found


def _loading(code: CodeType) -> set[Arc]:
    """What runs when the file is loaded: the module and its classes, traced as coverage.py does."""
    found: set[Arc] = set()

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if frame.f_code.co_filename != code.co_filename:
            return None
        first, last = frame.f_code.co_firstlineno, frame.f_code.co_firstlineno

        def local(frame: FrameType, event: str, _: Any) -> Any:
            nonlocal last
            if event == "line":
                found.add((last, frame.f_lineno))
                last = frame.f_lineno
            elif event == "return":
                found.add((last, -first))
            return local

        last = -first
        return local if event == "call" else None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        exec(code, {"__name__": "lianheng_contract_coverage"})  # noqa: S102 - the tests ran it too
    finally:
        sys.settrace(before)
    return found
