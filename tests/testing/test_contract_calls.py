"""Calls between contracts, on both engines: state and events of each contract are compared."""

from pathlib import Path

import pytest

from lianheng.testing import LedgerFixture

CONTRACTS = Path(__file__).parents[1] / "contracts"
ALICE = "alice@north"


@pytest.fixture
def shop(ledger: LedgerFixture):  # type: ignore[no-untyped-def]
    stock = ledger.deploy(CONTRACTS / "stock.py")
    shop = ledger.deploy(CONTRACTS / "shop.py")
    stock.as_(ALICE).put("a", 10)
    return shop


def test_a_call_writes_in_both_contracts(ledger: LedgerFixture, shop) -> None:  # type: ignore[no-untyped-def]
    left = shop.as_(ALICE).sell("a", 4)
    assert left == {"id": "a", "amount": 6, "place": "hall"} or left.amount == 6
    events = [(str(e.contract), e.number, e.name) for e in ledger.last.events]
    assert events == [("stock", 1, "Moved"), ("shop", 0, "Sold")]
    shop.as_(ALICE).restock("a")
    assert shop.stored("hall") == 13


def test_a_refusal_of_the_callee_refuses_all(ledger: LedgerFixture, shop) -> None:  # type: ignore[no-untyped-def]
    with ledger.rejects("too_few") as refusal:
        shop.as_(ALICE).sell("a", 11)
    assert refusal.error is not None
    assert refusal.error.details["file"] == "stock.py"
    assert refusal.error.details["line"] == 35
    assert refusal.error.hint == "called from shop.py:51"
    assert len(shop.table("orders").scan(limit=10)) == 0
    with ledger.rejects("too_few"):
        shop.as_(ALICE).try_sell("a", 11)


def test_the_caller_is_the_member_and_via_the_contract(ledger: LedgerFixture, shop) -> None:  # type: ignore[no-untyped-def]
    assert shop.as_(ALICE).who() == ["shop", ALICE]
    assert shop.asked() == "shop"


def test_arguments_are_checked_before_the_call(shop) -> None:  # type: ignore[no-untyped-def]
    assert shop.as_(ALICE).wrong() == "Stock.take() argument 'amount' must be int, not list"


def test_a_view_calls_views_only(ledger: LedgerFixture, shop) -> None:  # type: ignore[no-untyped-def]
    with ledger.rejects("view.write"):
        shop.sneaky()
