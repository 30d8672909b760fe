"""Types as a contract's interface writes them: `list[Part]`, `Decimal(2) | None`."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from lianheng.contract import Decimal
from lianheng.model import InvalidValue

_SCALARS = frozenset({"None", "bool", "int", "str", "bytes", "object"})
_CONTAINERS = frozenset({"list", "set", "frozenset", "tuple", "dict"})
_TOKEN = re.compile(r"\s*(Decimal\((\d{1,2})\)|[A-Za-z_]\w*|\.\.\.|\(\)|[\[\],|])")
_DEEPEST = 32
"""Levels of brackets: what the core writes nests no deeper."""


class UnknownType(InvalidValue):
    """A type text that this version cannot read."""


@dataclass(frozen=True)
class DeclaredType:
    """One type. `name` is a builtin, a class of the contract, `Decimal` or `|` for a choice."""

    text: str
    name: str
    items: tuple["DeclaredType", ...] = ()
    scale: int = 0
    """Decimal places of a `Decimal`."""

    @property
    def decimal(self) -> type[Decimal]:
        """The class of a `Decimal`."""
        made: Any = Decimal
        kind: type[Decimal] = made(self.scale)
        return kind

    @property
    def choices(self) -> tuple["DeclaredType", ...]:
        """The alternatives; itself alone where it is no choice."""
        return self.items if self.name == "|" else (self,)

    def names(self) -> Iterator[str]:
        """Every name in it."""
        yield self.name
        for item in self.items:
            yield from item.names()


@lru_cache(maxsize=1_024)
def declared_type(text: str) -> DeclaredType:
    """Read a type text. Raise `UnknownType` where this version does not know its form."""
    tokens, at = [], 0
    while at < len(text.rstrip()):
        match = _TOKEN.match(text, at)
        if match is None:
            raise _unknown(text)
        tokens.append(match[1])
        at = match.end()
    reader = _Reader(text, tokens)
    found = reader.choice(0)
    if reader.tokens:
        raise _unknown(text)
    return found


def record_fields(name: str, interface: Mapping[str, Any]) -> dict[str, str] | None:
    """Fields and type texts of a record or event of the contract; None for another name."""
    for record in (*interface.get("records", ()), *interface.get("events", ())):
        if record["name"] == name:
            return {str(field["name"]): str(field["type"]) for field in record["fields"]}
    return None


def unknown_names(declared: DeclaredType, interface: Mapping[str, Any]) -> list[str]:
    """Names that are neither builtins nor classes of the contract."""
    kinds = ("records", "events", "enums")
    classes = {str(one["name"]) for kind in kinds for one in interface.get(kind, ())}
    known = classes | _SCALARS | _CONTAINERS | {"Decimal", "|", "..."}
    return [name for name in declared.names() if name not in known]


class _Reader:
    """Takes tokens from the front."""

    def __init__(self, text: str, tokens: list[str]) -> None:
        self.text = text
        self.tokens = tokens

    def choice(self, level: int) -> DeclaredType:
        found = [self.one(level)]
        while self.tokens[:1] == ["|"]:
            self.tokens.pop(0)
            found.append(self.one(level))
        if len(found) == 1:
            return found[0]
        return DeclaredType(" | ".join(one.text for one in found), "|", tuple(found))

    def one(self, level: int) -> DeclaredType:
        if not self.tokens or level > _DEEPEST:
            raise _unknown(self.text)
        token = self.tokens.pop(0)
        if token.startswith("Decimal("):
            return DeclaredType(token, "Decimal", scale=int(token[8:-1]))
        if token in ("...", "()"):
            return DeclaredType(token, "...")
        if not token.isidentifier():
            raise _unknown(self.text)
        if self.tokens[:1] != ["["]:
            return DeclaredType(token, token)
        self.tokens.pop(0)
        items = [self.choice(level + 1)]
        while self.tokens[:1] == [","]:
            self.tokens.pop(0)
            items.append(self.choice(level + 1))
        if self.tokens[:1] != ["]"] or token not in _CONTAINERS:
            raise _unknown(self.text)
        self.tokens.pop(0)
        inner = ", ".join(item.text for item in items)
        return DeclaredType(f"{token}[{inner}]", token, tuple(items))


def _unknown(text: str) -> UnknownType:
    return UnknownType(
        "type.unknown",
        f"the contract's interface has the type {text[:80]!r}, which this version does not know",
        "use the version of lianheng that the node runs",
    )
