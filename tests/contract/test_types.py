"""Contracts pass `mypy --strict` and basedpyright in strict mode against the shipped types."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.rooms import TOOLSHED

from blocks import CASE, HOLDING
from trade_finance import CONTRACT

PACKS = (HOLDING, CASE, CONTRACT)
FILES = ("bills.py", "loans.py", "lots.py", "toolshed.py", *(pack.name for pack in PACKS))
REFERENCE = Path(__file__).parents[2] / "docs" / "language.md"
LIBRARY = Path(__file__).parents[2] / "docs" / "contract-library.md"
STATE = """
from lianheng.contract import (
    Caller, Cell, Contract, Counter, Decimal, Event, Record, Table, add_months, allocate, call,
    commit, date, format_date, invariant, is_valid_lei, migrate, mul_div, opens, require, sha256,
    view,
)


class Amount(Decimal, scale=2):
    pass


class Lot(Record):
    holder: str
    serial: int
    worth: Amount
    since: int
    signatories = ("holder",)


class Moved(Event):
    serial: int


class Lots(Contract):
    lots = Table(Lot, key=("holder", "serial"), unique=["serial"])
    total = Cell(Amount, Amount("0"))
    owner: Cell[str | None] = Cell(str | None, None)
    numbers = Counter()

    @call(by="role:operator")
    def put(self, lei: str, cents: int) -> Lot:
        require(is_valid_lei(lei), "no_lei", lei)
        who: Caller = self.caller
        worth = Amount.from_units(cents)
        serial = self.numbers.next()
        day = add_months(date(self.now), 3)
        lot = Lot(holder=who.organisation, serial=serial, worth=worth, since=day)
        self.lots[lot.holder, lot.serial] = lot
        self.total.set(self.total.get() + mul_div(worth, 1, 2, "half_even"))
        self.owner.set(who.member)
        self.emit(Moved(serial=serial))
        return lot

    @view
    def of(self, holder: str, first: int) -> list[Lot]:
        return self.lots.scan(holder, start=first, end=first + 10, limit=10)

    @view
    def parts(self, weights: list[int]) -> list[Amount]:
        return allocate(self.total.get(), weights)

    @view
    def sealed(self, text: str, salt: bytes) -> bool:
        return opens(commit(text, salt), text, salt) and sha256(salt) != salt

    @view
    def day(self) -> str:
        return format_date(date(self.now))

    @migrate(from_version=0)
    def to_lots(self) -> None:
        for row in self.drain("items"):
            require(row is not None, "empty")

    @invariant
    def counted(self) -> None:
        assert self.numbers.get() >= 0
"""
WRONG = """
from lianheng.contract import Contract, Record, Table, call, require

class Tool(Record):
    id: str
    holder: str

class Shed(Contract):
    tools = Table(Tool, key="id")

    @call(by="ANY")
    def lend(self, id: str) -> Tool:
        tool = self.tools[id]
        require(tool.owner == "x", "code", "message")
        self.tools[id] = tool.holder
        tool.holder = "y"
        Tool(id=1, holder="z")
        return self.caller
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The contracts as an author has them: files beside each other, nothing else."""
    shown = REFERENCE.read_text().split("```python\n")[1].split("```")[0]
    (tmp_path / "bills.py").write_text(shown)
    shown = LIBRARY.read_text().split("```python\n")[1].split("```")[0]
    (tmp_path / "loans.py").write_text(shown)
    (tmp_path / "lots.py").write_text(STATE)
    for file in (*PACKS, TOOLSHED):
        (tmp_path / file.name).write_text(file.read_text())
    settings = {"typeCheckingMode": "strict", "pythonVersion": "3.11", "reportUnusedImport": False}
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, timeout=120
    )


def mypy(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    cache = f"--cache-dir={folder / 'cache'}"
    checker = [sys.executable, "-m", "mypy", "--strict", "--config-file=", cache]
    return run(folder, *checker, "--no-error-summary", *files)


def pyright(folder: Path, *files: str) -> subprocess.CompletedProcess[str]:
    checker = [sys.executable, "-m", "basedpyright", "--pythonpath", sys.executable]
    return run(folder, *checker, "--warnings", *files)


def test_contracts_are_typed_for_mypy(folder: Path) -> None:
    done = mypy(folder, *FILES)
    assert (done.stdout, done.returncode) == ("", 0)


def test_contracts_are_typed_for_pyright(folder: Path) -> None:
    pytest.importorskip("basedpyright", reason="basedpyright is not installed")
    done = pyright(folder, *FILES)
    assert "0 errors, 0 warnings" in done.stdout, done.stdout + done.stderr


def test_a_wrong_contract_is_found_by_both(folder: Path) -> None:
    (folder / "wrong.py").write_text(WRONG)
    expected = {14, 15, 16, 17, 18}
    for checker in (mypy, pyright):
        told = checker(folder, "wrong.py").stdout
        lines = {int(line.split("wrong.py:")[1].split(":")[0]) for line in told.splitlines()
                 if "wrong.py:" in line}  # fmt: skip
        assert lines == expected, told
