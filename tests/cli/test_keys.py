"""Keys are encrypted unless for development, and a passphrase never stands on a command line."""

from pathlib import Path

import pytest
from tests.cli.conftest import Cli

SECRET = "correct horse battery staple"


@pytest.fixture
def encrypted(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret").write_text(SECRET + "\n")
    made = cli("init", "--orgs", "north", "--passphrase-file", "secret")
    assert made.code == 0
    assert "encrypted keys" in made.out
    return tmp_path


def test_no_key_lies_open(cli: Cli, encrypted: Path) -> None:
    files = list(encrypted.rglob("*.identity"))
    assert len(files) == 2
    for file in files:
        text = file.read_text()
        assert "ENCRYPTED" in text
        assert "UNENCRYPTED" not in text
        assert file.stat().st_mode & 0o077 == 0
    assert "all encrypted" in cli("doctor").out


def test_development_keys_say_what_they_are(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "UNENCRYPTED development keys" in cli("init", "--dev").out
    for file in tmp_path.rglob("*.identity"):
        assert "UNENCRYPTED development key" in file.read_text()
    assert "UNENCRYPTED" in cli("doctor").out


def test_reading_needs_no_passphrase(cli: Cli, encrypted: Path) -> None:
    assert encrypted.is_dir()
    assert cli("status", "--json").json["height"] == 0


def test_without_a_passphrase_nothing_is_signed(cli: Cli, encrypted: Path) -> None:
    assert encrypted.is_dir()
    ran = cli("call", "contracts.deploy", "name=x")
    assert ran.code == 2
    assert "identity.no_passphrase" in ran.err
    assert "--passphrase-file" in ran.err


def test_a_wrong_passphrase_gives_no_hint(
    cli: Cli, encrypted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert encrypted.is_dir()
    monkeypatch.setenv("LIANHENG_PASSPHRASE", SECRET[:-1])
    ran = cli("call", "contracts.deploy", "name=x")
    assert ran.code == 1
    assert "identity.locked" in ran.err
    assert SECRET[:5] not in ran.err


def test_a_node_starts_with_the_passphrase_of_the_environment(
    cli: Cli, encrypted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert encrypted.is_dir()
    monkeypatch.setenv("LIANHENG_PASSPHRASE", SECRET)
    assert cli("up", "--detach").code == 0
    try:
        assert cli("status", "--json").json["node"]["pid"] > 0
    finally:
        assert cli("down").code == 0


def test_a_new_passphrase_is_asked_twice(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    answers = iter(["one", "other", "same", "same"])
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    ran = cli("init")
    assert ran.code == 2
    assert "the two passphrases differ" in ran.err
    assert not list(tmp_path.iterdir())
    assert cli("init").code == 0


def test_there_is_no_option_for_a_passphrase(cli: Cli, tmp_path: Path) -> None:
    assert cli("init", str(tmp_path), "--passphrase", SECRET).code == 2
