"""How a contract refuses a call: a stable code for programs, a sentence for people."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NoReturn

_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Rejected(Exception):  # noqa: N818  the word that contracts, receipts and docs use
    """The contract refuses the call; the state stays as it was.

    `code` is stable (a lower-case word of at most 64 characters); `message` says what was wrong.
    A code of another form is a ValueError, because programs match on it; no text a TypeError.
    """

    code: str
    message: str

    def __init__(self, code: str, message: str = "") -> None:
        """Keep both parts, so that a test or a client can match on the code."""
        if type(code) is not str or type(message) is not str:
            raise TypeError("the code and the message of a refusal are texts")
        if not _CODE.fullmatch(code):
            raise ValueError(f"{code!r} is no code: write a lower-case word such as 'not_holder'")
        super().__init__(code, message)
        self.code = code
        self.message = message

    def __str__(self) -> str:
        return f"{self.code}: {self.message}" if self.message else self.code


class Stopped(BaseException):
    """What no contract can catch: the VM ends the call here, with this code."""

    def __init__(self, code: str, message: str) -> None:
        """`code` is the ledger's, such as `view.write`."""
        super().__init__(code, message)
        self.code = code
        self.message = message
        if (inside := _INSIDE.get()) is not None:
            inside.append(self)


_INSIDE: ContextVar[list[Stopped] | None] = ContextVar("lianheng_stopped", default=None)


@contextmanager
def every_stop() -> Iterator[list[Stopped]]:
    """Every `Stopped` that is made inside, in order.

    A `finally` of the contract may hide one by another error, `return`, or `break`: in the VM the
    call ended before it.
    """
    inside: list[Stopped] = []
    token = _INSIDE.set(inside)
    try:
        yield inside
    finally:
        _INSIDE.reset(token)


def require(condition: object, code: str, message: str = "") -> None:
    """Go on only if `condition` holds; otherwise raise `Rejected(code, message)`."""
    if not condition:
        _refuse(code, message)


def _refuse(code: str, message: str) -> NoReturn:
    raise Rejected(code, message)
