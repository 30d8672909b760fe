"""Deterministic CBOR (RFC 8949, section 4.2.1), strictly: one value has one encoding.

Every input passes three gates: a scan of its structure (types, shortest heads, definite lengths,
key order, depth, sizes), the CBOR library, and a comparison with our own encoding of the result.
The scan comes first, so the library never sees a tag, a float or a depth that it could act on.
"""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Final, TypeAlias

import cbor2

from lianheng_verify import _limits as limits
from lianheng_verify._errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

Value: TypeAlias = "bool | int | bytes | str | list[Value] | dict[Value, Value] | None"

_UINT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = range(7)
_INDEFINITE: Final = 31
_SIMPLE: Final = frozenset((0xF4, 0xF5, 0xF6))
_KEY_MAJORS: Final = frozenset((_UINT, _NEGATIVE, _TEXT))
_WIDTHS: Final = {24: 1, 25: 2, 26: 4, 27: 8}
_SMALLEST: Final = {24: 24, 25: 1 << 8, 26: 1 << 16, 27: 1 << 32}
_UINT_END: Final = 1 << 64


class _TruncatedError(UnreadableError):
    """The item goes on after the last byte at hand."""


def decode(data: bytes, what: str = "input") -> Value:
    """The value whose canonical encoding is exactly `data`. Raises UnreadableError."""
    end = scan(data, 0, what)
    if end != len(data):
        raise _refused(
            "cbor.trailing", what, end, f"{len(data) - end} bytes follow the end of the item"
        )
    return _decode_scanned(data, what)


def _decode_scanned(data: bytes, what: str) -> Value:
    try:
        value: Value = cbor2.loads(data)
    except (cbor2.CBORDecodeError, ValueError, RecursionError, OverflowError) as error:
        raise UnreadableError(
            "cbor.malformed", f"{what}: the CBOR library refuses it", "ask for the file again"
        ) from error
    if encode(value) != data:
        raise UnreadableError(
            "cbor.not_canonical",
            f"{what}: not in the one deterministic encoding of its value",
            "ask for the file again",
        )
    return value


def encode(value: Value) -> bytes:
    """The canonical encoding. Raises TypeError for what has none (floats among them)."""
    out = bytearray()
    _encode_into(out, value)
    return bytes(out)


def _encode_into(out: bytearray, value: Value) -> None:
    if value is None:
        out.append(0xF6)
    elif value is True or value is False:
        out.append(0xF5 if value else 0xF4)
    elif isinstance(value, int):
        _encode_int(out, value)
    elif isinstance(value, bytes):
        _head(out, _BYTES, len(value))
        out += value
    elif isinstance(value, str):
        text = value.encode()
        _head(out, _TEXT, len(text))
        out += text
    elif isinstance(value, list):
        _head(out, _ARRAY, len(value))
        for item in value:
            _encode_into(out, item)
    elif isinstance(value, dict):
        _head(out, _MAP, len(value))
        for key, item in sorted(((encode(k), v) for k, v in value.items()), key=itemgetter(0)):
            out += key
            _encode_into(out, item)
    else:
        raise TypeError(f"{type(value).__name__} has no encoding here")


def _encode_int(out: bytearray, value: int) -> None:
    major, magnitude = (_UINT, value) if value >= 0 else (_NEGATIVE, -1 - value)
    if magnitude < _UINT_END:
        _head(out, major, magnitude)
        return
    out.append(0xC2 if major == _UINT else 0xC3)
    raw = magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "big")
    _head(out, _BYTES, len(raw))
    out += raw


def _head(out: bytearray, major: int, argument: int) -> None:
    if argument < _SMALLEST[24]:
        out.append(major << 5 | argument)
        return
    for info in (24, 25, 26, 27):
        width = _WIDTHS[info]
        if argument < 1 << (8 * width):
            out.append(major << 5 | info)
            out += argument.to_bytes(width, "big")
            return
    raise TypeError("a length beyond 64 bits has no encoding")


def scan(data: bytes, at: int, what: str) -> int:
    """Checks the structure of the item that starts at `at`; returns where it ends."""
    return _scan_item(data, at, limits.DEPTH_LEVELS, what)


def _scan_item(data: bytes, at: int, levels: int, what: str) -> int:
    initial, argument, after = _scan_head(data, at, what)
    major = initial >> 5
    if major <= _NEGATIVE:
        return after
    if major <= _TEXT:
        if argument > len(data) - after:
            raise _truncated(what, at)
        if major == _TEXT:
            _check_utf8(data[after : after + argument], what, at)
        return after + argument
    if major <= _MAP:
        return _scan_container(data, at, (major, argument, after), levels, what)
    if initial in _SIMPLE:
        return after
    if initial in {0xC2, 0xC3}:
        return _scan_bignum(data, after, what)
    raise _refused(
        "cbor.unsupported", what, at, f"byte {initial:#04x} starts a type that is not used here"
    )


