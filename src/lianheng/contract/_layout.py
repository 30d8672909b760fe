"""What differs between the layouts of two contracts, and whether stored rows fit the new one.

The same rules, and the same words, as the core's (rust/vm/src/layout.rs).
"""

from collections.abc import Iterator, Sequence
from dataclasses import MISSING, dataclass, fields
from enum import Enum
from types import NoneType
from typing import Any

from lianheng.contract._cells import Cell, Counter
from lianheng.contract._contracts import Contract, places
from lianheng.contract._records import RecordType
from lianheng.contract._tables import Table
from lianheng.contract._types import (
    Anything,
    Choice,
    Dict,
    Fixed,
    Items,
    Member,
    Scalar,
    Scaled,
    Type,
)


@dataclass(frozen=True, order=True)
class LayoutChange:
    """One difference: of which table or cell, in words, and whether it needs a migration."""

    what: str
    how: str
    needs_migration: bool


def layout_changes(old: type[Contract], new: type[Contract]) -> list[LayoutChange]:
    """Every difference of the tables and cells, sorted."""
    before, after = places(old), places(new)
    return sorted({*_tables(before, after), *_cells(before, after)})


_Places = dict[str, Table[Any] | Cell[Any]]


def _tables(before: _Places, after: _Places) -> Iterator[LayoutChange]:
    tables = {name: place for name, place in after.items() if isinstance(place, Table)}
    for name, old in before.items():
        if not isinstance(old, Table):
            continue
        if name not in tables:
            yield LayoutChange(f"table {name}", "removed", needs_migration=True)
        else:
            yield from _table(f"table {name}", old, tables[name])
    for name in tables:
        if not isinstance(before.get(name), Table):
            yield LayoutChange(f"table {name}", "added", needs_migration=False)


def _table(what: str, old: Table[Any], new: Table[Any]) -> Iterator[LayoutChange]:
    if old.key != new.key:
        how = f"its key ({','.join(old.key)}) becomes ({','.join(new.key)})"
        yield LayoutChange(what, how, needs_migration=True)
    layouts = _Layouts()
    fits = layouts.record(old.type, new.type)
    for note in layouts.notes:
        yield LayoutChange(what, note, needs_migration=not fits)
    yield from _indexes(what, dict(index_names(old)), dict(index_names(new)))
    parties = [
        f"({','.join(names)})"
        for table in (old, new)
        for names in (table.record.signatories, table.record.observers)
    ]
    if parties[:2] != parties[2:]:
        how = "signatories {} and observers {} become {} and {}".format(*parties)
        yield LayoutChange(what, how, needs_migration=False)


def index_names(table: Table[Any]) -> list[tuple[str, bool]]:
    """Fields of each index, and whether it is unique."""
    return [(",".join(index), index in table.unique) for index in table.indexes]


def _indexes(what: str, had: dict[str, bool], has: dict[str, bool]) -> Iterator[LayoutChange]:
    for names, unique in has.items():
        kind = "unique index" if unique else "index"
        if names not in had:
            yield LayoutChange(what, f"{kind} ({names}) added", needs_migration=False)
        elif had[names] != unique:
            yield LayoutChange(what, f"({names}) becomes {kind}", needs_migration=False)
    for names in had.keys() - has.keys():
        yield LayoutChange(what, f"index ({names}) removed", needs_migration=False)


def _cells(before: _Places, after: _Places) -> Iterator[LayoutChange]:
    cells = {name: place for name, place in after.items() if isinstance(place, Cell)}
    for name, old in before.items():
        if not isinstance(old, Cell):
            continue
        new = cells.get(name)
        if new is None:
            yield LayoutChange(f"cell {name}", "removed", needs_migration=True)
            continue
        # A counter holds an int that a counter wrote: never below 0.
        grows = isinstance(new, Counter) and not isinstance(old, Counter)
        layouts = _Layouts()
        fits = layouts.fits(old.type, new.type) and not grows
        for note in layouts.notes:
            yield LayoutChange(f"cell {name}", note, needs_migration=not fits)
        counts = isinstance(old, Counter) != isinstance(new, Counter)
        if counts or str(old.type) != str(new.type):
            kinds = [
                "a counter" if isinstance(place, Counter) else str(place.type)
                for place in (old, new)
            ]
            how = f"its type {kinds[0]} becomes {kinds[1]}"
            yield LayoutChange(f"cell {name}", how, needs_migration=not fits)
    for name in cells:
        if not isinstance(before.get(name), Cell):
            yield LayoutChange(f"cell {name}", "added", needs_migration=False)


