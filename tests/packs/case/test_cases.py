"""Cases: who may do what, when, and what the record says of it."""

from typing import Any

import pytest
from tests.packs.case.cast import (
    ANN,
    ASKED,
    BOARD,
    BOB,
    DAY,
    IDA,
    JIM,
    KAY,
    LEO,
    OTHER,
    PAPER,
    PERMIT,
    REG,
    move,
    permit,
)

FAR = 2**45
PATIENT = [each for each in PERMIT["transitions"] if each["name"] not in ("hurry", "silence")]


def refused(case: Any) -> Any:
    """The permit, refused by two boards."""
    return case.as_(IDA, JIM).decide("p1", "refuse", 1, [])


def test_it_takes_distinct_organisations_to_decide(court: Any, case: Any) -> None:
    first = case.as_(IDA).decide("p1", "grant", 1, [])
    assert (first.state, first.round) == ("filed", 1)
    court.member("ian@board-a", roles=["inspector"])
    for again in (IDA, "ian@board-a"):
        with court.rejects("already_decided"):
            case.as_(again).decide("p1", "grant", 1, [])
    second = case.as_(JIM).decide("p1", "grant", 1, [])
    assert (second.state, second.round, second.closed, second.due) == ("granted", 2, True, None)
    assert [each.organisation for each in case.votes_in("p1", 1)] == ["board-a", "board-b"]
    assert [each.organisation for each in case.votes_in("p1", 1, "board-a")] == ["board-b"]


def test_one_transaction_can_carry_several_decisions(court: Any, case: Any) -> None:
    court.member("ian@board-a", roles=["inspector"])
    once = case.as_(IDA, "ian@board-a").decide("p1", "grant", 1, [])
    assert once.state == "filed"  # two members, one organisation
    case.as_(IDA).retract("p1", 1)
    assert case.as_(IDA, JIM).decide("p1", "grant", 1, []).state == "granted"


def test_nobody_decides_on_an_own_request(court: Any, case: Any) -> None:
    case.as_(BOB).open("p2", "permit", 1, ASKED)
    with court.rejects("own_request"):
        case.as_(BOB).decide("p2", "grant", 1, [])
    with court.rejects("own_request"):  # nor under the cover of somebody else's signature
        case.as_(IDA, BOB).decide("p2", "grant", 1, [])
    case.as_(BOB).decide("p1", "grant", 1, [])


def test_only_who_is_entitled_decides(court: Any, case: Any) -> None:
    with court.rejects("not_entitled"):
        case.as_(LEO).decide("p1", "grant", 1, [])
    case.as_(REG).open("a1", "audit", 1, ASKED)
    with court.rejects("not_entitled"):
        case.as_(BOB).decide("a1", "pass", 1, [])
    assert case.as_(IDA, JIM, KAY).decide("a1", "pass", 1, []).closed


def test_a_case_that_nobody_could_decide_is_not_opened(court: Any, case: Any) -> None:
    with court.rejects("no_quorum"):  # all three boards must agree, and one of them asks
        case.as_(KAY).open("a1", "audit", 1, ASKED)


@pytest.mark.parametrize(
    ("who", "arguments", "code"),
    [
        (ANN, ("p1", "permit", 1, ASKED), "exists"),
        (ANN, ("", "permit", 1, ASKED), "wrong_name"),
        (ANN, ("p 2", "permit", 1, ASKED), "wrong_name"),
        (ANN, ("p2", "permit", 2, ASKED), "other_version"),
        (ANN, ("p2", "permit", 1, "a permit, please"), "not_a_hash"),
        (IDA, ("p2", "permit", 1, ASKED), "not_entitled"),
    ],
)
def test_what_is_not_opened(
    court: Any, case: Any, who: str, arguments: tuple[Any, ...], code: str
) -> None:
    with court.rejects(code):
        case.as_(who).open(*arguments)


def test_only_declared_transitions_from_the_present_state(court: Any, case: Any) -> None:
    for name, code in (("bless", "not_declared"), ("confirm", "not_here"),
                       ("withdraw", "other_act"), ("hurry", "other_act")):  # fmt: skip
        with court.rejects(code):
            case.as_(IDA).decide("p1", name, 1, [])
    for name, code in (("grant", "other_act"), ("answer", "not_here")):
        with court.rejects(code):
            case.as_(ANN).proceed("p1", name, 1, [])
    with court.rejects("other_round"):
        case.as_(IDA).decide("p1", "grant", 2, [])


