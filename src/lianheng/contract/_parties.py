"""Who must sign each change of a row: the parties that its record's `signatories` name."""

from lianheng.contract._errors import Stopped
from lianheng.contract._records import Record
from lianheng.contract._state import State

_SHOWN = 100  # characters of a name in a message
_ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def check_parties(old: object, new: object, state: State) -> None:
    """Raise `Stopped` unless all signatories of the row before and of the row after signed."""
    for party in sorted(_signatories(old) | _signatories(new)):
        if not any(party == (who[0] if "@" in party else who[1]) for who in state.signed):
            record = old if isinstance(old, Record) else new
            signed = " and ".join(member for member, _ in state.signed)
            message = f"changes only if '{_shown(party)}' signs; signed by {signed}"
            raise Stopped("policy.signatory", f"{type(record).__name__} {message}")


def _signatories(row: object) -> set[str]:
    if not isinstance(row, Record):
        return set()
    found: set[str] = set()
    for field in type(row).signatories:
        value = getattr(row, field)
        if isinstance(value, str):
            found.add(value)
        elif value is not None:
            found.update(value)
    return found


def _shown(party: str) -> str:
    """As the VM writes it: quotes and what cannot be printed escaped, cut at `_SHOWN`."""
    return "".join(
        _ESCAPES.get(sign) or (sign if sign.isprintable() else f"\\u{{{ord(sign):x}}}")
        for sign in party
    )[:_SHOWN]
