"""Making a genesis: the document that names a chain's members, keys, roles and sealer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

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
    solo_sealers,
)


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


@dataclass(frozen=True, slots=True)
class Genesis:
    """A genesis document and its parts."""

    document: GenesisDocument

    @classmethod
    def create(
        cls,
        *,
        chain: str,
        organisations: Sequence[str] | Mapping[str, str],
        members: Sequence[MemberSpec],
        sealer: Identity,
        time_ms: int,
        contracts: Sequence[ContractSource] = (),
        parameters: Mapping[str, int] | None = None,
    ) -> Self:
        """Build the document; organisations are names, or names with titles.

        Raise `InvalidValue` where a name is malformed, an organisation or parameter unknown.
        """
        titles = (
            dict(organisations)
            if isinstance(organisations, Mapping)
            else {name: name for name in organisations}
        )
        data = document_bytes(
            {
                "chain": ChainName(chain),
                "time": time_ms,
                "sealers": solo_sealers(sealer.public),
                "parameters": _parameters(parameters or {}),
                "organisations": [
                    {"name": OrganisationName(name), "title": title}
                    for name, title in titles.items()
                ],
                "members": [_member(ChainName(chain), spec, titles) for spec in members],
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


def _parameters(chosen: Mapping[str, int]) -> dict[str, int]:
    unknown = sorted(set(chosen) - set(DEFAULT_PARAMETERS))
    if unknown:
        raise InvalidValue(
            "genesis.parameter_unknown",
            f"there is no parameter {unknown[0]!r}",
            f"parameters are {', '.join(DEFAULT_PARAMETERS)}",
        )
    return {**DEFAULT_PARAMETERS, **chosen}


def _member(chain: ChainName, spec: MemberSpec, titles: Mapping[str, str]) -> dict[str, object]:
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
