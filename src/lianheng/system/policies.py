"""Policies that the chain sets in place of those that contracts declare, and what policies mean.

What always holds:
- a rule is never changed: each change adds a version, in force from the block after it (`since`);
- a policy in force can be read; one of the system's own calls can also be met by somebody.

The engine follows the same rules natively (docs/protocol/policies.md); tests compare the two.
"""

from lianheng.contract import (
    Contract,
    Event,
    Interface,
    Record,
    Rejected,
    Table,
    Uses,
    call,
    require,
    view,
)

POLICY_LIMIT = 1_024  # bytes
DEPTH_LIMIT = 8  # parentheses inside of each other
MOST = 1_000_000  # organisations that a policy may ask for
NAME_LIMIT = 63
NAMED = 6  # names that a sentence lists before it counts the others
TOLD = 4  # parts of an answer that a sentence tells
PAGE = 1_000

SYSTEM = ("contracts", "governance", "members", "policies", "shares")

FORMS = (
    "write ANY, ALL, MAJORITY, a number or a share such as 2/3, each with role:NAME "
    "and of ORG,ORG where wanted; SELF, FORBIDDEN, role:NAME, org:NAME, via:NAME or "
    "via:ANY; joined by 'and' and 'or'"
)


class Agreeing(Record):
    """A member in force who signed, or approved."""

    member: str
    organisation: str
    roles: tuple[str, ...]


class Agreement(Record):
    """Who agrees to a call, through which contract it comes, what it is about, and who counts."""

    members: tuple[Agreeing, ...]
    via: str | None
    subject: str | None
    organisations: tuple[str, ...]  # in force, ascending


class Found(Record):
    """What became of a part: whether it is met, what it lacks, whether it names its callers."""

    met: bool
    lacks: str
    names_callers: bool


class Rule(Record):
    """The policy of a call, `contract.method`; empty: the one that its contract declares."""

    target: str
    version: int
    since: int
    policy: str


class PolicySet(Event):
    target: str
    policy: str
    since: int


class Members(Interface):
    @view
    def seated(self, after: str, limit: int) -> list[str]: ...

    @view
    def in_catalogue(self, role: str) -> bool: ...


# --- words -------------------------------------------------------------------------------------


def words_of(text: str) -> list[str]:
    """Words between spaces; parentheses and commas are words of their own."""
    if len(text.encode()) > POLICY_LIMIT:
        raise ValueError(f"{len(text.encode())} bytes, at most {POLICY_LIMIT} make a policy")
    words: list[str] = []
    word = ""
    for letter in text:
        if letter in " \t\n\x0c\r(),":
            if word:
                words.append(word)
            word = ""
            if letter in "(),":
                words.append(letter)
        else:
            word += letter
    if word:
        words.append(word)
    return words


def name_of(text: str, others: str) -> str:
    """The text, where it is a letter, then letters, digits and some others; no `-` is the last."""
    good = 0 < len(text) <= NAME_LIMIT and "a" <= text[0] <= "z" and text[-1] != "-"
    if good and all("a" <= c <= "z" or "0" <= c <= "9" or c in others for c in text):
        return text
    raise ValueError(f"'{text[:80]}' is no name of a role, an organisation or a contract")


def number_of(word: str) -> int:
    """A whole number from 1 in its one spelling; 0 where it is none."""
    digits = 0 < len(word) <= 7 and all("0" <= c <= "9" for c in word)
    if not digits or word[0] == "0" or int(word) > MOST:
        return 0
    return int(word)


def is_need(word: str) -> bool:
    """Whether it says how many organisations."""
    part, slash, whole = word.partition("/")
    if slash:
        return 0 < number_of(part) <= number_of(whole)
    return word in ("ANY", "ALL", "MAJORITY") or number_of(word) > 0


