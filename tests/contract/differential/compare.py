"""One program on both engines: output, and the last line and place of an uncaught error."""

from __future__ import annotations

import contextlib
import io
import re
import signal
import sys
import traceback
import warnings
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from lianheng import _native

FILE = "program.py"
GAS = 20_000_000
SECONDS = 5.0
BEYOND = re.compile(r"[0-9]{1234}")  # an integer that the VM ended where nothing shows it
CAP = "more than 4096 bits"  # the one documented deviation of integers


class _TooLong(BaseException):
    """CPython did not end in time; nothing in a program catches it."""


@dataclass(frozen=True)
class Ran:
    """What a program did; `refused` where the language does not take it, or a limit ended it."""

    output: str = ""
    error: str = ""
    line: int = 0
    refused: str = ""


def by_vm(source: str) -> Ran:
    """Run it in the VM."""
    outcome: dict[str, Any] = _native.run_script(source, FILE, GAS)
    if found := outcome["diagnostics"]:
        first = found[0]
        return Ran(refused=f"line {first['line']}: {first['code']}: {first['message']}")
    error = outcome["error"]
    if error is None:
        return Ran(str(outcome["output"]))
    if error["class"] is None:
        return Ran(refused=f"line {error['line']}: {error['code']}: {error['message']}")
    return Ran(str(outcome["output"]), str(error["last_line"]), int(str(error["line"])))


def by_cpython(source: str) -> Ran:
    """Run it here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            code = compile(source, FILE, "exec")
        except SyntaxError as error:
            return Ran(error=f"SyntaxError: {error.msg}", line=error.lineno or 0)
    out = io.StringIO()
    module = ModuleType("__main__")
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    # Types in quotes are looked up in the module of the class that has them.
    before = sys.modules["__main__"]
    sys.modules["__main__"] = module
    try:
        with contextlib.redirect_stdout(out):
            exec(code, vars(module))  # noqa: S102  programs of our own making
    except Exception as error:  # noqa: BLE001  whatever it raises is what we compare
        last = traceback.format_exception_only(error)[-1].removesuffix("\n")
        last = last.replace("lianheng.contract._errors.", "lianheng.contract.")
        places = [
            frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == FILE
        ]
        return Ran(out.getvalue(), last, places[-1].lineno or 0 if places else 0)
    except _TooLong:
        return Ran(refused="CPython did not end in time")
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        sys.modules["__main__"] = before
    return Ran(out.getvalue())


def _stop(number: int, frame: object) -> None:
    raise _TooLong(number, frame)


def difference(source: str) -> str | None:
    """What differs, in words; nothing where the engines agree or the VM refuses."""
    vm = by_vm(source)
    if vm.refused or CAP in vm.output or CAP in vm.error:
        return None
    ours = by_cpython(source)
    if vm == ours or ours.refused or BEYOND.search(ours.output):
        return None
    for number, (theirs, mine) in enumerate(
        zip(ours.output.split("\n"), vm.output.split("\n"), strict=False)
    ):
        if theirs != mine:
            return f"output line {number + 1}\n  CPython: {theirs}\n  VM:      {mine}"
    return f"end\n  CPython: {ours.error!r} at {ours.line}\n  VM:      {vm.error!r} at {vm.line}"
