"""Validators come, go and change their keys on a network of processes; every receipt stays good."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from lianheng.cli._network import create_network
from lianheng.client import LocalClient
from lianheng.consensus.cometbft.signing import STATE, begin_signing
from lianheng.members import Identity, read_card, read_identity
from lianheng.model import LianhengError, TransactionId, decode, limits

pytestmark = pytest.mark.xdist_group("network")

BIN = Path(sys.executable).parent
ORGANISATIONS = ("bank-a", "bank-b", "hospital", "grid")
SECONDS = 40.0


class Stage:
    """Four nodes on this machine; each phase leaves transactions whose receipts are checked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        network, cast = create_network(folder, organisations=ORGANISATIONS, chain="trade")
        self.homes = {name: network.home(name).path for name in ORGANISATIONS}
        self.admins = {str(s.identity.member.organisation): s.identity for s in cast.people}
        self.calls: list[TransactionId] = []

    def run(self, *arguments: str, program: str = "lianheng", fails: bool = False) -> str:
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LIANHENG_")}
        done = subprocess.run(
            [BIN / program, *arguments],
            cwd=self.folder,
            env={**environment, "COLUMNS": "250"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert (done.returncode != 0) == fails, done
        return done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))

    def begin(self, *arguments: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([BIN / "lianheng", *arguments], stdout=subprocess.DEVNULL)

    def height(self, name: str) -> int:
        with self.client(name) as client:
            return int(client.height)

    def up(self, *names: str) -> None:
        children = [
            subprocess.Popen(
                [BIN / "lianheng", "up", "--detach", "--home", self.homes[name]],
                stdout=subprocess.DEVNULL,
            )
            for name in names
        ]
        for child in children:
            assert child.wait(SECONDS) == 0

    def down(self, name: str) -> None:
        self.run("down", "--home", str(self.homes[name]))

    def kill(self, name: str) -> None:
        """The node and its CometBFT, at once."""
        with self.client(name) as client:
            found = client.node_status(SECONDS)
            pids = [client.node_pid, found["consensus"]["cometbft"]["pid"]]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def end(self, name: str) -> None:
        """Stop it, whatever state it is in."""
        try:
            self.down(name)
        except AssertionError:
            self.kill(name)

    def client(self, name: str = "bank-a") -> LocalClient:
        return LocalClient.connect(self.homes[name])

    def consensus(self, name: str) -> Any:
        with self.client(name) as client:
            return client.node_status(SECONDS)["consensus"]

    def call(self, signers: str | list[str], target: str, /, **arguments: Any) -> None:
        """By the admins of these organisations, at a node that runs."""
        keys = [self.admins[name] for name in ([signers] if isinstance(signers, str) else signers)]
        self.call_as(keys, target, arguments)

    def call_as(self, keys: list[Identity], target: str, arguments: dict[str, Any]) -> None:
        with self.client() as client:
            signed = client.sign(keys, target, arguments)
            client.submit(signed).one(SECONDS).checked()
            self.calls.append(signed.id(client.genesis_hash))

    def most(self, target: str, /, **arguments: Any) -> None:
        self.call(["bank-a", "bank-b", "hospital"], target, **arguments)

    def tick(self) -> None:
        """Any call."""
        spec = {"title": str(len(self.calls)), "uscc": "", "lei": ""}
        self.call("bank-a", "members.describe_organisation", name="bank-a", **spec)

    def until(self, name: str, reached: Callable[[Any], bool]) -> Any:
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                found = self.consensus(name)
                if reached(found):
                    return found
            except LianhengError as failure:
                found = failure
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def until_votes(self, name: str) -> None:
        """Blocks are made until the node's signature stands under the last one that is sealed."""
        deadline = time.monotonic() + SECONDS
        while True:
            self.tick()
            with self.client() as client:
                file = self.homes[name] / "node.identity"
                if read_card(file).public in last_signers(client):
                    return
            assert time.monotonic() < deadline, self.consensus(name)

    def does_not_vote(self, public: bytes) -> None:
        """Blocks are made without this key."""
        self.tick()
        self.tick()
        with self.client() as client:
            assert public not in last_signers(client)

    def check_receipts(self) -> str:
        """Each call's, from the genesis, by the verifier that shares no code."""
        folder = self.folder / "receipts"
        folder.mkdir(exist_ok=True)
        with self.client() as client:
            for number, transaction in enumerate(self.calls):
                (folder / f"{number:04}.receipt").write_bytes(client.receipt(transaction))
        files = sorted(map(str, folder.iterdir()))
        genesis = str(self.homes["hospital"] / "genesis.cbor")
        said = self.run("receipt", *files, "--anchor", genesis, program="lianheng-verify")
        count = len(self.calls)
        assert f"{count} of {count} receipts verified" in said
        return said


def last_signers(client: LocalClient) -> list[bytes]:
    """Keys whose votes stand under the last header that is sealed."""
    for height in range(client.height, 0, -1):
        found = client.backend.header(height)
        if found is not None and found[1] is not None:
            _, _, commit, sealers = decode(found[1])
            votes = zip(commit[3], sealers[2], strict=True)
            return [bytes(key) for vote, (key, _) in votes if vote is not None and vote[0] == 2]
    return []


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path / "net")
    made.up(*ORGANISATIONS)
    yield made
    with ThreadPoolExecutor(len(made.homes)) as pool:
        list(pool.map(made.end, made.homes))


