import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianheng.cli._arguments import parse_pairs, split_target
from lianheng.model import InvalidValue

METHOD = {
    "name": "pay",
    "parameters": [
        {"name": "id", "type": "str"},
        {"name": "amount", "type": "int"},
        {"name": "urgent", "type": "bool", "optional": True},
        {"name": "reference", "type": "bytes", "optional": True},
        {"name": "parts", "type": "list[int]", "optional": True},
        {"name": "note", "type": "str | None", "optional": True},
    ],
}


def parsed(*pairs: str) -> dict[str, Any]:
    return parse_pairs(["id=x", "amount=1", *pairs], METHOD)


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("urgent=true", True),
        ("urgent=no", False),
        ("reference=0xdeadbeef", b"\xde\xad\xbe\xef"),
        ("reference=", b""),
        ("parts=1,2,3", [1, 2, 3]),
        ("parts=[1, 2]", [1, 2]),
        ("parts:=[]", []),
        ("note=null", None),
        ("note=a=b c", "a=b c"),
        ('note:="null"', "null"),
    ],
)
def test_values_are_typed_as_the_contract_declares(pair: str, value: object) -> None:
    name = pair.partition("=")[0].rstrip(":")
    assert parsed(pair)[name] == value


@given(st.integers())
def test_whole_numbers_of_any_size_arrive_unchanged(number: int) -> None:
    assert parse_pairs(["id=x", f"amount={number}"], METHOD)["amount"] == number
    assert parse_pairs(["id=x", f"amount:={number}"], METHOD)["amount"] == number


@given(st.text())
def test_text_arrives_unchanged(text: str) -> None:
    assert parse_pairs([f"id={text}", "amount=1"], METHOD)["id"] == text
    assert parse_pairs([f"id:={json.dumps(text)}", "amount=1"], METHOD)["id"] == text


@given(st.lists(st.text(max_size=20), max_size=6))
def test_whatever_is_typed_is_parsed_or_refused_by_name(pairs: list[str]) -> None:
    with suppress(InvalidValue):
        assert {"id", "amount"} <= parse_pairs(pairs, METHOD).keys()


@pytest.mark.parametrize(
    ("pairs", "code", "says"),
    [
        (["id=x"], "value.missing", "amount"),
        (["id=x", "amount=1.5"], "value.wrong_type", "amount"),
        (["id=x", "amount:=1.5"], "value.wrong_type", "amount"),
        (["id=x", "amount=¹"], "value.wrong_type", "amount"),
        (["id=x", "amount=1", "amount=2"], "value.duplicate", "amount"),
        (["id=x", "amout=1"], "value.unknown", "did you mean amount"),
        (["id=x", "amount=1", "urgent=maybe"], "value.wrong_type", "urgent"),
        (["id=x", "amount=1", "reference=xyz"], "value.wrong_type", "reference"),
        (["id=x", "amount=1", "parts:=[1,"], "value.malformed", "parts"),
        (["id"], "value.malformed", "'id'"),
        (["id=x", "amount:=" + "[" * 5000], "value.malformed", "amount"),
    ],
)
def test_a_wrong_argument_is_refused_by_its_name(pairs: list[str], code: str, says: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        parse_pairs(pairs, METHOD)
    assert refused.value.code == code
    assert says in refused.value.message


@pytest.mark.parametrize("target", ["", "toolshed", ".add", "toolshed.", "a.b.c"])
def test_a_target_names_contract_and_method(target: str) -> None:
    with pytest.raises(InvalidValue):
        split_target(target)
    assert split_target("toolshed.add") == ("toolshed", "add")
