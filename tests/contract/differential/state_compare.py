"""One program of contracts and calls on both engines: how each call ended, and what differs."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

from tests.contract.differential.state_programs import MEMBERS, StateProgram, Step

from lianheng.model import CallFailed, Result, limits
from lianheng.testing import EnginesDiffer, LedgerFixture

SECONDS = 20.0

ENDS = {
    "upgrade",
    "freeze",
    "thaw",
    "retire",
    "contract.status",
    "call final",
    "view final",
    "timer final",
    "contract.rejected",
    "timer contract.rejected",
    "contract.error KeyError",
    "contract.error ValueError",
    "contract.error TypeError",
    "contract.error IndexError",
    "contract.error AttributeError",
    "contract.error OverflowError",
    "contract.error ZeroDivisionError",
    "timer contract.error KeyError",
    "policy.denied",
    "policy.signatory",
    "timer policy.signatory",
    "view.write",
    "call.bad_arguments",
    "call.bad_result",
    "call.is_a_view",
    "call.not_a_view",
    "call.reentered",
    "call.unknown_method",
    "contract.frozen",
    "contract.retired",
    "timer contract.retired",
    "gas.exhausted",
    "timer gas.exhausted",
}
"""How calls and timers end, each of which some program must reach."""


class _TooLongError(Exception):
    """A program that would hold up all others."""


def run(program: StateProgram, ends: Counter[str] | None = None) -> None:
    """Do every step on both engines. Raise `EnginesDiffer` where they do; `InvalidValue` for a
    source that the language does not take.
    """
    counted: Counter[str] = Counter() if ends is None else ends
    ledger = LedgerFixture(Path())
    signal.signal(signal.SIGALRM, _stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        for member, roles in MEMBERS.items():
            ledger.member(member, roles=roles)
        ledger.member("admin@test", roles=["admin"])
        for name, source in program.sources.items():
            ledger.deploy_source(source, name=name, file=f"{name}.py")
        for step in program.steps:
            _do(ledger, step, counted)
        ledger.close()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def difference(program: StateProgram, ends: Counter[str] | None = None) -> str | None:
    """What differs, in words."""
    try:
        run(program, ends)
    except EnginesDiffer as found:
        return str(found)
    except _TooLongError:
        return None
    return None


def _do(ledger: LedgerFixture, step: Step, ends: Counter[str]) -> None:
    if step.kind == "time":
        for ran in ledger.at(int(ledger.time) + step.amount):
            ends[f"timer {_end(ran.result) or 'final'}"] += 1
    elif step.kind == "view":
        result = ledger.ask("ann@north", step.target, step.arguments, limits.VIEW_GAS)
        ends[_end(result) or "view final"] += 1
    elif step.kind == "call":
        gas = step.amount or limits.DEFAULT_GAS
        result = ledger.call(step.signers, step.target, step.arguments, gas)
        ends[_end(result) or "call final"] += 1
    else:
        try:
            if step.kind == "upgrade":
                ledger.upgrade_source(step.target, str(step.arguments["source"]))
            else:
                getattr(ledger, step.kind)(step.target)
        except CallFailed as failed:
            ends[failed.code] += 1
        else:
            ends[step.kind] += 1


def _end(result: Result) -> str:
    error = result.error
    if error is None:
        return ""
    return f"{error.code} {error.reason}" if error.code == "contract.error" else error.code


def _stop(number: int, frame: object) -> None:
    raise _TooLongError(number, frame)
