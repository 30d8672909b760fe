"""The file of a ceremony: terms, a part of each organisation, signatures under the whole.

Reading it checks everything: what is not refused was signed by the keys that stand in it. It says
the same whatever the order of joining was, and it never holds a secret.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from lianheng import _native
from lianheng.members._genesis import Genesis
from lianheng.members._identity import Identity
from lianheng.members.ceremony._part import Part, admin_of, public_of
from lianheng.members.ceremony._refusals import AGAIN, malformed, reading
from lianheng.members.ceremony._terms import Terms
from lianheng.members.ceremony._words import Fingerprint
from lianheng.model import (
    Hash32,
    InvalidValue,
    LianhengError,
    OrganisationName,
    UsageError,
    decode,
    encode,
    limits,
    native_errors,
    quorum_sealers,
)

CEREMONY_NAME = "lianheng.ceremony.1"
AGREEMENT_NAME = "lianheng.ceremony-agreement.1"
POWER = 1
"""Each organisation's node votes with the same weight."""


@dataclass(frozen=True, slots=True)
class Ceremony:
    """How far the organisations are. Each step gives another one."""

    terms: Terms
    parts: Mapping[OrganisationName, Part] = field(default_factory=dict)
    signatures: Mapping[OrganisationName, bytes] = field(default_factory=dict)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read and check a file. Raise `InvalidValue` naming what was altered, and in whose part.

        A part or a signature that was taken out with the file's check value made anew cannot be
        told from one that was never there.
        """
        if len(data) > limits.CEREMONY_FILE_BYTES:
            most = limits.CEREMONY_FILE_BYTES
            raise malformed("the file", f"{len(data):,} bytes are more than {most:,}")
        with reading("the file"):
            fields = decode(data)
            if fields["format"] != CEREMONY_NAME:
                raise malformed("the file", f"it is not {CEREMONY_NAME}")
            terms = Terms.from_bytes(fields["terms"])
            parts = {
                OrganisationName(name): Part.from_bytes(name, part, terms)
                for name, part in fields["parts"].items()
            }
            read = cls(terms, parts, dict(fields["signatures"]))
        read.check()
        if read.encoded != data:
            raise InvalidValue(
                "ceremony.damaged",
                "the file is not as it was written: its check value is that of other content",
                AGAIN,
            )
        return read

    @property
    def encoded(self) -> bytes:
        """The file's bytes: the same for the same content, whoever joined first."""
        fields = {
            "format": CEREMONY_NAME,
            "terms": self.terms.encoded,
            "parts": {name: part.encoded for name, part in self.parts.items()},
            "signatures": dict(self.signatures),
        }
        return encode({**fields, "check": _native.hash_bytes(encode(fields))})

    @property
    def missing(self) -> list[str]:
        """Organisations that have not joined."""
        return [name for name in self.terms.organisations if name not in self.parts]

    @property
    def unsigned(self) -> list[str]:
        """Organisations that have not signed."""
        return [name for name in self.terms.organisations if name not in self.signatures]

    def join(self, part: Part) -> Self:
        """Add an organisation's part; raise where another one of its name is there."""
        there = self.parts.get(part.organisation)
        if there is not None and there.encoded != part.encoded:
            raise two_parts(there, part)
        joined = replace(self, parts={**self.parts, part.organisation: part})
        joined.check()
        return joined

    def merge(self, other: "Ceremony") -> Self:
        """What both files hold; raise where they disagree."""
        if other.terms.encoded != self.terms.encoded:
            raise InvalidValue(
                "ceremony.other_terms",
                f"the files have different terms: {self.terms.hash.hex()[:16]} of chain "
                f"{self.terms.chain}, {other.terms.hash.hex()[:16]} of chain {other.terms.chain}",
                "compare them: lianheng genesis show FILE",
            )
        merged = self
        for part in other.parts.values():
            merged = merged.join(part)
        # Two good signatures of one key under one text mean the same; the file has one of them.
        signatures = {
            name: min(each[name] for each in (self.signatures, other.signatures) if name in each)
            for name in {*self.signatures, *other.signatures}
        }
        merged = replace(merged, signatures=signatures)
        merged.check()
        return merged

    def sign(self, identity: Identity) -> Self:
        """Add an organisation's signature; raise unless all have joined and the key is its own."""
        self.require_joined()
        organisation = identity.member.organisation
        part = self.parts.get(organisation)
        if part is None:
            raise UsageError(
                "ceremony.not_a_party",
                f"{organisation} takes no part",
                f"parties are {', '.join(self.terms.organisations)}",
            )
        if (identity.member, identity.public) != (admin_of(organisation), part.admin_key):
            raise InvalidValue(
                "ceremony.part_replaced",
                f"the part of {organisation} was not signed by the key of {identity.member} here",
                "somebody else joined in your name: tell the others, and begin anew",
            )
        signature = identity.sign(self.agreement, b"")
        return replace(self, signatures={**self.signatures, organisation: signature})

    def require_joined(self) -> None:
        """Raise `UsageError` naming who is still missing."""
        if self.missing:
            raise UsageError(
                "ceremony.not_joined",
                f"{', '.join(self.missing)} have not joined",
                "each organisation joins before anybody signs: lianheng genesis join FILE",
            )

    def require_signed(self) -> None:
        """Raise `UsageError` naming whose part or signature is missing."""
        self.require_joined()
        if self.unsigned:
            raise UsageError(
                "ceremony.not_signed",
                f"{', '.join(self.unsigned)} have not signed",
                "all sign the same document: lianheng genesis sign FILE",
            )

    def genesis(self, *, alone: bool = False) -> Genesis:
        """The document that all agree to; `alone`: as if it continued no chain."""
        self.require_joined()
        terms = self.terms
        parts = [self.parts[name] for name in terms.organisations]
        return Genesis.assemble(
            chain=terms.chain,
            time_ms=terms.time,
            sealers=quorum_sealers({part.key_of(part.node.member): POWER for part in parts}),
            organisations={part.organisation: part.spec for part in parts},
            members=[member for part in parts for member in part.members],
            contracts=terms.contracts,
            parameters=terms.parameters,
            roles=terms.roles,
            policies=terms.policies,
            continues=None if alone else terms.continues,
        )

    @property
    def agreement(self) -> bytes:
        """What each organisation's admin signs: the document, and each part as it stands."""
        document = _native.hash_bytes(self.genesis().encoded)
        parts = [[name, self.parts[name].hash] for name in self.terms.organisations]
        return encode([AGREEMENT_NAME, self.terms.chain, document, parts])

    @property
    def fingerprint(self) -> Fingerprint:
        """What people compare by phone; takes a tenth of a second, on purpose."""
        return Fingerprint.of(Hash32(_native.hash_bytes(self.agreement)))

    def check(self) -> None:
        """Raise where the parts do not fit together, or a signature is not under all of them."""
        for name in (*self.parts, *self.signatures):
            if name not in self.terms.organisations:
                raise InvalidValue(
                    "ceremony.not_a_party",
                    f"{str(name)[:80]} is not named by the terms",
                    f"parties are {', '.join(self.terms.organisations)}",
                )
        _check_apart(self.parts)
        if not self.signatures:
            return
        if self.missing:
            raise InvalidValue(
                "ceremony.part_missing",
                f"there are signatures, but no part of {', '.join(self.missing)}",
                AGAIN,
            )
        agreement = self.agreement
        others = [
            str(name)
            for name, signature in self.signatures.items()
            if not _is_signed(self.parts[OrganisationName(name)], signature, agreement)
        ]
        if others:
            raise InvalidValue(
                "ceremony.signature",
                f"{', '.join(sorted(others))} did not sign this document",
                "a signature, or a part after they signed, was altered: " + AGAIN,
            )


