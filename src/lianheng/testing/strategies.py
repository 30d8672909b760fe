"""Hypothesis strategies from what a contract declares, and a state machine that calls it at random.

    from lianheng.testing.strategies import ledger_machine

    TestToolshed = ledger_machine("toolshed.py", members={"alice@north": ["operator"]}).TestCase

Where the contract declares timers, time passes between steps, so that they run.

Each step calls a random method with random arguments as random members, on both engines; after
each, every `@invariant` of the contract must hold. A refusal (`Rejected`, a policy) is a normal end
of a step; an error that the contract did not foresee fails the test, unless `allowed` names it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lianheng.contract.declared import (
    Anything,
    Choice,
    Dict,
    Fixed,
    Items,
    Member,
    RecordType,
    Scalar,
    Scaled,
    Type,
)
from lianheng.contract.twin import Program, load
from lianheng.model import CallFailed, CallRefused
from lianheng.testing._fixture import LedgerFixture

SMALL = 12
"""Small numbers and few names, so that random calls meet the same rows."""

NAMES = ("a", "b", "c", "north", "south")
DEFAULT_MEMBERS: Mapping[str, Sequence[str]] = {
    "alice@north": ("operator",),
    "bob@south": ("operator",),
}
FORESEEN = frozenset({"contract.rejected", "policy.denied"})
"""Codes of refusals that a contract means."""

SPANS_MS = (1, SMALL, 1_000, 3_600_000, 86_400_000, 30 * 86_400_000)
"""Spans by which time passes, ms: next to small numbers of arguments, and far beyond them."""

MAX_ITEMS = 4
"""Items of a random list: enough for one, none and several."""


def integers(low: int | None = None, high: int | None = None) -> st.SearchStrategy[int]:
    """Whole numbers within bounds; without them small ones, and now and then very large ones."""
    if low is not None or high is not None:
        return st.integers(low, high)
    return st.one_of(st.integers(-1, SMALL), st.integers(-(2**70), 2**70))


def names(known: Sequence[str] = NAMES) -> st.SearchStrategy[str]:
    """Mostly a few known texts, so that calls meet; sometimes any text that the ledger stores."""
    any_text = st.text(st.characters(codec="utf-8"), max_size=8)
    return st.one_of(st.sampled_from(known), st.sampled_from(known), any_text)


def values(  # noqa: PLR0911 - one for each kind of type
    declared: Type, known: Sequence[str] = NAMES
) -> st.SearchStrategy[Any]:
    """Arguments of a declared type, as a caller sends them: records as maps, enums by value."""
    match declared:
        case Scalar(of):
            return _scalar(of, known)
        case Items(of, item):
            return st.nothing() if of is set else st.lists(values(item, known), max_size=MAX_ITEMS)
        case Fixed(items):
            return st.tuples(*(values(item, known) for item in items)).map(list)
        case Dict(key, item):
            return st.dictionaries(_keys(key, known), values(item, known), max_size=MAX_ITEMS)
        case Choice(choices):
            return st.one_of(*(values(choice, known) for choice in choices))
        case Member(of):
            return st.sampled_from([member.value for member in of])
        case Scaled():
            return integers()
        case RecordType(of):
            return records(of, known)
        case Anything():
            return st.one_of(st.none(), integers(), names(known))
    raise TypeError(f"{declared} is no declared type")


def records(record: type, known: Sequence[str] = NAMES) -> st.SearchStrategy[dict[str, Any]]:
    """Records of a class, as maps of their fields; fields with a default may be missing."""
    declared: RecordType = record._declared_type  # type: ignore[attr-defined]  # noqa: SLF001
    needed = {
        name: st.deferred(lambda field=field: values(field, known))  # type: ignore[misc]
        for name, field in declared.fields.items()
        if not hasattr(record, name)
    }
    optional = {
        name: st.deferred(lambda field=field: values(field, known))  # type: ignore[misc]
        for name, field in declared.fields.items()
        if hasattr(record, name)
    }
    return st.fixed_dictionaries(needed, optional=optional)


def enums(members: type[Enum]) -> st.SearchStrategy[Any]:
    """Values of an enum of the contract."""
    return st.sampled_from([member.value for member in members])


def arguments(
    program: Program,
    method: str,
    *,
    given: Mapping[str, st.SearchStrategy[Any]] | None = None,
    known: Sequence[str] = NAMES,
) -> st.SearchStrategy[dict[str, Any]]:
    """Arguments of a call or view; `given` replaces what is made from a parameter's type."""
    own = given or {}
    declared = program.parameters[method]

    def made(name: str) -> st.SearchStrategy[Any]:
        return own[name] if name in own else values(declared[name].type, known)

    needed = {name: made(name) for name, p in declared.items() if p.required}
    optional = {name: made(name) for name, p in declared.items() if not p.required}
    return st.fixed_dictionaries(needed, optional=optional)


