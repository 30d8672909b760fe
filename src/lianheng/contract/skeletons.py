"""A migration to be filled in: every table and cell that does not fit, drained and written again.

What cannot be known is `...`, which the checker refuses until the author writes it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from lianheng.contract.upgrades import Change, Effect, Interface, by_name

_LOOP = "        for row in self.drain({!r}):"


def skeleton(
    old: Interface, new: Interface, changes: Sequence[Change], from_version: int = 0
) -> str:
    """The method to be written into the new source; empty where nothing needs a migration."""
    touched = {
        change.where.partition(".")[0] for change in changes if change.effect is Effect.MIGRATION
    }
    if not touched:
        return ""
    lines = [
        f"    @migrate(from_version={from_version})",
        f"    def from_version_{from_version}(self) -> None:",
    ]
    for table in old["tables"]:
        if {table["name"], *_within(str(table["record"]), old)} & touched:
            lines += _table(table, old, new)
    for cell in old.get("cells", ()):
        if {cell["name"], *_within(str(cell["type"]), old)} & touched:
            lines += _cell(cell, new)
    return "\n".join(lines).replace("'", '"')


def _table(table: Mapping[str, Any], old: Interface, new: Interface) -> Iterator[str]:
    name = str(table["name"])
    yield _LOOP.format(name)
    after = by_name(new["tables"]).get(name)
    if after is None:
        yield f"            ...  # {name} is gone: write what is kept elsewhere"
        return
    stored = by_name(by_name(old["records"])[table["record"]]["fields"])
    record = by_name(new["records"])[after["record"]]
    yield f"            new = {record['name']}("
    for field in record["fields"]:
        written, known = str(field["type"]), stored.get(str(field["name"]))
        if known is None and field["optional"]:
            continue
        if known is None:
            yield f"                {field['name']}=...,  # {written}: stored rows lack it"
            continue
        was = str(known["type"])
        note = "" if was == written else f"  # {was} becomes {written}"
        value = _value(f"row[{field['name']!r}]", was if was in written else written, new)
        yield f"                {field['name']}={value},{note}"
    yield "            )"
    key = ", ".join(f"new.{part}" for part in after["key"])
    yield f"            self.{name}[{key}] = new"


def _cell(cell: Mapping[str, Any], new: Interface) -> Iterator[str]:
    name = str(cell["name"])
    yield _LOOP.format(name).replace("row", "value")
    after = by_name(new.get("cells", ())).get(name)
    if after is None:
        yield f"            ...  # {name} is gone: write what is kept elsewhere"
        return
    note = "" if cell["type"] == after["type"] else f"  # {cell['type']} becomes {after['type']}"
    method = "add" if after["counter"] else "set"
    value = _value("value", str(after["type"]), new)
    yield f"            self.{name}.{method}({value}){note}"


def _value(plain: str, written: str, interface: Interface) -> str:
    """From what is stored, plain, to a value of a type."""
    choices = [choice for choice in re.split(r" \| ", written) if choice != "None"]
    if len(choices) != 1:
        return plain
    (kind,) = choices
    if kind in by_name(interface["enums"]):
        made = f"{kind}({plain})"
    elif kind.startswith("Decimal("):
        made = f"{kind}.from_units({plain})"
    elif kind.startswith("tuple["):
        made = f"tuple({plain})"
    else:
        holds = _within(kind, interface) & {*by_name(interface["records"])}
        return "..." if holds else plain
    return made if kind == written else f"None if {plain} is None else {made}"


def _within(written: str, interface: Interface) -> set[str]:
    """Records and enums that a type holds, directly or inside of others."""
    records, found = by_name(interface["records"]), set[str]()
    waiting = re.findall(r"[A-Za-z_]\w*", written)
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        for field in records[name]["fields"] if name in records else ():
            waiting += re.findall(r"[A-Za-z_]\w*", str(field["type"]))
    return found
