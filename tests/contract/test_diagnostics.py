"""docs/diagnostics.md: each example gives its code and no other, and every code has an entry."""

import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from lianheng.cli.app import app
from lianheng.contract.checks import check
from lianheng.contract.explanations import Explanation, explanations, head

ROOT = Path(__file__).parents[2]
KNOWN = explanations()
NAMESPACES = "call|compile|contract|engine|gas|language|limit|name|number|policy|privacy"
CODE = re.compile(rf'"((?:{NAMESPACES}|program|syntax|table|type|view)\.[a-z_]+)"')
SOURCES = [
    *(ROOT / "rust/vm/src").rglob("*.rs"),
    *(ROOT / "rust/engine/src").rglob("*.rs"),
    *(ROOT / "src/lianheng/contract").glob("*.py"),
]
ELSEWHERE = {"engine.python_version"}
"""Texts that look like codes and are none."""


def source_of(entry: Explanation) -> str:
    """The file that an example stands for."""
    around = head().replace("        ...\n", "")
    if entry.kind == "make":
        made = eval(entry.example, {"HEAD": around})  # noqa: S307  our own page
        assert isinstance(made, str)
        return made
    if entry.kind == "file":
        return f"{around.split('class Kind')[0]}{entry.example}\n"
    body = textwrap.indent(entry.example, "        ")
    ends = entry.example.startswith(("return", "raise"))
    return f"{around}{body}\n" + ("" if ends else "        return None\n")


@pytest.mark.parametrize(
    "entry", [e for e in KNOWN.values() if e.kind and e.kind != "run"], ids=lambda entry: entry.code
)
def test_an_example_gives_its_code_alone(entry: Explanation) -> None:
    found = {item.code for item in check(source_of(entry), "shop.py")}
    assert found == {entry.code}


@pytest.mark.parametrize(
    "entry", [e for e in KNOWN.values() if e.kind == "run"], ids=lambda entry: entry.code
)
def test_an_example_fails_so_when_it_runs(entry: Explanation, ledger: Any, tmp_path: Path) -> None:
    source = source_of(entry)
    assert check(source, "shop.py") == []
    (tmp_path / "shop.py").write_text(source)
    ledger.organisation("north")
    ledger.member("alice@north")
    shop = ledger.deploy(tmp_path / "shop.py").as_("alice@north")
    with pytest.raises(Exception) as failure:  # noqa: PT011  the fixture's own, by its code
        shop.act("a", 2)
    assert entry.code in {getattr(failure.value, "code", ""), str(failure.value).split(":")[0]}


def test_every_code_of_the_source_has_an_entry() -> None:
    used = {code for file in SOURCES for code in CODE.findall(file.read_text(encoding="utf-8"))}
    assert used - KNOWN.keys() - ELSEWHERE == set()


def test_explain_shows_an_entry_or_a_near_code() -> None:
    run = CliRunner().invoke(app, ["contract", "explain", "type.operand"])
    assert run.exit_code == 0
    assert "text = id + n" in run.output
    run = CliRunner().invoke(app, ["contract", "explain", "type.operant"])
    assert run.exit_code != 0
