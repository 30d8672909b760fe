"""What a holder does: pass on, divide, put together, let others act, exchange, retire."""

from typing import Any

import pytest
from tests.packs.holding.cast import ANN, BEN, BOB, DEED, EURO, GRAIN, MIA

FAR = 2**45  # ms: some time in the next millennium


def test_a_holding_changes_hands_as_a_whole_or_in_part(books: Any, holding: Any) -> None:
    part = holding.as_(ANN).transfer("e1", "south", 300)
    assert (part.id, part.holder, part.amount) == ("e1.1", "south", 300)
    assert holding.holding("e1").amount == 700
    whole = holding.as_(ANN).transfer("e1", "south", 700)
    assert (whole.id, whole.holder) == ("e1", "south")
    assert holding.balance("euro", "south").held == 1000
    assert [event.data["by"] for event in books.events[-2:]] == ["north", "north"]
    held = [(each.holder, each.held) for each in holding.holders_of("euro")]
    assert held == [("south", 1000)]  # who holds nothing has no row


@pytest.mark.parametrize(
    ("who", "arguments", "code"),
    [
        (BOB, ("e1", "south", None), "not_holder"),
        (ANN, ("e1", "north", None), "wrong_party"),
        (ANN, ("e1", "", None), "wrong_party"),
        (ANN, ("e1", "south", 0), "wrong_amount"),
        (ANN, ("e1", "south", 1001), "wrong_amount"),
        (ANN, ("t1", "south", 2), "wrong_amount"),
    ],
)
def test_what_is_not_transferred(
    books: Any, holding: Any, who: str, arguments: tuple[Any, ...], code: str
) -> None:
    with books.rejects(code):
        holding.as_(who).transfer(*arguments)


def test_parts_sum_to_the_whole_and_the_whole_is_gone(books: Any, holding: Any) -> None:
    north = holding.as_(ANN)
    for amounts, code in (
        ([1000], "wrong_parts"), ([], "wrong_parts"), ([500, 0, 500], "wrong_parts"),
        ([1500, -500], "wrong_parts"), ([10] * 101, "wrong_parts"), ([500, 499], "wrong_sum"),
    ):  # fmt: skip
        with books.rejects(code):
            north.split("e1", amounts)
    made = north.split("e1", [600, 400])
    assert [(part.id, part.amount) for part in made] == [("e1.1", 600), ("e1.2", 400)]
    assert holding.holding("e1").state == "split"
    for call, arguments in (
        ("split", ("e1", [1, 999])), ("transfer", ("e1", "south")), ("merge", ("e1", ["e1.1"])),
        ("offer", ("e1", "bank-a", 1, 0)), ("lock", ("e1", "south", FAR, "court")),
        ("retire", ("e1", 1, "us", "paid")),
    ):  # fmt: skip
        with books.rejects("not_live"):
            getattr(north, call)(*arguments)


def test_parts_are_put_together_again(holding: Any) -> None:
    north = holding.as_(ANN)
    north.split("e1", [600, 300, 100])
    whole = north.merge("e1.1", ["e1.2", "e1.3"])
    assert (whole.id, whole.amount) == ("e1.1", 1000)
    assert holding.holding("e1.3").state == "merged"
    # A part made later gets a number of its own.
    holding.as_(ANN).transfer("e1.1", "south", 1)
    assert [each.id for each in holding.tree("e1")] == ["e1", "e1.1", "e1.1.1", "e1.2", "e1.3"]


def test_what_is_not_put_together(books: Any, holding: Any) -> None:
    mint, north = holding.as_(MIA), holding.as_(ANN)
    mint.issue("e2", "euro", "south", 5)
    mint.issue("g2", "grain", "north", 5, "f" * 64)
    mint.open_kind({**EURO, "code": "badge", "divisible": False})
    mint.issue("b1", "badge", "north", 1)
    mint.issue("b2", "badge", "north", 1)
    for into, others, code in (
        ("e1", [], "wrong_parts"), ("e1", ["e1"], "wrong_parts"),
        ("e1", ["e2"], "not_holder"), ("e1", ["g1"], "not_alike"),
        # Other grain in another store: its fingerprint would be lost.
        ("g1", ["g2"], "not_alike"), ("b1", ["b2"], "indivisible"),
    ):  # fmt: skip
        with books.rejects(code):
            north.merge(into, others)


def test_ids_end_somewhere(books: Any, holding: Any) -> None:
    north, part = holding.as_(ANN), "e" * 64
    holding.as_(MIA).issue(part, "euro", "north", 100)
    while len(part) + 2 <= 128:
        north.split(part, [1, holding.holding(part).amount - 1])
        part += ".2"
    with books.rejects("too_deep"):
        north.split(part, [1, holding.holding(part).amount - 1])


def test_a_delegate_passes_on_within_what_was_allowed(books: Any, holding: Any) -> None:
    north, bank = holding.as_(ANN), holding.as_(BEN)
    with books.rejects("not_allowed"):
        bank.transfer_for("e1", "south", 10)
    until = books.time + 86_400_000
    north.allow("euro", "bank-a", 100, until)
    with books.rejects("beyond_allowance"):
        bank.transfer_for("e1", "south", 101)
    with books.rejects("beyond_allowance"):
        bank.transfer_for("e1", "south")
    with books.rejects("not_allowed"):
        holding.as_(BOB).transfer_for("e1", "south", 1)
    assert bank.transfer_for("e1", "south", 60).amount == 60
    assert books.events[-1].data["by"] == "bank-a"
    with books.rejects("wrong_amount"):  # nothing is gained by negative amounts
        bank.transfer_for("e1", "south", -60)
    with books.rejects("other_allowance"):  # the holder has not seen that 60 are gone
        north.allow("euro", "bank-a", 200, until, before=100)
    north.allow("euro", "bank-a", 200, until, before=40)
    books.advance(days=1)
    with books.rejects("not_allowed"):
        bank.transfer_for("e1", "south", 1)


