"""Making a genesis: the document that names a chain's members, keys, roles and sealers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from lianheng.members._identity import Identity
from lianheng.model import (
    DEFAULT_PARAMETERS,
    MEMBER_KINDS,
    POSSESSION_NAME,
    ChainName,
    ContractName,
    ContractSource,
    GenesisDocument,
    InvalidValue,
    MemberId,
    Milliseconds,
    OrganisationName,
    RoleName,
    document_bytes,
    encode,
    limits,
    quorum_sealers,
    solo_sealers,
)


BY_ORGANISATION = "organisation"
"""An organisation gives the role to its own members."""

BY_CHAIN = "chain"
"""Organisations give the role together."""


@dataclass(frozen=True, slots=True)
class MemberSpec:
    """A member of a new chain. Its identity proves that its holder has the key.

    `kind` is person, service, device or node; `custodial` marks a key that somebody else keeps.
    """

    id: str
    identity: Identity
    kind: str = "person"
    roles: Sequence[str] = field(default=())
    custodial: bool = False


class OrganisationSpec(NamedTuple):
    """An organisation of a new chain: its title, and its numbers in public registers, if any."""

    title: str
    uscc: str = ""
    lei: str = ""


class Validator(NamedTuple):
    """A node that votes on blocks, and with how much power."""

    member: MemberSpec
    power: int = 1


@dataclass(frozen=True, slots=True)
class Genesis:
    """A genesis document and its parts."""

    document: GenesisDocument

    @classmethod
    def create(
        cls,
        *,
        chain: str,
        organisations: Sequence[str] | Mapping[str, str | OrganisationSpec],
        members: Sequence[MemberSpec],
        time_ms: int,
        sealer: Identity | None = None,
        validators: Sequence[Validator] = (),
        contracts: Sequence[ContractSource] = (),
        parameters: Mapping[str, int] | None = None,
        roles: Mapping[str, str] | None = None,
        policies: Mapping[str, str] | None = None,
    ) -> Self:
        """Build the document; organisations are names, or names with titles and numbers.

        `roles` says who gives a role, `organisation` or `chain`: those of members that it leaves
        out are given by the chain, but for admin and operator. `policies` stand in place of those
        that contracts declare, by `contract.method`.

        One `sealer` makes a chain with one sequencer; `validators` make one that a quorum of them
        seals. They become members beside those of `members`.

        Raise `InvalidValue` where a name is malformed, an organisation or parameter unknown, a
        validator no node, its key named twice or its power out of bounds.
        """
        titles = _organisations(organisations)
        everybody = [*members, *(validator.member for validator in validators)]
        data = document_bytes(
            {
                "chain": ChainName(chain),
                "time": time_ms,
                "sealers": _sealers(sealer, validators),
                "parameters": _parameters(parameters or {}),
                "organisations": [
                    {"name": OrganisationName(name), **spec._asdict()}
                    for name, spec in titles.items()
                ],
                "roles": _roles(roles or {}, everybody),
                "policies": dict(policies or {}),
                "members": [_member(ChainName(chain), spec, titles) for spec in everybody],
                "contracts": [
                    {
                        "name": ContractName(contract.name),
                        "file": contract.file,
                        "source": contract.source,
                    }
                    for contract in contracts
                ],
            }
        )
        return cls(GenesisDocument.from_bytes(data))

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a document that somebody else built."""
        return cls(GenesisDocument.from_bytes(data))

    @property
    def encoded(self) -> bytes:
        """The document's canonical bytes."""
        return self.document.encoded

    @property
    def chain(self) -> ChainName:
        """The chain's name."""
        return self.document.chain

    @property
    def time(self) -> Milliseconds:
        """Block time of height 0."""
        return self.document.time


def _organisations(
    given: Sequence[str] | Mapping[str, str | OrganisationSpec],
) -> dict[str, OrganisationSpec]:
    titles = given if isinstance(given, Mapping) else {name: name for name in given}
    return {
        name: OrganisationSpec(title) if isinstance(title, str) else title
        for name, title in titles.items()
    }


def _roles(given: Mapping[str, str], members: Sequence[MemberSpec]) -> list[dict[str, str]]:
    used = {role: BY_CHAIN for member in members for role in member.roles}
    catalogue = {"auditor": BY_CHAIN, **used, "admin": BY_ORGANISATION, "operator": BY_ORGANISATION}
    catalogue |= given
    return [{"name": RoleName(name), "given": catalogue[name]} for name in sorted(catalogue)]


def _sealers(sealer: Identity | None, validators: Sequence[Validator]) -> list[object]:
    if (sealer is None) == (not validators):
        raise InvalidValue(
            "genesis.sealers",
            "a chain is sealed either by one sequencer or by validators",
            "name a sealer, or validators",
        )
    if sealer is not None:
        return solo_sealers(sealer.public)
    if len(validators) > limits.VALIDATORS:
        raise InvalidValue(
            "genesis.sealers",
            f"{len(validators):,} validators are more than {limits.VALIDATORS:,}",
            "let the others follow without a vote",
        )
    powers: dict[bytes, int] = {}
    for member, power in validators:
        if member.kind != "node":
            raise InvalidValue(
                "genesis.validator_kind",
                f"{member.id} votes and is of kind {member.kind!r}",
                "validators are members of kind 'node'",
            )
        if not 1 <= power <= limits.VALIDATOR_POWER:
            raise InvalidValue(
                "genesis.validator_power",
                f"{member.id} has power {power:,}",
                f"power is from 1 to {limits.VALIDATOR_POWER:,}",
            )
        if member.identity.public in powers:
            raise InvalidValue(
                "genesis.validator_twice", f"the key of {member.id} votes twice", "one key a node"
            )
        powers[member.identity.public] = power
    return quorum_sealers(powers)


def _parameters(chosen: Mapping[str, int]) -> dict[str, int]:
    unknown = sorted(set(chosen) - set(DEFAULT_PARAMETERS))
    if unknown:
        raise InvalidValue(
            "genesis.parameter_unknown",
            f"there is no parameter {unknown[0]!r}",
            f"parameters are {', '.join(DEFAULT_PARAMETERS)}",
        )
    return {**DEFAULT_PARAMETERS, **chosen}


def _member(chain: ChainName, spec: MemberSpec, titles: Mapping[str, object]) -> dict[str, object]:
    member = MemberId(spec.id)
    if member.organisation not in titles:
        raise InvalidValue(
            "genesis.organisation_unknown",
            f"{member} belongs to {member.organisation}, which is not an organisation here",
            f"organisations are {', '.join(titles)}",
        )
    if spec.kind not in MEMBER_KINDS:
        raise InvalidValue(
            "genesis.member_kind", f"{spec.kind!r} is not one of {', '.join(MEMBER_KINDS)}"
        )
    identity = spec.identity
    if identity.member != member:
        raise InvalidValue(
            "genesis.identity", f"the identity given for {member} is that of {identity.member}"
        )
    statement = encode([POSSESSION_NAME, chain, member, identity.key_id])
    return {
        "id": member,
        "kind": spec.kind,
        "roles": [RoleName(role) for role in spec.roles],
        "keys": [
            {
                "public": identity.public,
                "custodial": spec.custodial,
                "possession": identity.sign(statement, b""),
            }
        ],
    }
