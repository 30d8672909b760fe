"""What makes two invoices one claim, two claims, or a conflict; and the arguments of the calls."""

import hashlib
from dataclasses import replace

import pytest

from trade_finance import (
    InvoiceRefused,
    confirmation,
    credit,
    read_files,
    read_invoice,
    registration,
)
from trade_finance.claims import seller_identity
from trade_finance.examples.make import good
from trade_finance.examples.writer import cii, ubl
from trade_finance.model import Party


def test_the_fingerprint_is_the_documented_text() -> None:
    claim = read_invoice(ubl(good()["plain"])).claim
    lines = ["lianheng trade finance claim 1", "vat:DE811111111", "RE-2026-017", "2026-03-02",
             "380", "EUR", "99246"]  # fmt: skip
    assert claim.fingerprint == hashlib.sha256("\n".join(lines).encode()).hexdigest()
    lines = ["lianheng trade finance invoice 1", "vat:DE811111111", "RE-2026-017"]
    assert claim.id == hashlib.sha256("\n".join(lines).encode()).hexdigest()


def test_another_sellers_equal_number_is_another_claim() -> None:
    examples = good()
    reading = read_files(
        [("a.xml", ubl(examples["plain"])), ("b.xml", cii(examples["other-seller"]))]
    )
    assert len(reading.claims) == 2
    assert reading.conflicts == ()


def test_a_changed_amount_under_the_same_number_is_a_named_conflict() -> None:
    plain = good()["plain"]
    reading = read_files([
        ("first.xml", ubl(plain)),
        ("second.xml", cii(replace(plain, items=plain.items[:1]))),
    ])  # fmt: skip
    assert len(reading.claims) == 2
    (conflict,) = reading.conflicts
    assert conflict.code == "invoice.CLAIM-CONFLICT"
    assert conflict.file == "second.xml"
    for said in ("RE-2026-017", "878.22 EUR", "992.46 EUR", "first.xml"):
        assert said in str(conflict)
    assert [read.file for read in reading.registrable] == ["first.xml"]


@pytest.mark.parametrize("vat", ["DE811111111", "DE 811 111 111", "de811111111", "DE811.111.111"])
def test_writing_a_vat_identifier_differently_makes_no_second_claim(vat: str) -> None:
    plain = good()["plain"]
    assert (
        read_invoice(ubl(replace(plain, seller_vat=vat))).claim.fingerprint
        == read_invoice(cii(plain)).claim.fingerprint
    )


def test_the_strongest_identifier_names_the_seller() -> None:
    party = Party(name="N", legal_id=("0204", "HRB 1"), ids=(("", "7"),))
    assert seller_identity(party) == "legal:0204:HRB 1"
    assert seller_identity(replace(party, vat_id="DE1")) == "vat:DE1"
    assert seller_identity(replace(party, legal_id=("", ""))) == "id::7"
    with pytest.raises(InvoiceRefused, match="BR-CO-26"):
        seller_identity(Party(name="only a name"))


def test_arguments_of_the_calls() -> None:
    claim = read_invoice(ubl(good()["plain"])).claim
    assert registration(claim, "hospital") == {
        "id": claim.id, "fingerprint": claim.fingerprint, "debtor": "hospital",
        "currency": "EUR", "amount": 99_246, "due": "2026-04-01",
    }  # fmt: skip
    own_copy = read_invoice(cii(good()["plain"])).claim
    assert confirmation(own_copy) == {"id": claim.id, "fingerprint": claim.fingerprint}


@pytest.mark.parametrize("write", [ubl, cii])
def test_a_credit_note_names_the_claim_that_it_reduces(write: object) -> None:
    assert callable(write)
    claim = read_invoice(ubl(good()["plain"])).claim
    note = read_invoice(write(good()["credit-note"])).claim
    assert credit(note) == {"id": claim.id, "document": note.id, "amount": 11_424}
    with pytest.raises(InvoiceRefused, match="CLAIM-AMOUNT"):
        registration(note, "hospital")
    with pytest.raises(InvoiceRefused, match="CLAIM-AMOUNT"):
        credit(claim)
    unnamed = read_invoice(ubl(replace(good()["credit-note"], preceding=""))).claim
    with pytest.raises(InvoiceRefused, match="BR-55"):
        credit(unnamed)


def test_a_paid_invoice_registers_nothing() -> None:
    plain = good()["plain"]
    paid = read_invoice(ubl(replace(plain, changed={"prepaid": "992.46", "payable": "0.00"})))
    with pytest.raises(InvoiceRefused, match="nothing to register"):
        registration(paid.claim, "hospital")
