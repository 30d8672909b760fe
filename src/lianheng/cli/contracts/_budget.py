"""Budgets of gas: a JSON file that a repository keeps and CI compares a run of the tests with.

    {"shed.py": {"add": 1204,
                 "by line": {"Shed.add": {"self.tools[id] = Tool(id=id)": 640}}}}

By the file's path as seen from the budget's folder: the most gas of one call of each method and,
behind `by line`, the most gas that one call spends in a line. A line is known by the function that
it stands in and by its text without indentation and comment, so edits elsewhere change nothing; the
second line of a function with the same text ends with `#2`.
"""

import ast
import io
import json
import os
import tokenize
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from lianheng.model import UsageError

if TYPE_CHECKING:
    from lianheng.testing import FileRecord, Record

BY_LINE = "by line"
"""No method has this name."""


class Line(NamedTuple):
    """A line of a contract, wherever it stands: the function around it, and its text."""

    function: str
    text: str


@dataclass(frozen=True)
class Finding:
    """A call, or a line, that does not keep its budget."""

    file: str
    method: str
    """The call; for a line the function that it stands in."""
    allowed: int | None
    most: int | None
    text: str | None = None
    """The line's text; None for a whole call."""
    line: int | None = None
    """Where it stands at present."""

    def __str__(self) -> str:
        if self.text is not None:
            return self._of_line(self.text)
        name = f"{self.file} {self.method}"
        if self.most is None:
            return f"{name}: no test calls it; its budget is {self.allowed:,} gas"
        if self.allowed is None:
            return f"{name}: {self.most:,} gas and no budget"
        return f"{name}: {self._more()}"

    def _of_line(self, text: str) -> str:
        if self.most is None:
            told = f"no test passes the line `{text}`; its budget is {self.allowed:,} gas"
            return f"{self.file} {self.method}: {told}"
        return f"{self.file}:{self.line} in {self.method}: `{text}`: {self._more()}"

    def _more(self) -> str:
        most, allowed = self.most or 0, self.allowed or 0
        return f"{most:,} gas, {most - allowed:,} more than its budget of {allowed:,}"


@dataclass(frozen=True)
class Costs:
    """Gas of one file: by method and by line, and where the lines stand."""

    methods: Mapping[str, int] = field(default_factory=dict)
    lines: Mapping[Line, int] = field(default_factory=dict)
    places: Mapping[Line, int] = field(default_factory=dict)


_NONE = Costs()


@dataclass(frozen=True)
class Budget:
    """Costs by file: what is allowed, or what a run came to."""

    files: Mapping[str, Costs]

    @classmethod
    def read(cls, path: Path) -> Self:
        """A budget file. Raise `UsageError` for anything else."""
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as failure:
            raise _refused(path, f"cannot be read: {failure}") from failure
        if not isinstance(found, dict):
            raise _refused(path, "is no map of file, method and gas")
        return cls({file: _costs(path, given) for file, given in found.items()})

    @classmethod
    def of(cls, record: "Record", folder: Path) -> Self:
        """What the calls of a run cost, files as seen from a folder.

        A contract that a test gives as text is no file, and has no budget.
        """
        return cls(
            {
                Path(os.path.relpath(path, folder)).as_posix(): _measured(file)
                for path, file in sorted(record.files.items())
                if Path(path).is_file()
            }
        )

    @property
    def has_lines(self) -> bool:
        """Whether it names any line."""
        return any(costs.lines for costs in self.files.values())

    def findings(self, spent: "Budget") -> Iterator[Finding]:
        """Calls over budget or without one; lines over budget; budgets that no test tries.

        A line without a budget is none: its call has one.
        """
        for file in sorted({*self.files, *spent.files}):
            allowed, found = self.files.get(file, _NONE), spent.files.get(file, _NONE)
            for method in sorted({*allowed.methods, *found.methods}):
                limit, most = allowed.methods.get(method), found.methods.get(method)
                if limit is None or most is None or most > limit:
                    yield Finding(file, method, limit, most)
            for line, limit in sorted(allowed.lines.items()):
                gas = found.lines.get(line)
                if gas is None or gas > limit:
                    place = found.places.get(line)
                    yield Finding(file, line.function, limit, gas, line.text, place)

    def to_json(self, *, dearest: int) -> dict[str, Any]:
        """As the file has it, with so many lines of each contract file."""
        return {file: _as_json(costs, dearest) for file, costs in self.files.items()}


def _as_json(costs: Costs, dearest: int) -> dict[str, Any]:
    shown: dict[str, Any] = dict(costs.methods)
    lines: dict[str, dict[str, int]] = {}
    for line, gas in sorted(costs.lines.items(), key=lambda pair: (-pair[1], pair[0]))[:dearest]:
        lines.setdefault(line.function, {})[line.text] = gas
    return {**shown, BY_LINE: lines} if lines else shown


def _costs(path: Path, given: object) -> Costs:
    if not isinstance(given, dict):
        raise _refused(path, "is no map of file, method and gas")
    by_line = given.pop(BY_LINE, {})
    lines: dict[Line, Any] = {
        Line(function, text): gas
        for function, texts in (by_line.items() if isinstance(by_line, dict) else [("", None)])
        for text, gas in (texts.items() if isinstance(texts, dict) else [("", None)])
    }
    if any(type(gas) is not int for gas in (*given.values(), *lines.values())):
        raise _refused(path, f"is no map of file, method and gas, with `{BY_LINE}` as written")
    return Costs(given, lines)


def _refused(path: Path, why: str) -> UsageError:
    hint = f"write it anew: lianheng contract gas --write-budget {path}"
    return UsageError("contract.budget", f"{path} {why}", hint)


def _measured(file: "FileRecord") -> Costs:
    methods = {method: spent.most for method, spent in file.methods.items()}
    known = lines_of(file.source) if file.line_most else {}
    places = {line: number for number, line in known.items() if number in file.line_most}
    lines = {line: file.line_most[number] for line, number in places.items()}
    return Costs(methods, lines, places)


def lines_of(source: str) -> dict[int, Line]:
    """The lines inside of functions by their number."""
    functions = _functions(ast.parse(source), "")
    comments = _comments(source)
    seen: Counter[Line] = Counter()
    found = {}
    for number, text in enumerate(source.split("\n"), 1):
        function = functions.get(number)
        bare = text[: comments.get(number, len(text))].strip()
        if function is None or not bare:
            continue
        line = Line(function, bare)
        seen[line] += 1
        again = seen[line]
        found[number] = line if again == 1 else Line(function, f"{bare} #{again}")
    return found


def _functions(node: ast.AST, around: str) -> dict[int, str]:
    """The innermost function of each line, by its qualified name."""
    found: dict[int, str] = {}
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.ClassDef | ast.FunctionDef):
            found |= _functions(child, around)
            continue
        name = f"{around}.{child.name}" if around else child.name
        if isinstance(child, ast.FunctionDef):
            found |= dict.fromkeys(range(child.lineno, (child.end_lineno or 0) + 1), name)
        found |= _functions(child, name)
    return found


def _comments(source: str) -> dict[int, int]:
    """The column of the comment of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {token.start[0]: token.start[1] for token in tokens if token.type == tokenize.COMMENT}
