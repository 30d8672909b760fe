"""Other contracts: a controller rules its kind, and no other contract disposes of anything."""

from typing import Any

import pytest
from tests.packs.holding.cast import ANN, BEN, BOB, DEED, EURO, JOY, MIA, STORE

FAR = 2**45
SHOP = '''
from lianheng.contract import Contract, Interface, Record, Uses, call


class Kind(Record):
    code: str
    issuer: str
    unit: str
    decimals: int
    divisible: bool
    backed: bool
    authority: str = ""
    controller: str = ""


class Holdings(Interface):
    @call
    def open_kind(self, kind: Kind) -> object: ...

    @call
    def issue(self, id: str, kind: str, to: str, amount: int) -> object: ...

    @call
    def transfer(self, id: str, to: str) -> object: ...

    @call
    def offer(self, id: str, lender: str, secured: int, due: int) -> object: ...

    @call
    def pledge(self, id: str, amount: int, secured: int, due: int) -> object: ...

    @call
    def release_lock(self, number: int) -> object: ...

    @call
    def lock(self, id: str, beneficiary: str, expires: int, agent: str) -> object: ...

    @call
    def redeem(self, ids: list[str], amounts: list[int], reason: str) -> object: ...

    @call
    def freeze(self, id: str, order: str) -> object: ...


class Shop(Contract):
    """Does what it is told, with vouchers of its own or with what its caller holds."""

    holding = Uses(Holdings, contract="holding")

    @call(by="ANY")
    def open(self, code: str, controller: str) -> None:
        kind = Kind(
            code=code, issuer="", unit="voucher", decimals=0, divisible=True, backed=False,
            authority="court", controller=controller,
        )
        self.holding.open_kind(kind)

    @call(by="ANY")
    def issue(self, id: str, kind: str, to: str, amount: int) -> None:
        self.holding.issue(id, kind, to, amount)

    @call(by="ANY")
    def transfer(self, id: str, to: str) -> None:
        self.holding.transfer(id, to)

    @call(by="ANY")
    def borrow(self, id: str, lender: str, secured: int) -> None:
        self.holding.offer(id, lender, secured, 0)

    @call(by="ANY")
    def lend(self, id: str, amount: int, secured: int) -> None:
        self.holding.pledge(id, amount, secured, 0)

    @call(by="ANY")
    def lock(self, id: str, beneficiary: str, expires: int) -> None:
        self.holding.lock(id, beneficiary, expires, "court")

    @call(by="ANY")
    def release(self, number: int) -> None:
        self.holding.release_lock(number)

    @call(by="ANY")
    def redeem(self, ids: list[str], amounts: list[int]) -> None:
        self.holding.redeem(ids, amounts, "paid")

    @call(by="ANY")
    def freeze(self, id: str, order: str) -> None:
        self.holding.freeze(id, order)
'''


@pytest.fixture
def shop(books: Any, holding: Any) -> Any:
    """A contract that opened `shop:voucher` and issued 100 of them to north."""
    assert holding.kind("euro").controller == ""
    shop = books.deploy_source(SHOP, name="shop", file="shop.py")
    shop.as_(ANN).open("shop:voucher", "shop")
    shop.as_(ANN).issue("v1", "shop:voucher", "north", 100)
    return shop


def test_a_contract_disposes_of_nothing_in_the_name_of_who_calls_it(
    books: Any, holding: Any, shop: Any
) -> None:
    for who, call, arguments, code in (
        (ANN, "transfer", ("e1", "south"), "not_holder"),
        (ANN, "borrow", ("t1", "bank-a", 5), "not_holder"),
        (ANN, "lock", ("t1", "south", FAR), "not_holder"),
        (ANN, "redeem", (["e1"], [5]), "not_controller"),
        (MIA, "issue", ("e9", "euro", "shop", 5), "not_issuer"),
        (JOY, "freeze", ("e1", "0" * 64), "policy.denied"),
    ):
        with books.rejects(code):
            getattr(shop.as_(who), call)(*arguments)
    holding.as_(ANN).lock("e1", "south", FAR, "court")
    with books.rejects("not_agent"):
        shop.as_(JOY).release(1)
    holding.as_(ANN).offer("t1", "bank-a", 5, 0)
    with books.rejects("not_offered"):
        shop.as_(BEN).lend("t1", 1, 5)


