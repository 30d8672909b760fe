"""Listings of a table: each runs in the VM and under CPython, and must give the same pages."""

from typing import Any

import pytest

from lianheng.contract import Enum, Record, Table
from lianheng.contract.twin import State
from lianheng.testing import LedgerFixture

SOURCE = '''
from lianheng.contract import Contract, Enum, Record, Table, call, view


class Kind(Enum):
    HAND = "hand"
    POWER = "power"


class Tool(Record):
    shed: str
    number: int
    kind: Kind
    holder: str | None = None


class Sheds(Contract):
    """Tools by shed and number."""

    tools = Table(Tool, key=("shed", "number"), indexes=["holder", ("kind", "number")])

    @call(by="ANY")
    def add(self, shed: str, number: int, power: bool, holder: str | None) -> None:
        kind = Kind.POWER if power else Kind.HAND
        self.tools[shed, number] = Tool(shed=shed, number=number, kind=kind, holder=holder)

    @call(by="ANY")
    def remove(self, shed: str, number: int) -> None:
        self.tools.delete((shed, number))

    @view
    def page(self, shed: str, limit: int, after: int | None, reverse: bool) -> list[int]:
        last = None if after is None else (shed, after)
        return [t.number for t in self.tools.scan(shed, limit=limit, after=last, reverse=reverse)]

    @view
    def across(self, shed: str, other: str, after: int, reverse: bool) -> list[int]:
        last = (other, after)
        return [t.number for t in self.tools.scan(shed, limit=9, after=last, reverse=reverse)]

    @view
    def held(self, holder: str) -> list[int]:
        return [t.number for t in self.tools.by("holder", holder, limit=10)]

    @view
    def of_kind(self, reverse: bool) -> list[int]:
        found = self.tools.by(("kind", "number"), Kind.POWER, limit=2, reverse=reverse)
        rest = self.tools.by("kind", Kind.POWER, limit=9, after=found[-1], reverse=reverse)
        return [t.number for t in found + rest]

    @view
    def known(self, shed: str, number: int) -> bool:
        return self.tools.get((shed, number), None) is not None
'''
ROWS = [("a", n, n % 2 == 0, "north" if n % 3 == 0 else None) for n in (5, 1, 4, 2, 8, 6)]


@pytest.fixture
def sheds(ledger: LedgerFixture) -> Any:
    """The contract on both engines, with the rows."""
    sheds = ledger.deploy_source(SOURCE, name="sheds", file="sheds.py").as_("alice@north")
    for row in ROWS:
        sheds.add(*row)
    return sheds


def test_pages_and_orders(sheds: Any) -> None:
    assert sheds.page("a", 3, None, False) == [1, 2, 4]
    assert sheds.page("a", 3, 4, False) == [5, 6, 8]
    assert sheds.page("a", 2, 5, True) == [4, 2]
    assert sheds.page("b", 2, None, False) == []
    assert sheds.held("north") == [6]
    assert sheds.of_kind(False) == [2, 4, 6, 8]
    assert sheds.of_kind(True) == [8, 6, 4, 2]
    assert sheds.known("a", 8)
    sheds.remove("a", 8)
    assert not sheds.known("a", 8)
    assert sheds.of_kind(False) == [2, 4, 6]


def test_a_page_stays_within_its_prefix(sheds: Any) -> None:
    sheds.add("b", 1, False, None)
    assert sheds.across("b", "a", 4, False) == [1]
    assert sheds.across("a", "b", 1, True) == [8, 6, 5, 4, 2, 1]
    assert sheds.across("a", "b", 1, False) == []


def test_an_enum_in_a_key_is_of_its_class() -> None:
    class Colour(Enum):
        RED = "red"

    class Paint(Record):
        colour: Colour

    paints = Table(Paint, key="colour").bound(State(), "paints")
    paints[Colour.RED] = Paint(colour=Colour.RED)
    assert Colour.RED in paints
    with pytest.raises(TypeError, match="colour is str, declared Colour"):
        paints["red"]
