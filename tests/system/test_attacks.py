"""Attempts to get a right that nobody gave: each ends as docs/protocol/policies.md says."""

from contextlib import nullcontext, suppress
from typing import Any

import pytest
from tests.system.stage import (
    CHAIN,
    DAY,
    NO_NODE,
    ORGANISATIONS,
    START,
    Stage,
    error,
    identity,
    proof,
)

from lianheng import _native
from lianheng.members import Genesis, Identity, MemberSpec
from lianheng.model import ContractSource, LianhengError, decode, encode, native_errors
from lianheng.system import contracts

ALL = [f"admin@{name}" for name in ORGANISATIONS]
THREE = ALL[:3]

VAULT = """
from lianheng.contract import Cell, Contract, call, view


class Vault(Contract):
    opened = Cell(int, 0)

    @call(by="MAJORITY role:admin")
    def open(self, times: int) -> str:
        self.opened.set(self.opened.get() + times)
        return f"{self.via} for {self.caller.member}"

    @call(by="via:desk and role:clerk")
    def peek(self, who: str) -> str:
        return f"{self.via} for {self.caller.member}, {len(self.signers)} signed"

    @view
    def times(self) -> int:
        return self.opened.get()
"""
DESK = """
from lianheng.contract import Contract, Interface, Uses, call


class Vault(Interface):
    @call
    def open(self, times: int) -> str: ...

    @call
    def peek(self, who: str) -> str: ...


class Governance(Interface):
    @call
    def withdraw(self, number: int) -> object: ...


class Members(Interface):
    @call
    def leave(self, name: str, reason: str) -> object: ...


class Desk(Contract):
    vault = Uses(Vault, contract="vault")
    governance = Uses(Governance, contract="governance")
    members = Uses(Members, contract="members")

    @call(by="ANY")
    def open(self) -> str:
        return self.vault.open(1)

    @call(by="ANY")
    def peek(self, who: str) -> str:
        return self.vault.peek(who)

    @call(by="ANY")
    def withdraw(self, number: int) -> None:
        self.governance.withdraw(number)

    @call(by="ANY")
    def leave(self, name: str) -> None:
        self.members.leave(name, "")
"""


@pytest.fixture
def stage() -> Stage:
    return Stage(
        ContractSource("vault", "vault.py", VAULT),
        ContractSource("desk", "desk.py", DESK),
        people={"clerk@bank-a": ["clerk"]},
    )


# --- calls between contracts ---------------------------------------------------------------------


def test_a_contract_does_not_lend_its_callers_signature(stage: Stage) -> None:
    # All admins sign the call of the desk. What the desk then calls in their name is another call.
    result = stage.call(ALL, "desk.open")
    assert error(result) == "policy.denied"
    assert "a member's own call: the policy does not name desk by via:" in str(result.error)
    for target, arguments in (("desk.leave", {"name": "bank-a"}), ("desk.withdraw", {"number": 1})):
        stage.propose("admin@bank-a", "vault.open", times=1)
        assert error(stage.call(ALL, target, **arguments)) == "policy.denied", target
    assert stage.view("vault.times") == 0


def test_who_names_a_contract_trusts_it_with_the_signers_it_has(stage: Stage) -> None:
    named = stage.call(["clerk@bank-a", "clerk@grid"], "desk.peek", who="x").checked().value
    assert named == "desk for clerk@bank-a, 2 signed"
    assert error(stage.call("clerk@grid", "desk.peek", who="clerk@bank-a")) == "policy.denied"
    # The same contract under another name is another caller.
    other = {"name": "desk2", "file": "desk2.py", "source": DESK}
    stage.call(THREE, "contracts.deploy", **other).checked()
    assert error(stage.call("clerk@bank-a", "desk2.peek", who="x")) == "policy.denied"
    assert error(stage.call("clerk@bank-a", "vault.peek", who="desk")) == "policy.denied"


def test_no_contract_takes_the_name_of_another(stage: Stage) -> None:
    for name in ("desk", "members", "policies", "governance", "contracts", "chain"):
        given = {"name": name, "file": "x.py", "source": VAULT}
        result = stage.call(ALL, "contracts.deploy", **given)
        assert not result.final, name
        assert error(result).startswith("contract."), name


