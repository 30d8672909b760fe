"""`key=value` on the command line to the typed arguments of a contract's method."""

import difflib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lianheng.ledger import (
    DeclaredType,
    UnknownType,
    declared_type,
    record_fields,
    unknown_names,
)
from lianheng.model import InvalidValue

ANYTHING = declared_type("object")
TRUE = frozenset({"true", "yes", "1"})
FALSE = frozenset({"false", "no", "0"})
PAIR = re.compile(r"(?P<name>[A-Za-z_]\w*)(?P<kind>:?=)(?P<text>.*)", re.DOTALL)
HEX = re.compile(r"(?:0x)?((?:[0-9a-fA-F]{2})*)")


def split_target(target: str) -> tuple[str, str]:
    """`toolshed.add` to its two names."""
    contract, dot, method = target.partition(".")
    if not (contract and dot and method) or "." in method:
        raise InvalidValue(
            "name.malformed", f"{target!r} is not CONTRACT.METHOD", "for example toolshed.add"
        )
    return contract, method


def parse_pairs(
    pairs: Sequence[str],
    method: Mapping[str, Any] | None,
    interface: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The arguments by name, typed as `method` of the contract's `interface` declares.

    Without an interface, digits become an int, true and false a bool, everything else text.
    Raise `InvalidValue` naming the argument for an unknown, double, missing or ill-typed one.
    """
    types = None if method is None else {p["name"]: str(p["type"]) for p in method["parameters"]}
    found: dict[str, Any] = {}
    for pair in pairs:
        match = PAIR.fullmatch(pair)
        if match is None:
            raise InvalidValue(
                "value.malformed",
                f"{pair!r} is neither KEY=VALUE nor KEY:=JSON",
                "for example id=crane-7, or amounts:=[1,2]",
            )
        name, text = match["name"], match["text"]
        if name in found:
            raise InvalidValue("value.duplicate", f"argument {name} is given twice", field=name)
        declared = None if types is None else type_of(name, types)
        known = None if declared is None else known_type(name, declared, interface)
        found[name] = (
            parse_json(name, text, known, interface)
            if match["kind"] == ":="
            else parse_text(name, text, known, interface)
        )
    if method is not None:
        require_all(found, method)
    return found


def type_of(name: str, types: Mapping[str, str]) -> str:
    """The declared type of an argument; raise naming the known ones where there is none."""
    if name in types:
        return types[name]
    near = difflib.get_close_matches(name, types, n=1)
    known = ", ".join(f"{n}: {t}" for n, t in types.items()) or "none"
    raise InvalidValue(
        "value.unknown",
        f"there is no argument {name}" + (f"; did you mean {near[0]}?" if near else ""),
        f"arguments: {known}",
        field=name,
    )


def require_all(found: Mapping[str, Any], method: Mapping[str, Any]) -> None:
    """Raise naming the arguments that are missing and have no default."""
    missing = [
        f"{p['name']}: {p['type']}"
        for p in method["parameters"]
        if p["name"] not in found and not has_default(p)
    ]
    if missing:
        first = missing[0].partition(":")[0]
        raise InvalidValue(
            "value.missing",
            f"missing argument {', '.join(missing)}",
            f"add {first}=…",
            field=first,
        )


def has_default(parameter: Mapping[str, Any]) -> bool:
    """Whether the contract gives this parameter a value when it is left out."""
    return bool(parameter.get("optional"))


def known_type(name: str, text: str, interface: Mapping[str, Any] | None) -> DeclaredType:
    """The declared type of an argument; raise `InvalidValue` where this version cannot read it."""
    declared = declared_type(text)
    unknown = [] if interface is None else unknown_names(declared, interface)
    if unknown:
        raise UnknownType(
            "type.unknown",
            f"argument {name} has the type {text}, and this version does not know {unknown[0]}",
            "use the version of lianheng that the node runs",
            field=name,
        )
    return declared


def parse_text(
    name: str, text: str, declared: DeclaredType | None, interface: Mapping[str, Any] | None = None
) -> Any:
    """A value written as plain text; containers are JSON, or words joined by commas."""
    if declared is None:
        return guess(text)
    options = [choice for choice in declared.choices if choice.name != "None"]
    if len(options) < len(declared.choices) and text in {"null", "None", ""}:
        return None
    kind = options[0] if options else declared
    if kind.name == "Decimal":
        return parse_amount(name, text, kind)
    if kind.name in PLAIN:
        return PLAIN[kind.name](name, text)
    return parse_several(name, text, kind, lambda: parse_json(name, text, declared, interface))


def parse_several(name: str, text: str, kind: DeclaredType, as_json: Callable[[], Any]) -> Any:
    """Words joined by commas where the type is a list of plain values; JSON; else the text."""
    single = kind.name in {"list", "tuple", "set"} and all(not i.items for i in kind.items)
    if single and kind.items and not text.startswith("["):
        return [parse_text(name, part.strip(), kind.items[0]) for part in text.split(",") if part]
    if text[:1] in {"[", "{", '"'}:
        return as_json()
    return text


def parse_amount(name: str, text: str, declared: DeclaredType) -> int:
    """A decimal to its units; nothing is rounded."""
    try:
        units: int = declared.decimal(text.strip()).units
    except (ValueError, OverflowError) as failure:
        raise InvalidValue(
            "value.wrong_type",
            f"argument {name}: {failure}",
            "amounts are exact: nothing is rounded",
            field=name,
        ) from failure
    return units


def parse_str(_name: str, text: str) -> str:
    """Text is taken as it is."""
    return text


def parse_int(name: str, text: str) -> int:
    """Whole numbers only; amounts are in the smallest unit."""
    if not re.fullmatch(r"[+-]?\d+(?:_\d+)*", text, re.ASCII):
        raise InvalidValue(
            "value.wrong_type",
            f"argument {name}: {text!r} is not a whole number",
            "amounts are whole numbers of the smallest unit, such as cents",
            field=name,
        )
    return int(text)


def parse_bool(name: str, text: str) -> bool:
    """`true` or `false`."""
    if text.lower() in TRUE:
        return True
    if text.lower() in FALSE:
        return False
    raise InvalidValue(
        "value.wrong_type", f"argument {name}: {text!r} is neither true nor false", field=name
    )


def parse_bytes(name: str, text: str) -> bytes:
    """Hexadecimal, with or without 0x."""
    match = HEX.fullmatch(text)
    if match is None:
        raise InvalidValue(
            "value.wrong_type",
            f"argument {name}: {text!r} is not an even number of hexadecimal digits",
            field=name,
        )
    return bytes.fromhex(match[1])


class Fraction(str):
    """A JSON number with a fraction, as it is written: a decimal takes it, nothing else."""

    __slots__ = ()


def parse_json(
    name: str, text: str, declared: DeclaredType | None, interface: Mapping[str, Any] | None = None
) -> Any:
    """A value written as JSON. Decimals are numbers or texts, as `12.50`; bytes are hexadecimal."""
    try:
        value = json.loads(text, parse_float=Fraction, parse_constant=Fraction)
    except (ValueError, RecursionError) as failure:
        wanted = f" (declared: {declared.text})" if declared else ""
        raise InvalidValue(
            "value.malformed", f"argument {name}: not JSON: {failure}{wanted}", field=name
        ) from failure
    return from_json(name, value, declared or ANYTHING, interface or {})


def from_json(name: str, value: Any, declared: DeclaredType, interface: Mapping[str, Any]) -> Any:
    """A JSON value by its declared type; raise naming the argument for a fraction elsewhere."""
    for choice in declared.choices:
        if choice.name == "Decimal" and type(value) in (int, str, Fraction):
            return parse_amount(name, str(value), choice)
        if choice.name == "bytes" and value is not None:
            return as_bytes(name, value)
        if choice.name in {"int", "str", "bool"} and type(value).__name__ == choice.name:
            return value
        if isinstance(value, dict):
            fields = record_fields(choice.name, interface)
            if fields is not None:
                types = {n: declared_type(fields.get(n, "object")) for n in value}
                return {n: from_json(name, v, types[n], interface) for n, v in value.items()}
    return items_from_json(name, value, declared, interface)


def items_from_json(
    name: str, value: Any, declared: DeclaredType, interface: Mapping[str, Any]
) -> Any:
    """Lists and maps item by item; everything else as it is."""
    kinds = [kind for choice in declared.choices for kind in choice.items if kind.name != "..."]
    if isinstance(value, dict):
        kind = kinds[-1] if kinds else ANYTHING
        return {key: from_json(name, item, kind, interface) for key, item in value.items()}
    if isinstance(value, list):
        if len(kinds) != len(value):
            kinds = (kinds or [ANYTHING])[:1] * len(value)
        pairs = zip(value, kinds, strict=True)
        return [from_json(name, item, kind, interface) for item, kind in pairs]
    if isinstance(value, Fraction):
        raise InvalidValue(
            "value.wrong_type",
            f"argument {name}: {value} is not a whole number",
            "there are no floats: use the smallest unit, such as cents",
            field=name,
        )
    return value


def as_bytes(name: str, value: object) -> bytes:
    """JSON has no bytes, so that hexadecimal text stands for them."""
    return parse_bytes(name, value if isinstance(value, str) else repr(value))


PLAIN: Mapping[str, Callable[[str, str], Any]] = {
    "str": parse_str,
    "int": parse_int,
    "bool": parse_bool,
    "bytes": parse_bytes,
}


def guess(text: str) -> Any:
    """Without an interface: digits, true and false, else text."""
    if re.fullmatch(r"-?\d+", text, re.ASCII):
        return int(text)
    return {"true": True, "false": False}.get(text, text)
