"""Amounts of money: exact, of one currency, and of use to contracts that import them."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lianheng.chain
from blocks import MONEY
from lianheng.contract.imports import store
from lianheng.contract.twin import Call, State, load, run
from lianheng.model import decode
from lianheng.testing import LedgerFixture

CURRENCIES = st.sampled_from(["EUR", "CNY", "JPY", "KWD"])
UNITS = st.integers(-(10**15), 10**15)


@pytest.fixture
def amounts(ledger: LedgerFixture) -> Any:
    return ledger.deploy(MONEY)


def ask(method: str, **arguments: Any) -> Any:
    """A view under CPython alone: for many examples."""
    program = load(MONEY.read_text(encoding="utf-8"), MONEY.name)
    outcome = run(program, Call("money", method, arguments, view=True), State())
    if outcome.failure is not None:
        return outcome.failure.reason
    return decode(outcome.value)


@pytest.mark.parametrize(
    ("currency", "units", "text"),
    [
        ("EUR", 123450, "1,234.50 EUR"),
        ("JPY", 500, "500 JPY"),
        ("KWD", -1, "-0.001 KWD"),
        ("CNY", 0, "0.00 CNY"),
    ],
)
def test_an_amount_in_words(amounts: Any, currency: str, units: int, text: str) -> None:
    assert amounts.text({"currency": currency, "units": units}) == text


def test_what_is_no_amount_is_refused_on_both_engines(ledger: LedgerFixture, amounts: Any) -> None:
    euro = {"currency": "EUR", "units": 1}
    with ledger.rejects("wrong_currency"):
        amounts.text({"currency": "euro", "units": 1})
    with ledger.rejects("wrong_amount"):
        amounts.sum([{"currency": "EUR", "units": 2**63 - 1}, euro], "EUR")
    with ledger.rejects("other_currency"):
        amounts.difference(euro, {"currency": "USD", "units": 1})
    assert amounts.share(euro | {"units": 5}, 1, 2, "half_even").units == 2
    assert [part.units for part in amounts.parts(euro, [1, 1, 1])] == [1, 0, 0]


@settings(max_examples=60, deadline=None)
@given(CURRENCIES, st.integers(0, 10**15), st.lists(st.integers(0, 1_000), min_size=1, max_size=9))
def test_parts_sum_to_the_whole(currency: str, units: int, weights: list[int]) -> None:
    amount = {"currency": currency, "units": units}
    if not any(weights):
        weights = [*weights, 1]
    parts = ask("parts", amount=amount, weights=weights)
    assert ask("sum", amounts=parts, currency=currency) == amount


@settings(max_examples=60, deadline=None)
@given(CURRENCIES, UNITS)
def test_text_has_every_digit(currency: str, units: int) -> None:
    text = ask("text", amount={"currency": currency, "units": units})
    assert int(re.sub(r"[^0-9-]", "", text)) == units
    assert text.endswith(f" {currency}")


USER = """
from lianheng.chain.{module} import Money, money, plus, shared
from lianheng.contract import Cell, Contract, call, view

class Till(Contract):
    kept: Cell[Money | None] = Cell(Money | None, None)

    def inside(self) -> Money:
        return self.kept.get() or money("EUR", 0)

    @call(by="ANY")
    def pay(self, amount: Money) -> Money:
        self.kept.set(plus(self.inside(), money(amount.currency, amount.units)))
        return self.inside()

    @view
    def halves(self) -> list[Money]:
        return shared(self.inside(), [1, 1])
"""


def test_a_contract_imports_money(
    ledger: LedgerFixture, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lianheng.chain, "__path__", [str(tmp_path)])
    module = store(tmp_path, "money", MONEY.read_text(encoding="utf-8")).stem
    till = ledger.deploy_source(USER.format(module=module), name="till", file="till.py")
    assert till.as_("ann@north").pay({"currency": "EUR", "units": 5}).units == 5
    with ledger.rejects("other_currency"):
        till.as_("ann@north").pay({"currency": "USD", "units": 5})
    assert [part.units for part in till.halves()] == [3, 2]
