"""Hostile and broken files end in a named refusal: no traceback, no network, no file read."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trade_finance import EXAMPLES, InvoiceRefused, limits, read_folder, read_invoice
from trade_finance.examples.make import files, good
from trade_finance.examples.writer import cii, ubl

PLAIN = ubl(good()["plain"])
PLAIN_CII = cii(good()["plain"])


def refusal(content: bytes) -> InvoiceRefused:
    with pytest.raises(InvoiceRefused) as caught:
        read_invoice(content, "x.xml")
    assert all(finding.file == "x.xml" for finding in caught.value.findings)
    return caught.value


def rule(content: bytes) -> str:
    return refusal(content).findings[0].rule


def test_the_example_files_are_those_that_make_writes() -> None:
    written = {name: (EXAMPLES / name).read_bytes() for name, _ in files()}
    assert written == dict(files())
    assert {str(p.relative_to(EXAMPLES)) for p in EXAMPLES.rglob("*.xml")} == set(written)


def test_good_examples_are_sound_and_bad_ones_are_refused_by_the_rule_in_their_name() -> None:
    assert read_folder(EXAMPLES / "good").refused == ()
    bad = read_folder(EXAMPLES / "bad")
    assert bad.invoices == ()
    for refused in bad.refused:
        expected = refused.findings[0].file.partition("_")[0]
        assert expected in {finding.rule for finding in refused.findings}


def test_a_refusal_says_where_what_and_what_to_do() -> None:
    path = EXAMPLES / "bad" / "BR-CO-16_amount-due_ubl.xml"
    (finding,) = refusal(path.read_bytes()).findings
    assert finding.code == "invoice.BR-CO-16"
    assert str(finding) == (
        "x.xml: BR-CO-16 amount due (BT-115): is 9999.00, expected 992.46; "
        "it must equal total with VAT - paid + rounding"
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "XML-SYNTAX"),
        (b"not xml", "XML-SYNTAX"),
        (PLAIN.decode().encode("utf-16"), "XML-ENCODING"),
        (PLAIN.replace(b"UTF-8", b"UTF-7"), "XML-ENCODING"),
        (PLAIN.replace(b"UTF-8", b"ISO-8859-1"), "XML-ENCODING"),
        (PLAIN.replace(b"Torque", b"T\xffrque"), "XML-ENCODING"),
        (PLAIN.replace(b"RE-2026-017", b"&undefined;"), "XML-SYNTAX"),
        (b"<a>" * 200 + b"</a>" * 200, "XML-DEPTH"),
        (b"<a>" * 5000 + b"</a>" * 5000, "XML-SYNTAX"),
        (b"<html/>", "XML-ROOT"),
        (PLAIN + b"<again/>", "XML-SYNTAX"),
        (PLAIN.replace(b">992.46<", b">1e3<"), "XML-NUMBER"),
        (PLAIN.replace(b">992.46<", b">NaN<"), "XML-NUMBER"),
        (PLAIN.replace(b">992.46<", b">" + b"9" * 40 + b"<"), "XML-NUMBER"),
        (PLAIN.replace(b">992.46<", b"><"), "XML-NUMBER"),
        (PLAIN.replace(b"2026-03-02", b"2026-02-30"), "XML-DATE"),
        (PLAIN.replace(b"RE-2026-017", b"9" * 2000), "XML-VALUE"),
        (PLAIN_CII.replace(b"20260302", b"second of March"), "XML-DATE"),
    ],
)
def test_broken_files(content: bytes, expected: str) -> None:
    assert rule(content) == expected


def test_a_second_amount_due_cannot_hide_behind_the_first() -> None:
    amount = b'<cbc:PayableAmount currencyID="EUR">992.46</cbc:PayableAmount>'
    assert amount in PLAIN
    assert (
        rule(PLAIN.replace(amount, amount + amount.replace(b"992.46", b"1.00"))) == "XML-REPEATED"
    )


def test_an_amount_in_another_currency_is_refused() -> None:
    amount = b'<cbc:PayableAmount currencyID="EUR">'
    assert rule(PLAIN.replace(amount, amount.replace(b"EUR", b"JPY"))) == "XML-CURRENCY"


def test_a_comment_inside_an_amount_changes_nothing() -> None:
    commented = PLAIN.replace(b">992.46<", b">992<!-- 9 -->.46<")
    assert read_invoice(commented).claim == read_invoice(PLAIN).claim


def test_large_files_are_not_parsed(tmp_path: Path) -> None:
    (tmp_path / "large.xml").write_bytes(b" " * (limits.BYTES_OF_FILE + 10))
    (refused,) = read_folder(tmp_path).refused
    assert refused.findings[0].rule == "XML-SIZE"


def test_many_elements_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ELEMENTS_OF_XML", 50)
    assert rule(PLAIN) == "XML-ELEMENTS"


@settings(deadline=None, max_examples=300)
@given(data=st.data(), source=st.sampled_from([PLAIN, PLAIN_CII]))
def test_damaged_files_are_read_or_refused_but_never_crash(
    data: st.DataObject, source: bytes
) -> None:
    at = data.draw(st.integers(0, len(source) - 1))
    length = data.draw(st.integers(0, 40))
    patch = data.draw(st.binary(max_size=8) | st.sampled_from([b"<", b"&", b"0", b"-", b"]]>"]))
    try:
        read_invoice(source[:at] + patch + source[at + length :])
    except InvoiceRefused as refused:
        if not refused.findings:
            raise


@settings(deadline=None)
@given(content=st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(content: bytes) -> None:
    with pytest.raises(InvoiceRefused):
        read_invoice(content)
