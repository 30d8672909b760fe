"""Calls between contracts, on both engines: state and events of each contract are compared."""

import subprocess
import sys
from pathlib import Path

import pytest

import lianheng.chain
from lianheng.contract.checks import check
from lianheng.contract.imports import by_digits, module_name, store
from lianheng.model import InvalidValue
from lianheng.testing import LedgerFixture
from lianheng.testing._handles import ContractHandle

CONTRACTS = Path(__file__).parents[1] / "contracts"
REFERENCE = Path(__file__).parents[2] / "docs" / "language.md"
ALICE = "alice@north"


@pytest.fixture
def shop(ledger: LedgerFixture) -> ContractHandle:
    stock = ledger.deploy(CONTRACTS / "stock.py")
    shop = ledger.deploy(CONTRACTS / "shop.py")
    stock.as_(ALICE).put("a", 10)
    return shop


def test_a_call_writes_in_both_contracts(ledger: LedgerFixture, shop: ContractHandle) -> None:
    left = shop.as_(ALICE).sell("a", 4)
    assert left["amount"] == 6
    events = [(str(e.contract), e.number, e.name) for e in ledger.last.events]
    assert events == [("stock", 1, "Moved"), ("shop", 0, "Sold")]
    shop.as_(ALICE).restock("a")
    assert shop.stored("hall") == 13


def test_a_refusal_of_the_callee_refuses_all(ledger: LedgerFixture, shop: ContractHandle) -> None:
    with ledger.rejects("too_few") as refusal:
        shop.as_(ALICE).sell("a", 11)
    assert refusal.error is not None
    assert refusal.error.details["file"] == "stock.py"
    assert refusal.error.details["line"] == 44
    assert refusal.error.hint == "called from shop.py:53"
    assert len(shop.table("orders").scan(limit=10)) == 0
    with ledger.rejects("too_few"):
        shop.as_(ALICE).try_sell("a", 11)


def test_the_caller_is_the_member_and_via_the_contract(shop: ContractHandle) -> None:
    assert shop.as_(ALICE).who() == ["shop", ALICE, "a"]
    assert shop.asked() == "shop"


def test_arguments_are_checked_before_the_call(shop: ContractHandle) -> None:
    assert shop.as_(ALICE).wrong() == "Stock.take() argument 'amount' must be int, not list"


def test_a_view_calls_views_only(ledger: LedgerFixture, shop: ContractHandle) -> None:
    with ledger.rejects("view.write"):
        shop.sneaky()


@pytest.fixture
def chain_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of fetched sources for this test alone."""
    monkeypatch.setattr(lianheng.chain, "__path__", [str(tmp_path)])
    return tmp_path


def totals_source(chain_folder: Path) -> str:
    stock = (CONTRACTS / "stock.py").read_text()
    file = store(chain_folder, "stock", stock)
    assert file.stem == module_name("stock", stock)
    digits = file.stem.rpartition("_")[2]
    return (CONTRACTS / "totals.txt").read_text().replace("@digits", digits)


def test_imported_code_runs_on_both_engines(ledger: LedgerFixture, chain_folder: Path) -> None:
    source = totals_source(chain_folder)
    totals = ledger.deploy_source(source, name="totals", file="totals.py")
    totals.as_(ALICE).add("a", 5)
    totals.as_(ALICE).add("b", 6)
    assert totals.total() == 11
    assert [event.name for event in ledger.events] == ["Moved", "Moved"]
    with ledger.rejects("too_many") as refusal:
        totals.as_(ALICE).add("c", 1_000)
    assert refusal.error is not None
    module = next(iter(by_digits(source)))
    assert refusal.error.details["file"] == f"stock_{module}.py"
    assert refusal.error.details["line"] == 22
    (imported,) = totals.interface["imports"]
    assert imported["module"] == f"lianheng.chain.stock_{module}"


def test_a_changed_file_is_not_imported(ledger: LedgerFixture, chain_folder: Path) -> None:
    source = totals_source(chain_folder)
    (file,) = chain_folder.glob("*.py")
    file.write_text(file.read_text().replace("LIMIT = 1_000", "LIMIT = 9_000"))
    assert [found.code for found in check(source, "totals.py")] == ["import.unknown"]
    with pytest.raises(InvalidValue):
        ledger.deploy_source(source, name="totals", file="totals.py")


def test_what_is_not_fetched_is_told(chain_folder: Path) -> None:
    assert not list(chain_folder.iterdir())
    source = totals_source(chain_folder)
    for file in chain_folder.iterdir():
        file.unlink()
    (found,) = check(source, "totals.py")
    assert (found.code, found.line) == ("import.unknown", 3)
    assert "contract fetch" in found.help


WRONG = """
from lianheng.contract import Contract, Interface, Uses, call, view

class Stock(Interface):
    count = 1
    def bare(self) -> int: ...
    @call
    def typeless(self, id) -> None: ...
    @call
    def silent(self, id: str): ...
    @view
    def busy(self) -> int:
        return 1

class Shop(Contract):
    stock = Uses(Stock, contract="stock")
    other = Uses(Stock, contract="Stock")
    pinned = Uses(Stock, contract="stock", source="abc")

    @view
    def asks(self) -> None:
        self.stock.typeless("a")
        self.stock.nothing()
        x = self.stock
        self.stock.busy(*[1])
        self.stock.silent()
"""


def test_the_checker_knows_interfaces() -> None:
    found = [(one.line, one.code) for one in check(WRONG, "wrong.py")]
    assert found == [
        (5, "language.interface"),
        (6, "language.interface"),
        (8, "type.missing"),
        (10, "type.missing"),
        (12, "language.interface"),
        (17, "language.uses"),
        (18, "language.uses"),
        (22, "call.in_view"),
        (23, "name.attribute"),
        (24, "language.uses"),
        (25, "call.arguments"),
        (26, "call.in_view"),
    ]


def test_interfaces_are_typed(tmp_path: Path) -> None:
    source = (CONTRACTS / "shop.py").read_text()
    wrong = source.replace("# type: ignore[arg-type]", "").replace(
        "left = self.stock.take(id, amount)", "left: str = self.stock.take(id, amount)"
    )
    (tmp_path / "shop.py").write_text(source)
    (tmp_path / "wrong.py").write_text(wrong)
    checker = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-error-summary"]
    for file, lines in (("shop.py", set[int]()), ("wrong.py", {53, 54, 55, 76})):
        done = subprocess.run(
            [*checker, f"--cache-dir={tmp_path / 'cache'}", file],
            cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        told = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error" in line}
        assert told == lines, done.stdout


def test_the_reference_runs(ledger: LedgerFixture) -> None:
    section = REFERENCE.read_text().split("### Calls of other contracts\n")[1].split("\n### ")[0]
    stock, shop = (block.split("```")[0] for block in section.split("```python\n")[1:])
    keeper = ledger.member("kim@north", roles=["keeper"])
    store = ledger.deploy_source(stock, name="stock", file="stock.py")
    handle = ledger.deploy_source(shop, name="shop", file="shop.py")
    store.as_(keeper).put("a", 98)
    assert [handle.as_(ALICE).give_back("a") for _ in range(2)] == [99, 100]
    assert handle.has("a")
    with ledger.rejects("full"):
        handle.as_(ALICE).give_back("a")
    with ledger.denied():
        store.as_(ALICE).put("a", 1)
