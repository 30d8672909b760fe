"""The type pass: silent over what is right, and it finds single mistakes put into it."""

from __future__ import annotations

import ast
import random
import re
import sys
import textwrap
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from tests.contract.differential.compare import by_cpython
from tests.contract.differential.generator import programs
from tests.rooms import TOOLSHED

from lianheng import _native
from lianheng.contract.checks import check
from trade_finance import CONTRACT

ROOT = Path(__file__).parents[2]
BILLS, FUND = (
    re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)[0]
    for page in ("docs/language.md", "docs/contract-library.md")
)
SOURCES = {
    "bills": BILLS,
    "library": FUND,
    "receivables": Path(CONTRACT).read_text(),
    "toolshed": TOOLSHED.read_text(),
}
OPTIONAL = {"require", "range", "Rejected"}
"""Calls that take fewer arguments as well."""
MUTATIONS = 300
FOUND = 0.9


def findings(source: str) -> list[str]:
    found = _native.check_contract_types(source, "x")
    return [f"{int(str(item['line'])):d}: {item['code']!s}" for item in found]


@pytest.mark.parametrize("name", SOURCES)
def test_what_is_right_has_no_finding(name: str) -> None:
    assert findings(SOURCES[name]) == []


def test_programs_that_run_without_an_error_have_no_finding() -> None:
    """A finding stands at a line that fails, or that no run of the program reaches."""
    seen = 0
    for seed, source in programs(0, 300, Counter()):
        found = findings(source)
        if not found:
            continue
        ran, raised, ended = run_lines(source)
        for item in found:
            line = int(item.split(":")[0])
            assert not ended or line in raised or line not in ran, f"seed {seed}: {item}"
            seen += 1
    assert seen > 0


def run_lines(source: str) -> tuple[set[int], set[int], bool]:
    """Lines that ran, lines that an exception passed, and whether the run came to an end."""
    ran: set[int] = set()
    raised: set[int] = set()

    def trace(frame: FrameType, event: str, _: object) -> object:
        if frame.f_code.co_filename != "program.py":
            return None
        if event == "line":
            ran.add(frame.f_lineno)
        elif event == "exception":
            raised.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)  # type: ignore[arg-type]
    try:
        outcome = by_cpython(source)
    finally:
        sys.settrace(before)
    return ran, raised, not outcome.refused


class Mutation(ast.NodeTransformer):
    """Makes one mistake at the n-th place where it can be made."""

    def __init__(self, at: int) -> None:
        self.at, self.seen, self.what = at, 0, ""

    def hit(self, what: str) -> bool:
        self.seen += 1
        if self.seen - 1 == self.at:
            self.what = what
        return self.seen - 1 == self.at

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.body = [self.visit(statement) for statement in node.body]
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        node.body = [
            self.visit(one) if isinstance(one, ast.FunctionDef) else one for one in node.body
        ]
        return node

    def visit_Call(self, node: ast.Call) -> ast.AST:
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("tuple", "print", "str", "repr", "bool", "dict"):
            return node
        optional = name in OPTIONAL or (
            isinstance(node.func, ast.Attribute) and node.func.attr == "get"
        )
        if node.args and not optional and self.hit("an argument too few"):
            node.args = node.args[:-1]
        elif self.hit("nine arguments too many"):
            node.args = [*node.args, *(ast.Constant(value=0) for _ in range(9))]
        elif node.keywords and node.keywords[0].arg and self.hit("a keyword misspelt"):
            node.keywords[0].arg += "x"
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.ctx, ast.Load) and self.hit("an attribute misspelt"):
            node.attr += "x"
        return node

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.value, ast.Attribute) and self.hit("a key of another type"):
            node.slice = ast.Constant(value=b"key")
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.AST:
        self.generic_visit(node)
        ordered = isinstance(node.ops[0], ast.Lt | ast.Gt | ast.LtE | ast.GtE)
        if ordered and self.hit("an order between types"):
            node.comparators[0] = ast.Constant(value=b"x")
        return node

    def visit_Return(self, node: ast.Return) -> ast.AST:
        self.generic_visit(node)
        if node.value is not None and self.hit("another type returned"):
            node.value = ast.Constant(value=b"x")
        return node

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.op, ast.Add | ast.Sub) and self.hit("an operand of another type"):
            node.right = ast.Constant(value=None)
        return node


