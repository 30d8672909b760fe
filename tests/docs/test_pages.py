"""What the pages claim is run: commands, contracts, tests, links and paths."""

import fnmatch
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "verify").glob("*.md")]
)
BLOCK = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#]+)(?:#[^)]*)?\)")
NAMED_PATH = re.compile(r"`((?:src|rust|verify|packs|tests|docs|tools)/[\w./-]*)`")
EXIT = re.compile(r"\s+# exit (\d+)$")


@dataclass
class Command:
    """A line after `$`, the exit code it must give and what it must print."""

    text: str
    exit_code: int = 0
    expected: list[str] = field(default_factory=list)


def commands_of(block: str) -> Iterator[Command]:
    command: Command | None = None
    for line in block.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield command
            found = EXIT.search(line)
            text = EXIT.sub("", line[2:])
            command = Command(text, int(found[1]) if found else 0)
        elif command is not None:
            command.expected.append(line)
    if command is not None:
        yield command


def matches(expected: str, line: str) -> bool:
    """`…` stands for anything."""
    pattern = "".join("*" if c == "…" else f"[{c}]" if c in "*?[" else c for c in expected)
    return fnmatch.fnmatchcase(line.rstrip(), pattern.rstrip())


def run(command: Command, folder: Path) -> None:
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "200",
    }
    for name in ("LIANHENG_HOME", "LIANHENG_AS", "PYTEST_ADDOPTS"):
        environment.pop(name, None)
    done = subprocess.run(
        ["bash", "-c", command.text],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    shown = f"$ {command.text}\n{done.stdout}{done.stderr}"
    assert done.returncode == command.exit_code, shown
    printed = iter((done.stdout + done.stderr).splitlines())
    for expected in command.expected:
        assert any(matches(expected, line) for line in printed), f"not printed: {expected}\n{shown}"


def test_the_readme_does_what_it_shows(tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    files = {
        info.partition("file=")[2].strip(): body
        for kind, info, body in blocks
        if kind == "python" and "file=" in info
    }
    assert {"toolshed.py", "test_toolshed.py", "quick.py"} <= files.keys()
    for name, body in files.items():
        (tmp_path / name).write_text(body, encoding="utf-8")
    consoles = [body for kind, _, body in blocks if kind == "console"]
    assert len(consoles) == 3
    try:
        for body in consoles:
            for command in commands_of(body):
                run(command, tmp_path)
        run(Command("python quick.py", 0, ["final 5 north", "Tool(id='drill-1',…"]), tmp_path)
    finally:
        lianheng = Path(sys.executable).with_name("lianheng")
        for stop in (["down"], ["network", "down", "net"]):
            subprocess.run([lianheng, *stop], cwd=tmp_path, check=False)


def test_the_administrators_page_does_what_it_shows(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "administrator.md").read_text(encoding="utf-8")
    consoles = [body for kind, _, body in BLOCK.findall(text) if kind == "console"]
    assert len(consoles) >= 8
    (tmp_path / "pass").write_text("correct horse battery staple\n", encoding="utf-8")
    (tmp_path / "other").write_text("another one\n", encoding="utf-8")
    try:
        for body in consoles:
            for command in commands_of(body):
                run(command, tmp_path)
    finally:
        lianheng = Path(sys.executable).with_name("lianheng")
        for home in tmp_path.glob("*/lianheng.toml"):
            stop = [str(lianheng), "down", "--home", str(home.parent)]
            subprocess.run(stop, cwd=tmp_path, check=False)


def test_the_readme_and_contract_new_show_the_same_contract(tmp_path: Path) -> None:
    new = ["contract", "new", "toolshed", "--dir", str(tmp_path)]
    subprocess.run([Path(sys.executable).with_name("lianheng"), *new], check=True)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    shown = [body for kind, info, body in BLOCK.findall(text) if "toolshed.py" in info]
    for body, name in zip(shown, ("toolshed.py", "test_toolshed.py"), strict=True):
        written = (tmp_path / name).read_text(encoding="utf-8")
        assert [x for x in body.splitlines() if x] == [x for x in written.splitlines() if x]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_and_paths_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    dead = [link for link in LINK.findall(text) if not (page.parent / link).exists()]
    dead += [path for path in NAMED_PATH.findall(text) if not (ROOT / path).exists()]
    assert not dead


def test_every_make_target_in_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    targets = set(re.findall(r"\bmake ([a-z-]+)", text))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