def needed_of(need: str, total: int) -> int:
    """How many of `total` organisations in force."""
    if need == "ANY":
        return 1
    if need == "ALL":
        return max(total, 1)
    if need == "MAJORITY":
        return total // 2 + 1
    part, slash, whole = need.partition("/")
    if not slash:
        return int(need)
    return max((total * int(part) + int(whole) - 1) // int(whole), 1)


def role_in(words: list[str]) -> str:
    """`role:NAME`, where it follows; else empty."""
    if words and words[0].startswith("role:"):
        return name_of(words.pop(0)[5:], "_")
    return ""


def organisations_in(words: list[str]) -> list[str]:
    """`of ORG,ORG`, where it follows."""
    names: list[str] = []
    if not words or words[0] != "of":
        return names
    words.pop(0)
    while True:
        if not words:
            raise ValueError("an organisation's name is missing at the end")
        name = name_of(words.pop(0), "-")
        if name in names:
            raise ValueError(f"{name} is named twice")
        names.append(name)
        if not words or words[0] != ",":
            return names
        words.pop(0)


# --- meaning -----------------------------------------------------------------------------------


def alternatives(words: list[str], agreement: Agreement, depth: int) -> list[Found]:
    """The parts between `or`, of which one must be met."""
    found = conjunction(words, agreement, depth)
    if not words or words[0] != "or":
        return found
    ways = [either(found)]
    while words and words[0] == "or":
        words.pop(0)
        ways.append(either(conjunction(words, agreement, depth)))
    return ways


def conjunction(words: list[str], agreement: Agreement, depth: int) -> list[Found]:
    """The parts between `and`, as one; a part that stands alone keeps its own alternatives."""
    found = part(words, agreement, depth)
    if not words or words[0] != "and":
        return found
    parts = [either(found)]
    while words and words[0] == "and":
        words.pop(0)
        parts.append(either(part(words, agreement, depth)))
    met = all(one.met for one in parts)
    return [Found(met, joined(parts, " and "), any(one.names_callers for one in parts))]


def part(words: list[str], agreement: Agreement, depth: int) -> list[Found]:
    """One part: an atom, or a policy in parentheses."""
    if not words:
        raise ValueError(f"something is missing at the end: {FORMS}")
    word = words.pop(0)
    if word != "(":
        return [atom(word, words, agreement)]
    if depth >= DEPTH_LIMIT:
        raise ValueError(f"more than {DEPTH_LIMIT} parentheses inside of each other")
    found = alternatives(words, agreement, depth + 1)
    if not words or words.pop(0) != ")":
        raise ValueError("a parenthesis is not closed")
    return found


def either(found: list[Found]) -> Found:
    """Alternatives as one part."""
    if len(found) == 1:
        return found[0]
    met = any(one.met for one in found)
    return Found(met, joined(found, " or "), all(one.names_callers for one in found))


def atom(word: str, words: list[str], agreement: Agreement) -> Found:
    """What one word says, with what belongs to it."""
    kind, colon, name = word.partition(":")
    if colon and kind == "via":
        via = agreement.via
        if name == "ANY":
            return Found(via is not None, "that a contract makes the call", True)
        name = name_of(name, "_")
        return Found(via == name, f"that the contract {name} makes the call", True)
    if colon and kind == "org":
        return counted("ANY", "", [name_of(name, "-")], agreement)
    if colon and kind == "role":
        role = name_of(name, "_")
        return counted("ANY", role, organisations_in(words), agreement)
    if word == "FORBIDDEN":
        return Found(False, "nobody may", False)
    if word == "SELF":
        return itself(role_in(words), agreement)
    if not is_need(word):
        raise ValueError(f"'{word[:80]}' is no policy: {FORMS}")
    role = role_in(words)
    of = organisations_in(words)
    if of and number_of(word) > len(of):
        raise ValueError(f"{word} of {len(of)} organisations: it can never be met")
    return counted(word, role, of, agreement)


def itself(role: str, agreement: Agreement) -> Found:
    """The member, or the organisation, that the first argument names."""
    subject = agreement.subject
    if subject is None:
        return Found(False, "a first argument that names a member or an organisation", False)
    name, at, organisation = subject.partition("@")
    if not at:
        organisation = name
    if role:
        met = any(m.organisation == organisation and role in m.roles for m in agreement.members)
        return Found(met, f"a member of {organisation[:127]} with the role {role}", False)
    if at:
        return Found(any(m.member == subject for m in agreement.members), subject[:127], False)
    met = any(m.organisation == organisation for m in agreement.members)
    return Found(met, f"a member of {organisation[:127]}", False)


def counted(need: str, role: str, of: list[str], agreement: Agreement) -> Found:
    """So many organisations, each by a member with the role."""
    among = of or list(agreement.organisations)
    agreed = [
        m.organisation
        for m in agreement.members
        if (role == "" or role in m.roles) and (not of or m.organisation in of)
    ]
    active = [name for name in among if name in agreement.organisations] if of else among
    needed = needed_of(need, len(active))
    have = len(dict.fromkeys(agreed, True))
    who = f"a member with the role {role}" if role else "a member"
    if have >= needed or (need == "ANY" and not of):
        return Found(have >= needed, who, False)
    if needed > len(active):
        lacks = f"{needed} organisations, and only {len(active)} of those that count are members"
        return Found(False, lacks, False)
    missing = [name for name in active if name not in agreed]
    left = needed - have
    names = ", ".join(missing[:NAMED])
    if len(missing) > NAMED:
        names += f" and {len(missing) - NAMED} more"
    if left == 1 and len(missing) == 1:
        return Found(False, f"{who} of {names}", False)
    if left == 1:
        return Found(False, f"{who} of one of {names}", False)
    if left == len(missing):
        return Found(False, f"{who} of each of {names}", False)
    return Found(False, f"{who} of each of {left} of {names}", False)


def joined(found: list[Found], word: str) -> str:
    """What parts lack together."""
    lacks = [one.lacks for one in found if not one.met]
    return more(word.join(lacks[:TOLD]), len(lacks), "conditions")


def more(text: str, count: int, what: str) -> str:
    """The text, with how many were left out."""
    return f"{text} (and {count - TOLD} more {what})" if count > TOLD else text


def missing(text: str, agreement: Agreement) -> str:
    """What a policy still needs, in words; empty where it is met.

    A contract's call meets only alternatives that name contracts by `via:`. Raise ValueError where
    the text is no policy.
    """
    words = words_of(text)
    found = alternatives(words, agreement, 0)
    if words:
        raise ValueError(f"'{words[0][:80]}' is no policy: {FORMS}")
    if agreement.via is not None:
        found = [one for one in found if one.names_callers]
        if not found:
            via = agreement.via
            return f"a member's own call: the policy does not name {via} by via:"
    if any(one.met for one in found):
        return ""
    return more("; or ".join([one.lacks for one in found[:TOLD]]), len(found), "ways")


class Policies(Contract):
    """The chain's own policies."""

    rules = Table(Rule, key=("target", "version"))
    members = Uses(Members, contract="members")

    @call(by="MAJORITY role:admin")
    def set(self, target: str, policy: str) -> Rule:
        """Put a policy in the place of the one that a contract declares for `contract.method`."""
        contract, dot, method = target.partition(".")
        require(dot != "", "target", f"{target} is not written contract.method")
        try:
            name_of(contract, "_")
            name_of(method, "_")
            missing(policy, Agreement((), None, None, ()))  # raises where it is no policy
            lacks = self.always_lacks(target, policy)
        except ValueError as error:
            raise Rejected("malformed", str(error)) from None
        # Nobody is shut out by accident: a call of one's own contract, on purpose.
        meant = words_of(policy) == ["FORBIDDEN"] and contract not in SYSTEM
        hint = "; FORBIDDEN alone closes it on purpose" if contract not in SYSTEM else ""
        told = f"nobody could call {target} any more, missing: {lacks}{hint}"
        require(lacks == "" or meant, "never_met", told)
        return self.put(target, policy)

    @call(by="MAJORITY role:admin")
    def reset(self, target: str) -> Rule:
        """Go back to the policy that the contract declares."""
        row = self.rule(target)
        require(row is not None and row.policy != "", "unknown", f"no policy is set for {target}")
        return self.put(target, "")

    @view
    def rule(self, target: str) -> Rule | None:
        """The last version of a call's rule."""
        found = self.rules.scan(target, limit=1, reverse=True)
        return found[0] if found else None

    @view
    def lacks(self, policy: str, agreement: Agreement) -> str:
        """What a policy still needs, in words; empty where it is met."""
        return missing(policy, agreement)

    def put(self, target: str, policy: str) -> Rule:
        last = self.rule(target)
        version = last.version + 1 if last is not None else 0
        row = Rule(target, version, self.height + 1, policy)
        self.rules[target, version] = row
        self.emit(PolicySet(target, policy, row.since))
        return row

    def always_lacks(self, target: str, policy: str) -> str:
        """What it lacks even where all organisations in force agree; empty where it can be met.

        Each by a member with all roles of the catalogue that the policy names, whoever has them
        today: admins give them. Each has an admin, and may have nobody else: this very call must be
        met by admins.
        """
        names: list[str] = []
        page = self.members.seated("", PAGE)
        while page:
            names.extend(page)
            page = self.members.seated(page[-1], PAGE) if len(page) == PAGE else []
        words = words_of(policy)
        named = dict.fromkeys([w[5:] for w in words if w.startswith("role:")], True)
        roles = tuple([role for role in named if self.members.in_catalogue(role)])
        if target == f"{self.contract}.set":
            roles = ("admin",)
        subject = names[0] if names else ""
        everybody = tuple([Agreeing(f"x@{name}", name, roles) for name in names])
        lacks = missing(policy, Agreement(everybody, None, subject, tuple(names)))
        system = target.partition(".")[0] in SYSTEM
        for word in words:
            # A contract may have to make the call, unless it is the system's own.
            if lacks != "" and word.startswith("via:") and not system:
                agreement = Agreement(everybody, word[4:], subject, tuple(names))
                lacks = lacks if missing(policy, agreement) != "" else ""
        return lacks
