"""Proposals: who agrees to what, and when it runs."""

import pytest
from tests.system.stage import DAY, ORGANISATIONS, Stage, error, identity, proof

from lianheng.model import ContractSource, encode

COUNTER = """
from lianheng.contract import Cell, Contract, call, view


class Tally(Contract):
    total = Cell(int, 0)

    @call(by="MAJORITY role:admin")
    def add(self, amount: int) -> list[str]:
        self.total.set(self.total.get() + amount)
        return [signer.member for signer in self.signers]

    @call(by="FORBIDDEN")
    def never(self) -> None:
        self.total.set(-1)

    @view
    def read(self) -> int:
        return self.total.get()
"""


@pytest.fixture
def stage() -> Stage:
    return Stage(ContractSource("tally", "tally.py", COUNTER))


def total(stage: Stage) -> int:
    value = stage.view("tally.read")
    assert isinstance(value, int)
    return value


def test_a_call_runs_by_itself_once_most_organisations_agree(stage: Stage) -> None:
    proposal = stage.propose("admin@bank-a", "tally.add", amount=5)
    assert proposal["status"] == "open"
    lacks = stage.view("governance.missing", number=1)
    assert lacks == "a member with the role admin of each of 2 of bank-b, grid, hospital"
    assert stage.runs() == []
    assert stage.approve("admin@bank-b", proposal).checked().value["status"] == "open"
    assert stage.approve("admin@grid", proposal).checked().value["status"] == "approved"
    (run,) = stage.runs()
    assert run.contract == "governance"
    assert run.method == "run"
    assert run.result.checked().value == ["admin@bank-a", "admin@bank-b", "admin@grid"]
    assert [event.name for event in run.result.events] == ["Decided"]
    assert total(stage) == 5
    assert stage.proposal(1)["status"] == "done"
    assert stage.runs(later=2 * DAY) == []
    assert error(stage.approve("admin@hospital", proposal)) == "contract.rejected status"


def test_members_without_the_role_do_not_count(stage: Stage) -> None:
    proposal = stage.propose("clerk@bank-a", "tally.add", amount=5)
    for name in ("clerk@bank-b", "clerk@grid", "clerk@hospital", "admin@bank-a", "admin@bank-b"):
        assert stage.approve(name, proposal).checked().value["status"] == "open"
    assert stage.runs() == []
    assert stage.approve("admin@grid", proposal).checked().value["status"] == "approved"


def test_an_approval_is_of_one_call_word_for_word(stage: Stage) -> None:
    first = stage.propose("admin@bank-a", "tally.add", amount=5)
    second = stage.propose("admin@bank-a", "tally.add", amount=500)
    moved = {"number": second["number"], "digest": first["digest"]}
    assert error(stage.approve("admin@bank-b", moved)) == "contract.rejected other_call"
    assert stage.approve("admin@bank-b", first).final
    assert stage.approve("admin@bank-b", first).final  # says the same again
    assert stage.proposal(1)["status"] == "open"
    assert stage.proposal(2)["status"] == "open"


def test_members_change_their_mind_until_it_is_decided(stage: Stage) -> None:
    proposal = stage.propose("admin@bank-a", "tally.add", amount=5)
    stage.approve("admin@bank-b", proposal).checked()
    digest = bytes(proposal["digest"])
    stage.call("admin@bank-b", "governance.reject", number=1, digest=digest, reason="too much")
    assert stage.approve("admin@grid", proposal).checked().value["status"] == "open"
    assert stage.view("governance.missing", number=1) == (
        "a member with the role admin of one of bank-b, hospital"
    )
    assert stage.approve("admin@bank-b", proposal).checked().value["status"] == "approved"
    # The block of the next call runs it first.
    late = stage.call("admin@grid", "governance.reject", number=1, digest=digest, reason="no")
    assert error(late) == "contract.rejected status"
    assert total(stage) == 5


