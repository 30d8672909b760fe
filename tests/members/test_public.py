"""The public part of an identity: what is read, and what is not believed."""

import json
from pathlib import Path
from typing import Any

import pytest

from lianheng.members import Identity, PublicIdentity, read_public_identity
from lianheng.model import IdentityError

ALICE = Identity.generate("alice@north", development=True)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "alice.json"
    path.write_text(PublicIdentity.of(ALICE, "trade").to_json())
    return path


def test_it_is_read_as_it_was_written(file: Path) -> None:
    found = read_public_identity(file)
    assert found == PublicIdentity.of(ALICE, "trade")
    assert found.key_id == ALICE.key_id
    assert ALICE.seed.hex() not in file.read_text()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"member": "bob@north"}, "identity.possession"),
        ({"chain": "other"}, "identity.possession"),
        ({"possession": "00" * 64}, "identity.possession"),
        ({"possession": "00"}, "identity.possession"),
        ({"public": "00"}, "identity.malformed"),
        ({"public": Identity.generate("a@b").public.hex()}, "identity.malformed"),
        ({"member": "Alice"}, "identity.malformed"),
        ({"key_type": "RSA"}, "identity.malformed"),
        ({"format": "other"}, "identity.malformed"),
        ({"public": None}, "identity.malformed"),
        ({"possession": "zz"}, "identity.malformed"),
    ],
)
def test_what_was_altered_is_refused(file: Path, change: dict[str, Any], code: str) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(IdentityError) as caught:
        read_public_identity(file)
    assert caught.value.code == code


@pytest.mark.parametrize("text", ["", "[]", "1", '"x"', "{", "[" * 50_000, "{}", "x" * 100_000])
def test_no_such_file_is_a_sentence(file: Path, text: str) -> None:
    file.write_text(text)
    with pytest.raises(IdentityError) as caught:
        read_public_identity(file)
    assert caught.value.code == "identity.malformed"


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(IdentityError) as caught:
        read_public_identity(tmp_path / "none.json")
    assert caught.value.code == "identity.unreadable"
