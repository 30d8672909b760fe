"""What the tools want to know of a test run: gas by call, and lines by contract."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lianheng.contract.checks import Diagnostic


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
    line_most: dict[int, int] = field(default_factory=dict)
    """The most gas that one call spent in a line, however often it passed it."""
    traces: set[tuple[int, ...]] = field(default_factory=set)


@dataclass(frozen=True)
class Called:
    """A call or view that ended."""

    contract: str
    method: str
    gas: int
    final: bool


@dataclass
class Record:
    """Everything that the tests of a run called; `wants_steps` costs a re-execution a call."""

    wants_steps: bool = False
    compared: int = 0
    files: dict[str, FileRecord] = field(default_factory=dict)
    advice: set[tuple[str, Diagnostic]] = field(default_factory=set)
    """What the type pass says against deployed contracts, with the file of each."""

    def file(self, path: str, source: str) -> FileRecord:
        """The record of a contract file."""
        return self.files.setdefault(path, FileRecord(path, source))

    def called(self, files: Mapping[str, FileRecord], call: Called, steps: Sequence[Any]) -> None:
        """Take a call or view; only what ended well counts as a method's gas.

        `files` are the records by contract: one call may run through several. Lines of imported
        sources count for none of them.
        """
        if call.final:
            files[call.contract].methods.setdefault(call.method, Spent()).add(call.gas)
        lines = list(_placed_lines(files, call.contract, steps))
        ends = [*(spent for _, _, spent in lines[1:]), call.gas]
        passed: dict[str, list[int]] = {}
        spent_here: Counter[tuple[str, int]] = Counter()
        for (contract, line, spent), end in zip(lines, ends, strict=False):
            file = files.get(contract)
            if file is not None:
                file.line_gas[line] = file.line_gas.get(line, 0) + end - spent
                file.line_runs[line] = file.line_runs.get(line, 0) + 1
                spent_here[contract, line] += end - spent
                passed.setdefault(contract, []).append(line)
        for (contract, line), gas in spent_here.items():
            most = files[contract].line_most
            most[line] = max(most.get(line, 0), gas)
        for contract, trace in passed.items():
            files[contract].traces.add(tuple(trace))

    def dearest(self) -> tuple[str, Mapping[str, int]] | None:
        """The method with the most gas in one call."""
        found = [
            (name, spent) for file in self.files.values() for name, spent in file.methods.items()
        ]
        if not found:
            return None
        name, spent = max(found, key=lambda pair: pair[1].most)
        return name, {"most": spent.most, "calls": spent.calls}


def _placed_lines(
    files: Mapping[str, FileRecord], contract: str, steps: Sequence[Any]
) -> Iterator[tuple[str, int, int]]:
    """Contract, line and gas so far of each line; no contract for a line of an imported source."""
    place = contract
    for step in steps:
        if step[0] == "contract":
            own = files.get(step[1])
            place = step[1] if own is not None and Path(own.file).name == step[2] else ""
        elif step[0] == "line":
            yield place, step[1], step[2]


RECORD: ContextVar[Record | None] = ContextVar("lianheng_record", default=None)
"""What the fixtures of this run tell; the tools set it around a run of pytest."""
