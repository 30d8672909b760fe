"""What policies mean: the engine and the system's contract `policies` say the same."""

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianheng import _native
from lianheng.system import policies

ORGANISATIONS = ("acme", "bank-a", "bank-b", "north", "south")
ROLES = ("admin", "bank", "operator")


@dataclass(frozen=True)
class Case:
    """A policy, and who agrees to what."""

    text: str
    members: tuple[policies.Agreeing, ...]
    via: str | None
    subject: str | None
    organisations: tuple[str, ...]

    def by_engine(self) -> str | None:
        """What the engine finds missing; None where the text is no policy."""
        members = [(one.member, one.organisation, list(one.roles)) for one in self.members]
        try:
            found = _native.policy_missing(
                self.text, members, list(self.organisations), self.via, self.subject
            )
        except ValueError:
            return None
        return found or ""

    def by_contract(self) -> str | None:
        """The same, by the contract's own Python."""
        agreement = policies.Agreement(self.members, self.via, self.subject, self.organisations)
        try:
            return policies.missing(self.text, agreement)
        except ValueError:
            return None


names = st.sampled_from(ORGANISATIONS)
roles = st.sampled_from(ROLES)
needs = st.sampled_from(["ANY", "ALL", "MAJORITY", "1", "2", "3", "9", "1/2", "2/3", "3/3"])
listed = st.lists(names, min_size=1, max_size=4, unique=True).map(",".join)


@st.composite
def counts(draw: st.DrawFn) -> str:
    """How many organisations, with a role and a list or without."""
    text = draw(needs)
    if draw(st.booleans()):
        text += f" role:{draw(roles)}"
    if draw(st.booleans()):
        text += f" of {draw(listed)}"
    return text


atoms = st.one_of(
    counts(),
    roles.map("role:{}".format),
    names.map("org:{}".format),
    st.just("SELF"),
    roles.map("SELF role:{}".format),
    st.just("FORBIDDEN"),
    st.sampled_from(["via:shop", "via:ANY", "via:other"]),
)
texts = st.recursive(
    atoms,
    lambda parts: st.one_of(
        st.lists(parts, min_size=2, max_size=6).map(" or ".join),
        st.lists(parts, min_size=2, max_size=6).map(" and ".join),
        parts.map("({})".format),
    ),
    max_leaves=12,
)
members = st.builds(
    lambda organisation, name, given: policies.Agreeing(
        f"{name}@{organisation}", organisation, tuple(given)
    ),
    names,
    st.sampled_from(["ann", "bob"]),
    st.lists(roles, unique=True, max_size=3),
)
cases = st.builds(
    Case,
    texts,
    st.lists(members, max_size=5).map(tuple),
    st.sampled_from([None, None, "shop", "other"]),
    st.one_of(
        st.none(),
        names,
        names.map("ann@{}".format),
        st.sampled_from(["", "@", "ann@", "x" * 300]),
    ),
    st.lists(names, unique=True).map(sorted).map(tuple),
)


@settings(max_examples=1_500, deadline=None)
@given(cases)
def test_engine_and_contract_say_the_same(case: Case) -> None:
    assert case.by_engine() == case.by_contract()


broken = st.text(st.sampled_from("ANYLrole:g of,()/0123 and or SELF\n\tbank-a"), max_size=60)


@settings(max_examples=1_500, deadline=None)
@given(broken)
def test_they_take_the_same_texts(text: str) -> None:
    case = Case(text, (), None, None, ORGANISATIONS)
    assert case.by_engine() == case.by_contract()


@settings(max_examples=300, deadline=None)
@given(texts)
def test_a_printed_policy_means_the_same_policy(text: str) -> None:
    try:
        printed = _native.policy_text(text)
    except ValueError:
        return
    assert _native.policy_text(printed) == printed
    assert _native.policy_names(printed) == _native.policy_names(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "MAJORITY role:admin",
            "a member with the role admin of each of 2 of acme, bank-b, north, south",
        ),
        ("role:bank", "a member with the role bank"),
        ("2/3 of bank-a,bank-b", "a member of bank-b"),
    ],
)
def test_what_is_missing_is_said_in_words(text: str, words: str) -> None:
    signer = policies.Agreeing("ann@bank-a", "bank-a", ("admin",))
    case = Case(text, (signer,), None, None, ORGANISATIONS)
    assert case.by_engine() == case.by_contract() == words
