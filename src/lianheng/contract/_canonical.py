"""Canonical CBOR of contract values (RFC 8949 section 4.2), as the VM stores them."""

import types
from collections.abc import Iterable

from lianheng.contract._types import Plain, to_plain

_UINT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = range(7)
_IMMEDIATE = 24
_SIMPLE = {False: b"\xf4", True: b"\xf5", None: b"\xf6"}
_POSITIVE_BIG, _NEGATIVE_BIG = 2, 3


def encode(value: object) -> bytes:
    """Canonical bytes of a value that may be stored; TypeError for any other."""
    return _encode(to_plain(value))


def _encode(value: Plain) -> bytes:
    if type(value) in (bool, types.NoneType):
        return _SIMPLE[value]
    if isinstance(value, int):
        return _int(value)
    if isinstance(value, str):
        text = value.encode()
        return _head(_TEXT, len(text)) + text
    if isinstance(value, bytes):
        return _head(_BYTES, len(value)) + value
    if isinstance(value, list):
        return _head(_ARRAY, len(value)) + b"".join(_encode(item) for item in value)
    return _map((_encode(key), _encode(item)) for key, item in value.items())


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
