"""What an upgrade changes: for stored rows, for callers, for readers of events.

Compares two interfaces as `lianheng contract interface` prints them. The layout may grow without a
migration: what an older row lacks must have a default, what it holds must still have a place.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

Interface = Mapping[str, Any]


class Effect(StrEnum):
    """Whom a change concerns, gravest first."""

    MIGRATION = "migration"
    CALLERS = "callers"
    AUTHORITY = "authority"
    COMPATIBLE = "compatible"


@dataclass(frozen=True)
class Change:
    """One difference: where, what, whom it concerns, and why."""

    effect: Effect
    where: str
    what: str
    why: str

    def to_json(self) -> dict[str, str]:
        """Plain values."""
        return {name: str(value) for name, value in asdict(self).items()}


def compare(old: Interface, new: Interface) -> list[Change]:
    """Every difference of two interfaces, gravest first."""
    stored = _stored_records(old) & _stored_records(new)
    found = [
        *_tables(old, new),
        *_records(old, new, stored),
        *_enums(old, new),
        *_methods(old, new, "calls"),
        *_methods(old, new, "views"),
        *_methods(old, new, "timers"),
        *_events(old, new),
    ]
    order = list(Effect)
    return sorted(found, key=lambda change: order.index(change.effect))


def _tables(old: Interface, new: Interface) -> Iterator[Change]:
    before, after = _by_name(old["tables"]), _by_name(new["tables"])
    for name in before.keys() - after.keys():
        why = "its rows stay in the state and no method reaches them"
        yield Change(Effect.MIGRATION, name, "table removed", why)
    for name in after.keys() - before.keys():
        yield Change(Effect.COMPATIBLE, name, "table added", "it is empty")
    for name in before.keys() & after.keys():
        yield from _table(name, before[name], after[name])


def _table(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    if list(old["key"]) != list(new["key"]):
        what = f"key {_named(old['key'])} becomes {_named(new['key'])}"
        yield Change(Effect.MIGRATION, name, what, "rows lie under their old keys")
    if old["record"] != new["record"]:
        what = f"rows are {new['record']}, were {old['record']}"
        yield Change(Effect.MIGRATION, name, what, "stored rows are of the other record")
    had, has = (
        [list(map(str, i)) for i in old["indexes"]],
        [list(map(str, i)) for i in new["indexes"]],
    )
    for fields in has:
        if fields not in had:
            why = "rows written before are not in the index until they are written again"
            yield Change(Effect.MIGRATION, name, f"index {_named(fields)} added", why)
    for fields in had:
        if fields not in has:
            why = "nothing is stored in it that the rows do not hold"
            yield Change(Effect.COMPATIBLE, name, f"index {_named(fields)} removed", why)


def _records(old: Interface, new: Interface, stored: set[str]) -> Iterator[Change]:
    before, after = _by_name(old["records"]), _by_name(new["records"])
    for name in sorted(before.keys() & after.keys()):
        in_rows = name in stored
        worst = Effect.MIGRATION if in_rows else Effect.CALLERS
        yield from _fields(name, before[name], after[name], worst, in_rows=in_rows)


def _fields(
    name: str, old: Mapping[str, Any], new: Mapping[str, Any], worst: Effect, *, in_rows: bool
) -> Iterator[Change]:
    before, after = _by_name(old["fields"]), _by_name(new["fields"])
    for field in before.keys() - after.keys():
        why = "stored rows hold a field that is unknown now" if in_rows else "callers still send it"
        yield Change(worst, f"{name}.{field}", "field removed", why)
    for field in after.keys() - before.keys():
        if after[field]["optional"]:
            why = "older rows get its default" if in_rows else "callers may leave it out"
            yield Change(Effect.COMPATIBLE, f"{name}.{field}", "field added with a default", why)
        else:
            why = "stored rows lack it" if in_rows else "callers do not send it"
            yield Change(worst, f"{name}.{field}", "field added without a default", why)
    for field in before.keys() & after.keys():
        one, other = str(before[field]["type"]), str(after[field]["type"])
        if one != other:
            wider = _choices(one) <= _choices(other)
            why = (
                "every old value still has a place"
                if wider
                else "old values may not have this type"
            )
            effect = Effect.COMPATIBLE if wider else worst
            yield Change(effect, f"{name}.{field}", f"{one} becomes {other}", why)
        elif in_rows and before[field]["optional"] and not after[field]["optional"]:
            why = "rows older than the field relied on its default"
            yield Change(worst, f"{name}.{field}", "default removed", why)


def _enums(old: Interface, new: Interface) -> Iterator[Change]:
    before, after = _by_name(old["enums"]), _by_name(new["enums"])
    for name in sorted(before.keys() & after.keys()):
        had, has = dict(before[name]["members"]), dict(after[name]["members"])
        for member, value in had.items():
            if value not in has.values():
                why = "rows and arguments may hold a value that means nothing now"
                yield Change(Effect.MIGRATION, f"{name}.{member}", f"value {value} removed", why)
        for member, value in has.items():
            if value not in had.values():
                why = "older rows do not hold it"
                yield Change(Effect.COMPATIBLE, f"{name}.{member}", f"value {value} added", why)


def _methods(old: Interface, new: Interface, kind: str) -> Iterator[Change]:
    word = kind.removesuffix("s")
    before, after = _by_name(old.get(kind, ())), _by_name(new.get(kind, ()))
    for name in before.keys() - after.keys():
        yield Change(Effect.CALLERS, name, f"{word} removed", "whoever calls it is refused")
    for name in after.keys() - before.keys():
        yield Change(Effect.COMPATIBLE, name, f"{word} added", "nobody calls it yet")
    for name in before.keys() & after.keys():
        one, other = before[name], after[name]
        if one["by"] != other["by"]:
            what = f"by {one['by']!r} becomes {other['by']!r}"
            yield Change(Effect.AUTHORITY, name, what, "other members may make this call")
        if one["returns"] != other["returns"]:
            what = f"gives {other['returns']}, gave {one['returns']}"
            yield Change(Effect.CALLERS, name, what, "callers read the value by its old type")
        yield from _parameters(name, one["parameters"], other["parameters"])


def _parameters(
    method: str, old: Sequence[Mapping[str, Any]], new: Sequence[Mapping[str, Any]]
) -> Iterator[Change]:
    before, after = _by_name(old), _by_name(new)
    for name in before.keys() - after.keys():
        why = "calls that give it are refused"
        yield Change(Effect.CALLERS, f"{method}({name})", "argument removed", why)
    for name in after.keys() - before.keys():
        optional = after[name]["optional"]
        effect = Effect.COMPATIBLE if optional else Effect.CALLERS
        what = f"argument added {'with' if optional else 'without'} a default"
        why = "calls may leave it out" if optional else "calls without it are refused"
        yield Change(effect, f"{method}({name})", what, why)
    for name in before.keys() & after.keys():
        one, other = str(before[name]["type"]), str(after[name]["type"])
        if one != other:
            wider = _choices(one) <= _choices(other)
            effect = Effect.COMPATIBLE if wider else Effect.CALLERS
            why = "it takes what it took" if wider else "it refuses what it took"
            yield Change(effect, f"{method}({name})", f"{one} becomes {other}", why)


def _events(old: Interface, new: Interface) -> Iterator[Change]:
    before, after = _by_name(old["events"]), _by_name(new["events"])
    for name in before.keys() - after.keys():
        why = "readers that wait for it wait for ever"
        yield Change(Effect.CALLERS, name, "event removed", why)
    for name in after.keys() - before.keys():
        yield Change(Effect.COMPATIBLE, name, "event added", "nobody reads it yet")
    for name in before.keys() & after.keys():
        one, other = _by_name(before[name]["fields"]), _by_name(after[name]["fields"])
        kept = all(field in other and other[field]["type"] == one[field]["type"] for field in one)
        if not kept:
            why = "readers expect the old fields"
            yield Change(Effect.CALLERS, name, "fields removed or changed", why)
        elif other.keys() - one.keys():
            yield Change(Effect.COMPATIBLE, name, "fields added", "readers may pass over them")


def _stored_records(interface: Interface) -> set[str]:
    """Records of tables, and those inside of them."""
    records = _by_name(interface["records"])
    found: set[str] = set()
    waiting = [str(table["record"]) for table in interface["tables"]]
    while waiting:
        name = waiting.pop()
        if name in found or name not in records:
            continue
        found.add(name)
        for field in records[name]["fields"]:
            waiting += re.findall(r"\w+", str(field["type"]))
    return found


def _by_name(items: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {str(item["name"]): item for item in items}


def _choices(written: str) -> set[str]:
    """The alternatives of a type: `int | None` has two."""
    if written == "object":
        return {"object"}
    parts, depth, start = [], 0, 0
    for at, letter in enumerate(written):
        depth += (letter == "[") - (letter == "]")
        if letter == "|" and depth == 0:
            parts.append(written[start:at])
            start = at + 1
    return {part.strip() for part in [*parts, written[start:]]}


def _named(fields: Sequence[Any]) -> str:
    return "(" + ", ".join(map(str, fields)) + ")"
