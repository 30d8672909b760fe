"""What doctor says about the engine of a network, and to whom it matters."""

import sys
from pathlib import Path
from typing import Any

import pytest
from tests.cli.conftest import Cli

from lianheng.consensus.cometbft import VERSION, process

NETWORK = f"""\
chain = "trade"
genesis = "{"0f" * 32}"
[node]
member = "node-1@bank-a"
[consensus]
kind = "cometbft"
listen = "127.0.0.1:26656"
peers = []
"""


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without Go and CometBFT."""
    (tmp_path / "path").mkdir()
    (tmp_path / "python").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.delenv(process.VARIABLE, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python" / "python"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def findings(cli: Cli) -> dict[str, Any]:
    return {found["what"]: found for found in cli("doctor", "--json").json["findings"]}


def program(file: Path, text: str) -> None:
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)


def built_from(version: str) -> str:
    module = "github.com/cometbft/cometbft"
    return f"path\t{module}/cmd/cometbft\nmod\t{module}\t{version}\th1:x="


@pytest.mark.usefixtures("bare")
def test_a_solo_home_needs_no_engine(cli: Cli) -> None:
    assert cli("init", "--dev", "--orgs", "north").code == 0
    assert cli("doctor").code == 0
    found = findings(cli)
    assert found["go"]["found"] == "not found: only needed to build CometBFT for a network"
    assert found["CometBFT"]["passed"]
    assert "only a network needs it" in found["CometBFT"]["found"]
    assert "make cometbft" in found["CometBFT"]["advice"]


def test_a_network_home_cannot_do_without(cli: Cli, bare: Path) -> None:
    (bare / "lianheng.toml").write_text(NETWORK)
    found = findings(cli)
    assert not found["CometBFT"]["passed"]
    assert "make cometbft" in found["CometBFT"]["advice"]
    assert not found["go"]["passed"]
    assert "1.25" in found["go"]["advice"]

    program(bare / "python" / "cometbft", built_from("v0.38.17"))
    found = findings(cli)
    assert not found["CometBFT"]["passed"]
    assert "v0.38.17" in found["CometBFT"]["found"]
    assert VERSION in found["CometBFT"]["found"]

    program(bare / "python" / "cometbft", built_from(VERSION))
    found = findings(cli)
    assert found["CometBFT"]["passed"]
    assert found["CometBFT"]["found"] == f"{VERSION}, {bare}/python/cometbft"
    assert found["go"]["passed"]  # nothing needs building any more


@pytest.mark.parametrize(
    ("said", "passed", "shown"),
    [
        ("echo go version go1.26.8 linux/amd64", True, "1.26.8"),
        ("echo go version go1.19 linux/amd64", False, "go1.19 linux/amd64"),
        ("exit 1", False, "says nothing about its version"),
    ],
)
def test_the_version_of_go(cli: Cli, bare: Path, said: str, passed: bool, shown: str) -> None:
    (bare / "lianheng.toml").write_text(NETWORK)
    program(bare / "path" / "go", said)
    found = findings(cli)["go"]
    assert (found["passed"], found["found"]) == (passed, shown)


def test_settings_that_cannot_be_read(cli: Cli, bare: Path) -> None:
    (bare / "lianheng.toml").write_text(NETWORK + 'listne = "127.0.0.1:1"\n')
    found = findings(cli)["settings"]
    assert not found["passed"]
    assert "listne" in found["found"]


def test_a_node_key_that_others_may_read(cli: Cli, bare: Path) -> None:
    assert cli("init", "--dev", "--orgs", "north").code == 0
    for name in ("node.identity", "comet/config/priv_validator_key.json"):
        file = bare / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
        file.chmod(0o644)
        found = findings(cli)["keys"]
        assert not found["passed"]
        assert file.name in found["found"]
        assert str(file) in found["advice"]
        file.unlink()
