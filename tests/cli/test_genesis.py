"""Organisations begin a chain with the commands, each in a folder of its own."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli
from tests.secrets import holds, secrets_of, seen, views_of

from lianheng.consensus.cometbft.settings import read_settings
from lianheng.members import Arrival
from lianheng.members.ceremony import Ceremony
from lianheng.model import GenesisFile, IdentityError

NAMES = ("a", "b", "c", "d")
CONTRACT = (Path(__file__).parents[1] / "contracts" / "toolshed.py").resolve()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def begin(cli: Cli, *more: str) -> None:
    made = cli("genesis", "new", "trade", "--orgs", ",".join(NAMES), "-o", "g.cbor", *more)
    assert made.code == 0, made.err


def join(cli: Cli, name: str, file: str = "g.cbor", *more: str) -> None:
    number = NAMES.index(name)
    address = f"127.0.0.1:{26_000 + number}"
    ran = cli(
        *("genesis", "join", file, "--org", name, "--home", name, "--dev"),
        *("--address", address, "--member", "alice=operator", *more),
    )
    assert ran.code == 0, ran.err


def ceremony(cli: Cli) -> None:
    begin(cli, "--contract", str(CONTRACT), "--policy", "contracts.deploy=3/4 role:admin")
    for name in NAMES:
        join(cli, name)
    for name in NAMES:
        assert cli("genesis", "sign", "g.cbor", "--home", name).code == 0


def test_four_organisations_begin_one_chain(cli: Cli, place: Path) -> None:
    ceremony(cli)
    fingerprints = set()
    for name in NAMES:
        done = cli("genesis", "finish", "g.cbor", "--home", name)
        assert done.code == 0, done.err
        assert "4 of 4 signed one document" in done.out
        fingerprints |= {line for line in done.out.splitlines() if "by phone" in line}
    assert len(fingerprints) == 1
    files = {(place / name / "genesis.cbor").read_bytes() for name in NAMES}
    assert len(files) == 1
    genesis = GenesisFile.from_bytes(files.pop())
    assert {c["name"] for c in genesis.document.contracts} >= {"members", "toolshed"}
    assert genesis.document.policies == {"contracts.deploy": "3/4 role:admin"}
    for number, name in enumerate(NAMES):
        settings = read_settings(place / name / "lianheng.toml")
        assert (settings.genesis, str(settings.listen)) == (
            genesis.hash,
            f"127.0.0.1:{26_000 + number}",
        )
        assert len(settings.peers) == 3
        assert cli("status", "--home", name, "--json").json["height"] == 0
        assert not list((place / name).glob(".lianheng-*"))
    assert cli("genesis", "finish", "g.cbor", "-o", "genesis.cbor").code == 0
    assert (place / "genesis.cbor").read_bytes() == genesis.encoded
    again = cli("genesis", "finish", "g.cbor", "--home", "a")
    assert (again.code, "home.exists" in again.err) == (2, True)


def test_no_key_leaves_its_home(cli: Cli, place: Path) -> None:
    ceremony(cli)
    for name in NAMES:
        assert cli("genesis", "finish", "g.cbor", "--home", name).code == 0
    files = {
        file.relative_to(place): list(views_of(file.read_bytes()))
        for file in place.rglob("*")
        if file.is_file()
    }
    for name in NAMES:
        own = [view for path, views in files.items() if path.parts[0] == name for view in views]
        others = [view for path, views in files.items() if path.parts[0] != name for view in views]
        secrets = secrets_of(place / name)
        assert (len(secrets), len(others) > 20) == (4, True)
        assert all(seen(own, secret) for secret in secrets), "the search finds what is there"
        assert not any(seen(others, secret) for secret in secrets)


def test_show_tells_what_one_signs(cli: Cli, place: Path) -> None:
    assert place.is_dir()
    begin(cli, "--contract", str(CONTRACT), "--role", "checker=organisation")
    join(cli, "b", "g.cbor", "--title", "Bank B", "--lei", "5493001KJTIIGC8Y1R12")
    shown = cli("genesis", "show", "g.cbor").out
    for text in ("Bank B", "5493001KJTIIGC8Y1R12", "has not joined", "checker", "toolshed"):
        assert text in shown
    assert shown.count("of this program") == 4
    assert "by phone" not in shown, "there is nothing to compare before all have joined"
    fields = cli("genesis", "show", "g.cbor", "--json").json
    assert fields["missing"] == ["a", "c", "d"]
    assert {each["name"] for each in fields["contracts"]} >= {"toolshed", "governance"}
    assert cli("genesis", "show", "g.cbor", "--source", "toolshed").out == CONTRACT.read_text()
    assert cli("genesis", "show", "g.cbor", "--source", "none").code == 2


def test_copies_that_went_around_in_parallel_are_merged(cli: Cli, place: Path) -> None:
    begin(cli)
    for name in NAMES[1:]:
        shutil.copy(place / "g.cbor", place / f"{name}.cbor")
        join(cli, name, f"{name}.cbor")
    assert cli("genesis", "merge", "g.cbor", "b.cbor", "c.cbor").code == 0
    join(cli, "a", "g.cbor", "--merge", "d.cbor")
    assert Ceremony.from_bytes((place / "g.cbor").read_bytes()).missing == []


def test_joining_again_uses_the_same_keys(cli: Cli, place: Path) -> None:
    begin(cli)
    join(cli, "a")
    before = (place / "g.cbor").read_bytes()
    join(cli, "a")
    assert (place / "g.cbor").read_bytes() == before
    moved = ("genesis", "join", "g.cbor", "--org", "a", "--home", "a", "--address", "x.example:1")
    refused = cli(*moved)
    assert "ceremony.two_parts" in refused.err
    assert cli(*moved, "--replace").code == 0
    part = Ceremony.from_bytes((place / "g.cbor").read_bytes()).parts
    assert [each.node.address for each in part.values()] == ["x.example:1"]


def test_who_joins_in_anothers_name_is_found_when_that_one_signs(cli: Cli, place: Path) -> None:
    begin(cli)
    for name in NAMES:
        join(cli, name)
    shutil.move(place / "a", place / "true-a")
    fresh = ("genesis", "new", "trade", "--orgs", "a,b,c,d", "-o", "h.cbor")
    assert cli(*fresh).code == 0
    # The thief has all that went around, and puts keys of its own into a's place.
    join(cli, "a", "g.cbor", "--replace")
    for name in NAMES[1:]:
        assert cli("genesis", "sign", "g.cbor", "--home", name).code == 0
    for command in (("sign", "g.cbor"), ("finish", "g.cbor")):
        ran = cli("genesis", *command, "--home", "true-a")
        assert ran.code != 0
        assert "ceremony." in ran.err
    assert "ceremony.part_replaced" in cli("genesis", "sign", "g.cbor", "--home", "true-a").err
    assert not (place / "true-a/lianheng.toml").exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("new", "trade", "--orgs", "a,a", "-o", "x"), "ceremony.organisations"),
        (("new", "trade", "--orgs", "a,B", "-o", "x"), "name.malformed"),
        (("new", "trade", "--orgs", "a", "-o", "g.cbor"), "ceremony.exists"),
        (("new", "trade", "--orgs", "a", "-o", "x", "--policy", "x.y=MOST"), "ceremony.policy"),
        (("new", "trade", "--orgs", "a", "-o", "x", "--parameter", "a=1"), "genesis.parameter"),
        (("new", "trade", "--orgs", "a", "-o", "x", "--parameter", "block_gas=x"), "value."),
        (("new", "trade", "--orgs", "a", "-o", "x", "--parameter", "block_gas=0"), "genesis."),
        (("new", "trade", "--orgs", "a", "-o", "x", "--role", "r=me"), "ceremony.role"),
        (("join", "none.cbor", "--org", "a"), "ceremony.not_found"),
        (("join", "g.cbor", "--org", "z", "--dev", "--home", "z"), "ceremony.not_a_party"),
        (("join", "g.cbor", "--org", "a", "--dev", "--home", "z", "--lei", "1"), "genesis."),
        (("join", "g.cbor", "--org", "a", "--dev", "--home", "z", "--address", "x"), "value."),
        (
            ("join", "g.cbor", "--org", "a", "--dev", "--home", "z", "--member", "x=king"),
            "ceremony.role_unknown",
        ),
        (
            ("join", "g.cbor", "--org", "a", "--dev", "--home", "z", "--member", "node-1="),
            "ceremony.node_name",
        ),
        (("sign", "g.cbor", "--home", "z"), "ceremony.no_home"),
        (("sign", "g.cbor", "--home", "b"), "ceremony.not_joined"),
        (("finish", "g.cbor", "--home", "b"), "ceremony.not_joined"),
        (("show", "secret"), "ceremony.malformed"),
    ],
)
def test_what_cannot_be_is_named_and_changes_nothing(
    cli: Cli, place: Path, arguments: tuple[str, ...], code: str
) -> None:
    begin(cli)
    join(cli, "b")
    (place / "secret").write_text("x")
    before = (place / "g.cbor").read_bytes()
    ran = cli("genesis", *arguments)
    assert ran.code != 0
    assert code in ran.err, ran.err
    assert (place / "g.cbor").read_bytes() == before
    assert (
        not list(place.rglob("*.identity"))
        or not (place / "z").exists()
        or not list((place / "z").rglob("*.identity"))
    )
    assert not (place / "x").exists()


def test_keys_are_encrypted_but_where_it_is_said(
    cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(cli)
    monkeypatch.setenv("LIANHENG_PASSPHRASE", "correct horse")
    assert cli("genesis", "join", "g.cbor", "--org", "a", "--home", "a").code == 0
    open_node = ("--member", "alice=operator", "--open-node")
    assert cli("genesis", "join", "g.cbor", "--org", "b", "--home", "b", *open_node).code == 0
    said = {
        str(file.relative_to(place)): cli("identity", "show", str(file), "--json").json["encrypted"]
        for file in place.rglob("*.identity")
    }
    assert said == {
        "a/identities/admin@a.identity": True,
        "a/node.identity": True,
        "b/identities/admin@b.identity": True,
        "b/identities/alice@b.identity": True,
        "b/node.identity": False,
    }


def test_other_system_contracts_are_not_joined(
    cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(cli)
    from lianheng import system

    true = system.contracts()
    false = [each.__class__(each.name, each.file, each.source + "\n") for each in true]
    monkeypatch.setattr(system, "contracts", lambda: false)
    ran = cli("genesis", "join", "g.cbor", "--org", "a", "--home", "a", "--dev")
    assert "ceremony.system_contracts" in ran.err
    assert "NOT the one of this program" in cli("genesis", "show", "g.cbor").out
    assert not (place / "a").exists()


def test_init_plays_a_ceremony_on_one_machine(cli: Cli, place: Path) -> None:
    made = cli("init", "net", "--validators", "--dev", "--orgs", "a,b,c,d", "--json")
    assert made.code == 0
    assert made.json["unsigned"] == []
    assert {path.name for path in (place / "net").iterdir()} == {
        *NAMES,
        "network.toml",
        "ceremony.cbor",
    }
    shown = cli("genesis", "show", "net/ceremony.cbor", "--json").json
    assert shown["fingerprint"] == made.json["fingerprint"]
    for name in NAMES:
        settings = read_settings(place / "net" / name / "lianheng.toml")
        assert settings.genesis.hex() == made.json["genesis"]
        assert all((sibling / "lianheng.toml").is_file() for sibling in settings.siblings)
    assert (
        "network.too_many"
        in cli(
            "init", "many", "--validators", "--dev", "--orgs", ",".join(f"o{n}" for n in range(17))
        ).err
    )
    assert not (place / "many").exists()


def test_a_ceremony_that_fails_leaves_nothing(
    cli: Cli, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lianheng.cli import _local

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_local, "finish_home", fail)
    assert cli("init", "net", "--validators", "--dev", "--orgs", "a,b").code == 1
    assert list(place.iterdir()) == []


def test_an_organisation_that_comes_later_makes_its_keys_at_home(cli: Cli, place: Path) -> None:
    follow = ("genesis", "follow", "g.cbor", "--org", "mill", "--dev", "--home", "mill")
    begin(cli)
    for name in NAMES:
        join(cli, name)
    unsigned = cli(*follow, "-o", "mill.json")
    assert "ceremony.not_signed" in unsigned.err
    assert not (place / "mill").exists()
    for name in NAMES:
        assert cli("genesis", "sign", "g.cbor", "--home", name).code == 0
    party = cli("genesis", "follow", "g.cbor", "--org", "a", "--dev", "--home", "x", "-o", "a.json")
    assert "ceremony.a_party" in party.err
    assert cli(*follow, "-o", "mill.json", "--title", "The Mill").code == 0
    again = cli(*follow, "-o", "again.json")
    assert "home.exists" in again.err
    assert not (place / "again.json").exists()
    settings = read_settings(place / "mill" / "lianheng.toml")
    assert [str(peer.address) for peer in settings.peers] == [
        f"127.0.0.1:{26_000 + n}" for n in range(4)
    ]
    data = (place / "mill.json").read_bytes()
    secrets = secrets_of(place / "mill")
    assert len(secrets) == 3
    assert not any(holds([data, (place / "g.cbor").read_bytes()], secret) for secret in secrets)
    assert Arrival.from_bytes(data).encoded == data
    fields = json.loads(data)
    other = {**fields["node"], "member": "node-1@b"}
    changes: list[dict[str, Any]] = [
        {"title": 1},
        {"format": "lianheng.organisation.2"},
        {"admin": fields["node"] | {"member": "admin@mill"}},
        {"node": fields["admin"]},
        {"node": other},
        {"more": ""},
        {"admin": []},
    ]
    for change in changes:
        with pytest.raises(IdentityError):
            Arrival.from_bytes(json.dumps(fields | change).encode())
