"""The twin under CPython and the VM end every call alike: value, events, rows, error and line."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lianheng.contract import twin
from lianheng.model import CallFailed
from lianheng.testing import EnginesDiffer, LedgerFixture

SOURCE = """
from lianheng.contract import (
    Contract, Enum, Event, Record, Rejected, Table, call, invariant, require, view
)

class Kind(Enum):
    HAND = "hand"
    POWER = "power"

class Level(Enum):
    LOW = 1
    HIGH = 2

class Spot(Record):
    shelf: str
    place: int = 0

class Tool(Record):
    id: str
    kind: Kind = Kind.HAND
    level: Level = Level.LOW
    price: int = 0
    note: str | None = None
    tags: tuple[str, ...] = ()
    pair: tuple[int, str] = (1, "a")
    spots: list[Spot] | None = None
    counts: dict[str, int] | None = None

class Slot(Record):
    shelf: str
    place: int
    sealed: bool
    mark: bytes

class Noted(Event):
    id: str
    parts: list[int]

class Shed(Contract):
    tools = Table(Tool, key="id", indexes=["kind", "note", ("level", "price")])
    slots = Table(Slot, key=("shelf", "place"), indexes=[("sealed", "mark")])

    @call(by="ANY")
    def add(self, id: str, kind: Kind, price: int, note: str | None = None) -> Tool:
        self.tools[id] = Tool(id=id, kind=kind, price=price, note=note)
        return self.tools[id]

    @call(by="ANY")
    def store(self, tool: Tool) -> Tool:
        self.tools[tool.id] = tool
        return self.tools[tool.id]

    @call(by="ANY")
    def place(self, shelf: str, place: int, sealed: bool, mark: bytes) -> Slot:
        self.slots[shelf, place] = Slot(shelf=shelf, place=place, sealed=sealed, mark=mark)
        return self.slots[(shelf, place)]

    @call(by="ANY")
    def keys(self, id: str) -> dict[str, int]:
        tool = self.tools[id]
        self.tools[id] = tool.replace(counts={"longer": 1, "b": 2, "a": 3})
        stored = self.tools[id].counts or {}
        return {key: at for at, key in enumerate(stored)}

    @call(by="ANY")
    def changed_after_it_was_made(self, id: str) -> Tool:
        spots = [Spot(shelf="a")]
        tool = Tool(id=id, spots=spots)
        self.tools[id] = tool
        spots.append(Spot(shelf="b"))
        return self.tools[id]

    @call(by="ANY")
    def forged(self, id: str) -> None:
        counts = {"a": 1}
        tool = Tool(id=id, counts=counts)
        counts["b"] = "two"
        self.tools[id] = tool

    @call(by="ANY")
    def fail(self, how: str) -> int:
        self.tools["left-over"] = Tool(id="left-over")
        self.emit(Noted(id=how, parts=[1]))
        return self.failing(how)

    def failing(self, how: str) -> int:
        if how == "rejected":
            raise Rejected("no_way", "because")
        if how == "require":
            require(1 > 2, "never", f"{how} it is")
        if how == "bad_code":
            raise Rejected("No Code", "x")
        if how == "key":
            return self.tools["absent"].price
        if how == "composite_key":
            return self.slots["absent", 3].place
        if how == "delete":
            del self.tools["absent"]
        if how == "delete_method":
            self.slots.delete(("absent", 1))
        if how == "short_key":
            return self.slots["absent"].place
        if how == "key_type":
            return self.tools[5].price
        if how == "bool_key":
            return self.slots["a", True].place
        if how == "other_key":
            self.tools["x"] = Tool(id="y")
        if how == "other_key_of_two":
            self.slots["x", 1] = Slot(shelf="x", place=2, sealed=True, mark=b"")
        if how == "other_class":
            self.tools["x"] = Spot(shelf="x")
        if how == "field":
            return Tool(id=how, price=True).price
        if how == "replace":
            return self.tools["left-over"].replace(price="much").price
        if how == "index":
            return len(self.tools.by("price", 1, limit=1))
        if how == "index_values":
            return len(self.tools.by("kind", Kind.HAND, 1, limit=1))
        if how == "index_type":
            return len(self.tools.by("kind", "hand", limit=1))
        if how == "index_none":
            return len(self.tools.by("note", None, limit=1))
        if how == "limit":
            return len(self.tools.scan(limit=0))
        if how == "large_limit":
            return len(self.tools.scan(limit=1_001))
        if how == "long_prefix":
            return len(self.slots.scan("a", 1, 2, limit=1))
        if how == "prefix_type":
            return len(self.slots.scan(1, limit=1))
        if how == "after_type":
            return len(self.slots.scan(limit=1, after="a"))
        if how == "after_row":
            return len(self.tools.by("kind", limit=1, after=Spot(shelf="a")))
        if how == "event":
            self.emit(Spot(shelf="a"))
        if how == "set_event":
            self.emit(Noted(id="x", parts=[1, {2}]))
        if how == "assert":
            assert self.now < 0, "time is positive"
        if how == "zero":
            return 1 // (self.height - self.height)
        if how == "list":
            return [1, 2][self.height + 5]
        if how == "dict":
            return {"a": 1}[how]
        if how == "value":
            return int(how)
        if how == "attribute":
            return self.tools["left-over"].colour
        if how == "raised_inside":
            try:
                return self.tools[how].price
            except KeyError:
                raise ValueError("inside") from None
        if how == "again":
            try:
                return self.tools[how].price
            except KeyError:
                raise
        if how == "recursion":
            return self.failing(how)
        if how == "large":
            return 1 << 5_000
        if how == "gas":
            return sum(i for i in range(10**9))
        return 0

    @call(by="ANY")
    def gives_a_set(self) -> int:
        return {1}

    @call(by="ANY")
    def takes(
        self, a: int, b: list[Spot], c: dict[str, int], d: tuple[int, str], e: Kind | None,
        f: int | str = 5,
    ) -> list[str]:
        return [str(a), repr(b), repr(c), repr(d), repr(e), repr(f)]

    @call(by="role:bank and org:north or role:admin")
    def guarded(self) -> tuple[str, list[str]]:
        return (self.caller.member, [s.organisation for s in self.signers])

    @call(by="FORBIDDEN")
    def forbidden(self) -> None:
        pass

    @call(by="ANY")
    def context(self) -> list[object]:
        return [self.caller, self.now, self.height, self.transaction_id, len(self.signers)]

    @view
    def seen(self) -> list[object]:
        return [self.caller.member, self.now, self.height, self.transaction_id, len(self.signers)]

    @view
    def writes(self) -> None:
        try:
            self.tools["x"] = Tool(id="x")
        except Exception:
            pass

    @view
    def deletes(self) -> None:
        self.tools.delete("x")

    @view
    def announces(self) -> None:
        self.emit(Noted(id="x", parts=[]))

    @view
    def tools_by(self, kind: Kind) -> list[str]:
        return [tool.id for tool in self.tools.by("kind", kind, limit=9)]

    @invariant
    def prices_are_positive(self) -> None:
        for tool in self.tools.scan(limit=100):
            assert tool.price >= 0, f"{tool.id} costs {tool.price}"
