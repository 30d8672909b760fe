"""Sound invoices pass in both syntaxes and are one claim; one changed amount names its rule."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_finance import InvoiceRefused, read_files, read_invoice
from trade_finance.examples.make import good
from trade_finance.examples.writer import Draft, cii, ubl

_SPEC = importlib.util.spec_from_file_location(
    "packs_strategies", Path(__file__).with_name("strategies.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
strategies = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(strategies)

Writer = Callable[[Draft], bytes]
BOTH = pytest.mark.parametrize("write", [ubl, cii])
RULES_OF = {
    "lines": {"BR-CO-10", "BR-CO-13"},
    "allowances": {"BR-CO-11", "BR-CO-13"},
    "charges": {"BR-CO-12", "BR-CO-13"},
    "without_tax": {"BR-CO-13", "BR-CO-15"},
    "tax": {"BR-CO-14", "BR-CO-15"},
    "with_tax": {"BR-CO-15", "BR-CO-16"},
    "prepaid": {"BR-CO-16"},
    "rounding": {"BR-CO-16"},
    "payable": {"BR-CO-16"},
    "net0": {"BR-CO-10"},
}
"""Which rules must notice when one stated amount is changed and nothing else."""


def rules_broken(content: bytes) -> set[str]:
    """The rules that refuse the invoice, none when it is sound."""
    try:
        read_invoice(content)
    except InvoiceRefused as refused:
        return {finding.rule for finding in refused.findings}
    return set()


@settings(deadline=None)
@given(draft=strategies.drafts)
def test_sound_invoices_are_one_claim_in_both_syntaxes(draft: Draft) -> None:
    reading = read_files([("x_ubl.xml", ubl(draft)), ("x_cii.xml", cii(draft))])
    assert [str(refused) for refused in reading.refused] == []
    assert len(reading.claims) == 1
    assert [pair.differences for pair in reading.pairs] == [()]
    stated = Decimal(draft.amounts()["payable"])
    assert Decimal(reading.claims[0].claim.amount).scaleb(-2) == stated


@BOTH
@settings(deadline=None)
@given(
    draft=strategies.drafts,
    name=st.sampled_from(sorted(RULES_OF)),
    cents=st.integers(-500_000, 500_000).filter(bool),
)
def test_a_changed_amount_names_its_rule(
    write: Writer, draft: Draft, name: str, cents: int
) -> None:
    changed = Decimal(draft.amounts()[name]) + Decimal(cents).scaleb(-2)
    broken = rules_broken(write(replace(draft, changed={name: f"{changed:f}"})))
    assert broken >= RULES_OF[name]
    # A line's net amount also is part of its group's basis, which has a tolerance.
    assert name == "net0" or broken == RULES_OF[name]


@BOTH
@given(cents=st.integers(-300, 300))
def test_tax_of_a_group_may_be_off_by_less_than_one_unit(write: Writer, cents: int) -> None:
    plain = good()["plain"]
    amounts = plain.amounts()
    shift = Decimal(cents).scaleb(-2)
    names = ("tax0", "tax", "with_tax", "payable")
    changed = {name: f"{Decimal(amounts[name]) + shift:f}" for name in names}
    broken = rules_broken(write(replace(plain, changed=changed)))
    assert broken == ({"BR-CO-17"} if abs(cents) >= 100 else set())


@BOTH
@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"basis0": "900.00"}, "BR-S-08"),
        ({"payable": "992.461"}, "BR-DEC-18"),
        ({"net0": "738.001"}, "BR-DEC-23"),
    ],
)
def test_rules_beside_the_totals(write: Writer, changed: dict[str, str], rule: str) -> None:
    assert rule in rules_broken(write(replace(good()["plain"], changed=changed)))


@BOTH
@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"number": ""}, "BR-02"),
        ({"seller": ""}, "BR-06"),
        ({"buyer": ""}, "BR-07"),
        ({"seller_vat": ""}, "BR-CO-26"),
        ({"currency": "EUX"}, "BR-CL-04"),
        ({"due": ""}, "BR-CO-25"),
        ({"type_code": ""}, "BR-04"),
        ({"items": ()}, "BR-16"),
    ],
)
def test_missing_fields(write: Writer, change: dict[str, object], rule: str) -> None:
    assert rule in rules_broken(write(replace(good()["plain"], **change)))  # type: ignore[arg-type]


def test_amounts_that_the_currency_cannot_pay_are_refused() -> None:
    yen = good()["yen"]
    amounts = {"rounding": "0.50", "payable": "30000.50"}
    assert rules_broken(ubl(replace(yen, changed=amounts))) == {"CURRENCY-UNIT"}
