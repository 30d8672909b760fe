"""Identity files: one JSON file a member, its key as PKCS#8, encrypted unless for development.

Everything but the private key is readable without a passphrase, and the file says which type its
key is of. A file is written whole or not at all, with mode 0600. A wrong passphrase gives no hint.
"""

import contextlib
import json
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from lianheng import _native
from lianheng.members import _pkcs8
from lianheng.members._identity import Identity
from lianheng.model import (
    MEMBER_KINDS,
    IdentityError,
    InvalidValue,
    KeyId,
    LianhengError,
    MemberId,
    limits,
    native_errors,
)

FORMAT = "lianheng.identity.1"
SUFFIX = ".identity"
DEVELOPMENT_WARNING = "UNENCRYPTED development key"
PASSPHRASE_VARIABLE = "LIANHENG_PASSPHRASE"  # noqa: S105 - a variable's name

Passphrase: TypeAlias = bytes | str | Callable[[], bytes | str] | None
"""The passphrase, a function that asks for it, or None where there is none to give."""

ED25519 = "ed25519"
KEY_TYPES = (ED25519,)

_TEXTS = frozenset({"format", "member", "kind", "key_type", "key_id", "public", "private_key"})
_FIELDS = _TEXTS | {"custodial"}


@dataclass(frozen=True, slots=True)
class IdentityCard:
    """What an identity file says to everybody: all but the private key."""

    member: MemberId
    kind: str
    custodial: bool
    key_type: str
    key_id: KeyId
    public: bytes
    encrypted: bool


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


def write_identity(
    path: Path,
    identity: Identity,
    passphrase: Passphrase = None,
    *,
    kind: str = "person",
    custodial: bool = False,
) -> None:
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
    content: dict[str, str | bool] = {
        "format": FORMAT,
        "member": identity.member,
        "kind": check_kind(kind),
        "custodial": custodial,
        "key_type": ED25519,
        "key_id": identity.key_id.hex(),
        "public": identity.public.hex(),
    }
    if identity.development:
        content["warning"] = DEVELOPMENT_WARNING
    content["private_key"] = _pkcs8.to_pem(identity.seed, secret)
    text = json.dumps(content, indent=2) + "\n"
    write_new_file(path, text.encode(), mode=0o600)


def check_kind(kind: str) -> str:
    """The kind of a member; raise `InvalidValue` where there is no such kind."""
    if kind not in MEMBER_KINDS:
        raise InvalidValue(
            "identity.kind",
            f"{kind[:80]!r} is no kind of member",
            f"kinds are {', '.join(MEMBER_KINDS)}",
        )
    return kind


def read_card(path: str | Path) -> IdentityCard:
    """What the file says without its passphrase. Raise `IdentityError`: missing or malformed."""
    return _card(Path(path), _read_content(Path(path)))


def read_identity(path: str | Path, passphrase: Passphrase = None) -> Identity:
    """Read the file. Raise `IdentityError`: missing, malformed, or locked with this passphrase."""
    path = Path(path)
    content = _read_content(path)
    card = _card(path, content)
    secret = resolve_passphrase(passphrase) if card.encrypted else None
    if secret is None and card.encrypted:
        raise _locked(path)
    try:
        seed = _pkcs8.from_pem(content["private_key"], secret)
        identity = Identity(card.member, seed, development=not card.encrypted)
    except _pkcs8.UnknownFormError as failure:
        raise _malformed(path, str(failure)) from failure
    except InvalidValue as failure:
        raise _malformed(path, failure.message) from failure
    except ValueError as failure:
        if card.encrypted:
            raise _locked(path) from failure
        raise _malformed(path, "its private key is not readable") from failure
    if identity.public != card.public:
        raise _malformed(path, "its public key does not belong to its private key")
    return identity


def is_development(path: Path) -> bool:
    """Whether the file holds an unencrypted development key."""
    return not read_card(path).encrypted


def identity_member(path: Path) -> str:
    """The member that the file says it belongs to; needs no passphrase."""
    return read_card(path).member


def write_new_file(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file that is not there yet, whole or not at all, and make it durable."""
    with _written(path, data, mode) as temporary:
        try:
            # link() fails where the target exists; rename() would replace somebody's only key.
            os.link(temporary, path)
        except FileExistsError as failure:
            raise IdentityError(
                "identity.exists", f"{path} is already there", "remove it first if it is not needed"
            ) from failure


def replace_file(path: Path, data: bytes, *, mode: int) -> None:
    """Write a file in place of what is there, whole or not at all, and make it durable."""
    with _written(path, data, mode) as temporary:
        temporary.replace(path)


@contextlib.contextmanager
def _written(path: Path, data: bytes, mode: int) -> Iterator[Path]:
    """A durable file beside the path, gone in the end unless it was moved."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - from a descriptor
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        yield temporary
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


def _read_content(path: Path) -> dict[str, Any]:
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
        or not all(isinstance(content[name], str) for name in _TEXTS)
        or not isinstance(content["custodial"], bool)
        or content["format"] != FORMAT
    ):
        raise _malformed(path, f"its fields are not those of {FORMAT}")
    return content


def _card(path: Path, content: Mapping[str, Any]) -> IdentityCard:
    if content["key_type"] not in KEY_TYPES:
        raise IdentityError(
            "identity.key_type",
            f"{path}: there is no key type {content['key_type'][:80]!r} here",
            f"types are {', '.join(KEY_TYPES)}",
        )
    try:
        public = bytes.fromhex(content["public"])
        with native_errors():
            _native.check_public_key(public)
            key_id = KeyId(_native.key_id(public))
        encrypted = _pkcs8.is_encrypted(content["private_key"])
        member, kind = MemberId(content["member"]), check_kind(content["kind"])
    except LianhengError as failure:
        raise _malformed(path, failure.message) from failure
    except ValueError as failure:
        raise _malformed(path, str(failure)) from failure
    if (public.hex(), key_id.hex()) != (content["public"], content["key_id"]):
        raise _malformed(path, "its key id is not that of its public key")
    # A file that lost this mark is no file of ours: nobody shall take its key for a protected one.
    if content.get("warning") != (None if encrypted else DEVELOPMENT_WARNING):
        raise _malformed(path, "it does not say whether its key is encrypted")
    return IdentityCard(
        member, kind, content["custodial"], content["key_type"], key_id, public, encrypted
    )


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