def test_what_cannot_be_allowed(books: Any, holding: Any) -> None:
    holding.as_(MIA).open_kind({**EURO, "code": "bond", "role": "trader"})
    for who, arguments, code in (
        (ANN, ("euro", "north", 5, FAR), "wrong_party"),
        (ANN, ("euro", "south", -1, FAR), "wrong_amount"),
        ("gus@north", ("bond", "south", 5, FAR), "not_holder"),
    ):
        with books.rejects(code):
            holding.as_(who).allow(*arguments)


def test_a_delegate_needs_the_role_and_a_free_holding(books: Any, holding: Any) -> None:
    holding.as_(MIA).open_kind({**EURO, "code": "bond", "role": "trader"})
    holding.as_(MIA).issue("b1", "bond", "south", 5)
    holding.as_(BOB).allow("bond", "north", 5, FAR)
    with books.rejects("not_allowed"):
        holding.as_("gus@north").transfer_for("b1", "bank-a", 5)
    holding.as_(BOB).lock("b1", "bank-a", FAR, "court")
    with books.rejects("locked"):
        holding.as_(ANN).transfer_for("b1", "bank-a", 5)


def test_both_sides_sign_an_exchange(books: Any, holding: Any) -> None:
    holding.as_(MIA).issue("e2", "euro", "south", 250)
    with books.rejects("not_holder"):
        holding.as_(ANN).exchange("t1", "e2")
    done = holding.as_(ANN, BOB).exchange("t1", "e2")
    assert (done.one, done.other) == ("north", "south")
    assert (holding.holding("t1").holder, holding.holding("e2").holder) == ("south", "north")
    with books.rejects("wrong_party"):
        holding.as_(ANN, BOB).exchange("e1", "e2")
    assert books.events[-1].name == "Exchanged"


def test_an_exchange_is_whole_or_nothing(books: Any, holding: Any) -> None:
    holding.as_(MIA).issue("e2", "euro", "south", 250)
    holding.as_(BOB).lock("e2", "bank-a", FAR, "court")
    with books.rejects("locked"):
        holding.as_(ANN, BOB).exchange("t1", "e2")
    assert holding.holding("t1").holder == "north"


def test_what_is_retired_never_comes_back(books: Any, holding: Any) -> None:
    north = holding.as_(ANN, attachments=[b"\x01" * 32])
    done = north.retire("g1", 200, "bakery", "used")
    assert (done.number, done.amount, done.documents) == (1, 200, ["01" * 32])
    assert holding.holding("g1").amount == 300
    north.retire("g1", 300, "bakery", "used")
    ended = holding.holding("g1")
    assert (ended.state, ended.amount) == ("retired", 300)
    with books.rejects("not_live"):
        north.transfer("g1", "south")
    with books.rejects("already_issued"):
        holding.as_(MIA).issue("g9", "grain", "north", 5, ended.fingerprint)
    assert [each.amount for each in holding.retirements_of("bakery")] == [200, 300]
    assert [each.amount for each in holding.retirements_of("bakery", after=1)] == [300]
    assert holding.supply("grain").retired == 500


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("e1", 0, "us", "paid"), "wrong_amount"),
        (("e1", 1001, "us", "paid"), "wrong_amount"),
        (("e1", 1, "", "paid"), "wrong_party"),
        (("e1", 1, "us", ""), "wrong_name"),
    ],
)
def test_what_is_not_retired(
    books: Any, holding: Any, arguments: tuple[Any, ...], code: str
) -> None:
    with books.rejects(code):
        holding.as_(ANN).retire(*arguments)


def test_lists_go_on_where_the_page_before_ended(holding: Any) -> None:
    north = holding.as_(ANN)
    for start in range(3):
        north.split("e1" + ".2" * start, [1, holding.holding("e1" + ".2" * start).amount - 1])
    held = [each.id for each in holding.held("north", "euro")]
    assert held == ["e1.1", "e1.2.1", "e1.2.2.1", "e1.2.2.2"]
    assert [each.id for each in holding.held("north", "euro", after="e1.2.1")] == held[2:]
    tree = [each.id for each in holding.tree("e1")]
    assert [each.id for each in holding.tree("e1", after=tree[2])] == tree[3:]
    kinds = [each.kind for each in holding.balances_of("north")]
    assert kinds == ["euro", "grain", "title"]
    assert [each.kind for each in holding.balances_of("north", after="grain")] == ["title"]
    north.transfer("e1.1", "south")
    assert [each.holder for each in holding.holders_of("euro")] == ["north", "south"]
    assert [each.holder for each in holding.holders_of("euro", after="north")] == ["south"]


def test_a_title_is_unique(books: Any, holding: Any) -> None:
    assert (GRAIN["backed"], DEED) == (True, holding.holding("t1").fingerprint)
    with books.rejects("wrong_sum"):
        holding.as_(ANN).split("t1", [1, 1])
