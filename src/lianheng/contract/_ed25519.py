"""Ed25519 as ZIP-215 verifies it, plainly: the twin of the VM's native check.

The equation is the one with cofactor, [8]([s]B - R - [k]A) = 0; R may be spelled non-canonically;
s lies below the group order. The key is one that the ledger registers: canonical, not of small
order. Affine fractions are avoided by projective coordinates (X, Y, Z). Nothing here is secret.
"""

from hashlib import sha512

_P = 2**255 - 19
_ORDER = 2**252 + 27742317777372353535851937790883648493
_D = -121665 * pow(121666, -1, _P) % _P
_ROOT = pow(2, (_P - 1) // 4, _P)
_KEY_BYTES, _SIGNATURE_BYTES = 32, 64

_Point = tuple[int, int, int]
_ZERO: _Point = (0, 1, 1)


def verifies(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Say whether the signature holds for a key that the ledger would register."""
    if len(public_key) != _KEY_BYTES or len(signature) != _SIGNATURE_BYTES:
        return False
    key, commitment = _point(public_key), _point(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or scalar >= _ORDER or not _registrable(public_key, key):
        return False
    hashed = sha512(signature[:32] + public_key + message).digest()
    challenge = int.from_bytes(hashed, "little") % _ORDER
    right = _add(commitment, _times(challenge, key))
    left = _times(scalar, _BASE)
    return _same(_times(8, left), _times(8, right))


def _registrable(encoded: bytes, key: _Point) -> bool:
    y = int.from_bytes(encoded, "little") & (1 << 255) - 1
    minus_zero = key[0] == 0 and encoded[31] >> 7 == 1
    return y < _P and not minus_zero and not _same(_times(8, key), _ZERO)


def _point(encoded: bytes) -> _Point | None:
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, (number & (1 << 255) - 1) % _P
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * pow(v, 3, _P) * pow(u * pow(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x + u) % _P == 0:
        x = x * _ROOT % _P
    if (v * x * x - u) % _P != 0:
        return None
    return (-x % _P if x & 1 != sign else x, y, 1)


def _add(p: _Point, q: _Point) -> _Point:
    a = p[2] * q[2] % _P
    b, c, d = a * a, p[0] * q[0] % _P, p[1] * q[1] % _P
    e = _D * c * d % _P
    f, g = b - e, b + e
    x = a * f * ((p[0] + p[1]) * (q[0] + q[1]) - c - d) % _P
    return x, a * g * (d + c) % _P, f * g % _P


def _times(factor: int, point: _Point) -> _Point:
    total = _ZERO
    for bit in f"{factor:b}":
        total = _add(total, total)
        if bit == "1":
            total = _add(total, point)
    return total


def _same(p: _Point, q: _Point) -> bool:
    return (p[0] * q[2] - q[0] * p[2]) % _P == 0 and (p[1] * q[2] - q[1] * p[2]) % _P == 0


_BASE: _Point = _point((4 * pow(5, -1, _P) % _P).to_bytes(32, "little")) or _ZERO
