"""Receipts: every check has faults that fail only it; no change of a byte or a part is accepted."""

from __future__ import annotations

import itertools
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.verify.chainmaker.chain import Chain
from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.faults import RECEIPT_FAULTS, Case
from tests.verify.chainmaker.scenes import SOURCE, succeeded, toolshed
from tests.verify.chainmaker.signing import Key
from tests.verify.helpers import anchor_at, failed_checks, one_byte_changed, refuses

import lianheng_verify as verify
from lianheng_verify import _receipt

if TYPE_CHECKING:
    from collections.abc import Callable

CHAIN = toolshed()
MIXED = [((1, 0), (2, 0)), ((3, 0), (3, 2)), ((2, 0), (4, 1)), ((5, 0), (6, 0))]
PLACES = [(1, 0), (2, 0), (3, 0), (3, 1), (3, 2), (4, 1), (6, 0)]


@pytest.mark.parametrize(("height", "index"), PLACES)
@pytest.mark.parametrize("anchor", range(7))
def test_receipts_verify_under_older_equal_and_newer_anchors(
    height: int, index: int, anchor: int
) -> None:
    data = encode(CHAIN.receipt(height, index, anchor))
    verified = verify.verify_receipt(data, anchor_at(CHAIN, anchor))
    assert (verified.height, verified.chain) == (height, "trade")
    assert (verified.index, verified.count) == (index, len(CHAIN.blocks[height].entries))
    assert verified.transaction.signed_hash == digest(CHAIN.receipt(height, index)["transaction"])
    assert all(check.passed for check in verified.checks)


def test_what_a_receipt_says() -> None:
    verified = verify.verify_receipt(encode(CHAIN.receipt(3, 2)), CHAIN.genesis_file)
    assert verified.transaction.signers == tuple(Key(one).id for one in ("alice", "bob", "carol"))
    assert verified.result.value == [1, -1, "x", b"y", True, None, {"k": []}]
    assert verified.result.source == digest(SOURCE)
    assert [(one.member, one.standing) for one in verified.signers] == [
        ("alice@north", "genesis"),
        ("bob@south", "genesis"),
        (None, "unknown"),
    ]
    refused = verify.verify_receipt(encode(CHAIN.receipt(3, 1)), CHAIN.genesis_file).result.refusal
    assert refused is not None
    assert (refused.code, refused.reason, refused.line) == ("contract.rejected", "not_holder", 20)
    large = verify.verify_receipt(encode(CHAIN.receipt(4, 1)), CHAIN.genesis_file)
    assert (large.transaction.arguments["n"], large.result.value) == (2**200, -(2**200))


def test_a_key_that_the_genesis_does_not_know_is_said_so() -> None:
    chain = Chain()
    carol = chain.transaction(keys=[Key("carol")])
    chain.add([(carol, succeeded())])
    verified = verify.verify_receipt(encode(chain.receipt(1)), chain.genesis_file)
    assert [one.standing for one in verified.signers] == ["unknown"]


@pytest.mark.parametrize("name", RECEIPT_FAULTS)
def test_each_fault_fails_exactly_its_check(name: str) -> None:
    fault = RECEIPT_FAULTS[name]
    case: Case = fault.build()
    source = verify.Source("toolshed.py", fault.source) if fault.source else None
    failed = failed_checks(
        lambda: verify.verify_receipt(encode(case.parts), verify.load_anchor(case.anchor), source)
    )
    assert failed == {fault.check: fault.code}


def test_every_check_has_a_fault_that_fails_only_it() -> None:
    verified = verify.verify_receipt(encode(CHAIN.receipt(1)), CHAIN.genesis_file)
    assert {check.name for check in verified.checks} <= {
        fault.check for fault in RECEIPT_FAULTS.values()
    }


@pytest.mark.parametrize(("height", "index", "anchor"), [(2, 0, 0), (3, 2, 2), (3, 1, 5)])
def test_no_changed_byte_is_accepted(height: int, index: int, anchor: int) -> None:
    data = encode(CHAIN.receipt(height, index, anchor))
    trusted = anchor_at(CHAIN, anchor)
    verify.verify_receipt(data, trusted)
    accepted = [
        changed
        for changed in one_byte_changed(data)
        if not refuses(lambda changed=changed: verify.verify_receipt(changed, trusted))  # type: ignore[misc]
    ]
    assert accepted == []


def block_of(calls: int) -> Chain:
    chain = Chain()
    chain.add([(chain.transaction(number=number), succeeded()) for number in range(calls)])
    return chain


@pytest.mark.parametrize("calls", [1, 2, 3, 5, 8, 9])
def test_the_place_of_a_call_in_its_block_is_bound(calls: int) -> None:
    """Whatever place and number a receipt claims: only the true ones verify."""
    chain = block_of(calls)
    for index in range(calls):
        parts = chain.receipt(1, index)
        for claimed in itertools.product(range(calls + 2), range(2 * calls + 2)):
            entry = parts["entry"] | dict(zip(("index", "count"), claimed, strict=True))
            step = partial(verify_entry_of, parts | {"entry": entry})
            assert refuses(step) == (claimed != (index, calls)), claimed


def verify_entry_of(parts: dict[str, Any]) -> None:
    """Its entry check alone: signatures do not depend on the place."""
    receipt = _receipt._parse(encode(parts))
    _receipt._check_entry(receipt)


LARGER = block_of(7)
EVERY: dict[str, tuple[Chain, int, int, int]] = {
    "one of seven under the genesis": (LARGER, 1, 4, 0),
    "one of three under an older header": (CHAIN, 3, 1, 2),
    "alone under a newer header": (CHAIN, 2, 0, 5),
}


