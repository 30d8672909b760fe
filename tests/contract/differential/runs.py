"""Many generated programs, one after the other: what differs, what they used, what was refused."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass, field

from tests.contract.differential import state_compare, state_programs
from tests.contract.differential.compare import by_vm, difference
from tests.contract.differential.generator import programs

from lianheng.model import InvalidValue

Span = tuple[int, int]
"""The first seed, and how many."""


@dataclass
class Part:
    """What came of some programs."""

    found: list[tuple[int, str, str]] = field(default_factory=list)
    used: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)

    def add(self, other: Part) -> None:
        """Take in what came of others."""
        self.found += other.found
        self.used.update(other.used)
        self.refused.update(other.refused)


def run(span: Span) -> Part:
    """Scripts with these seeds."""
    part = Part()
    for seed, source in programs(*span, part.used):
        different = difference(source)
        if different is not None:
            part.found.append((seed, different, source))
        elif why := by_vm(source).refused:
            part.refused[why.split(": ", 1)[-1]] += 1
    return part


def run_state(span: Span) -> Part:
    """Contracts with state, of these seeds."""
    part = Part()
    warnings.simplefilter("ignore", SyntaxWarning)
    for seed, program in state_programs.state_programs(*span, part.used):
        try:
            different = state_compare.difference(program, part.used)
        except InvalidValue as why:
            part.refused[str(why).splitlines()[-1].split(": ", 1)[-1]] += 1
            continue
        if different is not None:
            part.found.append((seed, different, str(program)))
    return part
