"""How one independent program ends on both engines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tests.contract.differential.compare import BEYOND, CAP, FILE, GAS, Ran, by_cpython

from lianheng import _native

# Deviations that docs/language.md lists: texts of errors about numbers and names of arguments.
LOOSE = ("TypeError", "AttributeError")


@dataclass(frozen=True)
class Verdict:
    """`equal`, `different`, `refused`, `limited` or `crash`, and why."""

    end: str
    detail: str = ""
    reasons: frozenset[str] = field(default_factory=frozenset)


def judged(source: str) -> Verdict:
    """Run it in the VM, and under CPython where the VM accepts it."""
    try:
        outcome: dict[str, Any] = _native.run_script(source, FILE, GAS)
    except BaseException as panic:  # noqa: BLE001  a panic is what is looked for
        return Verdict("crash", repr(panic))
    if found := outcome["diagnostics"]:
        return Verdict("refused", reasons=frozenset(reason(one) for one in found))
    error = outcome["error"]
    if error is not None and error["class"] is None:
        end = "refused" if error["code"] == "language.refused" else "limited"
        return Verdict(end, reasons=frozenset([f"{error['code']}: {error['message'][:60]}"]))
    vm = Ran(str(outcome["output"]))
    if error is not None:
        vm = Ran(vm.output, str(error["last_line"]), int(str(error["line"])))
    return compared(vm, by_cpython(source))


def compared(vm: Ran, ours: Ran) -> Verdict:
    """The verdict on two endings."""
    if ours.refused:
        return Verdict("limited", reasons=frozenset(["CPython took too long"]))
    if vm == ours or CAP in vm.output or CAP in vm.error or BEYOND.search(ours.output):
        return Verdict("equal")
    kind = vm.error.partition(":")[0]
    same_kind = kind == ours.error.partition(":")[0] and vm.line == ours.line
    if vm.output == ours.output and same_kind and kind in LOOSE:
        return Verdict("equal")
    told = zip(ours.output.split("\n"), vm.output.split("\n"), strict=False)
    lines = [f"  CPython: {a}\n  VM:      {b}" for a, b in told if a != b][:3]
    ends = f"  ends {ours.error!r} at {ours.line}, {vm.error!r} at {vm.line}"
    return Verdict("different", "\n".join([*lines, ends]))


def reason(found: dict[str, Any]) -> str:
    """A finding's code, and the construct in its message without names of the program."""
    message = re.sub(r"`[^`]*`|'[^']*'", "_", str(found["message"]))
    keep = found["code"] in ("language.builtin", "language.import", "name.undefined")
    return f"{found['code']}: {str(found['message'])[:70] if keep else message[:70]}"
