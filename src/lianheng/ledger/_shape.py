"""Values as a contract declares them: maps become records, units become decimals, and back."""

from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

from lianheng.contract import Decimal
from lianheng.ledger._declared import DeclaredType, UnknownType, declared_type, record_fields
from lianheng.model import InvalidValue, Row

Interface = Mapping[str, Any]


def shaped(value: Any, declared: str, interface: Interface) -> Any:
    """A plain value as its declared type writes it, such as `Part`, or `Decimal(2) | None`.

    What the type does not fit, or this version does not know, stays as it is stored.
    """
    try:
        return _shaped(value, declared_type(declared or "object"), interface)
    except UnknownType:
        return value


def _shaped(value: Any, declared: DeclaredType, interface: Interface) -> Any:
    for choice in declared.choices:
        if type(value) is int and choice.name == "Decimal":
            return choice.decimal.from_units(value)
        if type(value) is int and choice.name == "int":
            return value
        if isinstance(value, list) and choice.name in ("list", "tuple", "set"):
            return [_shaped(item, kind, interface) for item, kind in _items(value, choice)]
        if isinstance(value, dict):
            fields = record_fields(choice.name, interface)
            if fields is not None and value.keys() <= fields.keys():
                ordered = {
                    n: shaped(value[n], t, interface) for n, t in fields.items() if n in value
                }
                return Row(ordered, choice.name)
            if choice.name == "dict" and len(choice.items) == 2:  # noqa: PLR2004 - key and item
                return {key: _shaped(v, choice.items[1], interface) for key, v in value.items()}
    return value


def _items(value: Sequence[Any], declared: DeclaredType) -> list[tuple[Any, DeclaredType]]:
    kinds = [kind for kind in declared.items if kind.name != "..."]
    if len(kinds) != len(value):
        kinds = (kinds or [declared_type("object")])[:1] * len(value)
    return list(zip(value, kinds, strict=True))


def unshaped(value: Any, declared: str, interface: Interface) -> Any:
    """A value as a caller writes it, as it is sent: decimals as units, enums by value.

    Raise `InvalidValue` for a decimal where the declared type has none of its scale.
    """
    return _unshaped(value, declared_type(declared or "object"), interface)


def _unshaped(value: Any, declared: DeclaredType, interface: Interface) -> Any:
    if isinstance(value, Decimal):
        if any(
            choice.name == "Decimal" and choice.scale == value.scale for choice in declared.choices
        ):
            return value.units
        raise InvalidValue(
            "value.wrong_type", f"{value!r} is given, declared {declared.text}", "rescale it"
        )
    if isinstance(value, Enum):
        return value.value
    for choice in declared.choices:
        if isinstance(value, Mapping):
            fields = record_fields(choice.name, interface)
            if fields is not None and value.keys() <= fields.keys():
                return {n: unshaped(item, fields[n], interface) for n, item in value.items()}
            if choice.name == "dict" and len(choice.items) == 2:  # noqa: PLR2004 - key and item
                return {k: _unshaped(item, choice.items[1], interface) for k, item in value.items()}
        elif isinstance(value, list | tuple) and choice.name in ("list", "tuple"):
            return [_unshaped(item, kind, interface) for item, kind in _items(value, choice)]
    return value
