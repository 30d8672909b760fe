"""Validators by the chain's own calls: which set seals which header, and what leads to it."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.system.stage import CHAIN, Stage, error, identity
from tests.system.voting_stage import ORGANISATIONS, VotingStage, proof, steps_of
from tests.verify.chainmaker import comet
from tests.verify.chainmaker.encoding import digest

import lianheng_verify as verify
from lianheng import _native
from lianheng.members._genesis import possession_payload
from lianheng.model import ChainName, MemberId, decode, encode
from lianheng_verify._limits import STEPS


def set_of(stage: VotingStage, height: int) -> dict[bytes, int]:
    return {bytes(key): power for key, power in stage.engine.set_at(height)}


def last_call(stage: VotingStage) -> bytes:
    block = stage.ledger.block(stage.engine.height)
    return block.transactions[0].id(stage.ledger.genesis_hash)


def test_the_genesis_set_is_rows_like_any() -> None:
    stage = VotingStage(voting=3, powers={"grid": 4})
    rows = {
        row.key[0]: row.value for row in stage.ledger.table("members", "validators").scan(limit=9)
    }
    assert set(rows) == {"node-1@bank-a", "node-1@bank-b", "node-1@grid"}
    for name, row in rows.items():
        assert (row["version"], row["since"], row["status"]) == (0, 0, "active")
        assert bytes(row["key"]) == stage.nodes[name].key_id
        assert row["power"] == (4 if name == "node-1@grid" else 1)
        assert stage.voters()[name] == (stage.nodes[name].public, row["power"])
    assert set_of(stage, 0) == set_of(stage, 1) == dict(stage.voters().values())


def test_a_change_seals_from_the_next_header_on_and_that_header_always_comes() -> None:
    stage = VotingStage()
    stage.add_node("node-2@bank-a")
    before = stage.engine.height
    stage.most("members.add_validator", id="node-2@bank-a", power=2).checked()
    made = stage.engine.height
    # The block after the change has a header although it is empty; the one after that has none.
    assert made == before + 2
    assert len(stage.ledger.block(made)) == 0
    old, new = stage.header(before + 1), stage.header(made)
    assert (old.consensus_height + 1, made - 1) == (new.consensus_height, before + 1)
    assert set(set_of(stage, before + 1).values()) == {1}
    assert set_of(stage, made)[stage.nodes["node-2@bank-a"].public] == 2
    assert old.sealers_hash == stage.header(0).sealers_hash != new.sealers_hash
    members = comet.ordered([(stage.keys[k], p) for k, p in set_of(stage, made).items()])
    assert new.sealers_hash == comet.seal_hash(members)
    assert stage.engine.sealed_height == made
    stage.call("grid", "members.describe_organisation", name="grid", title="", uscc="", lei="")
    assert stage.engine.height == made + 1


def test_rotation_by_the_old_key_and_by_an_admin_moves_the_vote() -> None:
    stage = VotingStage()
    name = "node-1@grid"
    first = stage.nodes[name]
    stage.rotate(name, 1, by=first).checked()
    assert stage.voters()[name] == (identity(name, 1).public, 1)
    assert error(stage.rotate(name, 2, by=first)) == "dropped.unknown_key"
    stage.rotate(name, 2).checked()
    assert stage.voters()[name] == (identity(name, 2).public, 1)
    rows = stage.ledger.table("members", "validators").scan((name,)).values
    assert [bytes(row["key"]) for row in rows] == [
        bytes(identity(name, number).key_id) for number in range(3)
    ]
    for number, receipt in stage.receipts().items():
        assert stage.verified(receipt) == 0, number


def test_who_is_suspended_or_removed_votes_no_more_until_it_is_added() -> None:
    for verb in ("suspend", "remove"):
        stage = VotingStage()
        one = "node-1@grid"
        stage.call("grid", f"members.{verb}_member", id=one, reason="lost").checked()
        assert one not in stage.voters()
        if verb == "suspend":
            stage.call("grid", "members.reinstate_member", id=one).checked()
            assert one not in stage.voters()
            stage.most("members.add_validator", id=one, power=1).checked()
            assert one in stage.voters()
    stage = VotingStage()
    stage.add_node("node-2@grid")
    stage.most("members.add_validator", id="node-2@grid", power=1).checked()
    stage.most("members.suspend_organisation", name="grid", reason="").checked()
    assert set(stage.voters()) == {f"node-1@{n}" for n in ORGANISATIONS if n != "grid"}
    three = ["bank-a", "bank-b", "hospital"]
    stage.call(three, "members.reinstate_organisation", name="grid").checked()
    assert len(stage.voters()) == 3
    stage.call("hospital", "members.leave", name="hospital", reason="").checked()
    stage.call("bank-a", "members.remove_validator", id="node-1@bank-a", reason="").checked()
    assert set(stage.voters()) == {"node-1@bank-b"}
    for receipt in stage.receipts().values():
        stage.verified(receipt)


def test_nothing_leaves_the_set_empty() -> None:
    stage = VotingStage(voting=1)
    one, full = "node-1@bank-a", "contract.rejected last_validator"
    stage.call("bank-a", "members.add_member", **member("eve@bank-a", "person")).checked()
    for target, arguments in (
        ("members.remove_validator", {"id": one, "reason": ""}),
        ("members.suspend_member", {"id": one, "reason": ""}),
        ("members.remove_member", {"id": one, "reason": ""}),
        ("members.suspend_organisation", {"name": "bank-a", "reason": ""}),
        ("members.remove_organisation", {"name": "bank-a", "reason": ""}),
        ("members.leave", {"name": "bank-a", "reason": ""}),
    ):
        result = stage.most(target, **arguments)
        assert error(result) == full, target
        assert result.error is not None
        assert "node-1@bank-a is the last validator: add another one first" in result.error.message
    key = bytes(stage.nodes[one].key_id)
    revoked = stage.most("members.revoke_key", member=one, key=key)
    assert error(revoked) == "contract.rejected last_key"
    stage.rotate(one, 1).checked()
    stage.most("members.add_validator", id="node-1@grid", power=1).checked()
    stage.call("bank-a", "members.leave", name="bank-a", reason="").checked()
    assert set(stage.voters()) == {"node-1@grid"}
    assert error(stage.call("grid", "members.leave", name="grid", reason="")) == full


def member(name: str, kind: str) -> dict[str, Any]:
    key = identity(name)
    proved = {"public": key.public, "custodial": False, "possession": proof(name, key)}
    return {"id": name, "kind": kind, "roles": [], **proved}


def test_who_may_not_become_a_validator() -> None:
    stage = VotingStage(voting=3)
    stage.call("grid", "members.add_member", **member("eve@grid", "service")).checked()
    node, four = "node-1@hospital", 4

    def add(name: str, power: int = 1) -> str:
        return error(stage.most("members.add_validator", id=name, power=power))

    assert add("nobody@grid") == "contract.rejected unknown"
    assert add("eve@grid") == "contract.rejected kind"
    assert add("node-1@grid") == "contract.rejected known"
    for power in (0, -1, 2**40 + 1):
        assert add(node, power) == "contract.rejected power"
    key = identity(node, 1)
    second = {"member": node, "public": key.public, "custodial": False}
    stage.call("hospital", "members.add_key", **second, possession=proof(node, key)).checked()
    assert add(node) == "contract.rejected keys"
    stage.call("hospital", "members.revoke_key", member=node, key=bytes(key.key_id)).checked()
    stage.call("hospital", "members.suspend_member", id=node, reason="").checked()
    assert add(node) == "contract.rejected status"
    stage.call("hospital", "members.reinstate_member", id=node).checked()
    assert add(node, 2**40) == ""
    third = identity(node, 2)
    arguments = {**second, "public": third.public, "possession": proof(node, third)}
    refused = stage.call("hospital", "members.add_key", **arguments)
    assert error(refused) == "contract.rejected validator"
    alone = stage.call("grid", "members.add_validator", id=node, power=1)
    assert error(alone) == "policy.denied"
    assert len(stage.voters()) == four
    other = stage.call("grid", "members.remove_validator", id=node, reason="")
    assert error(other) == "policy.denied"
    own = stage.call("hospital", "members.remove_validator", id=node, reason="")
    assert error(own) == ""
    gone = stage.call("hospital", "members.remove_validator", id=node, reason="")
    assert error(gone) == "contract.rejected unknown"


def test_one_sequencer_seals_for_ever() -> None:
    stage = Stage()
    stage.keys["sequencer@bank-a"] = key = identity("sequencer@bank-a")
    three = ["admin@bank-a", "admin@bank-b", "admin@grid"]
    fresh = {"public": key.public, "custodial": False, "possession": proof(key.member, key)}
    added = {"id": "sequencer@bank-a", "kind": "node", "roles": [], **fresh}
    stage.call("admin@bank-a", "members.add_member", **added).checked()
    refused = stage.call(three, "members.add_validator", id="sequencer@bank-a", power=1)
    assert error(refused) == "contract.rejected sequencer"
    assert stage.engine.validators() == []


def test_whole_sets_replaced_one_by_one() -> None:
    """Every receipt from every anchor, also where nobody of the first set is left."""
    stage = VotingStage(voting=2, organisations=("bank-a", "bank-b", "grid"))
    for number in range(1, 4):
        for name in ("node-1@bank-a", "node-1@bank-b"):
            stage.rotate(name, number).checked()
    stage.most("members.add_validator", id="node-1@grid", power=9).checked()
    stage.call("bank-a", "members.remove_validator", id="node-1@bank-a", reason="").checked()
    top = stage.engine.height
    assert stage.engine.sealed_height == top
    anchors = {0: stage.genesis_file}
    anchors |= {height: bytes(stage.engine.header_file(height)) for height in range(1, top + 1)}
    most = 0
    for place, anchor in anchors.items():
        for height, receipt in stage.receipts(anchor).items():
            steps = stage.verified(receipt, anchor)
            assert steps == 0 or height > place
            most = max(most, steps)
        key = ["node-1@grid"]
        stage.verified(
            bytes(stage.engine.prove("members", "validators", [*key, 0], anchor)), anchor
        )
    # Six rotations turned two of two over three times; a step may skip one of them.
    assert 2 <= most <= 14


def test_more_than_a_third_at_once_takes_the_two_seals_that_stand_side_by_side() -> None:
    stage = VotingStage(voting=1)
    stage.rotate("node-1@bank-a", 1).checked()
    stage.call("grid", "members.describe_organisation", name="grid", title="", uscc="", lei="")
    found = stage.receipts()
    assert [steps_of(receipt) for receipt in found.values()] == [0, 2]
    for receipt in found.values():
        stage.verified(receipt)
    stolen = found[max(found)]
    verify.verify_receipt(stolen, stage.genesis_file)
    # Without the old set's word for the new one nothing is believed.
    fields = decode(stolen)
    del fields["steps"]
    with pytest.raises(verify.VerificationError) as failure:
        verify.verify_receipt(encode(fields), stage.genesis_file)
    assert failure.value.code == "steps.no_third"


def test_no_changed_byte_of_a_receipt_with_steps_is_accepted() -> None:
    stage = VotingStage(voting=1)
    stage.rotate("node-1@bank-a", 1).checked()
    stage.call("grid", "members.describe_organisation", name="grid", title="", uscc="", lei="")
    found = stage.receipts()
    receipt = found[max(found)]
    assert stage.verified(receipt) == 2
    anchor = verify.load_anchor(stage.genesis_file)
    for place in range(0, len(receipt), 7):
        changed = bytearray(receipt)
        changed[place] ^= 1 << place % 8
        with pytest.raises(verify.VerificationError):
            verify.verify_receipt(bytes(changed), anchor)


def test_few_of_many_changes_are_shown() -> None:
    """One of four changes at a time: a step skips as many as leave more than a third."""
    stage = VotingStage()
    for number in range(1, 4):
        for organisation in ORGANISATIONS:
            stage.rotate(f"node-1@{organisation}", number).checked()
    counts = [stage.verified(receipt) for receipt in stage.receipts().values()]
    assert counts[0] == 0
    assert counts == sorted(counts)
    # Twelve changes; two of four are more than a third.
    assert counts[-1] <= 6


def test_seals_that_are_late_are_waited_for() -> None:
    stage = VotingStage(voting=1)
    stage.consensus.seals_held_back = True
    stage.rotate("node-1@bank-a", 1).checked()
    stage.call("grid", "members.describe_organisation", name="grid", title="", uscc="", lei="")
    top = stage.engine.height
    transaction = last_call(stage)
    pairs = dict(stage.engine.unsealed(9))
    stage.engine.add_seal(top, stage.consensus.seal(pairs[top] + 1))
    with pytest.raises(_native.NativeError) as failure:
        stage.engine.receipt(transaction, None)
    assert failure.value.code == "seal.not_yet"
    stage.consensus.add_seals()
    stage.verified(bytes(stage.engine.receipt(transaction, None)))


def test_beyond_the_limit_a_newer_anchor_helps() -> None:
    stage = VotingStage(voting=1, organisations=("bank-a",))
    turns = STEPS // 2 + 1
    for number in range(1, turns + 1):
        stage.rotate("node-1@bank-a", number).checked()
    stage.call("bank-a", "members.describe_organisation", name="bank-a", title="", uscc="", lei="")
    top = stage.engine.height
    transaction = last_call(stage)
    with pytest.raises(_native.NativeError) as failure:
        stage.engine.receipt(transaction, None)
    assert failure.value.code == "steps.too_many"
    assert "lianheng block HEIGHT -o FILE" in str(failure.value.hint)
    anchor = bytes(stage.engine.header_file(top // 2))
    assert stage.verified(bytes(stage.engine.receipt(transaction, anchor)), anchor) > 100
    whole = bytes(stage.engine.header_file(4))
    assert stage.verified(bytes(stage.engine.receipt(transaction, whole)), whole) <= STEPS


@pytest.mark.parametrize("rebuild", [False, True])
def test_sets_survive_a_restart(tmp_path: Path, rebuild: bool) -> None:
    stage = VotingStage(path=tmp_path / "ledger")
    stage.rotate("node-1@grid", 1).checked()
    stage.call("hospital", "members.remove_validator", id="node-1@hospital", reason="").checked()
    top = stage.engine.height
    before = [set_of(stage, height) for height in range(top + 2)]
    voters = stage.voters()
    stage.reopen(rebuild=rebuild)
    stage.consensus.add_seals()
    assert [set_of(stage, height) for height in range(top + 2)] == before
    assert stage.voters() == voters
    checked = stage.engine.fsck(None)
    assert not checked["faults"], checked
    for receipt in stage.receipts().values():
        stage.verified(receipt)
    stage.most("members.add_validator", id="node-1@hospital", power=1).checked()
    assert len(stage.voters()) == 4


def test_a_restart_between_a_change_and_its_header(tmp_path: Path) -> None:
    stage = VotingStage(path=tmp_path / "ledger")
    consensus = stage.consensus
    consensus.make = consensus.decide  # type: ignore[method-assign]
    stage.rotate("node-1@grid", 1).checked()
    top = stage.engine.height
    stage.reopen()
    # A block that is executed and not decided leaves nothing behind.
    tried = stage.engine.execute([], stage.now, consensus.height + 1)
    assert (tried.empty, tried.set_changes) == (False, [])
    consensus.decide([], stage.now)
    assert stage.engine.height == top + 1
    consensus.decide([], stage.now)
    assert stage.engine.height == top + 1
    assert stage.header(top + 1).sealers_hash != stage.header(top).sealers_hash


MOVES = st.sampled_from(["rotate", "add", "remove", "suspend", "reinstate", "away", "call"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(MOVES, st.integers(0, 3)), min_size=4, max_size=14),
    st.integers(1, 4),
    st.data(),
)
def test_any_changes_leave_every_receipt_good(
    moves: list[tuple[str, int]], voting: int, data: st.DataObject
) -> None:
    stage = VotingStage(voting=voting)
    names = list(stage.nodes)
    for number, (move, place) in enumerate(moves, 1):
        name = names[place]
        organisation = name.partition("@")[2]
        match move:
            case "rotate":
                stage.rotate(name, number)
            case "add":
                stage.most("members.add_validator", id=name, power=number)
            case "remove":
                stage.call(organisation, "members.remove_validator", id=name, reason="")
            case "suspend" | "reinstate":
                reason = {"reason": ""} if move == "suspend" else {}
                stage.call(organisation, f"members.{move}_member", id=name, **reason)
            case "away":
                stage.consensus.absent = {stage.nodes[name].public}
            case _:
                spec = {"name": organisation, "title": str(number), "uscc": "", "lei": ""}
                stage.call(organisation, "members.describe_organisation", **spec)
        assert set_of(stage, stage.engine.height + 1) == dict(stage.voters().values())
        for voter, (public, _) in stage.voters().items():
            assert list(map(bytes, stage.engine.keys_of(voter))) == [public]
    assert stage.engine.sealed_height == stage.engine.height
    top = stage.engine.height
    place = data.draw(st.integers(0, top))
    anchor = stage.genesis_file if place == 0 else bytes(stage.engine.header_file(place))
    for receipt in stage.receipts(anchor).values():
        assert stage.verified(receipt, anchor) <= 2 * len(moves)


def test_a_genesis_validator_has_one_key() -> None:
    stage = VotingStage(voting=1)
    fields = decode(stage.genesis_file)
    document = decode(fields["document"])
    (node,) = [one for one in document["members"] if one["id"] == "node-1@bank-a"]
    second = identity("node-1@bank-a", 1)
    statement = possession_payload(ChainName(CHAIN), MemberId(node["id"]), second.key_id)
    proved = {"public": second.public, "possession": second.sign(statement, b"")}
    node["keys"].append({"custodial": False, **proved})
    with pytest.raises(_native.NativeError) as failure:
        _native.Engine.create(None, encode(document))
    assert failure.value.code == "genesis.bad_sealers"
    assert "node-1@bank-a votes and has 2 keys" in failure.value.message
    encoded = encode(document)
    header = decode(fields["header"])
    leaf = digest(b"\0" + encoded)
    header[6] = digest(encode(["lianheng.entries.1", 1, leaf]))
    with pytest.raises(verify.VerificationError) as seen:
        verify.load_anchor(encode({**fields, "document": encoded, "header": encode(header)}))
    assert seen.value.code == "genesis.sealers"
    assert "node-1@bank-a seals and has 2 keys" in seen.value.message
