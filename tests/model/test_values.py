from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianheng.model import InvalidValue, MemberId, Row, decode, encode, jsonable

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**200), 2**200)
    | st.binary(max_size=40)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=20,
)


@given(VALUES)
def test_values_read_back_as_they_were(value: Any) -> None:
    assert decode(encode(value)) == value


@given(VALUES, st.data())
def test_changed_bytes_are_refused_or_other_bytes_of_another_value(
    value: Any, data: st.DataObject
) -> None:
    encoded = bytearray(encode(value))
    at = data.draw(st.integers(0, len(encoded) - 1))
    encoded[at] ^= data.draw(st.integers(1, 255))
    try:
        other = decode(bytes(encoded))
    except InvalidValue:
        return
    # One value has one encoding: what decodes encodes to the very same bytes.
    assert encode(other) == bytes(encoded)


@given(VALUES, st.binary(min_size=1, max_size=5))
def test_trailing_and_missing_bytes_are_refused(value: Any, extra: bytes) -> None:
    encoded = encode(value)
    with pytest.raises(InvalidValue):
        decode(encoded + extra)
    with pytest.raises(InvalidValue):
        decode(encoded[:-1])


@pytest.mark.parametrize("value", [1.5, object(), {"a": 0.0}, [set()], "\ud800", {1.5: 1}])
def test_values_without_a_canonical_form_are_refused(value: object) -> None:
    with pytest.raises(InvalidValue):
        encode(value)


@pytest.mark.parametrize(
    ("data", "what"),
    [
        (b"\x18\x01", "a longer head than needed"),
        (b"\x9f\xff", "an indefinite length"),
        (b"\xf9\x3c\x00", "a float"),
        (b"\xf7", "undefined"),
        (b"\xc0\x61a", "a foreign tag"),
        (b"\xa2\x61b\x01\x61a\x01", "keys out of order"),
        (b"\xa2\x61a\x01\x61a\x01", "a key twice"),
        (b"\xc2\x41\x01", "a big integer that fits 64 bits"),
        (b"\x61\xff", "text that is not UTF-8"),
        (b"\x81" * 33 + b"\x00", "too deep"),
        (b"\x9a\xff\xff\xff\xff", "more items than bytes"),
        (b"", "nothing"),
    ],
)
def test_other_cbor_is_refused(data: bytes, what: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        decode(data)
    assert caught.value.code.startswith("cbor."), what


def test_typed_names_tuples_and_rows_are_encoded_plainly() -> None:
    row = Row({"id": "x", "holder": MemberId("alice@north")}, "Tool")
    assert decode(encode((row, memoryview(b"ab")))) == [
        {"id": "x", "holder": "alice@north"},
        b"ab",
    ]


def test_a_row_shows_its_record_and_has_its_fields() -> None:
    row = Row({"id": "crane-7", "holder": "north"}, "Tool")
    assert repr(row) == "Tool(id='crane-7', holder='north')"
    assert row.holder == "north"
    with pytest.raises(AttributeError, match="holder, id"):
        _ = row.colour


def test_json_shows_bytes_as_hexadecimal() -> None:
    assert jsonable({"a": [b"\x01\xff", 2**70, None]}) == {"a": ["0x01ff", 2**70, None]}
