"""The transaction: one signed call, its payload and its bytes (docs/protocol/formats.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeAlias

from lianheng import _native
from lianheng.model import limits
from lianheng.model.errors import InvalidValue
from lianheng.model.ids import (
    CallTarget,
    ChainName,
    ContractName,
    Gas,
    Hash32,
    HeaderHash,
    KeyId,
    MemberId,
    MethodName,
    Milliseconds,
    SignedHash,
    SourceHash,
    TransactionId,
)
from lianheng.model.values import decode, encode

_REQUIRED_FIELDS = frozenset(range(1, 10))
_CODE_FIELD = 10
_OPTIONAL_FIELDS = frozenset({_CODE_FIELD, 11, 12})
_SIGN1_PARTS = 4


@dataclass(frozen=True, slots=True)
class Payload:
    """What is signed: one call of one contract by one sender, valid until `expires`."""

    chain: ChainName
    sender: MemberId
    signers: tuple[KeyId, ...]
    target: CallTarget
    arguments: Mapping[str, Any]
    expires: Milliseconds
    random: bytes
    gas: Gas
    code: SourceHash | None = None
    application: str | None = None
    attachments: tuple[Hash32, ...] = field(default=())

    def __post_init__(self) -> None:
        """Raise `InvalidValue` where the wire format could not carry it."""
        if not self.signers or len(set(self.signers)) != len(self.signers):
            raise InvalidValue(
                "transaction.signers", "signers are missing or named twice", "name each key once"
            )
        if len(self.random) != limits.TRANSACTION_RANDOM_BYTES:
            raise InvalidValue("transaction.random", f"{len(self.random)} random bytes, not 16")
        if self.application is not None:
            size = len(self.application)
            if not 1 <= size <= limits.APPLICATION_CHARACTERS:
                raise InvalidValue(
                    "transaction.application",
                    f"application has {size} characters, not 1 to {limits.APPLICATION_CHARACTERS}",
                )
        if len(self.attachments) > limits.ATTACHMENTS:
            raise InvalidValue(
                "transaction.attachments",
                f"{len(self.attachments)} attachments, at most {limits.ATTACHMENTS}",
                "attach the hash of a list",
            )

    def to_bytes(self) -> bytes:
        """Canonical bytes, as they are signed."""
        fields: dict[int, object] = {
            1: self.chain,
            2: self.sender,
            3: self.signers,
            4: self.target.contract,
            5: self.target.method,
            6: self.arguments,
            7: self.expires,
            8: self.random,
            9: self.gas,
        }
        if self.code is not None:
            fields[10] = self.code
        if self.application is not None:
            fields[11] = self.application
        if self.attachments:
            fields[12] = self.attachments
        return encode(fields)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read a payload; raise `InvalidValue` where it does not follow the format."""
        fields = decode(data)
        if not isinstance(fields, dict):
            raise InvalidValue("transaction.malformed", "a payload is a map")
        keys = set(fields)
        if not _REQUIRED_FIELDS <= keys <= _REQUIRED_FIELDS | _OPTIONAL_FIELDS:
            raise InvalidValue(
                "transaction.malformed", f"payload has fields {sorted(keys, key=str)}"
            )
        try:
            return cls(
                chain=ChainName(fields[1]),
                sender=MemberId(fields[2]),
                signers=tuple(KeyId(key) for key in fields[3]),
                target=CallTarget(ContractName(fields[4]), MethodName(fields[5])),
                arguments=fields[6],
                expires=Milliseconds(fields[7]),
                random=fields[8],
                gas=Gas(fields[9]),
                code=SourceHash(fields[10]) if _CODE_FIELD in fields else None,
                application=fields.get(11),
                attachments=tuple(Hash32(item) for item in fields.get(12, ())),
            )
        except TypeError as failure:
            raise InvalidValue(
                "transaction.malformed", f"payload field of a wrong type: {failure}"
            ) from failure


class SignedTransaction(bytes):
    """The full signed bytes. The chain decides on their validity; this only names parts of them.

    A subclass of bytes, so that thousands reach the core without work for each of them here.
    """

    __slots__ = ()

    @property
    def payload_bytes(self) -> bytes:
        """The signed payload, still encoded."""
        parts = decode(self)
        if (
            not isinstance(parts, list)
            or len(parts) != _SIGN1_PARTS
            or not isinstance(parts[2], bytes)
        ):
            raise InvalidValue(
                "transaction.malformed", "a transaction is a COSE array of four parts"
            )
        return parts[2]

    @property
    def payload(self) -> Payload:
        """The payload, decoded."""
        return Payload.from_bytes(self.payload_bytes)

    @property
    def signed_hash(self) -> SignedHash:
        """Hash over signatures and all."""
        return SignedHash(_native.hash_bytes(bytes(self)))

    def id(self, genesis: HeaderHash) -> TransactionId:
        """The id on the chain with this genesis hash."""
        return TransactionId(_native.transaction_id(self.payload_bytes, genesis))


Transactions: TypeAlias = bytes | Sequence[bytes]
"""One signed transaction, or many."""
