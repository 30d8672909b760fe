"""A chain that is closed on purpose: nothing follows the block that closes it."""

from pathlib import Path
from typing import Any

import pytest
from tests.system.stage import DAY, ORGANISATIONS, Stage, error

from lianheng.ledger import Closing
from lianheng.model import Busy, ContractSource, Status, Stopped, encode

REMINDERS = Path(__file__).parents[1] / "contracts" / "reminders.py"
ADMINS = [f"admin@{name}" for name in ORGANISATIONS]
WHY = "we part as friends"


@pytest.fixture
def stage() -> Stage:
    return Stage(ContractSource("reminders", "reminders.py", REMINDERS.read_text()))


def closed(stage: Stage) -> Closing:
    found = stage.ledger.closing
    assert found is not None
    return found


def sign(stage: Stage, who: str | list[str], target: str, **arguments: Any) -> bytes:
    named = [who] if isinstance(who, str) else who
    return stage.ledger.sign([stage.keys[name] for name in named], target, arguments)


def test_two_thirds_of_the_organisations_close_it(stage: Stage) -> None:
    assert error(stage.call(ADMINS[:2], "governance.close", reason=WHY)) == "policy.denied"
    assert stage.ledger.closing is None
    result = stage.call(ADMINS[:3], "governance.close", reason=WHY).checked()
    assert result.height == stage.ledger.height
    assert closed(stage) == Closing(stage.ledger.height, stage.now, tuple(ADMINS[:3]), WHY)
    assert stage.view("governance.closing")["reason"] == WHY


def test_what_stands_behind_it_in_its_block_is_dropped(stage: Stage) -> None:
    before = sign(stage, "clerk@grid", "reminders.remind", id="before", after=DAY)
    end = sign(stage, ADMINS, "governance.close", reason=WHY)
    behind = [
        sign(stage, "clerk@grid", "reminders.remind", id="behind", after=DAY),
        sign(stage, ADMINS, "governance.close", reason="again"),
    ]
    stage.now += 10
    results = stage.ledger.submit([before, end, *behind]).wait()
    assert [result.status for result in results[:2]] == [Status.FINAL] * 2
    for result in results[2:]:
        assert error(result) == "dropped.chain_closed"
        assert result.status == Status.DROPPED
    block = stage.ledger.block(stage.ledger.height)
    assert len(block.entries) == 2
    assert closed(stage).reason == WHY
    assert stage.view("reminders.of", id="before")["passed_at"] is None


def test_nothing_is_taken_afterwards(stage: Stage) -> None:
    stage.call(ADMINS, "governance.close", reason=WHY).checked()
    height, header = stage.ledger.height, stage.engine.header_hash
    with pytest.raises(Stopped) as refused:
        stage.call("clerk@grid", "reminders.remind", id="late", after=1)
    assert refused.value.code == "chain.closed"
    assert not isinstance(refused.value, Busy)
    assert refused.value.details["height"] == height
    assert refused.value.details["members"] == ADMINS
    assert WHY in refused.value.message
    assert "genesis new --continue" in refused.value.hint
    assert stage.ledger.status()["closed"]["height"] == height
    # A block that consensus decides all the same is empty: it makes no header.
    late = sign(stage, "clerk@grid", "reminders.remind", id="late", after=1)
    pending = stage.engine.execute([stage.engine.prepare([late])], stage.now + 10)
    assert pending.empty
    (outcome,) = stage.engine.commit(pending, None)
    code, message, hint = outcome.drop(0) or ("", "", "")
    assert code == "dropped.chain_closed"
    assert f"block {height}" in message
    assert hint
    assert (stage.ledger.height, stage.engine.header_hash) == (height, header)


def test_no_timer_runs_behind_it(stage: Stage) -> None:
    stage.call("clerk@grid", "reminders.remind", id="soon", after=1_000).checked()
    proposal = stage.propose(ADMINS[0], "governance.close", reason=WHY)
    stage.approve(ADMINS[1], proposal).checked()
    stage.approve(ADMINS[2], proposal).checked()
    # Both are due in the next block; the proposal's moment is the earlier one.
    stage.now += 2_000
    late = stage.call("clerk@grid", "reminders.remind", id="late", after=1)
    assert error(late) == "dropped.chain_closed"
    assert stage.ledger.block(stage.ledger.height).runs == 1
    assert closed(stage).members == tuple(ADMINS[:3])
    assert stage.view("reminders.of", id="soon")["passed_at"] is None
    assert stage.engine.next_timer is None
    assert stage.runs(2 * DAY) == []
    assert stage.proposal(1)["status"] == "done"


def test_a_proposal_about_proposals_is_still_none(stage: Stage) -> None:
    result = stage.call(
        ADMINS[0],
        "governance.propose",
        contract="governance",
        method="approve",
        arguments=encode({}),
        lasts=DAY,
        gas=1,
        note="",
    )
    assert error(result) == "contract.rejected itself"


def test_the_row_is_proved_and_reads_go_on(stage: Stage) -> None:
    import lianheng_verify

    stage.call(ADMINS, "governance.close", reason=WHY).checked()
    proof = stage.ledger.prove("governance", "closings", [stage.ledger.chain])
    anchor = lianheng_verify.load_anchor(stage.ledger.genesis_file)
    verified = lianheng_verify.verify_state(proof, anchor)
    row: Any = verified.value
    assert row["height"] == verified.height == stage.ledger.height
    assert "it closed chain trade" in verified.checks[0].text
    assert stage.view("members.seated", after="", limit=9) == list(ORGANISATIONS)
    assert stage.ledger.fsck()["faults"] == []


def test_a_chain_asks_for_more_where_it_says_so() -> None:
    stage = Stage(policies={"governance.close": "ALL role:admin"})
    assert error(stage.call(ADMINS[:3], "governance.close", reason=WHY)) == "policy.denied"
    stage.call(ADMINS, "governance.close", reason=WHY).checked()


def test_who_is_out_of_force_has_agreed_to_nothing(stage: Stage) -> None:
    proposal = stage.propose(ADMINS[0], "governance.close", reason=WHY)
    stage.approve(ADMINS[1], proposal).checked()
    stage.call(ADMINS[1], "members.leave", name="bank-b", reason="").checked()
    stage.call(ADMINS[2:], "members.declare_role", name="x", given="chain")
    assert stage.proposal(1)["status"] == "open"
    assert stage.ledger.closing is None