# --- upgrades ------------------------------------------------------------------------------------


def test_an_upgrade_gives_no_right_to_who_could_not_upgrade(stage: Stage) -> None:
    open_to_all = VAULT.replace("MAJORITY role:admin", "ANY")
    given = {"name": "vault", "file": "vault.py", "source": open_to_all}
    for signers in (["clerk@bank-a"], ALL[:2], ["clerk@bank-a", "clerk@grid", "clerk@hospital"]):
        assert error(stage.call(signers, "contracts.upgrade", **given)) == "policy.denied"
    assert error(stage.call("clerk@grid", "vault.open", times=1)) == "policy.denied"


def test_a_rule_of_the_chain_outlives_an_upgrade(stage: Stage) -> None:
    rule = {"target": "vault.open", "policy": "ALL role:admin"}
    stage.call(THREE, "policies.set", **rule).checked()
    given = {"name": "vault", "file": "v.py", "source": VAULT.replace("MAJORITY role:admin", "ANY")}
    stage.call(THREE, "contracts.upgrade", **given).checked()
    result = stage.call(THREE, "vault.open", times=1)
    assert "vault.open requires ALL role:admin (set by the chain)" in str(result.error)
    assert stage.call(ALL, "vault.open", times=1).final


def test_agreed_code_is_the_code_that_runs(stage: Stage) -> None:
    """Approvals of an upgrade name the source that it takes the place of, and the new one."""
    good = VAULT.replace("self.opened.get() + times", "self.opened.get() + times + 0")
    upgrade: dict[str, Any] = {"name": "vault", "file": "vault.py"}
    first = stage.propose("admin@bank-a", "contracts.upgrade", **upgrade, source=good)
    evil = stage.propose(
        "admin@bank-b", "contracts.upgrade", **upgrade, source=VAULT + "\n# evil\n"
    )
    assert first["digest"] != evil["digest"]
    for name in ALL[1:3]:
        stage.approve(name, first).checked()
    (run,) = stage.runs()
    assert run.result.final
    # What they agree to next would take the place of a source that they did not see.
    for name in (ALL[2], ALL[3]):
        stage.approve(name, evil).checked()
    (stale,) = stage.runs()
    assert error(stale.result) == "approval.stale"


def test_an_upgrade_does_nothing_in_the_name_of_those_who_agreed_to_it(stage: Stage) -> None:
    """Its migration and its timers are the contract, not the admins who signed the upgrade."""
    grab = """
    @migrate(from_version=0)
    def grab(self) -> None:
        self.members.leave("bank-a", "")
"""
    later = """
    @call(by="ANY")
    def wait(self) -> None:
        self.due(self.now + 5, "wake", gas=5_000_000)

    @timer
    def wake(self) -> str:
        return self.vault.open(1)
"""
    given = {"name": "desk", "file": "desk.py"}
    head = DESK.replace("Uses, call", "Uses, call, migrate, timer")
    refused = stage.call(ALL, "contracts.upgrade", **given, source=head + grab)
    assert not refused.final
    assert stage.view("members.organisation", name="bank-a")["status"] == "active"
    stage.call(ALL, "contracts.upgrade", **given, source=head + later).checked()
    stage.call(ALL, "desk.wait").checked()
    (run,) = stage.runs()
    assert error(run.result) == "policy.denied"
    assert "signed by nobody in force, called by desk" in str(run.result.error)
    assert stage.view("vault.times") == 0


# --- approvals -----------------------------------------------------------------------------------


