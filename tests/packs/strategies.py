"""Hypothesis strategies for drafts of sound invoices."""

from decimal import Decimal

from hypothesis import strategies as st

from trade_finance.examples.writer import Draft, Extra, Item

text = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-/&<>äß", min_size=1, max_size=20)
groups = st.sampled_from(
    [
        ("S", Decimal(19)),
        ("S", Decimal(7)),
        ("S", Decimal("5.5")),
        ("Z", Decimal(0)),
        ("E", Decimal(0)),
    ]
)


def cents(least: int, most: int) -> st.SearchStrategy[Decimal]:
    """Amounts of `least` to `most` cents."""
    return st.integers(least, most).map(lambda n: Decimal(n).scaleb(-2))


@st.composite
def items(draw: st.DrawFn) -> Item:
    """A line with a price of up to four decimals."""
    category, rate = draw(groups)
    price = Decimal(draw(st.integers(1, 10**8))).scaleb(-4)
    quantity = Decimal(draw(st.integers(-50, 5000).filter(bool))).scaleb(-1)
    return Item(draw(text), quantity, price, rate, category)


@st.composite
def extras(draw: st.DrawFn) -> Extra:
    """An allowance or a charge."""
    category, rate = draw(groups)
    return Extra(draw(cents(0, 100_000)), draw(st.booleans()), rate, category)


drafts = st.builds(
    Draft,
    number=text,
    seller=text,
    seller_vat=st.from_regex(r"DE[0-9]{9}", fullmatch=True),
    buyer=text,
    items=st.lists(items(), min_size=1, max_size=6).map(tuple),
    extras=st.lists(extras(), max_size=3).map(tuple),
    prepaid=cents(0, 50_000),
    rounding=cents(-99, 99),
)
