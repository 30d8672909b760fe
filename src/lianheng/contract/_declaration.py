"""What a contract declares, read from its class under CPython in the form that the core gives.

The core's declaration (`_native.contract_interface`) is the one that everything is made from; this
is its twin, so that a compiler that reads a declaration otherwise than CPython is found out.
"""

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, fields
from enum import Enum
from typing import Any

from lianheng.contract._cells import Cell, Counter
from lianheng.contract._contracts import Caller, Contract, places, uses
from lianheng.contract._interfaces import Use
from lianheng.contract._load import Program
from lianheng.contract._records import Event, Record, RecordType
from lianheng.contract._tables import Table
from lianheng.contract._types import (
    Choice,
    Dict,
    Fixed,
    Items,
    Member,
    Type,
    to_plain,
)
from lianheng.model import encode

DEFAULT_BYTES = 1_024
"""Longest default, encoded, that a declaration shows, as in the core."""

_EMPTY = inspect.Parameter.empty
_CLASSES = ("records", "events", "enums")


def declaration(program: Program) -> dict[str, Any]:
    """Everything that a loaded contract declares; classes by kind, those that it can name."""
    contract = program.contract
    module_doc = sys.modules[contract.__module__].__doc__
    known = places(contract)
    records, events, enums = _classes(program)
    return {
        "name": contract.__name__,
        "doc": _doc(contract.__dict__.get("__doc__") or module_doc),
        "calls": [_method(program, name) for name in _of_kind(program, "call")],
        "views": [_method(program, name) for name in _of_kind(program, "view")],
        "timers": [_method(program, name) for name in _of_kind(program, "timer")],
        "tables": [_table(n, place) for n, place in known.items() if isinstance(place, Table)],
        "records": records,
        "events": events,
        "enums": enums,
        "cells": [_cell(name, place) for name, place in known.items() if isinstance(place, Cell)],
        "migrations": list(program.migrations),
        "uses": [_use(name, use) for name, use in uses(contract).items()],
        "imports": [{"module": m, "source": h} for m, h in sorted(program.imports.items())],
    }


