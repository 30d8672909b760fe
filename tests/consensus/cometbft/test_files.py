"""CometBFT's home: derived, checked, never forgetting what was signed."""

import base64
import json
import os
import stat
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from tests.consensus.cometbft.comet import (
    ORGANISATIONS,
    TIME_MS,
    ValidatorHome,
    joined,
    lone_home,
    make_genesis,
    node_identity,
    real_binary,
)
from tests.rooms import genesis as solo_genesis
from tests.rooms import people

from lianheng._native import Engine
from lianheng.consensus.cometbft import files
from lianheng.consensus.cometbft.files import (
    CometSockets,
    chain_id,
    genesis_json,
    make_node_key,
    node_id,
    rfc3339,
)
from lianheng.members import Identity
from lianheng.model import (
    GenesisFile,
    LianhengError,
    MemberId,
    Milliseconds,
    UsageError,
    limits,
    validator_address,
)


def four_homes(folder: Path) -> list[ValidatorHome]:
    identities = [node_identity(number) for number in range(4)]
    genesis = make_genesis(identities)
    return joined(
        [
            ValidatorHome.make(folder / name, genesis, identity)
            for name, identity in zip(ORGANISATIONS, identities, strict=True)
        ]
    )


def test_genesis_is_the_same_on_all_nodes(tmp_path: Path) -> None:
    homes = four_homes(tmp_path)
    for home in homes:
        home.write()
    made = {(home.comet / files.GENESIS).read_bytes() for home in homes}
    assert len(made) == 1
    fields = json.loads(made.pop())
    genesis = homes[0].genesis
    assert fields["chain_id"] == genesis.hash.hex()[:48] == chain_id(genesis.hash)
    assert fields["app_hash"] == genesis.hash.hex().upper()
    assert fields["app_state"] == {"genesis": genesis.hash.hex()}
    assert fields["genesis_time"] == rfc3339(Milliseconds(TIME_MS)) == "2026-11-18T11:06:40.25Z"
    keys = [base64.b64decode(each["pub_key"]["value"]) for each in fields["validators"]]
    assert set(keys) == {home.identity.public for home in homes}
    addresses = [each["address"] for each in fields["validators"]]
    assert addresses == [validator_address(key).hex().upper() for key in keys] == sorted(addresses)
    assert {each["power"] for each in fields["validators"]} == {"1"}
    assert fields["consensus_params"]["block"] == {"max_bytes": "-1", "max_gas": "-1"}


def test_configuration_is_written_anew(tmp_path: Path) -> None:
    home = four_homes(tmp_path)[0]
    home.write(application=None)
    file = home.comet / files.CONFIGURATION
    text = file.read_text()
    assert text.splitlines()[0].startswith("# Written anew at each start")
    fields = tomllib.loads(text)
    assert fields["proxy_app"] == f"unix://{home.settings.folder}/abci.sock"
    assert fields["rpc"]["laddr"] == f"unix://{home.settings.folder}/rpc.sock"
    assert fields["p2p"]["laddr"] == f"tcp://{home.settings.listen}"
    assert fields["p2p"]["persistent_peers"].count("@") == 3
    assert fields["moniker"] == "node-1@bank-a"
    assert fields["consensus"]["create_empty_blocks"] is False
    file.write_text("[consensus]\ncreate_empty_blocks = true\n")
    home.write(application=None)
    assert file.read_text() == text


def test_keys_are_the_nodes_own_and_private(tmp_path: Path) -> None:
    home = lone_home(tmp_path)
    home.write()
    file = home.comet / files.VALIDATOR_KEY
    fields = json.loads(file.read_text())
    private = base64.b64decode(fields["priv_key"]["value"])
    assert private == home.identity.seed + home.identity.public
    assert base64.b64decode(fields["pub_key"]["value"]) == home.identity.public
    assert fields["address"] == validator_address(home.identity.public).hex().upper()
    for name in (files.VALIDATOR_KEY, files.NODE_KEY, files.VALIDATOR_STATE):
        assert stat.S_IMODE((home.comet / name).stat().st_mode) == 0o600
    file.chmod(0o644)
    home.write()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_what_was_signed_and_the_node_key_stay(tmp_path: Path) -> None:
    home = lone_home(tmp_path)
    home.write()
    identity = node_id(home.comet / files.NODE_KEY)
    state = home.comet / files.VALIDATOR_STATE
    assert json.loads(state.read_text()) == {"height": "0", "round": 0, "step": 0}
    state.write_text('{"height": "7", "round": 1, "step": 3}')
    home.write()
    assert json.loads(state.read_text())["height"] == "7"
    assert make_node_key(home.comet) == node_id(home.comet / files.NODE_KEY) == identity
    assert not list(home.comet.rglob(".*"))


