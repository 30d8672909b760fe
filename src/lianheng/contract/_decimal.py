"""Exact decimals with a declared scale: whole numbers of the smallest unit, never floats.

`class Amount(Decimal, scale=2)` and `Amount = Decimal(2)` name the same type: the type of all
decimals with two places. Type checkers understand the first form. Nothing is rounded unless a
rounding is named; a value is stored as the int of its units, under the scale of the declared type.
"""

import re
from typing import Any, NoReturn, Self

from lianheng.contract._arguments import capped, check_int, check_str, shown

LIMIT_SCALE = 30
"""Largest scale, in decimal places: enough for every unit in use, and 10**30 is cheap."""

LIMIT_TEXT = 1_300
"""Longest text of a decimal, in characters: 4,096 bits have 1,234 digits."""

ROUNDINGS = ("down", "up", "half_up", "half_even", "floor", "ceiling")
"""The names of the roundings; there is no default."""

_TEXT = re.compile(r"([+-]?)([0-9]+)(?:\.([0-9]+))?", re.ASCII)


def divide(dividend: int, divisor: int, rounding: str) -> int:
    """Give the quotient, rounded as named; ValueError for another name. `divisor` is not 0."""
    if rounding not in ROUNDINGS:
        names = ", ".join(ROUNDINGS)
        raise ValueError(f"{shown(rounding)} is no rounding: use one of {names}")
    negative = (dividend < 0) != (divisor < 0)
    quotient, rest = divmod(abs(dividend), abs(divisor))
    middle = 2 * rest - abs(divisor)
    more = (
        rest > 0
        and {
            "down": False,
            "up": True,
            "half_up": middle >= 0,
            "half_even": middle > 0 or (middle == 0 and quotient % 2 == 1),
            "floor": negative,
            "ceiling": not negative,
        }[rounding]
    )
    return (-1 if negative else 1) * (quotient + more)


class _DecimalType(type):
    """Makes one type for each scale, however often it is declared."""

    _of_scale: dict[int, Any] = {}  # noqa: RUF012  one for the process, filled once a scale

    def __new__(
        cls, name: str, bases: tuple[type, ...], content: dict[str, Any], *, scale: Any = None
    ) -> Any:
        if not bases:
            return super().__new__(cls, name, bases, content)
        return cls.of(scale)

    def __init__(cls, *declared: Any, **_named: Any) -> None:
        super().__init__(*declared)

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        if cls is Decimal:
            return _scaled(*arguments, **named)
        return super().__call__(*arguments, **named)

    @classmethod
    def of(cls, scale: Any) -> Any:
        check_int("Decimal", "scale", scale)
        if not 0 <= scale <= LIMIT_SCALE:
            raise ValueError(f"Decimal() argument 'scale' is {scale}, outside of 0 to 30")
        if scale not in cls._of_scale:
            content = {"__slots__": (), "scale": scale}
            made = type.__new__(cls, f"Decimal({scale})", (Decimal,), content)
            cls._of_scale[scale] = made
        return cls._of_scale[scale]


class Decimal(metaclass=_DecimalType):
    """An exact decimal; `Amount("12.34")` reads text, `Amount.from_units(1234)` takes units.

    Sums, differences and order need equal scales (TypeError otherwise); a product takes an int.
    Other products and quotients are `mul_div`, which names its rounding. Text has at most as many
    decimals as the scale (ValueError).
    """

    __slots__ = ("units",)
    scale: int
    """Decimal places."""
    units: int
    """The value in the smallest unit."""

    def __init__(self, text: str) -> None:
        """Read text such as "-12.34"; TypeError for anything else, an int among it."""
        own = type(self).__name__
        if type(text) is not str:
            given = type(text).__name__
            raise TypeError(
                f"{own} is made from str, not {given}: use from_units() for an int of units"
            )
        _set(self, _parse(text, self.scale))

    def __init_subclass__(cls, *, scale: int = 0) -> None:
        """Declare a type: `class Amount(Decimal, scale=2)`."""

    @classmethod
    def from_units(cls, units: int) -> Self:
        """Make the value of so many smallest units."""
        check_int("from_units", "units", units)
        made = object.__new__(cls)
        _set(made, units)
        return made

    def rescale(self, scale: int, rounding: str) -> "Decimal":
        """Give the value with another scale, rounded as named where decimals are lost."""
        check_int("rescale", "scale", scale)
        check_str("rescale", "rounding", rounding)
        kind = _DecimalType.of(scale)
        factor = 10 ** abs(scale - self.scale)
        if scale >= self.scale:
            divide(0, 1, rounding)
            made: Decimal = kind.from_units(self.units * factor)
        else:
            made = kind.from_units(divide(self.units, factor, rounding))
        return made

    def __add__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return self.from_units(self.units + other.units)

    def __sub__(self, other: Self) -> Self:
        if type(other) is not type(self):
            return NotImplemented
        return self.from_units(self.units - other.units)

    def __mul__(self, other: int) -> Self:
        if not isinstance(other, int):
            return NotImplemented
        return self.from_units(self.units * other)

    def __rmul__(self, other: int) -> Self:
        return self.__mul__(other)

    def __neg__(self) -> Self:
        return self.from_units(-self.units)

    def __pos__(self) -> Self:
        return self

    def __abs__(self) -> Self:
        return self.from_units(abs(self.units))

    def __bool__(self) -> bool:
        return self.units != 0

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Decimal) and type(other) is type(self) and other._is(self.units)

    def __lt__(self, other: Self) -> bool:
        return self.units < other.units if type(other) is type(self) else NotImplemented

    def __le__(self, other: Self) -> bool:
        return self.units <= other.units if type(other) is type(self) else NotImplemented

    def __gt__(self, other: Self) -> bool:
        return self.units > other.units if type(other) is type(self) else NotImplemented

    def __ge__(self, other: Self) -> bool:
        return self.units >= other.units if type(other) is type(self) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.scale, self.units))

    def __str__(self) -> str:
        sign = "-" if self.units < 0 else ""
        if self.scale == 0:
            return str(self.units)
        digits = str(abs(self.units)).rjust(self.scale + 1, "0")
        return f"{sign}{digits[: -self.scale]}.{digits[-self.scale :]}"

    def __repr__(self) -> str:
        return f"{type(self).__name__}('{self}')"

    def __format__(self, specification: str) -> str:
        """As text: width, fill and alignment."""
        return format(str(self), specification)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError("a decimal cannot be changed")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def _is(self, units: int) -> bool:
        return self.units == units


def _scaled(scale: int) -> Any:
    return _DecimalType.of(scale)


_scaled.__name__ = _scaled.__qualname__ = "Decimal"


def _set(decimal: Decimal, units: int) -> None:
    object.__setattr__(decimal, "units", capped(units))


def _parse(text: str, scale: int) -> int:
    if len(text) > LIMIT_TEXT:
        raise ValueError(f"a decimal has at most {LIMIT_TEXT} characters, this has {len(text)}")
    found = _TEXT.fullmatch(text)
    if found is None or len(found[3] or "") > scale:
        raise ValueError(
            f"{shown(text)} is no Decimal({scale}): "
            f"write digits with a point and at most {scale} decimals"
        )
    return int(found[1] + found[2] + (found[3] or "").ljust(scale, "0"))
