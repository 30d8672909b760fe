"""Who belonged, which policy a call had, and who could make it, at any height there was.

It reads rows of the system's contracts and judges by the engine's own policy language; it decides
nothing. Each answer names the facts, rows there or absent, that show it.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

from lianheng import _native
from lianheng.contract.imports import DIGITS
from lianheng.contract.policies import Judgement, Question, denial, missing, names_in, subject_of
from lianheng.model import NotFound, Row, native_errors
from lianheng.system import policies
from lianheng.system.history import Fact, History, InForce, Tables

ACTIVE = "active"
CONTRACTS = "contracts"
CONTRACTS_POLICY = "MAJORITY role:admin"
_FILES = {"name": "str", "file": "str", "source": "str"}
CONTRACTS_CALLS: Mapping[str, Mapping[str, str]] = {
    "deploy": _FILES,
    "upgrade": _FILES,
    "freeze": {"name": "str"},
    "thaw": {"name": "str"},
    "retire": {"name": "str"},
}
"""Calls that the engine answers itself, with their parameters' types."""

_IMPORTED = re.compile(rf"lianheng\.chain\.\w+?_([0-9a-f]{{{DIGITS}}})\b")


class Person(NamedTuple):
    """A member as it was; `in_force` where its organisation was, too."""

    member: str
    organisation: str
    kind: str
    status: str
    roles: tuple[str, ...]
    since: int
    in_force: bool


class Rule(NamedTuple):
    """The policy of a call: declared by its contract, or set by the chain in its place."""

    contract: str
    method: str
    policy: str
    declared: str
    since: int
    parameters: tuple[str, ...]
    facts: tuple[Fact, ...]
    by_chain: bool = False
    status: str = ACTIVE
    """Of its contract: nobody calls one that is frozen or retired."""

    @property
    def target(self) -> str:
        """`contract.method`."""
        return f"{self.contract}.{self.method}"


class Explanation(NamedTuple):
    """What a call lacks (empty: nothing), the sentence of its refusal, and who could give it."""

    rule: Rule
    lacks: str
    sentence: str
    helpers: tuple[Person, ...]


class Right(NamedTuple):
    """A member who could take part in a call: `alone`, for `itself`, or with `others`."""

    person: Person
    how: str


ALONE, ITSELF, OTHERS = "alone", "itself", "others"


class Part(NamedTuple):
    """A part of a policy that counts members: their role, or any (""); of these, or all."""

    role: str
    of: tuple[str, ...]
    itself: bool

    def counts(self, person: Person, subject: str | None) -> bool:
        """Whether the member's word is one that this part counts, in a call about `subject`."""
        if self.role and self.role not in person.roles:
            return False
        if self.itself and subject is not None:
            own = person.organisation == subject.rpartition("@")[2]
            return own and (bool(self.role) or "@" not in subject or subject == person.member)
        return not self.of or person.organisation in self.of


