"""Laws of the helpers: sums are kept, round trips close, rounding stays next to the exact value."""

import datetime as dt
from fractions import Fraction
from hashlib import sha256 as reference_sha256
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from lianheng.contract import (
    Caller,
    Decimal,
    Record,
    add_months,
    allocate,
    commit,
    date,
    date_of,
    date_parts,
    datetime_of,
    datetime_parts,
    days_between,
    end_of_month,
    format_date,
    format_datetime,
    is_signed,
    is_valid_gtin,
    is_valid_iban,
    is_valid_lei,
    iso_weekday,
    mul_div,
    opens,
    parse_date,
    parse_datetime,
    quarter,
    sha256,
    sm3,
    start_of_day,
    twin,
)
from lianheng.contract._canonical import encode
from lianheng.contract._decimal import ROUNDINGS
from lianheng.contract._hashing import MESSAGE_DOMAIN
from lianheng.model import decode


class Amount(Decimal, scale=2):
    """Cents."""


def scaled(scale: int) -> Any:
    """The decimal type of a scale known only here; type checkers take the class form alone."""
    call: Any = Decimal
    return call(scale)


class Account(Record):
    """A row with a decimal."""

    id: str
    balance: Amount


DAYS = st.integers(-719_162, 2_932_896)
MOMENTS = st.integers(-719_162 * 86_400_000, 2_932_897 * 86_400_000 - 1)
UNITS = st.integers(-(2**200), 2**200)
SALT = b"sixteen bytes or"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@given(UNITS, st.lists(st.integers(0, 2**70), min_size=1, max_size=20).filter(any))
def test_the_parts_of_an_allocation_sum_to_the_whole(total: int, weights: list[int]) -> None:
    parts = allocate(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
        assert part == 0 or weight > 0
    amounts = allocate(Amount.from_units(total), weights)
    assert [amount.units for amount in amounts] == parts


@given(UNITS, UNITS, UNITS.filter(bool), st.sampled_from(ROUNDINGS))
def test_mul_div_rounds_once_and_as_named(a: int, b: int, c: int, rounding: str) -> None:
    exact, found = Fraction(a * b, c), mul_div(a, b, c, rounding)
    assert abs(found - exact) < 1
    match rounding:
        case "floor":
            assert found <= exact
        case "ceiling":
            assert found >= exact
        case "down":
            assert abs(found) <= abs(exact)
        case "up":
            assert abs(found) >= abs(exact)
        case "half_even":
            assert found == round(exact)
        case _:
            assert abs(found - exact) <= Fraction(1, 2)


@given(UNITS, UNITS, st.integers(0, 30))
def test_decimals_add_compare_and_read_back_as_their_units(x: int, y: int, scale: int) -> None:
    kind = scaled(scale)
    a, b = kind.from_units(x), kind.from_units(y)
    assert (a + b - b, a - a - a + a, a * 3) == (a, a - a, a + a + a)
    assert (a < b, a == b, hash(a) == hash(b)) == (x < y, x == y, hash((scale, x)) == hash(b))
    assert kind(str(a)) == a
    assert Fraction(str(a)) == Fraction(x, 10**scale)


@given(UNITS, st.integers(0, 15), st.integers(15, 30), st.sampled_from(ROUNDINGS))
def test_a_finer_scale_loses_nothing(units: int, coarse: int, fine: int, rounding: str) -> None:
    amount = scaled(coarse).from_units(units)
    assert amount.rescale(fine, rounding).rescale(coarse, rounding) == amount


def test_the_two_ways_to_name_a_decimal_type_give_the_same_type() -> None:
    assert Amount is scaled(2)
    account = Account("a", Amount("1.50"))
    assert repr(account) == "Account(id='a', balance=Decimal(2)('1.50'))"
    with pytest.raises(TypeError, match=r"Account.balance is Decimal\(3\), declared Decimal\(2\)"):
        Account("a", scaled(3)("1.5"))
    with pytest.raises(AttributeError):
        account.balance.units = 3


@given(DAYS)
def test_dates_agree_with_the_standard_library_and_close_their_round_trips(day: int) -> None:
    found = dt.date(1970, 1, 1) + dt.timedelta(days=day)
    assert date_parts(day) == (found.year, found.month, found.day)
    assert (
        date_of(*date_parts(day)) == parse_date(format_date(day)) == date(start_of_day(day)) == day
    )
    assert (format_date(day), iso_weekday(day)) == (found.isoformat(), found.isoweekday())
    assert quarter(day) == (found.month - 1) // 3 + 1
    assert days_between(day, end_of_month(day)) in range(31)


@given(MOMENTS)
def test_moments_close_their_round_trips(ms: int) -> None:
    assert datetime_of(*datetime_parts(ms)) == ms
    assert parse_datetime(format_datetime(ms)) == ms


@given(st.integers(-100_000, 100_000), st.integers(-1_000, 1_000))
def test_months_keep_the_day_or_take_the_last_one(day: int, months: int) -> None:
    year, month, own = date_parts(day)
    later = add_months(day, months)
    there = date_parts(later)
    assert there[0] * 12 + there[1] == year * 12 + month + months
    assert there[2] == own or (there[2] < own and later == end_of_month(later))


@given(VALUES, VALUES)
def test_a_commitment_opens_with_its_value_only(value: object, other: object) -> None:
    made = commit(value, SALT)
    assert opens(made, value, SALT)
    assert not opens(made, value, SALT[::-1])
    assert opens(made, other, SALT) == (encode(value) == encode(other))
    assert made == reference_sha256(encode(["lianheng.commitment.v1", SALT, value])).digest()


@given(st.binary(max_size=300))
def test_hashes_have_32_bytes(data: bytes) -> None:
    assert sha256(data) == reference_sha256(data).digest()
    assert len(sm3(data)) == len(sha256(data))


@settings(max_examples=15)  # the plain check takes milliseconds
@given(st.binary(max_size=50), st.binary(max_size=50))
def test_a_signature_counts_for_its_message_only(message: bytes, other: bytes) -> None:
    key = Ed25519PrivateKey.generate()
    public = key.public_key().public_bytes_raw()
    signature = key.sign(encode([MESSAGE_DOMAIN, message]))
    assert is_signed(message, signature, public)
    assert is_signed(other, signature, public) == (message == other)
    assert not is_signed(message, key.sign(message), public)


@given(st.integers(0, 10**13 - 1))
def test_one_check_digit_fits_a_gtin(number: int) -> None:
    assert [is_valid_gtin(f"{number:013}{digit}") for digit in range(10)].count(True) == 1


@given(st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=18, max_size=18))
def test_one_pair_of_check_digits_fits(text: str) -> None:
    assert [is_valid_lei(f"{text}{digits:02}") for digits in range(100)].count(True) == 1
    bank = [is_valid_iban(f"DE{digits:02}{text}") for digits in range(100)]
    assert bank.count(True) == 1