def ledger_machine(
    file: str | Path,
    *,
    members: Mapping[str, Sequence[str]] = DEFAULT_MEMBERS,
    given: Mapping[str, st.SearchStrategy[Any]] | None = None,
    known: Sequence[str] = (),
    allowed: Collection[str] = (),
    beside: Sequence[str | Path] = (),
    begin: Callable[[Any], None] | None = None,
) -> type[RuleBasedStateMachine]:
    """A state machine over a contract file, for Hypothesis; its `TestCase` is what pytest runs.

    `members` and their roles call; `given` has strategies by `method.argument` or `argument`;
    `known` are texts that arguments are mostly taken from; `allowed` are codes and reasons of
    failures that are no defect, beside refusals; `beside` are files of contracts that this one
    uses, deployed before it and under their own names, whose invariants must hold as well; `begin`
    makes the first calls.
    """
    path = Path(file)
    program = load(path.read_text(encoding="utf-8"), path.name, str(path.resolve()))
    texts = tuple(dict.fromkeys([*(known or NAMES), *_organisations(members)]))
    normal = FORESEEN | frozenset(allowed)
    calls = [name for name, declared in program.entries.items() if declared.kind == "call"]
    views = [name for name, declared in program.entries.items() if declared.kind == "view"]

    class Machine(RuleBasedStateMachine):
        """Random calls and views of one contract."""

        def __init__(self) -> None:
            super().__init__()
            self.ledger = LedgerFixture(path.parent)
            for member, roles in members.items():
                self.ledger.member(member, roles=roles)
            self.others = [self.ledger.deploy(Path(file).resolve()) for file in beside]
            self.contract = self.ledger.deploy(path.resolve())

        @initialize()
        def begin(self) -> None:
            if begin is not None:
                begin(self.contract)

        @invariant()
        def invariants_hold(self) -> None:
            for contract in (*self.others, self.contract):
                contract.check_invariants()

        def teardown(self) -> None:
            self.ledger.close()

    def adder(method: str) -> Callable[..., None]:
        own = _given(given or {}, method, program)
        is_call = method in calls
        signers = st.lists(st.sampled_from(sorted(members)), min_size=1, max_size=2, unique=True)

        def step(self: Machine, signers: list[str], arguments: dict[str, Any]) -> None:
            caller = self.contract.as_(*(signers if is_call else signers[:1]))
            try:
                getattr(caller, method)(**arguments)
            except CallFailed as failure:
                expected = {failure.code, getattr(failure, "reason", None)} & normal
                if not expected or not isinstance(failure, CallRefused):
                    raise

        step.__name__ = method
        declared = arguments(program, method, given=own, known=texts)
        return rule(signers=signers, arguments=declared)(step)

    rules = {f"do_{method}": adder(method) for method in [*calls, *views]}
    rules |= _passing(program)
    machine: Any = type(f"{program.contract.__name__}Machine", (Machine,), rules)
    # Explaining a failure runs it some hundred times more; its calls say enough.
    machine.TestCase.settings = settings(
        machine.TestCase.settings, phases=[phase for phase in Phase if phase is not Phase.explain]
    )
    return machine  # type: ignore[no-any-return]


def _passing(program: Program) -> dict[str, Callable[..., None]]:
    """The rule by which time passes, where the contract declares timers."""
    if not program.timers:
        return {}

    def time_passes(self: Any, span: int) -> None:
        self.ledger.at(int(self.ledger.time) + span)

    return {"time_passes": rule(span=st.sampled_from(SPANS_MS))(time_passes)}


def _scalar(of: type, known: Sequence[str]) -> st.SearchStrategy[Any]:
    made: dict[type, st.SearchStrategy[Any]] = {
        int: integers(),
        str: names(known),
        bool: st.booleans(),
        bytes: st.binary(max_size=8),
    }
    return made.get(of, st.none())


def _keys(declared: Type, known: Sequence[str]) -> st.SearchStrategy[Any]:
    # The encoder takes whole numbers of 64 bits as keys of maps, and texts.
    if declared == Scalar(int):
        return st.integers(-SMALL, SMALL)
    return values(declared, known)


def _organisations(members: Mapping[str, Sequence[str]]) -> list[str]:
    return [member.partition("@")[2] for member in members]


def _given(
    given: Mapping[str, st.SearchStrategy[Any]], method: str, program: Program
) -> dict[str, st.SearchStrategy[Any]]:
    found = {}
    for name in program.parameters[method]:
        for key in (f"{method}.{name}", name):
            if key in given:
                found[name] = given[key]
                break
    return found
