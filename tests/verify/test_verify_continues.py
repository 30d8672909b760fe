"""Chains of the reference maker that continue each other: each altered part is told."""

from __future__ import annotations

import io
from typing import Any

import pytest
from tests.verify.chainmaker.chain import MINUTE, START, Chain
from tests.verify.chainmaker.encoding import encode
from tests.verify.chainmaker.scenes import changing_toolshed, quorum_toolshed, toolshed
from tests.verify.helpers import anchor_at

import lianheng_verify as verify
from lianheng import _native

OLD: dict[str, Chain] = {
    "one sequencer": toolshed(),
    "validators": quorum_toolshed(),
    "validators that changed": changing_toolshed(),
}


def last(old: Chain) -> int:
    return len(old.blocks) - 1


def state_of(old: Chain, height: int) -> bytes:
    block = old.blocks[height]
    rows = [encode([key, block.rows[key]]) for key in sorted(block.rows)]
    return b"".join([encode(["lianheng.state.1", block.header]), *rows])


def continuing(old: Chain, height: int, **changes: Any) -> Chain:
    continues = {"last": old.anchor_file(height), "without": ["west"], **changes}
    later = START + 60 * MINUTE
    return Chain(name="trade-2", document_changes={"continues": continues, "time": later})


@pytest.mark.parametrize("name", OLD)
def test_the_reference_is_read_as_one(name: str, tmp_path: Any) -> None:
    old = OLD[name]
    height = last(old)
    new, state = continuing(old, height), state_of(old, height)
    # From a set that shares too little with the genesis, a later header is the anchor.
    changed = name == "validators that changed"
    if changed:
        assert code_of(new, anchor_at(old, 0)) == "steps.no_third"
    for anchor in (height,) if changed else (0, height):
        found = verify.verify_continuation(
            new.genesis_file, anchor_at(old, anchor), io.BytesIO(state)
        )
        assert (found.old_chain, found.chain, found.height) == ("trade", "trade-2", height)
        assert found.without == ("west",)
        assert [check.name for check in found.checks] == [
            *("genesis", "anchor", "seal", "without", "state")
        ]
    file = tmp_path / "state"
    file.write_bytes(state)
    assert _native.check_state(old.anchor_file(height), str(file)) == len(old.blocks[height].rows)
    _native.check_document(new.document)


def test_no_byte_of_a_state_is_free(tmp_path: Any) -> None:
    old = OLD["one sequencer"]
    height = last(old)
    new, state = continuing(old, height), state_of(old, height)
    anchor, file = anchor_at(old, 0), tmp_path / "state"
    for at in range(0, len(state), 7):
        changed = state[:at] + bytes([state[at] ^ 0x21]) + state[at + 1 :]
        with pytest.raises(verify.VerificationError):
            verify.verify_continuation(new.genesis_file, anchor, io.BytesIO(changed))
        file.write_bytes(changed)
        with pytest.raises(_native.NativeError):
            _native.check_state(old.anchor_file(height), str(file))
    for cut in (state[:-1], state[: len(state) // 2], state + state[-40:], b""):
        with pytest.raises(verify.VerificationError):
            verify.verify_continuation(new.genesis_file, anchor, io.BytesIO(cut))


def code_of(new: Chain, anchor: verify.TrustAnchor, state: bytes | None = None) -> str:
    stream = None if state is None else io.BytesIO(state)
    with pytest.raises(verify.VerificationError) as refused:
        verify.verify_continuation(new.genesis_file, anchor, stream)
    return refused.value.code


def test_another_chain_height_or_state_is_told() -> None:
    old, other = OLD["validators"], OLD["one sequencer"]
    height = last(old)
    new = continuing(old, height)
    assert code_of(new, anchor_at(other, 0)) == "genesis.differs"
    assert code_of(new, anchor_at(old, 0), state_of(old, height - 1)) == "state_file.header"
    assert code_of(continuing(old, height - 1), anchor_at(old, height)) == "continues.earlier"
    assert code_of(continuing(old, height, without=["north"]), anchor_at(old, 0)) == (
        "genesis.continues"
    )
    assert code_of(Chain(), anchor_at(old, 0)) == "continues.nothing"
