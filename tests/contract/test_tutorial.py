"""docs/tutorial.md from top to bottom: its files are written, its commands run, in order."""

import subprocess
import sys
from pathlib import Path

from tests.docs.test_pages import BLOCK, ROOT, commands_of, run


def test_the_tutorial_does_what_it_shows(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
    blocks = BLOCK.findall(text)
    assert sum(kind == "python" for kind, _, _ in blocks) >= 4
    try:
        for kind, info, body in blocks:
            if kind == "python":
                (tmp_path / info.partition("file=")[2].strip()).write_text(body, encoding="utf-8")
            else:
                assert kind == "console", "a page whose examples nobody runs goes stale"
                for command in commands_of(body):
                    run(command, tmp_path)
    finally:
        lianheng = Path(sys.executable).with_name("lianheng")
        subprocess.run([lianheng, "down"], cwd=tmp_path, check=False, capture_output=True)


def test_the_tutorial_can_be_read_in_a_quarter_of_an_hour() -> None:
    words = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8").split()
    assert len(words) < 15 * 130
