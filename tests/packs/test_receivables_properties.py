"""Random calls in random order, refused or not: what the contract promises holds after each."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blocks import HOLDING
from lianheng.model import CallRefused
from lianheng.testing import LedgerFixture
from trade_finance import CONTRACT
from trade_finance.receivables import shares

INVOICE, PRINT = "a" * 64, "b" * 64
SUPPLIERS = ["sam@maker", "tom@foundry"]
BANKS = ["ann@bank-a", "bob@bank-b"]

SUPPLIER = st.sampled_from(SUPPLIERS)
PIECE = st.integers(0, 6)
AMOUNT = st.integers(-5, 1100)
BUYER = st.just("bea@hospital")
NOTHING = st.none()
Step = tuple[str, str, int | None, Any]
step: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("offer"), SUPPLIER, PIECE, st.sampled_from(["bank-a", "bank-b"])),
    st.tuples(st.just("pass_on"), SUPPLIER, PIECE, st.sampled_from(["maker", "foundry"])),
    st.tuples(st.just("split"), SUPPLIER, PIECE, st.integers(1, 900)),
    st.tuples(st.just("finance"), st.sampled_from(BANKS), PIECE, NOTHING),
    st.tuples(st.just("pay"), BUYER, NOTHING, AMOUNT),
    st.tuples(st.just("credit"), st.just("sam@maker"), NOTHING, AMOUNT),
    st.tuples(st.just("dispute"), BUYER, NOTHING, NOTHING),
    st.tuples(st.just("end_dispute"), BUYER, NOTHING, NOTHING),
)


def play(receivables: Any, number: int, step: Step) -> None:
    method, member, place, value = step
    calls = receivables.as_(member)
    tree = calls.tree(INVOICE)
    part = tree[(place or 0) % len(tree)]
    digits = f"{number:064x}"
    match method:
        case "offer" | "pass_on":
            getattr(calls, method)(part.id, value)
        case "split":
            calls.split(part.id, [value, part.amount - value])
        case "finance":
            calls.finance(part.id, part.amount)
        case "pay":
            calls.pay(INVOICE, value, digits)
        case "credit":
            calls.credit(INVOICE, digits, value)
        case "dispute":
            calls.dispute(INVOICE, digits)
        case _:
            calls.end_dispute(INVOICE)


def check_promises(receivables: Any, before: dict[str, Any]) -> dict[str, Any]:
    calls = receivables.as_("sam@maker")
    claim, tree = calls.claim(INVOICE), calls.tree(INVOICE)
    live = [part for part in tree if part.status == "live"]
    assert claim.amount == claim.paid + claim.credited + claim.outstanding
    assert claim.outstanding == sum(part.amount for part in live)
    assert all(part.amount > 0 for part in live)
    assert (claim.status == "retired") == (claim.outstanding == 0)
    for part in tree:
        earlier = before.get(part.id)
        if earlier is not None and earlier.status != "live":
            assert part == earlier, "what is split or retired is final"
        if earlier is not None and earlier.lender:
            assert part.lender == earlier.lender, "a pledge stays with its lender"
    return {part.id: part for part in tree}


@settings(max_examples=150, deadline=None)
@given(steps=st.lists(step, max_size=25))
def test_sums_and_pledges_survive_any_calls(steps: list[Step]) -> None:
    ledger = LedgerFixture(Path.cwd())
    for member, role in (
        ("sam@maker", "supplier"), ("tom@foundry", "supplier"), ("bea@hospital", "buyer"),
        ("ann@bank-a", "bank"), ("bob@bank-b", "bank"),
    ):  # fmt: skip
        ledger.member(member, roles=[role])
    holding = ledger.deploy(HOLDING)
    receivables = ledger.deploy(CONTRACT)
    receivables.as_("sam@maker").register(INVOICE, PRINT, "hospital", "EUR", 1000)
    receivables.as_("bea@hospital").confirm(INVOICE, PRINT)
    seen = check_promises(receivables, {})
    for number, each in enumerate(steps):
        try:
            play(receivables, number, each)
        except CallRefused:
            after = check_promises(receivables, seen)
            assert after == seen, "a refused call changes nothing"
        seen = check_promises(receivables, seen)
        holding.check_invariants()
    ledger.close()


@given(
    weights=st.lists(st.integers(1, 10**15), min_size=1, max_size=100), portion=st.integers(0, 1000)
)
def test_shares_sum_exactly_and_none_exceeds_its_weight(weights: list[int], portion: int) -> None:
    total = sum(weights) * portion // 1000
    found = shares(total, weights)
    assert sum(found) == total
    assert all(0 <= share <= weight for share, weight in zip(found, weights, strict=True))


@pytest.mark.parametrize("total", [0, 1, 2, 3])
def test_shares_of_equal_weights_differ_by_one_at_most(total: int) -> None:
    found = shares(total, [1, 1, 1])
    assert sum(found) == total
    assert max(found) - min(found) <= 1
