"""Listings of a table: the same pages under CPython and on the chain's machine."""

from pathlib import Path
from typing import Any

import pytest

from lianheng.contract import Enum, Record, Table
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
def vm(ledger: LedgerFixture, tmp_path: Path) -> Any:
    """The contract on the chain's machine, with the rows."""
    file = tmp_path / "sheds.py"
    file.write_text(SOURCE)
    sheds = ledger.deploy(str(file)).as_("alice@north")
    for row in ROWS:
        sheds.add(*row)
    return sheds


@pytest.fixture
def twin() -> Any:
    """The contract under CPython, with the rows."""
    space: dict[str, Any] = {"__name__": "sheds"}
    exec(compile(SOURCE, "sheds.py", "exec"), space)  # noqa: S102 - the contract's own text
    contract = space["Sheds"]
    bound = {"tools": contract.tools.bound({}), "__init__": lambda _self: None}
    sheds = type("Plain", (contract,), bound)()
    for row in ROWS:
        sheds.add(*row)
    return sheds


@pytest.mark.parametrize("engine", ["vm", "twin"])
def test_pages_and_orders(engine: str, request: pytest.FixtureRequest) -> None:
    sheds = request.getfixturevalue(engine)
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


def test_an_enum_in_a_key_is_its_value() -> None:
    class Colour(Enum):
        RED = "red"

    class Paint(Record):
        colour: Colour

    paints = Table(Paint, key="colour").bound({})
    paints[Colour.RED] = Paint(colour=Colour.RED)
    assert paints["red"] == paints[Colour.RED]