def test_a_vote_is_taken_back_while_it_is_open(court: Any, case: Any) -> None:
    case.as_(IDA).decide("p1", "grant", 1, [])
    with court.rejects("not_decided"):
        case.as_(JIM).retract("p1", 1)
    court.member("ivy@board-a", roles=[])
    with court.rejects("not_entitled"):
        case.as_("ivy@board-a").retract("p1", 1)
    case.as_(IDA).retract("p1", 1)
    assert case.as_(JIM).decide("p1", "grant", 1, []).state == "filed"
    assert case.as_(IDA).decide("p1", "refuse", 1, []).state == "filed"
    assert case.as_(KAY).decide("p1", "refuse", 1, []).state == "refused"


def test_the_requester_answers_with_evidence(court: Any, case: Any) -> None:
    assert case.as_(IDA).decide("p1", "ask", 1, [], OTHER).state == "asked"
    with court.rejects("no_evidence"):
        case.as_(ANN).proceed("p1", "answer", 2, [])
    with court.rejects("not_requester"):
        case.as_(BOB).proceed("p1", "answer", 2, [PAPER])
    with court.rejects("not_a_hash"):
        case.as_(ANN).proceed("p1", "answer", 2, ["my answer"])
    again = case.as_(ANN, attachments=[b"\x0b" * 32]).proceed("p1", "answer", 2, [])
    assert (again.state, again.round) == ("filed", 3)
    assert case.as_(IDA).decide("p1", "grant", 3, []).round == 3  # an earlier voice is not counted


def test_the_requester_withdraws_and_nothing_follows(court: Any, case: Any) -> None:
    case.as_(IDA).decide("p1", "grant", 1, [])
    ended = case.as_(ANN).proceed("p1", "withdraw", 1, [], OTHER)
    assert (ended.state, ended.closed) == ("withdrawn", True)
    court.advance(days=60)
    for who, call, arguments in (
        (JIM, "decide", ("p1", "grant", 2, [])), (IDA, "retract", ("p1", 1)),
        (ANN, "proceed", ("p1", "withdraw", 2, [])), (ANN, "file", ("p1", [PAPER])),
        (ANN, "escalate", ("p1", "hurry", 2, [])), (REG, "prolong", ("p1", 2, FAR)),
    ):  # fmt: skip
        with court.rejects("closed"):
            getattr(case.as_(who), call)(*arguments)


def test_a_transition_of_the_requester_can_ask_for_a_role(court: Any, case: Any) -> None:
    moves = permit()["transitions"]
    signed = move("sign-off", "withdraw", "filed", "withdrawn", role="applicant")
    case.as_(REG).declare(permit(version=2, transitions=[*moves, signed]))
    case.as_(ANN).open("p2", "permit", 2, ASKED)
    court.member("amy@north", roles=[])
    with court.rejects("not_entitled"):
        case.as_("amy@north").proceed("p2", "sign-off", 1, [])
    assert case.as_(ANN).proceed("p2", "sign-off", 1, []).closed


def test_an_appeal_is_decided_by_others_and_in_time(court: Any, case: Any) -> None:
    refused(case)
    with court.rejects("no_evidence"):
        case.as_(ANN).proceed("p1", "appeal", 2, [])
    appealed = case.as_(ANN).proceed("p1", "appeal", 2, [PAPER])
    assert (appealed.state, appealed.fresh) == ("appealed", 3)
    court.member("ike@board-a", roles=["judge"])
    with court.rejects("decided_before"):
        case.as_("ike@board-a").decide("p1", "overrule", 3, [])
    assert case.as_(LEO).decide("p1", "overrule", 3, []).state == "granted"


def test_an_appeal_after_the_term_is_too_late(court: Any, case: Any) -> None:
    refused(case)
    assert court.advance(days=14, seconds=-1) == []
    (run,) = court.advance(seconds=1)
    assert (run.method, run.result.final, case.case("p1").state) == ("lapse", True, "denied")
    assert case.entries("p1")[-1].organisation == ""  # nobody did it
    with court.rejects("closed"):
        case.as_(ANN).proceed("p1", "appeal", 2, [PAPER])


