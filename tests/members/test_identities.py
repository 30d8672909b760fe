import json
import os
import pickle
import shutil
import stat
import subprocess
import time
from base64 import b64decode, b64encode
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from lianheng import _native
from lianheng.members import (
    DEVELOPMENT_WARNING,
    Identity,
    identity_member,
    is_development,
    passphrase_from,
    read_card,
    read_identity,
    write_identity,
)
from lianheng.model import IdentityError, InvalidValue

# The RFC 8032 test 1 key, to pin how a public key is derived from a seed.
SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")


def encrypted_file() -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "alice.identity"
        write_identity(path, Identity("alice@north", SEED), "correct horse")
        return path.read_bytes()


ENCRYPTED = encrypted_file()


def code_of(caught: pytest.ExceptionInfo[IdentityError]) -> str:
    return caught.value.code


def test_the_public_key_is_that_of_the_standard() -> None:
    assert Identity("alice@north", SEED).public == PUBLIC


def test_an_identity_never_shows_or_pickles_its_key() -> None:
    identity = Identity("alice@north", SEED)
    assert SEED.hex() not in repr(identity)
    assert str(SEED) not in repr(identity)
    with pytest.raises(TypeError, match="not pickled"):
        pickle.dumps(identity)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_seed_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(InvalidValue):
        Identity("alice@north", bytes(size))


def test_an_encrypted_file_opens_with_its_passphrase_only(tmp_path: Path) -> None:
    identity, path = Identity.generate("alice@north"), tmp_path / "alice.identity"
    write_identity(path, identity, "correct horse")
    text = path.read_text()
    assert identity.seed.hex() not in text
    assert "ENCRYPTED PRIVATE KEY" in text
    assert "warning" not in json.loads(text)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = read_identity(path, lambda: "correct horse")
    assert (again.member, again.seed, again.development) == ("alice@north", identity.seed, False)
    messages = []
    for wrong in ("correct horse ", "x", None):
        with pytest.raises(IdentityError) as caught:
            read_identity(path, wrong)
        assert code_of(caught) == "identity.locked"
        messages.append(str(caught.value))
    assert len(set(messages)) == 1, "a wrong passphrase is told more than a missing one"


def opened_in(path: Path, passphrase: str) -> tuple[str, float]:
    """What is said, and the processor's seconds that it took."""
    began = time.process_time()
    with pytest.raises(IdentityError) as caught:
        read_identity(path, passphrase)
    return str(caught.value), time.process_time() - began


def test_a_wrong_passphrase_and_a_damaged_key_look_the_same(tmp_path: Path) -> None:
    path, text = tmp_path / "alice.identity", ENCRYPTED.decode()
    pem = json.loads(text)["private_key"]
    body = "".join(pem.splitlines()[1:-1])
    data = bytearray(b64decode(body))
    data[-1] ^= 1  # of the last block: the padding does not fit
    changed = b64encode(data).decode()
    lines = [changed[at : at + 64] for at in range(0, len(changed), 64)]
    damaged = "\n".join([pem.splitlines()[0], *lines, pem.splitlines()[-1], ""])
    cases = {
        "one letter": (text, "correct hors"),
        "another": (text, "x"),
        "damaged": (json.dumps({**json.loads(text), "private_key": damaged}), "correct horse"),
    }
    said, taken = set(), {}
    for name, (content, passphrase) in cases.items():
        path.write_text(content)
        tries = [opened_in(path, passphrase) for _ in range(5)]
        said |= {words for words, _ in tries}
        taken[name] = min(seconds for _, seconds in tries)
    assert len(said) == 1, said
    # All of it is the derivation, which is the same for each.
    assert max(taken.values()) < 1.5 * min(taken.values()), taken


def test_anybody_reads_the_card_and_nobody_the_key(tmp_path: Path) -> None:
    identity, path = Identity.generate("meter-1@grid"), tmp_path / "meter"
    write_identity(path, identity, "correct horse", kind="device", custodial=True)
    card = read_card(path)
    assert (card.member, card.kind, card.custodial) == ("meter-1@grid", "device", True)
    assert (card.key_type, card.encrypted) == ("ed25519", True)
    assert (card.public, card.key_id) == (identity.public, identity.key_id)
    data = path.read_bytes()
    for secret in (identity.seed, identity.seed.hex().encode(), b64encode(identity.seed)[:40]):
        assert secret not in data
    with pytest.raises(InvalidValue):
        write_identity(tmp_path / "x", identity, "correct horse", kind="robot")
    assert not (tmp_path / "x").exists()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not here")
def test_the_key_is_in_a_form_that_others_read(tmp_path: Path) -> None:
    identity, path = Identity("alice@north", SEED), tmp_path / "alice.identity"
    write_identity(path, identity, "correct horse")
    pem = tmp_path / "key.pem"
    pem.write_text(json.loads(path.read_text())["private_key"])
    asked = ["openssl", "pkey", "-in", str(pem), "-passin", "pass:correct horse"]
    told = subprocess.run([*asked, "-outform", "DER"], capture_output=True, check=True)
    assert told.stdout.endswith(SEED)


