"""Canonical CBOR of contract values (RFC 8949 section 4.2), as the VM stores them."""

from collections.abc import Iterable
from enum import Enum

from lianheng.contract._decimal import Decimal
from lianheng.contract._records import Event, Record, values_of

_UINT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = range(7)
_IMMEDIATE = 24
_FALSE, _TRUE, _NULL = b"\xf4", b"\xf5", b"\xf6"
_POSITIVE_BIG, _NEGATIVE_BIG = 2, 3


def encode(value: object) -> bytes:  # noqa: PLR0911  one return for each type
    """Canonical bytes of a value that may be stored; TypeError for any other."""
    if value is None:
        return _NULL
    if isinstance(value, bool):
        return _TRUE if value else _FALSE
    if isinstance(value, Enum):
        return encode(value.value)
    if isinstance(value, Decimal):
        return _int(value.units)
    if isinstance(value, int):
        return _int(value)
    if isinstance(value, str):
        text = value.encode()
        return _head(_TEXT, len(text)) + text
    if isinstance(value, bytes):
        return _head(_BYTES, len(value)) + value
    return _container(value)


def _container(value: object) -> bytes:
    if isinstance(value, list | tuple):
        return _head(_ARRAY, len(value)) + b"".join(encode(item) for item in value)
    if isinstance(value, Record | Event):
        return _map((encode(name), encode(item)) for name, item in values_of(value).items())
    if isinstance(value, dict):
        return _map((_key(key), encode(item)) for key, item in value.items())
    raise TypeError(
        f"a {type(value).__name__} cannot be stored, returned or announced: use records, lists, "
        "dicts, numbers and texts"
    )


def _key(key: object) -> bytes:
    if not isinstance(key, str | int | bytes | Enum):
        raise TypeError(
            "a dict that is stored or returned has keys of str, int, bytes, bool or an enum, "
            f"not {type(key).__name__}"
        )
    return encode(key)


def _map(entries: Iterable[tuple[bytes, bytes]]) -> bytes:
    ordered = sorted(entries)
    return _head(_MAP, len(ordered)) + b"".join(key + value for key, value in ordered)


def _int(value: int) -> bytes:
    major, magnitude = (_UINT, value) if value >= 0 else (_NEGATIVE, -1 - value)
    if magnitude.bit_length() <= 64:  # noqa: PLR2004
        return _head(major, magnitude)
    content = magnitude.to_bytes((magnitude.bit_length() + 7) // 8)
    tag = _POSITIVE_BIG if value >= 0 else _NEGATIVE_BIG
    return _head(_TAG, tag) + _head(_BYTES, len(content)) + content


def _head(major: int, argument: int) -> bytes:
    if argument < _IMMEDIATE:
        return bytes([major << 5 | argument])
    for code, width in enumerate((1, 2, 4, 8)):
        if argument < 1 << 8 * width:
            return bytes([major << 5 | _IMMEDIATE + code]) + argument.to_bytes(width)
    raise OverflowError("the value is too long to be encoded")