def two_parts(first: Part, second: Part) -> InvalidValue:
    """The error for an organisation that joined twice, or in whose name another one did."""
    keys = [_native.key_id(part.admin_key).hex()[:16] for part in (first, second)]
    return InvalidValue(
        "ceremony.two_parts",
        f"{first.organisation} joined twice, as admin keys {keys[0]} and {keys[1]}, "
        f"at {first.node.address} and {second.node.address}",
        "ask it by phone which part is its own, and go on from a file with that one",
    )


def _is_signed(part: Part, signature: bytes, agreement: bytes) -> bool:
    try:
        with native_errors():
            return _native.cose_verify(signature, [part.admin_key], b"") == agreement
    except (LianhengError, TypeError):
        return False


def _check_apart(parts: Mapping[OrganisationName, Part]) -> None:
    """No key, node id or address stands twice."""
    owners: dict[object, str] = {}
    for part in parts.values():
        names: list[tuple[object, str]] = [
            (public_of(member), str(member["id"])) for member in part.members
        ]
        names += [(part.node.id, f"the node of {part.organisation}")]
        names += [(part.node.address, f"the address of {part.organisation}")]
        for value, owner in names:
            if value in owners:
                raise InvalidValue(
                    "ceremony.twice",
                    f"{owners[value]} and {owner} are the same",
                    "each member has a key of its own, each node an address of its own",
                )
            owners[value] = owner