def test_a_timer_that_a_transition_made_needless_never_runs(court: Any, case: Any) -> None:
    refused(case)
    case.as_(ANN).proceed("p1", "appeal", 2, [PAPER])
    assert case.case("p1").timer == 0
    assert court.advance(days=60) == []


def test_an_appeal_without_a_rule_for_its_end_can_come_too_late(court: Any, case: Any) -> None:
    terms = [{"state": "refused", "span": 14 * DAY}]
    case.as_(REG).declare(permit(version=2, terms=terms, transitions=PATIENT))
    case.as_(ANN).open("p2", "permit", 2, ASKED)
    case.as_(IDA, JIM).decide("p2", "refuse", 1, [])
    assert court.advance(days=14) == []
    with court.rejects("too_late"):
        case.as_(ANN).proceed("p2", "appeal", 2, [PAPER])
    with court.rejects("too_late"):
        case.as_(REG).prolong("p2", 2, int(court.time) + DAY)


def test_the_owner_of_the_procedure_gives_more_time(court: Any, case: Any) -> None:
    asked = case.as_(IDA).decide("p1", "ask", 1, [])
    later = asked.due + 5 * DAY
    for who, due, code in (
        (KAY, later, "policy.denied"), ("amy@north", later, "not_owner"),
        (REG, asked.due, "wrong_time"), (REG, 2**60, "wrong_time"),
    ):  # fmt: skip
        court.member("amy@north", roles=["registrar"])
        with court.rejects(code):
            case.as_(who).prolong("p1", 2, due)
    longer = case.as_(REG).prolong("p1", 2, later)
    assert (longer.due, longer.state) == (later, "asked")
    assert longer.timer != asked.timer
    assert case.entries("p1")[-1].what == "prolonged"
    assert court.advance(days=10) == []  # the first timer is gone
    (run,) = court.advance(days=5)
    assert (run.result.time, case.case("p1").state) == (later, "withdrawn")
    with court.rejects("closed"):
        case.as_(REG).prolong("p1", 3, later + DAY)


def test_nobody_gives_more_time_to_an_own_request(court: Any, case: Any) -> None:
    court.member("ray@registry", roles=["applicant"])
    case.as_("ray@registry").open("p2", "permit", 1, ASKED)
    with court.rejects("own_request"):
        case.as_(REG).prolong("p2", 1, int(court.time) + 40 * DAY)
    case.as_(ANN).open("a1", "audit", 1, ASKED)
    with court.rejects("no_term"):
        case.as_(REG).prolong("a1", 1, int(court.time) + DAY)


def test_a_frozen_contract_ends_its_terms_when_it_is_thawed(court: Any, case: Any) -> None:
    case.as_(IDA).decide("p1", "ask", 1, [])
    court.freeze(case)
    assert court.advance(days=20) == []
    assert case.case("p1").state == "asked"
    court.thaw(case)
    assert [run.method for run in court.runs] == ["lapse"]
    assert case.case("p1").state == "withdrawn"


def test_an_appeal_needs_somebody_left_to_decide(court: Any, case: Any) -> None:
    moves = [
        move("refuse", "decide", "filed", "refused", organisations=BOARD),
        move("appeal", "appeal", "refused", "appealed"),
        move("confirm", "decide", "appealed", "denied", organisations=BOARD[:2], quorum=2),
    ]
    case.as_(REG).declare(
        permit(version=2, final=["denied"], transitions=moves,
               terms=[{"state": "refused", "span": DAY}])
    )  # fmt: skip
    for name, judge in (("p2", IDA), ("p3", KAY)):
        case.as_(ANN).open(name, "permit", 2, ASKED)
        case.as_(judge).decide(name, "refuse", 1, [])
    with court.rejects("no_quorum"):
        case.as_(ANN).proceed("p2", "appeal", 2, [])
    assert case.as_(ANN).proceed("p3", "appeal", 2, []).state == "appealed"


