"""The wire format: what is written is read back, and damaged bytes end in one kind of error."""

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianheng.consensus.cometbft import _messages, _schema
from lianheng.consensus.cometbft._protobuf import (
    Field,
    Kind,
    Message,
    ProtobufError,
    TooManyItemsError,
    decode,
    encode,
    read_varint,
    varint,
)
from lianheng.model import limits

INNER = Message("test.Inner", (Field("number", 1, Kind.INT64), Field("data", 2, Kind.BYTES)))
SAMPLE = Message(
    "test.Sample",
    (
        Field("small", 1, Kind.INT32),
        Field("count", 2, Kind.UINT32),
        Field("large", 3, Kind.UINT64),
        Field("flag", 4, Kind.BOOL),
        Field("kind", 5, Kind.ENUM),
        Field("exact", 6, Kind.SFIXED64),
        Field("text", 7, Kind.STRING),
        Field("inner", 15, INNER),
        Field("many", 16, INNER, repeated=True),
        Field("items", 2_000, Kind.BYTES, repeated=True),
    ),
)
SCALARS: dict[Kind, st.SearchStrategy[Any]] = {
    Kind.INT32: st.integers(-(2**31), 2**31 - 1),
    Kind.ENUM: st.integers(-(2**31), 2**31 - 1),
    Kind.INT64: st.integers(-(2**63), 2**63 - 1),
    Kind.SFIXED64: st.integers(-(2**63), 2**63 - 1),
    Kind.UINT32: st.integers(0, 2**32 - 1),
    Kind.UINT64: st.integers(0, 2**64 - 1),
    Kind.BOOL: st.booleans(),
    Kind.BYTES: st.binary(max_size=300),
    Kind.STRING: st.text(max_size=60),
}


def values(message: Message) -> st.SearchStrategy[dict[str, Any]]:
    """Any value that a message of this definition can have."""

    def one(field: Field) -> st.SearchStrategy[Any]:
        if isinstance(field.kind, Message):
            inner = values(field.kind)
            return st.lists(inner, max_size=4) if field.repeated else st.none() | inner
        scalar = SCALARS[field.kind]
        return st.lists(scalar, max_size=4) if field.repeated else scalar

    return st.fixed_dictionaries({field.name: one(field) for field in message.fields})


def read(message: Message, data: bytes) -> dict[str, Any]:
    return decode(message, memoryview(data))


@given(values(SAMPLE))
def test_what_is_written_is_read_back(value: dict[str, Any]) -> None:
    assert read(SAMPLE, encode(SAMPLE, value)) == value


@given(st.sampled_from([_schema.REQUEST, _schema.RESPONSE]), st.data())
def test_so_is_every_message_of_abci(message: Message, data: st.DataObject) -> None:
    value = data.draw(values(message))
    assert read(message, encode(message, value)) == value


@given(values(SAMPLE), values(SAMPLE))
def test_fields_of_a_later_version_are_skipped(value: dict[str, Any], more: dict[str, Any]) -> None:
    known = Message("test.Earlier", SAMPLE.fields[:3])
    later = Message(
        "test.Later",
        tuple(Field(f.name, f.number + 5_000, f.kind, f.repeated) for f in SAMPLE.fields),
    )
    data = encode(later, more) + encode(SAMPLE, value) + encode(later, more)
    kept = {field.name: value[field.name] for field in known.fields}
    assert read(known, data) == kept


@given(values(SAMPLE), st.data())
def test_damaged_bytes_end_in_its_own_error_or_another_value(
    value: dict[str, Any], data: st.DataObject
) -> None:
    damaged = bytearray(encode(SAMPLE, value))
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(damaged)))
        cut = data.draw(st.integers(0, 3))
        damaged[place : place + cut] = data.draw(st.binary(max_size=3))
    with contextlib.suppress(ProtobufError):
        read(SAMPLE, bytes(damaged))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_request_or_refused(data: bytes) -> None:
    with contextlib.suppress(ProtobufError):
        _messages.decode_request(memoryview(data))


