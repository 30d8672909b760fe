"""Imports, names for types, types in quotes and decorated methods: on both engines."""

from pathlib import Path
from typing import Any

import pytest

from lianheng import _native
from lianheng.testing import LedgerFixture

SOURCE = """
from __future__ import annotations

from collections.abc import Callable, Sequence
from math import gcd, isqrt
from typing import Any, Optional, Union

from lianheng.contract import Contract, Record, Table, call, require, view

Names = list[str]
Amount = int

class Lot(Record):
    id: str
    amount: Amount
    owners: Names = ()  # replaced below
    parent: "Lot | None" = None
    tags: tuple["Lot", ...] = ()

    @property
    def depth(self) -> int:
        return 1 + (self.parent.depth if self.parent else 0)

    @staticmethod
    def share(a: Amount, b: Amount) -> Amount:
        return gcd(a, b)

    @classmethod
    def named(cls, id: str, **more: Any) -> "Lot":
        return cls(id, **{"amount": 1, **more})

def twice(f: Callable[[int], int], v: int) -> int:
    return f(f(v))

class Lots(Contract):
    lots = Table(Lot, key="id")

    @call(by="ANY")
    def put(self, id: str, parent: Optional[str], amount: Union[int, None] = None) -> Lot:
        known = None if parent is None else self.lots[parent]
        self.lots[id] = Lot.named(id, parent=known, amount=amount or 1)
        require(self.lots[id].depth < 4, "deep", f"{id} lies {self.lots[id].depth} deep")
        return self.lots[id]

    @view
    def facts(self, id: "str", among: Names) -> tuple[int, int, int, "Names"]:
        lot = self.lots[id]
        return lot.depth, Lot.share(lot.amount, 12), twice(isqrt, lot.amount), sorted(among)

    @view
    def raw(self, key: str) -> str:
        return b"a\\xff".decode("ascii", key)
""".replace("    owners: Names = ()  # replaced below\n", "")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "lots.py"
    place.write_text(SOURCE)
    return place


def test_both_engines_take_it(ledger: LedgerFixture, file: Path) -> None:
    lots = ledger.deploy(file)
    one = lots.as_("alice@north")
    one.put("a", None, 30)
    one.put("b", "a", 18)
    deep: Any = one.put("c", "b")
    assert deep.parent.parent.amount == 30
    assert lots.facts("b", ["y", "x"]) == [2, 6, 2, ["x", "y"]]
    with ledger.rejects("deep"):
        one.put("d", "c")
    assert lots.raw("ignore") == "a"
    assert lots.raw("replace") == "a\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("from typing import NamedTuple", "language.import"),
        ("from math import sqrt", "language.import"),
        ("from typing import Any\nx = Any", "language.value"),
        ("Vec = list[int]\nprint(Vec)", "language.value"),
        ("def f(x: Optional[int]): return x", "type.unknown"),
        ("def f(x: Vec): return x\nVec = list[int]", "type.unknown"),
        ("def f():\n    x = 1\n    global x", "language.global"),
        ("def f(x):\n    global x", "language.global"),
        ("class P(Record):\n    next: 'int +'", "type.string"),
        ("class P(Record):\n    next: 'P' | None", "type.string"),
        ("class P(Record):\n    next: '''P'''", "type.string"),
        ("class P(Record):\n    x: int\n    @property\n    def x(self): return 1", "name.twice"),
        ("class P(Record):\n    @property\n    def y(self, z): return 1", "language.self"),
        ("class P(Record):\n    @print\n    def y(self): return 1", "language.decorator"),
    ],
)
def test_what_stays_refused_is_named(source: str, code: str) -> None:
    head = "from lianheng.contract import Record\n" if "Record" in source else ""
    ran: dict[str, Any] = _native.run_script(head + source + "\n", "s.py", 100_000)
    found = ran["diagnostics"]
    assert [one["code"] for one in found][:1] == [code], found


def test_a_value_that_names_itself_is_bounded() -> None:
    source = (
        "from lianheng.contract import Record\n"
        "class Node(Record):\n"
        "    next: 'Node | None' = None\n"
        "node = None\n"
        "for _ in range(1000):\n"
        "    node = Node(node)\n"
        "print(node == Node(node))\n"
    )
    ran: dict[str, Any] = _native.run_script(source, "s.py", 10_000_000)
    assert ran["error"]["code"] == "limit.depth"
