"""Every call of the system's contracts by every kind of member: the verdict is told beforehand.

Who signs has one role or none, and belongs to the organisation that the call is about, to another,
is suspended, removed, of a suspended organisation, or unknown. It signs alone, or with the admins
of two other organisations. What a policy lets through is refused by the contract for a reason that
is known, so that no cell changes what the next one finds.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from tests.system.stage import NO_NODE, ORGANISATIONS, Stage, error, identity, proof

from lianheng.model import encode
from lianheng.system.rights import CONTRACTS_CALLS, Rights

ROLES = ("admin", "operator", "auditor", "clerk", "")
OWN, OTHER = "bank-a", "hospital"
FROZEN = "mill"
COSIGNERS = ("admin@bank-b", "admin@grid")
TARGET = "target@bank-a"
LONG = "x" * 2_001
OUT = ("suspended", "removed", "of a suspended organisation", "unknown")
RELATIONS = ("own", "other", *OUT)


class Line(NamedTuple):
    """A call: who may make it, and why the contract refuses these arguments then."""

    target: str
    needs: str
    refused: str
    arguments: Mapping[str, Any]


def key_of(member: str, number: int) -> dict[str, Any]:
    key = identity(member, number)
    return {"public": key.public, "possession": proof("eve@nowhere", key)}


KNOWN = bytes(identity(TARGET).key_id)
LINES = [
    Line(
        "members.add_organisation",
        "most",
        "name",
        {
            "name": "Bad",
            "title": "",
            "uscc": "",
            "lei": "",
            "admin": "a@b",
            **key_of("a@b", 0),
            **NO_NODE,
        },
    ),
    Line(
        "members.describe_organisation",
        "own admin",
        "uscc",
        {"name": OWN, "title": "", "uscc": "1", "lei": ""},
    ),
    Line("members.suspend_organisation", "most", "reason", {"name": OWN, "reason": LONG}),
    Line("members.reinstate_organisation", "most", "status", {"name": OWN}),
    Line("members.remove_organisation", "most", "reason", {"name": OWN, "reason": LONG}),
    Line("members.leave", "own admin", "reason", {"name": OWN, "reason": LONG}),
    Line(
        "members.add_member",
        "own admin",
        "kind",
        {
            "id": f"fresh@{OWN}",
            "kind": "robot",
            "roles": [],
            "custodial": False,
            **key_of(f"fresh@{OWN}", 0),
        },
    ),
    Line("members.give_role", "own admin", "role", {"id": TARGET, "role": "auditor"}),
    Line("members.appoint", "most", "role", {"id": TARGET, "role": "king"}),
    Line("members.take_role", "own admin or most", "role", {"id": TARGET, "role": "king"}),
    Line("members.suspend_member", "own admin", "reason", {"id": TARGET, "reason": LONG}),
    Line("members.reinstate_member", "own admin", "status", {"id": TARGET}),
    Line("members.remove_member", "own admin", "reason", {"id": TARGET, "reason": LONG}),
    Line(
        "members.add_key",
        "itself or own admin",
        "possession",
        {"member": TARGET, "custodial": False, **key_of(TARGET, 1)},
    ),
    Line(
        "members.rotate_key",
        "itself or own admin",
        "possession",
        {"member": TARGET, "old": KNOWN, "custodial": False, **key_of(TARGET, 1)},
    ),
    Line("members.revoke_key", "itself or own admin", "last_key", {"member": TARGET, "key": KNOWN}),
    Line("members.add_validator", "most", "kind", {"id": TARGET, "power": 1}),
    Line(
        "members.remove_validator",
        "own admin or most",
        "unknown",
        {"id": TARGET, "reason": ""},
    ),
    Line("members.declare_role", "most", "role", {"name": "clerk", "given": "nobody"}),
    Line("policies.set", "most", "malformed", {"target": "shop.buy", "policy": "role:"}),
    Line("policies.reset", "most", "unknown", {"target": "shop.buy"}),
    Line(
        "governance.propose",
        "anybody",
        "note",
        {
            "contract": "members",
            "method": "leave",
            "arguments": encode({}),
            "lasts": 1,
            "gas": 1,
            "note": LONG,
        },
    ),
    Line("governance.approve", "anybody", "unknown", {"number": 9, "digest": b""}),
    Line("governance.reject", "anybody", "unknown", {"number": 9, "digest": b"", "reason": ""}),
    Line("governance.withdraw", "anybody", "unknown", {"number": 9}),
    Line("governance.settle", "anybody", "unknown", {"number": 9}),
    Line("governance.close", "most", "reason", {"reason": ""}),
    Line("shares.set_weight", "most", "weight", {"organisation": OWN, "weight": 0}),
    Line("shares.set_storage", "most", "bytes", {"organisation": OWN, "limit": -1}),
    Line("shares.set_block", "most", "size", {"name": "block_gas", "value": 0}),
    Line("contracts.deploy", "most", "", {"name": "members", "file": "m.py", "source": ""}),
    Line("contracts.upgrade", "most", "", {"name": "nothing", "file": "m.py", "source": ""}),
    Line("contracts.freeze", "most", "", {"name": "members"}),
    Line("contracts.thaw", "most", "", {"name": "nothing"}),
    Line("contracts.retire", "most", "", {"name": "members"}),
]
CODES = {
    "contracts.deploy": "contract.reserved",
    "contracts.upgrade": "call.unknown_contract",
    "contracts.freeze": "contract.reserved",
    "contracts.thaw": "call.unknown_contract",
    "contracts.retire": "contract.reserved",
}


def name_of(role: str, relation: str) -> str:
    name = role or "plain"
    return {
        "own": f"{name}@{OWN}",
        "other": f"{name}@{OTHER}",
        "suspended": f"s-{name}@{OWN}",
        "removed": f"r-{name}@{OWN}",
        "of a suspended organisation": f"{name}@{FROZEN}",
        "unknown": f"u-{name}@{OWN}",
    }[relation]


def meets(line: Line, role: str, relation: str, *, together: bool) -> bool:
    """Whether the policy lets the signers through: the table of the design, as a program."""
    admin = role == "admin"
    own_admin = admin and relation == "own"
    # Four organisations are in force: three are most, and two admins of others sign along.
    most = together and admin
    return {
        "most": most,
        "own admin": own_admin,
        "own admin or most": own_admin or most,
        "itself or own admin": own_admin,
        "anybody": True,
    }[line.needs]


def expected(line: Line, role: str, relation: str, *, together: bool) -> str:
    if relation in OUT:
        return "dropped.unknown_key"
    if not meets(line, role, relation, together=together):
        return "policy.denied"
    return CODES.get(line.target) or f"contract.rejected {line.refused}"


@pytest.fixture(scope="module")
def stage() -> Stage:
    people: dict[str, list[str]] = {TARGET: [], f"admin@{FROZEN}": ["admin"]}
    for relation in RELATIONS[:-1]:
        people |= {name_of(role, relation): [role] if role else [] for role in ROLES}
    made = Stage(people=people)
    for role in ROLES:
        made.keys[name_of(role, "unknown")] = identity(name_of(role, "unknown"))
        for verb, relation in (("suspend", "suspended"), ("remove", "removed")):
            who = name_of(role, relation)
            made.call("admin@bank-a", f"members.{verb}_member", id=who, reason="").checked()
    three = [f"admin@{name}" for name in ORGANISATIONS[:3]]
    made.call(three, "members.suspend_organisation", name=FROZEN, reason="").checked()
    return made


def test_no_call_is_left_out(stage: Stage) -> None:
    rights = Rights(stage.ledger)
    names = {rule.target for name in rights.contracts() for rule in rights.rules(name)}
    assert names == {line.target for line in LINES}
    assert {f"contracts.{name}" for name in CONTRACTS_CALLS} < names


def cells() -> Iterator[tuple[str, str, bool]]:
    for role in ROLES:
        for relation in RELATIONS:
            for together in (False, True):
                yield role, relation, together


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.target)
def test_each_call_by_everybody(stage: Stage, line: Line) -> None:
    before = stage.ledger.table("members", "members").scan(limit=1_000).values
    wrong = []
    for role, relation, together in cells():
        who = name_of(role, relation)
        signers = [who, *(name for name in COSIGNERS if together)]
        result = stage.call(signers, line.target, **line.arguments)
        wanted = expected(line, role, relation, together=together)
        if error(result) != wanted:
            wrong.append(f"{' + '.join(signers)}: {error(result) or 'final'}, not {wanted}")
    assert not wrong, "\n".join(wrong)
    assert stage.ledger.table("members", "members").scan(limit=1_000).values == before


def test_members_do_for_themselves_what_they_may(stage: Stage) -> None:
    for line in LINES:
        wanted = "policy.denied"
        if line.needs in {"anybody", "itself or own admin"}:
            wanted = f"contract.rejected {line.refused}"
        assert error(stage.call(TARGET, line.target, **line.arguments)) == wanted, line.target


@pytest.mark.parametrize("line", LINES, ids=lambda line: line.target)
def test_an_explanation_is_the_sentence_of_the_refusal(stage: Stage, line: Line) -> None:
    rights = Rights(stage.ledger)
    rule = rights.rule(*line.target.split("."))
    for role in ROLES:
        for relation in ("own", "other"):
            for others in ((), COSIGNERS):
                signers = [name_of(role, relation), *others]
                told = rights.explain(rule, signers, line.arguments)
                result = stage.call(signers, line.target, **line.arguments)
                denied = error(result) == "policy.denied"
                assert told.sentence == (result.error.message if denied and result.error else "")
                for helper in told.helpers[:3]:
                    more = rights.explain(rule, [*signers, helper.member], line.arguments)
                    assert more.lacks != told.lacks
