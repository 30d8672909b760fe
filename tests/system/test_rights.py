"""No sequence of calls gives anybody a right that no policy met: the chain against a small model.

`LIANHENG_RIGHTS_SEQUENCES=10000 pytest tests/system/test_rights.py` plays more; a failure names the
seed, and `LIANHENG_RIGHTS_SEED` begins with that one.
"""

import os
import random
from collections.abc import Mapping, Sequence
from typing import Any

from tests.system.rights_model import APPROVED, OPEN, OWN, POLICIES, Model, Person
from tests.system.stage import DAY, NO_NODE, ORGANISATIONS, Stage, error, identity, proof

from lianheng.model import Result, encode
from lianheng.system.rights import Rights

SEQUENCES = int(os.environ.get("LIANHENG_RIGHTS_SEQUENCES", "300"))
FIRST_SEED = int(os.environ.get("LIANHENG_RIGHTS_SEED", "1"))
STEPS = 40
ROLES = ("admin", "operator", "auditor", "clerk")
EXTRA = ("mill", "port")
VOTING = ("bank-a", "grid")
PROPOSABLE = [target for target in OWN if not target.startswith("governance.")]


class Story:
    """One sequence on one chain, and what the model says of it."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - repeatable stories, no secrets
        # Half of the stories are about one organisation, half about a few calls: they go deeper.
        self.focus = self.random.choice([*ORGANISATIONS, *[None] * len(ORGANISATIONS)])
        few = self.random.random() < 0.5
        self.targets = self.random.sample(PROPOSABLE, 6) if few else PROPOSABLE
        nodes = {f"node@{organisation}": organisation in VOTING for organisation in ORGANISATIONS}
        self.stage = Stage(nodes=nodes)
        self.model = Model(
            dict.fromkeys(ORGANISATIONS, "active"),
            {
                member: Person(member.partition("@")[2], "active", roles, {0})
                for organisation in ORGANISATIONS
                for member, roles in (
                    (f"admin@{organisation}", {"admin"}),
                    (f"clerk@{organisation}", set[str]()),
                    (f"node@{organisation}", set[str]()),
                )
            },
            {
                "admin": "organisation",
                "operator": "organisation",
                "auditor": "chain",
                "clerk": "organisation",
            },
            used={(f"{n}@{o}", 0) for o in ORGANISATIONS for n in ("admin", "clerk", "node")},
            nodes=set(nodes),
            voters={node for node, votes in nodes.items() if votes},
        )
        self.told: list[str] = []
        self.runs: dict[int, int] = {}  # timers to proposals
        self.past: dict[int, dict[str, frozenset[str]]] = {}

    # --- choices ---------------------------------------------------------------------------------

    def member(self) -> str:
        """Mostly one that there is, often one that is not in force."""
        way = self.random.random()
        if self.focus is not None and way > 0.4:
            own = [m for m in self.model.people if m.endswith(f"@{self.focus}")]
            return self.random.choice(own)
        out = sorted(m for m in self.model.people if not self.model.in_force(m))
        if way < 0.3 and out:
            return self.random.choice(out)
        if way < 0.85:
            return self.random.choice(sorted(self.model.people))
        names = ("admin", "clerk", "eve")
        return f"{self.random.choice(names)}@{self.organisation()}"

    def node(self) -> str:
        """Mostly a node, mostly one that votes."""
        way = self.random.random()
        if way < 0.1:
            return self.member()
        return self.random.choice(sorted(self.model.voters if way < 0.5 else self.model.nodes))

    def organisation(self) -> str:
        """Any, often one that is not in force."""
        out = sorted(set(self.model.organisations) - self.model.seats)
        if self.focus is not None and self.random.random() < 0.6:
            return self.focus
        if out and self.random.random() < 0.4:
            return self.random.choice(out)
        return self.random.choice([*self.model.organisations, *EXTRA])

    def key(self, member: str) -> int:
        """Mostly one in force."""
        one = self.model.people.get(member)
        if one is not None and one.keys and self.random.random() < 0.9:
            return self.random.choice(sorted(one.keys))
        return self.random.randrange(4)

    def signers(self, target: str, arguments: Mapping[str, Any]) -> list[tuple[str, int]]:
        """Somebody, several, all admins, or whoever the model says would do."""
        admins = [m for m, roles in self.model.rights().items() if "admin" in roles]
        way = self.random.random()
        if way < 0.25 or not admins:
            chosen = [self.member()]
        elif way < 0.4:
            chosen = [self.member() for _ in range(self.random.randint(2, 4))]
        elif way < 0.6:
            chosen = sorted(admins)[: 1 + self.random.randrange(len(admins))]
        else:
            able = [
                m for m in sorted(self.model.rights()) if self.model.met(target, arguments, [m])
            ]
            chosen = [self.random.choice(able)] if able else sorted(admins)
        return [(member, self.key(member)) for member in dict.fromkeys(chosen)]

    def arguments(self, target: str) -> dict[str, Any]:
        """Of a call, in the model's words."""
        method = target.partition(".")[2]
        proved = self.random.random() < 0.95
        if method in {"add_organisation", "add_member"}:
            return self.newcomer(method, proved=proved)
        if method.endswith("_key"):
            return self.key_arguments(method, proved=proved)
        return self.plain_arguments(method)

    def newcomer(self, method: str, *, proved: bool) -> dict[str, Any]:
        name, key = self.organisation(), self.random.randrange(3)
        if method == "add_organisation":
            admin = f"admin@{name if proved else 'grid'}"
            return {"name": name, "admin": admin, "key": key, "proved": True}
        who = self.random.choice(("admin", "clerk", "eve", "dan", "ida"))
        roles = [self.random.choice(ROLES) for _ in range(self.random.randrange(3))]
        return {"id": f"{who}@{name}", "roles": roles, "key": key, "proved": proved}

    def plain_arguments(self, method: str) -> dict[str, Any]:
        pick = self.random.choice
        if method.endswith("_organisation") or method == "leave":
            found = {"name": self.organisation()}
        elif method in {"give_role", "appoint", "take_role"}:
            found = {"id": self.member(), "role": pick(ROLES)}
        elif method.endswith("_validator"):
            found = {"id": self.node()}
        elif method.endswith("_member"):
            found = {"id": self.member() if self.random.random() < 0.8 else self.node()}
        elif method == "declare_role":
            found = {"name": pick(ROLES[1:]), "given": pick(("organisation", "chain"))}
        elif method == "reset":
            found = {"target": pick(sorted(self.model.rules) or ["members.leave"])}
        else:
            found = {"target": pick(list(OWN)), "policy": pick(list(POLICIES))}
        return found

    def key_arguments(self, method: str, *, proved: bool) -> dict[str, Any]:
        member = self.member() if self.random.random() < 0.7 else self.node()
        if method == "revoke_key":
            return {"member": member, "key": self.key(member)}
        new = {"member": member, "key": self.random.randrange(8), "proved": proved}
        return {**new, "old": self.key(member)} if method == "rotate_key" else new

    # --- steps -----------------------------------------------------------------------------------

    def step(self) -> None:
        way = self.random.random()
        open_ones = [n for n, m in self.model.motions.items() if m.status in {OPEN, APPROVED}]
        if way < 0.02:
            self.wait(self.random.choice((DAY // 2, 2 * DAY)))
            return
        if way < 0.2:
            target = "governance.propose"
            inner = self.random.choice(self.targets)
            arguments: dict[str, Any] = {
                "target": inner, "arguments": self.arguments(inner), "lasts": DAY
            }  # fmt: skip
        elif way < 0.6 and open_ones:
            weights = (8, 2, 1, 1)
            methods = ("approve", "reject", "withdraw", "settle")
            (method,) = self.random.choices(methods, weights)
            target = f"governance.{method}"
            number = self.random.choice([*open_ones, len(self.model.motions) + 1])
            arguments = {"number": number}
            if method in {"approve", "reject"}:
                arguments["same"] = self.random.random() < 0.95
        else:
            target = self.random.choice(self.targets)
            arguments = self.arguments(target)
        self.call(self.signers(target, arguments), target, arguments)
        self.wait(10)

    def call(
        self, signers: Sequence[tuple[str, int]], target: str, arguments: Mapping[str, Any]
    ) -> None:
        keys = [identity(member, key) for member, key in signers]
        self.told.append(f"{signers} {target} {arguments}")
        given = chain_arguments(self.stage, target, arguments)
        result = self.stage.call_with(keys, target, given)
        expected = self.model.call(signers, target, arguments, self.stage.now)
        self.told[-1] += f" -> {verdict(result)} {error(result)}"
        assert verdict(result) == expected, (expected, result.error)
        if target.startswith("governance.") and result.final:
            row: Any = result.value
            self.runs[row["run"]] = row["number"]
        # Refused or dropped: half of them are looked at, too.
        if result.final or self.random.random() < 0.5:
            self.compare()

    def wait(self, later: int) -> None:
        """What the chain runs by itself is what the model would let run."""
        for run in self.stage.runs(later):
            if run.method == "end":
                continue
            expected = self.model.due(self.runs[run.number])
            self.told.append(f"run {run.number} -> {verdict(run.result)} {error(run.result)}")
            assert verdict(run.result) == expected, (expected, run.result.error)
            self.compare()
        self.model.expire(self.stage.now)

    def compare(self) -> None:
        """The chain's rows and the model say the same."""
        ledger, model = self.stage.ledger, self.model
        last = {row.key[0]: row.value for row in ledger.table("members", "members")}
        assert {m: (r["status"], set(r["roles"])) for m, r in last.items()} == {
            m: (p.status, p.roles) for m, p in model.people.items()
        }
        seats = [row.key[0] for row in ledger.table("members", "seats")]
        assert seats == sorted(model.seats)
        held = {(row.key[0], bytes(row.key[1])) for row in ledger.table("members", "held")}
        assert {one for one in held if one[0] in model.people} == {
            (m, bytes(identity(m, n).key_id)) for m, p in model.people.items() for n in p.keys
        }
        rules = {row.key[0]: row.value["policy"] for row in ledger.table("policies", "rules")}
        assert {target: text for target, text in rules.items() if text} == model.rules
        motions = ledger.table("governance", "proposals")
        assert {r.key[0]: r.value["status"] for r in motions} == {
            number: motion.status for number, motion in model.motions.items()
        }
        votes = {row.key[1]: bytes(row.value["public"]) for row in ledger.table("members", "votes")}
        assert set(votes) == model.voters
        for member, public in votes.items():
            assert [bytes(identity(member, n).public) for n in model.people[member].keys] == [
                public
            ]
        assert {(m, bytes(k)) for m, k, _ in self.stage.engine.validators()} == set(votes.items())
        for name in model.seats:
            assert model.admins(name), f"{name} is in force without an admin"
        self.past[ledger.height + 1] = model.rights()

    def remember(self) -> None:
        """The rights at old heights are still told as they were."""
        heights = sorted(self.past)
        for height in self.random.sample(heights, min(4, len(heights))):
            people = Rights(self.stage.ledger, height).people
            found = {p.member: frozenset(p.roles) for p in people if p.in_force}
            assert found == self.past[height]


def verdict(result: Result) -> str:
    """In the model's words."""
    if result.error is None:
        return "final"
    words = {"policy.denied": "denied", "contract.rejected": "rejected"}
    if result.status == "dropped":
        return "dropped"
    return words.get(result.error.code, result.error.code)


def chain_arguments(stage: Stage, target: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that the contract takes, for those of the model."""
    method = target.partition(".")[2]
    if method == "propose":
        contract, _, inner = arguments["target"].partition(".")
        told = chain_arguments(stage, arguments["target"], arguments["arguments"])
        return {
            "contract": contract,
            "method": inner,
            "arguments": encode(told),
            "lasts": arguments["lasts"],
            "gas": 5_000_000,
            "note": "",
        }
    found = dict(arguments)
    if method in {"approve", "reject"}:
        row = stage.view("governance.proposal", number=arguments["number"])
        digest = b"" if row is None else bytes(row["digest"])
        found["digest"] = digest if found.pop("same") else digest[::-1]
    if method == "reject" or method.startswith(("suspend", "remove")) or method == "leave":
        found["reason"] = ""
    if "proved" in found:
        member = found.get("member") or found.get("admin") or found["id"]
        new = identity(member, found.pop("key"))
        honest = found.pop("proved")
        found |= {
            "public": new.public,
            "possession": proof(member if honest else "eve@nowhere", new),
        }
        if method != "add_organisation":
            found["custodial"] = False
    if method == "add_organisation":
        found |= {"title": "", "uscc": "", "lei": "", **NO_NODE}
    if method == "add_member":
        found["kind"] = "person"
    if method == "add_validator":
        found["power"] = 1
    for field in ("old", "key"):
        if field in found:
            found[field] = bytes(identity(found["member"], found[field]).key_id)
    return found


def play(seed: int) -> Story:
    story = Story(seed)
    try:
        for _ in range(STEPS):
            story.step()
        story.remember()
    except AssertionError as failure:
        steps = "\n".join(story.told)
        raise AssertionError(f"seed {seed}:\n{steps}\n{failure}") from failure
    return story


def test_nobody_gets_a_right_that_no_policy_met() -> None:
    ends: dict[str, int] = {}
    for seed in range(FIRST_SEED, FIRST_SEED + SEQUENCES):
        for line in play(seed).told:
            word = line.rpartition(" -> ")[2].split()[0]
            kind = ("run " if line.startswith("run ") else "call ") + word
            ends[kind] = ends.get(kind, 0) + 1
    if SEQUENCES >= 100:
        for kind in ("call dropped", "call denied", "call rejected", "call final", "run final"):
            assert ends.get(kind, 0) >= SEQUENCES // 10, ends
