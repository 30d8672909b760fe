"""Random changes of a record: what needs a migration, and that nothing is misread without one.

Each upgrade runs on both engines; the twin finds the differences of two layouts by itself.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lianheng import _native
from lianheng.contract._layout import layout_changes
from lianheng.contract.twin import load
from lianheng.testing import LedgerFixture
from lianheng.testing.strategies import values

EXAMPLES = 25
_GAS = 10_000_000
DEFAULTS = {
    "int": "7",
    "str": "'a'",
    "bool": "True",
    "bytes": "b'x'",
    "int | None": "None",
    "Amount": "Amount('1.50')",
    "Colour": "Colour.RED",
    "tuple[int, ...]": "(1, 2)",
}
"""Types that a field with a default has, and the default."""

PLAIN = ["int", "str", "bool", "bytes", "Amount", "Fine", "Colour", "Size", "Inner", "Other"]


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Types made of types."""
    several = st.lists(inner, min_size=1, max_size=3, unique=True)
    return st.one_of(
        inner.map("list[{}]".format),
        inner.map("tuple[{}, ...]".format),
        inner.map("dict[str, {}]".format),
        several.map(lambda items: f"tuple[{', '.join(items)}]"),
        several.map(lambda items: " | ".join([*items, "None"])),
        several.map(" | ".join),
    )


TYPES = st.recursive(st.sampled_from([*PLAIN, "object"]), nested, max_leaves=4)


@dataclass(frozen=True)
class Layout:
    """A contract to be written down: fields of the row with type and default, and the rest."""

    fields: tuple[tuple[str, str, str], ...]
    colours: tuple[str, ...] = ("RED", "GREEN")
    inner: tuple[tuple[str, str, str], ...] = (("x", "int", ""),)
    key: str = '"id"'
    indexes: tuple[str, ...] = ()
    extra: tuple[str, ...] = field(default=())

    def source(self) -> str:
        """The contract."""
        return "\n".join(
            [
                "from lianheng.contract import Cell, Contract, Counter, Decimal, Enum, Record",
                "from lianheng.contract import Table, call, view",
                "Amount = Decimal(2)",
                "Fine = Decimal(3)",
                "class Colour(Enum):",
                *(f"    {name} = '{name.lower()}'" for name in self.colours),
                "class Size(Enum):",
                "    SMALL = 1",
                "    LARGE = 2",
                "class Inner(Record):",
                *_lines(self.inner),
                "class Other(Record):",
                "    x: int",
                "    y: int = 0",
                "class Row(Record):",
                "    id: int",
                *_lines(self.fields),
                "class Box(Contract):",
                f"    rows = Table(Row, key={self.key}, indexes=[{', '.join(self.indexes)}])",
                "    numbers = Counter()",
                *(f"    {line}" for line in self.extra),
                "    @call(by='ANY')",
                "    def put(self, row: Row) -> None:",
                "        self.rows[row.id] = row",
                "        self.numbers.next()",
                "    @view",
                "    def all(self) -> list[Row]:",
                "        return self.rows.scan(limit=10)",
                "    @view",
                "    def shown(self) -> list[str]:",
                "        return [repr(row) for row in self.rows.scan(limit=10)]",
            ]
        )


def _lines(fields: tuple[tuple[str, str, str], ...]) -> list[str]:
    ordered = sorted(fields, key=lambda field: bool(field[2]))
    return [f"    {n}: {t}" + (f" = {default}" if default else "") for n, t, default in ordered]


FIELD_TYPES = st.sampled_from(
    ["int", "str", "bytes", "Amount", "Colour", "Inner", "list[Inner]", "dict[str, Amount]"]
)


@st.composite
def layouts(draw: st.DrawFn) -> Layout:
    """A first layout; some of its fields have a default."""
    names = [f"f{number}" for number in range(draw(st.integers(1, 3)))]
    made = [(name, draw(FIELD_TYPES), "") for name in names]
    kind = draw(st.sampled_from(sorted(DEFAULTS)))
    return Layout((*made, ("kept", kind, DEFAULTS[kind])))


@st.composite
def grown(draw: st.DrawFn, layout: Layout) -> Layout:
    """The layout with changes that older rows survive."""
    for change in draw(st.lists(st.sampled_from(range(7)), min_size=1, max_size=4, unique=True)):
        kind = draw(st.sampled_from(sorted(DEFAULTS)))
        first, *rest = layout.fields
        wider = (first[0], f"{first[1]} | None", first[2])
        layout = [
            replace(layout, fields=(*layout.fields, ("added", kind, DEFAULTS[kind]))),
            replace(layout, fields=(wider, *rest)),
            replace(layout, colours=("BLUE", *layout.colours)),
            replace(layout, inner=(*layout.inner, ("more", kind, DEFAULTS[kind]))),
            replace(layout, extra=(*layout.extra, "others = Table(Other, key='x')")),
            replace(layout, extra=(*layout.extra, "cell = Cell(int, 0)")),
            replace(layout, fields=tuple(reversed(layout.fields))),
        ][change]
    return layout


