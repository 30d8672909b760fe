"""Two of four validators are gone for ever: the other two go on, by the commands of the page."""

import os
import shutil
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.docs.test_pages import BLOCK, ROOT, commands_of, run
from tests.e2e.test_network import TOOLSHED, Shell, eventually, gone

from lianheng.client import Home
from lianheng.consensus.cometbft.process import find_binary
from lianheng.model import NodeError

pytestmark = pytest.mark.xdist_group("network")

PAGE = ROOT / "docs" / "recovery.md"
REMINDERS = TOOLSHED.with_name("reminders.py")
GONE = ("bank-c", "bank-d")
LEFT = ("bank-a", "bank-b")


def consoles() -> list[str]:
    text = PAGE.read_text(encoding="utf-8")
    return [body for kind, _, body in BLOCK.findall(text) if kind == "console"]


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    """Four banks' network in `old`."""
    try:
        find_binary()
    except NodeError as missing:
        pytest.skip(f"{missing.message}; {missing.hint}")
    shell = Shell(tmp_path)
    (tmp_path / "pass").write_text("correct horse battery staple\n", encoding="utf-8")
    orgs, contracts = ",".join((*LEFT, *GONE)), (str(TOOLSHED), str(REMINDERS))
    files = [part for file in contracts for part in ("--contracts", file)]
    shell.ok("network", "new", "old", "--orgs", orgs, "--chain", "trade", *files)
    try:
        shell.ok("network", "up", "old")
        yield shell
    finally:
        shell.run("network", "down", "old")
        for name in LEFT:
            shell.run("down", "--home", f"new/{name}")


def call(shell: Shell, member: str, target: str, *pairs: str, home: str = "") -> str:
    where = home or f"old/{member.partition('@')[2]}"
    found = shell.json("call", target, *pairs, "--home", where, "--as", member)
    assert found["status"] == "final", found
    return str(found["id"])


def lose(shell: Shell, name: str) -> None:
    """The process is killed, the disk is gone."""
    home = shell.folder / "old" / name
    record = Home(home).node_record()
    assert record is not None
    comet = shell.json("status", "--home", f"old/{name}")["consensus"]["cometbft"]["pid"]
    os.kill(record.pid, signal.SIGKILL)
    gone(record.pid)
    gone(comet)
    shutil.rmtree(home)


def test_the_page_brings_two_of_four_through(shell: Shell) -> None:
    first = call(shell, "alice@bank-a", "toolshed.add", "id=crane")
    call(shell, "alice@bank-a", "toolshed.lend", "id=crane", "to=bank-b")
    call(shell, "bob@bank-b", "reminders.remind", "id=soon", "after=4000")
    shell.ok("receipt", first, "-o", "old.cbor", "--home", "old/bank-a")
    for name in GONE:
        lose(shell, name)
    stop, terms, join, finish, check, close = consoles()
    for body in (stop, terms, join, finish):
        for command in commands_of(body):
            run(command, shell.folder)
    # The timer fell due while nobody ran: it runs once, in the first block.
    soon = eventually(
        lambda: shell.json("view", "reminders.of", "id=soon", "--home", "new/bank-b"),
        lambda row: row["value"]["passed_at"] is not None,
    )
    assert soon["value"]["number"] == 1
    last = call(shell, "bob@bank-b", "toolshed.add", "id=saw", home="new/bank-b")
    shell.ok("receipt", last, "-o", "new.cbor", "--home", "new/bank-b")
    old, new = "old/bank-b/genesis.cbor", "new/bank-a/genesis.cbor"
    assert "VERIFIED" in shell.verify("receipt", "old.cbor", "--anchor", old)
    assert "VERIFIED" in shell.verify("receipt", "new.cbor", "--anchor", new)
    for receipt, anchor in (("old.cbor", new), ("new.cbor", old)):
        done = shell.run("receipt", receipt, "--anchor", anchor, program="lianheng-verify")
        assert done.returncode == 1
        assert "genesis.differs" in done.stdout or "it belongs to the chain" in done.stdout
    for body in (check, close):
        for command in commands_of(body):
            run(command, shell.folder)
    a_closed_network_stays_closed(shell)


def a_closed_network_stays_closed(shell: Shell) -> None:
    """Killed and started again, its nodes stand at the last header and take nothing."""
    height = shell.json("status", "--home", "new/bank-a")["closed"]["height"]
    for name in LEFT:
        record = Home(shell.folder / "new" / name).node_record()
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        gone(record.pid)
    with ThreadPoolExecutor(len(LEFT)) as pool:
        list(pool.map(lambda name: shell.ok("up", "--detach", "--home", f"new/{name}"), LEFT))
    for name in LEFT:
        found = shell.json("status", "--home", f"new/{name}")
        assert (found["height"], found["closed"]["height"]) == (height, height)
        assert found["consensus"]["sealed_height"] == height
    # Both homes as one network of this machine: it says so, and rests.
    table = 'chain = "trade-2"\ngenesis = ""\nnodes = ["bank-a", "bank-b"]\n'
    (shell.folder / "new" / "network.toml").write_text(table, encoding="utf-8")
    before = shell.json("network", "status", "new")
    assert before["closed"]["height"] == height
    time.sleep(1.5)
    assert "the chain is over" in shell.ok("network", "status", "new")
    heights = [
        [node["consensus"]["height"] for node in found["nodes"]]
        for found in (before, shell.json("network", "status", "new"))
    ]
    assert heights[0] == heights[1]
    at = ("--home", "new/bank-a")
    refused = shell.run("call", "toolshed.add", "id=x", *at, "--as", "alice@bank-a")
    assert refused.returncode == 1
    assert "chain.closed" in refused.stderr
    assert "closed by" in shell.ok("doctor", *at)
    assert "the chain is closed" in shell.ok("governance", "show", "1", *at)
    shell.ok("down", *at)
    assert "sound" in shell.ok("fsck", *at)
    shell.ok("genesis", "new", "trade-3", "--continue", "new/bank-a", "-o", "third.cbor")
    found = shell.json("genesis", "show", "third.cbor")["continues"]
    assert (found["chain"], found["height"], found["without"]) == ("trade-2", height, [])
