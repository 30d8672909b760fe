"""Arcs from the VM's traces are those that CPython runs, loops and branches of every form."""

import random
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from coverage.parser import PythonParser

from lianheng.cli.contracts._arcs import Arc, arcs_of
from lianheng.testing import LedgerFixture

HEAD = """from lianheng.contract import Contract, call

class A(Contract):
    @call(by="ANY")
    def f(self, xs: list[int]) -> int:
        n = 0
"""
DEPTH = 3


class Source:
    """A method of nested loops and branches."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311  repeatable, not secret
        self.lines: list[str] = []
        self.block(2)

    def __str__(self) -> str:
        return HEAD + "\n".join(self.lines) + "\n        return n\n"

    def block(self, indent: int) -> None:
        for _ in range(self.random.randint(1, 2)):
            kinds = ["if", "if-else", "elif", "for", "while"] if indent < 2 + DEPTH else []
            self.statement(self.random.choice([*kinds, "step"]), indent)

    def statement(self, kind: str, indent: int) -> None:
        pad, number = "    " * indent, len(self.lines)
        condition = f"n % {self.random.randint(2, 4)} == {self.random.randint(0, 1)}"
        if kind == "step":
            self.lines.append(f"{pad}n += 1")
            return
        if kind == "while":
            self.lines.append(f"{pad}w{number} = {self.random.randint(0, 3)}")
        heads = {"for": f"for x{number} in xs:", "while": f"while w{number} > 0:"}
        self.lines.append(pad + heads.get(kind, f"if {condition}:"))
        if kind == "while":
            self.lines.append(f"{pad}    w{number} -= 1")
        self.block(indent + 1)
        if kind in ("if-else", "elif"):
            self.lines.append(pad + ("else:" if kind == "if-else" else "elif n % 5 < 2:"))
            self.block(indent + 1)


def by_cpython(source: str, given: Sequence[int]) -> set[Arc]:
    names: dict[str, Any] = {}
    exec(compile(source, "a.py", "exec"), names)  # noqa: S102  a source of our own making
    found: set[Arc] = set()

    def trace(frame: FrameType, _: str, __: object) -> Any:
        if frame.f_code.co_name != "f":
            return None
        first = frame.f_code.co_firstlineno
        last = -first

        def step(frame: FrameType, event: str, _: object) -> Any:
            nonlocal last
            found.add((last, frame.f_lineno if event == "line" else -first))
            last = frame.f_lineno
            return step

        return step

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        names["A"].f(None, given)
    finally:
        sys.settrace(before)
    return found


@pytest.mark.parametrize("seed", range(25))
def test_the_arcs_of_a_call_are_those_of_cpython(ledger: LedgerFixture, seed: int) -> None:
    source = str(Source(seed))
    given = [1, 2, 3][: seed % 4]
    ledger.deploy_source(source, name="a", file="a.py").as_("ann@north").f(given)
    identity = ledger.last.id
    assert identity is not None
    steps = ledger.embedded.trace(identity)
    lines = [step[1] for step in steps if step[0] == "line"]
    parser = PythonParser(text=source)
    parser.parse_source()
    possible = {arc for arc in parser.arcs() if HEAD.count("\n") <= abs(arc[1])}
    inside = {arc for arc in possible if abs(arc[0]) >= HEAD.count("\n")}
    reached = arcs_of(str(Path("a.py")), source, [lines]) & inside
    assert reached == by_cpython(source, given) & inside


def test_a_source_has_loops_and_branches() -> None:
    text = "\n".join(str(Source(seed)) for seed in range(25))
    assert all(word in text for word in ("for ", "while ", "elif", "else:"))
