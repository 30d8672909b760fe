"""Keys and COSE signatures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tests.verify.chainmaker.encoding import digest, encode


@dataclass(frozen=True)
class Key:
    """A key made of its name: nothing secret, never for use."""

    name: str

    @property
    def seed(self) -> bytes:
        return digest(self.name.encode())

    @cached_property
    def private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.seed)

    @cached_property
    def public(self) -> bytes:
        return self.private.public_key().public_bytes_raw()

    @cached_property
    def id(self) -> bytes:
        return digest(encode({1: 1, -1: 6, -2: self.public}))

    @property
    def protected(self) -> bytes:
        return encode({1: -19, 4: self.id})


def sign_one(key: Key, payload: bytes, aad: bytes) -> bytes:
    signature = key.private.sign(encode(["Signature1", key.protected, aad, payload]))
    return encode([key.protected, {}, payload, signature])


def sign(keys: list[Key], payload: bytes, aad: bytes) -> bytes:
    """One signer's or several signers' form, by their number."""
    if len(keys) == 1:
        return sign_one(keys[0], payload, aad)
    rows: list[Any] = []
    for key in keys:
        signed = encode(["Signature", b"", key.protected, aad, payload])
        rows.append([key.protected, {}, key.private.sign(signed)])
    return encode([b"", {}, payload, rows])
