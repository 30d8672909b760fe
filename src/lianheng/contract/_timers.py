"""Timers under CPython: what waits for its moment, in the order in which a block runs it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lianheng.contract._arguments import check_int, wrong_type
from lianheng.contract._errors import Stopped
from lianheng.contract._types import Type, to_plain
from lianheng.model import decode, encode, limits

DEFAULT_GAS = 200_000
"""Gas that a timer may use where `due` does not say."""

LATEST_MS = 253_402_300_799_999
"""Latest moment of a timer, ms since 1970: the end of the year 9999."""

ARGUMENT_BYTES = 16 * 1024
"""Arguments of a timer, in bytes."""


@dataclass(frozen=True, slots=True)
class Timer:
    """One that waits; its arguments are the canonical map."""

    number: int
    at: int
    method: str
    arguments: bytes
    gas: int

    @property
    def values(self) -> Mapping[str, Any]:
        """The arguments as plain values."""
        found: Mapping[str, Any] = decode(self.arguments)
        return found


class Timers:
    """Timers of one contract. Changes since the last `keep` can be taken back."""

    def __init__(self) -> None:
        """None waits, none was made."""
        self._count = 0
        self._waiting: dict[int, Timer] = {}
        self._before: tuple[int, dict[int, Timer]] | None = None

    def make(self, at: int, method: str, arguments: bytes, gas: int) -> int:
        """Keep a timer; gives its number."""
        self._remember()
        self._count += 1
        self._waiting[self._count] = Timer(self._count, at, method, arguments, gas)
        return self._count

    def remove(self, number: int) -> bool:
        """Remove a timer; whether it waited."""
        if number not in self._waiting:
            return False
        self._remember()
        del self._waiting[number]
        return True

    def waiting(self) -> list[Timer]:
        """All that wait, in the order in which they fall due."""
        return sorted(self._waiting.values(), key=lambda timer: (timer.at, timer.number))

    def keep(self) -> None:
        """Make the changes last."""
        self._before = None

    def undo(self) -> None:
        """Take back every change since the last `keep`."""
        if self._before is not None:
            self._count, self._waiting = self._before
            self._before = None

    def copy(self) -> "Timers":
        """The same timers, for a snapshot."""
        other = Timers()
        other._count, other._waiting = self._count, dict(self._waiting)
        return other

    def _remember(self) -> None:
        if self._before is None:
            self._before = self._count, dict(self._waiting)


def check_moment(at: object, now: int) -> int:
    """Give the moment; TypeError for no int, ValueError unless it lies after now."""
    check_int("due", "at", at)
    moment = int(at)  # type: ignore[call-overload]
    if moment > LATEST_MS:
        raise ValueError(f"due() lies at {moment}, beyond the year 9999")
    if moment <= now:
        raise ValueError(f"due() lies at {moment}, not after now, {now}")
    return moment  # type: ignore[no-any-return]


def check_gas(gas: object, most: int = limits.TIMER_GAS) -> int:
    """Give the gas; TypeError for no int, ValueError outside of what a timer may carry."""
    check_int("due", "gas", gas)
    amount = int(gas)  # type: ignore[call-overload]
    if not 1 <= amount <= most:
        raise ValueError(f"due() takes 1 to {most} gas, not {amount}")
    return amount  # type: ignore[no-any-return]


def encoded_arguments(types: Mapping[str, Type], arguments: Mapping[str, object]) -> bytes:
    """The canonical map of a timer's arguments; TypeError where one is of another type."""
    plain = {}
    for name, value in arguments.items():
        declared = types.get(name)
        if declared is None:
            raise TypeError(f"due() got an unexpected keyword argument '{name}'")
        if not declared.conforms(value):
            raise wrong_type("due", name, str(declared), value)
        plain[name] = to_plain(value)
    parts = sum(len(encode(name)) + len(encode(value)) for name, value in plain.items())
    if parts > ARGUMENT_BYTES:
        message = f"a timer's arguments have {parts} bytes, at most {ARGUMENT_BYTES}"
        raise Stopped("limit.timer", message)
    return encode(plain)
