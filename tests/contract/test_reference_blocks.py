"""Every contract that the pages show is deployed and called on both engines, with no finding."""

import re
from pathlib import Path
from typing import Any

import pytest

from lianheng import _native
from lianheng.contract.checks import ERROR, check

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
IMPORTS = (
    "from lianheng.contract import (Caller, Cell, Contract, Counter, Decimal, Enum, Event,\n"
    "    Record, Rejected, Table, call, invariant, migrate, require, view)\n"
)
SALT = b"0123456789abcdef"


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def block_with(page: str, text: str) -> str:
    return next(block for block in blocks(page) if text in block)


@pytest.fixture
def chain(ledger: Any) -> Any:
    ledger.organisation("north")
    for name, role in (("alice", "operator"), ("bea", "bank"), ("dan", "debtor")):
        ledger.member(f"{name}@north", roles=[role])
    return ledger


def deployed(chain: Any, folder: Path, name: str, source: str) -> Any:
    assert [item for item in check(source, name) if item.severity == ERROR] == []
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return chain.deploy(folder / f"{name}.py")


@pytest.mark.parametrize("page", ["docs/language.md", "docs/contract-library.md"])
def test_each_block_compiles(page: str) -> None:
    for block in blocks(page):
        source = block if "import" in block else IMPORTS + block
        if "class " not in source.replace(IMPORTS, ""):
            continue  # a method alone: its contract stands in the tests of upgrades
        if "(Contract)" not in source:
            source += "\nclass C(Contract):\n    @view\n    def v(self) -> int:\n        return 1\n"
        assert _native.check_contract(source, "block.py") == []
        assert _native.check_contract_types(source, "block.py") == []


def test_bills(chain: Any, tmp_path: Path) -> None:
    source = block_with("docs/language.md", "class Bills").replace(
        "    @view ",
        '    @call(by="ANY")\n'
        "    def issue(self, debtor: str, number: int, holder: str, amount: int) -> Bill:\n"
        "        self.bills[debtor, number] = Bill(debtor, number, holder, amount)\n"
        "        return self.bills[debtor, number]\n\n"
        "    @view ",
    )
    bills = deployed(chain, tmp_path, "bills", source)
    bills.as_("alice@north").issue("north", 7, "south", 100)
    paid = bills.as_("dan@north").pay(7)
    assert paid.status == "paid"
    assert [bill.number for bill in bills.of("south")] == [7]
    with chain.rejects("paid"):
        bills.as_("dan@north").pay(7)


def test_a_fund_with_cells_and_a_counter(chain: Any, tmp_path: Path) -> None:
    source = IMPORTS + block_with("docs/language.md", "class Fund")
    fund = deployed(chain, tmp_path, "fund", source)
    assert fund.as_("alice@north").pay(30) == 1
    assert fund.as_("alice@north").pay(12) == 2


def test_loans(chain: Any, tmp_path: Path) -> None:
    loans = deployed(chain, tmp_path, "loans", blocks("docs/contract-library.md")[0])
    bank = loans.as_("bea@north")
    bank.grant("l-1", 10_000, SALT * 2)
    assert str(bank.accrue("l-1", 250)) in {"2.50", "250"}
    assert len(bank.share("l-1", [1, 1, 1])) == 3
    with chain.rejects("other_terms"):
        bank.open_terms("l-1", "five years", SALT)
