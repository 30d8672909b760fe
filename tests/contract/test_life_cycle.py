"""docs/language.md: its files are written and its tests are run."""

from pathlib import Path

from tests.docs.test_pages import BLOCK, ROOT

from lianheng.cli.contracts._tests import run_tests


def test_the_files_of_the_page_run_on_both_engines(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")
    files = {
        info.partition("file=")[2].strip(): body
        for kind, info, body in BLOCK.findall(text)
        if kind == "python" and "file=" in info
    }
    assert {"stock.py", "stock_2.py", "test_stock.py"} <= files.keys()
    for name, body in files.items():
        (tmp_path / name).write_text(body, encoding="utf-8")
    run = run_tests(tmp_path)
    assert run.ok, run.output
    assert run.summary().startswith("3 passed on VM and CPython")