"""
WAYS = [part.split('"')[0] for part in SOURCE.split('if how == "')[1:]]


@pytest.fixture
def shed(ledger: LedgerFixture) -> Any:
    ledger.member("dora@north", roles=["bank", "auditor"])
    ledger.member("adam@west", roles=["admin"])
    return ledger.deploy_source(SOURCE, name="shed", file="shed.py").as_("alice@north")


@pytest.mark.parametrize("how", WAYS)
def test_every_failure_is_the_same(ledger: LedgerFixture, shed: Any, how: str) -> None:
    with pytest.raises(CallFailed):
        shed.fail(how)
    assert ledger.events == []
    assert "left-over" not in [row.key[0] for row in ledger.embedded.table("shed", "tools")]


def test_what_ends_well_is_the_same(shed: Any) -> None:
    assert shed.fail("") == 0
    assert shed.add("a", "power", 3).kind == "power"
    shed.add("b", kind="hand", price=2**80, note="n")
    shed.add("B", "hand", -(2**70))
    assert shed.tools_by("hand") == ["B", "b", "left-over"]
    shed.place("s", 10, True, b"\x00\x01")
    shed.place("s", 9, False, b"")
    assert shed.keys("a") == {"b": 1, "a": 0, "longer": 2}
    assert len(shed.changed_after_it_was_made("c").spots) == 1
    tool = {"id": "t", "spots": [{"shelf": "x"}], "level": 2, "pair": [7, "z"]}
    assert shed.store(tool).spots[0].place == 0
    assert shed.context()[4] == 1


@pytest.mark.parametrize(
    "given",
    [
        {"a": True},
        {"a": "1"},
        {"b": [{"shelf": 1}]},
        {"b": [{"shelf": "x", "colour": "red"}]},
        {"b": [{}]},
        {"b": {"shelf": "x"}},
        {"c": {"x": None}},
        {"c": {1: 1}},
        {"d": [1]},
        {"d": [1, 2]},
        {"d": [1, "x", 3]},
        {"e": "steam"},
        {"e": 3},
        {"e": []},
        {"f": None},
        {"f": b"x"},
        {"g": 1},
    ],
)
def test_arguments_are_refused_alike(
    shed: Any, ledger: LedgerFixture, given: dict[str, Any]
) -> None:
    good = {"a": 1, "b": [{"shelf": "x"}], "c": {"k": 1}, "d": [1, "x"], "e": "hand"}
    assert shed.takes(**good)[0] == "1"
    with ledger.rejects("call.bad_arguments"):
        shed.takes(**{**good, **given})
    with ledger.rejects("call.bad_arguments"):
        shed.takes(**{name: good[name] for name in good if name != next(iter(given))} | {"z": 1})


def test_policies_count_the_same_signers(ledger: LedgerFixture, shed: Any) -> None:
    contract = ledger.deploy_source(SOURCE, name="other", file="other.py")
    for members, allowed in [
        (("alice@north",), False),
        (("dora@north",), True),
        (("bob@south", "dora@north"), True),
        (("adam@west",), True),
        (("bob@south",), False),
    ]:
        if allowed:
            assert contract.as_(*members).guarded()[0] == members[0]
        else:
            with ledger.denied():
                contract.as_(*members).guarded()
    with ledger.denied():
        shed.forbidden()


def test_views_only_read(ledger: LedgerFixture, shed: Any) -> None:
    shed.add("x", "hand", 1)
    for method in (shed.writes, shed.deletes, shed.announces):
        with ledger.rejects("view.write"):
            method()
    assert shed.seen()[0] == "alice@north"
    assert ledger.deploy_source(SOURCE, name="other", file="o.py").seen()[0] == ""


def test_what_cannot_be_stored_is_refused_alike(ledger: LedgerFixture, shed: Any) -> None:
    for method in (lambda: shed.forged("x"), shed.gives_a_set):
        with ledger.rejects("TypeError"):
            method()


def test_an_invariant_is_for_tests_alone(ledger: LedgerFixture, shed: Any) -> None:
    shed.add("x", "hand", 1)
    ledger.check_invariants("shed")
    with pytest.raises(AttributeError, match="no method 'prices_are_positive'"):
        shed.prices_are_positive()
    with ledger.rejects("call.unknown_method"):
        ledger.call(["alice@north"], "shed.prices_are_positive", {}).checked()
    shed.add("y", "hand", -1)
    with pytest.raises(AssertionError, match=r"prices_are_positive  shed\.py:\d+ .*y costs -1"):
        ledger.check_invariants("shed")


def test_a_difference_is_shown_with_both_sides(shed: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shed.add("x", "hand", 1)
    real = twin.run

    def off_by_one(program: Any, call: Any, state: Any, peers: Any) -> Any:
        changed = {**call.arguments, "price": call.arguments["price"] + 1}
        return real(program, twin.Call(**{**vars(call), "arguments": changed}), state, peers)

    monkeypatch.setattr("lianheng.testing._twins.run", off_by_one)
    with pytest.raises(EnginesDiffer) as caught:
        shed.add("y", "power", 1)
    text = str(caught.value)
    assert "VM and CPython differ in value" in text
    assert "shed.add(id='y', kind='power', price=1) by alice@north" in text
    assert text.index("'price': 1") < text.index("'price': 2")


def test_a_state_that_differs_is_shown_row_by_row(ledger: LedgerFixture, shed: Any) -> None:
    shed.add("x", "hand", 1)
    rows = ledger._twins[shed._name].state.rows("tools")
    rows.delete(next(iter(rows.ordered()))[0])
    rows.keep()
    with pytest.raises(
        EnginesDiffer, match=r"(?s)state shed.tools\['x'\].*VM .*'hand'.*CPython abs"
    ):
        shed.add("y", "hand", 1)


def test_lines_are_those_of_the_file(ledger: LedgerFixture, shed: Any) -> None:
    with ledger.rejects("no_way") as refusal:
        shed.fail("rejected")
    assert refusal.error is not None
    line = SOURCE.splitlines()[refusal.error.details["line"] - 1]
    assert line.strip() == 'raise Rejected("no_way", "because")'


def test_python_without_asserts_is_refused(tmp_path: Path) -> None:
    test = "def test(ledger):\n    ledger.deploy('shed.py')\n"
    (tmp_path / "shed.py").write_text(SOURCE)
    (tmp_path / "test_shed.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-O", "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "python -O drops every assert" in done.stdout, done.stdout + done.stderr
