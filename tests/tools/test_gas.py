"""The page of the gas schedule says what the source says."""

from tools.gas import PAGE, PRICE, SOURCE, page


def test_the_page_holds_the_schedule() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "run: python -m tools.gas"


def test_every_constant_is_in_it() -> None:
    source = SOURCE.read_text(encoding="utf-8")
    assert len(PRICE.findall(source)) == source.count("pub const ")
