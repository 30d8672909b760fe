"""The private keys of a home, and a search that finds them in any spelling."""

import hashlib
import json
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from lianheng.members import Passphrase, read_identity

ORDER = 2**252 + 27742317777372353535851937790883648493
_SPACE = bytes.maketrans(b"", b""), b" \t\r\n"


def secrets_of(home: Path, passphrase: Passphrase = None) -> list[bytes]:
    """The seed of each key of a home: of members, of the node, of its connections."""
    files = [file for file in home.rglob("*.identity*") if file.is_file()]
    found = [read_identity(file, passphrase).seed for file in files]
    key = json.loads((home / "comet/config/node_key.json").read_text())["priv_key"]["value"]
    return [*found, b64decode(key)[:32]]


def expanded(seed: bytes) -> list[bytes]:
    """What signing makes of a seed (RFC 8032, section 5.1.5): a scalar and a prefix."""
    digest = hashlib.sha512(seed).digest()
    clamped = bytearray(digest[:32])
    clamped[0] &= 248
    clamped[31] = clamped[31] & 127 | 64
    reduced = int.from_bytes(clamped, "little") % ORDER
    return [digest[:32], bytes(clamped), reduced.to_bytes(32, "little"), digest[32:]]


def forms_of(secret: bytes) -> list[bytes]:
    """How bytes may be written. In base64 they may begin at any of three places of a text."""
    texts = []
    for skip in range(3):
        padded = bytes(skip) + secret
        # The first and last characters hold bits of neighbours as well.
        first, last = -(-8 * skip // 6), 8 * len(padded) // 6
        texts += [code(padded)[first:last] for code in (b64encode, urlsafe_b64encode)]
    numbers = ",".join(map(str, secret)).encode()
    return [
        secret,
        secret[::-1],
        secret.hex().encode(),
        secret.hex().upper().encode(),
        *texts,
        numbers,
    ]


def views_of(data: bytes) -> Iterator[bytes]:
    """The bytes; and of a text, which may be broken into lines anywhere, those without space."""
    yield data
    if b"\0" not in data[:4_096]:
        yield data.translate(*_SPACE)


def holds(data: Iterable[bytes], secret: bytes) -> bool:
    """Whether any of them has the secret, in any spelling."""
    return seen([view for each in data for view in views_of(each)], secret)


def seen(views: Sequence[bytes], secret: bytes) -> bool:
    """Whether any of these views has the secret, in any spelling."""
    forms = set(forms_of(secret))
    return any(form in view for view in views for form in forms)
