"""A member's key in a file: made, shown, moved, and its public part handed to an admin."""

import json
from base64 import b64encode
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from lianheng.members import read_identity

SECRET, OTHER = "correct horse battery staple", "another one"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text(SECRET + "\n")
    (tmp_path / "other").write_text(OTHER + "\n")
    return tmp_path


def make(cli: Cli, *more: str, output: str = "alice.identity") -> None:
    made = cli(
        "identity", "new", "alice@bank-a", "-o", output, "--passphrase-file", "secret", *more
    )
    assert made.code == 0, made.err


def test_anybody_may_read_whose_key_it_is(cli: Cli, place: Path) -> None:
    make(cli, "--kind", "service", "--custodial")
    file = place / "alice.identity"
    assert file.stat().st_mode & 0o777 == 0o600
    shown = cli("identity", "show", "alice.identity")
    for text in ("alice@bank-a", "service", "custodial", "ed25519", "encrypted"):
        assert text in shown.out
    fields = cli("identity", "show", "alice.identity", "--json").json
    identity = read_identity(file, SECRET)
    assert fields["key_id"] == identity.key_id.hex()
    assert fields["public"] == identity.public.hex()
    assert fields["encrypted"] is True
    seed = identity.seed
    for form in (seed.hex(), b64encode(seed).decode()):
        assert form not in shown.out + file.read_text()


def test_a_development_key_says_so(cli: Cli, place: Path) -> None:
    assert place.is_dir()
    assert cli("identity", "new", "alice@bank-a", "--dev", "-o", "a.identity").code == 0
    assert "UNENCRYPTED" in cli("identity", "show", "a.identity").out


@pytest.mark.parametrize(
    ("arguments", "code", "exit_code"),
    [
        (("new", "Alice@bank-a", "-o", "x"), "name.malformed", 2),
        (("new", "alice", "-o", "x"), "name.malformed", 2),
        (("new", "alice@bank-a", "--kind", "robot", "-o", "x"), "identity.kind", 2),
        (("new", "alice@bank-a", "-o", "alice.identity"), "identity.exists", 1),
        (("show", "none"), "file.not_found", 1),
        (("show", "secret"), "identity.malformed", 1),
        (("export", "alice.identity", "--public", "-o", "x"), "usage.public", 2),
        (("export", "alice.identity", "--chain", "trade", "-o", "x"), "usage.public", 2),
        (
            ("export", "alice.identity", "--public", "--chain", "Trade", "-o", "x"),
            "name.malformed",
            2,
        ),
        (("export", "alice.identity", "-o", "alice.identity"), "identity.exists", 1),
        (("import", "alice.identity"), "home.not_found", 2),
    ],
)
def test_what_cannot_be_is_named_and_leaves_nothing(
    cli: Cli, place: Path, arguments: tuple[str, ...], code: str, exit_code: int
) -> None:
    make(cli)
    before = sorted(path.name for path in place.iterdir())
    given = () if arguments[0] == "show" else ("--passphrase-file", "secret")
    ran = cli("identity", *arguments, *given)
    assert (code in ran.err, ran.code) == (True, exit_code), ran.err
    assert sorted(path.name for path in place.iterdir()) == before


def test_a_wrong_passphrase_says_the_same_as_none(
    cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(cli)
    said = []
    for wrong in (SECRET[:-1], SECRET + "x", "y"):
        monkeypatch.setenv("LIANHENG_PASSPHRASE", wrong)
        ran = cli("identity", "export", "alice.identity", "--public", "--chain", "c", "-o", "x")
        assert ran.code == 1
        said.append(ran.err)
    assert len(set(said)) == 1
    assert "identity.locked" in said[0]
    assert not (place / "x").exists()


def test_a_key_moves_under_another_passphrase(cli: Cli, place: Path) -> None:
    make(cli, "--kind", "device")
    given = ("--passphrase-file", "secret", "--new-passphrase-file", "other")
    assert cli("identity", "export", "alice.identity", "-o", "copy.identity", *given).code == 0
    assert cli("init", "--dev", "--orgs", "bank-a", "home").code == 0
    back = ("--passphrase-file", "other", "--new-passphrase-file", "secret")
    taken = cli("identity", "import", "copy.identity", "--home", "home", *back)
    assert taken.code == 1, "the home has a key of alice@bank-a already"
    assert "identity.exists" in taken.err
    (place / "home/identities/alice@bank-a.identity").unlink()
    assert cli("identity", "import", "copy.identity", "--home", "home", *back).code == 0
    seeds = {
        read_identity(place / "alice.identity", SECRET).seed,
        read_identity(place / "copy.identity", OTHER).seed,
        read_identity(place / "home/identities/alice@bank-a.identity", SECRET).seed,
    }
    assert len(seeds) == 1
    assert cli("identity", "show", "copy.identity", "--json").json["kind"] == "device"


def test_the_public_part_takes_a_member_in(cli: Cli, place: Path) -> None:
    assert cli("init", "--dev", "--orgs", "north", "home").code == 0
    assert cli("identity", "new", "dora@north", "--dev", "-o", "dora.identity").code == 0
    exported = cli(
        "identity", "export", "dora.identity", "--public", "--chain", "main", "-o", "d.json"
    )
    assert exported.code == 0
    seed = read_identity(place / "dora.identity").seed
    text = (place / "d.json").read_text()
    assert seed.hex() not in text
    assert b64encode(seed).decode()[:40] not in text
    shown = cli("identity", "show", "d.json")
    command = next(line for line in shown.out.splitlines() if "take it in" in line)
    arguments = command.partition("lianheng ")[2].replace("'", "").split()
    taken = cli(*arguments, "--home", "home", "--as", "alice@north", "--json")
    assert taken.code == 0, taken.out
    assert taken.json["value"]["id"] == "dora@north"


def test_a_public_part_that_was_changed_is_refused(cli: Cli, place: Path) -> None:
    assert cli("identity", "new", "dora@north", "--dev", "-o", "dora.identity").code == 0
    export = ("identity", "export", "dora.identity", "--public", "--chain", "main", "-o", "d.json")
    assert cli(*export).code == 0
    fields = json.loads((place / "d.json").read_text())
    for change in (
        {"member": "eve@north"},
        {"chain": "other"},
        {"possession": "00" * 64},
        {"public": "00" * 32},
        {"key_id": "00" * 32},
        {"key_type": "ml-dsa-65"},
        {"possession": ""},
        {"extra": "x"},
    ):
        (place / "d.json").write_text(json.dumps({**fields, **change}, indent=2))
        ran = cli("identity", "show", "d.json")
        assert ran.code == 1, change
        assert "identity." in ran.err