def test_what_takes_too_long_is_escalated(court: Any, case: Any) -> None:
    with court.rejects("not_due"):
        case.as_(ANN).escalate("p1", "hurry", 1, [])
    assert case.overdue() == []
    court.advance(days=30)
    # A view sees the time of the last block.
    case.as_(ANN).open("p2", "permit", 1, ASKED)
    assert [each.id for each in case.overdue()] == ["p1"]
    assert case.overdue(since=case.case("p1").due + 1) == []
    with court.rejects("not_entitled"):  # where nobody is named, the requester is
        case.as_(IDA).escalate("p1", "hurry", 1, [])
    moved = case.as_(ANN).escalate("p1", "hurry", 1, [PAPER])
    assert (moved.state, moved.due) == ("appealed", None)
    with court.rejects("other_round"):
        case.as_(ANN).escalate("p1", "hurry", 1, [])


def test_an_escalation_can_name_who_may(court: Any, case: Any) -> None:
    moves = permit()["transitions"]
    named = move("alarm", "escalate", "filed", "appealed", organisations=["appeals"])
    case.as_(REG).declare(permit(version=2, transitions=[*moves, named]))
    case.as_(ANN).open("p2", "permit", 2, ASKED)
    court.advance(days=30)
    with court.rejects("not_entitled"):
        case.as_(BOB).escalate("p2", "alarm", 1, [])
    assert case.as_(LEO).escalate("p2", "alarm", 1, []).state == "appealed"


def test_silence_ends_what_waits_for_the_requester(court: Any, case: Any) -> None:
    asked = case.as_(IDA).decide("p1", "ask", 1, [])
    assert asked.due == court.time + 10 * DAY
    (run,) = court.advance(days=10)
    assert run.arguments == {"id": "p1", "round": 2, "transition": "silence"}
    assert case.case("p1").state == "withdrawn"


def test_papers_are_filed_by_who_has_a_part_in_it(court: Any, case: Any) -> None:
    with court.rejects("not_entitled"):
        case.as_(LEO).file("p1", [PAPER])
    with court.rejects("no_paper"):
        case.as_(ANN).file("p1", [])
    with court.rejects("too_many_papers"):
        case.as_(ANN).file("p1", [PAPER] * 17)
    case.as_(ANN, attachments=[b"\x0d" * 32]).file("p1", [PAPER])
    case.as_(IDA).file("p1", [], OTHER)
    found = [(each.what, each.organisation, each.paper) for each in case.entries("p1", after=1)]
    assert found == [
        ("evidence", "north", PAPER), ("evidence", "north", "0d" * 32),
        ("comment", "board-a", OTHER),
    ]  # fmt: skip


def test_the_record_tells_the_whole_story(court: Any, case: Any) -> None:
    case.as_(IDA).decide("p1", "ask", 1, [], OTHER)
    case.as_(ANN).proceed("p1", "answer", 2, [PAPER])
    case.as_(IDA, JIM).decide("p1", "grant", 3, [])
    told = [(each.number, each.what, each.organisation, each.transition or each.paper[:1])
            for each in case.entries("p1")]  # fmt: skip
    assert told == [
        (1, "opened", "north", "a"),
        (2, "voted", "board-a", "ask"), (3, "comment", "board-a", "c"),
        (4, "moved", "board-a", "ask"),
        (5, "evidence", "north", "b"), (6, "moved", "north", "answer"),
        (7, "voted", "board-a", "grant"), (8, "voted", "board-b", "grant"),
        (9, "moved", "board-a", "grant"),
    ]  # fmt: skip
    assert [event.name for event in court.events if event.data.get("case") == "p1"] == [
        "Opened", "Voted", "Filed", "Moved", "Filed", "Moved", "Voted", "Voted", "Moved",
    ]  # fmt: skip
    assert court.events[-1].data["closed"] is True


def test_lists_go_on_where_the_page_before_ended(case: Any) -> None:
    for name in ("p2", "p3"):
        case.as_(ANN).open(name, "permit", 1, ASKED)
    assert [each.id for each in case.requested_by("north")] == ["p1", "p2", "p3"]
    assert [each.id for each in case.requested_by("north", after="p1")] == ["p2", "p3"]
    case.as_(ANN).proceed("p2", "withdraw", 1, [])
    assert [each.id for each in case.in_state("permit", "filed")] == ["p1", "p3"]
    # The case that ended the page has moved on meanwhile.
    assert [each.id for each in case.in_state("permit", "filed", after="p2")] == ["p3"]
    assert case.case("p2").closed
