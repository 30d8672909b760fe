"""Policies of calls, as contracts run under CPython see them.

What a policy means is decided elsewhere: by the engine, and by the system's contract `policies`
(docs/protocol/policies.md). Here are the words around it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

from lianheng import _native

NAMED = 6
"""Members that a sentence names."""


class Signer(Protocol):
    """What a policy looks at."""

    @property
    def member(self) -> str:
        """Such as `alice@north`."""

    @property
    def organisation(self) -> str:
        """Such as `north`."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles held."""


def canonical(text: str) -> str:
    """A policy's canonical text. Raise ValueError with a sentence where the text is no policy."""
    return _native.policy_text(text)


def names_in(text: str) -> list[tuple[str, str]]:
    """Roles and organisations that a policy names: `("role", "bank")`, `("org", "acme")`."""
    return _native.policy_names(text)


def admits(text: str, via: str) -> bool:
    """Whether any signers at all meet a policy in a call that the contract `via` makes."""
    return _native.policy_admits(text, via)


def missing(
    text: str,
    signers: Sequence[Signer],
    via: str | None,
    subject: str | None,
    organisations: Sequence[str],
) -> str:
    """What the engine finds missing, in words; empty where the policy is met."""
    members = [(one.member, one.organisation, list(one.roles)) for one in signers]
    return _native.policy_missing(text, members, organisations, via, subject) or ""


class Question(NamedTuple):
    """A call as policies see it. `own` is the policy that its contract declares."""

    contract: str
    method: str
    own: str
    signers: tuple[Signer, ...]
    via: str | None
    subject: str | None


class Judgement(NamedTuple):
    """The policy in force, whether the chain set it, and what it lacks; empty where it is met."""

    policy: str
    by_chain: bool
    lacks: str


def subject_of(parameters: Iterable[str], arguments: Mapping[str, object]) -> str | None:
    """What a call's first argument names, where it is a text."""
    first = next(iter(parameters), None)
    value = None if first is None else arguments.get(first)
    return value if isinstance(value, str) else None


def denial(question: Question, judgement: Judgement) -> str:
    """The sentence of a refusal."""
    signers, via = question.signers, question.via
    named = [f"{s.member} ({', '.join(s.roles) or 'no role'})" for s in signers[:NAMED]]
    signed = f"signed by {' and '.join(named)}" if named else "signed by nobody in force"
    more = f" and {len(signers) - NAMED} more" if len(signers) > NAMED else ""
    called = f", called by {via}" if via is not None else ""
    required = f"{judgement.policy}{' (set by the chain)' if judgement.by_chain else ''}"
    target = f"{question.contract}.{question.method}"
    return f"{target} requires {required}; {signed}{more}{called}; missing: {judgement.lacks}"