@st.composite
def broken(draw: st.DrawFn, layout: Layout) -> Layout:
    """The layout with a change that rows do not survive."""
    first, *rest = layout.fields
    other = "bool" if first[1] != "bool" else "int"
    changed = [
        replace(layout, fields=tuple(rest)),
        replace(layout, fields=((first[0], other, ""), *rest)),
        replace(layout, fields=(*layout.fields, ("added", "int", ""))),
        replace(layout, key='("id", "kept")') if layout.fields[-1][1] == "str" else None,
        replace(layout, fields=tuple((n, t, "") for n, t, _ in layout.fields)),
    ]
    return draw(st.sampled_from([one for one in changed if one is not None]))


def begun(layout: Layout, data: st.DataObject, folder: Path) -> tuple[LedgerFixture, list[object]]:
    """A ledger with some rows of the layout, and what the row's values are."""
    source = layout.source()
    ledger = LedgerFixture(folder)
    box = ledger.deploy_source(source, name="box", file="box.py")
    row = load(source, "box.py").parameters["put"]["row"].type
    for number in range(data.draw(st.integers(0, 3))):
        given_row = {**data.draw(values(row)), "id": number}
        box.as_("ann@north").put(row=given_row)
    return ledger, box.all()


def agree_on_changes(old: Layout, new: Layout) -> None:
    """Core and twin find the same differences of tables and cells."""
    core = [
        (change["what"], change["how"], change["needs_migration"])
        for change in _native.contract_changes(old.source(), new.source(), "box.py")
        if str(change["what"]).startswith(("table ", "cell "))
    ]
    loaded = (load(layout.source(), "box.py").contract for layout in (old, new))
    found = layout_changes(*loaded)
    assert core == [(change.what, change.how, change.needs_migration) for change in found]


@settings(max_examples=EXAMPLES, deadline=None)
@given(layouts(), st.data())
def test_what_grows_keeps_all_rows_without_a_migration(layout: Layout, data: st.DataObject) -> None:
    ledger, before = begun(layout, data, Path())
    after = data.draw(grown(layout))
    agree_on_changes(layout, after)
    box = ledger.upgrade_source("box", after.source() + "\n")
    for old, new in zip(before, box.all(), strict=True):
        assert _within(old, new)
    ledger.close()


@settings(max_examples=EXAMPLES, deadline=None)
@given(layouts(), st.data())
def test_what_breaks_is_refused_without_a_migration(layout: Layout, data: st.DataObject) -> None:
    ledger, before = begun(layout, data, Path())
    after = data.draw(broken(layout))
    agree_on_changes(layout, after)
    with ledger.rejects("contract.migration_missing"):
        ledger.upgrade_source("box", after.source())
    assert ledger.upgrade_source("box", layout.source() + "\n").all() == before
    ledger.close()


@settings(max_examples=2 * EXAMPLES, deadline=None)
@given(TYPES, TYPES, st.booleans(), st.data())
def test_what_is_accepted_reads_the_same(
    old: str, other: str, joined: bool, data: st.DataObject
) -> None:
    """Any type after any other: where no migration is asked for, values mean what they meant."""
    new = f"{other} | {old}" if joined else other
    first, second = Layout((("f", old, ""),)), Layout((("f", new, ""),))
    # A union of a decimal and an int is refused: both are stored as an int.
    assume(not any(_native.check_contract(one.source(), "box.py") for one in (first, second)))
    ledger, _ = begun(first, data, Path())
    agree_on_changes(first, second)
    was, rows = _asked(ledger), ledger.ask(None, "box.all", {}, _GAS).checked().value
    source = second.source() + "\n"
    if any(c["needs_migration"] for c in _native.contract_changes(first.source(), source, "b.py")):
        with ledger.rejects("contract.migration_missing"):
            ledger.upgrade_source("box", source)
    else:
        # The same rows; shown with the decimals of the type that is declared.
        ledger.upgrade_source("box", source)
        assert ledger.ask(None, "box.all", {}, _GAS).checked().value == rows
        assert _asked(ledger) == was
    ledger.close()


def _asked(ledger: LedgerFixture) -> object:
    return ledger.ask(None, "box.shown", {}, _GAS).checked().value


def _within(old: object, new: object) -> bool:
    """Whether everything of the old value is in the new one."""
    if isinstance(old, dict) and isinstance(new, dict):
        return all(name in new and _within(value, new[name]) for name, value in old.items())
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_within, old, new))
    return old == new
