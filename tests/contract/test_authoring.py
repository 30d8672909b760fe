"""What a contract author imports behaves under CPython as the language reference says."""

import dataclasses
from collections.abc import Mapping
from typing import Any

import pytest

import lianheng.contract as authoring
from lianheng.contract import (
    Caller,
    Contract,
    Event,
    Record,
    Rejected,
    Table,
    call,
    declarations,
    require,
    view,
)
from lianheng.contract.twin import State


class Tool(Record):
    id: str
    holder: str
    price: int = 0
    tags: tuple[str, ...] = ()
    note: str | None = None


class Slot(Record):
    shelf: str
    place: int
    tool: str


class Lent(Event):
    id: str


class Shed(Contract):
    tools = Table(Tool, key="id", indexes=["holder", ("holder", "price")])
    slots = Table(Slot, key=("shelf", "place"))

    @call(by="role:operator")
    def lend(self, tool: str) -> None:
        self.emit(Lent(id=tool))

    @view
    def tool(self, name: str) -> Tool:
        return self.tools[name]


class Host:
    caller = Caller(member="alice@north", organisation="north", roles=("operator",))
    signers = (caller,)
    now = 5
    height = 2
    transaction_id = b"x" * 32
    application = None
    attachments = ()
    via = None
    contract = "shed"
    chain = "trade"

    def __init__(self) -> None:
        self.state = State()
        self.events: list[Event] = []

    def due(self, at: int, method: str, gas: int, arguments: Mapping[str, Any]) -> int:
        raise NotImplementedError

    def cancel(self, number: int) -> bool:
        raise NotImplementedError

    def call_contract(self, use: object, expected: object, arguments: object) -> object:
        raise AssertionError((use, expected, arguments))

    def emit(self, event: Event) -> None:
        self.events.append(event)


@pytest.fixture
def shed() -> Shed:
    return Shed(Host())


def test_a_record_has_defaults_equality_and_a_readable_form() -> None:
    tool = Tool(id="crane", holder="north")
    assert tool == Tool("crane", "north", 0, (), None)
    assert repr(tool) == "Tool(id='crane', holder='north', price=0, tags=(), note=None)"
    assert {tool: 1}[Tool(id="crane", holder="north")] == 1


def test_a_record_is_frozen_and_replace_makes_another() -> None:
    tool = Tool(id="crane", holder="north")
    with pytest.raises(dataclasses.FrozenInstanceError):
        tool.holder = "south"  # type: ignore[misc]
    assert tool.replace(holder="south").holder == "south"
    assert tool.holder == "north"
    with pytest.raises(TypeError):
        tool.replace(colour="red")


@pytest.mark.parametrize(
    "fields",
    [
        {"id": 1, "holder": "n"},
        {"id": "a", "holder": None},
        {"id": "a", "holder": "n", "price": True},
        {"id": "a", "holder": "n", "price": 1.0},
        {"id": "a", "holder": "n", "tags": ["x"]},
        {"id": "a", "holder": "n", "tags": ("x", 1)},
        {"id": "a"},
        {"id": "a", "holder": "n", "colour": "red"},
    ],
)
def test_a_record_refuses_other_shapes(fields: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Tool(**fields)


def test_a_mutable_default_is_refused() -> None:
    with pytest.raises(ValueError, match="mutable default"):
        type("Bad", (Record,), {"__annotations__": {"tags": list[str]}, "tags": []})


def test_require_and_rejected() -> None:
    require(True, "fine")
    with pytest.raises(Rejected) as caught:
        require(False, "not_holder", "south holds crane")
    assert (caught.value.code, caught.value.message) == ("not_holder", "south holds crane")
    assert str(caught.value) == "not_holder: south holds crane"
    with pytest.raises(ValueError, match="no code"):
        Rejected("Not a code")


def test_a_table_reads_copies_and_writes_by_assignment(shed: Shed) -> None:
    assert "crane" not in shed.tools
    assert shed.tools.get("crane") is None
    with pytest.raises(KeyError):
        shed.tools["crane"]
    shed.tools["crane"] = Tool(id="crane", holder="north")
    assert shed.tools["crane"].holder == "north"
    assert shed.tools["crane"] is not shed.tools["crane"]
    del shed.tools["crane"]
    assert "crane" not in shed.tools
    with pytest.raises(KeyError):
        del shed.tools["crane"]


def test_a_table_refuses_rows_that_do_not_belong(shed: Shed) -> None:
    with pytest.raises(ValueError, match="written under"):
        shed.tools["saw"] = Tool(id="crane", holder="north")
    with pytest.raises(TypeError):
        shed.tools["saw"] = Slot(shelf="a", place=1, tool="saw")  # type: ignore[assignment]
    with pytest.raises(TypeError):
        shed.slots["a"]


def test_listings_are_ordered_bounded_and_by_key_or_index(shed: Shed) -> None:
    for shelf, place in (("b", 1), ("a", 10), ("a", 2)):
        shed.slots[shelf, place] = Slot(shelf=shelf, place=place, tool="saw")
    assert [slot.place for slot in shed.slots.scan("a", limit=5)] == [2, 10]
    assert len(shed.slots.scan(limit=2)) == 2
    for name, holder, price in (("x", "north", 3), ("y", "south", 1), ("z", "north", 3)):
        shed.tools[name] = Tool(id=name, holder=holder, price=price)
    assert [tool.id for tool in shed.tools.by("holder", "north", limit=9)] == ["x", "z"]
    assert [tool.id for tool in shed.tools.by("holder", "south", 1, limit=9)] == ["y"]
    for limit in (0, authoring.LIMIT_ROWS + 1):
        with pytest.raises(ValueError, match="limit"):
            shed.tools.scan(limit=limit)
    with pytest.raises(ValueError, match="no index"):
        shed.tools.by("price", 3, limit=1)


def test_a_table_without_a_ledger_says_so() -> None:
    with pytest.raises(RuntimeError, match="`ledger` fixture"):
        Shed.tools.get("crane")


def test_a_contract_sees_its_host_and_declares_its_methods(shed: Shed) -> None:
    assert (shed.caller.organisation, shed.height, shed.now) == ("north", 2, 5)
    assert shed.signers == (shed.caller,)
    shed.lend("crane")
    assert shed._host.events == [Lent(id="crane")]  # type: ignore[attr-defined]
    assert {name: (d.kind, d.by) for name, d in declarations(Shed).items()} == {
        "lend": ("call", "role:operator"),
        "tool": ("view", None),
    }


def test_all_names_exist() -> None:
    assert all(hasattr(authoring, name) for name in authoring.__all__)
