"""Values as the contract's source would write them, looked up in its interface."""

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lianheng.cli._print import console, result_line
from lianheng.ledger import UnknownType, declared_type, shaped, unknown_names
from lianheng.model import NotFound

if TYPE_CHECKING:
    from lianheng.model import Result

Interface = Mapping[str, Any]


def find_method(interface: Interface, name: str, kind: str) -> Mapping[str, Any] | None:
    """The call or view of this name."""
    return next((m for m in interface.get(kind, ()) if m["name"] == name), None)


def tables_of(interface: Interface) -> Sequence[str]:
    """The names of the contract's tables."""
    return [str(t["name"]) for t in interface.get("tables", ())]


def record_of(interface: Interface, table: str) -> str:
    """The record of a table's rows."""
    found = [str(t.get("record")) for t in interface.get("tables", ()) if t["name"] == table]
    return found[0] if found else ""


def method_of(interface: Interface, contract: str, name: str, kind: str) -> Mapping[str, Any]:
    """The method; raise `NotFound` naming those there are."""
    found = find_method(interface, name, kind)
    if found is not None:
        return found
    other = "views" if kind == "calls" else "calls"
    if find_method(interface, name, other) is not None:
        command = "view" if other == "views" else "call"
        raise NotFound(
            "contract.wrong_kind",
            f"{contract}.{name} is a {command}",
            f"use: lianheng {command} {contract}.{name}",
        )
    names = [str(m["name"]) for m in interface.get(kind, ())]
    if kind == "views":
        names += tables_of(interface)
    near = difflib.get_close_matches(name, names, n=1)
    raise NotFound(
        "contract.no_method",
        f"{contract} has no {name}" + (f"; did you mean {near[0]}?" if near else ""),
        f"it has {', '.join(names) or 'none'}",
    )


def as_declared(value: Any, interface: Interface, method: str) -> Any:
    """Maps become records under the name and in the field order that the contract declares."""
    declared = find_method(interface, method, "calls") or find_method(interface, method, "views")
    return shaped(value, str((declared or {}).get("returns") or ""), interface)


def print_result(result: "Result", interface: Interface, method: str) -> None:
    """How a call ended, its value as the contract would write it."""
    value = as_declared(result.value, interface, method) if result.final else None
    result_line(result, value)
    note_unknown(interface, method)


def note_unknown(interface: Interface, method: str) -> None:
    """Say so where the result's type is not known here: the value is shown as it is stored."""
    declared = find_method(interface, method, "calls") or find_method(interface, method, "views")
    text = str((declared or {}).get("returns") or "object")
    try:
        unknown = unknown_names(declared_type(text), interface)
    except UnknownType:
        unknown = [text]
    if unknown:
        told = f"the type {text} is not known to this version: the value is shown as stored"
        console(error=True).print(told, style="dim", markup=False)
