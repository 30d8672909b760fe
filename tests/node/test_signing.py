"""When a node signs with its next key: envelopes at once, votes when the old one is not needed."""

from dataclasses import dataclass, field
from pathlib import Path

import pytest

from lianheng.consensus.cometbft.settings import IDENTITY_NAME, NEXT_IDENTITY_NAME
from lianheng.consensus.cometbft.signing import Mark, begin_signing, read_mark, state_height
from lianheng.members import Identity, read_identity, write_identity
from lianheng.node._signing import NodeKeys

NODE = "node-1@grid"


@dataclass
class Core:
    """What the chain says of the node's keys."""

    in_force: list[bytes]
    sealing: dict[bytes, int] = field(default_factory=dict)
    height: int = 0

    def header(self, height: int) -> tuple[bytes, bytes | None] | None:
        return (b"", None) if height <= self.height else None

    def keys_of(self, member: str) -> list[bytes]:
        assert member == NODE
        return self.in_force

    def set_at(self, height: int) -> list[tuple[bytes, int]]:
        assert height == self.height
        return list(self.sealing.items())


@pytest.fixture
def old(tmp_path: Path) -> Identity:
    identity = Identity.generate(NODE, development=True)
    begin_signing(tmp_path, identity.public)
    write_identity(tmp_path / IDENTITY_NAME, identity, kind="node")
    return identity


@pytest.fixture
def fresh(tmp_path: Path) -> Identity:
    identity = Identity.generate(NODE, development=True)
    write_identity(tmp_path / NEXT_IDENTITY_NAME, identity, kind="node")
    return identity


def keys(home: Path, core: Core) -> NodeKeys:
    return NodeKeys(home, read_identity(home / IDENTITY_NAME), core, waits=False)


def test_the_next_key_waits_until_the_chain_has_it(
    tmp_path: Path, old: Identity, fresh: Identity
) -> None:
    core = Core([old.public], {old.public: 1})
    found = keys(tmp_path, core)
    assert not found.settle()
    assert (found.voting.public, found.gathering.public) == (old.public, old.public)
    # The chain has it; the header of this block is still sealed with the old one.
    core.in_force, core.height = [fresh.public], 1
    assert not found.settle()
    assert (found.voting.public, found.gathering.public) == (old.public, fresh.public)
    assert found.is_in_force
    assert read_mark(tmp_path) == Mark(old.public, 0)
    core.sealing, core.height = {fresh.public: 1}, 2
    assert found.settle()
    assert (found.voting.public, found.refusal) == (fresh.public, None)
    assert read_mark(tmp_path) == Mark(fresh.public, 0)
    assert read_identity(tmp_path / IDENTITY_NAME).public == fresh.public
    assert not (tmp_path / NEXT_IDENTITY_NAME).exists()
    assert not found.settle()


def test_a_start_behind_the_change_takes_it_up(
    tmp_path: Path, old: Identity, fresh: Identity
) -> None:
    core = Core([fresh.public], {fresh.public: 1}, 9)
    # Cut off after the state was made, before the key was in its place.
    begin_signing(tmp_path, fresh.public)
    found = keys(tmp_path, core)
    assert (found.voting.public, found.refusal, found.votes) == (fresh.public, None, True)
    assert old.public != fresh.public


def test_a_lost_state_is_healed_by_the_next_key(
    tmp_path: Path, old: Identity, fresh: Identity
) -> None:
    (tmp_path / "comet/data/priv_validator_state.json").unlink()
    core = Core([old.public], {old.public: 1})
    found = keys(tmp_path, core)
    before = found.votes
    core.in_force, core.sealing = [fresh.public], {fresh.public: 1}
    assert [before, found.settle(), found.votes] == [False, True, True]
    assert state_height(tmp_path) == 0


def test_who_waits_does_not_vote_yet(tmp_path: Path, old: Identity) -> None:
    core = Core([old.public], {old.public: 1})
    found = NodeKeys(tmp_path, old, core, waits=True)
    assert [found.votes, found.go_on(), found.votes] == [False, True, True]


def test_the_key_of_somebody_else_is_not_taken(tmp_path: Path, old: Identity) -> None:
    other = Identity.generate("node-2@grid", development=True)
    write_identity(tmp_path / NEXT_IDENTITY_NAME, other, kind="node")
    core = Core([other.public], {other.public: 1})
    found = keys(tmp_path, core)
    assert found.voting.public == old.public
    assert not found.is_in_force
