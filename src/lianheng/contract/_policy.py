"""Policies of calls: who must have signed, or which contract must call.

Roles, organisations, contracts, ANY, FORBIDDEN, joined by `and` and `or`.

The same language, and the same words, as the engine's (rust/engine/src/policy.rs).
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol

POLICY_BYTES = 1_024
"""Longest policy, in bytes."""

_NAME_LENGTH = 63
_NAMES = {
    "role": re.compile(r"[a-z][a-z0-9_]*"),
    "org": re.compile(r"[a-z][a-z0-9-]*"),
    "via": re.compile(r"[a-z][a-z0-9_]*|ANY"),
}

Clause = tuple[str, str]
"""`("role", "bank")`, `("org", "acme")`, `("via", "shop")`, `("ANY", "")`, `("FORBIDDEN", "")`."""


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


@lru_cache(maxsize=1_024)
def parse(text: str) -> tuple[tuple[Clause, ...], ...]:
    """Alternatives, each of clauses that must all be met; `and` binds closer than `or`.

    Raise ValueError with a sentence where the text is no policy.
    """
    if len(text.encode()) > POLICY_BYTES:
        raise ValueError(f"{len(text.encode())} bytes, at most {POLICY_BYTES} make a policy")
    return tuple(
        tuple(_clause(part.strip()) for part in alternative.split(" and "))
        for alternative in text.split(" or ")
    )


def met_by(text: str, signers: Sequence[Signer], via: str | None = None) -> bool:
    """Whether these signers meet a policy, in a call that the contract `via` makes, if any.

    A contract's call meets only alternatives that name contracts by `via:`. Who signs a call of
    one contract has not agreed to what that one calls elsewhere in the signer's name.
    """
    return any(
        all(_met(clause, signers, via) for clause in clauses)
        for clauses in parse(text)
        if via is None or any(kind == "via" for kind, _ in clauses)
    )


def admits(text: str, via: str) -> bool:
    """Whether any signers at all meet a policy in a call that the contract `via` makes."""
    return any(
        any(kind == "via" for kind, _ in clauses)
        and all(
            kind != "FORBIDDEN" and (kind != "via" or name in (via, "ANY"))
            for kind, name in clauses
        )
        for clauses in parse(text)
    )


def denial(target: str, policy: str, signers: Sequence[Signer]) -> str:
    """The sentence of a refusal."""
    who = " and ".join(f"{s.member} ({', '.join(s.roles) or 'no role'})" for s in signers)
    return f"{target} requires {policy}; signed by {who}"


def _clause(text: str) -> Clause:
    kind, colon, name = text.partition(":")
    if colon and kind in _NAMES:
        if _NAMES[kind].fullmatch(name) and len(name) <= _NAME_LENGTH:
            return kind, name
        raise ValueError(f"'{name}' is no name of a role, an organisation or a contract")
    if not colon and text in ("ANY", "FORBIDDEN"):
        return text, ""
    raise ValueError(
        f"'{text}' is no policy: write ANY, FORBIDDEN, role:NAME, org:NAME, via:NAME or via:ANY, "
        "joined by 'and' and 'or'"
    )


def _met(clause: Clause, signers: Sequence[Signer], via: str | None) -> bool:
    kind, name = clause
    if kind == "via":
        return via is not None and name in (via, "ANY")
    if kind == "role":
        return any(name in signer.roles for signer in signers)
    if kind == "org":
        return any(name == signer.organisation for signer in signers)
    return kind == "ANY" and bool(signers)
