"""Amounts of money with their currency: exact, in the smallest unit, of one currency at a time.

Contracts import `Money` and what goes with it from the deployed source, pinned by its hash:

    from lianheng.chain.money_0123456789abcdef import Money, plus, shared

`lianheng contract fetch --file packs/blocks/money.py` prints the line. Deployed by itself it
answers what an amount is in words.
"""

from lianheng.contract import Contract, Record, allocate, mul_div, require, view

UNITS_LIMIT = 2**63 - 1  # of the smallest unit: what every database counts in
NO_DECIMALS = ("CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "VUV", "XAF", "XOF", "XPF")
THREE_DECIMALS = ("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND")


class Money(Record):
    currency: str  # ISO 4217
    units: int  # of the currency's smallest one: cents, yen, fils


def money(currency: str, units: int) -> Money:
    """An amount whose parts were looked at."""
    sound = len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()
    require(sound, "wrong_currency", f"'{currency[:8]}' is no code of ISO 4217, such as EUR")
    within = -UNITS_LIMIT <= units <= UNITS_LIMIT
    require(within, "wrong_amount", "an amount beyond 2**63 - 1 units")
    return Money(currency=currency, units=units)


def plus(one: Money, other: Money) -> Money:
    same = one.currency == other.currency
    require(same, "other_currency", f"{one.currency} and {other.currency} do not add up")
    return money(one.currency, one.units + other.units)


def minus(one: Money, other: Money) -> Money:
    return plus(one, Money(currency=other.currency, units=-other.units))


def times(amount: Money, numerator: int, denominator: int, rounding: str) -> Money:
    """The amount by a fraction: a rate of 2.5 % is 25 in 1,000. `rounding` as in `mul_div`."""
    return money(amount.currency, mul_div(amount.units, numerator, denominator, rounding))


def shared(amount: Money, weights: list[int]) -> list[Money]:
    """Parts in proportion to the weights; they sum to the amount, to the last unit."""
    return [money(amount.currency, units) for units in allocate(amount.units, weights)]


def total(amounts: list[Money], currency: str) -> Money:
    found = money(currency, 0)
    for amount in amounts:
        found = plus(found, amount)
    return found


def decimals(currency: str) -> int:
    """Digits behind the point, by ISO 4217; 2 for what is not listed here."""
    return 0 if currency in NO_DECIMALS else 3 if currency in THREE_DECIMALS else 2


def shown(amount: Money) -> str:
    """For people: `1,234.50 EUR`, `500 JPY`."""
    places = decimals(amount.currency)
    whole, rest = divmod(abs(amount.units), 10**places)
    sign = "-" if amount.units < 0 else ""
    point = f".{rest:0{places}}" if places else ""
    return f"{sign}{whole:,}{point} {amount.currency}"


class Amounts(Contract):
    """What the functions of this file say of an amount."""

    @view
    def text(self, amount: Money) -> str:
        return shown(money(amount.currency, amount.units))

    @view
    def parts(self, amount: Money, weights: list[int]) -> list[Money]:
        return shared(money(amount.currency, amount.units), weights)

    @view
    def share(self, amount: Money, numerator: int, denominator: int, rounding: str) -> Money:
        return times(money(amount.currency, amount.units), numerator, denominator, rounding)

    @view
    def sum(self, amounts: list[Money], currency: str) -> Money:
        return total(amounts, currency)

    @view
    def difference(self, one: Money, other: Money) -> Money:
        return minus(one, other)
