"""Errors of the verifier.

    VerificationError       the file was read; something in it does not hold
    └── UnreadableError     the bytes are no file of this kind, or the file cannot be read

Each has a stable `code`. A wrong call (a wrong type) is an ordinary TypeError.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianheng_verify._checks import Check


class VerificationError(Exception):
    """Something does not verify.

    `code` is stable (`signature.bad`), `message` says what was found, `hint` what to do, and
    `checks` lists every check that ran, those that passed included.
    """

    def __init__(
        self, code: str, message: str, hint: str = "", *, checks: tuple[Check, ...] = ()
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.hint = hint
        self.checks = checks


class UnreadableError(VerificationError):
    """The bytes are not what they should be: cut off, not canonical, of another format."""