def test_it_is_rejected_where_those_against_would_have_decided(stage: Stage) -> None:
    proposal = stage.propose("admin@bank-a", "tally.add", amount=5)
    digest = bytes(proposal["digest"])
    given = {"number": 1, "digest": digest, "reason": "no"}
    statuses = [
        stage.call(f"admin@{name}", "governance.reject", **given).checked().value["status"]
        for name in ("bank-b", "grid", "hospital")
    ]
    assert statuses == ["open", "open", "rejected"]
    assert error(stage.approve("admin@bank-b", proposal)) == "contract.rejected status"


def test_a_proposal_ends(stage: Stage) -> None:
    stage.propose("admin@bank-a", "tally.add", lasts=DAY, amount=5)
    assert error(stage.call("admin@bank-b", "governance.withdraw", number=1)) == (
        "contract.rejected not_proposer"
    )
    (run,) = stage.runs(later=DAY)
    assert run.method == "end"
    assert stage.proposal(1)["status"] == "expired"
    stage.propose("admin@bank-a", "tally.add", amount=5)
    stage.call("admin@bank-a", "governance.withdraw", number=2).checked()
    assert stage.proposal(2)["status"] == "withdrawn"
    assert stage.runs(later=2 * DAY) == []


def test_nobody_agrees_to_what_nobody_may(stage: Stage) -> None:
    proposal = stage.propose("admin@bank-a", "tally.never")
    for organisation in ORGANISATIONS:
        status = stage.approve(f"admin@{organisation}", proposal).checked().value["status"]
        assert status == "open"
    assert stage.view("governance.missing", number=1) == "nobody may"
    assert total(stage) == 0


def test_a_proposal_is_not_about_proposals(stage: Stage) -> None:
    arguments = {"contract": "governance", "method": "approve", "arguments": encode({})}
    result = stage.call(
        "admin@bank-a", "governance.propose", lasts=DAY, gas=1, note="", **arguments
    )
    assert error(result) == "contract.rejected itself"


@pytest.mark.parametrize("arguments", [b"", b"\xff", b"\x01", b"\xa1\x01\x01\x01", b"\xbf\xff"])
def test_arguments_are_a_canonical_map(stage: Stage, arguments: bytes) -> None:
    given = {"contract": "tally", "method": "add", "arguments": arguments}
    result = stage.call("admin@bank-a", "governance.propose", lasts=DAY, gas=1, note="", **given)
    assert error(result) == "contract.interface"


def test_nobody_shuts_out_everybody_by_accident(stage: Stage) -> None:
    everybody = [f"admin@{name}" for name in ORGANISATIONS]
    for target, policy in [
        ("policies.set", "FORBIDDEN"),
        ("policies.set", "role:clerk"),
        ("members.appoint", "5"),
        ("members.appoint", "ALL of bank-a,gone and FORBIDDEN"),
    ]:
        result = stage.call(everybody, "policies.set", target=target, policy=policy)
        assert error(result) == "contract.rejected never_met", policy
    for target, policy in [("policies.set", "2 role:admin"), ("tally.add", "FORBIDDEN")]:
        assert stage.call(everybody, "policies.set", target=target, policy=policy).final
    denied = stage.call(everybody, "tally.add", amount=1)
    assert "requires FORBIDDEN (set by the chain)" in str(denied.error)
    assert stage.call(everybody[:2], "policies.reset", target="tally.add").error is not None
    assert stage.call(everybody[:3], "policies.reset", target="tally.add").final
    assert stage.call(everybody[:3], "tally.add", amount=1).final


def test_what_is_refused_when_it_runs_changed_nothing_and_may_run_again(stage: Stage) -> None:
    proposal = stage.propose("admin@bank-a", "tally.add", amount="many")
    stage.approve("admin@bank-b", proposal)
    stage.approve("admin@grid", proposal).checked()
    (run,) = stage.runs()
    assert run.result.error is not None
    assert run.result.error.code == "call.bad_arguments"
    assert stage.proposal(1)["status"] == "approved"
    stage.call("clerk@grid", "governance.settle", number=1).checked()
    (again,) = stage.runs()
    assert again.result.error is not None


