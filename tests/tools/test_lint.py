"""The checks of our own find what they are for."""

from pathlib import Path

import pytest
from tools import privacy, sizes


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(sizes, "ROOT", tmp_path)
    monkeypatch.setattr(privacy, "ROOT", tmp_path)
    return tmp_path


def body(lines: int) -> str:
    return "def long():\n    '''Said.'''\n" + "    x = 1\n" * lines


@pytest.mark.parametrize(("lines", "found"), [(70, 0), (71, 1)])
def test_long_functions_are_found(tree: Path, lines: int, found: int) -> None:
    file = tree / "a.py"
    file.write_text(body(lines))
    assert len(sizes.complaints([file])) == found


@pytest.mark.parametrize(("lines", "found"), [(600, 0), (601, 1)])
def test_long_files_are_found(tree: Path, lines: int, found: int) -> None:
    file = tree / "a.rs"
    file.write_text("//\n" * lines)
    assert len(sizes.complaints([file])) == found


@pytest.mark.parametrize(
    "text",
    [
        "see /" + "home/somebody/notes",
        "/" + "root/x",
        "from https://" + "pypi" + ".org/simple",
        "-----BEGIN " + "PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIE",
    ],
)
def test_what_tells_about_a_machine_is_found(tree: Path, text: str) -> None:
    file = tree / "a.md"
    file.write_text(f"first\n{text}\n")
    assert [line.partition(": ")[0] for line in privacy.complaints([file])] == ["a.md:2"]


def test_ordinary_text_passes(tree: Path) -> None:
    file = tree / "a.md"
    file.write_text("HOME/node.sock, the root of the tree, src/root/x, github.com/x/y-index\n")
    assert not privacy.complaints([file])
