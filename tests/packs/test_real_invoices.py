"""The reader over third-party invoices (XRechnung test suite), where they are present."""

from collections import Counter
from pathlib import Path

import pytest

from trade_finance import Reading, read_folder, registration


@pytest.fixture(scope="module")
def reading(real_invoices: Path) -> Reading:
    return read_folder(real_invoices)


def test_every_file_is_sound(reading: Reading) -> None:
    assert reading.files == 60
    assert [str(refused) for refused in reading.refused] == []


def test_both_forms_of_each_invoice_say_the_same(reading: Reading) -> None:
    assert len(reading.pairs) == 28
    assert {pair.ubl.file: pair.differences for pair in reading.pairs if pair.differences} == {}
    for pair in reading.pairs:
        assert pair.ubl.claim.fingerprint == pair.cii.claim.fingerprint


def test_distinct_claims_and_their_conflicts(reading: Reading) -> None:
    """The suite's authors reused numbers such as 1234567: ten claims come too late."""
    assert len(reading.claims) == 25
    assert len({read.claim.id for read in reading.claims}) == 15
    assert Counter(finding.rule for finding in reading.conflicts) == {"CLAIM-CONFLICT": 10}
    assert len(reading.registrable) == 15
    for read in reading.registrable:
        assert registration(read.claim, "hospital")["amount"] == read.claim.amount > 0


def test_the_invoice_of_the_demo(reading: Reading) -> None:
    found = [r.claim for r in reading.registrable if r.claim.number == "PRG1502112"]
    assert [(claim.amount, claim.currency, claim.issued) for claim in found] == [
        (1_055_530, "EUR", "2015-04-24")
    ]


def test_sub_lines_of_the_extension_are_summed(real_invoices: Path) -> None:
    reading = read_folder(real_invoices / "business-cases" / "extension")
    nested = [r for r in reading.invoices if any(line.sub_lines for line in r.invoice.lines)]
    assert len(nested) == 3
    assert all(read.invoice.is_extension for read in nested)
