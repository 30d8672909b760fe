"""Checks of decoded values against the CDDL. Each names the field it refuses."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from lianheng_verify import _cbor
from lianheng_verify._errors import UnreadableError
from lianheng_verify._hashes import HASH_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lianheng_verify._cbor import Value

ORGANISATION: Final = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
MEMBER: Final = re.compile(r"[a-z]([a-z0-9.-]{0,61}[a-z0-9])?@[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
CONTRACT: Final = re.compile(r"[a-z][a-z0-9_]{0,62}")
CHAIN_ID: Final = re.compile(r"[0-9a-f]{48}")
_UINT_END: Final = 1 << 64


def opened(data: bytes, what: str, most: int) -> Value:
    """The value in a file of at most `most` bytes. Raises UnreadableError."""
    if len(data) > most:
        raise UnreadableError("format.too_large", f"a {what} of {len(data)} bytes")
    return _cbor.decode(data, what)


def refuse(where: str, why: str, code: str = "format.field") -> UnreadableError:
    """The error for a field that is not as the CDDL says."""
    return UnreadableError(
        code, f"{where}: {why}", "this is no file of this format, or of a newer one"
    )


def fields(
    value: Value, where: str, required: Iterable[Value], optional: Iterable[Value] = ()
) -> dict[Value, Value]:
    """A map with all required keys and no unknown one."""
    if not isinstance(value, dict):
        raise refuse(where, "not a map")
    for key in required:
        if key not in value:
            raise refuse(where, f"field {key!r} is missing", "format.missing_field")
    known = {*required, *optional}
    if len(value) > len(known) or not known.issuperset(value):
        raise refuse(where, "it has a field that is not known", "format.unknown_field")
    return value


def array(value: Value, where: str, least: int, most: int) -> list[Value]:
    """An array of so many items."""
    if not isinstance(value, list):
        raise refuse(where, "not an array")
    if not least <= len(value) <= most:
        raise refuse(where, f"{len(value)} items, not {least} to {most}")
    return value


def row(value: Value, where: str, length: int) -> list[Value]:
    """An array of exactly so many items."""
    return array(value, where, length, length)


def constant(value: Value, expected: str | int, where: str) -> None:
    """Exactly this text or number."""
    if type(value) is not type(expected) or value != expected:
        raise refuse(where, f"not {expected!r}", "format.unknown")


def uint(value: Value, where: str) -> int:
    """An unsigned integer of at most 64 bits."""
    if type(value) is not int or not 0 <= value < _UINT_END:
        raise refuse(where, "not an unsigned integer of at most 64 bits")
    return value


def between(value: Value, where: str, least: int, most: int) -> int:
    """An integer of this range, both ends included."""
    if type(value) is not int or not least <= value <= most:
        raise refuse(where, f"not an integer from {least} to {most}")
    return value


def boolean(value: Value, where: str) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise refuse(where, "neither true nor false")
    return value


def octets(value: Value, where: str, length: int | None = None) -> bytes:
    """A byte string, of exactly `length` bytes where given."""
    if not isinstance(value, bytes):
        raise refuse(where, "not a byte string")
    if length is not None and len(value) != length:
        raise refuse(where, f"{len(value)} bytes, not {length}")
    return value


def digest(value: Value, where: str) -> bytes:
    """A hash of suite 1."""
    return octets(value, where, HASH_BYTES)


def digests(value: Value, where: str, most: int, least: int = 0) -> tuple[bytes, ...]:
    """An array of hashes."""
    return tuple(digest(item, where) for item in array(value, where, least, most))


def text(value: Value, where: str, pattern: re.Pattern[str] | None = None) -> str:
    """A text, of this form where given."""
    if not isinstance(value, str):
        raise refuse(where, "not a text")
    if pattern is not None and pattern.fullmatch(value) is None:
        raise refuse(where, "not a name of the allowed form", "name.malformed")
    return value


def plain(value: Value, where: str) -> Value:
    """A value of the CDDL: its maps have texts as keys, all the way down."""
    if isinstance(value, list):
        for item in value:
            plain(item, where)
    elif isinstance(value, dict):
        plain_map(value, where)
    return value


def plain_map(value: Value, where: str) -> dict[str, Value]:
    """A map from text to value."""
    if not isinstance(value, dict):
        raise refuse(where, "not a map")
    result: dict[str, Value] = {}
    for key, item in value.items():
        result[text(key, f"{where}: a key")] = plain(item, where)
    return result


def embedded(value: Value, where: str) -> tuple[bytes, Value]:
    """A byte string that holds one canonical CBOR item: its bytes and the item."""
    raw = octets(value, where)
    return raw, _cbor.decode(raw, where)
