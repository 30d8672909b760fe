"""What is said of a source before a test deploys it, and whether both engines read it alike."""

import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from lianheng import _native
from lianheng.contract.checks import ERROR, Diagnostic, type_findings
from lianheng.contract.imports import by_digits
from lianheng.contract.twin import Program, differences
from lianheng.model import InvalidValue, native_errors
from lianheng.testing._twins import EnginesDiffer


class ContractWarning(UserWarning):
    """What `lianheng contract check` says about the types of a contract that a test deploys.

    The chain takes such a source: types are advice there. `contract deploy` does not send it where
    the finding is an error. Tests turn them into failures by pytest's `filterwarnings`, or expect
    them by `pytest.warns(ContractWarning)`.
    """


def check_source(source: str, file: str) -> None:
    """Raise `InvalidValue` with every diagnostic of the compiler, where it has one."""
    with native_errors():
        diagnostics = _native.check_contract(source, file, by_digits(source))
    if diagnostics:
        lines = [f"{file} is refused:", *(_line(file, item) for item in diagnostics)]
        raise InvalidValue("contract.invalid", "\n".join(lines))


def warn_of_types(source: str, file: str, path: str | None) -> tuple[Diagnostic, ...]:
    """Warn of each finding of the type pass, at its line of the contract; gives them."""
    found = _types(source, file)
    for item in found:
        word = "" if item.severity == ERROR else " (warning)"
        help_ = f" ({item.help})" if item.help else ""
        text = f"contract check: {file}:{item.line}: {item.code}{word}: {item.message}{help_}"
        warnings.warn_explicit(text, ContractWarning, path or file, item.line)
    return found


def compare_declarations(program: Program, source: str, file: str) -> None:
    """Raise `EnginesDiffer` where core and CPython read another declaration from a source."""
    found = list(differences(program, _declared(source, file)))
    if found:
        lines = [f"VM and CPython differ in what {file} declares"]
        lines += [
            f"  {place}\n    VM       {vm}\n    CPython  {cpython}" for place, vm, cpython in found
        ]
        raise EnginesDiffer("\n".join(lines))


@lru_cache(maxsize=256)
def _types(source: str, file: str) -> tuple[Diagnostic, ...]:
    with native_errors():
        return tuple(type_findings(source, file))


@lru_cache(maxsize=256)
def _declared(source: str, file: str) -> Mapping[str, Any]:
    with native_errors():
        return _native.contract_interface(source, file, by_digits(source))


def _line(file: str, diagnostic: Mapping[Any, Any]) -> str:
    hint = diagnostic.get("help")
    return f"  {file}:{diagnostic.get('line', '?')}: {diagnostic.get('message')}" + (
        f" ({hint})" if hint else ""
    )
