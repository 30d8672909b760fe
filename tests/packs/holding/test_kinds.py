"""Who vouches for what: kinds, issues, admission, supply."""

from typing import Any

import pytest
from tests.packs.holding.cast import ANN, BOB, DEED, EURO, MIA, STORE


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"code": "euro"}, "exists"),
        ({"code": ""}, "wrong_name"),
        ({"code": "a.b"}, "wrong_name"),
        ({"code": "shop:euro"}, "wrong_name"),
        ({"controller": "shop"}, "not_issuer"),
        ({"code": "k" * 65}, "wrong_name"),
        ({"unit": "kilo gram"}, "wrong_name"),
        ({"issuer": "north"}, "not_issuer"),
        ({"decimals": 19}, "wrong_decimals"),
        ({"decimals": -1}, "wrong_decimals"),
        ({"cap": 0}, "wrong_cap"),
        ({"cap": 2**63}, "wrong_cap"),
        ({"closed": True}, "closed"),
        ({"terms": "our terms"}, "not_a_hash"),
        ({"authority": "joy@court"}, "wrong_party"),
    ],
)
def test_what_is_no_kind(books: Any, holding: Any, changed: dict[str, Any], code: str) -> None:
    with books.rejects(code):
        holding.as_(MIA).open_kind({**EURO, "code": "other", **changed})


def test_only_issuers_open_kinds_and_only_the_issuer_issues(books: Any, holding: Any) -> None:
    with books.rejects("not_issuer"):  # the role is missing
        holding.as_(ANN).open_kind({**EURO, "code": "own", "issuer": "north"})
    books.member("max@rival", roles=["issuer"])
    with books.rejects("not_issuer"):
        holding.as_("max@rival").issue("x1", "euro", "rival", 5)
    with books.rejects("not_issuer"):
        holding.as_("max@rival").close_kind("euro")


def test_an_issue_names_its_kind_holder_and_amount(books: Any, holding: Any) -> None:
    made = holding.as_(MIA, attachments=[bytes(32)]).issue("e2", "euro", "south", 7)
    assert (made.id, made.holder, made.amount, made.state) == ("e2", "south", 7, "live")
    assert books.events[-1].name == "Issued"
    assert holding.issue_of("e2").documents == ["00" * 32]
    assert holding.kind("euro").decimals == 2


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("e1", "euro", "north", 5, None), "already_issued"),
        (("e1.1", "euro", "north", 5, None), "wrong_name"),
        (("e2", "euro", "north", 0, None), "wrong_amount"),
        (("e2", "euro", "", 5, None), "wrong_party"),
        (("e2", "euro", "ann@north", 5, None), "wrong_party"),
        (("e2", "euro", "north", 5, STORE), "wrong_backing"),
        (("e2", "euro", "north", 2**63, None), "beyond_cap"),
        (("g2", "grain", "north", 5, None), "wrong_backing"),
        (("g2", "grain", "north", 5, "E" * 64), "not_a_hash"),
        (("t2", "title", "north", 2, "f" * 64), "indivisible"),
        # Across kinds: a lorry of grain cannot become a title as well.
        (("t2", "title", "north", 1, STORE), "already_issued"),
        (("g2", "grain", "south", 9, DEED), "already_issued"),
    ],
)
def test_what_is_not_issued(
    books: Any, holding: Any, arguments: tuple[Any, ...], code: str
) -> None:
    with books.rejects(code):
        holding.as_(MIA).issue(*arguments)


def test_a_closed_kind_lives_on_without_new_issues(books: Any, holding: Any) -> None:
    assert holding.as_(MIA).close_kind("euro").closed
    with books.rejects("closed"):
        holding.as_(MIA).issue("e2", "euro", "north", 1)
    assert holding.as_(ANN).transfer("e1", "south").holder == "south"


def test_issues_end_at_the_cap(books: Any, holding: Any) -> None:
    mint = holding.as_(MIA)
    mint.open_kind({**EURO, "code": "rare", "cap": 10})
    mint.issue("r1", "rare", "north", 10)
    holding.as_(ANN).retire("r1", 10, "everybody", "offset")
    with books.rejects("beyond_cap"):  # retired units do not make room
        mint.issue("r2", "rare", "north", 1)


def test_a_restricted_kind_goes_only_to_who_was_admitted(books: Any, holding: Any) -> None:
    mint = holding.as_(MIA)
    mint.open_kind({**EURO, "code": "bond", "restricted": True})
    with books.rejects("not_admitted"):
        mint.issue("b1", "bond", "north", 100)
    mint.admit("bond", "north")
    with books.rejects("admitted"):
        mint.admit("bond", "north")
    mint.issue("b1", "bond", "north", 100)
    for call, arguments in (
        ("transfer", ("b1", "south")), ("offer", ("b1", "south", 5, 0)),
        ("lock", ("b1", "south", 2**45, "court")),
    ):  # fmt: skip
        with books.rejects("not_admitted"):
            getattr(holding.as_(ANN), call)(*arguments)
    mint.admit("bond", "south")
    holding.as_(ANN).transfer("b1", "south", 40)
    mint.exclude("bond", "north")
    with books.rejects("not_admitted"):
        mint.exclude("bond", "north")
    with books.rejects("not_admitted"):
        holding.as_(BOB).transfer("b1.1", "north")
    assert holding.as_(ANN).transfer("b1", "mint").holder == "mint"  # the issuer takes back


def test_a_kind_can_ask_for_a_role(books: Any, holding: Any) -> None:
    holding.as_(MIA).open_kind({**EURO, "code": "bond", "role": "trader"})
    holding.as_(MIA).issue("b1", "bond", "north", 100)
    with books.rejects("not_holder"):
        holding.as_("gus@north").transfer("b1", "south")
    holding.as_("gus@north").transfer("e1", "south")  # any member, where no role is asked for
    holding.as_(ANN).transfer("b1", "south")


def test_supply_and_balances_say_where_the_units_are(holding: Any) -> None:
    north = holding.as_(ANN)
    north.split("g1", [100, 150, 250])
    north.offer("g1.1", "bank-a", 30, 0)
    holding.as_("ben@bank-a").pledge("g1.1", 100, 30, 0)
    north.lock("g1.2", "south", 2**45, "court")
    north.retire("g1.3", 50, "bakery", "used")
    supply = holding.supply("grain")
    assert (supply.issued, supply.held, supply.pledged, supply.locked, supply.retired) == (
        500, 200, 100, 150, 50,
    )  # fmt: skip
    balance = holding.balance("grain", "north")
    assert (balance.held, balance.pledged, balance.locked) == (200, 100, 150)
    assert holding.balance("grain", "south").held == 0
