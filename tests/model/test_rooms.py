"""What each room offers is what its `__all__` says, and nothing private leaks out of it."""

import ast
import importlib
from pathlib import Path

import pytest

import lianheng

ROOMS = ["model", "members", "ledger", "consensus", "testing", "client", "node"]
SOURCE = Path(lianheng.__file__).parent


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_offers_exactly_what_it_names(room: str) -> None:
    module = importlib.import_module(f"lianheng.{room}")
    names = module.__all__
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(module, name) is not None
    tree = ast.parse((SOURCE / room / "__init__.py").read_text())
    imported = {
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert imported == set(names)


def test_no_room_reaches_behind_another_ones_door() -> None:
    behind = []
    for file in SOURCE.rglob("*.py"):
        room = file.relative_to(SOURCE).parts[0]
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("lianheng."):
                parts = (node.module or "").split(".")
                private = [part for part in parts[2:] if part.startswith("_")]
                if parts[1] != room and private:
                    behind.append(f"{file.name}: {node.module}")
    assert behind == []
