"""Random calls by random members, on both engines: what the contract promises holds after each."""

from random import Random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from tests.packs.case.cast import (
    ANN,
    ASKED,
    AUDIT,
    BOB,
    DAY,
    OTHER,
    PAPER,
    PERMIT,
    REG,
    ROLES,
    permit,
)

from blocks import CASE
from lianheng.model import CallRefused
from lianheng.testing.strategies import ledger_machine

JUDGES = {**ROLES, "jo@board-a": ["inspector", "judge"], "al@north": ["inspector", "judge"]}
NOW = 1_767_225_600_000  # the fixture's first day
NAMES = [each["name"] for each in PERMIT["transitions"]]
ACTS = {act: [each["name"] for each in PERMIT["transitions"] if each["act"] in kinds]
        for act, kinds in (
            ("decide", ["decide"]), ("proceed", ["request", "withdraw", "appeal"]),
            ("escalate", ["escalate"]))}  # fmt: skip


def begin(case: Any) -> None:
    for procedure in (PERMIT, AUDIT):
        case.as_(REG).declare(procedure)
    case.as_(ANN).open("p1", "permit", 1, ASKED)
    case.as_(BOB).open("p2", "permit", 1, ASKED)


machine: Any = ledger_machine(
    CASE,
    members=JUDGES,
    given={
        "id": st.sampled_from(["p1", "p1", "p2", "p3"]),
        **{f"{act}.transition": st.sampled_from([*names, NAMES[0]]) for act, names in ACTS.items()},
        "round": st.integers(1, 5),
        "due": st.integers(NOW, NOW + 200 * DAY),
        "open.procedure": st.sampled_from(["permit", "audit"]),
        "version": st.integers(1, 2),
        "declare.procedure": st.sampled_from([permit(version=2), permit(start="asked")]),
        "evidence": st.lists(st.sampled_from([PAPER, OTHER]), max_size=2),
        "comment": st.sampled_from(["", OTHER]),
        "subject": st.just(ASKED),
        "code": st.sampled_from(["audit", "nothing"]),
        "state": st.sampled_from(["filed", "granted"]),
    },
    allowed=["KeyError"],  # a case, procedure or version that is not there
    begin=begin,
)


def attempt(caller: Any, name: str, *arguments: Any) -> None:
    """Make a call that the contract may refuse, but must not fail in."""
    try:
        getattr(caller, name)(*arguments)
    except CallRefused as refused:
        if refused.code != "contract.rejected":
            raise


class Remembering(machine):  # type: ignore[misc]
    """Looks at cases over time, and lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Any] = {}
        self.told: dict[str, list[Any]] = {}

    @rule(dice=st.randoms(use_true_random=False))
    def likely(self, dice: Random) -> None:
        """A transition that leaves the present state, by somebody, so that walks get somewhere."""
        self.a_record_only_grows_and_a_closed_case_rests()
        open_cases = [each for each in self.seen.values() if not each.closed]
        if open_cases:
            case = dice.choice(open_cases)
            rules = self.contract.procedure(case.procedure, case.version)
            move = dice.choice([each for each in rules.transitions if each.source == case.state])
            fit = [who for who, roles in JUDGES.items() if not move.role or move.role in roles]
            requester = ANN if case.requester == "north" else BOB
            who = dice.choice(fit) if move.act == "decide" else requester
            call = move.act if move.act in ("decide", "escalate") else "proceed"
            attempt(self.contract.as_(who), call, case.id, move.name, case.round, [PAPER])

    @rule()
    def two_weeks_pass(self) -> None:
        self.ledger.advance(days=14)

    @invariant()
    def a_term_that_ends_changes_its_case(self) -> None:
        assert all(run.result.final for run in self.ledger.runs)

    @invariant()
    def a_record_only_grows_and_a_closed_case_rests(self) -> None:
        for each in [*self.contract.requested_by("north"), *self.contract.requested_by("south")]:
            told, before = self.contract.entries(each.id), self.told.get(each.id, [])
            assert told[: len(before)] == before
            known = self.seen.get(each.id, each)
            assert (each.version, each.requester) == (known.version, known.requester)
            if known.closed:
                assert (each, told) == (known, before)
            self.seen[each.id], self.told[each.id] = each, told


TestCase = Remembering.TestCase
# The same choices on each run: what fails once fails again, for everybody.
TestCase.settings = settings(
    TestCase.settings,
    max_examples=30,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
)


@pytest.mark.parametrize("seed", range(4))
def test_long_walks(seed: int) -> None:
    walk, dice = Remembering(), Random(seed)  # noqa: S311 - no secret
    walk.begin()
    for number in range(60):
        if number % 6 == 0:
            walk.two_weeks_pass()
            attempt(
                walk.contract.as_(dice.choice([ANN, BOB])), "open", f"c{number}", "permit", 1, ASKED
            )
        walk.likely(dice)
        walk.contract.check_invariants()
    moved = [event for event in walk.ledger.events if event.name == "Moved"]
    assert len(moved) > 8, "a walk that gets nowhere shows nothing"
    assert walk.ledger.runs, "no term ended by itself"
    assert all(run.result.final for run in walk.ledger.runs), "a timer was refused"
    walk.teardown()
