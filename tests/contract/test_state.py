"""Cells, counters, unique indexes, ranges and parties under CPython."""

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianheng.contract import (
    Caller,
    Cell,
    Contract,
    Counter,
    Event,
    Record,
    Table,
    call,
    view,
)
from lianheng.contract._errors import Stopped
from lianheng.contract.twin import Judgement, Question, State


class Deal(Record):
    id: int
    buyer: str
    seller: str | None = None
    serial: str | None = None
    day: int = 0
    signatories = ("buyer", "seller")
    observers = ("seller",)


class Deals(Contract):
    deals = Table(Deal, key=("id", "day"), indexes=["day"], unique=["serial"])
    total = Cell(int, 0)
    note: Cell[str | None] = Cell(str | None, None)
    best: Cell[Deal | None] = Cell(Deal | None, None)
    numbers = Counter()

    @call(by="ANY")
    def put(self, deal: Deal) -> int:
        self.deals[deal.id, deal.day] = deal
        self.total.set(self.total.get() + 1)
        return self.numbers.next()

    @view
    def between(self, start: int, end: int) -> list[int]:
        return [deal.id for deal in self.deals.scan(start=start, end=end, limit=100)]


class Everybody:
    """A chain where each name is somebody's."""

    genesis = bytes(32)

    def is_party(self, name: str) -> bool:
        return bool(name)

    def keys_of(self, member: str) -> list[bytes]:
        raise NotImplementedError(member)

    def judge(self, question: Question) -> Judgement:
        raise NotImplementedError(question)


class MemoryHost:
    """State and signers of one test."""

    now = height = 0
    transaction_id = bytes(32)
    application = None
    attachments = ()
    via = None
    contract = "deals"
    chain = "trade"

    def __init__(self, *signers: str) -> None:
        self.signers = tuple(
            Caller(member=s, organisation=s.split("@")[1], roles=()) for s in signers
        )
        self.caller = self.signers[0]
        self.state = State()
        self.state.directory = Everybody()
        self.signed_by(*signers)

    def signed_by(self, *signers: str) -> None:
        self.state.signed = tuple((s, s.split("@")[1]) for s in signers)

    def due(self, at: int, method: str, gas: int, arguments: Mapping[str, Any]) -> int:
        raise NotImplementedError

    def cancel(self, number: int) -> bool:
        raise NotImplementedError

    def call_contract(self, use: object, expected: object, arguments: object) -> object:
        raise AssertionError((use, expected, arguments))

    def emit(self, event: Event) -> None:
        raise AssertionError(event)


def test_cells_and_counters_keep_what_was_set() -> None:
    host = MemoryHost("ann@a")
    deals = Deals(host)
    assert (deals.total.get(), deals.note.get(), deals.numbers.get()) == (0, None, 0)
    assert [deals.numbers.next(), deals.numbers.add(5)] == [1, 6]
    deals.note.set("x")
    assert Deals(host).note.get() == "x"
    with pytest.raises(TypeError, match="total is str, declared int"):
        deals.total.set("x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="only grows"):
        deals.numbers.add(-1)
    with pytest.raises(OverflowError):
        deals.numbers.add(2**63)
    with pytest.raises(TypeError):
        deals.numbers.set(3)


def test_unique_values_stand_once_and_none_is_no_value() -> None:
    deals = Deals(MemoryHost("ann@a"))
    deals.put(Deal(1, "a", serial="s"))
    deals.put(Deal(1, "a", serial="s", day=0))
    deals.put(Deal(2, "a"))
    deals.put(Deal(3, "a"))
    with pytest.raises(ValueError, match="deals has a row with serial 's' already"):
        deals.put(Deal(4, "a", serial="s"))
    assert [deal.id for deal in deals.deals.by("serial", "s", limit=5)] == [1]


@given(st.sets(st.integers(-9, 9)), st.integers(-10, 10), st.integers(-10, 10))
def test_a_range_is_a_filter(ids: set[int], start: int, end: int) -> None:
    deals = Deals(MemoryHost("ann@a"))
    for number in ids:
        deals.put(Deal(number, "a"))
    assert deals.between(start, end) == sorted(n for n in ids if start <= n < end)


@given(
    st.lists(st.sampled_from(["ann@a", "bob@b", "cat@c"]), min_size=1, unique=True),
    st.sampled_from(["ann@a", "b", "c"]),
    st.sampled_from([None, "bob@b", "a"]),
)
def test_all_signatories_sign_each_change(
    signers: list[str], buyer: str, seller: str | None
) -> None:
    host = MemoryHost("ann@a", "bob@b", "cat@c")
    deal = Deal(1, buyer, seller)
    Deals(host).put(deal)
    host.state.keep()
    host.signed_by(*signers)
    missing = [
        party
        for party in (buyer, seller)
        if party and not any(party in (s, s.split("@")[1]) for s in signers)
    ]
    for delete in (False, True):
        host.state.undo()
        expected = pytest.raises(Stopped, match="changes only if") if missing else nullcontext()
        with expected:
            if delete:
                Deals(host).deals.delete((1, 0))
            else:
                Deals(host).put(Deal(1, signers[0]))


def test_a_cell_with_a_signed_record_is_signed_too() -> None:
    deals = Deals(MemoryHost("ann@a"))
    deals.best.set(Deal(1, "a"))
    with pytest.raises(Stopped, match="Deal changes only if 'b' signs; signed by ann@a"):
        deals.best.set(Deal(1, "b"))
