"""What an upgrade changes: for stored rows, for callers, for authority, for readers of events.

What concerns stored rows comes from the core, which decides whether they need a migration; the rest
is read from two interfaces as `lianheng contract interface` prints them.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
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


def compare(old: Interface, new: Interface, layout: Sequence[Mapping[str, Any]]) -> list[Change]:
    """Every difference of two sources, gravest first.

    `layout` are the core's changes, with what, how and needs_migration.
    """
    stored = list(_layout(layout))
    known = {change.where for change in stored}
    found = [
        *stored,
        *_callers(old, new, known),
        *(change for change in _enums(old, new) if change.where not in known),
        *_methods(old, new, "calls"),
        *_methods(old, new, "views"),
        *_methods(old, new, "timers"),
        *_events(old, new),
        *_migrations(old, new),
    ]
    order = list(Effect)
    return sorted(dict.fromkeys(found), key=lambda change: order.index(change.effect))


def _callers(old: Interface, new: Interface, known: set[str]) -> Iterator[Change]:
    """What changes of records mean to callers, beside what it means to stored rows."""
    sent = _used_records(old, _sent_types) | _used_records(new, _sent_types)
    given = _used_records(old, _given_types) | _used_records(new, _given_types)
    for change in _records(old, new):
        record = change.where.partition(".")[0]
        # A field more in a result breaks no reader.
        breaks = record in sent or (record in given and not change.what.startswith("added"))
        if change.where not in known or (breaks and change.effect is Effect.CALLERS):
            yield change


def _layout(changes: Sequence[Mapping[str, Any]]) -> Iterator[Change]:
    for change in changes:
        kind, _, place = str(change["what"]).partition(" ")
        if kind not in ("table", "cell"):
            continue
        how = str(change["how"])
        part = re.fullmatch(r"(\w+\.\w+):? (.*)", how)
        where, what = (part[1], part[2]) if part else (place, how)
        if change["needs_migration"]:
            yield Change(Effect.MIGRATION, where, what, _WHY.get(what, "stored rows do not fit"))
        elif how.startswith("signatories "):
            why = "others must sign changes of the rows"
            yield Change(Effect.AUTHORITY, where, what, why)
        elif "unique index" in how:
            yield Change(Effect.COMPATIBLE, where, what, "refused where two rows share its values")
        else:
            yield Change(Effect.COMPATIBLE, where, what, "stored rows stay readable")


_WHY = {
    "removed": "something may be stored there: drain it",
    "added": "the record does not fit as it is",
    "added without default": "stored rows lack it",
    "default removed": "rows older than the field lack it",
}


def _records(old: Interface, new: Interface) -> Iterator[Change]:
    """Records of arguments and results; those of stored rows are the core's matter."""
    before, after = by_name(old["records"]), by_name(new["records"])
    for name in sorted(before.keys() & after.keys()):
        yield from _fields(name, before[name], after[name])


