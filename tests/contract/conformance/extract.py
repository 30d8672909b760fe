"""Independent programs: the tests and doctests of the standard library and of installed packages.

They are read where they lie on this machine and are never stored. A method of a test class becomes
a script of its own: its assertions print what they compare, what it uses of its module stands
above it. A function with doctest examples becomes a script that prints what the examples give.
"""

from __future__ import annotations

import ast
import doctest
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

FILE_BYTES = 400_000
PROGRAM_BYTES = 60_000
# Modules whose tests are about what the language has: values, syntax, algorithms.
SUBJECTS = (
    "augassign binop bisect bool builtin bytes call cmp compare complex contains decorators dict "
    "dictcomps dictviews enumerate exceptions exception_variations extcall flow format frozen "
    "fstring funcattrs functools generators genexps grammar heapq int int_literal iter "
    "itertools keywordonlyarg lambda list listcomps long longexp math named_expressions numeric "
    "opcodes operator pattern_matching patma pep646_syntax positional_only_arg pow print raise "
    "range richcmp scope set setcomps slice sort statistics str string string_literals strtod "
    "structseq subclassinit textwrap tuple unary unicode unpack unpack_ex userdict userlist "
    "userstring yield_from zip list_tests seq_tests string_tests mapping_tests difflib fractions "
    "calendar colorsys copy graphlib ipaddress keyword shlex fnmatch html base64 binascii "
    "stringprep unicodedata random secrets decimal datetime reprlib types typing collections"
)
TESTS = frozenset(SUBJECTS.split())
HEAD = """
def assert_equal(first, second, msg=None):
    print(first == second, type(first).__name__)
def assert_true(value, msg=None):
    print(True if value else False)
def assert_is(first, second, msg=None):
    print(first == second)
def assert_in(member, container, msg=None):
    print(member in container)
def assert_less(first, second, msg=None):
    print(first < second, first > second)
def assert_type(value, kind, msg=None):
    print(isinstance(value, kind))
def assert_raises(kind, function, *given, **named):
    try:
        function(*given, **named)
    except kind as error:
        print("raised", type(error).__name__)
    else:
        print("did not raise")
"""
ASSERTS = {
    "assertEqual": "assert_equal",
    "assertEquals": "assert_equal",
    "assertNotEqual": "assert_equal",
    "assertListEqual": "assert_equal",
    "assertDictEqual": "assert_equal",
    "assertTupleEqual": "assert_equal",
    "assertSetEqual": "assert_equal",
    "assertSequenceEqual": "assert_equal",
    "assertCountEqual": "assert_equal",
    "assertMultiLineEqual": "assert_equal",
    "assertTrue": "assert_true",
    "assertFalse": "assert_true",
    "assertIs": "assert_is",
    "assertIsNot": "assert_is",
    "assertIsNone": "assert_true",
    "assertIsNotNone": "assert_true",
    "assertIn": "assert_in",
    "assertNotIn": "assert_in",
    "assertLess": "assert_less",
    "assertLessEqual": "assert_less",
    "assertGreater": "assert_less",
    "assertGreaterEqual": "assert_less",
    "assertIsInstance": "assert_type",
    "assertNotIsInstance": "assert_type",
    "assertRaises": "assert_raises",
}
# Other people's packages are a root of their own; old tools and graphics are no programs.
ELSEWHERE = {"site-packages", "lib2to3", "idlelib", "turtledemo", "tkinter", "lianheng"}


@dataclass(frozen=True)
class Program:
    """A script and where it comes from."""

    name: str
    source: str


def programs(roots: list[Path]) -> Iterator[Program]:
    """The programs in the Python files below these folders, in the order of their names."""
    for root in roots:
        for path in sorted(root.rglob("*.py")):
            parts = set(path.relative_to(root).parts)
            if path.stat().st_size > FILE_BYTES or not parts.isdisjoint(ELSEWHERE):
                continue
            is_test = path.stem.startswith("test_") or path.stem.endswith("_tests")
            subject = path.stem.removeprefix("test_")
            if is_test and subject not in TESTS and path.stem not in TESTS:
                continue
            try:
                text = path.read_text("utf-8")
                if not is_test and ">>>" not in text:
                    continue
                tree = ast.parse(text)
            except (SyntaxError, ValueError, RecursionError):
                continue
            name = ".".join(path.relative_to(root).with_suffix("").parts)
            yield from _of_module(name, tree, tests=is_test)


