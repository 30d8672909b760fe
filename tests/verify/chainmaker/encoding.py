"""CBOR core deterministic encoding and tuple keys, written from the standards, values to bytes."""

from __future__ import annotations

from hashlib import sha256
from typing import Any


def digest(data: bytes) -> bytes:
    return sha256(data).digest()


def head(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major * 32 + argument])
    for info, width in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 256**width:
            return bytes([major * 32 + info]) + argument.to_bytes(width, "big")
    raise ValueError(argument)


def encode(value: Any) -> bytes:  # noqa: PLR0911 - one line for each type
    match value:
        case None:
            return b"\xf6"
        case bool():
            return b"\xf5" if value else b"\xf4"
        case int() if value >= 2**64:
            return b"\xc2" + encode(big_endian(value))
        case int() if value < -(2**64):
            return b"\xc3" + encode(big_endian(-1 - value))
        case int():
            return head(0, value) if value >= 0 else head(1, -1 - value)
        case bytes():
            return head(2, len(value)) + value
        case str():
            return head(3, len(value.encode())) + value.encode()
        case list() | tuple():
            return head(4, len(value)) + b"".join(encode(item) for item in value)
        case dict():
            pairs = sorted((encode(key), encode(item)) for key, item in value.items())
            return head(5, len(pairs)) + b"".join(key + item for key, item in pairs)
    raise TypeError(value)


def big_endian(value: int) -> bytes:
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def tuple_key(parts: list[Any]) -> bytes:
    return b"".join(tuple_part(part) for part in parts)


def tuple_part(part: Any) -> bytes:  # noqa: PLR0911 - one line for each type
    match part:
        case bool():
            return b"\x27" if part else b"\x26"
        case bytes():
            return b"\x01" + part.replace(b"\0", b"\0\xff") + b"\0"
        case str():
            return b"\x02" + part.encode().replace(b"\0", b"\0\xff") + b"\0"
        case 0:
            return b"\x14"
        case int() if abs(part) < 2**64:
            raw = big_endian(abs(part))
            if part > 0:
                return bytes([0x14 + len(raw)]) + raw
            return bytes([0x14 - len(raw)]) + bytes(255 - byte for byte in raw)
        case int():
            raw = big_endian(abs(part))
            raw = len(raw).to_bytes(2, "big") + raw
            return b"\x1d" + raw if part > 0 else b"\x0b" + bytes(255 - byte for byte in raw)
    raise TypeError(part)