def test_an_approval_is_not_replayed(stage: Stage) -> None:
    first = stage.propose("admin@bank-a", "vault.open", times=1)
    signed = stage.signed("admin@bank-b", "governance.approve", number=1, digest=first["digest"])
    assert stage.ledger.submit(signed).one().checked().value["status"] == "open"
    again = stage.ledger.submit(signed).one()
    assert again.status == "dropped"
    # The same call proposed anew has the same digest, and another number: nobody agreed to it.
    second = stage.propose("admin@bank-a", "vault.open", times=1)
    assert second["digest"] == first["digest"]
    assert stage.approve("admin@grid", first).checked().value["status"] == "approved"
    stage.runs()
    assert stage.view("governance.votes_of", number=2) == [
        {
            "number": 2,
            "member": "admin@bank-a",
            "organisation": "bank-a",
            "agrees": True,
            "at": second["opened"],
            "reason": "",
        }
    ]
    assert stage.view("vault.times") == 1
    assert error(stage.approve("admin@hospital", first)) == "contract.rejected status"
    assert error(stage.call("clerk@grid", "governance.settle", number=1)) == (
        "contract.rejected status"
    )


def test_an_approval_does_not_outlive_its_expiry(stage: Stage) -> None:
    proposal = stage.propose("admin@bank-a", "vault.open", lasts=DAY, times=1)
    stage.approve("admin@bank-b", proposal).checked()
    stage.now += DAY
    late = stage.approve("admin@grid", proposal)
    assert error(late) == "contract.rejected status"
    assert stage.proposal(1)["status"] == "expired"
    stage.runs(later=DAY)
    assert stage.view("vault.times") == 0


@pytest.mark.parametrize("how", ["removed", "suspended", "role taken", "organisation removed"])
def test_an_approval_does_not_outlive_its_member(stage: Stage, how: str) -> None:
    stage.call("admin@bank-b", "members.give_role", id="clerk@bank-b", role="admin").checked()
    proposal = stage.propose("admin@bank-a", "vault.open", times=1)
    stage.approve("admin@bank-b", proposal).checked()
    who = {"id": "admin@bank-b"}
    changes: dict[str, tuple[str | list[str], str, dict[str, Any]]] = {
        "removed": ("clerk@bank-b", "members.remove_member", {**who, "reason": ""}),
        "suspended": ("clerk@bank-b", "members.suspend_member", {**who, "reason": ""}),
        "role taken": ("clerk@bank-b", "members.take_role", {**who, "role": "admin"}),
        "organisation removed": (
            ["admin@bank-a", "admin@grid", "admin@hospital"],
            "members.remove_organisation",
            {"name": "bank-b", "reason": ""},
        ),
    }
    signers, target, arguments = changes[how]
    stage.call(signers, target, **arguments).checked()
    left = stage.approve("admin@grid", proposal).checked().value
    gone = how == "organisation removed"
    # Of three organisations two are most; of four, the one that is lost is needed.
    assert left["status"] == ("approved" if gone else "open")
    runs = stage.runs()
    assert [run.result.checked().value for run in runs] == (
        ["None for admin@bank-a"] if gone else []
    )
    if not gone:
        assert stage.approve("admin@hospital", proposal).checked().value["status"] == "approved"
        (run,) = stage.runs()
        assert run.result.final
    assert stage.view("vault.times") == 1


def test_a_proposal_of_a_removed_organisation_counts_for_nothing_by_itself(stage: Stage) -> None:
    proposal = stage.propose("admin@bank-b", "vault.open", times=1)
    remove = {"name": "bank-b", "reason": ""}
    stage.call(
        ["admin@bank-a", "admin@grid", "admin@hospital"], "members.remove_organisation", **remove
    )
    assert stage.approve("admin@grid", proposal).checked().value["status"] == "open"
    assert stage.approve("admin@hospital", proposal).checked().value["status"] == "approved"
    (run,) = stage.runs()
    assert run.result.checked().value == "None for admin@grid"


# --- signatures ----------------------------------------------------------------------------------


def test_a_cosigner_is_neither_stripped_nor_moved(stage: Stage) -> None:
    signed = stage.signed(THREE, "vault.open", times=1)
    tag, unprotected, payload, signatures = decode(bytes(signed))
    assert len(signatures) == 3
    others = [
        [signatures[1], signatures[0], signatures[2]],
        signatures[:2],
        signatures[1:],
        [*signatures, signatures[2]],
        [signatures[0], signatures[0], signatures[2]],
        [],
    ]
    for changed in others:
        result = stage.ledger.submit(encode([tag, unprotected, payload, changed])).one()
        assert result.status == "dropped"
        assert error(result).startswith("dropped.")
    # A signature of another payload by the same member is none of this one.
    more = decode(bytes(stage.signed(ALL, "vault.open", times=1)))
    mixed = encode([tag, unprotected, payload, [*signatures[:2], more[3][2]]])
    assert stage.ledger.submit(mixed).one().status == "dropped"
    assert stage.view("vault.times") == 0
    assert stage.ledger.submit(signed).one().final


