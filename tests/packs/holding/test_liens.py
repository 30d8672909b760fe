"""Pledges, locks, freezes: what holds a holding."""

import hashlib
from typing import Any

import pytest
from tests.packs.holding.cast import ANN, BEN, BOB, JOY, KIM, MIA, STORE

DAY = 86_400_000
FAR = 2**45
SECRET = b"open sesame"
DIGEST = hashlib.sha256(SECRET).hexdigest()
ORDER = "0" * 64


def pledged(holding: Any, due: int = 0) -> Any:
    holding.as_(ANN).offer("g1", "bank-a", 90, due)
    return holding.as_(BEN).pledge("g1", 500, 90, due)


def refused_while(books: Any, holding: Any, code: str) -> None:
    """Every way out of the holder's hands is closed."""
    north = holding.as_(ANN)
    for call, arguments in (
        ("transfer", ("g1", "south")), ("transfer", ("g1", "south", 1)),
        ("split", ("g1", [1, 499])), ("merge", ("g1", ["e1"])), ("exchange", ("g1", "e2")),
        ("offer", ("g1", "bank-b", 9, 0)), ("withdraw_offers", ("g1",)),
        ("lock", ("g1", "south", FAR, "court")), ("retire", ("g1", 1, "us", "used")),
    ):  # fmt: skip
        with books.rejects(code):
            getattr(north if call != "exchange" else holding.as_(ANN, BOB), call)(*arguments)


@pytest.fixture
def holding(holding: Any) -> Any:
    holding.as_(MIA).issue("e2", "euro", "south", 5)
    return holding


def test_a_fingerprint_is_pledged_once_across_all_lenders(books: Any, holding: Any) -> None:
    north = holding.as_(ANN)
    north.offer("g1", "bank-a", 90, 0)
    north.offer("g1", "bank-b", 80, 0)
    assert not holding.is_pledged(STORE)
    pledge = holding.as_(BEN).pledge("g1", 500, 90, 0)
    assert (pledge.number, pledge.fingerprint, pledge.stage) == (1, STORE, "open")
    assert holding.is_pledged(STORE)
    with books.rejects("already_pledged") as refusal:
        holding.as_(KIM).pledge("g1", 500, 80, 0)
    assert "bank-a" not in str(refusal.error)
    refused_while(books, holding, "already_pledged")
    assert [each.number for each in holding.pledges_of("bank-a")] == [1]
    assert holding.pledges_of("bank-a", after=1) == []
    assert holding.pledge_of(1) == pledge


def test_a_lender_takes_what_was_offered_as_it_was_offered(books: Any, holding: Any) -> None:
    north, bank = holding.as_(ANN), holding.as_(BEN)
    with books.rejects("not_offered"):
        bank.pledge("g1", 500, 90, 7)
    north.offer("g1", "bank-a", 90, 7)
    for arguments, code in (
        (("g1", 499, 90, 7), "other_amount"), (("g1", 500, 91, 7), "other_terms"),
        (("g1", 500, 90, 8), "other_terms"),
    ):  # fmt: skip
        with books.rejects(code):
            bank.pledge(*arguments)
    north.withdraw_offers("g1")
    with books.rejects("not_offered"):
        bank.pledge("g1", 500, 90, 7)


@pytest.mark.parametrize(
    ("call", "arguments"),
    [("transfer", ("g1", "south", 1)), ("retire", ("g1", 1, "us", "used"))],
)
def test_any_change_ends_the_offers(
    books: Any, holding: Any, call: str, arguments: tuple[Any, ...]
) -> None:
    holding.as_(ANN).offer("g1", "bank-a", 90, 0)
    getattr(holding.as_(ANN), call)(*arguments)
    with books.rejects("not_offered"):
        holding.as_(BEN).pledge("g1", 499, 90, 0)


def test_what_cannot_be_offered(books: Any, holding: Any) -> None:
    north = holding.as_(ANN)
    with books.rejects("wrong_party"):
        north.offer("g1", "north", 5, 0)
    with books.rejects("wrong_amount"):
        north.offer("g1", "bank-a", 0, 0)
    for number in range(8):
        north.offer("g1", f"bank-{number}", 5, 0)
    with books.rejects("already_offered"):
        north.offer("g1", "bank-0", 6, 0)
    with books.rejects("too_many_offers"):
        north.offer("g1", "bank-a", 5, 0)