def differences(program: Program, core: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Where the core's declaration is another one: the place, the core's words, CPython's.

    The core knows classes of imported sources that only imported functions use: those are its own.
    """
    own = declaration(program)
    for part, value in own.items():
        theirs = core.get(part)
        if part == "imports":
            theirs = sorted(core["imports"], key=lambda one: str(one["module"]))
        if part in _CLASSES:
            yield from _class_differences(part, core[part], value, alone=not program.imports)
        elif theirs != value:
            yield part, repr(theirs), repr(value)


def _class_differences(
    part: str, core: Sequence[Mapping[str, Any]], own: Sequence[Mapping[str, Any]], *, alone: bool
) -> Iterator[tuple[str, str, str]]:
    theirs, ours = ({str(one["name"]): one for one in each} for each in (core, own))
    for name in sorted(theirs.keys() | ours.keys() if alone else ours.keys()):
        if theirs.get(name) != ours.get(name):
            yield f"{part} {name}", repr(theirs.get(name)), repr(ours.get(name))


def _of_kind(program: Program, kind: str) -> list[str]:
    return [name for name, declared in program.declared.items() if declared.kind == kind]


def _method(program: Program, name: str) -> dict[str, Any]:
    method = getattr(program.contract, name)
    given = inspect.signature(method).parameters
    return {
        "name": name,
        "doc": _doc(method.__doc__),
        "by": program.declared[name].by or "",
        "parameters": [
            _field(parameter.name, parameter.type, given[parameter.name].default, _EMPTY)
            for parameter in program.parameters[name].values()
        ],
        "returns": str(program.returns[name]),
    }


def _field(name: str, declared: Type, default: object, missing: object) -> dict[str, Any]:
    optional = default is not missing
    return {
        "name": name,
        "type": str(declared),
        "optional": optional,
        "default": _plain(default) if optional else None,
    }


def _plain(default: object) -> Any:
    try:
        value = to_plain(default)
        small = len(encode(value)) <= DEFAULT_BYTES
    except (TypeError, ValueError):
        return None
    return value if small else None


def _table(name: str, table: Table[Any]) -> dict[str, Any]:
    return {
        "name": name,
        "record": table.record.__name__,
        "key": [*table.key],
        "indexes": [[*index] for index in table.indexes],
        "unique": [[*index] for index in table.unique],
    }


def _cell(name: str, cell: Cell[Any]) -> dict[str, Any]:
    return {"name": name, "type": str(cell.type), "counter": isinstance(cell, Counter)}


def _use(name: str, use: Use) -> dict[str, Any]:
    declared = {
        method: found._lianheng.kind  # noqa: SLF001 - one room
        for method, found in vars(use.interface).items()
        if hasattr(found, "_lianheng")
    }
    return {
        "name": name,
        "interface": use.interface.__name__,
        "contract": use.contract,
        "source": None if use.source is None else bytes.fromhex(use.source),
        "calls": [_expected(use, method) for method, kind in declared.items() if kind == "call"],
        "views": [_expected(use, method) for method, kind in declared.items() if kind == "view"],
    }


def _expected(use: Use, method: str) -> dict[str, Any]:
    expected = use.expected(method)
    missing = object()
    return {
        "name": method,
        "doc": "",
        "by": "",
        "parameters": [_field(n, kind, missing, missing) for n, kind in expected.types.items()],
        "returns": str(expected.returns),
    }


def _classes(program: Program) -> tuple[list[dict[str, Any]], ...]:
    """Records, events and enums: those of the file, imported ones, and those inside of them."""
    names = vars(sys.modules[program.contract.__module__])
    waiting = [Caller, *(value for value in names.values() if _declares(value))]
    found: dict[type, None] = {}
    while waiting:
        one = waiting.pop(0)
        if one in found:
            continue
        found[one] = None
        if issubclass(one, Enum):
            continue
        waiting += [base for base in one.__bases__ if _declares(base)]
        for declared in RecordType(one).fields.values():
            waiting += _named(declared)
    records = [_record(one) for one in found if issubclass(one, Record)]
    events = [_record(one) for one in found if issubclass(one, Event)]
    enums = [_enum(one) for one in found if issubclass(one, Enum)]
    return records, events, enums


def _declares(value: object) -> bool:
    """Whether it is a record, event or enum that a contract's file declares."""
    if not isinstance(value, type) or issubclass(value, Contract):
        return False
    bases = (Record, Event, Enum)
    return value not in bases and value is not Caller and issubclass(value, bases)


def _named(declared: Type) -> list[type]:
    match declared:
        case RecordType(of) | Member(of):
            return [of]
        case Items(_, item):
            return _named(item)
        case Fixed(parts) | Choice(parts):
            return [of for part in parts for of in _named(part)]
        case Dict(key, item):
            return [*_named(key), *_named(item)]
    return []


def _record(of: type) -> dict[str, Any]:
    types = RecordType(of).fields
    return {
        "name": of.__name__,
        "doc": _doc(of.__dict__.get("_doc")),
        "fields": [
            _field(field.name, types[field.name], field.default, MISSING) for field in fields(of)
        ],
        "signatories": [*getattr(of, "signatories", ())],
        "observers": [*getattr(of, "observers", ())],
    }


def _enum(of: type[Enum]) -> dict[str, Any]:
    doc = of.__dict__.get("__doc__")
    members = [[member.name, member.value] for member in of]
    return {"name": of.__name__, "doc": _doc(doc), "members": members}


def _doc(text: str | None) -> str:
    """A docstring without the indentation of the source, cut as the core cuts it."""
    lines = [line.rstrip() for line in (text or "").strip().split("\n")]
    indent = min((len(line) - len(line.lstrip()) for line in lines[1:] if line), default=0)
    return "\n".join([lines[0], *(line[indent:] for line in lines[1:])])
