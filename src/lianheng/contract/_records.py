"""Records (rows, arguments, return values) and Events: frozen values with declared fields."""

import types
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import (
    Any,
    ClassVar,
    Self,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

_SCALARS = (int, bool, str, bytes, types.NoneType)


class _Typed:
    """Checks each field against its annotation, as the VM does, when the value is made."""

    def __post_init__(self) -> None:
        for name, expected in _annotations(type(self)).items():
            value = getattr(self, name)
            if not conforms(value, expected):
                raise TypeError(
                    f"{type(self).__name__}.{name} is {type(value).__name__}, "
                    f"declared {describe(expected)}"
                )


@dataclass_transform(frozen_default=True)
class Record(_Typed):
    """A frozen value with typed fields; a subclass declares them as annotations.

    A wrong type, a missing or an unknown field is a TypeError. A mutable default is a ValueError
    when the class is made.
    """

    signatories: ClassVar[tuple[str, ...]] = ()
    """Fields that name members or organisations: all of them sign each change of a row."""
    observers: ClassVar[tuple[str, ...]] = ()
    """Fields that name whom else a row concerns; recorded for readers."""

    def __init_subclass__(cls) -> None:
        """Turn the annotated subclass into a frozen value class."""
        super().__init_subclass__()
        dataclass(frozen=True)(cls)

    def replace(self, **changes: Any) -> Self:
        """Return a copy with these fields changed; an unknown field is a TypeError."""
        return replace(self, **changes)  # type: ignore[type-var]  # each subclass is a dataclass


@dataclass_transform(frozen_default=True)
class Event(_Typed):
    """What a call announces: frozen, typed like a Record, and kept in the block for ever."""

    def __init_subclass__(cls) -> None:
        """Turn the annotated subclass into a frozen value class."""
        super().__init_subclass__()
        dataclass(frozen=True)(cls)


def values_of(value: Record | Event) -> dict[str, Any]:
    """The fields of a record or event, in declared order."""
    return {field.name: getattr(value, field.name) for field in fields(value)}  # type: ignore[arg-type]


def conforms(value: object, expected: Any) -> bool:
    """Say whether `value` has exactly the declared type; a bool is not an int here."""
    origin = get_origin(expected)
    if origin in (Union, types.UnionType):
        return any(conforms(value, choice) for choice in get_args(expected))
    if origin is not None:
        return _conforms_container(value, origin, get_args(expected))
    if expected in _SCALARS:
        return type(value) is expected
    if expected is None:
        return value is None
    return expected is Any or (isinstance(expected, type) and isinstance(value, expected))


def describe(expected: Any) -> str:
    """Name an annotation as it is written in a contract."""
    return expected.__name__ if isinstance(expected, type) else str(expected)


def _conforms_container(value: object, origin: Any, args: tuple[Any, ...]) -> bool:
    if not isinstance(value, origin):
        return False
    if isinstance(value, Mapping):
        return all(conforms(k, args[0]) and conforms(v, args[1]) for k, v in value.items())
    if isinstance(value, tuple) and args[-1] is not ...:
        return len(value) == len(args) and all(map(conforms, value, args))
    return isinstance(value, list | tuple | set | frozenset) and all(
        conforms(item, args[0]) for item in value
    )


def _annotations(cls: type) -> dict[str, Any]:
    cached: dict[str, Any] | None = cls.__dict__.get("_field_types")
    if cached is None:
        declared = {field.name for field in fields(cls)}
        hints = get_type_hints(cls)
        cached = {name: hint for name, hint in hints.items() if name in declared}
        cls._field_types = cached  # type: ignore[attr-defined]  # resolved once a class
    return cached
