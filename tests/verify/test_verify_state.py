"""State proofs: presence and absence, older, equal and newer anchors, faults, changed bytes."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.verify.chainmaker.chain import Chain
from tests.verify.chainmaker.encoding import digest, encode, tuple_key
from tests.verify.chainmaker.faults import STATE_FAULTS
from tests.verify.chainmaker.scenes import toolshed
from tests.verify.helpers import anchor_at, failed_checks, one_byte_changed, refuses

import lianheng_verify as verify

CHAIN = toolshed()
ROWS: dict[str, tuple[str, str, list[Any], bool]] = {
    "present": ("toolshed", "tools", ["crane-7"], True),
    "absent": ("toolshed", "tools", ["crane-8"], False),
    "key of many types": ("toolshed", "counts", [-(2**70), True, b"\x00\xff"], True),
    "events": ("toolshed", "$events", [], True),
    "member": ("members", "members", ["alice@north", 0], True),
    "no newer version": ("members", "members", ["alice@north", 1], False),
    "parameter": ("chain", "parameters", ["block_gas", 0], True),
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("anchor", range(7))
def test_rows_verify_under_older_equal_and_newer_anchors(name: str, anchor: int) -> None:
    contract, table, key, present = ROWS[name]
    data = encode(CHAIN.proof(4, contract, table, key, anchor))
    verified = verify.verify_state(data, anchor_at(CHAIN, anchor))
    assert (verified.present, verified.height, list(verified.key)) == (present, 4, key)
    assert (verified.value is None) != present


@pytest.mark.parametrize("anchor", [0, 3])
def test_the_state_of_the_genesis(anchor: int) -> None:
    data = encode(CHAIN.proof(0, "members", "members", ["bob@south", 0], anchor))
    verified = verify.verify_state(data, anchor_at(CHAIN, anchor))
    assert verified.value == {
        "id": "bob@south",
        "kind": "person",
        "organisation": "south",
        "roles": ["operator"],
        "since": 0,
        "status": "active",
        "version": 0,
    }


def test_an_empty_tree_shows_absence_only() -> None:
    chain = Chain()
    chain.rows = {}
    chain.add([])
    data = encode(chain.proof(1, "toolshed", "tools", ["x"]))
    assert not verify.verify_state(data, chain.genesis_file).present


@pytest.mark.parametrize("name", STATE_FAULTS)
def test_each_fault_fails_exactly_its_check(name: str) -> None:
    fault = STATE_FAULTS[name]
    case = fault.build()
    anchor = verify.load_anchor(case.anchor)
    failed = failed_checks(lambda: verify.verify_state(encode(case.parts), anchor))
    assert failed == {fault.check: fault.code}


def test_every_check_has_a_fault_that_fails_only_it() -> None:
    assert {fault.check for fault in STATE_FAULTS.values()} == {"proof", "anchor", "seal"}


@pytest.mark.parametrize(("name", "anchor"), [("present", 0), ("member", 2), ("events", 6)])
def test_no_changed_byte_is_accepted(name: str, anchor: int) -> None:
    contract, table, key, _ = ROWS[name]
    data = encode(CHAIN.proof(4, contract, table, key, anchor))
    trusted = anchor_at(CHAIN, anchor)
    verify.verify_state(data, trusted)
    for changed in one_byte_changed(data):
        assert refuses(partial(verify.verify_state, changed, trusted))
    for end in range(len(data)):
        with pytest.raises(verify.UnreadableError):
            verify.verify_state(data[:end], trusted)


@pytest.mark.parametrize("anchor", [0, 2, 6])
def test_a_changed_proof_of_absence_is_refused_or_proves_another_absence(anchor: int) -> None:
    """The place that shows one row absent shows all rows absent whose path leads there: what such
    a file says is another sentence, and true."""
    contract, table, key, _ = ROWS["absent"]
    data = encode(CHAIN.proof(4, contract, table, key, anchor))
    trusted = anchor_at(CHAIN, anchor)
    others = 0
    for changed in one_byte_changed(data):
        try:
            found = verify.verify_state(changed, trusted)
        except verify.VerificationError:
            continue
        assert (found.contract, found.table, list(found.key)) != (contract, table, key)
        flat = tuple_key([found.contract, found.table, *found.key])
        assert not found.present
        assert flat not in CHAIN.blocks[4].rows
        others += 1
    assert others < 20


@pytest.mark.parametrize(
    "changes",
    [
        {"key": [None]},
        {"key": [[1]]},
        {"key": [{"a": 1}]},
        {"key": "crane-7"},
        {"value": b"\x18\x01"},
        {"value": b""},
        {"value": {"holder": "north"}},
        {"value": encode({1: 1})},
        {"seal": None},
        {"siblings": [bytes(32)] * 257},
        {"siblings": [bytes(31)]},
        {"other": [bytes(32)]},
        {"other": [bytes(32), bytes(32)]},
        {"other": None},
        {"contract": "Toolshed"},
        {"more": 1},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_other_shapes_are_unreadable(changes: dict[str, Any]) -> None:
    parts = CHAIN.proof(3, "toolshed", "tools", ["crane-7"]) | changes
    with pytest.raises(verify.UnreadableError):
        verify.verify_state(encode(parts), CHAIN.genesis_file)


@settings(max_examples=40, deadline=None)
@given(st.dictionaries(st.text(max_size=4), st.integers(), max_size=20), st.text(max_size=4))
def test_any_row_of_any_state(rows: dict[str, int], asked: str) -> None:
    chain = Chain()
    height = chain.add([], [(["shed", "rows", key], {"n": value}) for key, value in rows.items()])
    data = encode(chain.proof(height, "shed", "rows", [asked]))
    verified = verify.verify_state(data, chain.genesis_file)
    assert verified.value == ({"n": rows[asked]} if asked in rows else None)
    assert digest(chain.blocks[height].header) == verified.header_hash
