"""Rounding by name, exact proportions and shares that sum to the whole."""

from collections.abc import Sequence
from typing import Any, TypeVar, overload

from lianheng.contract._arguments import (
    capped,
    check_int,
    check_items,
    check_str,
    wrong_type,
)
from lianheng.contract._decimal import Decimal, divide

Amount = TypeVar("Amount", bound=Decimal)

LIMIT_WEIGHTS = 10_000
"""Weights of one allocation."""


@overload
def mul_div(a: int, b: int, c: int, rounding: str) -> int: ...
@overload
def mul_div(a: Amount, b: int, c: int, rounding: str) -> Amount: ...
def mul_div(a: int | Decimal, b: int, c: int, rounding: str) -> int | Decimal:
    """Give `a * b / c`, computed exactly and rounded once.

    `a` is an int, or a Decimal, whose scale the result keeps. `rounding` is one of `down` (to
    zero), `up` (from zero), `half_up` (to the nearest, the middle from zero), `half_even` (the
    middle to the even neighbour), `floor`, `ceiling`. Raise ZeroDivisionError for `c` 0,
    ValueError for another rounding, OverflowError beyond 4,096 bits.
    """
    units = _units("mul_div", "a", a)
    check_int("mul_div", "b", b)
    check_int("mul_div", "c", c)
    check_str("mul_div", "rounding", rounding)
    if c == 0:
        raise ZeroDivisionError("mul_div() by zero")
    return _like(a, divide(units * b, c, rounding))


@overload
def allocate(total: int, weights: Sequence[int]) -> list[int]: ...
@overload
def allocate(total: Amount, weights: Sequence[int]) -> list[Amount]: ...
def allocate(total: int | Decimal, weights: Sequence[int]) -> list[Any]:
    """Split `total` in proportion to `weights`; the parts sum to it exactly.

    Each part is rounded to zero; the units that are left go one each to the largest remainders,
    ties in order. A weight of 0 gets nothing. Raise ValueError for a negative weight, when no
    weight is positive, or for more than 10,000 of them.
    """
    units = _units("allocate", "total", total)
    items = check_items("allocate", "weights", weights)
    if len(items) > LIMIT_WEIGHTS:
        raise ValueError(f"allocate() takes at most {LIMIT_WEIGHTS} weights, given {len(items)}")
    for weight in items:
        check_int("allocate", "weights", weight)
        if weight < 0:
            raise ValueError(f"allocate() has a negative weight: {weight}")
    whole = capped(sum(items))
    if whole == 0:
        raise ValueError("allocate() needs a weight above zero")
    sign = -1 if units < 0 else 1
    pairs = [divmod(abs(units) * weight, whole) for weight in items]
    left = abs(units) - sum(part for part, _ in pairs)
    first = set(sorted(range(len(pairs)), key=lambda at: (-pairs[at][1], at))[:left])
    parts = [part + (at in first) for at, (part, _) in enumerate(pairs)]
    return [_like(total, sign * part) for part in parts]


def _units(function: str, name: str, value: int | Decimal) -> int:
    if type(value) is int:
        return value
    if isinstance(value, Decimal):
        return value.units
    raise wrong_type(function, name, "int or Decimal", value)


def _like(model: int | Decimal, units: int) -> int | Decimal:
    if isinstance(model, Decimal):
        return type(model).from_units(units)
    return capped(units)