def test_two_keys_of_a_member_are_one_voice(stage: Stage) -> None:
    new = identity("admin@bank-a", 1)
    given = {"member": "admin@bank-a", "public": new.public, "custodial": False}
    possession = {"possession": proof("admin@bank-a", new)}
    stage.call("admin@bank-a", "members.add_key", **given, **possession).checked()
    keys = [stage.keys["admin@bank-a"], new, stage.keys["admin@bank-b"]]
    result = stage.call_with(keys, "vault.open", {"times": 1})
    assert error(result).startswith(("policy.denied", "dropped."))
    two = stage.call("admin@bank-a", "members.give_role", id="clerk@bank-a", role="admin")
    assert two.final
    colleagues = stage.call(["admin@bank-a", "clerk@bank-a", "admin@grid"], "vault.open", times=1)
    assert error(colleagues) == "policy.denied"


# --- names ---------------------------------------------------------------------------------------

LOOK_ALIKES = {
    "cyrillic": "b\u0430nk-a",
    "mixed scripts": "bank-\u0251",
    "full width": "\uff42ank-a",
    "zero width": "bank\u200b-a",
    "joiner": "bank-a\u200d",
    "right to left": "\u202ebank-a",
    "combining": "ba\u0301nk-a",
    "composed": "b\u00e1nk-a",
    "soft hyphen": "bank\u00ad-a",
    "dash": "bank\u2010a",
    "upper case": "Bank-a",
    "dotless": "\u0131bank",
    "trailing dot": "bank-a.",
    "trailing hyphen": "bank-a-",
    "underscore": "bank_a",
    "space": "bank-a ",
    "tab": "bank-a\t",
    "line": "bank-a\n",
    "nothing": "",
    "null": "bank-a\0",
    "digit first": "1bank",
    "dash first": "-bank",
    "too long": "b" * 64,
    "at": "bank-a@x",
    "surrogate": "bank-\U0001d41a",
}


