"""The hard limits on size: 70 lines a function body, 600 a file. Clippy checks Rust functions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tools.setup import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FUNCTION_LINES = 70
FILE_LINES = 600
# A table that a program of ours wrote; nobody reads it line by line.
GENERATED = {"rust/vm/src/unicode_tables.rs"}
# A contract is one file, a third of it declarations; the ledger's own limit is 64 kB.
CONTRACT_LINES = 1000
CONTRACTS = {
    "packs/blocks/case.py",
    "packs/blocks/holding.py",
    "src/lianheng/system/members.py",
}


def complaints(files: list[Path]) -> list[str]:
    """One line per file or function that is too long."""
    found: list[str] = []
    for file in files:
        if file.suffix not in {".py", ".pyi", ".rs"}:
            continue
        text, name = file.read_text(encoding="utf-8"), file.relative_to(ROOT)
        if name.as_posix() in GENERATED:
            continue
        most = CONTRACT_LINES if name.as_posix() in CONTRACTS else FILE_LINES
        if (lines := text.count("\n")) > most:
            found.append(f"{name}: {lines} lines; at most {most}: split it by what it does")
        if file.suffix == ".py":
            found += [f"{name}:{w}; at most {FUNCTION_LINES}" for w in long_functions(text)]
    return found


def long_functions(text: str) -> Iterator[str]:
    """`line: name has n lines` of each function whose body, docstring aside, is too long."""
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        body = node.body[1:] if ast.get_docstring(node) and len(node.body) > 1 else node.body
        lines = (body[-1].end_lineno or 0) - body[0].lineno + 1
        if lines > FUNCTION_LINES:
            yield f"{node.lineno}: {node.name} has {lines} lines"