def other_pem() -> str:
    key = Ed25519PrivateKey.from_private_bytes(SEED)
    encryption = serialization.BestAvailableEncryption(b"correct horse")
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


def test_a_weaker_or_endless_derivation_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "alice.identity"
    write_identity(path, Identity("alice@north", SEED), "correct horse")
    content = json.loads(path.read_text())
    pem = content["private_key"]
    data = bytearray(b64decode("".join(pem.splitlines()[1:-1])))
    at = data.index(bytes.fromhex("02024000"))
    data[at : at + 4] = bytes.fromhex("02027fff")
    hard = "\n".join([pem.splitlines()[0], b64encode(data).decode(), pem.splitlines()[-1], ""])
    for changed in (other_pem(), hard, pem.replace("\n", "\r\n"), pem + pem):
        path.write_text(json.dumps({**content, "private_key": changed}))
        with pytest.raises(IdentityError) as caught:
            read_identity(path, "correct horse")
        assert code_of(caught) == "identity.malformed"


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_no_altered_byte_of_a_file_gives_another_key(data: st.DataObject) -> None:
    text = bytearray(ENCRYPTED)
    place = data.draw(st.integers(0, len(text) - 1))
    text[place] ^= data.draw(st.integers(1, 255))
    with TemporaryDirectory() as folder:
        path = Path(folder) / "alice.identity"
        path.write_bytes(text)
        # A name, a space between two fields: what is not the key may read as something else.
        with suppress(IdentityError):
            assert read_identity(path, "correct horse").seed == SEED


def test_only_a_development_key_is_written_plainly(tmp_path: Path) -> None:
    with pytest.raises(IdentityError) as caught:
        write_identity(tmp_path / "a", Identity.generate("alice@north"))
    assert code_of(caught) == "identity.passphrase_missing"
    assert list(tmp_path.iterdir()) == []
    identity, path = Identity.generate("alice@north", development=True), tmp_path / "dev"
    write_identity(path, identity)
    assert json.loads(path.read_text())["warning"] == DEVELOPMENT_WARNING
    assert is_development(path)
    assert identity_member(path) == "alice@north"
    assert read_identity(path).seed == identity.seed


def test_a_key_that_is_there_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "alice.identity"
    write_identity(path, Identity.generate("alice@north", development=True))
    before = path.read_bytes()
    with pytest.raises(IdentityError) as caught:
        write_identity(path, Identity.generate("alice@north", development=True))
    assert code_of(caught) == "identity.exists"
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["alice.identity"]  # noqa: PTH208 - hidden files too


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"format": "lianheng.identity.2"}, "identity.malformed"),
        ({"member": "Alice"}, "identity.malformed"),
        ({"public": "00" * 32}, "identity.malformed"),
        ({"public": "zz"}, "identity.malformed"),
        ({"kind": "robot"}, "identity.malformed"),
        ({"custodial": "yes"}, "identity.malformed"),
        ({"key_type": "ml-dsa-65"}, "identity.key_type"),
        ({"warning": "none"}, "identity.malformed"),
        ({"key_id": "00" * 32}, "identity.malformed"),
        ({"private_key": "no pem"}, "identity.malformed"),
        ({"extra": "field"}, "identity.malformed"),
        ({"member": 5}, "identity.malformed"),
    ],
)
def test_a_changed_file_is_named_and_refused(
    tmp_path: Path, change: dict[str, object], code: str
) -> None:
    path = tmp_path / "alice.identity"
    write_identity(path, Identity.generate("alice@north", development=True))
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(IdentityError) as caught:
        read_identity(path)
    assert code_of(caught) == code
    assert str(path) in caught.value.message


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"[" * 60_000, b"{" + b" " * 70_000, b"null"])
def test_files_that_are_no_identity_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "alice.identity"
    path.write_bytes(data)
    with pytest.raises(IdentityError) as caught:
        read_identity(path)
    assert code_of(caught) == "identity.malformed"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(IdentityError) as caught:
        read_identity(tmp_path / "none.identity")
    assert code_of(caught) == "identity.missing"


def test_a_passphrase_comes_from_file_then_variable_then_prompt(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("from file\n")
    environment = {"LIANHENG_PASSPHRASE": "from variable"}

    def prompt() -> str:
        return "from prompt"

    assert passphrase_from(file, environment, prompt) == b"from file"
    assert passphrase_from(None, environment, prompt) == b"from variable"
    assert passphrase_from(None, {}, prompt) is prompt
    with pytest.raises(IdentityError):
        passphrase_from(tmp_path / "none", environment, prompt)


def test_a_signature_is_bound_to_its_external_data() -> None:
    identity = Identity("alice@north", SEED)
    signed = identity.sign(b"payload", b"chain one")
    assert _native.cose_verify(signed, [identity.public], b"chain one") == b"payload"
    with pytest.raises(_native.NativeError):
        _native.cose_verify(signed, [identity.public], b"chain two")
