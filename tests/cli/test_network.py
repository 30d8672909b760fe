"""A network's folder, what it bears, its logs and votes; without any node."""

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.cli.conftest import Cli

from lianheng.cli import _logs, _network, _quorum
from lianheng.cli._network import NetworkFolder, create_network, free_ports
from lianheng.consensus.cometbft.settings import read_settings
from lianheng.members import identity_member
from lianheng.model import GenesisFile, NotFound, UsageError

ORGANISATIONS = ("bank-a", "bank-b", "hospital", "grid")


def test_each_organisation_gets_a_home_with_its_own_keys_only(cli: Cli, tmp_path: Path) -> None:
    made = cli("network", "new", str(tmp_path / "net"), "--chain", "trade", "--json")
    assert made.code == 0
    network = NetworkFolder.read(tmp_path / "net")
    assert network.nodes == ORGANISATIONS
    assert {path.name for path in network.path.iterdir()} == {*ORGANISATIONS, "network.toml"}
    assert [node["members"] for node in made.json["nodes"]] == [
        ["alice@bank-a"],
        ["bob@bank-b"],
        ["carol@hospital"],
        ["dan@grid"],
    ]
    files = {home.genesis_file.read_bytes() for home in network.homes}
    assert len(files) == 1
    genesis = GenesisFile.from_bytes(files.pop())
    assert network.genesis == made.json["genesis"] == genesis.hash.hex()
    assert genesis.document.sealers[1] == "cometbft"
    assert len(genesis.document.sealers[2]) == 4
    for home in network.homes:
        own = {identity_member(file) for file in home.path.rglob("*.identity")}
        assert {member.partition("@")[2] for member in own} == {home.path.name}
        assert f"node-1@{home.path.name}" in own
        for file in home.path.rglob("*.identity"):
            assert file.stat().st_mode & 0o077 == 0
        assert home.path.stat().st_mode & 0o077 == 0


def test_nodes_name_each_other_and_no_port_twice(tmp_path: Path) -> None:
    network, _ = create_network(tmp_path / "net", organisations=ORGANISATIONS, chain="trade")
    settings = [read_settings(home.path / "lianheng.toml") for home in network.homes]
    addresses = {str(each.listen) for each in settings}
    assert len(addresses) == 4
    for each in settings:
        assert {str(peer.address) for peer in each.peers} == addresses - {str(each.listen)}
        assert set(each.siblings) == {
            home.path.resolve() for home in network.homes if home.path.resolve() != each.folder
        }


@pytest.mark.parametrize(
    ("orgs", "told"),
    [
        ("a", "1 validator: no other keeps the chain going, or honest"),
        ("a,b,c", "3 validators: all must vote, the loss of any one stops the chain"),
        ("a,b,c,d", "4 validators: any one may be lost, 3 must vote"),
    ],
)
def test_it_says_what_the_network_bears(cli: Cli, tmp_path: Path, orgs: str, told: str) -> None:
    made = cli("network", "new", str(tmp_path / "net"), "--orgs", orgs)
    assert made.code == 0
    assert told in made.out
    assert "UNENCRYPTED" in made.out
    assert f"lianheng network up {tmp_path / 'net'}" in made.out


@pytest.mark.parametrize(
    ("orgs", "code"),
    [
        ("", "home.organisations"),
        ("a,a", "home.organisations"),
        ("a,B", "name.malformed"),
        ("a,../b", "name.malformed"),
        (",".join(f"o{n}" for n in range(17)), "network.too_many"),
    ],
)
def test_what_cannot_be_leaves_nothing(cli: Cli, tmp_path: Path, orgs: str, code: str) -> None:
    ran = cli("network", "new", str(tmp_path / "net"), "--orgs", orgs)
    assert ran.code == 2
    assert code in ran.err
    assert list(tmp_path.iterdir()) == []


def test_a_half_made_network_does_not_stay(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "there"
    there.mkdir()
    (there / "mine").write_text("kept")

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_network, "write_all_settings", fail)
    for folder in (tmp_path / "net", there):
        assert cli("network", "new", str(folder)).code == 1
    assert [path.name for path in tmp_path.iterdir()] == ["there"]
    assert [path.name for path in there.iterdir()] == ["mine"]


def test_a_move_that_fails_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = Path.rename

    def fail(self: Path, target: Path) -> Path:
        if target.name == "hospital":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Input/output"):
        create_network(tmp_path / "net", organisations=ORGANISATIONS, chain="trade")
    assert list(tmp_path.iterdir()) == []


def test_a_contract_of_the_genesis_is_checked_first(cli: Cli, tmp_path: Path) -> None:
    bad = tmp_path / "bad.py"
    bad.write_text("from lianheng.contract import Contract\nx = 1.5\n", encoding="utf-8")
    ran = cli("network", "new", str(tmp_path / "net"), "--contracts", str(bad))
    assert ran.code == 1
    assert "bad.py:2" in ran.out
    assert not (tmp_path / "net").exists()


