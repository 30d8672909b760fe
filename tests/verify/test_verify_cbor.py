"""Strict CBOR: what is refused, with which code; what is accepted has one encoding."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.verify.chainmaker.encoding import encode

from lianheng_verify import UnreadableError, _cbor

KEYS = st.text(max_size=8) | st.integers(-30, 2**64 - 1)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**300), 2**300)
    | st.binary(max_size=40)
    | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=30,
)

REFUSED = {
    "18 17": "cbor.not_canonical",  # 23 in two bytes
    "19 00ff": "cbor.not_canonical",
    "1a 0000ffff": "cbor.not_canonical",
    "1b 00000000ffffffff": "cbor.not_canonical",
    "58 0161": "cbor.not_canonical",  # length 1 in two bytes
    "a2 6162 01 6161 02": "cbor.not_canonical",  # keys out of order
    "a2 6161 01 6161 02": "cbor.duplicate_key",
    "a1 f5 01": "cbor.unsupported",  # true as a key
    "a1 80 01": "cbor.unsupported",
    "c2 41 01": "cbor.not_canonical",  # 1 as a large integer
    "c2 49 00ffffffffffffffff": "cbor.not_canonical",
    "c2 4a 00010000000000000000": "cbor.not_canonical",
    "c2 01": "cbor.type",
    "c2 590201 01" + "00" * 512: "cbor.too_large",
    "c0 60": "cbor.unsupported",  # date tag
    "d81c 00": "cbor.unsupported",  # sharing
    "d90102 80": "cbor.unsupported",  # set
    "d9d9f7 00": "cbor.unsupported",
    "f7": "cbor.unsupported",  # undefined
    "e0": "cbor.unsupported",
    "f820": "cbor.unsupported",
    "f93c00": "cbor.unsupported",  # 1.0
    "fa3f800000": "cbor.unsupported",
    "fb3ff0000000000000": "cbor.unsupported",
    "5f 41 00 ff": "cbor.unsupported",  # indefinite lengths
    "7f 61 61 ff": "cbor.unsupported",
    "9f 01 ff": "cbor.unsupported",
    "bf 01 02 ff": "cbor.unsupported",
    "ff": "cbor.malformed",
    "df": "cbor.malformed",
    "1c": "cbor.malformed",
    "": "cbor.truncated",
    "19 01": "cbor.truncated",
    "42 00": "cbor.truncated",
    "82 00": "cbor.truncated",
    "a1 00": "cbor.truncated",
    "5b ffffffffffffffff": "cbor.truncated",
    "9b 0000000100000000": "cbor.truncated",
    "9a 00100001" + "00" * (2**20 + 1): "cbor.too_large",
    "00 00": "cbor.trailing",
    "61 ff": "cbor.utf8",
    "63 eda080": "cbor.utf8",  # a surrogate
    "62 c080": "cbor.utf8",
    "81" * 33 + "00": "cbor.too_deep",
    "81" * 100_000: "cbor.too_deep",
}


@pytest.mark.parametrize(("text", "code"), REFUSED.items(), ids=lambda text: text[:20])
def test_what_is_not_core_deterministic_is_refused(text: str, code: str) -> None:
    with pytest.raises(UnreadableError) as caught:
        _cbor.decode(bytes.fromhex(text))
    assert caught.value.code == code


def test_the_deepest_and_the_largest_that_are_allowed() -> None:
    assert _cbor.decode(b"\x81" * 32 + b"\x00")
    assert _cbor.decode(encode(-(2**4096))) == -(2**4096)


@given(VALUES)
def test_values_come_back_and_both_encoders_agree(value: Any) -> None:
    data = encode(value)
    assert _cbor.encode(value) == data
    assert _cbor.decode(data) == value


@given(VALUES, st.data())
def test_what_decodes_encodes_to_the_same_bytes(value: Any, data: st.DataObject) -> None:
    raw = bytearray(encode(value))
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255))
    try:
        decoded = _cbor.decode(bytes(raw))
    except UnreadableError:
        return
    assert encode(decoded) == raw


@given(st.binary(max_size=60))
def test_noise_is_refused_or_canonical(raw: bytes) -> None:
    try:
        decoded = _cbor.decode(raw)
    except UnreadableError:
        return
    assert encode(decoded) == raw


class Dribble(io.BytesIO):
    """Gives a few bytes at a time, whatever is asked for."""

    def read(self, size: int | None = -1, /) -> bytes:
        del size
        return super().read(3)


@given(st.lists(VALUES, max_size=5))
def test_sequences_are_split_where_items_end(values: list[Any]) -> None:
    items = [encode(value) for value in values]
    stream = Dribble(b"".join(items))
    assert list(_cbor.read_sequence(stream, 100_000, "sequence")) == items


def test_sequences_that_are_cut_or_too_long_are_refused() -> None:
    with pytest.raises(UnreadableError, match=r"cbor\.truncated"):
        list(_cbor.read_sequence(io.BytesIO(b"\x00\x82\x00"), 100, "sequence"))
    with pytest.raises(UnreadableError, match=r"cbor\.too_large"):
        list(_cbor.read_sequence(Dribble(encode(b"x" * 500)), 100, "sequence"))
