"""Declared types at run time: whether a value has one, and values to and from plain CBOR values.

Follows the core's rules and words (rust/vm/src/rows), because results are compared word by word.
"""

import types
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, ForwardRef, Protocol, Union, get_args, get_origin

from lianheng.contract._decimal import Decimal

Plain = Any
"""None, bool, int, str, bytes, and lists and dicts of them."""


class Mismatch(Exception):  # noqa: N818  caught where it is turned into words
    """A plain value is none of the declared type; `path` leads to the part that is not."""

    def __init__(self, message: str, path: str = "") -> None:
        """`path` such as `.amounts[2]`."""
        super().__init__(message, path)
        self.message = message
        self.path = path

    def within(self, step: str) -> "Mismatch":
        """The same, seen from outside of `step`."""
        return Mismatch(self.message, step + self.path)


class Type(Protocol):
    """A type as it is written in an annotation; `str()` writes it again."""

    @property
    def immutable(self) -> bool:
        """Whether nobody can change a value of this type."""

    def conforms(self, value: object) -> bool:
        """Whether the value has this type; a bool is not an int here."""

    def decode(self, given: Plain) -> Any:
        """The value of a plain one. Raise `Mismatch`."""

    def possible(self, given: Plain) -> bool:
        """Whether a plain value of this kind can be of this type at all."""


@dataclass(frozen=True)
class Scalar:
    """int, bool, str, bytes or None."""

    of: type
    immutable = True

    def __str__(self) -> str:
        return "None" if self.of is types.NoneType else self.of.__name__

    def conforms(self, value: object) -> bool:
        """Exactly this type."""
        return type(value) is self.of

    def possible(self, given: Plain) -> bool:
        """Exactly this type."""
        return type(given) is self.of

    def decode(self, given: Plain) -> Any:
        """The value itself."""
        return given if type(given) is self.of else _other(self, given)


@dataclass(frozen=True)
class Anything:
    """No check."""

    immutable = False

    def __str__(self) -> str:
        return "object"

    def conforms(self, value: object) -> bool:  # noqa: ARG002
        """Always."""
        return True

    def possible(self, given: Plain) -> bool:  # noqa: ARG002
        """Always."""
        return True

    def decode(self, given: Plain) -> Any:
        """The value itself."""
        return given


@dataclass(frozen=True)
class Items:
    """`list[T]`, `set[T]` or `tuple[T, ...]`."""

    of: type
    item: Type

    @property
    def immutable(self) -> bool:
        """Whether nobody can change a value of this type."""
        return self.of is tuple and self.item.immutable

    def __str__(self) -> str:
        return (
            f"tuple[{self.item}, ...]" if self.of is tuple else f"{self.of.__name__}[{self.item}]"
        )

    def conforms(self, value: object) -> bool:
        """The container, and each item."""
        kinds = (set, frozenset) if self.of is set else (self.of,)
        return type(value) in kinds and all(map(self.item.conforms, value))  # type: ignore[call-overload]

    def possible(self, given: Plain) -> bool:
        """Sets are never stored."""
        return self.of is not set and type(given) is list

    def decode(self, given: Plain) -> Any:
        """Each item."""
        if not self.possible(given):
            return _other(self, given)
        return self.of(decode_at(f"[{at}]", self.item, item) for at, item in enumerate(given))


@dataclass(frozen=True)
class Fixed:
    """`tuple[A, B]`."""

    items: tuple[Type, ...]

    @property
    def immutable(self) -> bool:
        """Whether nobody can change a value of this type."""
        return all(item.immutable for item in self.items)

    def __str__(self) -> str:
        return f"tuple[{', '.join(map(str, self.items)) or '()'}]"

    def conforms(self, value: object) -> bool:
        """The number of items, and each of them."""
        return (
            type(value) is tuple
            and len(value) == len(self.items)
            and all(own.conforms(item) for own, item in zip(self.items, value, strict=True))
        )

    def possible(self, given: Plain) -> bool:
        """A list."""
        return type(given) is list

    def decode(self, given: Plain) -> Any:
        """Each item by its own type."""
        if type(given) is not list:
            return _other(self, given)
        items = tuple(
            decode_at(f"[{at}]", self.items[at] if at < len(self.items) else Anything(), item)
            for at, item in enumerate(given)
        )
        if len(items) != len(self.items):
            raise Mismatch(f"expected {self}, given {len(items)} items")
        return items


@dataclass(frozen=True)
class Dict:
    """`dict[K, V]`."""

    key: Type
    item: Type
    immutable = False

    def __str__(self) -> str:
        return f"dict[{self.key}, {self.item}]"

    def conforms(self, value: object) -> bool:
        """Each key and value."""
        return (
            type(value) is dict
            and all(map(self.key.conforms, value))
            and all(map(self.item.conforms, value.values()))
        )

    def possible(self, given: Plain) -> bool:
        """A map."""
        return isinstance(given, Mapping)

    def decode(self, given: Plain) -> Any:
        """In the order of the encoded keys."""
        if not isinstance(given, Mapping):
            return _other(self, given)
        return {
            decode_at(" key", self.key, key): self.item.decode(item) for key, item in given.items()
        }


@dataclass(frozen=True)
class Choice:
    """`A | B`."""

    choices: tuple[Type, ...]

    @property
    def immutable(self) -> bool:
        """Whether nobody can change a value of this type."""
        return all(choice.immutable for choice in self.choices)

    def __str__(self) -> str:
        return " | ".join(map(str, self.choices))

    def conforms(self, value: object) -> bool:
        """One of them."""
        return any(choice.conforms(value) for choice in self.choices)

    def possible(self, given: Plain) -> bool:  # noqa: ARG002
        """As the core: found out by trying."""
        return True

    def decode(self, given: Plain) -> Any:
        """The first that takes it; the last complaint of those that could have."""
        last = None
        for choice in self.choices:
            if choice.possible(given):
                try:
                    return choice.decode(given)
                except Mismatch as found:
                    last = found
        if last is not None:
            raise last
        return _other(self, given)


