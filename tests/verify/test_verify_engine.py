"""What the core makes, checked by the verifier and compared with the maker: three of a kind."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify.chainmaker.chain import START, Chain, transaction_id
from tests.verify.chainmaker.comet import NIL, Ballot
from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.quorum import QuorumChain
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


# --- a network ---


class Network:
    """The core in memory, from a network's genesis, sealed late by the maker's validators."""

    def __init__(self, blocks: int) -> None:
        self.chain = QuorumChain()
        self.engine = _native.Engine.create(None, self.chain.document)
        self.ids: list[bytes] = []
        for height in range(1, blocks + 1):
            call = self.chain.transaction(method="nothing.here", number=height)
            consensus = self.chain.consensus_height(height)
            prepared = [self.engine.prepare([call])]
            pending = self.engine.execute(prepared, START + 1000 * consensus, consensus)
            self.engine.commit(pending, None)
            self.ids.append(transaction_id(call, self.chain.genesis_hash))

    def seal(self, height: int, ballot: Ballot | None = None) -> None:
        at = self.chain.seal_height(height)
        self.chain.ballots = {at: ballot} if ballot else {}
        header, _ = self.engine.header(height)
        self.engine.add_seal(height, encode(self.chain.comet_seal(at, digest(header))))


def test_core_and_maker_start_the_same_network() -> None:
    network = Network(0)
    assert network.engine.genesis_file == network.chain.genesis_file
    anchor = verify.load_anchor(network.engine.genesis_file)
    assert anchor.sealers.kind == "cometbft"


def test_a_network_s_evidence_verifies(tmp_path: Path) -> None:
    network = Network(4)
    engine = network.engine
    for height, ballot in enumerate((None, Ballot(flags={2: None}), Ballot(flags={1: NIL})), 1):
        network.seal(height, ballot)
    with pytest.raises(_native.NativeError):
        engine.receipt(network.ids[3])
    network.seal(4)
    for anchor in range(5):
        file = engine.header_file(anchor)
        trusted = verify.load_anchor(file)
        for height, one in enumerate(network.ids, 1):
            assert verify.verify_receipt(engine.receipt(one, file), trusted).height == height
        proof = engine.prove("members", "members", ["node-1@west", 0], file)
        assert verify.verify_state(proof, trusted).present
    sealed = [engine.header(height) for height in range(1, 5)]
    (tmp_path / "genesis.cbor").write_bytes(engine.genesis_file)
    items = [b"\x82" + encode(header) + seal for header, seal in sealed]
    (tmp_path / "headers.cbors").write_bytes(b"".join(items))
    blocks = b"".join(engine.block(height) for height in range(1, 5))
    (tmp_path / "blocks-000000000001.cbors").write_bytes(blocks)
    anchor_of_all = verify.load_anchor(engine.genesis_file)
    assert verify.verify_chain(tmp_path, anchor_of_all).blocks_checked == 4


def test_no_changed_byte_of_a_network_s_receipt_is_accepted() -> None:
    network = Network(1)
    network.seal(1)
    receipt, genesis = network.engine.receipt(network.ids[0]), network.engine.genesis_file
    verify.verify_receipt(receipt, genesis)
    for place, changed in enumerate(one_byte_changed(receipt)):
        if place % 3 == 1:
            assert refuses(partial(verify.verify_receipt, changed, genesis)), place


FORGED: dict[str, Ballot] = {
    "half": Ballot(flags={0: None, 1: None}),
    "votes for none": Ballot(flags={0: NIL, 1: NIL}),
    "another chain": Ballot(signed={0: {"chain_id": "ab" * 24}}),
    "another height": Ballot(signed={0: {"height": 9}}),
    "another round": Ballot(signed={3: {"round_": 1}}),
    "for none in truth": Ballot(signed={1: {"block": None}}),
    "another key": Ballot(signers={2: Key("mallory")}),
    "a vote twice": Ballot(commit=lambda one: [*one[:3], [one[3][0], one[3][0], *one[3][2:]]]),
    "two swapped": Ballot(commit=lambda one: [*one[:3], [one[3][1], one[3][0], *one[3][2:]]]),
    "a commit of another height": Ballot(commit=lambda one: [9, *one[1:]]),
    "a commit of another round": Ballot(commit=lambda one: [one[0], 4, *one[2:]]),
    "a bad vote for none": Ballot(flags={1: NIL}, signed={1: {"round_": 1}}),
}


@pytest.mark.parametrize("name", FORGED)
def test_the_core_takes_no_seal_that_the_verifier_refuses(name: str) -> None:
    network = Network(1)
    with pytest.raises(_native.NativeError):
        network.seal(1, FORGED[name])
    network.seal(1)
