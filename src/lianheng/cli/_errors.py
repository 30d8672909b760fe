"""Turns every failure into one or two sentences and an exit code."""

import os
import sys
import traceback
from json import dumps
from typing import TYPE_CHECKING

from lianheng.cli._print import as_json, failure_line

if TYPE_CHECKING:
    from lianheng.model import LianhengError

FAILED = 1
USAGE = 2


def report(error: Exception, *, json: bool) -> int:
    """Prints any error as a sentence; gives the exit code."""
    if os.environ.get("LIANHENG_DEBUG") == "1":
        traceback.print_exc(file=sys.stderr)
    if isinstance(error, ImportError):
        return report_unknown(error, json=json)  # the core may be what is missing
    from lianheng.model import LianhengError, UsageError

    if not isinstance(error, LianhengError):
        return report_unknown(error, json=json)
    if json:
        print(as_json({"error": error_fields(error)}))
    else:
        failure_line(error.code, error.message, error.hint)
    return USAGE if isinstance(error, UsageError) else FAILED


def report_unknown(error: Exception, *, json: bool) -> int:
    """Prints an error that no part of the program named; gives the exit code."""
    code, message, hint = describe(error)
    if json:
        print(dumps({"error": {"code": code, "message": message, "hint": hint}}, indent=2))
    else:
        failure_line(code, message, hint)
    return FAILED


def error_fields(error: "LianhengError") -> dict[str, object]:
    """The error for machines."""
    fields = {"code": error.code, "message": error.message, "hint": error.hint, **error.details}
    return {name: value for name, value in fields.items() if value not in (None, "")}


def describe(error: Exception) -> tuple[str, str, str]:
    """Code, sentence and what to do for an error of the system or of our own making."""
    if isinstance(error, FileNotFoundError):
        return "file.not_found", f"{error.filename} is not there", "check the path"
    if isinstance(error, PermissionError):
        return "file.denied", f"{error.filename} may not be opened", "check its owner and mode"
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return "file.failed", f"{error.strerror or error}{where}", "run: lianheng doctor"
    if isinstance(error, ImportError):
        again = "in a checkout: make demo; elsewhere: pip install lianheng lianheng-packs"
        ours = (error.name or "lianheng").startswith("lianheng")
        return "core.missing" if ours else "package.missing", str(error), again
    if code := getattr(error, "code", None):
        hint = getattr(error, "hint", None) or "run: lianheng doctor"
        return str(code), str(getattr(error, "message", error)), str(hint)
    kind = type(error).__name__
    return "internal.fault", f"{kind}: {error}", "set LIANHENG_DEBUG=1, run it again and report it"
