# ruff: noqa: N818 - `except Busy` says what happened; a suffix on each would say nothing
"""What can go wrong, as one tree. Every error has a stable code, a sentence and what to do.

    LianhengError
    ├── UsageError            the caller asked for something that cannot be
    │   ├── InvalidValue      a name, id or value is not well formed
    │   ├── NotFound          nothing has this name or id
    │   └── Ambiguous         an abbreviation fits several ids
    ├── IdentityError         a key file is missing, locked or damaged
    ├── LedgerError           the ledger itself cannot do it
    │   ├── Busy              the queue is full; come back after `retry_after_ms`
    │   ├── TimedOut          not final yet; it still may become final
    │   ├── Held              another process has this ledger open
    │   ├── ClockError        the clock cannot be trusted, so nothing is confirmed
    │   ├── Damaged           stored bytes are not what was written
    │   └── Stopped           the ledger was closed, or an earlier failure stopped it
    ├── NodeError             the node or its socket does not answer as it should
    └── CallFailed            raised only where a caller asks for it (`Result.checked`)
        ├── CallRefused       ordered and refused: state unchanged, the id is burnt
        └── CallDropped       never ordered: the id is still free

A refused or dropped transaction is an answer, not an error of the ledger: `Ledger.call` returns
it as a `Result`. Codes are `namespace.word`; they never change once released.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lianheng import _native


class LianhengError(Exception):
    """Base of all errors. `code` is stable, `hint` says what to do, `details` names values."""

    def __init__(self, code: str, message: str, hint: str = "", **details: Any) -> None:
        """Details are plain values (text, int, bytes, lists of them) that a program may read."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        """One line: code, sentence, what to do."""
        return f"{self.code}: {self.message}" + (f" ({self.hint})" if self.hint else "")


class UsageError(LianhengError):
    """The caller asked for something that cannot be."""


class InvalidValue(UsageError):
    """A name, id or value is not well formed."""


class NotFound(UsageError):
    """Nothing has this name or id."""


class Ambiguous(UsageError):
    """An abbreviation fits several ids; `details["candidates"]` lists some."""


class IdentityError(LianhengError):
    """A key file is missing, locked or damaged."""


class LedgerError(LianhengError):
    """The ledger itself cannot do it."""


class Busy(LedgerError):
    """The queue is full. `retry_after_ms` is an estimate of when there is room again."""

    @property
    def retry_after_ms(self) -> int:
        """Milliseconds to wait before the next try."""
        return int(self.details.get("retry_after_ms", 0))


class TimedOut(LedgerError):
    """Not final within the time given. It may still become final until it expires."""


class Held(LedgerError):
    """Another process has this ledger open; the message names it."""


class ClockError(LedgerError):
    """The clock cannot be trusted, so nothing is confirmed."""


class Damaged(LedgerError):
    """Stored bytes are not what was written; nothing is served from them."""


class Stopped(LedgerError):
    """The ledger was closed, or an earlier failure stopped it."""


class NodeError(LianhengError):
    """The node or its socket does not answer as it should."""


class CallFailed(LianhengError):
    """A call did not succeed; `reason`, `file` and `line` are in `details` where known."""

    @property
    def reason(self) -> str | None:
        """The contract's own code (`not_holder`), or the name of the exception."""
        value = self.details.get("reason")
        return None if value is None else str(value)


class CallRefused(CallFailed):
    """Ordered and refused: state unchanged, the id is burnt."""


class CallDropped(CallFailed):
    """Never ordered: the id is still free."""


# Longest match on the code decides the class, so that an unknown code still lands well.
_BY_PREFIX: tuple[tuple[str, type[LianhengError]], ...] = (
    ("store.locked", Held),
    ("store.ahead_of_log", Damaged),
    ("store.corrupt", Damaged),
    ("log.corrupt", Damaged),
    ("tree.corrupt", Damaged),
    ("ledger.missing", NotFound),
    ("ledger.exists", UsageError),
    ("ledger.submission_too_large", UsageError),
    ("ledger.busy", Busy),
    ("ledger.timed_out", TimedOut),
    ("ledger.stopped", Stopped),
    ("ledger.closed", Stopped),
    ("dropped.", CallDropped),
    ("policy.", CallRefused),
    ("contract.", CallRefused),
    ("call.", CallRefused),
    ("gas.", CallRefused),
    ("limit.", CallRefused),
    ("state.", CallRefused),
    ("cbor.", InvalidValue),
    ("cose.", InvalidValue),
    ("key.", InvalidValue),
    ("id.not_found", NotFound),
    ("id.ambiguous", Ambiguous),
    ("id.", InvalidValue),
    ("name.", InvalidValue),
    ("value.", InvalidValue),
    ("genesis.", InvalidValue),
    ("format.", InvalidValue),
    ("anchor.", InvalidValue),
    ("transaction.", InvalidValue),
    ("identity.", IdentityError),
    ("clock.", ClockError),
    ("node.", NodeError),
    ("cometbft.", NodeError),
    ("consensus.", NodeError),
    ("chain.diverged", Damaged),
    ("chain.closed", Stopped),
    ("envelope.", InvalidValue),
    ("seal.", LedgerError),
    ("usage.", UsageError),
)
_NOT_FOUND_WORDS = ("not_found", "unknown", "no_such")


def error_for(code: str, message: str, hint: str = "", **details: Any) -> LianhengError:
    """The error of the tree that stands for this code; used for the core's and a node's errors."""
    matches = [pair for pair in _BY_PREFIX if code.startswith(pair[0])]
    if matches:
        kind = max(matches, key=lambda pair: len(pair[0]))[1]
    elif any(word in code for word in _NOT_FOUND_WORDS):
        kind = NotFound
    else:
        kind = LedgerError
    return kind(code, message, hint, **details)


@contextmanager
def native_errors() -> Iterator[None]:
    """Turn a failure of the core into the error of the tree with the same code."""
    try:
        yield
    except _native.NativeError as failure:
        details = {} if failure.field is None else {"field": failure.field}
        raise error_for(failure.code, failure.message, failure.hint or "", **details) from failure