def _fields(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = by_name(old["fields"]), by_name(new["fields"])
    for field in sorted(before.keys() - after.keys()):
        why = "callers still send it"
        yield Change(Effect.CALLERS, f"{name}.{field}", "removed", why)
    for field in sorted(after.keys() - before.keys()):
        optional = after[field]["optional"]
        effect = Effect.COMPATIBLE if optional else Effect.CALLERS
        what = "added" if optional else "added without default"
        why = "callers may leave it out" if optional else "callers do not send it"
        yield Change(effect, f"{name}.{field}", what, why)
    for field in sorted(before.keys() & after.keys()):
        one, other = str(before[field]["type"]), str(after[field]["type"])
        if one != other:
            wider = _choices(one) <= _choices(other)
            why = "every old value has a place" if wider else "old values may not have this type"
            effect = Effect.COMPATIBLE if wider else Effect.CALLERS
            yield Change(effect, f"{name}.{field}", f"{one} becomes {other}", why)
        elif before[field]["optional"] and not after[field]["optional"]:
            why = "callers may leave it out"
            yield Change(Effect.CALLERS, f"{name}.{field}", "default removed", why)


def _enums(old: Interface, new: Interface) -> Iterator[Change]:
    before, after = by_name(old["enums"]), by_name(new["enums"])
    for name in sorted(before.keys() & after.keys()):
        had, has = dict(before[name]["members"]), dict(after[name]["members"])
        for member, value in had.items():
            if value not in has.values():
                why = "arguments may hold a value that has no meaning"
                yield Change(Effect.CALLERS, f"{name}.{member}", "removed", why)
        for member, value in has.items():
            if value not in had.values():
                yield Change(Effect.COMPATIBLE, f"{name}.{member}", "added", "nobody sends it yet")


def _methods(old: Interface, new: Interface, kind: str) -> Iterator[Change]:
    word = kind.removesuffix("s")
    before, after = by_name(old.get(kind, ())), by_name(new.get(kind, ()))
    for name in sorted(before.keys() - after.keys()):
        yield Change(Effect.CALLERS, name, f"{word} removed", "whoever calls it is refused")
    for name in sorted(after.keys() - before.keys()):
        yield Change(Effect.COMPATIBLE, name, f"{word} added", "nobody calls it yet")
    for name in sorted(before.keys() & after.keys()):
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
    before, after = by_name(old), by_name(new)
    for name in sorted(before.keys() - after.keys()):
        why = "calls that give it are refused"
        yield Change(Effect.CALLERS, f"{method}({name})", "argument removed", why)
    for name in sorted(after.keys() - before.keys()):
        optional = after[name]["optional"]
        effect = Effect.COMPATIBLE if optional else Effect.CALLERS
        what = f"argument added {'with' if optional else 'without'} a default"
        why = "calls may leave it out" if optional else "calls without it are refused"
        yield Change(effect, f"{method}({name})", what, why)
    for name in sorted(before.keys() & after.keys()):
        one, other = str(before[name]["type"]), str(after[name]["type"])
        if one != other:
            wider = _choices(one) <= _choices(other)
            effect = Effect.COMPATIBLE if wider else Effect.CALLERS
            why = "it takes what it took" if wider else "it refuses what it took"
            yield Change(effect, f"{method}({name})", f"{one} becomes {other}", why)
        elif before[name]["optional"] and not after[name]["optional"]:
            why = "calls without it are refused"
            yield Change(Effect.CALLERS, f"{method}({name})", "default removed", why)


def _events(old: Interface, new: Interface) -> Iterator[Change]:
    before, after = by_name(old["events"]), by_name(new["events"])
    for name in sorted(before.keys() - after.keys()):
        why = "readers that wait for it wait for ever"
        yield Change(Effect.CALLERS, name, "event removed", why)
    for name in sorted(after.keys() - before.keys()):
        yield Change(Effect.COMPATIBLE, name, "event added", "nobody reads it yet")
    for name in sorted(before.keys() & after.keys()):
        one, other = by_name(before[name]["fields"]), by_name(after[name]["fields"])
        kept = all(field in other and other[field]["type"] == one[field]["type"] for field in one)
        if not kept:
            why = "readers expect the old fields"
            yield Change(Effect.CALLERS, name, "fields removed or changed", why)
        elif other.keys() - one.keys():
            yield Change(Effect.COMPATIBLE, name, "fields added", "readers may pass over them")


def _migrations(old: Interface, new: Interface) -> Iterator[Change]:
    had = set(old.get("migrations", ()))
    for source in sorted(set(new.get("migrations", ())) - had):
        why = "runs where that many sources were in force before"
        yield Change(Effect.COMPATIBLE, f"version {source}", "migration added", why)


def _used_records(
    interface: Interface, types: Callable[[Mapping[str, Any]], list[str]]
) -> set[str]:
    """Records in these types of methods, and those inside of them."""
    methods = [*interface["calls"], *interface["views"]]
    texts = [text for method in methods for text in types(method)]
    return _reached(interface, [name for text in texts for name in re.findall(r"\w+", text)])


def _sent_types(method: Mapping[str, Any]) -> list[str]:
    return [str(one["type"]) for one in method["parameters"]]


def _given_types(method: Mapping[str, Any]) -> list[str]:
    return [str(method["returns"])]


def _reached(interface: Interface, waiting: list[str]) -> set[str]:
    records = by_name(interface["records"])
    found: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name in found or name not in records:
            continue
        found.add(name)
        for field in records[name]["fields"]:
            waiting += re.findall(r"\w+", str(field["type"]))
    return found


def by_name(items: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """Declarations by their name."""
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