class Rights:
    """Members, policies and who may what, at one height."""

    def __init__(self, tables: Tables, height: int | None = None) -> None:
        """As of the block of this height; without it, of the next one."""
        self.history = History(tables, height)

    @property
    def height(self) -> int:
        """Height of the block whose calls are meant."""
        return self.history.height

    @cached_property
    def organisations(self) -> Sequence[InForce]:
        """All that there were, by name."""
        return self.history.rows("members", "organisations")

    @cached_property
    def seats(self) -> tuple[str, ...]:
        """Names of organisations in force, ascending."""
        return tuple(one.row["name"] for one in self.organisations if one.row["status"] == ACTIVE)

    @cached_property
    def members(self) -> Sequence[InForce]:
        """All that there were, by id."""
        return self.history.rows("members", "members")

    @cached_property
    def people(self) -> tuple[Person, ...]:
        """The members, with whether they were in force."""
        seats = set(self.seats)
        return tuple(_person(one.row, seats) for one in self.members)

    @cached_property
    def keys(self) -> Mapping[str, Sequence[InForce]]:
        """Keys by member, in force or not, by id."""
        found: dict[str, list[InForce]] = {}
        for one in self.history.rows("members", "keys"):
            found.setdefault(one.row["member"], []).append(one)
        return found

    @cached_property
    def validators(self) -> Sequence[InForce]:
        """Nodes that voted, or did before, by id; none where one sequencer seals."""
        return self.history.rows("members", "validators")

    def person(self, member: str) -> Person:
        """One member; raise `NotFound` where there was none."""
        found = self.history.row("members", "members", member).row
        if found is None:
            raise NotFound(
                "member.unknown",
                f"the chain had no member {member} at height {self.height}",
                f"lianheng members --at {self.height} lists them",
            )
        organisation = self.history.row("members", "organisations", found["organisation"]).row
        seats = {organisation["name"]} if organisation["status"] == ACTIVE else set()
        return _person(found, seats)

    def contracts(self) -> list[str]:
        """Names of contracts that were deployed, and `contracts` itself."""
        rows = self.history.rows(CONTRACTS, "versions")
        return sorted([CONTRACTS, *(str(one.facts[0].key[0]) for one in rows)])

    def rules(self, contract: str) -> list[Rule]:
        """The policies of all calls of a contract; raise `NotFound` where there was none."""
        if contract == CONTRACTS:
            names = CONTRACTS_CALLS.items()
            declared = {name: (CONTRACTS_POLICY, tuple(types)) for name, types in names}
            since, facts, status = 0, tuple[Fact, ...](), ACTIVE
        else:
            found = self.history.row(CONTRACTS, "versions", contract)
            if found.row is None:
                raise NotFound(
                    "contract.unknown",
                    f"no contract {contract} was deployed at height {self.height}",
                    "lianheng contract list shows what is",
                )
            interface = self._interface(contract, found.row)
            declared = {
                call["name"]: (call["by"], tuple(p["name"] for p in call["parameters"]))
                for call in interface["calls"]
            }
            since, facts, status = found.row["since"], found.facts, found.row["status"]
        return [
            self._rule(
                Rule(contract, name, policy, policy, since, parameters, facts, status=status)
            )
            for name, (policy, parameters) in declared.items()
        ]

    def rule(self, contract: str, method: str) -> Rule:
        """The policy of one call; raise `NotFound` naming those there are."""
        rules = self.rules(contract)
        for rule in rules:
            if rule.method == method:
                return rule
        names = ", ".join(rule.method for rule in rules)
        raise NotFound(
            "contract.no_method", f"{contract} has no call {method}", f"it has {names or 'none'}"
        )

    def explain(
        self, rule: Rule, signers: Sequence[str], arguments: Mapping[str, object]
    ) -> Explanation:
        """What these signers would lack, in the words of the refusal, and who could give it.

        Raise `NotFound` for a signer that the chain does not know.
        """
        people = [self.person(name) for name in signers]
        signed = tuple(_Signer(p.member, p.organisation, p.roles) for p in people if p.in_force)
        subject = subject_of(self._parameters(rule), arguments)
        lacks = missing(rule.policy, signed, None, subject, self.seats)
        question = Question(rule.contract, rule.method, rule.declared, signed, None, subject)
        judgement = Judgement(rule.policy, rule.by_chain, lacks)
        if not lacks:
            return Explanation(rule, "", "", ())
        parts = parts_of(rule.policy)
        kinds = _Kinds(rule.policy, subject, {one.organisation for one in signed})
        changed: dict[_Kind, bool] = {}

        def helps(person: Person) -> bool:
            kind = kinds.of(person)
            if kind not in changed:
                more = [*signed, _signer(person)]
                changed[kind] = any(part.counts(person, subject) for part in parts) and (
                    missing(rule.policy, more, None, subject, self.seats) != lacks
                )
            return changed[kind]

        helpers = [
            person
            for person in self.people
            if person.in_force and person.member not in signers and helps(person)
        ]
        return Explanation(rule, lacks, denial(question, judgement), tuple(helpers))

    def who(self, rule: Rule, arguments: Mapping[str, object]) -> list[Right]:
        """Members in force whose signature counts towards the call; none where it is not taken."""
        if rule.status != ACTIVE:
            return []
        subject = subject_of(self._parameters(rule), arguments)
        kinds = _Kinds(rule.policy, subject, set())
        known: dict[_Kind, str] = {}
        found = []
        for person in self.people:
            if person.in_force:
                kind = kinds.of(person)
                if kind not in known:
                    known[kind] = self._how(rule, person, subject)
                found.append(Right(person, known[kind]))
        return [right for right in found if right.how]

    def lacks_with(self, rule: Rule, people: Sequence[Person], subject: str | None) -> str:
        """What the call lacks where these sign it."""
        return missing(rule.policy, [_signer(one) for one in people], None, subject, self.seats)

    def _how(self, rule: Rule, person: Person, subject: str | None) -> str:
        parts = [part for part in parts_of(rule.policy) if part.counts(person, subject)]
        if not parts:
            return ""
        if not self.lacks_with(rule, [person], subject):
            return ALONE
        if self._parameters(rule) and subject is None and any(part.itself for part in parts):
            own = (person.member, person.organisation)
            if any(not self.lacks_with(rule, [person], each) for each in own):
                return ITSELF
        return OTHERS

    def _parameters(self, rule: Rule) -> tuple[str, ...]:
        # The engine's own calls name no subject.
        return () if rule.contract == CONTRACTS else rule.parameters

    def _rule(self, own: Rule) -> Rule:
        found = self.history.row("policies", "rules", own.target)
        facts = own.facts + found.facts
        if found.row is None or not found.row["policy"]:
            return own._replace(facts=facts)
        row = found.row
        return own._replace(policy=row["policy"], by_chain=True, since=row["since"], facts=facts)

    def _interface(self, contract: str, version: Any) -> Mapping[str, Any]:
        sources = self.history.tables.table(CONTRACTS, "sources")
        source = str(sources.get(bytes(version["source"])))
        imports: dict[str, str] = {}
        waiting = [source]
        while waiting:
            for digits in set(_IMPORTED.findall(waiting.pop())) - imports.keys():
                imports[digits] = self._source_of(digits)
                waiting.append(imports[digits])
        with native_errors():
            return _native.contract_interface(source, version["file"] or contract, imports)

    def _source_of(self, digits: str) -> str:
        for row in self.history.all_rows(CONTRACTS, "sources"):
            if row.key[0].hex().startswith(digits):
                return str(row.value)
        raise NotFound("contract.unknown", f"the chain has no source {digits}…")


