"""Records (rows, arguments, return values) and Events: frozen values with declared fields."""

import sys
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from typing import Any, ClassVar, Self, dataclass_transform

from lianheng.contract._types import Mismatch, Plain, Type, decode_at, resolve


@dataclass(frozen=True)
class RecordType:
    """A record or event class of the file, as a declared type."""

    of: type

    def __str__(self) -> str:
        return self.of.__name__

    @property
    def fields(self) -> dict[str, Type]:
        """The declared type of each field, in the order of the source; found out once a class."""
        known: dict[str, Type] | None = self.of.__dict__.get("_field_types")
        if known is None:
            names = vars(sys.modules[self.of.__module__])
            known = {field.name: resolve(field.type, names) for field in fields(self.of)}
            self.of._field_types = known  # type: ignore[attr-defined]  # noqa: SLF001
        return known

    @property
    def immutable(self) -> bool:
        """Whether nobody can change a value of this type. A record in itself counts as no."""
        known: bool | None = self.of.__dict__.get("_immutable")
        if known is None:
            self.of._immutable = False  # type: ignore[attr-defined]  # noqa: SLF001
            known = all(field.immutable for field in self.fields.values())
            self.of._immutable = known  # type: ignore[attr-defined]  # noqa: SLF001
        return known

    def conforms(self, value: object) -> bool:
        """A value of the class or of one that extends it."""
        return isinstance(value, self.of)

    def possible(self, given: Plain) -> bool:
        """As the core, which looks no closer here."""
        return isinstance(given, Mapping) or type(given) in (str, int)

    def decode(self, given: Plain) -> Any:
        """A record from a map; fields with a default may be missing."""
        if not isinstance(given, Mapping):
            kind = "None" if given is None else type(given).__name__
            raise Mismatch(f"expected {self}, given {kind}")
        declared, values = self.fields, {}
        for name, item in given.items():
            if name not in declared:
                shown = name[:40] if isinstance(name, str) else ""
                raise Mismatch(f"{self} has no field '{shown}'")
            values[name] = decode_at(f".{name}", declared[name], item)
        for field in fields(self.of):
            if field.name not in values and field.default is MISSING:
                raise Mismatch(f"{self} needs the field '{field.name}'")
        return self.of(**values)


class _Typed:
    """Checks each field against its annotation, as the VM does, when the value is made."""

    _declared_type: ClassVar[RecordType]
    _doc: ClassVar[str]

    def __init_subclass__(cls) -> None:
        """Turn the annotated subclass into a frozen value class."""
        super().__init_subclass__()
        cls._doc = cls.__dict__.get("__doc__") or ""  # a dataclass writes one where there is none
        dataclass(frozen=True)(cls)
        cls._declared_type = RecordType(cls)

    def __post_init__(self) -> None:
        for name, expected in self._declared_type.fields.items():
            value = getattr(self, name)
            if not expected.conforms(value):
                raise TypeError(
                    f"{type(self).__name__}.{name} is {type(value).__name__}, declared {expected}"
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
    """Fields that name members or organisations: they are told of each change of a row."""

    def replace(self, **changes: Any) -> Self:
        """Return a copy with these fields changed; an unknown field is a TypeError."""
        return replace(self, **changes)  # type: ignore[type-var]  # each subclass is a dataclass


@dataclass_transform(frozen_default=True)
class Event(_Typed):
    """What a call announces: frozen, typed like a Record, and kept in the block for ever."""

    def replace(self, **changes: Any) -> Self:
        """Return a copy with these fields changed; an unknown field is a TypeError."""
        return replace(self, **changes)  # type: ignore[type-var]  # each subclass is a dataclass


def copied(value: Record) -> Any:
    """Another value with the same fields, unchecked: they were checked when it was made."""
    other = object.__new__(type(value))
    vars(other).update(vars(value))
    return other
