"""What was in force at a height: policies through upgrades, rules and freezes; what shows it."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.system.stage import ORGANISATIONS, Stage
from tests.system.test_policies import texts

from lianheng.contract.policies import canonical
from lianheng.model import ContractSource, InvalidValue, NotFound
from lianheng.system.rights import ALONE, ITSELF, OTHERS, Rights, parts_of

SHED = """
from lianheng.contract import Contract, call


class Shed(Contract):
    @call(by="role:clerk")
    def open(self, id: str) -> None:
        pass

    @call(by="SELF or SELF role:admin")
    def leave(self, member: str) -> None:
        pass
"""
EVERYBODY = [f"admin@{name}" for name in ORGANISATIONS]


@pytest.fixture
def stage() -> Stage:
    return Stage(ContractSource("shed", "shed.py", SHED))


def test_each_policy_holds_where_it_held(stage: Stage) -> None:
    source = SHED.replace("role:clerk", "role:operator")
    upgraded = stage.call(
        EVERYBODY, "contracts.upgrade", name="shed", file="shed.py", source=source
    ).checked()
    rule = {"target": "shed.open", "policy": "org:grid"}
    stage.call(EVERYBODY, "policies.set", **rule).checked()
    stage.call(EVERYBODY, "policies.reset", target="shed.open").checked()
    stage.call(EVERYBODY, "contracts.freeze", name="shed").checked()
    assert upgraded.height == 1
    told = {}
    for height in range(6):
        found = Rights(stage.ledger, height).rule("shed", "open")
        told[height] = (found.policy, found.by_chain, found.status)
    assert told == {
        0: ("role:clerk", False, "active"),
        1: ("role:operator", False, "active"),  # an upgrade holds in its own block
        2: ("role:operator", False, "active"),
        3: ("org:grid", True, "active"),  # a rule from the next one on
        4: ("role:operator", False, "frozen"),
        5: ("role:operator", False, "frozen"),
    }
    frozen = Rights(stage.ledger)
    assert frozen.who(frozen.rule("shed", "open"), {}) == []


def test_facts_are_the_version_and_the_next(stage: Stage) -> None:
    rule = {"target": "shed.open", "policy": "org:grid"}
    before = Rights(stage.ledger).rule("shed", "open").facts
    assert [(f.name, f.value is None) for f in before] == [
        ("contracts.versions shed 0", False),
        ("contracts.versions shed 1", True),
        ("policies.rules shed.open 0", True),
    ]
    stage.call(EVERYBODY, "policies.set", **rule).checked()
    old = Rights(stage.ledger, 1).rule("shed", "open")
    assert old.facts[-1].value["since"] == 2  # it is there, and was not in force yet
    new = Rights(stage.ledger, 2).rule("shed", "open")
    assert [(f.key[1], f.value is None) for f in new.facts[2:]] == [(0, False), (1, True)]
    for fact in (*old.facts, *new.facts):
        value = stage.ledger.table(fact.contract, fact.table).get(*fact.key)
        assert value == fact.value


def test_who_could_call(stage: Stage) -> None:
    stage.call("admin@grid", "members.give_role", id="clerk@grid", role="clerk").checked()
    rights = Rights(stage.ledger)
    by_role = rights.who(rights.rule("shed", "open"), {})
    assert [(r.person.member, r.how) for r in by_role] == [("clerk@grid", ALONE)]
    leave = rights.rule("shed", "leave")
    assert {r.how for r in rights.who(leave, {})} == {ITSELF}
    about = rights.who(leave, {"member": "clerk@grid"})
    assert [r.person.member for r in about] == ["admin@grid", "clerk@grid"]
    most = rights.who(rights.rule("members", "appoint"), {})
    assert {(r.person.member, r.how) for r in most} == {(name, OTHERS) for name in EVERYBODY}
    assert rights.who(rights.rule("members", "leave"), {"name": "nobody"}) == []


def test_what_cannot_be_known_is_refused(stage: Stage) -> None:
    for height in (-1, 2):
        with pytest.raises(InvalidValue) as caught:
            Rights(stage.ledger, height)
        assert caught.value.code == "height.unknown"
    rights = Rights(stage.ledger)
    for contract, method in (("nothing", "x"), ("shed", "x"), ("contracts", "x")):
        with pytest.raises(NotFound):
            rights.rule(contract, method)
    with pytest.raises(NotFound):
        rights.person("nobody@grid")


@pytest.mark.parametrize(
    ("policy", "parts"),
    [
        ("role:bank", [("bank", (), False)]),
        ("2 role:bank of acme,blue or SELF", [("bank", ("acme", "blue"), False), ("", (), True)]),
        ("via:shop or (org:acme and MAJORITY)", [("", ("acme",), False), ("", (), False)]),
        ("FORBIDDEN", []),
        ("SELF role:admin", [("admin", (), True)]),
    ],
)
def test_parts_that_count_members(
    policy: str, parts: list[tuple[str, tuple[str, ...], bool]]
) -> None:
    assert [tuple(part) for part in parts_of(policy)] == parts


@cache
def crowd() -> Rights:
    """A chain of members with all roles, in organisations that policies name and others."""
    people = {
        f"{name}@{organisation}": roles
        for organisation in ("acme", "bank-a", "bank-b", "mill")
        for name, roles in {
            "ann": ["admin"], "bob": ["bank", "operator"], "cat": [], "dan": ["operator"]
        }.items()
    }  # fmt: skip
    return Rights(Stage(ContractSource("shed", "shed.py", SHED), people=people).ledger)


def is_policy(text: str) -> bool:
    try:
        return bool(canonical(text))
    except ValueError:
        return False


good = texts.filter(is_policy)
subjects = st.one_of(st.none(), st.sampled_from(["ann@acme", "mill", "cat@bank-a", "nobody@grid"]))


@settings(max_examples=150, deadline=None)
@given(good, subjects)
def test_who_is_judged_as_each_member_would_be(policy: str, subject: str | None) -> None:
    rights = crowd()
    rule = rights.rule("shed", "leave")._replace(policy=policy)
    arguments = {} if subject is None else {"member": subject}
    found = {right.person.member: right.how for right in rights.who(rule, arguments)}
    for person in rights.people:
        alone = not rights.lacks_with(rule, [person], subject)
        own = (person.member, person.organisation) if subject is None else ()
        itself = any(not rights.lacks_with(rule, [person], each) for each in own)
        wanted = ALONE if alone else ITSELF if itself else OTHERS
        assert found.get(person.member, OTHERS) == wanted, person


@settings(max_examples=150, deadline=None)
@given(good, subjects, st.sampled_from([["ann@acme"], ["cat@mill", "ann@bank-a"], ["bob@bank-b"]]))
def test_helpers_are_those_who_change_what_is_missing(
    policy: str, subject: str | None, signers: list[str]
) -> None:
    rights = crowd()
    rule = rights.rule("shed", "leave")._replace(policy=policy)
    told = rights.explain(rule, signers, {} if subject is None else {"member": subject})
    people = [rights.person(name) for name in signers]
    assert told.lacks == rights.lacks_with(rule, people, subject)
    wanted = {
        person.member
        for person in rights.people
        if told.lacks
        and person.member not in signers
        and rights.lacks_with(rule, [*people, person], subject) != told.lacks
    }
    assert {person.member for person in told.helpers} == wanted
