"""Hashes, commitments that are opened later, and signatures made outside of a transaction."""

from hashlib import sha256 as _sha256

from lianheng.contract._arguments import check_bytes
from lianheng.contract._canonical import encode
from lianheng.contract._ed25519 import verifies
from lianheng.contract._sm3 import sm3_digest

COMMITMENT_DOMAIN = "lianheng.commitment.v1"
"""Keeps the hash of a commitment apart from every other hash."""

MESSAGE_DOMAIN = "lianheng.message.v1"
"""Keeps a signed message apart from everything else that a key signs."""

SALT_BYTES = 16
"""Shortest salt: with less, a value from a short list can be guessed from its commitment."""


def sha256(data: bytes) -> bytes:
    """SHA-256, 32 bytes (FIPS 180-4)."""
    check_bytes("sha256", "data", data)
    return _sha256(data).digest()


def sm3(data: bytes) -> bytes:
    """SM3, 32 bytes (GB/T 32905-2016)."""
    check_bytes("sm3", "data", data)
    return sm3_digest(data)


def commit(value: object, salt: bytes) -> bytes:
    """The commitment to a value: it shows nothing of the value and fits no other.

    SHA-256 over the canonical CBOR of `["lianheng.commitment.v1", salt, value]`. Raise ValueError
    for a salt below 16 bytes, TypeError for a value that cannot be stored. The salt is drawn
    outside of the chain and kept secret until the value is opened.
    """
    return _committed("commit", value, salt)


def opens(commitment: bytes, value: object, salt: bytes) -> bool:
    """Say whether a commitment was made from this value and salt."""
    check_bytes("opens", "commitment", commitment)
    return _committed("opens", value, salt) == commitment


def is_signed(message: bytes, signature: bytes, public_key: bytes) -> bool:
    """Say whether `public_key` signed `message` outside of a transaction.

    Ed25519 under ZIP-215 over the canonical CBOR of `["lianheng.message.v1", message]`, so no
    transaction's signature counts here. False for a key that the ledger would not register.
    """
    check_bytes("is_signed", "message", message)
    check_bytes("is_signed", "signature", signature)
    check_bytes("is_signed", "public_key", public_key)
    return verifies(public_key, encode([MESSAGE_DOMAIN, message]), signature)


def _committed(function: str, value: object, salt: bytes) -> bytes:
    check_bytes(function, "salt", salt)
    if len(salt) < SALT_BYTES:
        raise ValueError(
            f"{function}() argument 'salt' has {len(salt)} bytes, fewer than {SALT_BYTES}"
        )
    return _sha256(encode([COMMITMENT_DOMAIN, salt, value])).digest()
