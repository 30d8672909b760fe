"""Ed25519 as ZIP-215 verifies it.

Rules: the cofactored equation [8]([s]B - R - [k]A) = 0; encodings of A and R may be non-canonical;
s MUST be below the group order. The `cryptography` library is asked first: what it accepts is a
subset of ZIP-215, because it demands the equation without cofactor and canonical R. What it
refuses is decided here, slowly and plainly (about 5 ms), so that every verifier agrees with the
chain. Points are in extended coordinates (X, Y, Z, T) (RFC 8032, section 5.1.4).
Nothing here is secret, so nothing needs constant time.
"""

from __future__ import annotations

from hashlib import sha512
from typing import Final, TypeAlias

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from lianheng_verify._errors import VerificationError

Point: TypeAlias = tuple[int, int, int, int]

_P: Final = 2**255 - 19
_L: Final = 2**252 + 27742317777372353535851937790883648493
_D: Final = -121665 * pow(121666, -1, _P) % _P
_SQRT_MINUS_1: Final = pow(2, (_P - 1) // 4, _P)
_KEY_BYTES: Final = 32
_SIGNATURE_BYTES: Final = 64


def verify_signature(public: bytes, message: bytes, signature: bytes) -> None:
    """Raises VerificationError (`signature.bad`) unless the signature holds under ZIP-215."""
    if len(public) == _KEY_BYTES and len(signature) == _SIGNATURE_BYTES:
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
        except (InvalidSignature, UnsupportedAlgorithm, ValueError):
            pass
        else:
            return
    verify_plainly(public, message, signature)


def verify_plainly(public: bytes, message: bytes, signature: bytes) -> None:
    """The same verdict without the library. Raises VerificationError (`signature.bad`)."""
    if len(public) != _KEY_BYTES or len(signature) != _SIGNATURE_BYTES:
        raise _bad("a key has 32 bytes and a signature 64")
    s = int.from_bytes(signature[32:], "little")
    if s >= _L:
        raise _bad("its scalar is not below the group order")
    a, r = _decompress(public), _decompress(signature[:32])
    if a is None or r is None:
        raise _bad("the key or the signature is no point of the curve")
    k = int.from_bytes(sha512(signature[:32] + public + message).digest(), "little") % _L
    difference = _add(_combine(s, _BASE, k, _negate(a)), _negate(r))
    for _ in range(3):
        difference = _double(difference)
    if not _is_identity(difference):
        raise _bad("it does not fit the key and what was signed")


def check_public_key(public: bytes) -> None:
    """Raises VerificationError (`key.bad`) unless the key may be registered.

    It is a point in its canonical spelling, and not of small order.
    """
    point = _decompress(public) if len(public) == _KEY_BYTES else None
    if point is None:
        raise VerificationError("key.bad", "a public key is no point of the curve")
    if int.from_bytes(public, "little") & (1 << 255) - 1 >= _P:
        raise VerificationError("key.bad", "a public key is not in its canonical spelling")
    for _ in range(3):
        point = _double(point)
    if _is_identity(point):
        raise VerificationError(
            "key.bad", "a public key is of small order: anybody can sign for it"
        )


def _bad(why: str) -> VerificationError:
    return VerificationError("signature.bad", f"the signature does not verify: {why}")


def _decompress(data: bytes) -> Point | None:
    encoded = int.from_bytes(data, "little")
    sign, y = encoded >> 255, (encoded & (1 << 255) - 1) % _P
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    # The square root of u/v by one exponentiation (RFC 8032, section 5.1.3).
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if v * x * x % _P == -u % _P:
        x = x * _SQRT_MINUS_1 % _P
    if v * x * x % _P != u:
        return None
    if x & 1 != sign:
        x = -x % _P  # x = 0 keeps its value: ZIP-215 takes "minus zero"
    return x, y, 1, x * y % _P


def _add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % _P
    b = (p[1] + p[0]) * (q[1] + q[0]) % _P
    c = 2 * p[3] * q[3] * _D % _P
    d = 2 * p[2] * q[2] % _P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _double(p: Point) -> Point:
    a, b, c = p[0] * p[0] % _P, p[1] * p[1] % _P, 2 * p[2] * p[2] % _P
    h = a + b
    e = h - (p[0] + p[1]) * (p[0] + p[1])
    g = a - b
    f = c + g
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _negate(p: Point) -> Point:
    return -p[0] % _P, p[1], p[2], -p[3] % _P


def _is_identity(p: Point) -> bool:
    return p[0] % _P == 0 and (p[1] - p[2]) % _P == 0


def _combine(m: int, p: Point, n: int, q: Point) -> Point:
    """[m]p + [n]q, both read bit by bit from the top."""
    table = {(1, 0): p, (0, 1): q, (1, 1): _add(p, q)}
    total: Point = (0, 1, 1, 0)
    for bit in range(max(m.bit_length(), n.bit_length()) - 1, -1, -1):
        total = _double(total)
        step = (m >> bit & 1, n >> bit & 1)
        if step != (0, 0):
            total = _add(total, table[step])
    return total


def _base() -> Point:
    point = _decompress((4 * pow(5, -1, _P) % _P).to_bytes(32, "little"))
    if point is None:
        raise ArithmeticError("the base point is on the curve")
    return point


_BASE: Final = _base()
