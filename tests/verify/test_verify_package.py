"""The package: its public names, what it imports, and its speed."""

from __future__ import annotations

import ast
import sys
import time
import tomllib

from tests.verify.chainmaker.encoding import encode
from tests.verify.chainmaker.scenes import toolshed
from tests.verify.helpers import ROOT

import lianheng_verify as verify

SOURCES = sorted((ROOT / "verify" / "src").rglob("*.py"))
RECEIPT_SECONDS = 0.010


def test_public_names_are_sorted_and_there() -> None:
    assert verify.__all__ == sorted(verify.__all__)
    public = {name for name in vars(verify) if not name.startswith("_")}
    assert public == set(verify.__all__)


def test_it_imports_nothing_but_its_two_dependencies() -> None:
    allowed = {"lianheng_verify", "cbor2", "cryptography", *sys.stdlib_module_names}
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                assert node.level == 0, path
                names = [node.module or ""]
            assert {name.split(".")[0] for name in names} <= allowed, path


def test_the_version_is_the_package_s() -> None:
    project = tomllib.loads((ROOT / "verify" / "pyproject.toml").read_text())["project"]
    assert project["version"] == verify.__version__
    assert {one.partition(">")[0] for one in project["dependencies"]} == {"cbor2", "cryptography"}


def test_verification_returns_no_verdict_that_could_be_dropped() -> None:
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and node.name.lstrip("_").startswith("verify"):
                returns = ast.unparse(node.returns) if node.returns else ""
                assert returns != "bool", f"{path.name}: {node.name}"


def test_a_receipt_takes_less_than_ten_milliseconds() -> None:
    chain = toolshed()
    files = [encode(chain.receipt(height, 0)) for height in (1, 2, 3, 5)] * 25
    start = time.perf_counter()
    anchor = verify.load_anchor(chain.genesis_file)
    for data in files:
        verify.verify_receipt(data, anchor)
    assert (time.perf_counter() - start) / len(files) < RECEIPT_SECONDS