def _of_module(name: str, tree: ast.Module, *, tests: bool) -> Iterator[Program]:
    known = _definitions(tree)
    for node in tree.body:
        if tests and isinstance(node, ast.ClassDef):
            for method in node.body:
                if isinstance(method, ast.FunctionDef) and method.name.startswith("test"):
                    yield from _test(f"{name}.{node.name}.{method.name}", method, known)
        elif isinstance(node, ast.FunctionDef) and ">>>" in (ast.get_docstring(node) or ""):
            yield from _doctest(f"{name}.{node.name}", node, known)
    if ">>>" in (ast.get_docstring(tree) or ""):
        yield from _doctest(name, tree, known)


def _definitions(tree: ast.Module) -> dict[str, ast.stmt]:
    """Names that the module's statements bind."""
    found: dict[str, ast.stmt] = {}
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                for one in ast.walk(target):
                    if isinstance(one, ast.Name):
                        found[one.id] = node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found[node.target.id] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                found[(alias.asname or alias.name).split(".")[0]] = node
    return found


def _needed(body: list[ast.stmt], known: dict[str, ast.stmt]) -> list[ast.stmt]:
    """The module's statements that these use, in a fit order: what is used stands above."""
    order: list[ast.stmt] = []
    seen: set[int] = set()

    def visit(nodes: list[ast.stmt]) -> None:
        for node in nodes:
            for one in ast.walk(node):
                if isinstance(one, ast.Name) and one.id in known:
                    needed = known[one.id]
                    if id(needed) not in seen:
                        seen.add(id(needed))
                        visit([needed])
                        order.append(needed)

    visit(body)
    return order


class _Plain(ast.NodeTransformer):
    """Assertions of a test class as calls of the functions in HEAD."""

    def __init__(self) -> None:
        self.fits = True

    def visit_Call(self, node: ast.Call) -> ast.AST:
        match node.func:
            case ast.Attribute(value=ast.Name(id="self"), attr=attr) if attr in ASSERTS:
                node.func = ast.Name(ASSERTS[attr], ast.Load())
        self.generic_visit(node)
        return node

    def visit_With(self, node: ast.With) -> ast.AST:
        first = node.items[0].context_expr
        match first:
            case ast.Call(func=ast.Attribute(attr="subTest")):
                self.generic_visit(block := ast.If(ast.Constant(1), node.body, []))
                return ast.copy_location(block, node)
        self.generic_visit(node)
        is_raises = (
            len(node.items) == 1
            and isinstance(first, ast.Call)
            and isinstance(first.func, ast.Name)
            and first.func.id == "assert_raises"
            and len(first.args) == 1
        )
        if is_raises and isinstance(first, ast.Call):
            text = "try:\n    pass\nexcept X:\n    print('raised')"
            made = ast.parse(text).body[0]
            assert isinstance(made, ast.Try)
            made.body = node.body
            made.handlers[0].type = first.args[0]
            return ast.copy_location(made, node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.AST:
        self.fits = self.fits and node.id != "self"
        return node


def _program(name: str, body: list[ast.stmt], known: dict[str, ast.stmt]) -> Iterator[Program]:
    whole = [*_needed(body, known), *body]
    try:
        text = HEAD + "\n".join(ast.unparse(ast.fix_missing_locations(one)) for one in whole)
    except (RecursionError, ValueError):
        return
    if len(text) < PROGRAM_BYTES:
        yield Program(name, text + "\n")


def _test(name: str, method: ast.FunctionDef, known: dict[str, ast.stmt]) -> Iterator[Program]:
    plain = _Plain()
    changed = plain.visit(ast.parse(ast.unparse(method)))
    function = changed.body[0]
    if not plain.fits or not isinstance(function, ast.FunctionDef):
        return
    function.decorator_list = []
    function.args.args = []
    call = ast.parse(f"{function.name}()").body
    yield from _program(name, [function, *call], known)


def _doctest(
    name: str, node: ast.FunctionDef | ast.Module, known: dict[str, ast.stmt]
) -> Iterator[Program]:
    """The examples of a docstring; what an example gives is printed."""
    try:
        examples = doctest.DocTestParser().get_examples(ast.get_docstring(node) or "")
    except ValueError:
        return
    body: list[ast.stmt] = []
    for example in examples:
        try:
            parsed = ast.parse(example.source).body
        except SyntaxError:
            return
        for one in parsed:
            if isinstance(one, ast.ImportFrom) and all(alias.name in known for alias in one.names):
                continue
            if isinstance(one, ast.Expr) and example.want:
                shown = ast.parse("print(repr(x))").body[0]
                assert isinstance(shown, ast.Expr)
                assert isinstance(shown.value, ast.Call)
                assert isinstance(shown.value.args[0], ast.Call)
                shown.value.args[0].args[0] = one.value
                body.append(shown)
            else:
                body.append(one)
    here = dict(known)
    yield from _program(name, body, here)