def test_another_source_makes_an_approval_stale(stage: Stage) -> None:
    proposal = stage.propose("admin@bank-a", "tally.add", amount=5)
    source = COUNTER.replace("+ amount", "+ 2 * amount")
    upgrade = stage.propose(
        "admin@bank-a", "contracts.upgrade", name="tally", file="tally.py", source=source
    )
    for name in ("admin@bank-b", "admin@grid"):
        stage.approve(name, upgrade).checked()
    (run,) = stage.runs()
    assert run.result.final, run.result.error
    for name in ("admin@bank-b", "admin@grid"):
        stage.approve(name, proposal).checked()
    (stale,) = stage.runs()
    assert stale.result.error is not None
    assert stale.result.error.code == "approval.stale"
    assert total(stage) == 0


def test_contracts_are_deployed_by_agreement_only(stage: Stage) -> None:
    arguments = {"name": "other", "file": "other.py", "source": COUNTER}
    alone = stage.call("admin@bank-a", "contracts.deploy", **arguments)
    assert error(alone) == "policy.denied"
    assert "missing: a member with the role admin of each of 2 of" in str(alone.error)
    three = [f"admin@{name}" for name in ORGANISATIONS[:3]]
    assert stage.call(three, "contracts.deploy", **arguments).final
    again = stage.propose("admin@bank-a", "contracts.freeze", name="other")
    for name in three[1:]:
        stage.approve(name, again)
    (run,) = stage.runs()
    assert run.result.final
    assert stage.ledger.versions("other")[-1].status == "frozen"


def test_the_systems_own_contracts_do_not_change(stage: Stage) -> None:
    everybody = [f"admin@{name}" for name in ORGANISATIONS]
    for method in ("freeze", "retire"):
        result = stage.call(everybody, f"contracts.{method}", name="members")
        assert error(result) == "contract.reserved"


def test_approvals_of_who_left_do_not_count_when_it_runs(stage: Stage) -> None:
    proposal = stage.propose("admin@bank-a", "tally.add", amount=5)
    stage.approve("admin@bank-b", proposal)
    remove = stage.call(
        [f"admin@{name}" for name in ORGANISATIONS[:3]],
        "members.suspend_organisation",
        name="bank-b",
        reason="a test",
    )
    assert remove.final, remove.error
    # Three organisations are left: two of them are most, and bank-b is none of them.
    assert stage.view("governance.missing", number=1) != ""
    assert stage.approve("admin@grid", proposal).checked().value["status"] == "approved"
    (run,) = stage.runs()
    assert run.result.checked().value == ["admin@bank-a", "admin@grid"]


def test_a_new_key_signs_from_the_next_block_on_and_the_old_one_no_more(stage: Stage) -> None:
    new = identity("clerk@grid", 1)
    old = stage.keys["clerk@grid"]
    arguments = {
        "member": "clerk@grid",
        "old": bytes(old.key_id),
        "public": new.public,
        "custodial": False,
        "possession": proof("clerk@grid", new),
    }
    stranger = stage.call("admin@bank-a", "members.rotate_key", **arguments)
    assert error(stranger) == "policy.denied"
    assert stage.call("admin@grid", "members.rotate_key", **arguments).final
    lost = stage.call_with([old], "governance.withdraw", {"number": 1})
    assert lost.status == "dropped"
    assert "clerk@grid is removed since height 3" in str(lost.error)
    works = stage.call_with([new], "governance.withdraw", {"number": 1})
    assert error(works) == "contract.rejected unknown"


def test_an_organisation_comes_back_only_with_an_admin(stage: Stage) -> None:
    three = [f"admin@{name}" for name in ("bank-a", "grid", "hospital")]
    bank = {"name": "bank-b"}
    stage.call(three, "members.suspend_organisation", **bank, reason="a test").checked()
    # Nobody of it is asked: it is not in force.
    stage.call(three, "members.take_role", id="admin@bank-b", role="admin").checked()
    back = stage.call(three[:2], "members.reinstate_organisation", **bank)
    assert error(back) == "contract.rejected last_admin"
    stage.call(three, "members.appoint", id="clerk@bank-b", role="admin").checked()
    assert stage.call(three[:2], "members.reinstate_organisation", **bank).final
