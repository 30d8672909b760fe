"""The public part of an identity, as a file that its holder gives to whoever takes it in.

JSON with the fields of `PublicIdentity`; keys and proofs in hexadecimal. It holds no secret. Its
proof is bound to one chain and one member, so that nobody registers somebody else's key.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lianheng import _native
from lianheng.members._identity import Identity
from lianheng.members._messages import possession_message, prove_possession
from lianheng.model import ChainName, IdentityError, InvalidValue, MemberId, limits, native_errors

FORMAT = "lianheng.public-identity.1"
KEY_TYPE = "Ed25519"


@dataclass(frozen=True, slots=True)
class PublicIdentity:
    """A member's public key for one chain, with the proof that somebody has the private one."""

    member: MemberId
    chain: ChainName
    public: bytes
    """32 bytes."""
    possession: bytes
    """64 bytes: what the contract `members` checks."""

    @classmethod
    def of(cls, identity: Identity, chain: str) -> Self:
        """The public part of an identity, for this chain."""
        name = ChainName(chain)
        return cls(identity.member, name, identity.public, prove_possession(identity, name))

    @property
    def key_id(self) -> bytes:
        """The key's thumbprint."""
        with native_errors():
            return _native.key_id(self.public)

    def to_json(self) -> str:
        """The file's text."""
        fields = {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in asdict(self).items()
        }
        told = {"format": FORMAT, "key_type": KEY_TYPE, "key_id": self.key_id.hex(), **fields}
        return json.dumps(told, indent=2) + "\n"


def read_public_identity(path: str | Path) -> PublicIdentity:
    """Read such a file and check its proof. Raise `IdentityError` naming what is wrong."""
    path = Path(path)
    try:
        with path.open("rb") as file:
            data = file.read(limits.IDENTITY_FILE_BYTES + 1)
    except OSError as failure:
        raise IdentityError(
            "identity.unreadable", f"{path} cannot be read: {failure.strerror}"
        ) from failure
    found = _decode(path, data)
    try:
        message = possession_message(found.chain, found.member)
        Ed25519PublicKey.from_public_bytes(found.public).verify(found.possession, message)
    except (InvalidSignature, ValueError) as failure:
        raise IdentityError(
            "identity.possession",
            f"{path} does not prove that {found.member} has its key on the chain {found.chain}",
            "its holder exports it again",
        ) from failure
    return found


def _decode(path: Path, data: bytes) -> PublicIdentity:
    try:
        content: Any = json.loads(data) if len(data) <= limits.IDENTITY_FILE_BYTES else None
        found = PublicIdentity(
            MemberId(content["member"]),
            ChainName(content["chain"]),
            bytes.fromhex(content["public"]),
            bytes.fromhex(content["possession"]),
        )
        told = (content["format"], content["key_type"], content["key_id"])
        known = told == (FORMAT, KEY_TYPE, found.key_id.hex())
    except (KeyError, TypeError, ValueError, RecursionError, InvalidValue) as failure:
        raise _malformed(path, str(failure)) from failure
    if not known:
        raise _malformed(path, "its format, key type or key id is another")
    return found


def _malformed(path: Path, why: str) -> IdentityError:
    return IdentityError(
        "identity.malformed",
        f"{path} is no {FORMAT} of an {KEY_TYPE} key: {why}",
        "a member's public part comes from: lianheng identity export --public",
    )
