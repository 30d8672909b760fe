"""The wire format of protobuf (version 3), as far as ABCI needs it, and stricter than it asks.

A `Message` names its fields; `decode` makes a dictionary of them, `encode_into` the opposite. What
a peer sends later than us is skipped (unknown fields). Refused, because CometBFT never sends it:
a wire type other than the field's, a field twice that is not repeated, an integer out of its
range, a boolean beyond 1, groups, text that is not UTF-8, anything that ends early. Large byte
strings are copied once in each direction.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from typing import Any

from lianheng.model import InvalidValue, limits

_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_FIXED_SIZES = {_FIXED64: 8, _FIXED32: 4}
_VARINT_BYTES = 10
_LARGEST = 2**64
_LARGEST_FIELD = 2**29
_MORE = 0x80


class ProtobufError(InvalidValue):
    """Bytes that are not what the message's definition says."""


class TooManyItemsError(ProtobufError):
    """A repeated field with more items than one message may have."""


class Kind(Enum):
    """Types of the .proto language; `value` is the name there."""

    INT32 = "int32"
    INT64 = "int64"
    UINT32 = "uint32"
    UINT64 = "uint64"
    BOOL = "bool"
    ENUM = "enum"
    SFIXED64 = "sfixed64"
    BYTES = "bytes"
    STRING = "string"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `kind` is a scalar or a message; `enum` names an enumeration's type.

    Only byte strings, text and messages can be repeated here.
    """

    name: str
    number: int
    kind: "Kind | Message"
    repeated: bool = False
    enum: str = ""

    @property
    def wire(self) -> int:
        """The wire type."""
        if self.kind is Kind.SFIXED64:
            return _FIXED64
        is_long = isinstance(self.kind, Message) or self.kind in {Kind.BYTES, Kind.STRING}
        return _LENGTH if is_long else _VARINT

    @property
    def tag(self) -> int:
        """Number and wire type, as they stand before each value."""
        return self.number << 3 | self.wire


@dataclass(frozen=True)
class Message:
    """A message's name, as its .proto file has it with its package, and the fields that we use."""

    name: str
    fields: tuple[Field, ...] = ()

    @cached_property
    def by_tag(self) -> Mapping[int, Field]:
        """Fields by what stands before their values."""
        return {field.tag: field for field in self.fields}

    @cached_property
    def by_name(self) -> Mapping[str, tuple[Field, bytes]]:
        """Fields and their encoded tags by name, in the order in which they are written."""
        ordered = sorted(self.fields, key=lambda field: field.number)
        return {field.name: (field, varint(field.tag)) for field in ordered}

    @cached_property
    def numbers(self) -> frozenset[int]:
        """Numbers of the fields that we use."""
        return frozenset(field.number for field in self.fields)


_DEFAULTS: dict[Kind, Any] = {
    kind: {Kind.BYTES: b"", Kind.STRING: "", Kind.BOOL: False}.get(kind, 0) for kind in Kind
}


def varint(value: int) -> bytes:
    """A number in groups of seven bits, the lowest first; negative ones as 64-bit complements."""
    if value < 0:
        value += _LARGEST
    written = bytearray()
    while value >= _MORE:
        written.append(value & 0x7F | _MORE)
        value >>= 7
    written.append(value)
    return bytes(written)


def read_varint(data: memoryview, position: int) -> tuple[int, int]:
    """The unsigned number at `position`, and where it ends."""
    value = shift = 0
    for place in range(position, min(position + _VARINT_BYTES, len(data))):
        byte = data[place]
        value |= (byte & 0x7F) << shift
        if byte < _MORE:
            if value >= _LARGEST:
                break
            return value, place + 1
        shift += 7
    raise ProtobufError("protobuf.varint", f"no 64-bit number at byte {position} of {len(data)}")


def decode(message: Message, data: memoryview) -> dict[str, Any]:
    """All fields by name: absent ones have their default, absent messages are None.

    Raises ProtobufError; TooManyItemsError beyond `limits.ABCI_ITEMS` of one repeated field.
    """
    values: dict[str, Any] = {}
    position, end = 0, len(data)
    while position < end:
        start = position
        tag, position = read_varint(data, position)
        field = message.by_tag.get(tag)
        if field is None:
            position = _skip(message, data, tag, position, start)
            continue
        value, position = _read(message, field, data, position)
        if not field.repeated:
            if field.name in values:
                raise _malformed(message, start, f"{field.name} stands there twice")
            values[field.name] = value
            continue
        items = values.setdefault(field.name, [])
        if len(items) >= limits.ABCI_ITEMS:
            raise TooManyItemsError(
                "protobuf.too_many",
                f"{message.name}.{field.name} has more than {limits.ABCI_ITEMS:,} items",
            )
        items.append(value)
    for field in message.fields:
        if field.name not in values:
            values[field.name] = _default(field)
    return values


def _default(field: Field) -> Any:
    if field.repeated:
        return []
    return None if isinstance(field.kind, Message) else _DEFAULTS[field.kind]


