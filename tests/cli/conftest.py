"""Running the command line in this process, as the entry point does."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lianheng.cli.app import run


@dataclass(frozen=True)
class Ran:
    """Exit code and what was printed."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one JSON document on standard output."""
        return json.loads(self.out)


Cli = Callable[..., Ran]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run a command line; no traceback may ever be printed."""
    for name in ("LIANHENG_HOME", "LIANHENG_AS", "LIANHENG_DEBUG", "LIANHENG_PASSPHRASE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run(arguments)
        printed = capsys.readouterr()
        assert "Traceback" not in printed.out + printed.err
        return Ran(code, printed.out, printed.err)

    return call


@pytest.fixture
def home(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A development home of two organisations with the toolshed deployed; no node runs."""
    monkeypatch.chdir(tmp_path)
    assert cli("init", "--dev", "--orgs", "north,south").code == 0
    assert cli("contract", "new", "toolshed", "--dir", ".").code == 0
    assert cli("contract", "deploy", "toolshed.py", "--as", "alice@north").code == 0
    return tmp_path


def steady(text: str) -> str:
    """The text without what differs from run to run: ids, hashes, times, sizes, versions."""
    text = re.sub(r"\b[0-9a-f]{4}…[0-9a-f]{4}\b", "HASH", text)
    text = re.sub(r"\b[0-9a-f]{8}…", "ID", text)
    text = re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+ UTC)?", "TIME", text)
    text = re.sub(r"\b\d\d:\d\d:\d\d\b", "TIME", text)
    text = re.sub(r"\b\d[\d,.]* (ms|s)\b", r"N \1", text)
    # A proof's size crosses the border between units by the chance of ids.
    text = re.sub(r"\b\d[\d,.]* (B|kB|MB|GB|TB)\b", "N B", text)
    return "\n".join(line.rstrip() for line in text.splitlines()) + "\n"