def test_a_network_is_not_made_twice(cli: Cli, tmp_path: Path) -> None:
    assert cli("network", "new", str(tmp_path), "--orgs", "a").code == 0
    for orgs in ("a", "b"):
        again = cli("network", "new", str(tmp_path), "--orgs", orgs)
        assert again.code == 2
        assert "home.exists" in again.err


@pytest.mark.parametrize(
    "text", ["", "chain = 1", 'chain = "c"\ngenesis = "00"\nnodes = ["a"]', "nodes = [", "\0"]
)
def test_a_damaged_file_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "network.toml").write_text(text)
    with pytest.raises(UsageError) as caught:
        NetworkFolder.read(tmp_path)
    assert caught.value.code == "network.malformed"
    assert "network.toml" in caught.value.message


def test_a_folder_without_a_network_says_how_to_make_one(cli: Cli, tmp_path: Path) -> None:
    for command in ("up", "down", "status", "logs"):
        ran = cli("network", command, str(tmp_path))
        assert ran.code == 2
        assert "network.not_found" in ran.err
        assert "lianheng network new" in ran.err
    with pytest.raises(NotFound):
        NetworkFolder.read(tmp_path)


def test_ports_that_are_taken_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    first = free_ports(1)[0]
    with socket.socket() as taken:
        taken.bind((_network.LOOPBACK, first))
        monkeypatch.setattr(_network, "PORTS", range(first, first + 1))
        with pytest.raises(UsageError) as caught:
            free_ports(1)
    assert caught.value.code == "network.no_ports"
    assert free_ports(1) == [first]


@given(st.integers(1, 200), st.data())
def test_as_many_may_be_lost_as_leave_more_than_two_thirds(of: int, data: st.DataObject) -> None:
    votes = data.draw(st.integers(0, of))
    spare = _quorum.losable(votes, of)
    assert _quorum.enough(votes, of) == (spare >= 0)
    if spare >= 0:
        assert _quorum.enough(votes - spare, of)
        assert not _quorum.enough(votes - spare - 1, of)
    else:
        assert _quorum.enough(votes - spare, of)
        assert not _quorum.enough(votes - spare - 1, of)


@pytest.mark.parametrize(
    ("votes", "of", "words"),
    [
        (4, 4, "4 of 4 vote: the chain goes on, also without any one of them"),
        (3, 4, "3 of 4 vote: the chain goes on. One more loss stops it."),
        (2, 4, "2 of 4 vote: the chain stands still until one more does."),
        (0, 4, "0 of 4 vote: the chain stands still until three more do."),
        (1, 1, "1 of 1 votes: the chain goes on while all of them do."),
        (7, 7, "7 of 7 vote: the chain goes on, also without any two of them"),
    ],
)
def test_the_standing_in_words(votes: int, of: int, words: str) -> None:
    assert _quorum.sentence(votes, of).startswith(words)


def line(event: str, second: int) -> str:
    return json.dumps({"timestamp": f"2026-01-01T00:00:{second:02}.5Z", "event": event})


def test_lines_of_several_files_stand_in_the_order_of_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    node, comet = tmp_path / "node.log", tmp_path / "comet.log"
    node.write_text(
        "\n".join([line("one", 1), line("four", 4), "Traceback", line("six", 6)]) + "\n"
    )
    comet.write_text(
        "I[2026-01-01|00:00:02.000] two   module=x\nE[2026-01-01|00:00:03.000] three\n"
        "E[2026-01-01|00:00:05.000] five\nhalf a li"
    )
    files = {"a node ": node, "a comet": comet, "b node ": tmp_path / "none.log"}
    found, places = _logs.last_lines(files, 6)
    words = ("two", "three", "four", "Traceback", "five", "six")
    assert len(found) == len(words)
    for text, word in zip(found, words, strict=True):
        assert word in text
    with comet.open("a") as stream:
        stream.write("ne\n")
    following = _logs.follow_lines(files, places)
    assert next(following) == "a comet  half a line"
    comet.write_text("anew\n")
    assert next(following) == "a comet  anew"


def test_only_the_last_lines_of_a_long_log_are_read(tmp_path: Path) -> None:
    file = tmp_path / "comet.log"
    file.write_text("".join(f"line {n}\n" for n in range(10_000)) + "x" * 5_000 + "\n")
    lines, place = _logs.tail(file, 2)
    assert place == file.stat().st_size
    assert len(lines) <= 2
    lines, _ = _logs.tail(file, 20)
    assert lines[-2] == "line 9999"


def test_what_a_plain_command_loads_is_not_consensus(tmp_path: Path, cli: Cli) -> None:
    assert cli("init", "--dev", str(tmp_path)).code == 0
    program = (
        "import sys; from lianheng.cli.app import run;"
        f"assert run(['status', '--home', {str(tmp_path)!r}]) == 0;"
        "heavy = [m for m in sys.modules if m.startswith('lianheng.consensus.cometbft.')"
        " or m in ('http.client', 'httpx')];"
        "print(heavy)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "[]"
