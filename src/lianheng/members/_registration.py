"""What a member hands to the admin who takes it in: its public key, and proof that it has it.

It holds no secret, and counts for one chain only.
"""

import json
from dataclasses import dataclass
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lianheng import _native
from lianheng.members._files import ED25519, KEY_TYPES, check_kind
from lianheng.members._identity import Identity
from lianheng.members._messages import possession_statement, prove_possession
from lianheng.model import (
    ChainName,
    IdentityError,
    KeyId,
    LianhengError,
    MemberId,
    limits,
    native_errors,
)

REGISTRATION_FORMAT = "lianheng.registration.1"

_TEXTS = (
    "format",
    "chain",
    "member",
    "kind",
    "key_type",
    "key_id",
    "public",
    "possession",
)


@dataclass(frozen=True, slots=True)
class Registration:
    """A member's public part for one chain. It was checked that the key's holder made it."""

    chain: ChainName
    member: MemberId
    kind: str
    custodial: bool
    public: bytes
    possession: bytes

    @classmethod
    def make(
        cls, identity: Identity, chain: str, *, kind: str = "person", custodial: bool = False
    ) -> Self:
        """Prove the possession of a key to a chain. Raise `InvalidValue` for a malformed name."""
        name = ChainName(chain)
        proof = prove_possession(identity, name)
        return cls(name, identity.member, check_kind(kind), custodial, identity.public, proof)

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read and check one; raise `IdentityError` saying what is wrong with it."""
        content = _content(data)
        if content["key_type"] not in KEY_TYPES:
            raise IdentityError(
                "identity.key_type",
                f"there is no key type {content['key_type'][:80]!r} here",
                f"types are {', '.join(KEY_TYPES)}",
            )
        try:
            read = cls(
                ChainName(content["chain"]),
                MemberId(content["member"]),
                check_kind(content["kind"]),
                content["custodial"],
                bytes.fromhex(content["public"]),
                bytes.fromhex(content["possession"]),
            )
            with native_errors():
                _native.check_public_key(read.public)
        except (LianhengError, ValueError) as failure:
            raise _malformed(getattr(failure, "message", str(failure))) from failure
        if content != read.fields():
            raise _malformed("its key id is not that of its public key, or it is written otherwise")
        statement = possession_statement(read.chain, read.member)
        try:
            Ed25519PublicKey.from_public_bytes(read.public).verify(read.possession, statement)
        except InvalidSignature as failure:
            raise IdentityError(
                "identity.possession",
                f"nobody proved to chain {read.chain} to have this key as {read.member}",
                "ask the member to export it again; do not register it",
            ) from failure
        return read

    @property
    def key_id(self) -> KeyId:
        """The key's id."""
        return KeyId(_native.key_id(self.public))

    def fields(self) -> dict[str, Any]:
        """As it is written."""
        return {
            "format": REGISTRATION_FORMAT,
            "chain": str(self.chain),
            "member": str(self.member),
            "kind": self.kind,
            "custodial": self.custodial,
            "key_type": ED25519,
            "key_id": self.key_id.hex(),
            "public": self.public.hex(),
            "possession": self.possession.hex(),
        }

    @property
    def encoded(self) -> bytes:
        """One JSON document."""
        return (json.dumps(self.fields(), indent=2) + "\n").encode()


def is_registration(data: bytes) -> bool:
    """Whether a file says of itself that it is one."""
    return f'"format": "{REGISTRATION_FORMAT}"'.encode() in data


def _content(data: bytes) -> dict[str, Any]:
    try:
        content: Any = json.loads(data) if len(data) <= limits.IDENTITY_FILE_BYTES else None
    except (ValueError, RecursionError) as failure:
        raise _malformed("it is not JSON") from failure
    if (
        not isinstance(content, dict)
        or set(content) != {*_TEXTS, "custodial"}
        or not all(isinstance(content[name], str) for name in _TEXTS)
        or not isinstance(content["custodial"], bool)
        or content["format"] != REGISTRATION_FORMAT
    ):
        raise _malformed(f"its fields are not those of {REGISTRATION_FORMAT}")
    return content


def _malformed(reason: str) -> IdentityError:
    return IdentityError(
        "identity.registration",
        f"this registration cannot be read: {reason}",
        "ask the member to export it again: lianheng identity export FILE --public --chain CHAIN",
    )
