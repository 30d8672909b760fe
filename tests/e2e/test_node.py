"""A node in the background, reached by other processes as people reach it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

LIANHENG = Path(sys.executable).with_name("lianheng")


class Shell:
    """A home folder and commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("LIANHENG_")}

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [LIANHENG, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert "Traceback" not in done.stdout + done.stderr
        return done

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.returncode == 0, done
        return done.stdout

    def add(self, tool: str) -> str:
        return self.ok("call", "toolshed.add", f"id={tool}", "--as", "alice@north")

    def status(self) -> dict[str, object]:
        found: dict[str, object] = json.loads(self.ok("status", "--json"))
        return found

    def pid(self) -> int:
        return int(json.loads((self.folder / "node.json").read_text())["pid"])


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Shell]:
    made = Shell(tmp_path)
    made.ok("init", "--dev", "--orgs", "north,south")
    made.ok("contract", "new", "toolshed", "--dir", ".")
    assert made.ok("up", "--detach").startswith("ready in ")
    try:
        made.ok("contract", "deploy", "toolshed.py", "--as", "alice@north")
        yield made
    finally:
        made.run("down")


def test_many_processes_call_one_node(shell: Shell) -> None:
    with ThreadPoolExecutor(max_workers=4) as pool:
        said = list(pool.map(shell.add, (f"tool-{n}" for n in range(8))))
    assert all(line.startswith("final  height ") for line in said)
    rows = json.loads(shell.ok("view", "toolshed.tools", "--json"))["rows"]
    assert [row["id"] for row in rows] == [f"tool-{n}" for n in range(8)]
    assert shell.status()["node"]


def test_a_second_node_is_told_who_runs(shell: Shell) -> None:
    second = shell.run("up", "--detach")
    assert second.returncode == 1
    assert str(shell.pid()) in second.stderr


def test_an_idle_node_writes_nothing(shell: Shell) -> None:
    shell.add("crane-7")
    # The store follows behind the log; that is work for the call, not idleness.
    while shell.status()["waiting_blocks"]:
        time.sleep(0.1)
    time.sleep(1)
    files = {p: p.stat().st_mtime_ns for p in (shell.folder / "ledger").rglob("*") if p.is_file()}
    time.sleep(1.5)
    again = {p: p.stat().st_mtime_ns for p in (shell.folder / "ledger").rglob("*") if p.is_file()}
    assert again == files


def test_after_a_kill_everything_confirmed_is_there(shell: Shell) -> None:
    shell.add("crane-7")
    height = shell.status()["height"]
    os.kill(shell.pid(), signal.SIGKILL)
    while True:
        try:
            os.kill(shell.pid(), 0)
            time.sleep(0.02)
        except ProcessLookupError:
            break
    assert shell.status()["height"] == height
    assert shell.ok("up", "--detach").startswith("ready in ")
    assert "exists" in shell.run("call", "toolshed.add", "id=crane-7", "--as", "alice@north").stdout
    assert "sound" in shell.ok("fsck")


def test_in_the_foreground_ctrl_c_stops_cleanly(shell: Shell) -> None:
    shell.ok("down")
    with subprocess.Popen(
        [LIANHENG, "up"],
        cwd=shell.folder,
        env=shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as node:
        lines = iter(node.stdout or ())
        assert any("ready in" in line for line in lines)
        shell.add("crane-8")
        node.send_signal(signal.SIGINT)
        rest = "".join(lines)
    assert node.returncode == 0, rest
    assert "Traceback" not in rest
    assert not (shell.folder / "node.sock").exists()


def test_a_contract_is_upgraded_on_a_running_node(shell: Shell) -> None:
    shell.add("crane")
    source = (shell.folder / "toolshed.py").read_text()
    field = "    holder: str\n"
    (shell.folder / "next.py").write_text(source.replace(field, f'{field}    note: str = ""\n', 1))
    breaking = source.replace(field, f"{field}    weight: int\n", 1).replace(
        "holder=", "weight=1, holder="
    )
    (shell.folder / "breaking.py").write_text(breaking)
    upgrade = ("contract", "upgrade", "next.py", "--name", "toolshed")
    refused = shell.run("contract", "upgrade", "breaking.py", "--name", "toolshed", "--rehearse")
    assert (refused.returncode, "contract.migration_missing" in refused.stdout) == (1, True)
    assert "Tool.note added" in shell.ok(*upgrade, "--rehearse", "--as", "alice@north")
    assert "upgraded toolshed" in shell.ok(*upgrade, "--as", "alice@north")
    assert "note=''" in shell.add("lift")
    shell.ok("contract", "freeze", "toolshed", "--as", "alice@north")
    frozen = shell.run("call", "toolshed.add", "id=saw", "--as", "alice@north")
    assert "refused  contract.frozen" in frozen.stdout
    statuses = json.loads(shell.ok("contract", "versions", "toolshed", "--json"))
    assert [version["status"] for version in statuses] == ["active", "active", "frozen"]
    shell.ok("fsck")