def _scan_head(data: bytes, at: int, what: str) -> tuple[int, int, int]:
    if at >= len(data):
        raise _truncated(what, at)
    initial = data[at]
    info = initial & 0x1F
    if info < _SMALLEST[24]:
        return initial, info, at + 1
    width = _WIDTHS.get(info)
    if width is None:
        indefinite = info == _INDEFINITE and _BYTES <= initial >> 5 <= _MAP
        code = "cbor.unsupported" if indefinite else "cbor.malformed"
        raise _refused(code, what, at, f"head {initial:#04x} is not used here")
    if initial >> 5 > _TAG:
        raise _refused("cbor.unsupported", what, at, "floats and such have no place here")
    end = at + 1 + width
    if end > len(data):
        raise _truncated(what, at)
    argument = int.from_bytes(data[at + 1 : end], "big")
    if argument < _SMALLEST[info]:
        raise _refused("cbor.not_canonical", what, at, "a head is longer than it needs to be")
    return initial, argument, end


def _scan_container(
    data: bytes, start: int, head: tuple[int, int, int], levels: int, what: str
) -> int:
    major, count, at = head
    if levels == 0:
        raise _refused("cbor.too_deep", what, start, f"more than {limits.DEPTH_LEVELS} levels")
    if count * (1 if major == _ARRAY else 2) > len(data) - at:
        raise _truncated(what, start)
    if count > limits.CONTAINER_ITEMS:
        raise _refused("cbor.too_large", what, start, f"{count} items in one array or map")
    if major == _ARRAY:
        for _ in range(count):
            at = _scan_item(data, at, levels - 1, what)
        return at
    last = b""
    for _ in range(count):
        key_at, at = at, _scan_item(data, at, levels - 1, what)
        key = data[key_at:at]
        if data[key_at] >> 5 not in _KEY_MAJORS:
            raise _refused("cbor.unsupported", what, key_at, "a map key is no integer and no text")
        if key == last:
            raise _refused("cbor.duplicate_key", what, key_at, "a map has a key twice")
        if key < last:
            raise _refused("cbor.not_canonical", what, key_at, "the keys of a map are out of order")
        last = key
        at = _scan_item(data, at, levels - 1, what)
    return at


def _check_utf8(data: bytes, what: str, at: int) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        raise _refused("cbor.utf8", what, at, "a text is not UTF-8") from error


def _scan_bignum(data: bytes, at: int, what: str) -> int:
    initial, length, after = _scan_head(data, at, what)
    if initial >> 5 != _BYTES:
        raise _refused("cbor.type", what, at, "a large integer is no byte string")
    if length > limits.INTEGER_BYTES:
        raise _refused("cbor.too_large", what, at, f"an integer of {length} bytes")
    if length > len(data) - after:
        raise _truncated(what, at)
    if length <= _WIDTHS[27] or data[after] == 0:
        raise _refused("cbor.not_canonical", what, at, "a large integer is not in its short form")
    return after + length


def read_sequence(stream: BinaryIO, most: int, what: str) -> Iterator[bytes]:
    """The items of a CBOR sequence (RFC 8742), each at most `most` bytes, read as they are needed.

    Raises UnreadableError where an item is not canonical, cut off or too long.
    """
    buffer, at, wanted = b"", 0, limits.READ_BYTES
    while True:
        try:
            end = scan(buffer, at, what) if at < len(buffer) else 0
        except _TruncatedError as error:
            truncated: _TruncatedError | None = error
        else:
            if end:
                yield buffer[at:end]
                at, wanted = end, limits.READ_BYTES
                continue
            truncated = None
        if len(buffer) - at > most:
            raise UnreadableError(
                "cbor.too_large", f"{what}: an item is longer than {most} bytes", ""
            )
        more = stream.read(wanted)
        if not more:
            if truncated is not None:
                raise truncated
            return
        # Doubling keeps the work of scanning a long item again linear in its length.
        buffer, at, wanted = buffer[at:] + more, 0, wanted * 2


def _refused(code: str, what: str, at: int, why: str) -> UnreadableError:
    return UnreadableError(code, f"{what}: {why} (byte {at})", "ask for the file again")


def _truncated(what: str, at: int) -> _TruncatedError:
    return _TruncatedError(
        "cbor.truncated", f"{what}: it ends inside an item (byte {at})", "the file was cut off"
    )
