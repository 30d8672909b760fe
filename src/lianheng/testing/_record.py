"""What the tools want to know of a test run: gas by call, and lines by contract."""

from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Spent:
    """Gas of the calls of one method."""

    calls: int = 0
    least: int = 0
    most: int = 0
    total: int = 0

    def add(self, gas: int) -> None:
        """One more call."""
        self.least = gas if self.calls == 0 else min(self.least, gas)
        self.most = max(self.most, gas)
        self.total += gas
        self.calls += 1


@dataclass
class FileRecord:
    """What the tests did with one contract file."""

    file: str
    source: str
    methods: dict[str, Spent] = field(default_factory=dict)
    line_gas: dict[int, int] = field(default_factory=dict)
    line_runs: dict[int, int] = field(default_factory=dict)
    traces: set[tuple[int, ...]] = field(default_factory=set)


@dataclass
class Record:
    """Everything that the tests of a run called; `wants_steps` costs a re-execution a call."""

    wants_steps: bool = False
    compared: int = 0
    files: dict[str, FileRecord] = field(default_factory=dict)

    def file(self, path: str, source: str) -> FileRecord:
        """The record of a contract file."""
        return self.files.setdefault(path, FileRecord(path, source))

    def called(
        self, file: FileRecord, method: str, gas: int, steps: Sequence[Any], *, final: bool
    ) -> None:
        """Take a call or view; only what ended well counts as a method's gas."""
        if final:
            file.methods.setdefault(method, Spent()).add(gas)
        lines = [step for step in steps if step[0] == "line"]
        if not lines:
            return
        ends = [*(step[2] for step in lines[1:]), gas]
        for (_, line, spent), end in zip(lines, ends, strict=True):
            file.line_gas[line] = file.line_gas.get(line, 0) + end - spent
            file.line_runs[line] = file.line_runs.get(line, 0) + 1
        file.traces.add(tuple(step[1] for step in lines))

    def dearest(self) -> tuple[str, Mapping[str, int]] | None:
        """The method with the most gas in one call."""
        found = [
            (name, spent) for file in self.files.values() for name, spent in file.methods.items()
        ]
        if not found:
            return None
        name, spent = max(found, key=lambda pair: pair[1].most)
        return name, {"most": spent.most, "calls": spent.calls}


RECORD: ContextVar[Record | None] = ContextVar("lianheng_record", default=None)
"""What the fixtures of this run tell; the tools set it around a run of pytest."""