def add_fifth(stage: Stage) -> None:
    """A node made beside a home of the chain: it follows, is taken in, and let to vote."""
    stage.homes["fifth"] = stage.folder / "fifth"
    like = str(stage.homes["grid"])
    stage.run("validator", "new", "fifth", "--node", "node-2@grid", "--like", like)
    stage.up("fifth")
    admin = ("--as", str(stage.admins["grid"].member), "--home", like)
    stage.run("members", "add", "fifth/node.public", "--kind", "node", *admin)
    assert stage.consensus("fifth")["is_validator"] is False
    stage.most("members.add_validator", id="node-2@grid", power=1)
    stage.until_votes("fifth")


def test_validators_come_and_go_and_change_their_keys(stage: Stage) -> None:
    add_fifth(stage)
    told = stage.json("validator", "list", "--home", str(stage.homes["fifth"]))
    assert len([one for one in told["validators"] if one["status"] == "active"]) == 5

    # One leaves the set, and goes on following.
    stage.most("members.remove_validator", id="node-1@hospital", reason="moves")
    stage.tick()
    with stage.client() as client:
        top = client.height
    stage.until("hospital", lambda found: not found["is_validator"])
    stage.until("hospital", lambda _: stage.height("hospital") >= top)

    # One rotates its key by the old one: a single command.
    stage.run("validator", "rotate", "--home", str(stage.homes["bank-b"]))
    stage.until_votes("bank-b")

    # One is killed, and its signing state put back: it follows, says so, and names the command.
    state = (stage.homes["grid"] / STATE).read_bytes()
    stage.tick()
    stage.kill("grid")
    (stage.homes["grid"] / STATE).write_bytes(state)
    stage.up("grid")
    guard = stage.consensus("grid")["guard"]
    assert guard["code"] == "vote.state_behind"
    home = str(stage.homes["grid"])
    assert "vote.state_behind" in stage.run("status", "--home", home)
    assert "vote.state_behind" in stage.run("doctor", "--home", home, fails=True)
    stage.does_not_vote(read_card(stage.homes["grid"] / "node.identity").public)
    stage.run(*guard["hint"].partition("lianheng ")[2].split())
    stage.until_votes("grid")
    assert stage.consensus("grid")["guard"] is None
    said = stage.check_receipts()
    assert "more than a third of the power of your genesis signed it" in said


@pytest.mark.long
def test_a_lost_home_and_a_key_that_was_copied(stage: Stage) -> None:
    add_fifth(stage)
    stage.down("bank-b")
    lost = stage.folder / "lost"
    shutil.move(stage.homes["bank-b"], lost)
    like = str(stage.homes["grid"])

    # Only the key was saved: with it in a new home the chain itself shows what it signed.
    stage.homes["bank-b"] = stage.folder / "again"
    stage.run("validator", "new", "again", "--node", "node-1@bank-b", "--like", like)
    key = read_identity(lost / "node.identity")
    fresh = (stage.homes["bank-b"] / "node.identity").read_bytes()
    shutil.copy(lost / "node.identity", stage.homes["bank-b"])
    begin_signing(stage.homes["bank-b"], key.public)
    # Its last block is the genesis: a node follows first only where that is older.
    time.sleep(limits.GUARD_FRESH_MS / 1000)
    stage.up("bank-b")
    guard = stage.until("bank-b", lambda found: found["guard"] is not None)["guard"]
    assert guard["code"] == "vote.state_behind"
    stage.does_not_vote(key.public)

    # With a fresh key and an admin's word it votes again.
    stage.down("bank-b")
    (stage.homes["bank-b"] / "node.identity").write_bytes(fresh)
    begin_signing(stage.homes["bank-b"], read_card(stage.homes["bank-b"] / "node.identity").public)
    stage.up("bank-b")
    shutil.copytree(lost / "identities", stage.homes["bank-a"] / "identities", dirs_exist_ok=True)
    admin = ("--as", str(stage.admins["bank-b"].member), "--home", str(stage.homes["bank-a"]))
    stage.run("members", "rotate", "again/node.public", *admin)
    stage.until_votes("bank-b")
    stage.check_receipts()


@pytest.mark.long
def test_kills_around_changes_of_the_set(stage: Stage) -> None:
    source = random.Random(7)  # noqa: S311 - repeatable, no secrets
    for number in range(8):
        turned = ("bank-b", "hospital", "grid")[number % 3]
        killed = source.choice([name for name in ORGANISATIONS if name != "bank-a"])
        child = stage.begin("validator", "rotate", "--home", str(stage.homes[turned]))
        time.sleep(0.8 + source.random() * 0.5)
        stage.kill(killed)
        child.wait(SECONDS)
        stage.up(killed)
        stage.run("validator", "rotate", "--home", str(stage.homes[turned]))
        stage.until_votes(turned)
        stage.until_votes(killed)
    with stage.client() as client:
        top, ours = client.height, client.backend.header(client.height - 4)
    assert ours is not None
    for name in ORGANISATIONS:
        deadline = time.monotonic() + SECONDS
        while stage.height(name) < top:
            assert time.monotonic() < deadline, name
        with stage.client(name) as client:
            theirs = client.backend.header(top - 4)
        assert theirs is not None
        assert theirs[0] == ours[0]
    stage.check_receipts()
