"""Imports of deployed sources under CPython: modules of `lianheng.chain`, found by their hashes.

A module `lianheng.chain.stock_0123456789abcdef` is the file of that name in a folder of the package
`lianheng.chain`. Its text must have a SHA-256 that begins with these digits; the label in front is
for readers. Nothing here looks at a chain: `lianheng contract fetch` does, and writes the file.
"""

import __future__

import ast
import hashlib
import importlib
import re
import sys
import unicodedata
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from pathlib import Path
from types import CodeType, ModuleType

from lianheng.model import InvalidValue

PACKAGE = "lianheng.chain"
_WORD = "chain"
DIGITS = 16
"""Hexadecimal digits of a source's hash in the name of its module."""

_NAME = re.compile(rf"([a-z][a-z0-9_]{{0,62}})_([0-9a-f]{{{DIGITS}}})")


def module_name(label: str, source: str) -> str:
    """The last part of the name of a source's module."""
    return f"{label}_{_hash(source)[:DIGITS]}"


def digits_of(module: str) -> str | None:
    """The digits in a module's name; None where it is none of a deployed source."""
    name = module.removeprefix(f"{PACKAGE}.")
    found = _NAME.fullmatch(name)
    return found[2] if found and module.startswith(f"{PACKAGE}.") else None


def store(folder: Path, label: str, source: str) -> Path:
    """Write a source as the module that its hash names; gives the file."""
    file = folder / f"{module_name(label, source)}.py"
    file.write_bytes(source.encode())
    return file


def imported(source: str) -> dict[str, str]:
    """The deployed sources that a source imports, directly or not, by their modules' names.

    What no folder of `lianheng.chain` holds is left out: the compiler says so.
    """
    found: dict[str, str] = {}
    waiting = _modules(source)
    while waiting:
        module = waiting.pop()
        text = None if module in found else _text(module)
        if text is not None:
            found[module] = text
            waiting += _modules(text)
    return found


def by_digits(source: str) -> dict[str, str]:
    """What `imported` finds, by the digits alone: as the core's checker takes it."""
    return {digits_of(module) or "": text for module, text in imported(source).items()}


def install() -> None:
    """Let CPython find these modules, checked and compiled as contracts are."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _modules(source: str) -> list[str]:
    # Most sources import none, and parsing is the dearest part of reading one.
    if _WORD not in unicodedata.normalize("NFKC", source):
        return []
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    names = [
        node.module for node in tree.body if isinstance(node, ast.ImportFrom) and not node.level
    ]
    return [name for name in names if name is not None and digits_of(name)]


def _folders() -> list[Path]:
    # By name: the package stands above this room, and exists to be looked into.
    return [Path(folder) for folder in importlib.import_module(PACKAGE).__path__]


def _text(module: str) -> str | None:
    name = f"{module.removeprefix(f'{PACKAGE}.')}.py"
    for folder in _folders():
        if (file := folder / name).is_file():
            return file.read_bytes().decode()
    return None


def _hash(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


class _Loader(SourceFileLoader):
    """Compiles as the twin compiles a contract: annotations stay texts."""

    def get_code(self, fullname: str) -> CodeType:
        """Refuse a file whose hash is not what its name says; InvalidValue. Nothing is cached."""
        data = self.get_data(self.path)
        if not hashlib.sha256(data).hexdigest().startswith(digits_of(fullname) or "-"):
            raise InvalidValue(
                "import.changed",
                f"{self.path} has another hash than its name says",
                "fetch it again with `lianheng contract fetch`",
            )
        flags = __future__.annotations.compiler_flag
        code: CodeType = compile(
            data, self.path, "exec", flags=flags, dont_inherit=True, optimize=0
        )
        return code


class _Finder(MetaPathFinder):
    """Finds modules of `lianheng.chain` in its folders."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module's place, or None for every other module."""
        del target
        if digits_of(fullname) is None:
            return None
        name = f"{fullname.rpartition('.')[2]}.py"
        for folder in path or ():
            if (file := Path(folder) / name).is_file():
                loader = _Loader(fullname, str(file))
                return spec_from_file_location(fullname, file, loader=loader)
        return None
