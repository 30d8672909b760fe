"""docs/builtins.md: every name that contracts have and no other, each example on both engines."""

import re
import string
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from tests.contract.differential.compare import Ran, by_cpython, by_vm
from tools.builtin_page import CELL, HEADING, PAGE, page, signatures

from lianheng import _native

CONTRACT = "from lianheng.contract import Contract, call\n\nclass A(Contract):\n    pass\n"
CODE = re.compile(r"(`+)\s?(.*?)\s?\1(?!`)")
IMPORTED = ("lianheng.contract", "math")
TYPES = {"str", "bytes", "int", "list", "tuple", "dict", "set", "frozenset", "range"}
UNWRITTEN = {"type name", "type of None"}  # operations of the machine that no source names


@dataclass(frozen=True)
class Row:
    """A row of a table, its cells without the marks of code."""

    section: str
    name: str
    error: tuple[str, str] | None  # class and example
    example: str
    value: str


def rows() -> Iterator[Row]:
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            found = HEADING.match(line)
            section = found[1] if found else ""
        cells = [cell.strip().replace("\\|", "|") for cell in CELL.split(line)[1:-1]]
        if line.startswith("| ") and cells[0] not in ("name", "code"):
            codes = [code for _, code in CODE.findall(cells[2])]
            error = (codes[0], codes[1]) if codes else None
            yield Row(section, code_in(cells[0]), error, code_in(cells[-2]), code_in(cells[-1]))


def code_in(cell: str) -> str:
    found = CODE.fullmatch(cell)
    return found[2] if found else cell


ROWS = list(rows())


def names_of(section: str) -> set[str]:
    return {row.name for row in ROWS if row.section == section}


def program(row: Row, source: str) -> str:
    """The example with its imports; it prints what the last expression gives."""
    lines = []
    if row.section in IMPORTED:
        used = sorted(names_of(row.section) & set(re.findall(r"\w+", source)))
        lines = [f"from {row.section} import {', '.join(used)}"]
    *before, last = source.split("; ")
    shown = last if last.startswith("raise ") else f"print(repr(({last})))"
    return "\n".join([*lines, *before, shown, ""])


def on_both(source: str) -> Ran:
    ran = by_vm(source)
    assert ran == by_cpython(source)
    return ran


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.section} {row.name}" for row in ROWS])
def test_an_example_has_its_value(row: Row) -> None:
    ran = on_both(program(row, row.example))
    assert ran.error == ran.refused == ""
    assert ran.output.splitlines()[-1] == row.value


FAILING = [row for row in ROWS if row.error]


@pytest.mark.parametrize("row", FAILING, ids=[f"{row.section} {row.name}" for row in FAILING])
def test_an_error_is_raised(row: Row) -> None:
    assert row.error is not None
    kind, example = row.error
    error = on_both(program(row, example)).error
    assert error.split(":")[0].removeprefix("lianheng.contract.") == kind


def test_the_page_has_every_name_and_no_other() -> None:
    every, _ = _native.contract_operations(CONTRACT)
    builtins = {each.removeprefix("builtin ") for each in every if each.startswith("builtin ")}
    imported = names_of("lianheng.contract") | names_of("math")
    stubs = {name for owner, name in signatures() if not owner}
    written = names_of("Functions") | imported
    assert written == (builtins - UNWRITTEN) | stubs
    assert not names_of("Functions") & imported
    methods = {each.removeprefix("method ") for each in every if each.startswith("method ")}
    stubbed = {f"{owner}.{name}" for owner, name in signatures() if owner}
    assert methods <= stubbed
    assert {f"{kind}.{name}" for kind in TYPES for name in names_of(kind)} == stubbed


def test_the_page_holds_the_signatures() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run: python -m tools.builtin_page"


def test_no_other_format_code_is_taken() -> None:
    for letter in set(string.ascii_letters) - names_of("Format"):
        for value in (5, "a"):
            assert ended(f"format({value!r}, {letter!r})"), letter
    for letter in set(string.ascii_letters) - {code[1] for code in names_of("Percent")}:
        assert ended(f"'%{letter}' % 5"), letter


def ended(expression: str) -> bool:
    """Whether it fails, or is refused."""
    ran = by_vm(f"print({expression})\n")
    return bool(ran.error or ran.refused)
