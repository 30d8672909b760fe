"""Private keys as text: PKCS#8 (RFC 5958) in PEM, encrypted with PBES2 (RFC 8018) and scrypt.

Exactly one way to encrypt is written and read: scrypt (RFC 7914) with N = 2^14, r = 8, p = 5, which
takes a guesser 16 MiB and about a sixth of a second for each try, then AES-256 in CBC mode. Any
other way is refused before anything is derived: a file can neither weaken the key's protection nor
make its reader work for hours. `openssl pkey` reads what is written here.
"""

import base64
import binascii
import os
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from cryptography.hazmat.primitives.padding import PKCS7

SCRYPT_N = 2**14
SCRYPT_R = 8
SCRYPT_P = 5
SALT_BYTES = 16

_IV_BYTES = 16
_AES_KEY_BYTES = 32
_AES_BLOCK_BITS = 128
_CIPHERTEXT_BYTES = 64  # the 48 bytes of an Ed25519 key in PKCS#8, padded
_SEQUENCE, _OCTETS, _INTEGER, _OBJECT = 0x30, 0x04, 0x02, 0x06
_PBES2 = bytes.fromhex("2a864886f70d01050d")
_SCRYPT = bytes.fromhex("2b06010401da47040b")
_AES_256_CBC = bytes.fromhex("60864801650304012a")
_PEM = re.compile(
    r"-----BEGIN (?P<kind>(?:ENCRYPTED )?PRIVATE KEY)-----\n"
    r"(?P<body>[A-Za-z0-9+/=\n]+)\n-----END (?P=kind)-----\n"
)
_LINE = 64
_SHORT_LENGTH = 0x80


class UnknownFormError(ValueError):
    """The text is no private key in the one form that is read."""


def to_pem(seed: bytes, secret: bytes | None) -> str:
    """The key's PEM, encrypted with the secret, or plain where there is none."""
    key = Ed25519PrivateKey.from_private_bytes(seed)
    plain = key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    if secret is None:
        return _text("PRIVATE KEY", plain)
    salt, iv = os.urandom(SALT_BYTES), os.urandom(_IV_BYTES)
    padder = PKCS7(_AES_BLOCK_BITS).padder()
    encryptor = Cipher(algorithms.AES256(_derive(secret, salt)), modes.CBC(iv)).encryptor()
    padded = padder.update(plain) + padder.finalize()
    ciphertext = encryptor.update(padded) + encryptor.finalize()
    return _text("ENCRYPTED PRIVATE KEY", _encrypted(salt, iv, ciphertext))


def is_encrypted(pem: str) -> bool:
    """Whether the text is an encrypted key; raise `UnknownFormError` where it is no key of ours."""
    found = _PEM.fullmatch(pem)
    if found is None:
        raise UnknownFormError("it is no private key in PEM")
    if found["kind"] == "PRIVATE KEY":
        return False
    try:
        data = base64.b64decode(found["body"].replace("\n", ""), validate=True)
    except binascii.Error as failure:
        raise UnknownFormError("it is no private key in PEM") from failure
    if _FORM.fullmatch(data) is None:
        raise UnknownFormError("it is not encrypted with scrypt and AES-256 as this format says")
    return True


def from_pem(pem: str, secret: bytes | None) -> bytes:
    """The seed. Raise `UnknownFormError` for another form, `ValueError` for a wrong secret."""
    if is_encrypted(pem) != (secret is not None):
        raise UnknownFormError("a secret is given exactly where the key is encrypted")
    try:
        key = serialization.load_pem_private_key(pem.encode(), secret)
    except (ValueError, TypeError, UnsupportedAlgorithm) as failure:
        # Also where the padding fits by chance: what follows is no key then.
        raise ValueError("the key does not open") from failure
    if not isinstance(key, Ed25519PrivateKey):
        raise UnknownFormError(f"its private key is {type(key).__name__}, not Ed25519")
    return key.private_bytes_raw()


def _derive(secret: bytes, salt: bytes) -> bytes:
    return Scrypt(salt, _AES_KEY_BYTES, SCRYPT_N, SCRYPT_R, SCRYPT_P).derive(secret)


def _text(kind: str, data: bytes) -> str:
    body = base64.b64encode(data).decode()
    lines = [body[start : start + _LINE] for start in range(0, len(body), _LINE)]
    return "\n".join([f"-----BEGIN {kind}-----", *lines, f"-----END {kind}-----", ""])


def _encrypted(salt: bytes, iv: bytes, ciphertext: bytes) -> bytes:
    """EncryptedPrivateKeyInfo (RFC 5958, section 3)."""
    scrypt = _part(
        _SEQUENCE,
        _part(_OCTETS, salt),
        *(_number(value) for value in (SCRYPT_N, SCRYPT_R, SCRYPT_P)),
    )
    kdf = _part(_SEQUENCE, _part(_OBJECT, _SCRYPT), scrypt)
    cipher = _part(_SEQUENCE, _part(_OBJECT, _AES_256_CBC), _part(_OCTETS, iv))
    scheme = _part(_SEQUENCE, _part(_OBJECT, _PBES2), _part(_SEQUENCE, kdf, cipher))
    return _part(_SEQUENCE, scheme, _part(_OCTETS, ciphertext))


def _part(tag: int, *contents: bytes) -> bytes:
    """DER (X.690): tag, length, contents; of fewer than 256 bytes."""
    content = b"".join(contents)
    length = bytes([len(content)])
    return bytes([tag]) + (length if len(content) < _SHORT_LENGTH else b"\x81" + length) + content


def _number(value: int) -> bytes:
    return _part(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1))


def _form() -> re.Pattern[bytes]:
    """What every encrypted key looks like; only salt, vector and ciphertext differ."""
    marks = b"\xa5" * SALT_BYTES, b"\x5a" * _IV_BYTES, b"\xc3" * _CIPHERTEXT_BYTES
    pattern = re.escape(_encrypted(*marks))
    for mark in marks:
        pattern = pattern.replace(re.escape(mark), b".{%d}" % len(mark))
    return re.compile(pattern, re.DOTALL)


_FORM = _form()
