"""Receipts of a chain whose members change: whose key signed, and who agreed, checked offline."""

from functools import partial
from pathlib import Path

import pytest
from tests.system.stage import NO_NODE, Stage, identity, proof
from tests.verify.helpers import one_byte_changed, refuses

import lianheng_verify
from lianheng import _native
from lianheng.members import Identity
from lianheng.model import Result, Run, decode

PROPOSAL = {"contract": "members", "method": "appoint", "arguments": b"\xa0"}


@pytest.fixture
def stage() -> Stage:
    return Stage()


def propose(stage: Stage, *signers: str, key: Identity | None = None) -> Result:
    """A call that any member may make, signed by these; the first with `key`."""
    keys = [stage.keys[name] for name in signers]
    if key is not None:
        keys[0] = key
    arguments = {**PROPOSAL, "lasts": 1_000, "gas": 1, "note": ""}
    return stage.call_with(keys, "governance.propose", arguments).checked()


def add_member(stage: Stage, name: str, *, custodial: bool = False) -> Result:
    key = identity(name)
    admin = f"admin@{name.partition('@')[2]}"
    added = stage.call(
        admin,
        "members.add_member",
        id=name,
        kind="person",
        roles=["clerk"],
        public=key.public,
        custodial=custodial,
        possession=proof(name, key),
    )
    stage.keys[name] = key
    return added.checked()


def rotate(stage: Stage, name: str) -> Identity:
    """Another key in the place of a member's; gives it."""
    old, key = stage.keys[name], identity(name, 2)
    stage.call(
        name,
        "members.rotate_key",
        member=name,
        old=old.key_id,
        public=key.public,
        custodial=False,
        possession=proof(name, key),
    ).checked()
    return key


def receipt(stage: Stage, of: Result | Run, anchor: bytes | None = None) -> bytes:
    identity_of = of.id(stage.ledger.genesis_hash) if isinstance(of, Run) else of.id
    assert identity_of is not None
    return stage.ledger.receipt(identity_of, anchor)


def signers(stage: Stage, of: Result) -> list[tuple[str | None, str]]:
    """Whose keys signed, by the genesis and by the headers before, at and behind the block."""
    ledger = stage.ledger
    data = receipt(stage, of)
    told = lianheng_verify.verify_receipt(data, ledger.genesis_file).signers
    found = [(one.member, one.standing) for one in told]
    for height in range(1, ledger.height + 1):
        anchor = ledger.header_file(height)
        under = lianheng_verify.verify_receipt(receipt(stage, of, anchor), anchor).signers
        # A header registers nobody: there the receipt always proves them.
        assert [(one.member, one.standing) for one in under] == [
            (member, "proved") for member, _ in found
        ]
    return found


def test_the_first_members_need_no_proof_while_nothing_of_them_changed(stage: Stage) -> None:
    one = propose(stage, "clerk@grid", "admin@bank-a")
    add_member(stage, "zoe@hospital")
    assert "members" not in decode(receipt(stage, one))
    told = [("clerk@grid", "genesis"), ("admin@bank-a", "genesis")]
    assert signers(stage, one) == told
    assert one.id is not None
    asked = stage.ledger.receipt(one.id, members=True)
    proved = lianheng_verify.verify_receipt(asked, stage.ledger.genesis_file).signers
    assert [(signer.member, signer.standing) for signer in proved] == [
        (name, "proved") for name, _ in told
    ]
    # A change of any of the rows, even a later one: what held at the block is proved.
    stage.call("admin@grid", "members.suspend_member", id="clerk@grid", reason="").checked()
    assert signers(stage, one) == [(name, "proved") for name, _ in told]


def test_members_and_keys_that_came_later(stage: Stage) -> None:
    add_member(stage, "zoe@hospital", custodial=True)
    first = propose(stage, "zoe@hospital")
    data = receipt(stage, first)
    assert "at" not in decode(data)["members"]  # its own block is the last one
    key = rotate(stage, "zoe@hospital")
    second = propose(stage, "zoe@hospital", "clerk@grid", key=key)
    assert signers(stage, first) == [("zoe@hospital", "proved")]
    assert signers(stage, second) == [("zoe@hospital", "proved"), ("clerk@grid", "proved")]
    (told,) = lianheng_verify.verify_receipt(data, stage.ledger.genesis_file).signers
    assert (told.roles, told.custodial) == (("clerk",), True)


def test_a_rotated_key_of_the_genesis_is_proved_before_and_after(stage: Stage) -> None:
    before = propose(stage, "clerk@grid")
    key = rotate(stage, "clerk@grid")
    after = propose(stage, "clerk@grid", key=key)
    for one in (before, after):
        assert signers(stage, one) == [("clerk@grid", "proved")]