def test_a_node_that_must_not_sign_has_a_key_without_meaning(tmp_path: Path) -> None:
    home = lone_home(tmp_path)
    home.write()
    (home.comet / files.VALIDATOR_STATE).unlink()
    before = (home.comet / files.VALIDATOR_KEY).read_bytes()
    home.write(signs=False)
    assert not (home.comet / files.VALIDATOR_STATE).exists()
    assert (home.comet / files.VALIDATOR_KEY).read_bytes() == before
    fields = tomllib.loads((home.comet / files.CONFIGURATION).read_text())
    assert fields["priv_validator_key_file"] == str(files.FOLLOWER_KEY)
    assert fields["priv_validator_state_file"] == str(files.FOLLOWER_STATE)
    unknown = json.loads((home.comet / files.FOLLOWER_KEY).read_text())
    assert unknown["address"] != json.loads(before)["address"]
    for name in (files.FOLLOWER_KEY, files.FOLLOWER_STATE):
        assert stat.S_IMODE((home.comet / name).stat().st_mode) == 0o600


def test_another_genesis_is_refused_with_both_hashes(tmp_path: Path) -> None:
    home = lone_home(tmp_path)
    home.write()
    second = make_genesis([home.identity], TIME_MS + 1)
    for wrong in (
        replace(home, genesis=second),
        replace(home, genesis=second, settings=replace(home.settings, genesis=second.hash)),
    ):
        with pytest.raises(UsageError) as failure:
            wrong.write()
        assert failure.value.code == "cometbft.wrong_genesis"
        assert home.genesis.hash.hex() in failure.value.message
        assert second.hash.hex() in failure.value.message
        assert failure.value.hint


def test_parts_that_do_not_belong_together(tmp_path: Path) -> None:
    home = lone_home(tmp_path)
    with pytest.raises(UsageError) as failure:
        replace(home, settings=replace(home.settings, member=MemberId("node-2@grid"))).write()
    assert failure.value.code == "cometbft.wrong_member"
    encrypted = Identity(home.identity.member, home.identity.seed)
    with pytest.raises(UsageError) as failure:
        replace(home, identity=encrypted).write()
    assert failure.value.code == "cometbft.key_encrypted"
    solo = GenesisFile.from_bytes(Engine.create(None, solo_genesis(people()).encoded).genesis_file)
    with pytest.raises(UsageError) as failure:
        genesis_json(solo)
    assert failure.value.code == "consensus.not_a_network"


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{}",
        '{"priv_key": 1}',
        '{"priv_key": {"type": "x", "value": ""}}',
        "\0",
        "[" * 99_999,
    ]
    + [
        json.dumps({"priv_key": {"type": "tendermint/PrivKeyEd25519", "value": value}})
        for value in ("!", "AAAA")
    ],
)
def test_a_damaged_key_file_is_named(tmp_path: Path, content: str) -> None:
    home = lone_home(tmp_path)
    home.write()
    (home.comet / files.NODE_KEY).write_text(content)
    with pytest.raises(LianhengError) as failure:
        home.write()
    assert failure.value.code == "cometbft.file_damaged"
    assert "node_key.json" in failure.value.message


def test_sockets_of_a_deep_folder_lie_elsewhere(tmp_path: Path) -> None:
    near = CometSockets.below(tmp_path)
    assert near.abci.parent == near.rpc.parent == tmp_path
    deep = tmp_path / ("x" * limits.SOCKET_PATH_BYTES)
    deep.mkdir()
    far = CometSockets.below(deep)
    assert len(os.fsencode(far.abci)) <= limits.SOCKET_PATH_BYTES
    assert stat.S_IMODE(far.abci.parent.stat().st_mode) == 0o700
    far.remove()
    assert not far.abci.parent.exists()
    near.remove()
    assert tmp_path.exists()


def test_cometbft_reads_our_keys_as_we_do(tmp_path: Path) -> None:
    binary = real_binary()
    home = lone_home(tmp_path)
    home.write()

    def ask(command: str) -> str:
        return subprocess.run(
            [binary, command, "--home", home.comet], check=True, capture_output=True, text=True
        ).stdout.strip()

    assert ask("show-node-id") == node_id(home.comet / files.NODE_KEY)
    assert base64.b64decode(json.loads(ask("show-validator"))["value"]) == home.identity.public
