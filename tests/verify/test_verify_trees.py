"""Merkle paths against third-party vectors; the state tree against the maker's own."""

from __future__ import annotations

import base64
import json
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.verify.chainmaker.encoding import tuple_key
from tests.verify.chainmaker.trees import StateTree, log_path, log_root
from tests.verify.helpers import data_folder, refuses

from lianheng_verify import VerificationError, _hashes, _state

PART = st.integers(-(2**80), 2**80) | st.text(max_size=6) | st.binary(max_size=6) | st.booleans()


def test_inclusion_proofs_of_transparency_dev() -> None:
    files = sorted(data_folder("merkle-rfc6962", "inclusion").rglob("*.json"))
    for path in files:
        case = json.loads(path.read_text())
        root, leaf = (base64.b64decode(case[name] or "") for name in ("root", "leafHash"))
        proof = [base64.b64decode(one) for one in case["proof"] or []]
        index, count = case["leafIdx"], case["treeSize"]
        refused = refuses(partial(_hashes.verify_inclusion, root, leaf, index, count, proof))
        # Hashes of another length are refused where a file is read: digests have 32 bytes.
        odd = any(len(one) != 32 for one in (root, leaf, *proof))
        assert refused or odd or not case["wantErr"], path
        assert not refused or case["wantErr"], path
    assert len(files) > 30


@given(st.lists(st.binary(max_size=4), max_size=40))
def test_frontier_and_paths_agree_with_the_definition(leaves: list[bytes]) -> None:
    frontier = _hashes.Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    root = log_root(leaves)
    assert frontier.root() == root
    for index, leaf in enumerate(leaves):
        path = log_path(index, leaves)
        _hashes.verify_inclusion(root, _hashes.leaf_hash(leaf), index, len(leaves), path)
        for wrong in (path[:-1] if path else [b"\0" * 32], [*path, b"\0" * 32]):
            with pytest.raises(VerificationError):
                _hashes.verify_inclusion(root, _hashes.leaf_hash(leaf), index, len(leaves), wrong)


@given(st.lists(PART, max_size=4))
def test_flat_keys_agree_with_the_maker(key: list[Any]) -> None:
    assert _state.flat_key("shed", "tools", key) == tuple_key(["shed", "tools", *key])


@settings(max_examples=60)
@given(
    st.dictionaries(st.binary(max_size=3), st.binary(max_size=3), max_size=30),
    st.binary(max_size=3),
)
def test_rows_are_present_or_absent_never_both(rows: dict[bytes, bytes], other: bytes) -> None:
    tree = StateTree(rows)
    for key in {*rows, other}:
        siblings, leaf = tree.prove(key)
        value = rows.get(key)
        _state.verify_row(tree.root(), key, value, siblings, leaf)
        lies = (b"other value", None) if value is not None else (b"any value",)
        for lie in lies:
            for shown in {leaf, None}:
                with pytest.raises(VerificationError):
                    _state.verify_row(tree.root(), key, lie, siblings, shown)


def test_the_other_leaf_must_stand_on_the_path() -> None:
    rows = {b"a": b"1", b"b": b"2", b"c": b"3"}
    tree = StateTree(rows)
    for known, value in rows.items():
        siblings, _ = tree.prove(known)
        leaf = (_hashes.digest(known), _hashes.digest(value))
        for absent in (b"x", b"y", b"z", b"w"):
            own, _ = tree.prove(absent)
            if own != siblings:
                with pytest.raises(VerificationError):
                    _state.verify_row(tree.root(), absent, None, siblings, leaf)
