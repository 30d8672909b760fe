"""The set-up names what is missing in its first line, on a machine that has next to nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("sh", "dirname", "env")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A checkout with the tools only, and a PATH with a shell and this Python."""
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    (tmp_path / "bin").mkdir()
    for name in NEEDED:
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    return tmp_path


def program(machine: Path, name: str, text: str) -> None:
    file = machine / "bin" / name
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def first_line(machine: Path) -> str:
    done = subprocess.run(
        [machine / "tools" / "setup", "run"],
        env={"PATH": str(machine / "bin"), "HOME": str(machine)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2, done
    assert not (machine / ".venv").exists()
    return (done.stdout + done.stderr).splitlines()[0]


def test_no_python(machine: Path) -> None:
    line = first_line(machine)
    assert line.startswith("missing: Python 3.11 or newer (found: none). Get it:")


def test_an_old_python(machine: Path) -> None:
    program(machine, "python3", 'test "$1" = --version && echo Python 3.8.2; exit 1')
    assert "found: Python 3.8.2" in first_line(machine)


def test_a_newer_python_beside_an_old_one_is_taken(machine: Path) -> None:
    program(machine, "python3", "exit 1")
    (machine / "bin" / "python3.13").symlink_to(os.path.realpath(sys.executable))
    assert first_line(machine).startswith("missing: cargo")


def test_no_rust(machine: Path) -> None:
    (machine / "bin" / "python3").symlink_to(os.path.realpath(sys.executable))
    assert first_line(machine).startswith("missing: cargo 1.95 or newer. Get it: rustup.rs")


def test_an_old_rust(machine: Path) -> None:
    (machine / "bin" / "python3").symlink_to(os.path.realpath(sys.executable))
    program(machine, "cargo", "exit 0")
    program(machine, "rustc", "echo rustc 1.70.0")
    assert first_line(machine).startswith("too old: rustc 1.70.0; 1.95 or newer is needed.")


def test_no_linker(machine: Path) -> None:
    (machine / "bin" / "python3").symlink_to(os.path.realpath(sys.executable))
    program(machine, "cargo", "exit 0")
    program(machine, "rustc", "echo rustc 1.95.0")
    assert first_line(machine).startswith("missing: cc, the linker. Get it:")


def test_a_step_runs_again_only_where_its_inputs_changed(tmp_path: Path) -> None:
    from tools import setup

    kept = setup.ROOT
    setup.ROOT = tmp_path
    try:
        (tmp_path / "rust").mkdir()
        (tmp_path / "rust" / "a.rs").write_text("one")
        before = setup.digest([tmp_path / "rust"], "word")
        assert setup.digest([tmp_path / "rust"], "word") == before
        assert setup.digest([tmp_path / "rust"], "other") != before
        (tmp_path / "rust" / "a.rs").write_text("two")
        assert setup.digest([tmp_path / "rust"], "word") != before
        (tmp_path / "rust" / "a.rs").write_text("one")
        (tmp_path / "rust" / "b.rs").write_text("")
        assert setup.digest([tmp_path / "rust"], "word") != before
    finally:
        setup.ROOT = kept
