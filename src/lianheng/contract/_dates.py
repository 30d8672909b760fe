"""Dates from block time: a date is the int of days since 1970-01-01, a moment the int of ms.

Ints compare, sort, are keys of tables and take `+ 30`, and need no type of their own on the wire.
The calendar is the proleptic Gregorian one, in UTC, from year 1 to 9999. A date or moment outside
of it is a ValueError.
"""

import re
from datetime import UTC, datetime, timedelta
from datetime import date as _date

from lianheng.contract._arguments import check_int, check_ints, check_str, shown

_EPOCH_ORDINAL = _date(1970, 1, 1).toordinal()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_MS = 86_400_000
_FIRST = 1 - _EPOCH_ORDINAL
_LAST = _date(9999, 12, 31).toordinal() - _EPOCH_ORDINAL
_YEARS = 9_999
_MONTHS = 12

_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_DATETIME = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{3}))?Z",
    re.ASCII,
)


def date(ms: int) -> int:
    """The UTC day of a moment: `date(self.now)`."""
    _check_moment("date", ms)
    return ms // _DAY_MS


def start_of_day(day: int) -> int:
    """The first moment of a day, in ms."""
    _check_day("start_of_day", "day", day)
    return day * _DAY_MS


def date_of(year: int, month: int, day: int) -> int:
    """The day of a calendar date."""
    check_ints("date_of", year=year, month=month, day=day)
    return _day_of(year, month, day)


def date_parts(day: int) -> tuple[int, int, int]:
    """Year, month and day of a date."""
    found = _calendar("date_parts", day)
    return found.year, found.month, found.day


def datetime_of(  # noqa: PLR0917  the parts of a moment
    year: int, month: int, day: int, hour: int, minute: int, second: int, millisecond: int
) -> int:
    """The moment of these parts, in ms; there are no leap seconds."""
    check_ints(
        "datetime_of",
        year=year,
        month=month,
        day=day,
        hour=hour,
        minute=minute,
        second=second,
        millisecond=millisecond,
    )
    return _moment_of(year, month, day, (hour, minute, second, millisecond))


def datetime_parts(ms: int) -> tuple[int, int, int, int, int, int, int]:
    """Year, month, day, hour, minute, second and millisecond of a moment."""
    _check_moment("datetime_parts", ms)
    at = _EPOCH + timedelta(milliseconds=ms)
    millisecond = at.microsecond // 1_000
    return at.year, at.month, at.day, at.hour, at.minute, at.second, millisecond


def days_between(first: int, last: int) -> int:
    """Days from one date to another; negative when `last` is the earlier."""
    _check_day("days_between", "first", first)
    _check_day("days_between", "last", last)
    return last - first


def add_months(day: int, months: int) -> int:
    """The same day of the month so many months on, or the month's last day where it is shorter.

    From 31 January, one month leads to 28 or 29 February; a month back from 31 March does too.
    """
    found = _calendar("add_months", day)
    check_int("add_months", "months", months)
    year, month = divmod(found.year * _MONTHS + found.month - 1 + months, _MONTHS)
    if not 1 <= year <= _YEARS:
        raise ValueError("add_months() leads outside of the years 1 to 9999")
    last = _days_in_month(year, month + 1)
    return _day_of(year, month + 1, min(found.day, last))


def end_of_month(day: int) -> int:
    """The last day of the month that a date lies in."""
    found = _calendar("end_of_month", day)
    return _day_of(found.year, found.month, _days_in_month(found.year, found.month))


def iso_weekday(day: int) -> int:
    """The weekday as ISO 8601 counts: 1 is Monday, 7 is Sunday."""
    return _calendar("iso_weekday", day).isoweekday()


def quarter(day: int) -> int:
    """The quarter of the year, 1 to 4."""
    return (_calendar("quarter", day).month + 2) // 3


def is_leap_year(year: int) -> bool:
    """Say whether a year has 29 February."""
    check_int("is_leap_year", "year", year)
    _check_part("year", year, 1, _YEARS)
    return _days_in_month(year, 2) == 29  # noqa: PLR2004


def format_date(day: int) -> str:
    """A date in ISO 8601: "2026-03-01"."""
    return _calendar("format_date", day).isoformat()


def parse_date(text: str) -> int:
    """The day that "2026-03-01" names; ValueError for any other form."""
    check_str("parse_date", "text", text)
    found = _DATE.fullmatch(text)
    if found is None:
        raise ValueError(f"{shown(text)} is no date: write it as 2026-03-01")
    year, month, day = (int(part) for part in found.groups())
    return _day_of(year, month, day)


def format_datetime(ms: int) -> str:
    """A moment in ISO 8601, in UTC with milliseconds: "2026-03-01T12:00:00.000Z"."""
    _check_moment("format_datetime", ms)
    at = _EPOCH + timedelta(milliseconds=ms)
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def parse_datetime(text: str) -> int:
    """The moment that "2026-03-01T12:00:00Z" names, with or without milliseconds, in ms."""
    check_str("parse_datetime", "text", text)
    found = _DATETIME.fullmatch(text)
    if found is None:
        raise ValueError(f"{shown(text)} is no moment: write it as 2026-03-01T12:00:00.000Z")
    year, month, day, *rest = (int(part or 0) for part in found.groups())
    hour, minute, second, millisecond = rest
    return _moment_of(year, month, day, (hour, minute, second, millisecond))


def _check_moment(function: str, ms: int) -> None:
    check_int(function, "ms", ms)
    if not _FIRST * _DAY_MS <= ms < (_LAST + 1) * _DAY_MS:
        raise ValueError(f"{function}() argument 'ms' is {ms}, outside of the years 1 to 9999")


def _check_day(function: str, name: str, day: int) -> None:
    check_int(function, name, day)
    if not _FIRST <= day <= _LAST:
        raise ValueError(f"{function}() argument '{name}' is {day}, outside of the years 1 to 9999")


def _calendar(function: str, day: int) -> _date:
    _check_day(function, "day", day)
    return _date.fromordinal(day + _EPOCH_ORDINAL)


def _check_part(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise ValueError(f"{name} is {value}, outside of {least} to {most}")


def _days_in_month(year: int, month: int) -> int:
    following = _date(year, month, 28) + timedelta(days=4) if (year, month) != (9999, 12) else None
    return 31 if following is None else (following - timedelta(days=following.day)).day


def _day_of(year: int, month: int, day: int) -> int:
    _check_part("year", year, 1, _YEARS)
    _check_part("month", month, 1, _MONTHS)
    _check_part("day", day, 1, _days_in_month(year, month))
    return _date(year, month, day).toordinal() - _EPOCH_ORDINAL


def _moment_of(year: int, month: int, day: int, clock: tuple[int, int, int, int]) -> int:
    found = _day_of(year, month, day)
    hour, minute, second, millisecond = clock
    _check_part("hour", hour, 0, 23)
    _check_part("minute", minute, 0, 59)
    _check_part("second", second, 0, 59)
    _check_part("millisecond", millisecond, 0, 999)
    return ((found * 24 + hour) * 60 + minute) * 60_000 + second * 1_000 + millisecond