@pytest.mark.parametrize("name", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
def test_no_name_has_letters_that_look_like_others(stage: Stage, name: str) -> None:
    new = identity("eve@nowhere")
    key = {"public": new.public, "possession": b""}
    organisation = {"title": "", "uscc": "", "lei": "", "admin": f"admin@{name}", **key, **NO_NODE}
    result = stage.call(ALL, "members.add_organisation", name=name, **organisation)
    assert error(result) in {"contract.rejected name", "call.bad_arguments"}
    for member in (f"admin@{name}", f"{name}@bank-a"):
        given = {"id": member, "kind": "person", "roles": [], "custodial": False, **key}
        taken = stage.call("admin@bank-a", "members.add_member", **given)
        assert not taken.final
    role = stage.call(ALL, "members.declare_role", name=name, given="chain")
    if name != "bank_a":  # a role may have an underscore: it stands for the hyphen there
        assert error(role) in {"contract.rejected name", "call.bad_arguments"}
    # Space around words is none of theirs, and a role may have an underscore.
    texts = (f"org:{name}", f"2 of bank-b,{name}", f"role:{name}")
    for policy in texts if name == name.strip() else ():
        if policy == "role:bank_a":
            continue
        result = stage.call(ALL, "policies.set", target="vault.open", policy=policy)
        assert not result.final, policy
    target = stage.call(ALL, "policies.set", target=f"{name}.open", policy="role:admin")
    if name != "bank_a":
        assert not target.final


def test_letters_of_ascii_that_look_alike_are_told_apart_by_who_agrees(stage: Stage) -> None:
    """`bank-1` and `bank-l` may both be: what keeps them apart is that most organisations agree."""
    for name in ("bank-1", "bank-l"):
        admin = f"admin@{name}"
        new = Identity(admin, identity(admin).seed, development=True)
        given = {"name": name, "title": "", "uscc": "", "lei": "", "admin": admin, **NO_NODE}
        key = {"public": new.public, "possession": proof(admin, new)}
        assert stage.call(THREE, "members.add_organisation", **given, **key).final


# --- policy text at its limits -------------------------------------------------------------------

DEEP = "(" * 8 + "role:admin" + ")" * 8
TEXTS = {
    "as long as may be": ("role:admin or ".ljust(1_024 - 10) + "role:admin", ""),
    "too long": ("role:admin or ".ljust(1_025 - 10) + "role:admin", "malformed"),
    "as deep as may be": (DEEP, ""),
    "too deep": (f"({DEEP})", "malformed"),
    "many parts": (" or ".join(["ANY"] * 146), ""),
    "the largest number": ("1000000", "never_met"),
    "a larger number": ("1000001", "malformed"),
    "a huge number": ("9" * 1_000, "malformed"),
    "of them all, and more": ("5", "never_met"),
    "nothing of nothing": ("0/0", "malformed"),
    "part of nothing": ("1/0", "malformed"),
    "nothing of one": ("0/1", "malformed"),
    "more than the whole": ("3/2", "malformed"),
    "the whole": ("1000000/1000000", ""),
    "a small part": ("1/1000000", ""),
    "zero": ("0", "malformed"),
    "a sign": ("+1", "malformed"),
    "less than nothing": ("-1", "malformed"),
    "a leading zero": ("01", "malformed"),
    "digits of another script": ("\u0662", "malformed"),
    "a fraction in one letter": ("\u00bd", "malformed"),
    "no text": ("", "malformed"),
    "space only": (" \t\n", "malformed"),
    "an unclosed parenthesis": ("(ANY", "malformed"),
    "a loose parenthesis": ("ANY)", "malformed"),
    "a joining word at the end": ("ANY and", "malformed"),
    "space of another script": ("ANY\u00a0or ANY", "malformed"),
    "a vertical tab": ("ANY\x0bor ANY", "malformed"),
    "more of fewer": ("3 of bank-a,bank-b", "malformed"),
    "one twice": ("2 of bank-a,bank-a", "malformed"),
    "who is not here": ("org:mill", "never_met"),
    "a role that is not in the catalogue": ("role:king", "never_met"),
    "a role that nobody has yet": ("role:auditor", ""),
    "one way is enough": ("role:king or role:admin", ""),
    "closed on purpose": ("FORBIDDEN", ""),
    "closed in other words": ("FORBIDDEN and ANY", "never_met"),
    "closed by what is missing": ("FORBIDDEN or role:king", "never_met"),
    "through a contract only": ("via:desk and role:clerk", ""),
    "through any contract": ("via:ANY", ""),
    "through a contract, and a role that is none": ("via:desk and role:king", "never_met"),
}


@pytest.mark.parametrize(("text", "reason"), TEXTS.values(), ids=TEXTS)
def test_policies_at_their_limits(stage: Stage, text: str, reason: str) -> None:
    result = stage.call(ALL, "policies.set", target="vault.peek", policy=text)
    assert error(result) == (f"contract.rejected {reason}" if reason else "")
    # A genesis takes the same ones.
    with suppress(_native.NativeError) if reason else nullcontext():
        Stage(ContractSource("vault", "vault.py", VAULT), policies={"vault.peek": text})
        assert not reason


def test_who_is_missing_is_named(stage: Stage) -> None:
    result = stage.call(ALL, "policies.set", target="vault.open", policy="role:king and org:mill")
    assert result.error is not None
    assert result.error.message == (
        "nobody could call vault.open any more, missing: a member with the role king and "
        "1 organisations, and only 0 of those that count are members; "
        "FORBIDDEN alone closes it on purpose"
    )


# --- keys ----------------------------------------------------------------------------------------


def key_of(member: str, number: int) -> dict[str, object]:
    key = identity(member, number)
    return {"public": key.public, "custodial": False, "possession": proof(member, key)}


def stolen(member: str, owner: str, number: int = 0) -> dict[str, object]:
    """Another's public key, with a proof by its own holder for this member."""
    key = identity(owner, number)
    own = Identity(member, key.seed, development=True)
    return {"public": key.public, "custodial": False, "possession": proof(member, own)}


def test_one_key_belongs_to_one_member_for_ever(stage: Stage) -> None:
    known = "contract.rejected key_known"
    # A key of the genesis, later.
    add = ("members.add_key", {"member": "clerk@grid", **stolen("clerk@grid", "clerk@bank-a")})
    assert error(stage.call("admin@grid", add[0], **add[1])) == known
    own = {"member": "clerk@grid", **key_of("clerk@grid", 0)}
    assert error(stage.call("clerk@grid", "members.add_key", **own)) == known
    # A new one of two members.
    stage.call("clerk@grid", "members.add_key", member="clerk@grid", **key_of("clerk@grid", 1))
    twice = {"member": "clerk@bank-a", **stolen("clerk@bank-a", "clerk@grid", 1)}
    assert error(stage.call("clerk@bank-a", "members.add_key", **twice)) == known
    # After its key was taken from the first one, or the first one was removed.
    first = bytes(identity("clerk@grid", 1).key_id)
    stage.call("clerk@grid", "members.revoke_key", member="clerk@grid", key=first).checked()
    assert error(stage.call("clerk@bank-a", "members.add_key", **twice)) == known
    stage.call("admin@grid", "members.remove_member", id="clerk@grid", reason="").checked()
    assert error(stage.call("clerk@bank-a", "members.add_key", **twice)) == known
    # For a new organisation, too; and one key for its admin and its node.
    given = {"name": "mill", "title": "", "uscc": "", "lei": "", "admin": "admin@mill"}
    old = stolen("admin@mill", "admin@grid")
    fields = {"public": old["public"], "possession": old["possession"]}
    result = stage.call(THREE, "members.add_organisation", **given, **fields, **NO_NODE)
    assert error(result) == known
    new = stolen("admin@mill", "admin@mill")
    fields = {"public": new["public"], "possession": new["possession"]}
    same = stolen("node-1@mill", "admin@mill")
    node = {
        "node": "node-1@mill",
        "node_public": same["public"],
        "node_possession": same["possession"],
    }
    result = stage.call(THREE, "members.add_organisation", **given, **fields, **node)
    assert error(result) == known
    assert stage.view("members.organisation", name="mill") is None


def test_one_key_for_two_in_one_block(stage: Stage) -> None:
    first = stage.signed(
        "clerk@grid", "members.add_key", member="clerk@grid", **key_of("clerk@grid", 1)
    )
    theirs = {"member": "clerk@bank-a", **stolen("clerk@bank-a", "clerk@grid", 1)}
    second = stage.signed("clerk@bank-a", "members.add_key", **theirs)
    results = stage.ledger.submit([first, second]).wait()
    assert len({result.height for result in results}) == 1
    assert sorted(map(error, results)) == ["", "contract.rejected key_known"]


def raise_of(genesis: Genesis) -> None:
    with native_errors():
        _native.Engine.create(None, genesis.encoded)


def test_nobody_begins_with_the_key_of_another() -> None:
    key = identity("clerk@bank-a")
    people = [
        MemberSpec("clerk@bank-a", key),
        MemberSpec("clerk@bank-b", Identity("clerk@bank-b", key.seed, development=True)),
    ]
    genesis = Genesis.create(
        chain=CHAIN,
        organisations=["bank-a", "bank-b"],
        members=people,
        sealer=identity("sequencer@bank-a"),
        time_ms=START,
        contracts=contracts(),
    )
    with pytest.raises(LianhengError) as caught:
        raise_of(genesis)
    assert caught.value.code.startswith("genesis.")


def test_a_proof_of_possession_is_for_one_member_of_one_chain(stage: Stage) -> None:
    key = identity("clerk@grid", 1)
    for possession in (
        proof("clerk@bank-a", key),
        b"",
        bytes(64),
        proof("clerk@grid", identity("x@y")),
    ):
        given = {"member": "clerk@grid", "public": key.public, "custodial": False}
        result = stage.call("clerk@grid", "members.add_key", **given, possession=possession)
        assert error(result) == "contract.rejected possession"
