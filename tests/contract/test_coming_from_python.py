"""The table "Coming from Python": what it says is refused is, and what it says to write runs."""

import re
from pathlib import Path

import pytest
from tests.contract.differential.compare import Ran, by_cpython, by_vm

from lianheng import _native
from lianheng.testing import EnginesDiffer, LedgerFixture

PAGE = Path(__file__).parents[2] / "docs" / "language.md"
GAS = 10_000_000
TWICE = """from lianheng.contract import Contract, call

def f(a: int) -> int:
    return a

class Twice(Contract):
    @call(by="role:operator")
    def text(self) -> str:
        try:
            f(**{"a": 1}, a=2)
        except TypeError as error:
            return str(error)
        return ""
"""


def rows() -> list[tuple[str, str]]:
    text = PAGE.read_text(encoding="utf-8")
    table = text.split("## Coming from Python")[1].split("\n\n")[1]
    found = [re.findall(r"`([^`]+)`", line) for line in table.splitlines()[2:]]
    return [(cells[0].replace("\\n", "\n"), cells[-1].replace("\\n", "\n")) for cells in found]


def deviations() -> list[tuple[str, str, str]]:
    """Example, and what it comes to under CPython and in the VM."""
    table = PAGE.read_text(encoding="utf-8").split("## Deviations from CPython")[1].split("\n\n")[1]
    cells = [line.split(" | ") for line in table.splitlines()[2:]]
    return [(each[-3].strip("`"), each[-2].strip("`"), each[-1].strip("` |")) for each in cells]


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


@pytest.mark.parametrize(("example", "theirs", "ours"), deviations())
def test_a_deviation_is_one(example: str, theirs: str, ours: str) -> None:
    assert came_to(by_cpython(example + "\n")) == theirs
    assert came_to(by_vm(example + "\n")) == ours != theirs


def came_to(ran: Ran) -> str:
    """In one line, what it printed, or its error."""
    assert not ran.refused
    return ran.error or " ".join(ran.output.split("\n")).strip()


def test_a_contract_names_no_module(ledger: LedgerFixture, tmp_path: Path) -> None:
    source = tmp_path / "twice.py"
    source.write_text(TWICE, encoding="utf-8")
    with pytest.raises(EnginesDiffer) as found:
        ledger.deploy(source).as_("ann@north").text()
    vm, cpython = re.findall(r"(?:VM|CPython) +\"(.*)\"", str(found.value))
    assert vm == "f() got multiple values for keyword argument 'a'"
    assert cpython.endswith(f".{vm}")
