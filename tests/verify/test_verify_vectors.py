"""The vectors of tests/vectors are what the maker makes, and the verifier agrees with each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.verify.chainmaker.vectors import all_vectors
from tests.verify.helpers import ROOT, failed_checks

import lianheng_verify as verify
from lianheng_verify import (
    _cbor,
    _comet,
    _ed25519,
    _hashes,
    _header,
    _quorum,
    _sealers,
    _state,
    _transaction,
)

FOLDER = ROOT / "tests" / "vectors"


ALL = all_vectors()
NAMES = sorted(ALL)


def load(name: str) -> Any:
    return json.loads((FOLDER / name).read_text())


def unhex(items: list[str]) -> list[bytes]:
    return [bytes.fromhex(item) for item in items]


@pytest.mark.parametrize("name", NAMES)
def test_the_committed_vectors_are_what_the_maker_makes(name: str) -> None:
    assert load(name) == ALL[name], "run tools/make_vectors.py"


def test_every_file_of_vectors_made_here_is_described() -> None:
    described = (FOLDER / "README.md").read_text()
    assert [name for name in NAMES if f"`{name}`" not in described] == []


def test_cbor() -> None:
    content = load("cbor.json")
    for data in unhex(content["valid"]):
        assert _cbor.encode(_cbor.decode(data)) == data
    for case in content["invalid"]:
        with pytest.raises(verify.UnreadableError) as caught:
            _cbor.decode(bytes.fromhex(case["data"]))
        assert caught.value.code == case["code"], case


def test_row_keys() -> None:
    for case in load("row-keys.json")["cases"]:
        parts = _cbor.decode(bytes.fromhex(case["parts"]))
        assert isinstance(parts, list)
        flat = b"".join(_state._part(part) for part in parts)
        assert flat.hex() == case["flat"]


def test_keys() -> None:
    content = load("keys.json")
    for key in content["keys"]:
        public = bytes.fromhex(key["public"])
        assert _hashes.key_id(public).hex() == key["key_id"]
        _ed25519.check_public_key(public)
    sealers = _cbor.decode(bytes.fromhex(content["sealers"]["encoded"]))
    assert _sealers.parse_sealers(sealers).hash.hex() == content["sealers"]["hash"]


def test_logs() -> None:
    for case in load("log.json")["cases"]:
        leaves, root = unhex(case["leaves"]), bytes.fromhex(case["root"])
        frontier = _hashes.Frontier()
        for index, leaf in enumerate(leaves):
            frontier.append(leaf)
            path = unhex(case["paths"][index])
            _hashes.verify_inclusion(root, _hashes.leaf_hash(leaf), index, len(leaves), path)
        assert frontier.root() == root


def test_states() -> None:
    for case in load("state.json")["cases"]:
        root = bytes.fromhex(case["root"])
        for proof in case["proofs"]:
            value = None if proof["value"] is None else bytes.fromhex(proof["value"])
            other = None if proof["other"] is None else tuple(unhex(proof["other"]))
            key, siblings = bytes.fromhex(proof["key"]), unhex(proof["siblings"])
            assert other is None or len(other) == 2
            _state.verify_row(root, key, value, siblings, other)


def test_transactions() -> None:
    content = load("transactions.json")
    genesis_hash = bytes.fromhex(content["genesis_hash"])
    for case in content["valid"]:
        parsed = _transaction.parse_transaction(bytes.fromhex(case["transaction"]))
        assert parsed.transaction_id(genesis_hash).hex() == case["id"]
        assert parsed.signed_hash.hex() == case["signed_hash"]
        for index, public in enumerate(unhex(case["keys"])):
            parsed.signed.verify(index, public, genesis_hash)
    for case in content["invalid"]:
        with pytest.raises(verify.UnreadableError):
            _transaction.parse_transaction(bytes.fromhex(case["transaction"]))


def test_entries() -> None:
    content = load("entries.json")
    for block in (content["none"], content["genesis"], *content["blocks"]):
        frontier = _hashes.Frontier()
        for entry in unhex(block["entries"]):
            frontier.append(entry)
        assert frontier.root().hex() == block["tree"]
        assert _hashes.entries_root(frontier.size, frontier.root()).hex() == block["root"]


def test_headers() -> None:
    sealers = verify.load_anchor(bytes.fromhex(load("genesis.json")["genesis_file"])).sealers
    genesis_hash = b""
    history = _hashes.Frontier()
    for case in load("headers.json")["headers"]:
        header = _header.parse_header(bytes.fromhex(case["header"]))
        assert (header.hash.hex(), header.height) == (case["hash"], case["height"])
        assert verify.load_anchor(bytes.fromhex(case["anchor_file"])).header == header
        assert header.history_root == history.root()
        history.append(header.hash)
        genesis_hash = genesis_hash or header.hash
        if case["seal"]:
            seal = _header.parse_seal(_cbor.decode(bytes.fromhex(case["seal"])))
            _header.verify_seal(header, seal, genesis_hash, sealers)


def test_the_genesis() -> None:
    content = load("genesis.json")
    anchor = verify.load_anchor(bytes.fromhex(content["genesis_file"]))
    assert anchor.header.hash.hex() == content["genesis_hash"]
    assert anchor.header.state_root.hex() == content["state_root"]


@pytest.mark.parametrize("name", ["receipts.json", "members.json", "proofs.json"])
def test_files(name: str) -> None:
    content = load(name)
    for case in (*content["valid"], *content["invalid"]):
        anchor = verify.load_anchor(bytes.fromhex(content["files"][case["anchor"]]))
        source = None
        if "source" in case:
            source = verify.Source("source.py", bytes.fromhex(case["source"]))
        expected = {case["check"]: case["code"]} if "check" in case else {}
        assert failed_checks(lambda: check(case, anchor, source)) == expected, case["name"]  # noqa: B023


def check(case: dict[str, Any], anchor: verify.TrustAnchor, source: verify.Source | None) -> object:
    if "receipt" in case:
        data = bytes.fromhex(case["receipt"])
        if verify.is_run(data):
            return verify.verify_run(data, anchor, source)
        return verify.verify_receipt(data, anchor, source)
    return verify.verify_state(bytes.fromhex(case["proof"]), anchor)


def test_comet_encodings() -> None:
    content = load("quorum.json")
    genesis_hash = bytes.fromhex(content["genesis_hash"])
    assert _quorum.chain_id(genesis_hash) == content["chain_id"]
    for case in content["sets"]:
        found = _sealers.parse_sealers(_cbor.decode(bytes.fromhex(case["sealers"])))
        assert [one.address.hex() for one in found.members] == case["addresses"]
        assert (found.hash.hex(), found.power) == (case["hash"], case["power"])
        assert found.validators_hash.hex() == case["validators_hash"]
    for case in content["seals"]:
        seal = _quorum.parse_quorum_seal(_cbor.decode(bytes.fromhex(case["seal"])))
        assert seal.block_hash.hex() == case["block_hash"]
        form = _comet.VoteForm(
            seal.header.chain_id, seal.commit.height, seal.commit.round, seal.commit.block
        )
        for vote, signed in zip(seal.commit.votes, case["signed"], strict=True):
            found_bytes = vote and form.signed_bytes(vote.time, for_block=vote.flag == 2)
            assert found_bytes == (signed and bytes.fromhex(signed))
        _quorum.verify_commit(seal, content["chain_id"])


@pytest.mark.parametrize("name", ["quorum-receipts.json", "quorum-proofs.json"])
def test_quorum_sealed_files(name: str) -> None:
    content = load(name)
    for case in (*content["valid"], *content["invalid"]):
        anchor = verify.load_anchor(bytes.fromhex(content["files"][case["anchor"]]))
        expected = {case["check"]: case["code"]} if "check" in case else {}
        assert failed_checks(lambda: check(case, anchor, None)) == expected, case["name"]  # noqa: B023


def test_headers_of_a_network() -> None:
    cases = load("quorum-headers.json")["headers"]
    genesis_hash = bytes.fromhex(cases[0]["hash"])
    sets = set()
    for case in cases:
        anchor = verify.load_anchor(bytes.fromhex(case["anchor_file"]))
        assert anchor.header.hash.hex() == case["hash"]
        if case["seal"]:
            seal = _header.parse_seal(_cbor.decode(bytes.fromhex(case["seal"])))
            _header.verify_seal(anchor.header, seal, genesis_hash, anchor.sealers)
        sets.add(case["sealers_hash"])
    assert len(sets) == 3
