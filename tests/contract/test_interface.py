"""The interface document: typed, and read alike by the core and by CPython."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from tools.interface_schema import SCHEMA, schema

from lianheng import _native
from lianheng.contract import twin
from lianheng.contract.imports import by_digits
from lianheng.contract.interface import InterfaceDocument, document
from lianheng.model import CallRefused

ROOT = Path(__file__).parents[2]
CONTRACTS = [
    file
    for folder in ("packs", "tests/contracts")
    for file in sorted((ROOT / folder).rglob("*.py"))
    if "(Contract):" in file.read_text(encoding="utf-8")
]
SOURCE = '''"""The module says something else."""
from lianheng.contract import (
    Cell, Contract, Counter, Decimal, Enum, Event, Interface, Record, Table, Uses, call, timer, view
)

Amount = Decimal(2)

class Grade(Enum):
    """How good it is.

        Indented more.
    """
    GOOD = "good"
    POOR = 2

class Part(Record):
    id: str

class Item(Record):
    """What lies in a store."""
    id: str
    worth: Amount = Amount("1.50")
    grade: Grade = Grade.POOR
    tags: tuple[str, ...] = ("a", "b")
    part: Part | None = None
    digest: bytes = b"\\x00\\xff"
    note: str | None = None
    signatories = ("id",)

class Moved(Event):
    """It moved."""
    id: str
    by: int = -3

class Other(Interface):
    @view
    def has(self, id: str = "x") -> bool: ...

    @call
    def put(self, item: Item) -> Item | None: ...

class Store(Contract):
    """A store
       of items.
    """
    items = Table(Item, key="id", indexes=["grade"], unique=["digest"])
    total = Cell(int, 0)
    numbers = Counter()
    other = Uses(Other, contract="other", source="ab" * 32)

    @call(by="role:keeper or via:shop")
    def put(self, item: Item, many: int = 1 << 70, *, names: list[str] | None = None) -> Item:
        """Puts it there."""
        return item

    @view
    def at(self, grade: Grade = Grade.GOOD) -> list[Item]:
        return []

    @timer
    def tidy(self, id: str, far: bool = True) -> None:
        """When it is time."""
'''.replace('"ab" * 32', f'"{"ab" * 32}"')


def both(source: str) -> tuple[Any, Any]:
    """The declaration as the core and as CPython read it."""
    core = _native.contract_interface(source, "store.py", by_digits(source))
    return core, twin.declaration(twin.load(source, "store.py"))


@pytest.mark.parametrize("file", CONTRACTS, ids=lambda file: file.stem)
def test_every_contract_has_a_document(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    found = document(source, file.name)
    again = json.loads(json.dumps(found.model_dump(mode="json")))
    assert InterfaceDocument.model_validate(again) == found
    core = _native.contract_interface(source, file.name, by_digits(source))
    assert list(twin.differences(twin.load(source, file.name), core)) == []
    own = [one for one in (*found.records, *found.events) if one.name != "Caller"]
    assert found.calls or found.views
    assert own
    assert found.doc


def test_the_schema_is_the_one_of_the_types() -> None:
    assert SCHEMA.read_text(encoding="utf-8") == schema(), "run: python -m tools.interface_schema"


def test_both_engines_read_one_declaration() -> None:
    core, cpython = both(SOURCE)
    for part in cpython:
        if part in ("records", "events", "enums"):
            ordered = [sorted(each[part], key=lambda one: one["name"]) for each in (core, cpython)]
            assert ordered[0] == ordered[1]
        else:
            assert core[part] == cpython[part], part


def test_the_document_says_docs_defaults_source_and_timers() -> None:
    found = document(SOURCE, "store.py")
    assert found.format == "lianheng.interface/1"
    assert found.source == "0x" + _native.hash_bytes(SOURCE.encode()).hex()
    assert (found.name, found.doc) == ("Store", "A store\nof items.")
    item = next(one for one in found.records if one.name == "Item")
    assert (item.doc, item.signatories) == ("What lies in a store.", ("id",))
    assert {field.name: (field.optional, field.default) for field in item.fields} == {
        "id": (False, None),
        "worth": (True, 150),
        "grade": (True, 2),
        "tags": (True, ["a", "b"]),
        "part": (True, None),
        "digest": (True, "0x00ff"),
        "note": (True, None),
    }
    assert found.events[0].doc == "It moved."
    assert found.enums[0].doc == "How good it is.\n\nIndented more."
    assert found.enums[0].members == (("GOOD", "good"), ("POOR", 2))
    put = found.calls[0]
    assert (put.doc, put.by, put.returns) == ("Puts it there.", "role:keeper or via:shop", "Item")
    assert [field.default for field in put.parameters] == [None, 1 << 70, None]
    assert (found.timers[0].name, found.timers[0].doc) == ("tidy", "When it is time.")
    use = found.uses[0]
    assert (use.contract, use.source) == ("other", "0x" + "ab" * 32)
    assert [cell.counter for cell in found.cells] == [False, True]


def test_a_default_that_is_too_long_is_not_shown() -> None:
    for length, shown in ((1_021, True), (1_022, False)):
        source = SOURCE.replace("by: int = -3", f'by: str = "{"x" * length}"')
        core, cpython = both(source)
        for each in (core, cpython):
            (event,) = each["events"]
            assert event["fields"][1]["optional"]
            assert (event["fields"][1]["default"] is not None) == shown
        assert core["events"] == cpython["events"]


literals = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**80), 2**80)
    | st.text(max_size=5)
    | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3).map(tuple),
    max_leaves=6,
)


@settings(max_examples=60, deadline=None)
@given(literals)
def test_defaults_are_the_same_values(value: object) -> None:
    source = SOURCE.replace("by: int = -3", f"by: object = {value!r}")
    core, cpython = both(source)
    assert core["events"] == cpython["events"]


def test_a_source_that_does_not_compile_has_none() -> None:
    with pytest.raises(CallRefused, match="floats"):
        document("x = 1.5\n", "bad.py")
    with pytest.raises(ValidationError):
        InterfaceDocument.model_validate({"format": "lianheng.interface/2"})


def test_another_declaration_is_found_out() -> None:
    core, _ = both(SOURCE)
    changed = {**core, "calls": [], "events": [{**core["events"][0], "doc": "other"}]}
    found = twin.differences(twin.load(SOURCE, "store.py"), changed)
    assert [place for place, _, _ in found] == ["calls", "events Moved"]