_ENCODINGS: dict[type, frozenset[object]] = {
    Scaled: frozenset([int]),
    Member: frozenset([int, str]),
    Items: frozenset([list]),
    Fixed: frozenset([list]),
    Dict: frozenset([dict]),
    RecordType: frozenset([dict]),
}
_EVERY_ENCODING: frozenset[object] = frozenset([int, str, bytes, bool, NoneType, list, dict])


class _Layouts:
    """Whether what one contract stored can be read by another; notes say what differs."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self._seen: set[tuple[type, type]] = set()

    def record(self, old: RecordType, new: RecordType) -> bool:
        """Field by field."""
        if (old.of, new.of) in self._seen:
            return True
        self._seen.add((old.of, new.of))
        fits = True
        for name, declared in old.fields.items():
            if name not in new.fields:
                self.notes.append(f"{old}.{name} removed")
                fits = False
            elif not self.fits(declared, new.fields[name]):
                # Types of one name differ in what they contain, and that is noted.
                if str(declared) != str(new.fields[name]):
                    self.notes.append(f"{old}.{name}: {declared} becomes {new.fields[name]}")
                fits = False
            elif _has_default(old, name) and not _has_default(new, name):
                # Rows that are older than the field lack it.
                self.notes.append(f"{old}.{name}: default removed")
                fits = False
        for name in new.fields:
            if name not in old.fields:
                optional = _has_default(new, name)
                self.notes.append(f"{new}.{name} added" + ("" if optional else " without default"))
                fits = fits and optional
        return fits

    def fits(self, old: Type, new: Type) -> bool:
        """Whether the encoding of each value of one type is read as the same value by the other."""
        if isinstance(new, Anything):
            return _is_plain(old)
        if isinstance(old, Choice):
            pairs = enumerate(old.choices)
            return all(self._fits_one(choice, old.choices[:at], new) for at, choice in pairs)
        return self._fits_one(old, (), new) if isinstance(new, Choice) else self._alike(old, new)

    def _fits_one(self, old: Type, passed: Sequence[Type], new: Type) -> bool:
        """A type that stood behind others in a union, or alone.

        A union reads a value by the first choice that takes it, so no choice that it did not pass
        before may take it away.
        """
        if not isinstance(new, Choice):
            return self.fits(old, new)
        for choice in new.choices:
            seen, notes = self._seen.copy(), len(self.notes)
            if self.fits(old, choice):
                return True
            self._seen = seen
            del self.notes[notes:]
            known = any(_same(other, choice) for other in passed)
            if not known and _encodings(old) & _encodings(choice):
                return False
        return False

    def _members(self, old: type[Enum], new: type[Enum]) -> bool:
        """Enums, by the values of their members."""
        had, has = ([(type(m.value), m.value) for m in one] for one in (old, new))
        gone = [f"{m} removed" for m, value in zip(old, had, strict=True) if value not in has]
        added = [f"{m} added" for m, value in zip(new, has, strict=True) if value not in had]
        self.notes += gone + added
        return not gone

    def _alike(self, old: Type, new: Type) -> bool:
        match old, new:
            case Items(), Items():
                return old.of is new.of and self.fits(old.item, new.item)
            case Fixed(), Fixed():
                pairs = zip(old.items, new.items, strict=False)
                return len(old.items) == len(new.items) and all(self.fits(*pair) for pair in pairs)
            case Dict(), Dict():
                return self.fits(old.key, new.key) and self.fits(old.item, new.item)
            case Member(), Member():
                return self._members(old.of, new.of)
            case RecordType(), RecordType():
                return self.record(old, new)
        return old == new


def _same(old: Type, new: Type) -> bool:
    """Whether two types take the same encodings."""
    there, back = _Layouts(), _Layouts()
    fit = there.fits(old, new) and back.fits(new, old)
    return fit and not there.notes and not back.notes


def _encodings(declared: Type) -> frozenset[object]:
    """The kinds of encoding that values of a type can have."""
    if isinstance(declared, Choice):
        return frozenset[object]().union(*map(_encodings, declared.choices))
    if isinstance(declared, Scalar):
        return frozenset([declared.of])
    return _ENCODINGS.get(type(declared), _EVERY_ENCODING)


def _is_plain(declared: Type) -> bool:
    """Whether values of a type are the same when they are read without a type."""
    match declared:
        case Items(of, item):
            return of is list and _is_plain(item)
        case Dict(key, item):
            return _is_plain(key) and _is_plain(item)
        case Choice(choices):
            return all(map(_is_plain, choices))
    return isinstance(declared, Scalar | Anything)


def _has_default(record: RecordType, name: str) -> bool:
    return any(field.name == name and field.default is not MISSING for field in fields(record.of))
