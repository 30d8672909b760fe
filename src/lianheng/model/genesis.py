"""The genesis document: chain, organisations, members, parameters and first contracts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Self

from lianheng.model import limits
from lianheng.model.block import Header
from lianheng.model.errors import InvalidValue
from lianheng.model.ids import ChainName, HeaderHash, Milliseconds, OrganisationName
from lianheng.model.values import decode, encode

DOCUMENT_NAME = "lianheng.genesis.1"
FILE_NAME = "lianheng.genesis-file.1"
POSSESSION_NAME = "lianheng.possession.1"
SUITE = 1
RULES = 1

MEMBER_KINDS = ("person", "service", "device", "node")

DEFAULT_PARAMETERS: Mapping[str, int] = MappingProxyType(
    {
        "replay_horizon_ms": limits.REPLAY_HORIZON_MS,
        "block_bytes": limits.BLOCK_BYTES,
        "block_transactions": limits.BLOCK_TRANSACTIONS,
        "block_gas": limits.BLOCK_GAS,
        "block_timers": limits.BLOCK_TIMERS,
        "timer_gas": limits.TIMER_GAS,
        "transaction_bytes": limits.TRANSACTION_BYTES,
        "transaction_gas": limits.TRANSACTION_GAS,
        "transaction_signers": limits.TRANSACTION_SIGNERS,
    }
)


@dataclass(frozen=True, slots=True)
class ContractSource:
    """A contract that the chain begins with."""

    name: str
    file: str
    source: str


@dataclass(frozen=True, slots=True)
class Continuation:
    """The chain that another one continues: its last sealed header, as a file, and who is left out.

    The core checks the header's seal, and that its history begins with the genesis.
    """

    last: bytes
    without: tuple[str, ...]

    @classmethod
    def from_fields(cls, fields: object) -> Self | None:
        """Read the field of a document or of terms; raise `InvalidValue` where it is malformed."""
        if fields is None:
            return None
        if not isinstance(fields, dict) or set(fields) != {"last", "without"}:
            raise InvalidValue("genesis.malformed", "what it continues is told by last and without")
        last, without = fields["last"], fields["without"]
        if not isinstance(last, bytes) or not isinstance(without, list):
            raise InvalidValue(
                "genesis.malformed", "last is a header file, without a list of names"
            )
        found = cls(last, tuple(OrganisationName(name) for name in without))
        _ = found.header, found.genesis
        return found

    @property
    def fields(self) -> dict[str, object]:
        """As the document has it."""
        return {"last": self.last, "without": list(self.without)}

    @property
    def header(self) -> Header:
        """The last header that counts."""
        return Header.from_bytes(self._field("header"))

    @property
    def genesis(self) -> HeaderHash:
        """The genesis hash of the chain that is continued."""
        return HeaderHash(self._field("genesis"))

    def _field(self, name: str) -> bytes:
        fields = decode(self.last)
        found = fields.get(name) if isinstance(fields, dict) else None
        if not isinstance(found, bytes):
            raise InvalidValue("genesis.malformed", "its last header is no header file")
        return found


@dataclass(frozen=True, slots=True)
class GenesisDocument:
    """The decoded document. The core checks it when a ledger is made from it."""

    chain: ChainName
    time: Milliseconds
    sealers: list[Any]
    parameters: Mapping[str, int]
    organisations: list[Mapping[str, Any]]
    roles: list[Mapping[str, Any]]
    members: list[Mapping[str, Any]]
    policies: Mapping[str, str]
    contracts: list[Mapping[str, Any]]
    encoded: bytes = field(repr=False)
    continues: Continuation | None = None

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a document; raise `InvalidValue` where the bytes are not one."""
        fields = decode(data)
        if not isinstance(fields, dict) or fields.get("format") != DOCUMENT_NAME:
            raise InvalidValue("genesis.malformed", f"these bytes are not a {DOCUMENT_NAME}")
        try:
            return cls(
                ChainName(fields["chain"]),
                Milliseconds(fields["time"]),
                fields["sealers"],
                fields["parameters"],
                fields["organisations"],
                fields["roles"],
                fields["members"],
                fields["policies"],
                fields["contracts"],
                data,
                Continuation.from_fields(fields.get("continues")),
            )
        except KeyError as failure:
            raise InvalidValue("genesis.malformed", f"field {failure} is missing") from failure


@dataclass(frozen=True, slots=True)
class GenesisFile:
    """The file that members exchange and verifiers take as anchor: document and header 0."""

    document: GenesisDocument
    header: Header
    encoded: bytes = field(repr=False)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a genesis file; raise `InvalidValue` where the bytes are not one."""
        fields = decode(data)
        if (
            not isinstance(fields, dict)
            or fields.get("format") != FILE_NAME
            or set(fields) != {"format", "document", "header"}
        ):
            raise InvalidValue("genesis.malformed", f"these bytes are not a {FILE_NAME}")
        return cls(
            GenesisDocument.from_bytes(fields["document"]),
            Header.from_bytes(fields["header"]),
            data,
        )

    @property
    def hash(self) -> HeaderHash:
        """The genesis hash: what every signature on this chain is bound to."""
        return self.header.hash


def document_bytes(fields: Mapping[str, object]) -> bytes:
    """Canonical bytes of a genesis document's fields, with its format, suite and rules."""
    return encode({"format": DOCUMENT_NAME, "suite": SUITE, "rules": RULES, **fields})