def test_a_released_pledge_gives_the_holder_its_holding_back(books: Any, holding: Any) -> None:
    pledged(holding)
    with books.rejects("not_lender"):
        holding.as_(KIM).release_pledge(1)
    assert holding.as_(BEN).release_pledge(1).holder == "north"
    assert not holding.is_pledged(STORE)
    for call in ("release_pledge", "enforce_pledge"):
        with books.rejects("not_pledged"):
            getattr(holding.as_(BEN), call)(1)
    assert pledged(holding).number == 2  # the debt is paid: another one may be secured


def test_a_pledge_is_enforced_when_it_is_due(books: Any, holding: Any) -> None:
    pledged(holding, due=int(books.time) + 1000)
    with books.rejects("not_due"):
        holding.as_(BEN).enforce_pledge(1)
    books.advance(seconds=1)
    assert holding.as_(BEN).enforce_pledge(1).holder == "bank-a"
    assert holding.pledge_of(1).stage == "enforced"
    assert holding.as_(BEN).transfer("g1", "south").holder == "south"


def test_a_lender_acts_with_the_role_of_the_kind(books: Any, holding: Any) -> None:
    holding.as_(MIA).open_kind({
        "code": "bond", "issuer": "mint", "unit": "EUR", "decimals": 2,
        "divisible": True, "backed": False, "role": "trader",
    })  # fmt: skip
    books.member("gil@bank-a", roles=[])
    holding.as_(MIA).issue("b1", "bond", "north", 5)
    holding.as_(ANN).offer("b1", "bank-a", 5, 0)
    with books.rejects("not_offered"):
        holding.as_("gil@bank-a").pledge("b1", 5, 5, 0)
    holding.as_(BEN).pledge("b1", 5, 5, 0)
    with books.rejects("not_lender"):
        holding.as_("gil@bank-a").release_pledge(1)


def test_a_lock_opens_with_the_agent(books: Any, holding: Any) -> None:
    lock = holding.as_(ANN).lock("g1", "south", FAR, "court")
    assert (lock.number, lock.stage, holding.lock_of(1)) == (1, "open", lock)
    refused_while(books, holding, "locked")
    for who in (ANN, BOB):
        with books.rejects("not_agent"):
            holding.as_(who).release_lock(1)
    assert holding.as_(JOY).release_lock(1).holder == "south"
    for call in ("release_lock", "return_lock"):
        with books.rejects("not_locked"):
            getattr(holding.as_(JOY), call)(1)


def test_a_lock_opens_with_the_secret(books: Any, holding: Any) -> None:
    holding.as_(ANN).lock("g1", "south", FAR, "", DIGEST)
    with books.rejects("wrong_secret"):
        holding.as_(BOB).release_lock(1, b"guess")
    with books.rejects("not_agent"):  # the secret alone moves nothing: the beneficiary signs
        holding.as_(KIM).release_lock(1, SECRET)
    assert holding.as_(BOB).release_lock(1, SECRET).holder == "south"


def test_both_conditions_must_be_met_where_both_are_named(books: Any, holding: Any) -> None:
    holding.as_(ANN).lock("g1", "south", FAR, "court", DIGEST)
    with books.rejects("wrong_secret"):
        holding.as_(JOY).release_lock(1)
    with books.rejects("not_agent"):
        holding.as_(BOB).release_lock(1, SECRET)
    assert holding.as_(JOY).release_lock(1, SECRET).holder == "south"


def test_an_expired_lock_goes_back_and_only_back(books: Any, holding: Any) -> None:
    holding.as_(ANN).lock("g1", "south", int(books.time) + 1000, "court")
    with books.rejects("not_expired"):
        holding.as_(ANN).return_lock(1)
    (run,) = books.advance(seconds=1)
    assert (run.method, run.arguments, run.result.final) == ("expire", {"number": 1}, True)
    assert (holding.lock_of(1).stage, holding.holding("g1").holder) == ("returned", "north")
    with books.rejects("not_locked"):
        holding.as_(JOY).release_lock(1)


