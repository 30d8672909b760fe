"""The ledger of a validator, opened without its node."""

from pathlib import Path

import pytest

from lianheng.consensus import create_ledger, open_engine, open_ledger
from lianheng.members import Genesis, Identity, MemberSpec, Validator
from lianheng.model import NodeError, NotFound, UsageError

ALICE = Identity.generate("alice@north", development=True)
NODE = Identity.generate("node-1@north", development=True)


def genesis() -> Genesis:
    return Genesis.create(
        chain="trade",
        organisations=["north"],
        members=[MemberSpec("alice@north", ALICE, roles=["operator"])],
        validators=[Validator(MemberSpec("node-1@north", NODE, kind="node"))],
        time_ms=5,
    )


def test_it_is_read_without_a_node_and_submits_only_through_one(tmp_path: Path) -> None:
    folder = tmp_path / "ledger"
    create_ledger(folder, genesis()).close()
    assert [file.name for file in folder.iterdir()] == ["store"]
    with open_ledger(folder) as ledger:
        assert ledger.height == 0
        assert ledger.status()["sequencer"] == {"kind": "cometbft", "started": False}
        with pytest.raises(NodeError) as caught:
            ledger.call(ALICE, "contracts.deploy", name="x", file="x.py", source="")
    assert caught.value.code == "consensus.node_needed"
    assert "lianheng up" in caught.value.hint


def test_a_key_of_a_sequencer_belongs_to_a_chain_that_has_one(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        create_ledger(tmp_path / "ledger", genesis(), sealer=NODE)
    assert caught.value.code == "ledger.sealer"
    assert not (tmp_path / "ledger").exists()


def test_a_folder_without_a_store_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no ledger"):
        open_engine(tmp_path)