@given(values(SAMPLE))
def test_a_cut_message_is_refused_or_has_fewer_fields(value: dict[str, Any]) -> None:
    data = encode(SAMPLE, value)
    for length in range(len(data)):
        try:
            assert read(SAMPLE, data[:length]) != value
        except ProtobufError:
            continue


@given(st.integers(0, 2**64 - 1))
def test_numbers(number: int) -> None:
    data = varint(number)
    assert read_varint(memoryview(b"x" + data + b"y"), 1) == (number, 1 + len(data))


def test_examples_of_the_format_s_own_documentation() -> None:
    one = Message("test.Test1", (Field("a", 1, Kind.INT32),))
    two = Message("test.Test2", (Field("b", 2, Kind.STRING),))
    three = Message("test.Test3", (Field("c", 3, one),))
    assert encode(one, {"a": 150}) == bytes.fromhex("089601")
    assert encode(one, {"a": -2}) == bytes.fromhex("08feffffffffffffffff01")
    assert encode(two, {"b": "testing"}) == bytes.fromhex("120774657374696e67")
    assert encode(three, {"c": {"a": 150}}) == bytes.fromhex("1a03089601")
    assert encode(SAMPLE, {"exact": -1}) == b"\x31" + b"\xff" * 8


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("08", "no 64-bit number"),
        ("08ffffffffffffffffffff01", "no 64-bit number"),
        ("08ffffffffffffffffff7f", "no 64-bit number"),
        ("0880808080808001", "small is"),
        ("108080808010", "count is"),
        ("2002", "flag is 2"),
        ("08010801", "small stands there twice"),
        ("7a007a00", "inner stands there twice"),
        ("0a00", "field 1 cannot have wire type 2"),
        ("0000", "there is no field 0"),
        ("8080808010" + "00", "there is no field"),
        ("43", "wire type 3 is not in use"),
        ("44", "wire type 4 is not in use"),
        ("47", "wire type 7 is not in use"),
        ("3a02c328", "text is not UTF-8"),
        ("3a05616263", "5 bytes do not fit into 3"),
        ("3affffffffffffffffff01", "do not fit into 0"),
        ("31ffffffff", "exact ends early"),
        ("4500", "field 8 ends early"),
        ("41000000", "field 8 ends early"),
        ("7a0308", "3 bytes do not fit into 1"),
        ("7a0108", "no 64-bit number"),
    ],
)
def test_what_cometbft_never_sends_is_refused(data: str, why: str) -> None:
    with pytest.raises(ProtobufError) as failure:
        read(SAMPLE, bytes.fromhex(data))
    assert why in failure.value.message


def test_more_items_than_a_message_may_have() -> None:
    items = bytes.fromhex("827d00") * limits.ABCI_ITEMS  # field 2,000, empty
    assert len(read(SAMPLE, items)["items"]) == limits.ABCI_ITEMS
    with pytest.raises(TooManyItemsError):
        read(SAMPLE, items + bytes.fromhex("827d00"))


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ({"nothing": 1}, KeyError),
        ({"small": 2**31}, OverflowError),
        ({"count": -1}, OverflowError),
        ({"exact": 2**63}, OverflowError),
        ({"items": ["text"]}, TypeError),
        ({"items": [bytearray(1)]}, TypeError),
        ({"inner": {"numbre": 1}}, KeyError),
    ],
)
def test_a_value_that_its_field_cannot_hold(value: dict[str, Any], error: type[Exception]) -> None:
    with pytest.raises(error):
        encode(SAMPLE, value)


def test_byte_strings_are_not_copied_until_they_are_joined() -> None:
    data = bytes(1_000)
    parts = _messages.encode_answer(_messages.PrepareProposalAnswer([data, data]))
    assert sum(part is data for part in parts) == 2