class _Signer(NamedTuple):
    """What policies look at."""

    member: str
    organisation: str
    roles: tuple[str, ...]


_Kind = tuple[str, tuple[str, ...], bool]


class _Kinds:
    """Members who mean the same to a policy: it tells apart organisations and members by name only.

    So that a chain of many organisations is judged a few times, not once for each member.
    """

    def __init__(self, policy: str, subject: str | None, signed: set[str]) -> None:
        self._subject = subject
        self._apart = signed | {name for kind, name in names_in(policy) if kind == "org"}
        if subject is not None:
            self._apart.add(subject.rpartition("@")[2])

    def of(self, person: Person) -> _Kind:
        """The kind of this member."""
        organisation = person.organisation if person.organisation in self._apart else ""
        return organisation, person.roles, person.member == self._subject


def _signer(person: Person) -> _Signer:
    return _Signer(person.member, person.organisation, person.roles)


def _person(row: Row, seats: set[str]) -> Person:
    return Person(
        row["id"],
        row["organisation"],
        row["kind"],
        row["status"],
        tuple(row["roles"]),
        row["since"],
        row["status"] == ACTIVE and row["organisation"] in seats,
    )


def parts_of(policy: str) -> list[Part]:
    """The parts of a policy that count members."""
    words = policies.words_of(policy)
    found: list[Part] = []
    while words:
        word = words.pop(0)
        kind, _, name = word.partition(":")
        if kind == "role":
            found.append(Part(name, tuple(policies.organisations_in(words)), itself=False))
        elif kind == "org":
            found.append(Part("", (name,), itself=False))
        elif word == "SELF":
            found.append(Part(policies.role_in(words), (), itself=True))
        elif policies.is_need(word):
            role = policies.role_in(words)
            found.append(Part(role, tuple(policies.organisations_in(words)), itself=False))
    return found