@dataclass(frozen=True)
class Member:
    """An enum of the file, stored by value."""

    of: type[Enum]
    immutable = True

    def __str__(self) -> str:
        return self.of.__name__

    def conforms(self, value: object) -> bool:
        """A member of this very enum."""
        return type(value) is self.of

    def possible(self, given: Plain) -> bool:
        """Values are texts and numbers; records are maps, and the core looks at no more here."""
        return type(given) in (str, int) or isinstance(given, Mapping)

    def decode(self, given: Plain) -> Any:
        """The member with this value."""
        if type(given) not in (str, int):
            return _other(self, given)
        for member in self.of:
            if type(member.value) is type(given) and member.value == given:
                return member
        shown = f"'{given[:40]}'" if isinstance(given, str) else _number(given)
        raise Mismatch(f"{shown} is no value of {self}")


@dataclass(frozen=True)
class Scaled:
    """Decimals of a scale, stored as the int of their units."""

    of: type[Decimal]
    immutable = True

    def __str__(self) -> str:
        return self.of.__name__

    def conforms(self, value: object) -> bool:
        """A decimal of this very scale."""
        return type(value) is self.of

    def possible(self, given: Plain) -> bool:
        """Units are numbers."""
        return type(given) is int

    def decode(self, given: Plain) -> Any:
        """The decimal of these units."""
        return self.of.from_units(given) if type(given) is int else _other(self, given)


def check_scale(method: str, declared: Type, result: object) -> None:
    """Raise TypeError for a result that would be read with another scale: only units leave."""
    if _has_scale(declared) and not declared.conforms(result):
        raise TypeError(f"{method}() gives {type(result).__name__}, declared {declared}")


def _has_scale(declared: Type) -> bool:
    match declared:
        case Scaled():
            return True
        case Items(_, item):
            return _has_scale(item)
        case Fixed(parts) | Choice(parts):
            return any(map(_has_scale, parts))
        case Dict(key, item):
            return _has_scale(key) or _has_scale(item)
    return False


def decode_at(step: str, expected: Type, given: Plain) -> Any:
    """Decode a part, so that a mismatch names where it lies."""
    try:
        return expected.decode(given)
    except Mismatch as found:
        raise found.within(step) from None


def resolve(annotation: object, namespace: Mapping[str, Any]) -> Type:
    """The type that an annotation, or its text, means among these names."""
    while isinstance(annotation, str | ForwardRef):
        # A type in quotes is the text of a text.
        written = annotation if isinstance(annotation, str) else annotation.__forward_arg__
        # The annotation of a contract that the core's compiler accepted: a type and nothing else.
        annotation = eval(written, dict(namespace))  # noqa: S307
    if annotation is None:
        return Scalar(types.NoneType)
    origin, args = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        return Choice(tuple(resolve(arg, namespace) for arg in args))
    if origin is not None:
        return _generic(origin, args, namespace)
    return _named(annotation)


def _generic(origin: Any, args: tuple[Any, ...], namespace: Mapping[str, Any]) -> Type:
    if origin is tuple:
        if args[-1:] == (...,):
            return Items(tuple, resolve(args[0], namespace))
        return Fixed(tuple(resolve(arg, namespace) for arg in args if arg != ()))
    if origin is dict:
        return Dict(resolve(args[0], namespace), resolve(args[1], namespace))
    if origin in (list, set, frozenset):
        return Items(set if origin is frozenset else origin, resolve(args[0], namespace))
    return Anything()


def _named(annotation: object) -> Type:
    if annotation in (int, bool, str, bytes, types.NoneType):
        return Scalar(annotation)
    bare: dict[object, Type] = {
        list: Items(list, Anything()),
        tuple: Items(tuple, Anything()),
        set: Items(set, Anything()),
        frozenset: Items(set, Anything()),
        dict: Dict(Anything(), Anything()),
    }
    if isinstance(annotation, type):
        if issubclass(annotation, Enum):
            return Member(annotation)
        if issubclass(annotation, Decimal):
            return Scaled(annotation)
        declared: Type | None = getattr(annotation, "_declared_type", None)
        if declared is not None and declared.of is annotation:  # type: ignore[attr-defined]
            return declared
    return bare.get(annotation, Anything())


def to_plain(value: object) -> Plain:
    """What is stored of a value. Raise TypeError where it cannot be."""
    kind = type(value)
    if kind in (str, int, bool, bytes, types.NoneType):
        return value
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return value.units
    if hasattr(kind, "_declared_type"):
        return {name: to_plain(item) for name, item in vars(value).items()}
    if isinstance(value, dict):
        return {_plain_key(key): to_plain(item) for key, item in value.items()}
    raise TypeError(
        f"a {kind.__name__} cannot be stored, returned or announced: "
        "use records, lists, dicts, numbers and texts"
    )


def _plain_key(key: object) -> Plain:
    if type(key) in (str, int, bytes, bool):
        return key
    if isinstance(key, Enum):
        return key.value
    raise TypeError(
        "a dict that is stored or returned has keys of str, int, bytes, bool or an enum, "
        f"not {type(key).__name__}"
    )


def _other(expected: Type, given: Plain) -> Any:
    names = {type(None): "None", dict: "a map"}
    kind = names.get(type(given)) or type(given).__name__
    raise Mismatch(f"expected {expected}, given {kind}")


def _number(given: int) -> str:
    return str(given) if -(2**63) <= given < 2**63 else "this number"
