"""Which calls of other contracts an upgrade breaks: rehearsed on both engines, then tried."""

from pathlib import Path

import pytest

from lianheng.testing import ContractHandle, EnginesDiffer, LedgerFixture, _twins

CONTRACTS = Path(__file__).parents[1] / "contracts"
STOCK = (CONTRACTS / "stock.py").read_text(encoding="utf-8")
ALICE = "alice@north"


@pytest.fixture
def stock(ledger: LedgerFixture) -> ContractHandle:
    stock = ledger.deploy(CONTRACTS / "stock.py")
    ledger.deploy(CONTRACTS / "shop.py")
    stock.as_(ALICE).put("a", 10)
    return stock


def written(folder: Path, *changes: tuple[str, str]) -> Path:
    """The stock with other words in it."""
    source = STOCK
    for old, new in changes:
        assert old in source
        source = source.replace(old, new, 1)
    file = folder / "stock.py"
    file.write_text(source, encoding="utf-8")
    return file


BREAKING = [
    ("def take(", "def remove(", "take", "it has no method take"),
    ("def take(self, id: str, amount: int)", "def take(self, id: str, amount: bytes)",
     "take", "take: amount is bytes, the interface says int"),
    ("place: str) -> int:", "hall: str) -> int:\n        place = hall",
     "total", "total: it has no parameter place"),
    ("def take(self, id: str, amount: int)", "def take(self, id: str, amount: int, by: str)",
     "take", "take: it needs by, which the interface lacks"),
    ("def total(self, place: str) -> int", "def total(self, place: str) -> int | None",
     "total", "total: it gives int | None, the interface says int"),
    ("@view\n    def asked_by", '@call(by="ANY or via:ANY")\n    def asked_by',
     "asked_by", "asked_by: it is a call, the interface says a view"),
    ('"via:shop")', '"role:operator")', "take",
     "take: its policy `role:operator` lets no call of shop in"),
    ('"ANY or via:ANY")', '"ANY or via:till or via:shop and FORBIDDEN")', "fill",
     "fill: its policy `ANY or via:till or via:shop and FORBIDDEN` lets no call of shop in"),
]  # fmt: skip


@pytest.mark.parametrize("change", BREAKING, ids=lambda change: change[3])
def test_a_call_that_no_longer_fits_is_named(
    ledger: LedgerFixture, stock: ContractHandle, tmp_path: Path, change: tuple[str, str, str, str]
) -> None:
    old, new, method, why = change
    rehearsal = ledger.rehearse(stock, written(tmp_path, (old, new))).checked()
    (broken,) = rehearsal.callers
    assert (broken.contract, broken.attribute, broken.interface) == ("shop", "stock", "Stock")
    assert (broken.method, broken.why) == (method, why)
    assert rehearsal.to_json()["callers"][0]["why"] == why


MORE = "    @view\n    def more(self) -> int:\n        return 1\n\n"
FIELD = '    place: str = "hall"\n'
COMPATIBLE = [
    ("def take(self, id: str, amount: int)", "def take(self, id: str, amount: int | None)"),
    ("def take(self, id: str, amount: int)", 'def take(self, id: str, amount: int, by: str = "")'),
    ('by="via:shop")', 'by="role:admin or via:ANY")'),
    ("    @view\n    def total", f"{MORE}    @view\n    def total"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), COMPATIBLE)
def test_a_callee_may_take_more(
    ledger: LedgerFixture, stock: ContractHandle, tmp_path: Path, old: str, new: str
) -> None:
    assert ledger.rehearse(stock, written(tmp_path, (old, new))).callers == ()


def test_every_method_that_gives_a_changed_record_is_named(
    ledger: LedgerFixture, stock: ContractHandle, tmp_path: Path
) -> None:
    file = written(
        tmp_path, ('    place: str = "hall"\n', '    place: str = "hall"\n    x: int = 0\n')
    )
    rehearsal = ledger.rehearse(stock, file)
    assert [one.method for one in rehearsal.callers] == ["put", "take"]
    assert rehearsal.refusal is None
    stock = ledger.upgrade(stock, file)
    # What is broken already is not told again.
    again = written(tmp_path, (FIELD, f"{FIELD}    x: int = 0\n"), ("def fill", "def fill_up"))
    assert [one.method for one in ledger.rehearse(stock, again).callers] == ["fill"]


def test_a_caller_of_one_source_is_told_of_every_upgrade(
    ledger: LedgerFixture, stock: ContractHandle, tmp_path: Path
) -> None:
    source = (CONTRACTS / "shop.py").read_text(encoding="utf-8")
    known = ledger.embedded.versions("stock")[0].source
    pinned = source.replace('contract="stock")', f'contract="stock", source="{known.hex()}")')
    ledger.deploy_source(pinned, name="kiosk", file="kiosk.py")
    file = written(tmp_path, ("LIMIT = 1_000", "LIMIT = 2_000"))
    (broken,) = ledger.rehearse(stock, file).callers
    assert (broken.contract, broken.method) == ("kiosk", "")
    assert "of stock, which runs" in broken.why
    ledger.retire("kiosk")
    assert ledger.rehearse(stock, file).callers == ()


def test_a_source_that_does_not_compile_has_no_callers(
    ledger: LedgerFixture, stock: ContractHandle, tmp_path: Path
) -> None:
    rehearsal = ledger.rehearse(stock, written(tmp_path, ("LIMIT = 1_000", "LIMIT = 0.5")))
    assert (rehearsal.planned, rehearsal.callers) == (False, ())
    assert rehearsal.refusal is not None


def test_engines_that_name_other_callers_differ(
    ledger: LedgerFixture, stock: ContractHandle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_twins, "broken_callers", lambda *_: [])
    with pytest.raises(EnginesDiffer, match="the callers of stock"):
        ledger.rehearse(stock, written(tmp_path, ("def take(", "def remove(")))
