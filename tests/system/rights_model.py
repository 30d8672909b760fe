"""A small model of rights: what the system's contracts must do, written without looking at them.

Policies are Python functions here, members are sets. A call ends as `dropped` (somebody who signed
is not in force), `denied` (the policy is not met), `rejected` (the rules of membership) or `final`.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ACTIVE, SUSPENDED, REMOVED = "active", "suspended", "removed"
OPEN, APPROVED, DONE = "open", "approved", "done"
WITHDRAWN, OVER, EXPIRED = "withdrawn", "rejected", "expired"
Arguments = Mapping[str, Any]


@dataclass
class Person:
    """A member."""

    organisation: str
    status: str
    roles: set[str]
    keys: set[int]


@dataclass(frozen=True)
class Signing:
    """Who agrees, as a policy sees it."""

    member: str
    organisation: str
    roles: frozenset[str]


@dataclass
class Case:
    """What a policy is asked."""

    signers: Sequence[Signing]
    seats: set[str]
    subject: str | None

    def organisations(self, role: str, of: Iterable[str] = ()) -> set[str]:
        """Whose members with this role signed."""
        listed = set(of)
        found = {s.organisation for s in self.signers if role in s.roles or not role}
        return found & listed if listed else found

    def itself(self, role: str = "") -> bool:
        """Whether whom the first argument names signed, or somebody of theirs with the role."""
        if self.subject is None:
            return False
        organisation = self.subject.rpartition("@")[2]
        if role:
            return any(s.organisation == organisation and role in s.roles for s in self.signers)
        if "@" in self.subject:
            return any(s.member == self.subject for s in self.signers)
        return any(s.organisation == organisation for s in self.signers)

    def most(self, role: str) -> bool:
        """More than half of the organisations in force."""
        return 2 * len(self.organisations(role)) > len(self.seats)


def two_of_three(case: Case) -> bool:
    named = {"bank-a", "bank-b", "grid"}
    counting = len(named & case.seats)
    return 3 * len(case.organisations("admin", named)) >= max(2 * counting, 1)


POLICIES: Mapping[str, Callable[[Case], bool]] = {
    "ANY": lambda case: bool(case.signers),
    "FORBIDDEN": lambda _: False,
    "role:admin": lambda case: bool(case.organisations("admin")),
    "role:auditor": lambda case: bool(case.organisations("auditor")),
    "2 role:operator": lambda case: len(case.organisations("operator")) >= 2,
    "MAJORITY role:admin": lambda case: case.most("admin"),
    "ALL role:admin": lambda case: len(case.organisations("admin")) >= max(len(case.seats), 1),
    "2/3 role:admin of bank-a,bank-b,grid": two_of_three,
    "org:bank-a and role:auditor": lambda case: (
        bool(case.organisations("", ["bank-a"])) and bool(case.organisations("auditor"))
    ),
    "SELF role:admin": lambda case: case.itself("admin"),
    "SELF or SELF role:admin": lambda case: case.itself() or case.itself("admin"),
    "SELF role:admin or MAJORITY role:admin": lambda case: (
        case.itself("admin") or case.most("admin")
    ),
}
MOST, OWN_ADMIN = "MAJORITY role:admin", "SELF role:admin"
OWN: Mapping[str, str] = {
    "members.add_organisation": MOST,
    "members.suspend_organisation": MOST,
    "members.reinstate_organisation": MOST,
    "members.remove_organisation": MOST,
    "members.leave": OWN_ADMIN,
    "members.add_member": OWN_ADMIN,
    "members.give_role": OWN_ADMIN,
    "members.appoint": MOST,
    "members.take_role": "SELF role:admin or MAJORITY role:admin",
    "members.suspend_member": OWN_ADMIN,
    "members.reinstate_member": OWN_ADMIN,
    "members.remove_member": OWN_ADMIN,
    "members.add_validator": MOST,
    "members.remove_validator": "SELF role:admin or MAJORITY role:admin",
    "members.add_key": "SELF or SELF role:admin",
    "members.rotate_key": "SELF or SELF role:admin",
    "members.revoke_key": "SELF or SELF role:admin",
    "members.declare_role": MOST,
    "policies.set": MOST,
    "policies.reset": MOST,
    "governance.propose": "ANY",
    "governance.approve": "ANY",
    "governance.reject": "ANY",
    "governance.withdraw": "ANY",
    "governance.settle": "ANY",
}
FIRST: Mapping[str, str] = {
    **dict.fromkeys(("members.add_organisation", "members.leave"), "name"),
    **{f"members.{verb}_organisation": "name" for verb in ("suspend", "reinstate", "remove")},
    **{f"members.{verb}_member": "id" for verb in ("add", "suspend", "reinstate", "remove")},
    **dict.fromkeys(("members.give_role", "members.appoint", "members.take_role"), "id"),
    **{f"members.{verb}_validator": "id" for verb in ("add", "remove")},
    **{f"members.{verb}_key": "member" for verb in ("add", "rotate", "revoke")},
    "members.declare_role": "name",
    "policies.set": "target",
    "policies.reset": "target",
}
"""Which argument comes first, where it is a text."""


@dataclass
class Motion:
    """A proposal."""

    target: str
    arguments: Arguments
    proposer: str
    expires: int
    status: str = OPEN
    votes: dict[str, bool] = field(default_factory=dict)

    def voters(self, agree: bool) -> list[str]:
        """Who said so."""
        return [member for member, said in self.votes.items() if said == agree]


@dataclass
class Model:
    """Organisations, members, the catalogue of roles, rules and proposals."""

    organisations: dict[str, str]
    people: dict[str, Person]
    catalogue: dict[str, str]
    rules: dict[str, str] = field(default_factory=dict)
    motions: dict[int, Motion] = field(default_factory=dict)
    used: set[tuple[str, int]] = field(default_factory=set)
    nodes: set[str] = field(default_factory=set)
    voters: set[str] = field(default_factory=set)

    @property
    def seats(self) -> set[str]:
        """Organisations in force."""
        return {name for name, status in self.organisations.items() if status == ACTIVE}

    def in_force(self, member: str) -> bool:
        """Whether a member may sign at all."""
        found = self.people.get(member)
        return found is not None and found.status == ACTIVE and found.organisation in self.seats

    def admins(self, organisation: str) -> set[str]:
        """Members with the role admin who are not suspended themselves."""
        return {
            member
            for member, one in self.people.items()
            if one.organisation == organisation and one.status == ACTIVE and "admin" in one.roles
        }

    def rights(self) -> dict[str, frozenset[str]]:
        """What matters: who is in force with which roles."""
        return {m: frozenset(p.roles) for m, p in self.people.items() if self.in_force(m)}

    def signing(self, members: Iterable[str]) -> list[Signing]:
        """Those of them who are in force."""
        found = [(member, self.people[member]) for member in members if self.in_force(member)]
        return [Signing(m, p.organisation, frozenset(p.roles)) for m, p in found]

    def met(self, target: str, arguments: Arguments, members: Iterable[str]) -> bool:
        """Whether these meet the policy in force."""
        policy = self.rules.get(target) or OWN[target]
        subject = arguments[FIRST[target]] if target in FIRST else None
        return POLICIES[policy](Case(self.signing(members), self.seats, subject))

    # --- calls -----------------------------------------------------------------------------------

    def call(
        self, signers: Sequence[tuple[str, int]], target: str, arguments: Arguments, now: int
    ) -> str:
        """How a call ends. `signers` are members and which of their keys."""
        for member, key in signers:
            if not self.in_force(member) or key not in self.people[member].keys:
                return "dropped"
        members = [member for member, _ in signers]
        if not self.met(target, arguments, members):
            return "denied"
        contract, _, method = target.partition(".")
        if contract == "governance":
            done = self.govern(method, arguments, members[0], now)
        else:
            done = self.act(method, arguments)
        return "final" if done else "rejected"

    def act(self, method: str, arguments: Arguments) -> bool:
        """Do it, where the rules of membership allow it."""
        named = {"who" if name == "id" else name: value for name, value in arguments.items()}
        return bool(getattr(self, method)(**named))

    def due(self, number: int) -> str:
        """How the run of a proposal ends."""
        motion = self.motions[number]
        members = motion.voters(agree=True)
        if not self.met(motion.target, motion.arguments, members):
            return "denied"
        if not self.act(motion.target.partition(".")[2], motion.arguments):
            return "rejected"
        motion.status = DONE
        return "final"

    def expire(self, now: int) -> None:
        """Time went on."""
        for motion in self.motions.values():
            if motion.status in {OPEN, APPROVED} and motion.expires <= now:
                motion.status = EXPIRED

    # --- organisations ---------------------------------------------------------------------------

    def add_organisation(self, name: str, admin: str, key: int, proved: bool) -> bool:
        if name in self.organisations or admin.partition("@")[2] != name:
            return False
        if admin in self.people or (admin, key) in self.used or not proved:
            return False
        self.organisations[name] = ACTIVE
        self.people[admin] = Person(name, ACTIVE, {"admin"}, {key})
        self.used.add((admin, key))
        return True

    def suspend_organisation(self, name: str) -> bool:
        if self.organisations.get(name) != ACTIVE or self.seats == {name}:
            return False
        if not self.let_go({one for one in self.voters if one.endswith(f"@{name}")}):
            return False
        self.organisations[name] = SUSPENDED
        return True

    def reinstate_organisation(self, name: str) -> bool:
        if self.organisations.get(name) != SUSPENDED or not self.admins(name):
            return False
        self.organisations[name] = ACTIVE
        return True

    def remove_organisation(self, name: str) -> bool:
        if self.organisations.get(name) not in {ACTIVE, SUSPENDED} or self.seats == {name}:
            return False
        if not self.let_go({one for one in self.voters if one.endswith(f"@{name}")}):
            return False
        self.organisations[name] = REMOVED
        return True

    leave = remove_organisation

    # --- members ---------------------------------------------------------------------------------

    def add_member(self, who: str, roles: Sequence[str], key: int, proved: bool) -> bool:
        organisation = who.partition("@")[2]
        if organisation not in self.seats or who in self.people:
            return False
        if any(self.catalogue.get(role) != "organisation" for role in roles):
            return False
        if len(set(roles)) < len(roles) or (who, key) in self.used or not proved:
            return False
        self.people[who] = Person(organisation, ACTIVE, set(roles), {key})
        self.used.add((who, key))
        return True

    def give_role(self, who: str, role: str) -> bool:
        return self.catalogue.get(role) == "organisation" and self.appoint(who, role)

    def appoint(self, who: str, role: str) -> bool:
        one = self.people.get(who)
        if one is None or one.status == REMOVED or role not in self.catalogue or role in one.roles:
            return False
        one.roles.add(role)
        return True

    def is_needed(self, who: str) -> bool:
        """Whether an organisation in force would be left without an admin."""
        organisation = self.people[who].organisation
        return organisation in self.seats and self.admins(organisation) == {who}

    def take_role(self, who: str, role: str) -> bool:
        one = self.people.get(who)
        if one is None or one.status == REMOVED or role not in one.roles:
            return False
        if role == "admin" and self.is_needed(who):
            return False
        one.roles.discard(role)
        return True

    def suspend_member(self, who: str) -> bool:
        one = self.people.get(who)
        if one is None or one.status != ACTIVE or self.is_needed(who):
            return False
        if not self.let_go({who}):
            return False
        one.status = SUSPENDED
        return True

    def reinstate_member(self, who: str) -> bool:
        one = self.people.get(who)
        if one is None or one.status != SUSPENDED:
            return False
        one.status = ACTIVE
        return True

    def remove_member(self, who: str) -> bool:
        one = self.people.get(who)
        if one is None or one.status == REMOVED or self.is_needed(who):
            return False
        if not self.let_go({who}):
            return False
        one.status, one.keys = REMOVED, set()
        return True

    # --- keys ------------------------------------------------------------------------------------

    def add_key(self, member: str, key: int, proved: bool) -> bool:
        return member not in self.voters and self.take_key(member, key, proved)

    def take_key(self, member: str, key: int, proved: bool) -> bool:
        one = self.people.get(member)
        if one is None or one.status == REMOVED or (member, key) in self.used or not proved:
            return False
        one.keys.add(key)
        self.used.add((member, key))
        return True

    def rotate_key(self, member: str, old: int, key: int, proved: bool) -> bool:
        one = self.people.get(member)
        if one is None or old not in one.keys or not self.take_key(member, key, proved):
            return False
        one.keys.discard(old)
        return True

    def revoke_key(self, member: str, key: int) -> bool:
        one = self.people.get(member)
        if one is None or key not in one.keys or len(one.keys) == 1:
            return False
        one.keys.discard(key)
        return True

    # --- validators ------------------------------------------------------------------------------

    def add_validator(self, who: str) -> bool:
        one = self.people.get(who)
        if one is None or who not in self.nodes or not self.in_force(who) or who in self.voters:
            return False
        if len(one.keys) != 1:
            return False
        self.voters.add(who)
        return True

    def remove_validator(self, who: str) -> bool:
        return who in self.voters and self.let_go({who})

    def let_go(self, gone: set[str]) -> bool:
        """Whether somebody is left who votes."""
        if gone & self.voters and not self.voters - gone:
            return False
        self.voters -= gone
        return True

    # --- catalogue and policies ------------------------------------------------------------------

    def declare_role(self, name: str, given: str) -> bool:
        self.catalogue[name] = given
        return True

    def set(self, target: str, policy: str) -> bool:
        # Somebody must be left who could set policies: an organisation may have nobody but admins.
        roles = {"admin"} if target == "policies.set" else {"admin", "auditor", "operator"}
        everybody = [Signing(f"x@{name}", name, frozenset(roles)) for name in sorted(self.seats)]
        if not POLICIES[policy](Case(everybody, self.seats, everybody[0].organisation)):
            return False
        self.rules[target] = policy
        return True

    def reset(self, target: str) -> bool:
        return self.rules.pop(target, None) is not None

    # --- proposals -------------------------------------------------------------------------------

    def govern(self, method: str, arguments: Arguments, sender: str, now: int) -> bool:
        if method == "propose":
            number = len(self.motions) + 1
            target, inner = arguments["target"], arguments["arguments"]
            motion = Motion(target, inner, sender, now + arguments["lasts"])
            self.motions[number] = motion
            return self.vote(motion, sender, agrees=True)
        found = self.motions.get(arguments["number"])
        if found is None or found.status not in {OPEN, APPROVED}:
            return False
        if method == "withdraw":
            found.status = WITHDRAWN if sender == found.proposer else found.status
            return sender == found.proposer
        if method == "settle":
            return self.count(found)
        if not arguments["same"]:
            return False
        return self.vote(found, sender, agrees=method == "approve")

    def vote(self, motion: Motion, sender: str, *, agrees: bool) -> bool:
        motion.votes[sender] = agrees
        return self.count(motion)

    def count(self, motion: Motion) -> bool:
        against, agree = motion.voters(agree=False), motion.voters(agree=True)
        if self.met(motion.target, motion.arguments, against):
            motion.status = OVER
        elif self.met(motion.target, motion.arguments, agree):
            motion.status = APPROVED
        else:
            motion.status = OPEN
        return True
