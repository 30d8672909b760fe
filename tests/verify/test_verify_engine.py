"""What the core makes, checked by the verifier and compared with the maker: three of a kind."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify.chainmaker.chain import START, Chain, transaction_id
from tests.verify.chainmaker.encoding import encode
from tests.verify.chainmaker.signing import Key, sign_one
from tests.verify.helpers import one_byte_changed, refuses

import lianheng_verify as verify

if TYPE_CHECKING:
    from pathlib import Path

_native = pytest.importorskip("lianheng._native", reason="the core is not built here")


class Ledger:
    """The core in memory, started from the maker's genesis, sealed by the maker's key."""

    def __init__(self, blocks: list[int]) -> None:
        self.chain = Chain()
        self.engine = _native.Engine.create(None, self.chain.document)
        self.ids: list[list[bytes]] = []
        for height, count in enumerate(blocks, 1):
            self.add(height, [self.call(height * 100 + one) for one in range(count)])

    def call(self, number: int) -> bytes:
        keys = [Key("alice"), Key("bob")] if number % 3 == 0 else [Key("alice")]
        return self.chain.transaction(method="nothing.here", keys=keys, number=number)

    def add(self, height: int, calls: list[bytes]) -> None:
        genesis_hash = self.chain.genesis_hash
        pending = self.engine.execute([self.engine.prepare(calls)], START + height)
        payload = encode(["lianheng.seal.1", pending.header_hash])
        seal = encode(["solo", sign_one(self.chain.sealer, payload, genesis_hash)])
        self.engine.commit(pending, seal)
        self.ids.append([transaction_id(call, genesis_hash) for call in calls])


@pytest.fixture(scope="module")
def ledger() -> Ledger:
    return Ledger([1, 2, 3, 2])


def test_core_and_maker_make_the_same_genesis(ledger: Ledger) -> None:
    assert ledger.engine.genesis_file == ledger.chain.genesis_file


@pytest.mark.parametrize("anchor", range(5))
def test_the_core_s_evidence_verifies(ledger: Ledger, anchor: int) -> None:
    file = ledger.engine.header_file(anchor)
    trusted = verify.load_anchor(file)
    for height, ids in enumerate(ledger.ids, 1):
        for one in ids:
            verified = verify.verify_receipt(ledger.engine.receipt(one, file), trusted)
            assert (verified.height, verified.transaction_id) == (height, one)
            assert (verified.index, verified.count) == (ids.index(one), len(ids))
    rows: list[tuple[str, str, list[Any], bool]] = [
        ("members", "keys", [Key("alice").id, 0], True),
        ("members", "keys", [Key("alice").id, 1], False),
        ("chain", "parameters", ["block_gas", 0], True),
        ("toolshed", "tools", ["crane-7"], False),
    ]
    for contract, table, key, present in rows:
        proof = ledger.engine.prove(contract, table, key, file)
        assert verify.verify_state(proof, trusted).present == present


def test_no_changed_byte_of_the_core_s_evidence_is_accepted(ledger: Ledger) -> None:
    genesis = ledger.engine.genesis_file
    receipt = ledger.engine.receipt(ledger.ids[1][1])
    for changed in one_byte_changed(receipt):
        assert refuses(partial(verify.verify_receipt, changed, genesis))
    proof = ledger.engine.prove("members", "members", ["bob@south", 0])
    for changed in one_byte_changed(proof):
        assert refuses(partial(verify.verify_state, changed, genesis))
    header = ledger.engine.header_file(3)
    for changed in one_byte_changed(header):
        assert refuses(partial(verify.load_anchor, changed))


def test_an_export_of_the_core_s_blocks_verifies(ledger: Ledger, tmp_path: Path) -> None:
    engine = ledger.engine
    heights = range(1, engine.height + 1)
    sealed = [engine.header(height) for height in heights]
    (tmp_path / "genesis.cbor").write_bytes(engine.genesis_file)
    (tmp_path / "headers.cbors").write_bytes(
        b"".join(b"\x82" + encode(header) + seal for header, seal in sealed)
    )
    blocks = b"".join(engine.block(height) for height in heights)
    (tmp_path / "blocks-000000000001.cbors").write_bytes(blocks)
    verified = verify.verify_chain(tmp_path, verify.load_anchor(engine.genesis_file))
    assert (verified.height, verified.blocks_checked) == (4, 4)
