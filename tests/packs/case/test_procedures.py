"""Procedures are data: what is accepted as one, versions, the end of one."""

from typing import Any

import pytest
from tests.packs.case.cast import ANN, ASKED, DAY, IDA, JIM, PERMIT, REG, move, permit

MOVES = PERMIT["transitions"]
TERM = {"state": "filed", "span": DAY}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"code": "a permit", "version": 1}, "code"),
        ({"transitions": []}, "transitions"),
        ({"transitions": [MOVES[0]] * 2}, "one name"),
        ({"transitions": [move(f"m{n}", "decide", "filed", "granted") for n in range(65)]}, "64"),
        ({"transitions": [move("a", "decide", f"s{n}", "granted") for n in range(33)]}, "one name"),
        ({"transitions": [move(f"a{n}", "decide", f"s{n}", "granted") for n in range(33)]}, "32"),
        ({"transitions": [*MOVES, move("x", "decide", "filed", "a b")]}, "name"),
        ({"start": "granted"}, "final"),
        ({"transitions": [*MOVES, move("x y", "decide", "filed", "granted")]}, "name"),
        ({"transitions": [*MOVES, move("x", "decide", "granted", "filed")]}, "final"),
        ({"transitions": [*MOVES, move("x", "decide", "filed", "filed")]}, "itself"),
        ({"transitions": [*MOVES, move("x", "decide", "filed", "granted", evidence=17)]}, "16"),
        (
            {"transitions": [*MOVES, move("x", "decide", "filed", "granted",
                                          organisations=["a", "a"])]},
            "each once",
        ),
        (
            {"transitions": [*MOVES, move("x", "decide", "filed", "granted",
                                          organisations=["a"], quorum=2)]},
            "2 of 1",
        ),
        ({"transitions": [*MOVES, move("x", "decide", "filed", "granted", quorum=0)]}, "0 of 32"),
        ({"transitions": [*MOVES, move("x", "request", "filed", "asked", quorum=2)]}, "quorum"),
        (
            {"transitions": [*MOVES, move("x", "request", "filed", "asked",
                                          organisations=["north"])]},
            "requester's",
        ),
        ({"transitions": [*MOVES, move("x", "withdraw", "filed", "asked")]}, "end"),
        ({"transitions": [*MOVES, move("x", "appeal", "appealed", "filed")]}, "term"),
        ({"transitions": [*MOVES, move("x", "decide", "filed", "trap")]}, "trap"),
        ({"transitions": [*MOVES, move("x", "decide", "island", "granted")]}, "island"),
        ({"terms": [*PERMIT["terms"], TERM]}, "two terms"),
        ({"terms": [*PERMIT["terms"], {"state": "granted", "span": DAY}]}, "no transition"),
        ({"terms": [*PERMIT["terms"][1:], {**TERM, "span": 0}]}, "0 ms"),
        ({"terms": [*PERMIT["terms"][1:], {**TERM, "span": 10**13}]}, "ms"),
        ({"terms": [*PERMIT["terms"][1:], {**TERM, "lapse": "grant"}]}, "escalation"),
        ({"terms": [*PERMIT["terms"][1:], {**TERM, "lapse": "uphold"}]}, "escalation"),
        (
            {"transitions": [*MOVES, move("on", "escalate", "filed", "asked"),
                             move("back", "escalate", "asked", "filed")],
             "terms": [{"state": "filed", "span": DAY, "lapse": "on"},
                       {"state": "asked", "span": DAY, "lapse": "back"}, PERMIT["terms"][2]]},
            "circle",
        ),
        (
            {"transitions": [*MOVES, move("late", "escalate", "filed", "denied", evidence=1)],
             "terms": [*PERMIT["terms"][1:], {**TERM, "lapse": "late"}]},
            "evidence",
        ),
    ],
)  # fmt: skip
def test_what_is_no_procedure(court: Any, case: Any, changed: dict[str, Any], told: str) -> None:
    with court.rejects("wrong_procedure") as refusal:
        case.as_(REG).declare(permit(**{"version": 2, **changed}))
    assert told in str(refusal.error)


def test_only_the_owner_declares_and_in_order(court: Any, case: Any) -> None:
    with court.denied():
        case.as_(ANN).declare(permit(version=2, owner="north"))
    court.member("ray@rival", roles=["registrar"])
    for owner in ("rival", "registry"):
        with court.rejects("not_owner"):
            case.as_("ray@rival").declare(permit(version=2, owner=owner))
    for version in (0, 1, 3):
        with court.rejects("other_version"):
            case.as_(REG).declare(permit(version=version))
    with court.rejects("not_a_hash"):
        case.as_(REG).declare(permit(version=2, document="the law"))
    assert case.as_(REG).declare(permit(version=2, document="f" * 64)).version == 2
    assert case.newest("permit").version == 2
    assert case.procedure("permit", 1).document == ""


def test_a_case_goes_on_under_the_version_it_began_with(court: Any, case: Any) -> None:
    one = move("grant", "decide", "filed", "granted", role="inspector")
    case.as_(REG).declare(permit(version=2, transitions=[one, *MOVES[1:]]))
    with court.rejects("other_version"):
        case.as_(ANN).open("p2", "permit", 1, ASKED)
    case.as_(ANN).open("p2", "permit", 2, ASKED)
    assert case.as_(IDA).decide("p2", "grant", 1, []).closed
    assert not case.as_(IDA).decide("p1", "grant", 1, []).closed
    assert case.as_(JIM).decide("p1", "grant", 1, []).closed


def test_a_retired_procedure_takes_no_new_cases(court: Any, case: Any) -> None:
    court.member("ray@rival", roles=["registrar"])
    with court.rejects("not_owner"):
        case.as_("ray@rival").retire("permit")
    assert case.as_(REG).retire("permit").retired
    for call, arguments in (("retire", ("permit",)), ("declare", (permit(version=2),))):
        with court.rejects("retired"):
            getattr(case.as_(REG), call)(*arguments)
    with court.rejects("retired"):
        case.as_(ANN).open("p2", "permit", 1, ASKED)
    assert case.as_(IDA, JIM).decide("p1", "grant", 1, []).state == "granted"
