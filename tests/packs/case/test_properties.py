"""Random calls by random members, on both engines: what the contract promises holds after each."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from tests.packs.case.cast import ANN, ASKED, AUDIT, BOB, OTHER, PAPER, PERMIT, REG, ROLES, permit

from blocks import CASE
from lianheng.testing.strategies import ledger_machine

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
    members={**ROLES, "jo@board-a": ["inspector", "judge"], "al@north": ["inspector", "judge"]},
    given={
        "id": st.sampled_from(["p1", "p1", "p2", "p3"]),
        **{f"{act}.transition": st.sampled_from([*names, NAMES[0]]) for act, names in ACTS.items()},
        "round": st.integers(1, 5),
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


class Remembering(machine):  # type: ignore[misc]
    """Looks at cases over time, and lets time pass."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Any] = {}
        self.told: dict[str, list[Any]] = {}

    @rule()
    def two_weeks_pass(self) -> None:
        self.ledger.advance(days=14)

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
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    derandomize=True,
)
