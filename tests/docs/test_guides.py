"""The pages for auditors and the like: their commands are run, in order, in an empty folder."""

from pathlib import Path

import pytest
from tests.docs.test_pages import BLOCK, ROOT, commands_of, run


@pytest.mark.parametrize("page", ["auditor.md"])
def test_a_page_does_what_it_shows(page: str, tmp_path: Path) -> None:
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    consoles = [body for kind, _, body in BLOCK.findall(text) if kind == "console"]
    assert consoles
    for body in consoles:
        for command in commands_of(body):
            run(command, tmp_path)