SIGNERS = (Caller("alice@north", "north", ()),)
CONTRACT = """
from lianheng.contract import Contract, Decimal, Record, Table, call, view

class Amount(Decimal, scale=2):
    pass

class Account(Record):
    id: str
    balance: Amount = Amount("0.10")

class Bank(Contract):
    accounts = Table(Account, key="id")

    @call(by="ANY")
    def open(self, id: str, first: Amount) -> Account:
        self.accounts[id] = Account(id=id, balance=first + Amount("1"))
        return self.accounts[id]

    @view
    def all(self) -> list[Amount]:
        return [row.balance for row in self.accounts.scan(limit=10)]

    @view
    def wrong(self) -> Amount:
        return Amount("1").rescale(3, "up")
"""


def test_the_twin_takes_stores_and_gives_decimals_as_their_units() -> None:
    program = twin.load(CONTRACT, "bank.py")
    state = twin.State()
    opened = twin.run(program, twin.Call("bank", "open", {"id": "a", "first": 250}, SIGNERS), state)
    assert (opened.failure, decode(opened.value)) == (None, {"id": "a", "balance": 350})
    listed = twin.run(program, twin.Call("bank", "all", {}, view=True), state)
    assert decode(listed.value) == [350]
    given = twin.run(
        program, twin.Call("bank", "open", {"id": "a", "first": "2.50"}, SIGNERS), state
    )
    assert given.failure is not None
    assert given.failure.code == "call.bad_arguments"
    wrong = twin.run(program, twin.Call("bank", "wrong", {}, view=True), state)
    assert wrong.failure is not None
    assert wrong.failure.message.endswith("wrong() gives Decimal(3), declared Decimal(2)")
