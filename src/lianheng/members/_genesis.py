"""Making a genesis: the document that names a chain's members, keys, roles and sealers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Self

from lianheng.members._identity import Identity
from lianheng.model import (
    DEFAULT_PARAMETERS,
    MEMBER_KINDS,
    POSSESSION_NAME,
    ChainName,
    Continuation,
    ContractName,
    ContractSource,
    GenesisDocument,
    InvalidValue,
    KeyId,
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
        return cls.assemble(
            chain=ChainName(chain),
            time_ms=time_ms,
            sealers=_sealers(sealer, validators),
            organisations=titles,
            members=[_member(ChainName(chain), spec, titles) for spec in everybody],
            contracts=contracts,
            parameters=complete_parameters(parameters or {}),
            roles=role_catalogue(roles or {}, {r for spec in everybody for r in spec.roles}),
            policies=policies or {},
        )

    @classmethod
    def assemble(
        cls,
        *,
        chain: ChainName,
        time_ms: int,
        sealers: list[object],
        organisations: Mapping[str, OrganisationSpec],
        members: Sequence[Mapping[str, object]],
        contracts: Sequence[ContractSource],
        parameters: Mapping[str, int],
        roles: Mapping[str, str],
        policies: Mapping[str, str],
        continues: Continuation | None = None,
    ) -> Self:
        """Write the document of parts that are complete: proofs are made, the catalogue is full."""
        continued = {} if continues is None else {"continues": continues.fields}
        data = document_bytes(
            {
                **continued,
                "chain": chain,
                "time": time_ms,
                "sealers": sealers,
                "parameters": parameters,
                "organisations": [
                    {"name": OrganisationName(name), **spec._asdict()}
                    for name, spec in organisations.items()
                ],
                "roles": [{"name": RoleName(name), "given": roles[name]} for name in sorted(roles)],
                "policies": dict(policies),
                "members": members,
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


def role_catalogue(given: Mapping[str, str], used: Iterable[str] = ()) -> dict[str, str]:
    """Who gives which role: as `given` says, the rest by the chain, but for admin and operator."""
    catalogue = {"auditor": BY_CHAIN, **dict.fromkeys(used, BY_CHAIN)}
    return catalogue | {"admin": BY_ORGANISATION, "operator": BY_ORGANISATION, **given}


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


def complete_parameters(chosen: Mapping[str, int]) -> dict[str, int]:
    """The chosen parameters and the defaults of the others; raise for an unknown one."""
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
    if spec.identity.member != member:
        raise InvalidValue(
            "genesis.identity", f"the identity given for {member} is that of {spec.identity.member}"
        )
    return member_fields(chain, spec)


def member_fields(chain: ChainName, spec: MemberSpec) -> dict[str, object]:
    """A member of a document: its identity proves that its holder has the key."""
    identity = spec.identity
    statement = possession_payload(chain, identity.member, identity.key_id)
    return {
        "id": identity.member,
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


def possession_payload(chain: ChainName, member: MemberId, key: KeyId) -> bytes:
    """What the holder of a member's key signs, with empty external data."""
    return encode([POSSESSION_NAME, chain, member, key])
