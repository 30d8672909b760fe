"""Who must sign each change of a row: the parties that its record's `signatories` name."""

from collections.abc import Iterable

from lianheng.contract._errors import Stopped
from lianheng.contract._records import Record, RecordType
from lianheng.contract._state import State
from lianheng.contract._types import Choice, Type

_SHOWN = 100  # characters of a name in a message
_ESCAPES = {"\\": "\\\\", "'": "\\'", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def check_parties(old: object, new: object, state: State) -> None:
    """Raise `Stopped` unless all signatories of the row before and of the row after signed.

    In a migration those need not who are signatories of both, and a new row takes the place of one
    with the same signatories that was drained: a change of layout changes nobody's part.
    """
    before, after = _signatories(old), _signatories(new)
    migration = state.migration
    if migration is not None and not isinstance(old, Record) and migration.returned(after):
        return
    unchanged = before & after if migration is not None else frozenset()
    for party in sorted((before | after) - unchanged):
        if not has_signed(party, state):
            record = old if isinstance(old, Record) else new
            signed = " and ".join(member for member, _ in state.signed)
            message = f"changes only if '{shown(party)}' signs; signed by {signed}"
            raise Stopped("policy.signatory", f"{type(record).__name__} {message}")


def has_signed(party: str, state: State) -> bool:
    """Whether a member signed, or any member of an organisation."""
    return any(party == (who[0] if "@" in party else who[1]) for who in state.signed)


def may_have_parties(declared: Type) -> bool:
    """Whether values of a type can be records that somebody must sign, or is told of."""
    if isinstance(declared, Choice):
        return any(map(may_have_parties, declared.choices))
    return isinstance(declared, RecordType) and _named(declared.of)


def _named(record: type) -> bool:
    below: list[type] = record.__subclasses__()
    own = getattr(record, "signatories", ()) or getattr(record, "observers", ())
    return bool(own) or any(map(_named, below))


def _signatories(row: object) -> frozenset[str]:
    if not isinstance(row, Record):
        return frozenset()
    return parties_in(getattr(row, field) for field in type(row).signatories)


def parties_in(values: Iterable[object]) -> frozenset[str]:
    """The names in the fields of a row: a text, several, or none."""
    found: set[str] = set()
    for value in values:
        if isinstance(value, str):
            found.add(value)
        elif isinstance(value, list | tuple):
            found.update(name for name in value if isinstance(name, str))
    return frozenset(found)


def shown(party: str) -> str:
    """As the VM writes it: quotes and what cannot be printed escaped, cut at `_SHOWN`."""
    return "".join(
        _ESCAPES.get(sign) or (sign if sign.isprintable() else f"\\u{{{ord(sign):x}}}")
        for sign in party
    )[:_SHOWN]
