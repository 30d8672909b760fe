"""From the source of a contract to its class under CPython, with the lines of the file."""

import __future__

import hashlib
import inspect
import itertools
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from lianheng.contract._contracts import Contract, Declaration, declarations, migrations, uses
from lianheng.contract._interfaces import Use
from lianheng.contract._types import Type, resolve
from lianheng.contract.imports import imported
from lianheng.model import InvalidValue, UsageError

_numbers = itertools.count()


@dataclass(frozen=True)
class Parameter:
    """A parameter of a call or view after `self`."""

    name: str
    type: Type
    required: bool


@dataclass(frozen=True)
class Program:
    """A loaded contract."""

    file: str
    path: str
    contract: type[Contract]
    declared: dict[str, Declaration]
    parameters: dict[str, dict[str, Parameter]] = field(default_factory=dict)
    returns: dict[str, Type] = field(default_factory=dict)
    imported: dict[str, str] = field(default_factory=dict)
    """Files of imported sources: where they lie, and what errors call them."""
    imports: dict[str, bytes] = field(default_factory=dict)
    """Hashes of imported sources by their modules."""

    @property
    def migrations(self) -> dict[int, str]:
        """Names of the methods with `@migrate`, by the source that each starts from."""
        return migrations(self.contract)

    @property
    def uses(self) -> list[Use]:
        """The other contracts that it uses, in the order of the source."""
        return list(uses(self.contract).values())

    @property
    def invariants(self) -> list[str]:
        """Names of the methods that must hold in every state."""
        return [name for name, d in self.declared.items() if d.kind == "invariant"]

    @property
    def timers(self) -> list[str]:
        """Names of the methods that only blocks run."""
        return [name for name, d in self.declared.items() if d.kind == "timer"]

    @property
    def entries(self) -> dict[str, Declaration]:
        """What can be called from outside: calls and views."""
        return {name: d for name, d in self.declared.items() if d.kind in ("call", "view")}


@lru_cache(maxsize=256)
def load(source: str, file: str, path: str | None = None) -> Program:
    """Load the one contract of a source that the core's compiler accepts.

    `file` names it in errors, `path` is where debuggers find it. Raise `UsageError` under
    `python -O`, `InvalidValue` where CPython does not take the source or finds no contract.
    """
    if sys.flags.optimize:
        raise UsageError(
            "testing.optimized",
            "python -O drops every assert: the contract would run without its checks",
            "run the tests without -O and PYTHONOPTIMIZE",
        )
    place = path or file
    module = ModuleType(f"lianheng_contract_{next(_numbers)}")
    module.__file__ = place
    sys.modules[module.__name__] = module  # types are found through it
    try:
        # Annotations stay texts, so classes may be used above the line that declares them.
        flags = __future__.annotations.compiler_flag
        code = compile(source, place, "exec", flags=flags, dont_inherit=True, optimize=0)
        exec(code, vars(module))  # noqa: S102 - the contract under test, accepted by the compiler
    except Exception as failure:
        line = _line(failure, place)
        where = f"{file}:{line}" if line else file
        raise InvalidValue(
            "contract.not_loaded", f"{where}: CPython says {type(failure).__name__}: {failure}"
        ) from failure
    found = imported(source)
    hashes = {name: hashlib.sha256(text.encode()).digest() for name, text in found.items()}
    return replace(_program(module, file, place, _files(found)), imports=hashes)


def _files(modules: Iterable[str]) -> dict[str, str]:
    files = [getattr(sys.modules.get(name), "__file__", None) for name in modules]
    return {file: Path(file).name for file in files if file is not None}


def _program(module: ModuleType, file: str, place: str, imported_files: dict[str, str]) -> Program:
    own = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Contract)
        and value.__module__ == module.__name__
    ]
    if len(own) != 1:
        raise InvalidValue("contract.missing", f"{file} declares {len(own)} contracts, not one")
    declared = declarations(own[0])
    parameters = {
        name: _parameters(getattr(own[0], name), vars(module))
        for name, declaration in declared.items()
        if declaration.kind != "invariant"
    }
    returns = {
        name: resolve(getattr(own[0], name).__annotations__.get("return", object), vars(module))
        for name in parameters
    }
    return Program(file, place, own[0], declared, parameters, returns, imported_files)


def _parameters(method: Any, names: dict[str, Any]) -> dict[str, Parameter]:
    return {
        name: Parameter(
            name, resolve(parameter.annotation, names), parameter.default is parameter.empty
        )
        for name, parameter in list(inspect.signature(method).parameters.items())[1:]
    }


def _line(failure: BaseException, place: str) -> int | None:
    if isinstance(failure, SyntaxError):
        return failure.lineno
    return line_in(failure, place)


def place_in(failure: BaseException, program: Program) -> tuple[int | None, str]:
    """The innermost line of a contract or of what it imports that an exception passed."""
    line, file, traceback = None, program.file, failure.__traceback__
    files = {**program.imported, program.path: program.file}
    while traceback is not None:
        name = files.get(traceback.tb_frame.f_code.co_filename)
        if name is not None:
            line, file = traceback.tb_lineno, name
        traceback = traceback.tb_next
    return line, file


def line_in(failure: BaseException, place: str) -> int | None:
    """The innermost line of this file that an exception passed."""
    found, traceback = None, failure.__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == place:
            found = traceback.tb_lineno
        traceback = traceback.tb_next
    return found
