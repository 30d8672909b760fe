"""Whether a contract offers what another one's interface says of it, under CPython.

The same rules, and the same words, as the core's (rust/vm/src/bind.rs, rust/engine/src/callers.rs).
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields

from lianheng.contract._contracts import uses
from lianheng.contract._interfaces import Expected, Use
from lianheng.contract._load import Program
from lianheng.contract._policy import admits
from lianheng.contract._records import Event, RecordType
from lianheng.contract._types import Anything, Choice, Dict, Fixed, Items, Member, Type

Source = tuple[Program, str]
"""A loaded contract, and its source."""


@dataclass(frozen=True)
class Broken:
    """A method of an interface that fits the old source of a contract and not the new one."""

    contract: str
    attribute: str
    interface: str
    method: str
    """Empty where the whole contract is meant."""
    why: str


def broken_callers(
    name: str, old: Source, new: Source, others: Mapping[str, Program]
) -> list[Broken]:
    """The calls of other contracts that an upgrade of the contract `name` would leave unfit."""
    found = []
    for own, caller in sorted(others.items()):
        for attribute, use in uses(caller.contract).items():
            if use.contract != name or own == name:
                continue
            before = dict(_failures(own, use, old))
            found += [
                Broken(own, attribute, use.interface.__name__, method, why)
                for method, why in _failures(own, use, new)
                if method not in before
            ]
    return found


def _failures(own: str, use: Use, callee: Source) -> Iterator[tuple[str, str]]:
    program, source = callee
    runs = hashlib.sha256(source.encode()).hexdigest()
    if use.source is not None and use.source != runs:
        yield "", f"the contract uses source {use.source} of {use.contract}, which runs {runs}"
        return
    names = [name for name, found in vars(use.interface).items() if hasattr(found, "_lianheng")]
    unfit = {}
    for name in names:
        if why := _misfit(use.expected(name), program):
            unfit[name] = why
    yield from unfit.items()
    for name in names:
        declared = program.entries.get(name)
        if declared is None or name in unfit or use.expected(name).view:
            continue
        policy = declared.by or "FORBIDDEN"
        if not admits(policy, own):
            yield name, f"{name}: its policy `{policy}` lets no call of {own} in"


def _misfit(expected: Expected, callee: Program) -> str | None:
    name = expected.name
    declared = callee.entries.get(name)
    if declared is None:
        return f"it has no method {name}"
    if expected.view != (declared.kind == "view"):
        kinds = {True: "a view", False: "a call"}
        given, wanted = kinds[not expected.view], kinds[expected.view]
        return f"{name}: it is {given}, the interface says {wanted}"
    why = _unfit_argument(expected, callee) or _unfit_result(expected, callee)
    return None if why is None else f"{name}: {why}"


def _unfit_argument(expected: Expected, callee: Program) -> str | None:
    taken = callee.parameters[expected.name]
    for argument, sent in expected.types.items():
        if argument not in taken:
            return f"it has no parameter {argument}"
        if not _Reader().reads(sent, taken[argument].type):
            return f"{argument} is {taken[argument].type}, the interface says {sent}"
    for argument, parameter in taken.items():
        if parameter.required and argument not in expected.types:
            return f"it needs {argument}, which the interface lacks"
    return None


def _unfit_result(expected: Expected, callee: Program) -> str | None:
    given = callee.returns[expected.name]
    if _Reader().reads(given, expected.returns):
        return None
    return f"it gives {given}, the interface says {expected.returns}"


class _Reader:
    """Whether what one program writes can be read by another."""

    def __init__(self) -> None:
        self._seen: set[tuple[type, type]] = set()

    def reads(self, written: Type, read: Type) -> bool:
        """Each value of `written`, encoded, is a value of `read`."""
        if isinstance(written, Choice) and not isinstance(read, Anything):
            return all(self.reads(choice, read) for choice in written.choices)
        match written, read:
            case _, Anything():
                return True
            case _, Choice(choices):
                return any(self.reads(written, choice) for choice in choices)
            case RecordType(), RecordType():
                return self._record(written, read)
            case Member(), Member():
                known = {(type(member.value), member.value) for member in read.of}
                return all((type(member.value), member.value) in known for member in written.of)
        return self._container(written, read)

    def _container(self, written: Type, read: Type) -> bool:
        match written, read:
            case Items(of, item), Items(other_of, other) if of is not set:
                return of is other_of and self.reads(item, other)
            case Fixed(items), Fixed(others):
                pairs = zip(items, others, strict=False)
                return len(items) == len(others) and all(self.reads(*pair) for pair in pairs)
            case Dict(key, item), Dict(other_key, other):
                return self.reads(key, other_key) and self.reads(item, other)
        return written == read

    def _record(self, written: RecordType, read: RecordType) -> bool:
        if issubclass(written.of, Event) != issubclass(read.of, Event):
            return False
        if (written.of, read.of) in self._seen:
            return True
        self._seen.add((written.of, read.of))
        known, wanted = written.fields, read.fields
        taken = all(n in wanted and self.reads(kind, wanted[n]) for n, kind in known.items())
        given = (field.name in known or field.default is not MISSING for field in fields(read.of))
        return taken and all(given)
