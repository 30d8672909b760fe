"""Crafted torsion signatures: the engine and the verifier give one verdict, whatever OpenSSL says.

Keys and R carry components of small order. ZIP-215 multiplies by the cofactor, so both must accept
each of them; with a wrong scalar both must refuse.
"""

from __future__ import annotations

import random
from hashlib import sha512

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lianheng import _native
from lianheng_verify import VerificationError, _ed25519

ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19
# A generator of the torsion subgroup: a point of order 8.
EIGHT = bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")
AAD = b"a" * 32


def compressed(point: _ed25519.Point) -> bytes:
    inverse = pow(point[2], -1, PRIME)
    x, y = point[0] * inverse % PRIME, point[1] * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


def mixed(scalar: int, torsion: int) -> bytes:
    """`scalar` times the base point plus `torsion` times the point of order 8."""
    low = _ed25519._decompress(EIGHT)
    assert low is not None
    return compressed(_ed25519._combine(scalar, _ed25519._BASE, torsion, low))


def sig_structure(key_id: bytes, payload: bytes) -> tuple[bytes, bytes]:
    protected = _native.cbor_encode({1: -19, 4: key_id})
    return protected, _native.cbor_encode(["Signature1", protected, AAD, payload])


def crafted(rng: random.Random, *, spoil: bool) -> tuple[bytes, bytes, bytes, bytes]:
    """Public key, COSE message, what was signed, signature."""
    scalar, nonce = rng.randrange(1, ORDER), rng.randrange(1, ORDER)
    public, r = mixed(scalar, rng.randrange(8)), mixed(nonce, rng.randrange(8))
    payload = rng.randbytes(20)
    protected, message = sig_structure(_native.key_id(public), payload)
    k = int.from_bytes(sha512(r + public + message).digest(), "little") % ORDER
    s = (nonce + k * scalar + spoil) % ORDER
    signature = r + s.to_bytes(32, "little")
    return public, _native.cbor_encode([protected, {}, payload, signature]), message, signature


def engine_accepts(public: bytes, cose: bytes) -> bool:
    try:
        _native.cose_verify(cose, [public], AAD)
    except _native.NativeError as refusal:
        if refusal.code != "crypto.bad_signature":
            raise
        return False
    return True


def verifier_accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        _ed25519.verify_signature(public, message, signature)
    except VerificationError:
        return False
    return True


def openssl_accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@pytest.mark.parametrize("spoil", [False, True])
def test_one_verdict(spoil: bool) -> None:
    rng = random.Random(20 + spoil)  # noqa: S311 - cases, not keys
    differs_from_openssl = 0
    for _ in range(60):
        public, cose, message, signature = crafted(rng, spoil=spoil)
        accepted = engine_accepts(public, cose)
        assert accepted == verifier_accepts(public, message, signature) == (not spoil)
        differs_from_openssl += accepted != openssl_accepts(public, message, signature)
    assert spoil or differs_from_openssl > 20, "the fall-back decided none of them"
