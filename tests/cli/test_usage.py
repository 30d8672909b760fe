import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

LIANHENG = Path(sys.executable).with_name("lianheng")
COMMANDS = (
    "bench", "block", "call", "contract", "demo", "doctor", "down", "export", "fsck",
    "governance", "init", "members", "policy", "prove", "receipt", "replay", "status", "trace",
    "up", "view",
)  # fmt: skip


def test_the_version_is_told_at_once() -> None:
    times, said = [], ""
    for _ in range(10):
        started = time.perf_counter()
        done = subprocess.run([LIANHENG, "--version"], capture_output=True, text=True, check=True)
        times.append(time.perf_counter() - started)
        said = done.stdout
    assert said.startswith("lianheng 0.")
    assert min(times) < 0.2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cli: Cli, command: str) -> None:
    ran = cli(command, "--help")
    assert ran.code == 0
    assert "Usage: lianheng" in ran.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("nonsense",),
        ("call",),
        ("call", "toolshed"),
        ("receipt", "81d2"),
        ("block", "--height"),
        ("block", "-3"),
        ("status",),
        ("status", "--home", "nowhere"),
        ("replay", "nowhere"),
        ("fsck", "nowhere"),
        ("demo", "--invoices", "nowhere"),
        ("demo", "--keep", "."),
        ("demo", "governance", "--keep", "."),
        ("demo", "governance", "--invoices", "."),
        ("governance", "show", "0"),
        ("members", "show"),
        ("policy", "who"),
        ("policy", "explain", "members.leave"),
        ("init", "--dev", "--orgs", ""),
        ("init", "--dev", "--orgs", "north,north"),
        ("init", "--dev", "--orgs", "North"),
        ("init", "--dev", "--chain", "UPPER"),
        ("bench", "ledger", "--rate", "fast"),
        ("contract", "new", "Not A Name"),
        ("contract", "check", "."),
    ],
)
def test_wrong_usage_ends_with_two_and_a_sentence(
    cli: Cli, arguments: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "something").touch()
    monkeypatch.chdir(tmp_path)
    ran = cli(*arguments)
    assert ran.code == 2, ran
    assert ran.err.strip()
    assert {file.name for file in tmp_path.iterdir()} == {"something"}


def test_errors_are_json_where_json_is_asked(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ran = cli("status", "--json")
    assert ran.code == 2
    assert ran.json["error"]["code"] == "home.not_found"
    assert "lianheng init" in ran.json["error"]["hint"]


def test_a_missing_file_is_named(cli: Cli, tmp_path: Path) -> None:
    ran = cli("contract", "check", str(tmp_path / "absent.py"))
    assert ran.code == 1
    assert "absent.py" in ran.err


def test_debug_shows_where_it_came_from(tmp_path: Path) -> None:
    done = subprocess.run(
        [LIANHENG, "status"],
        cwd=tmp_path,
        env={"LIANHENG_DEBUG": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" in done.stderr


def test_a_closed_pipe_ends_quietly(tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", f"{LIANHENG} --help | head -1"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert not done.stderr


def test_control_characters_never_reach_the_terminal() -> None:
    from lianheng.cli._print import printable

    assert printable("a\x1b[2Jb\u202ec") == "a\\x1b[2Jb\\x202ec"
