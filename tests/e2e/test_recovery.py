"""Two of four validators are gone for ever: the other two go on from what their stores hold."""

import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.test_network import TOOLSHED, Network, Shell, eventually, gone

from lianheng.client import LocalClient
from lianheng.consensus.cometbft.process import find_binary
from lianheng.model import NodeError

pytestmark = pytest.mark.xdist_group("network")

REMINDERS = TOOLSHED.with_name("reminders.py")
PEOPLE = {"a": "alice@a", "b": "bob@b"}


class Recovery(Shell):
    """The old network in FOLDER/net, the homes of those who go on in FOLDER/new."""

    def call(self, home: str, target: str, *pairs: str) -> Any:
        name = Path(home).name
        found = self.json("call", target, *pairs, "--home", home, "--as", PEOPLE[name])
        assert found["status"] == "final", found
        return found

    def refused(self, code: str, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode != 0, done
        assert code in done.stderr, done
        return done.stderr

    def receipt(self, home: str, call: Any, file: str) -> None:
        self.ok("receipt", call["id"], "-o", file, "--home", home)

    def ceremony(self, file: str = "g.cbor") -> None:
        for name, person in PEOPLE.items():
            member = f"{person.partition('@')[0]}=operator"
            self.ok(
                *("genesis", "join", file, "--org", name, "--home", f"new/{name}"),
                *("--continue", f"net/{name}", "--dev", "--member", member),
            )
        for name in PEOPLE:
            self.ok("genesis", "sign", file, "--home", f"new/{name}")


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recovery]:
    try:
        find_binary()
    except NodeError as missing:
        pytest.skip(f"{missing.message}; {missing.hint}")
    shell = Recovery(tmp_path_factory.mktemp("recovery"))
    shell.ok(
        *("network", "new", "net", "--orgs", "a,b,c,d"),
        *("--contracts", str(TOOLSHED), "--contracts", str(REMINDERS)),
    )
    try:
        shell.ok("network", "up", "net")
        yield shell
    finally:
        shell.run("network", "down", "net")
        for name in PEOPLE:
            shell.run("down", "--home", f"new/{name}")


def test_the_other_two_go_on(shell: Recovery) -> None:
    added = shell.call("net/a", "toolshed.add", "id=crane")
    shell.call("net/b", "toolshed.add", "id=saw")
    shell.call("net/a", "toolshed.lend", "id=crane", "to=b")
    shell.call("net/b", "reminders.remind", "id=soon", "after=5000")
    shell.receipt("net/a", added, "old.cbor")
    network = Network(shell.folder)
    for name in ("c", "d"):
        pid, comet = network.pid(name), network.consensus(name)["cometbft"]["pid"]
        os.kill(pid, signal.SIGKILL)
        gone(pid)
        gone(comet)
        shutil.rmtree(network.home(name))
    for name in PEOPLE:
        shell.ok("down", "--home", f"net/{name}")
    made = shell.ok(
        *("genesis", "new", "trade-2", "--continue", "net/a", "--without", "c,d", "-o", "g.cbor")
    )
    assert "continues" in made
    shell.ceremony()
    shown = shell.ok("genesis", "show", "g.cbor")
    assert "left out" in shown
    assert "c, d" in shown
    for name in PEOPLE:
        shell.ok("genesis", "finish", "g.cbor", "--home", f"new/{name}")
    one, two = (Path(shell.folder / "new" / n / "genesis.cbor").read_bytes() for n in PEOPLE)
    assert one == two
    for name in PEOPLE:
        shell.ok("up", "--detach", "--home", f"new/{name}")
    tools = shell.json("view", "toolshed.where", "id=crane", "--home", "new/a")
    print(tools)
    call = shell.call("new/a", "toolshed.add", "id=ladder")
    shell.receipt("new/a", call, "new.cbor")