def mutants() -> Iterator[tuple[str, str]]:
    """Each place of each contract with one mistake: what it is, the source."""
    for source in SOURCES.values():
        at = 0
        while True:
            mutation = Mutation(at)
            tree = ast.fix_missing_locations(mutation.visit(ast.parse(source)))
            if not mutation.what:
                break
            yield mutation.what, ast.unparse(tree)
            at += 1


def test_single_mistakes_are_found(capsys: pytest.CaptureFixture[str]) -> None:
    every = list(mutants())
    # The same ones on each run, from all over the contracts.
    chosen = random.Random(5).sample(every, MUTATIONS)  # noqa: S311
    missed = Counter(what for what, source in chosen if not check(source, "x"))
    share = 1 - missed.total() / len(chosen)
    with capsys.disabled():
        told = f"{len(chosen)} of {len(every)} mistakes, {share:.1%} found, missed: {dict(missed)}"
        print(f"\n{told}")  # noqa: T201  the figure is what the test is for
    assert share >= FOUND


def test_a_contract_of_300_lines_is_checked_in_time() -> None:
    method = "    @view\n" + BILLS.split("    @view", 1)[1].split("\n", 1)[1]
    more = "".join(method.replace("def of(", f"def of_{i}(") for i in range(90))
    source = BILLS + more
    assert len(source.splitlines()) >= 300
    assert findings(source) == []
    took = []
    for _ in range(5):
        started = time.perf_counter()
        _native.check_contract_types(source, "x")
        took.append(time.perf_counter() - started)
    assert min(took) < 0.02


def test_loops_inside_of_loops_are_bounded() -> None:
    depth = 12
    loops = "".join(f"{'    ' * (i + 1)}for x{i} in range(n):\n" for i in range(depth))
    inner = "".join(f"{'    ' * (depth + 1)}x{i} = x{i} + 1\n" for i in range(depth)) * 40
    started = time.perf_counter()
    assert findings(f"def f(n: int) -> None:\n{loops}{inner}") == []
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize(
    "body",
    [
        "x = None\nfor i in range(n):\n    x = i\nreturn x + 1 if x is not None else 0",
        "item = d.get('a')\nif item is None:\n    return 0\nreturn item + 1",
        "item = d.get('a')\nrequire(item is not None, 'missing')\nreturn item + 1",
        "if (item := d.get('a')) is not None and item > 1:\n    return item\nreturn n",
        "match d.get('a'):\n    case None:\n        return 0\n    case one:\n        return one",
        "xs = []\nxs.append(1)\nxs.append('a')\nreturn len(xs)",
        "try:\n    return n + 'a'\nexcept TypeError:\n    return 0",
        "while True:\n    n += 1\n    if n > 5:\n        return n",
        "v: int | str = n\nif isinstance(v, str):\n    return len(v)\nreturn v + 1",
    ],
)
def test_narrowing_leaves_no_false_alarm(body: str) -> None:
    source = (
        "from lianheng.contract import require\n"
        f"def f(n: int, d: dict[str, int]) -> int:\n{textwrap.indent(body, '    ')}\n"
    )
    assert findings(source) == []


STUBS = ROOT / "rust/vm/src/check/builtins.pyi"


@pytest.mark.parametrize(
    "owner",
    [str, bytes, int, list, tuple, range, dict, set, frozenset],
    ids=lambda owner: owner.__name__,
)
def test_signatures_name_what_the_type_has(owner: type) -> None:
    tree = ast.parse(STUBS.read_text())
    written = next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == owner.__name__)
    names = {n.name for n in written.body if isinstance(n, ast.FunctionDef)}
    names |= {
        n.target.id
        for n in written.body
        if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)
    }
    has = {name for name in dir(owner) if not name.startswith("_")}
    if owner is tuple:
        assert names == {"count", "index"}
    assert names == has
