"""A chain with one sequencer is closed on a running node that is killed right then."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.test_network import gone
from tests.e2e.test_node import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    made.ok("init", "--dev", "--orgs", "north,south")
    made.ok("contract", "new", "toolshed", "--dir", ".")
    made.ok("up", "--detach")
    made.ok("contract", "deploy", "toolshed.py", "--as", "alice@north")
    made.add("crane")
    yield made
    made.run("down")


def is_over(shell: Shell, height: int) -> None:
    status = shell.status()
    assert status["height"] == height
    closed = status["closed"]
    assert isinstance(closed, dict)
    assert (closed["height"], closed["members"]) == (height, ["alice@north", "bob@south"])
    refused = shell.run("call", "toolshed.add", "id=late", "--as", "alice@north")
    assert refused.returncode == 1
    assert "chain.closed" in refused.stderr
    assert "over and out" in refused.stderr
    shell.ok("prove", "toolshed.tools", "crane", "-o", "crane.cbor")


def test_a_killed_node_comes_back_to_the_last_block(shell: Shell) -> None:
    target = ("governance.close", "reason=over and out")
    shell.ok("governance", "propose", *target, "--as", "alice@north")
    shell.ok("governance", "approve", "1", "--as", "bob@south")
    height = int(str(shell.status()["height"]))
    pid = shell.pid()
    os.kill(pid, signal.SIGKILL)
    gone(pid)
    # The embedded ledger first, then a node again.
    is_over(shell, height)
    assert shell.ok("fsck").startswith("sound")
    shell.ok("up", "--detach")
    is_over(shell, height)
    assert "CLOSED" in shell.ok("status")
    assert "closed by alice@north, bob@south" in shell.ok("doctor")
    assert "the chain is closed" in shell.ok("governance", "list")
    shell.ok("prove", "governance.closings", "main", "-o", "end.cbor")
