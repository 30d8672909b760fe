"""`make cometbft` builds once, and says in one line what is missing."""

import os
from pathlib import Path

import pytest
from tools import cometbft
from tools.setup import ROOT

from lianheng.consensus.cometbft import _version

BUILT_FROM = "path\t{program}\nmod\t{module}\t{version}\th1:none=\n"


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty .venv and a PATH with nothing on it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "path").mkdir()
    monkeypatch.setattr(cometbft, "VENV", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    return tmp_path


def program(version: str) -> str:
    return BUILT_FROM.format(program=_version.PROGRAM, module=_version.MODULE, version=version)


def fake_go(place: Path, version: str, install: str = "exit 1") -> None:
    file = place / "path" / "go"
    file.write_text(
        f'#!/bin/sh\ncase "$1" in env) echo {version} ;;\n'
        'version) while read -r line; do echo "$line"; done < "$3" ;;\n'
        f"install) {install} ;; esac\n"
    )
    file.chmod(0o755)


def test_without_go(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cometbft.main()
    said = capsys.readouterr().err
    assert said.startswith("missing: Go 1.25 or newer, to build CometBFT v0.40.0. Get it:")
    assert not list((place / "bin").iterdir())


def test_an_old_go(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake_go(place, "go1.22.7")
    with pytest.raises(SystemExit):
        cometbft.main()
    assert capsys.readouterr().err.startswith("too old: go1.22.7; Go 1.25 or newer is needed")


def test_what_is_there_is_not_built_again(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "bin" / "cometbft").write_text(f"\x7fELF..{program(_version.VERSION)}")
    cometbft.main()  # not even Go is needed
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("before", [None, "v0.39.0"])
def test_another_version_is_replaced(
    place: Path, before: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    if before is not None:
        (place / "bin" / "cometbft").write_text(program(before))
    built = place / "built"
    built.write_text(program(_version.VERSION))
    fake_go(
        place,
        "go1.25.0",
        f'test "$2" = {_version.PROGRAM}@{_version.VERSION} && test "$GOTOOLCHAIN" = local'
        f' && /bin/cp {built} "$GOBIN/cometbft"',
    )
    cometbft.main()
    assert "building CometBFT v0.40.0, once" in capsys.readouterr().out
    assert _version.built_version(place / "bin" / "cometbft") == _version.VERSION


def test_a_failed_build_shows_why(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fake_go(place, "go1.26.8", "echo no route to the proxy >&2; exit 1")
    with pytest.raises(SystemExit):
        cometbft.main()
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "no route to the proxy"
    assert said[1].startswith("failed: go install ")


def test_go_and_the_file_itself_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ROOT / ".venv" / "bin" / "cometbft"
    if not real.is_file():
        pytest.skip("CometBFT is not built: make cometbft")
    assert _version.built_version(real) == _version.VERSION
    monkeypatch.setenv("PATH", os.devnull)
    assert _version.built_version(real) == _version.VERSION
    assert _version.built_version(Path(os.__file__)) is None