def _read(message: Message, field: Field, data: memoryview, position: int) -> tuple[Any, int]:
    kind = field.kind
    if field.wire == _LENGTH:
        begin, end = _extent(message, data, position)
        if kind is Kind.BYTES:
            return bytes(data[begin:end]), end
        if isinstance(kind, Message):
            return decode(kind, data[begin:end]), end
        try:
            return str(data[begin:end], "utf-8"), end
        except UnicodeDecodeError as failure:
            raise _malformed(message, begin, f"{field.name} is not UTF-8") from failure
    if field.wire == _FIXED64:
        if position + 8 > len(data):
            raise _malformed(message, position, f"{field.name} ends early")
        return int.from_bytes(data[position : position + 8], "little", signed=True), position + 8
    value, end = read_varint(data, position)
    return _number(message, field, value, position), end


def _number(message: Message, field: Field, value: int, position: int) -> int:
    kind = field.kind
    if kind in {Kind.INT32, Kind.INT64, Kind.ENUM} and value >= _LARGEST // 2:
        value -= _LARGEST
    if kind in {Kind.INT32, Kind.ENUM}:
        fits = -(2**31) <= value < 2**31
    elif kind is Kind.UINT32:
        fits = value < 2**32
    elif kind is Kind.BOOL:
        fits = value <= 1
    else:
        fits = True
    if not fits:
        raise _malformed(message, position, f"{field.name} is {value}, out of its range")
    return bool(value) if kind is Kind.BOOL else value


def _extent(message: Message, data: memoryview, position: int) -> tuple[int, int]:
    length, begin = read_varint(data, position)
    end = begin + length
    if end > len(data):
        raise _malformed(message, position, f"{length} bytes do not fit into {len(data) - begin}")
    return begin, end


def _skip(message: Message, data: memoryview, tag: int, position: int, start: int) -> int:
    number, wire = tag >> 3, tag & 7
    if not 0 < number < _LARGEST_FIELD:
        raise _malformed(message, start, f"there is no field {number}")
    if number in message.numbers:
        raise _malformed(message, start, f"field {number} cannot have wire type {wire}")
    if wire == _VARINT:
        return read_varint(data, position)[1]
    if wire == _LENGTH:
        return _extent(message, data, position)[1]
    if wire not in _FIXED_SIZES:
        raise _malformed(message, start, f"wire type {wire} is not in use")
    end = position + _FIXED_SIZES[wire]
    if end > len(data):
        raise _malformed(message, position, f"field {number} ends early")
    return end


def _malformed(message: Message, position: int, what: str) -> ProtobufError:
    return ProtobufError("protobuf.malformed", f"{message.name}, byte {position}: {what}")


def encode(message: Message, values: Mapping[str, Any]) -> bytes:
    """The encoded message; fields with their default value are left out."""
    parts: list[bytes] = []
    encode_into(parts, message, values)
    return b"".join(parts)


def encode_into(parts: list[bytes], message: Message, values: Mapping[str, Any]) -> int:
    """Append the encoding to `parts`, without copying byte strings; returns its size in bytes.

    A name that the message does not have is a KeyError, a value of another type a TypeError, and
    a number out of its range an OverflowError: mistakes of the caller.
    """
    if unknown := values.keys() - message.by_name.keys():
        raise KeyError(f"{message.name} has no field {', '.join(sorted(unknown))}")
    size = 0
    for name, (field, tag) in message.by_name.items():
        value = values.get(name)
        if value is None:
            continue
        if field.repeated:
            for item in value:
                size += _write(parts, field, tag, item)
        elif isinstance(field.kind, Message) or value != _DEFAULTS[field.kind]:
            size += _write(parts, field, tag, value)
    return size


def _write(parts: list[bytes], field: Field, tag: bytes, value: Any) -> int:
    kind = field.kind
    if isinstance(kind, Message):
        place = len(parts)
        parts.append(b"")
        size = encode_into(parts, kind, value)
        head = tag + varint(size)
        parts[place] = head
        return len(head) + size
    if field.wire == _LENGTH:
        data = value.encode() if kind is Kind.STRING else value
        if not isinstance(data, bytes):
            raise TypeError(f"{field.name} is not bytes but {type(data).__name__}")
        head = tag + varint(len(data))
        parts += (head, data)
        return len(head) + len(data)
    written = tag + _SCALARS[kind](value)
    parts.append(written)
    return len(written)


def _ranged(low: int, high: int) -> Callable[[int], bytes]:
    def write(value: int) -> bytes:
        if not low <= value < high:
            raise OverflowError(f"{value} is out of its range")
        return varint(value)

    return write


_SCALARS: dict[Kind, Callable[[int], bytes]] = {
    Kind.INT32: _ranged(-(2**31), 2**31),
    Kind.ENUM: _ranged(-(2**31), 2**31),
    Kind.INT64: _ranged(-(2**63), 2**63),
    Kind.UINT32: _ranged(0, 2**32),
    Kind.UINT64: _ranged(0, 2**64),
    Kind.BOOL: _ranged(0, 2),
    Kind.SFIXED64: lambda value: value.to_bytes(8, "little", signed=True),
}
