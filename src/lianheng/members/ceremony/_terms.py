"""The terms of a new chain: all that is fixed before the first organisation joins."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from lianheng import _native
from lianheng.members._genesis import (
    BY_CHAIN,
    BY_ORGANISATION,
    complete_parameters,
    role_catalogue,
)
from lianheng.members.ceremony._refusals import malformed, reading
from lianheng.model import (
    ChainName,
    Continuation,
    ContractName,
    ContractSource,
    Hash32,
    InvalidValue,
    Milliseconds,
    OrganisationName,
    RoleName,
    decode,
    encode,
    limits,
)

TERMS_NAME = "lianheng.ceremony-terms.1"
SUITE = 1
RULES = 1
LATEST_MS = 253_402_300_799_999


@dataclass(frozen=True, slots=True)
class Terms:
    """Chain, organisations, parameters, roles, policies and contracts, with their bytes."""

    chain: ChainName
    time: Milliseconds
    organisations: tuple[OrganisationName, ...]
    parameters: Mapping[str, int]
    roles: Mapping[str, str]
    policies: Mapping[str, str]
    contracts: tuple[ContractSource, ...]
    encoded: bytes = field(repr=False)
    continues: Continuation | None = None

    @classmethod
    def create(
        cls,
        *,
        chain: str,
        organisations: Sequence[str],
        time_ms: int,
        contracts: Sequence[ContractSource] = (),
        parameters: Mapping[str, int] | None = None,
        roles: Mapping[str, str] | None = None,
        policies: Mapping[str, str] | None = None,
        continues: Continuation | None = None,
    ) -> Self:
        """Fix the terms; the order of the organisations does not matter.

        Parameters and roles that are left out have their defaults, policies are those that the
        contracts declare. `continues` names a chain whose state is carried over. Raise
        `InvalidValue` naming what cannot be.
        """
        names = tuple(sorted(OrganisationName(name) for name in organisations))
        if len(set(names)) != len(names) or not 1 <= len(names) <= limits.CEREMONY_ORGANISATIONS:
            raise InvalidValue(
                "ceremony.organisations",
                f"{len(names)} organisations, {len(set(names))} of them different",
                f"name 1 to {limits.CEREMONY_ORGANISATIONS} organisations, each once",
            )
        if type(time_ms) is not int or not 0 <= time_ms <= LATEST_MS:
            raise InvalidValue(
                "ceremony.time",
                f"the chain would begin at {str(time_ms)[:80]!r}",
                "a time is milliseconds since 1970, before the year 10000",
            )
        fields: dict[str, Any] = {
            "format": TERMS_NAME,
            "suite": SUITE,
            "rules": RULES,
            "chain": ChainName(chain),
            "time": time_ms,
            "organisations": names,
            "parameters": _checked_parameters(complete_parameters(parameters or {})),
            "roles": _checked_roles(role_catalogue(roles or {})),
            "policies": _checked_policies(policies or {}),
            "contracts": [_contract(contract) for contract in contracts],
        }
        if continues is not None:
            fields["continues"] = continues.fields
        return cls(
            ChainName(chain),
            Milliseconds(time_ms),
            names,
            fields["parameters"],
            fields["roles"],
            fields["policies"],
            tuple(contracts),
            encode(fields),
            continues,
        )

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read terms; raise `InvalidValue` where the bytes are not exactly some."""
        with reading("the terms"):
            fields = decode(data)
            read = cls.create(
                chain=fields["chain"],
                organisations=fields["organisations"],
                time_ms=fields["time"],
                contracts=[ContractSource(**each) for each in fields["contracts"]],
                parameters=fields["parameters"],
                roles=fields["roles"],
                policies=fields["policies"],
                continues=Continuation.from_fields(fields.get("continues")),
            )
        if read.encoded != data:
            raise malformed("the terms", f"they are not written as {TERMS_NAME} is")
        return read

    @property
    def hash(self) -> Hash32:
        """What each part names as the terms that its organisation joined."""
        return Hash32(_native.hash_bytes(self.encoded))


def _checked_parameters(given: Mapping[str, int]) -> dict[str, int]:
    for name, value in given.items():
        if type(value) is not int or not 0 <= value < 2**63:
            raise InvalidValue(
                "ceremony.parameter",
                f"parameter {name} is {str(value)[:80]!r}",
                "a parameter is a whole number, not below 0",
            )
    return dict(given)


def _checked_roles(given: Mapping[str, str]) -> dict[str, str]:
    for name, giver in given.items():
        RoleName(name)
        if giver not in (BY_CHAIN, BY_ORGANISATION):
            raise InvalidValue(
                "ceremony.role",
                f"role {name} is given by {str(giver)[:80]!r}",
                f"a role is given by {BY_CHAIN} or by {BY_ORGANISATION}",
            )
    return dict(given)


def _checked_policies(given: Mapping[str, str]) -> dict[str, str]:
    for target, text in given.items():
        contract, dot, method = target.partition(".")
        RoleName(contract)
        if not dot:
            raise InvalidValue(
                "ceremony.policy",
                f"{target[:80]!r} names no method",
                "write contract.method=POLICY, like contracts.deploy=MAJORITY role:admin",
            )
        RoleName(method)
        try:
            _native.policy_text(text)
        except ValueError as failure:
            raise InvalidValue("ceremony.policy", f"{target}: {failure}") from failure
    return dict(given)


def _contract(contract: ContractSource) -> dict[str, str]:
    ContractName(contract.name)
    if not all(isinstance(part, str) for part in (contract.file, contract.source)):
        raise malformed("the terms", f"file and source of {contract.name} are texts")
    return {"name": contract.name, "file": contract.file, "source": contract.source}