def test_a_controlled_kind_moves_through_its_controller_alone(
    books: Any, holding: Any, shop: Any
) -> None:
    for who, call, arguments, code in (
        (ANN, "transfer", ("v1", "south"), "not_holder"),
        (ANN, "retire", ("v1", 5, "us", "used"), "not_holder"),
        (ANN, "redeem", (["v1"], [5], "paid"), "not_controller"),
        (MIA, "issue", ("v2", "shop:voucher", "north", 5), "not_issuer"),
        (MIA, "close_kind", ("shop:voucher",), "not_issuer"),
        (ANN, "allow", ("shop:voucher", "south", 5, FAR), "not_holder"),
    ):
        with books.rejects(code):
            getattr(holding.as_(who), call)(*arguments)
    with books.rejects("not_holder"):  # the controller asks in its caller's name
        shop.as_(BOB).transfer("v1", "south")
    shop.as_(ANN).transfer("v1", "south")
    assert holding.holding("v1").holder == "south"


def test_a_code_belongs_to_the_contract_that_it_names(books: Any, holding: Any, shop: Any) -> None:
    for code in ("other:voucher", "voucher", "shopping:voucher"):
        with books.rejects("wrong_name"):
            shop.as_(ANN).open(code, "shop")
    for controller in ("", "other"):
        with books.rejects("not_issuer"):
            shop.as_(ANN).open("shop:other", controller)
    for code in ("shop:other", "other"):
        with books.rejects("not_issuer"):
            holding.as_(MIA).open_kind({**EURO, "code": code, "controller": "shop"})


def test_the_authority_freezes_a_controlled_holding_itself(
    books: Any, holding: Any, shop: Any
) -> None:
    holding.as_(JOY).freeze("v1", "0" * 64)
    with books.rejects("frozen"):
        shop.as_(ANN).transfer("v1", "south")
    with books.rejects("frozen"):
        shop.as_(ANN).redeem(["v1"], [5])


def test_a_controller_redeems_where_the_units_lie(books: Any, holding: Any, shop: Any) -> None:
    shop.as_(ANN).borrow("v1", "bank-a", 40)
    shop.as_(BEN).lend("v1", 100, 40)
    assert [each.id for each in holding.secured("bank-a", "shop:voucher")] == ["v1"]
    assert holding.secured("bank-a", "shop:voucher", after="v1") == []
    shop.as_(MIA).redeem(["v1"], [60])
    assert (holding.holding("v1").amount, holding.pledge_of(1).amount) == (40, 40)
    assert [each.amount for each in holding.retirements_of("bank-a")] == [60]
    for ids, amounts, code in (
        (["v1"], [41], "wrong_amount"), (["v1"], [0], "wrong_amount"), ([], [], "wrong_parts"),
        (["v1"], [5, 5], "wrong_parts"), (["v1", "v1"], [30, 30], "wrong_amount"),
    ):  # fmt: skip
        with books.rejects(code):
            shop.as_(MIA).redeem(ids, amounts)
    shop.as_(MIA).redeem(["v1", "v1"], [30, 10])
    ended = holding.holding("v1")
    assert (ended.state, ended.lender, holding.pledge_of(1).stage) == (
        "retired", "bank-a", "released",
    )  # fmt: skip
    assert holding.supply("shop:voucher").retired == 100
    with books.rejects("not_live"):
        shop.as_(MIA).redeem(["v1"], [1])
    with books.rejects("not_pledged"):
        holding.as_(BEN).enforce_pledge(1)


def test_what_is_locked_is_not_redeemed(books: Any, holding: Any, shop: Any) -> None:
    shop.as_(ANN).lock("v1", "south", FAR)
    with books.rejects("locked"):
        shop.as_(MIA).redeem(["v1"], [5])
    with books.rejects("not_agent"):  # the agent goes the way of the kind, too
        holding.as_(JOY).release_lock(1)
    shop.as_(JOY).release(1)
    assert holding.holding("v1").holder == "south"


def test_fingerprints_are_unique_over_packs(books: Any, holding: Any) -> None:
    assert (holding.issue_of("t1").fingerprint, holding.issue_of("g1").fingerprint) == (DEED, STORE)
    with books.rejects("already_issued"):
        holding.as_(MIA).issue("t9", "title", "south", 1, STORE)