@pytest.mark.long
@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("part", range(8))
def test_no_byte_with_any_other_value_is_accepted(name: str, part: int) -> None:
    """All 255 other values of each byte, in eight parts."""
    chain, height, index, anchor = EVERY[name]
    data = encode(chain.receipt(height, index, anchor))
    trusted = anchor_at(chain, anchor)
    verify.verify_receipt(data, trusted)
    for changed in one_byte_changed(data, tuple(range(1, 256))[part::8]):
        assert refuses(partial(verify.verify_receipt, changed, trusted))


def test_cut_or_longer_files_are_unreadable() -> None:
    data = encode(CHAIN.receipt(2))
    trusted = anchor_at(CHAIN, 0)
    for end in range(len(data)):
        with pytest.raises(verify.UnreadableError):
            verify.verify_receipt(data[:end], trusted)
    with pytest.raises(verify.UnreadableError):
        verify.verify_receipt(data + b"\x00", trusted)


@pytest.mark.parametrize(("first", "second"), MIXED)
def test_parts_of_two_receipts_never_mix(first: tuple[int, int], second: tuple[int, int]) -> None:
    """Every mixture of the parts: accepted only where it equals one of the two."""
    a, b = CHAIN.receipt(*first), CHAIN.receipt(*second)
    trusted = anchor_at(CHAIN, 0)
    whole = {encode(a), encode(b)}
    names = [name for name in a if a[name] != b[name]]
    for choice in itertools.product((False, True), repeat=len(names)):
        mixed = a | {name: b[name] for name, take in zip(names, choice, strict=True) if take}
        data = encode(mixed)
        if data not in whole:
            assert refuses(lambda data=data: verify.verify_receipt(data, trusted)), choice  # type: ignore[misc]


SHAPES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "unknown field": lambda parts: parts | {"more": 1},
    "no seal": lambda parts: parts | {"seal": None},
    "another format": lambda parts: parts | {"format": "lianheng.receipt.2"},
    "short hash": lambda parts: parts | {"genesis": parts["genesis"][:31]},
    "true as index": lambda parts: parts | {"entry": parts["entry"] | {"index": True}},
    "negative index": lambda parts: parts | {"entry": parts["entry"] | {"index": -1}},
    "huge index": lambda parts: parts | {"entry": parts["entry"] | {"index": 2**64}},
    "long path": lambda parts: parts | {"entry": parts["entry"] | {"path": [bytes(32)] * 65}},
    "no keys": lambda parts: parts | {"keys": []},
    "twice a link": lambda parts: parts | {"links": parts["links"] * 2},
    "many links": lambda parts: parts | {"links": parts["links"] * 17},
    "text as header": lambda parts: parts | {"header": "header"},
    "cometbft seal": lambda parts: parts | {"seal": ["cometbft", parts["seal"][1]]},
    "null value": lambda parts: parts | {"result": encode({1: 0, 2: 0, 3: None})},
    "refused with a value": lambda parts: (
        parts | {"result": encode({1: 1, 2: 0, 3: 1, 5: {1: "a", 2: "b"}})}
    ),
    "refused without error": lambda parts: parts | {"result": encode({1: 1, 2: 0})},
    "succeeded with error": lambda parts: (
        parts | {"result": encode({1: 0, 2: 0, 5: {1: "", 2: ""}})}
    ),
    "no events": lambda parts: parts | {"result": encode({1: 0, 2: 0, 4: []})},
    "trailing result": lambda parts: parts | {"result": parts["result"] + b"\x00"},
    "not a map": lambda _: {"a": 1},
}


@pytest.mark.parametrize("name", SHAPES)
def test_other_shapes_are_unreadable(name: str) -> None:
    parts = SHAPES[name](CHAIN.receipt(2))
    with pytest.raises(verify.UnreadableError) as caught:
        verify.verify_receipt(encode(parts), CHAIN.genesis_file)
    assert caught.value.code.startswith(("format.", "cbor.", "name."))


@pytest.mark.parametrize(
    "changes",
    [
        {2: "Alice@north"},
        {2: "alice"},
        {1: "trade\n"},
        {4: "tool-shed"},
        {5: "x" * 64},
        {6: {1: 2}},
        {6: {"a": {2: 3}}},
        {8: bytes(15)},
        {9: -1},
        {10: bytes(31)},
        {11: ""},
        {11: "x" * 129},
        {12: []},
        {12: [bytes(32)] * 17},
        {13: 1},
        {3: []},
    ],
    ids=str,
)
def test_payloads_of_another_shape_are_unreadable(changes: dict[int, Any]) -> None:
    chain = Chain()
    chain.add([(chain.transaction(changes=changes), succeeded())])
    with pytest.raises(verify.UnreadableError):
        verify.verify_receipt(encode(chain.receipt(1)), chain.genesis_file)


VALUE: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**100), 2**100) | st.binary() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(
    arguments=st.dictionaries(st.text(max_size=5), VALUE, max_size=4),
    value=VALUE,
    calls=st.integers(1, 9),
    before=st.integers(0, 5),
    chosen=st.data(),
)
def test_any_call_in_any_place_verifies(
    arguments: dict[str, Any], value: Any, calls: int, before: int, chosen: st.DataObject
) -> None:
    chain = Chain()
    for number in range(before):
        chain.add([(chain.transaction(number=number), succeeded())])
    made = [chain.transaction(arguments=arguments, number=100 + one) for one in range(calls)]
    height = chain.add([(one, succeeded(value)) for one in made])
    index = chosen.draw(st.integers(0, calls - 1))
    anchor = chosen.draw(st.integers(0, height))
    data = encode(chain.receipt(height, index, anchor))
    verified = verify.verify_receipt(data, anchor_at(chain, anchor))
    assert (verified.index, verified.count) == (index, calls)
    assert verified.transaction.arguments == arguments
    assert verified.result.value == value