@pytest.mark.parametrize("end", ["release_lock", "return_lock"])
def test_a_lock_that_ended_has_no_timer_left(books: Any, holding: Any, end: str) -> None:
    holding.as_(ANN).lock("g1", "south", int(books.time) + DAY, "court")
    getattr(holding.as_(JOY), end)(1)
    assert books.advance(days=2) == []


def test_what_is_frozen_when_its_lock_expires_is_returned_later(books: Any, holding: Any) -> None:
    holding.as_(ANN).lock("g1", "south", int(books.time) + DAY, "court")
    holding.as_(JOY).freeze("g1", "f" * 64)
    (run,) = books.advance(days=1)
    assert (run.result.final, run.result.events) == (True, ())
    with books.rejects("frozen"):
        holding.as_(KIM).return_lock(1)
    holding.as_(JOY).thaw("g1")
    with books.rejects("expired"):
        holding.as_(JOY).release_lock(1)
    assert holding.as_(KIM).return_lock(1).holder == "north"  # no authority is needed to end it


@pytest.mark.parametrize("who", [JOY, BOB])
def test_agent_and_beneficiary_can_give_up(holding: Any, who: str) -> None:
    holding.as_(ANN).lock("g1", "south", FAR, "court")
    assert holding.as_(who).return_lock(1).holder == "north"
    assert holding.lock_of(1).stage == "returned"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("g1", "north", FAR, "court", ""), "wrong_party"),
        (("g1", "south", FAR, "", ""), "no_condition"),
        (("g1", "south", 5, "court", ""), "wrong_time"),
        (("g1", "south", 2**60, "court", ""), "wrong_time"),
        (("g1", "south", FAR, "north", ""), "wrong_party"),
        (("g1", "south", FAR, "", "sesame"), "not_a_hash"),
    ],
)
def test_what_is_no_lock(books: Any, holding: Any, arguments: tuple[Any, ...], code: str) -> None:
    with books.rejects(code):
        holding.as_(ANN).lock(*arguments)


def test_the_authority_freezes_and_nothing_moves(books: Any, holding: Any) -> None:
    for who in (ANN, MIA):
        with books.rejects("not_authority"):
            holding.as_(who).freeze("g1", ORDER)
    court = holding.as_(JOY)
    with books.rejects("not_a_hash"):
        court.freeze("g1", "because")
    with books.rejects("not_frozen"):
        court.thaw("g1")
    assert court.freeze("g1", ORDER).frozen == ORDER
    with books.rejects("frozen"):
        court.freeze("g1", ORDER)
    refused_while(books, holding, "frozen")
    with books.rejects("not_holder"):  # freezing is not taking
        court.transfer("g1", "court")
    court.thaw("g1")
    assert holding.as_(ANN).transfer("g1", "south").holder == "south"


def test_a_kind_without_authority_is_never_frozen(books: Any, holding: Any) -> None:
    holding.as_(MIA).open_kind({
        "code": "free", "issuer": "mint", "unit": "EUR", "decimals": 2,
        "divisible": True, "backed": False,
    })  # fmt: skip
    holding.as_(MIA).issue("f1", "free", "north", 5)
    with books.rejects("not_authority"):
        holding.as_(JOY).freeze("f1", ORDER)


def test_a_freeze_stops_lenders_and_agents_too(books: Any, holding: Any) -> None:
    pledged(holding)
    holding.as_(ANN).lock("e1", "south", FAR, "court")
    for held in ("g1", "e1"):
        holding.as_(JOY).freeze(held, ORDER)
    for who, call, number in (
        (BEN, "release_pledge", 1), (BEN, "enforce_pledge", 1),
        (JOY, "release_lock", 1), (JOY, "return_lock", 1),
    ):  # fmt: skip
        with books.rejects("frozen"):
            getattr(holding.as_(who), call)(number)


def test_a_frozen_holding_is_not_pledged(books: Any, holding: Any) -> None:
    holding.as_(ANN).offer("g1", "bank-a", 90, 0)
    holding.as_(JOY).freeze("g1", ORDER)
    with books.rejects("frozen"):
        holding.as_(BEN).pledge("g1", 500, 90, 0)
