"""Attacks by the helpers of `lianheng.contract`: see attacks.py."""

SETUP = """
from lianheng.contract import (
    Decimal, add_months, allocate, commit, date, date_of, date_parts, datetime_of, datetime_parts,
    days_between, end_of_month, format_date, format_datetime, is_signed, is_valid_gtin,
    is_valid_iban, is_valid_lei, is_valid_uscc, mul_div, opens, parse_date, parse_datetime,
    sha256, sm3,
)
Amount = Decimal(2)
Fine = Decimal(30)
big = 2**4000
most = Amount.from_units(2**4095 + (2**4095 - 1))
digits = "9" * 1200
data = b"ab" * 200_000
text = "9" * 400_000
salt = b"0123456789abcdef"
weights = list(range(1, 10_001))
large = [big + n for n in range(1_000)]
nested = [[n] for n in range(1_000)]
"""

TIME_STEPS = {
    "mul_div": "mul_div(big, big, 2**4000 - 1, 'half_even')",
    "mul_div small": "mul_div(7, 11, 13, 'floor')",
    "allocate": "allocate(10**9, weights)",
    "allocate large": "allocate(2**90, large)",
    "rescale": "Fine.from_units(2**3900).rescale(0, 'half_up')",
    "decimal of text": "Amount(digits)",
    "text of decimal": "str(most)",
    "format of decimal": 'f"{most:>2000}"',
    "decimal sum": "sum([most - most, most - most, most - most], Amount('0'))",
    "decimal sort": "sorted([most, -most, most])",
    "decimal key": "{most: 1}[most]",
    "date": "date(1_709_164_800_000)",
    "date_parts": "date_parts(19_782)",
    "date_of": "date_of(2024, 2, 29)",
    "add_months": "add_months(19_782, -20_000)",
    "end_of_month": "end_of_month(19_782)",
    "datetime_of": "datetime_of(2024, 2, 29, 1, 2, 3, 4)",
    "datetime_parts": "datetime_parts(1_709_164_800_000)",
    "days_between": "days_between(-719_162, 2_932_896)",
    "format_date": "format_date(19_782)",
    "parse_date": "parse_date('2024-02-29')",
    "format_datetime": "format_datetime(1_709_164_800_000)",
    "parse_datetime": "parse_datetime('2024-02-29T00:00:00Z')",
    "sha256": "sha256(data)",
    "sm3": "sm3(data)",
    "sha256 of little": "sha256(b'')",
    "sm3 of little": "sm3(b'')",
    "commit": "commit([data, text], salt)",
    "commit nested": "commit(nested, salt)",
    "opens": "opens(salt * 2, large, salt)",
    "is_signed": "is_signed(b'm', salt * 4, salt * 2)",
    "is_signed long": "is_signed(data, salt * 4, salt * 2)",
    "is_valid_gtin": "is_valid_gtin(text)",
    "is_valid_iban": "is_valid_iban('GB82' + text)",
    "is_valid_lei": "is_valid_lei(text)",
    "is_valid_uscc": "is_valid_uscc(text)",
}

ERRORS = {
    "decimal beyond the cap": "most + most",
    "decimal times int": "most * 2",
    "mul_div beyond the cap": "mul_div(big, big, 1, 'down')",
    "rescale beyond the cap": "most.rescale(30, 'down')",
    "units beyond the cap": "Amount.from_units(2**4095 * 2)",
}

VALUES = {
    "date beyond": "date(10**30)",
    "months beyond": "add_months(0, 10**18)",
    "months of big": "add_months(0, big)",
    "year beyond": "date_of(big, 1, 1)",
    "weights negative": "allocate(1, [-1])",
    "weights none": "allocate(1, [])",
    "weights many": "allocate(1, [1] * 10_001)",
    "salt short": "commit(1, b'')",
    "long text of decimal": "Amount('1' * 5_000)",
    "date text": "parse_date(text)",
    "time text": "parse_datetime(text)",
    "rounding": "mul_div(1, 1, 3, text)",
}

DEPTHS = {
    "commit deep": "x = []\nfor n in range(200): x = [x]\ncommit(x, salt)",
    "commit cycle": "x = []\nx.append(x)\ncommit(x, salt)",
}