def test_who_signs_its_own_end_signed_in_force(stage: Stage) -> None:
    """What a block changes holds from the next one on: the last call of each is provable."""
    ends = [
        stage.call("admin@bank-a", "members.leave", name="bank-a", reason="merged"),
        stage.call("admin@grid", "members.suspend_member", id="clerk@grid", reason="away"),
    ]
    key = identity("clerk@hospital", 2)
    ends.append(
        stage.call(
            "clerk@hospital",
            "members.rotate_key",
            member="clerk@hospital",
            old=stage.keys["clerk@hospital"].key_id,
            public=key.public,
            custodial=False,
            possession=proof("clerk@hospital", key),
        )
    )
    for one, who in zip(ends, ("admin@bank-a", "admin@grid", "clerk@hospital"), strict=True):
        data = receipt(stage, one.checked())
        told = lianheng_verify.verify_receipt(data, stage.ledger.genesis_file).signers
        assert [signer.member for signer in told] == [who]
    assert signers(stage, ends[0]) == [("admin@bank-a", "proved")]
    assert signers(stage, ends[2]) == [("clerk@hospital", "proved")]


def test_an_organisation_that_was_admitted_later(stage: Stage) -> None:
    key = identity("admin@port")
    stage.call(
        [f"admin@{name}" for name in ("bank-a", "bank-b", "grid")],
        "members.add_organisation",
        name="port",
        title="Port",
        uscc="",
        lei="",
        admin="admin@port",
        public=key.public,
        possession=proof("admin@port", key),
        **NO_NODE,
    ).checked()
    stage.keys["admin@port"] = key
    one = propose(stage, "admin@port", "clerk@grid")
    assert signers(stage, one) == [("admin@port", "proved"), ("clerk@grid", "proved")]


def test_who_agreed_to_a_proposal(stage: Stage) -> None:
    made = stage.propose("admin@grid", "members.suspend_organisation", name="hospital", reason="x")
    stage.approve("admin@bank-a", made)
    stage.approve("admin@bank-b", made)
    (run,) = stage.runs()
    told = lianheng_verify.verify_run(receipt(stage, run), stage.ledger.genesis_file).approval
    assert told is not None
    assert (told.number, told.contract, told.method) == (1, "members", "suspend_organisation")
    assert told.arguments == {"name": "hospital", "reason": "x"}
    agreed = ["admin@bank-a", "admin@bank-b", "admin@grid"]
    assert [one.member for one in told.agreed] == agreed
    assert {one.roles for one in told.agreed} == {("admin",)}
    # A year later all of them are gone, and it is still proved.
    for name in agreed[:2]:
        stage.call(name, "members.leave", name=name.partition("@")[2], reason="").checked()
    anchor = stage.ledger.header_file(2)
    later = lianheng_verify.verify_run(receipt(stage, run, anchor), anchor)
    assert later.approval == told
    assert later.sealed_height == stage.ledger.height


def test_a_run_that_did_nothing_names_nobody(stage: Stage) -> None:
    made = stage.propose("admin@grid", "members.suspend_organisation", name="nobody", reason="x")
    stage.approve("admin@bank-a", made)
    stage.approve("admin@bank-b", made)
    (run,) = stage.runs()
    verified = lianheng_verify.verify_run(receipt(stage, run), stage.ledger.genesis_file)
    assert verified.result.refusal is not None
    assert verified.approval is None


def test_a_refused_call_names_its_signers(stage: Stage) -> None:
    add_member(stage, "zoe@hospital")
    call = stage.call("zoe@hospital", "members.give_role", id="zoe@hospital", role="clerk")
    assert call.error is not None
    assert signers(stage, call) == [("zoe@hospital", "proved")]


def test_no_changed_byte_is_accepted(stage: Stage) -> None:
    add_member(stage, "zoe@hospital")
    one = propose(stage, "zoe@hospital", "clerk@grid")
    rotate(stage, "zoe@hospital")
    anchor = lianheng_verify.load_anchor(stage.ledger.genesis_file)
    data = receipt(stage, one)
    lianheng_verify.verify_receipt(data, anchor)
    for place, changed in enumerate(one_byte_changed(data)):
        if place % 5 == 0:
            assert refuses(partial(lianheng_verify.verify_receipt, changed, anchor)), place


def test_the_same_is_proved_after_opening_again(tmp_path: Path) -> None:
    stage = Stage(folder=str(tmp_path / "ledger"))
    add_member(stage, "zoe@hospital")
    one = propose(stage, "zoe@hospital")
    rotate(stage, "zoe@hospital")
    before, genesis = receipt(stage, one), stage.ledger.genesis_file
    stage.ledger.close()
    for rebuild in (False, True):
        engine = _native.Engine.open(str(tmp_path / "ledger"), rebuild=rebuild)
        assert one.id is not None
        assert engine.receipt(bytes(one.id)) == before
        engine.close()
    assert [s.standing for s in lianheng_verify.verify_receipt(before, genesis).signers] == [
        "proved"
    ]
