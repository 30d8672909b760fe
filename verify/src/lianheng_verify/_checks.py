"""Named checks: run all, remember each, raise the first that failed.

A check is a function that returns its sentence or raises `VerificationError`. All run, so that a
reader sees everything that is wrong, and one fault never hides behind another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lianheng_verify._errors import VerificationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


@dataclass(frozen=True, slots=True)
class Check:
    """One check that ran: its name, whether it passed, its sentence; if failed, code and hint."""

    name: str
    passed: bool
    text: str
    code: str = ""
    hint: str = ""


def run_checks(steps: Iterable[tuple[str, Callable[[], str]]]) -> tuple[Check, ...]:
    """Runs every step in order. Returns the checks; raises the first failure, with all checks."""
    checks: list[Check] = []
    for name, step in steps:
        try:
            checks.append(Check(name, passed=True, text=step()))
        except VerificationError as error:
            checks.append(
                Check(name, passed=False, text=error.message, code=error.code, hint=error.hint)
            )
    raise_first(tuple(checks))
    return tuple(checks)


def raise_first(checks: tuple[Check, ...]) -> None:
    """Raises the first failed check, carrying all."""
    for check in checks:
        if not check.passed:
            raise VerificationError(check.code, check.text, check.hint, checks=checks)
