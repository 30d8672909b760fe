"""Identity files: one JSON file a member, its key as PKCS#8, encrypted unless for development.

A file is written whole or not at all, with mode 0600. A wrong passphrase gives no hint.
"""

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lianheng.members._identity import Identity
from lianheng.model import IdentityError, InvalidValue, limits

FORMAT = "lianheng.identity.1"
SUFFIX = ".identity"
DEVELOPMENT_WARNING = "UNENCRYPTED development key"
PASSPHRASE_VARIABLE = "LIANHENG_PASSPHRASE"  # noqa: S105 - a variable's name

Passphrase: TypeAlias = bytes | str | Callable[[], bytes | str] | None
"""The passphrase, a function that asks for it, or None where there is none to give."""

_FIELDS = frozenset({"format", "member", "key_id", "public", "private_key"})


def passphrase_from(
    file: Path | None, environment: Mapping[str, str], prompt: Callable[[], str] | None
) -> Passphrase:
    """The passphrase's source: this file, else the variable LIANHENG_PASSPHRASE, else the prompt.

    Raise `IdentityError` where the file cannot be read. The prompt is asked only when needed.
    """
    if file is not None:
        try:
            text = file.read_bytes()
        except OSError as failure:
            raise IdentityError(
                "identity.passphrase_file", f"{file} cannot be read: {failure.strerror}"
            ) from failure
        return text.rstrip(b"\r\n")
    if PASSPHRASE_VARIABLE in environment:
        return environment[PASSPHRASE_VARIABLE].encode()
    return prompt


def resolve_passphrase(passphrase: Passphrase) -> bytes | None:
    """The passphrase's bytes, asking for it where it is a function. None stays None."""
    given = passphrase() if callable(passphrase) else passphrase
    if given is None:
        return None
    data = given.encode() if isinstance(given, str) else given
    if not 1 <= len(data) <= limits.PASSPHRASE_BYTES:
        raise IdentityError(
            "identity.passphrase",
            f"a passphrase has 1 to {limits.PASSPHRASE_BYTES:,} bytes, this one {len(data):,}",
            "give it by prompt, --passphrase-file or LIANHENG_PASSPHRASE",
        )
    return data


def write_identity(path: Path, identity: Identity, passphrase: Passphrase = None) -> None:
    """Write the file. Raise `IdentityError` where it exists, or a passphrase is missing.

    Only a development identity may be written without one.
    """
    secret = None if identity.development else resolve_passphrase(passphrase)
    if secret is None and not identity.development:
        raise IdentityError(
            "identity.passphrase_missing",
            f"the key of {identity.member} is not written unencrypted",
            "give a passphrase by prompt, --passphrase-file or LIANHENG_PASSPHRASE, or use --dev",
        )
    content: dict[str, str] = {
        "format": FORMAT,
        "member": identity.member,
        "key_id": identity.key_id.hex(),
        "public": identity.public.hex(),
    }
    if identity.development:
        content["warning"] = DEVELOPMENT_WARNING
    content["private_key"] = _to_pem(identity.seed, secret)
    text = json.dumps(content, indent=2) + "\n"
    write_new_file(path, text.encode(), mode=0o600)


def read_identity(path: str | Path, passphrase: Passphrase = None) -> Identity:
    """Read the file. Raise `IdentityError`: missing, malformed, or locked with this passphrase."""
    path = Path(path)
    content = _read_content(path)
    pem = content["private_key"].encode()
    development = "warning" in content
    secret = None if development else resolve_passphrase(passphrase)
    if secret is None and not development:
        raise _locked(path)
    try:
        key = serialization.load_pem_private_key(pem, secret)
    except (ValueError, TypeError) as failure:
        if development:
            raise _malformed(path, "its private key is not readable") from failure
        raise _locked(path) from failure
    if not isinstance(key, Ed25519PrivateKey):
        raise _malformed(path, "its private key is not Ed25519")
    try:
        identity = Identity(content["member"], key.private_bytes_raw(), development=development)
    except InvalidValue as failure:
        raise _malformed(path, failure.message) from failure
    if (identity.public.hex(), identity.key_id.hex()) != (content["public"], content["key_id"]):
        raise _malformed(path, "its public key does not belong to its private key")
    return identity


def is_development(path: Path) -> bool:
    """Whether the file holds an unencrypted development key."""
    return "warning" in _read_content(path)


def identity_member(path: Path) -> str:
    """The member that the file says it belongs to; needs no passphrase."""
    return _read_content(path)["member"]


def write_new_file(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file that is not there yet, whole or not at all, and make it durable."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - from a descriptor
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        # link() fails where the target exists; rename() would replace somebody's only key.
        os.link(temporary, path)
    except FileExistsError as failure:
        raise IdentityError(
            "identity.exists", f"{path} is already there", "remove it first if it is not needed"
        ) from failure
    except OSError as failure:
        raise IdentityError(
            "identity.not_written", f"{path} cannot be written: {failure.strerror}"
        ) from failure
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _to_pem(seed: bytes, secret: bytes | None) -> str:
    encryption = (
        serialization.NoEncryption()
        if secret is None
        else serialization.BestAvailableEncryption(secret)
    )
    return (
        Ed25519PrivateKey.from_private_bytes(seed)
        .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        .decode()
    )


def _read_content(path: Path) -> dict[str, str]:
    try:
        with path.open("rb") as file:
            data = file.read(limits.IDENTITY_FILE_BYTES + 1)
    except FileNotFoundError as failure:
        raise IdentityError(
            "identity.missing", f"{path} is not there", "name a member that has a key here"
        ) from failure
    except OSError as failure:
        raise IdentityError(
            "identity.unreadable", f"{path} cannot be read: {failure.strerror}"
        ) from failure
    try:
        content: Any = json.loads(data) if len(data) <= limits.IDENTITY_FILE_BYTES else None
    except (ValueError, RecursionError) as failure:
        raise _malformed(path, "it is not JSON") from failure
    if (
        not isinstance(content, dict)
        or set(content) - {"warning"} != _FIELDS
        or not all(isinstance(value, str) for value in content.values())
        or content["format"] != FORMAT
    ):
        raise _malformed(path, f"its fields are not those of {FORMAT}")
    return content


def _malformed(path: Path, reason: str) -> IdentityError:
    return IdentityError(
        "identity.malformed", f"{path}: {reason}", "restore the file from its backup"
    )


def _locked(path: Path) -> IdentityError:
    # One answer for a missing and for a wrong passphrase: it tells a guesser nothing.
    return IdentityError(
        "identity.locked",
        f"{path} does not open",
        "give its passphrase by prompt, --passphrase-file or LIANHENG_PASSPHRASE",
    )
