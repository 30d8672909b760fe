"""An identity: a member and the private key that signs for it, in memory."""

import secrets
from typing import NoReturn, Self

from lianheng import _native
from lianheng.model import InvalidValue, KeyId, MemberId, native_errors

_SEED_BYTES = 32


class Identity:
    """A member's key. `development` marks a key that is stored unencrypted and says so."""

    __slots__ = ("_seed", "development", "key_id", "member", "public")

    def __init__(self, member: str, seed: bytes, *, development: bool = False) -> None:
        """Raise `InvalidValue` where the seed is not 32 bytes or gives a weak key."""
        if len(seed) != _SEED_BYTES:
            raise InvalidValue("identity.seed", f"a seed has 32 bytes, this one {len(seed)}")
        self.member = MemberId(member)
        self.development = development
        self._seed = bytes(seed)
        with native_errors():
            self.public = _native.public_key(self._seed)
            _native.check_public_key(self.public)
            self.key_id = KeyId(_native.key_id(self.public))

    @classmethod
    def generate(cls, member: str, *, development: bool = False) -> Self:
        """A new key from the system's randomness."""
        return cls(member, secrets.token_bytes(_SEED_BYTES), development=development)

    @property
    def seed(self) -> bytes:
        """The private key's 32 bytes, for the core's signing functions only."""
        return self._seed

    def sign(self, payload: bytes, external_aad: bytes) -> bytes:
        """COSE_Sign1 over the payload (RFC 9052), bound to the external data."""
        with native_errors():
            return _native.cose_sign([self._seed], payload, external_aad)

    def __repr__(self) -> str:
        """Member and public key id; never the private key."""
        return f"Identity({self.member}, key {self.key_id.short})"

    def __reduce__(self) -> NoReturn:
        """A private key is never pickled: copies of it would be hard to find again."""
        raise TypeError("an Identity holds a private key and is not pickled")
