"""The table "Coming from Python": what it says is refused is, and what it says to write runs."""

import re
from pathlib import Path

import pytest
from tests.contract.differential.compare import by_cpython

from lianheng import _native

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
GAS = 10_000_000


def rows() -> list[tuple[str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    table = text.split("## Coming from Python")[1].split("\n\n")[1]
    found = [re.findall(r"`([^`]+)`", line) for line in table.splitlines()[2:]]
    return [(cells[0], cells[-1]) for cells in found]


@pytest.mark.parametrize(("refused", "written"), rows(), ids=[row[0] for row in rows()])
def test_a_row_is_true(refused: str, written: str) -> None:
    first = _native.run_script(refused + "\n", "first.py", GAS)
    error = first["error"]
    assert first["diagnostics"] or (isinstance(error, dict) and error["code"] == "language.refused")
    last = _native.run_script(written + "\n", "last.py", GAS)
    assert not last["diagnostics"]
    assert last["error"] is None
    ours = by_cpython(written + "\n")
    assert (ours.output, ours.error) == (last["output"], "")


def test_the_table_is_read() -> None:
    assert len(rows()) > 30
