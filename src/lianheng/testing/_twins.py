"""Each call a second time, under CPython, and what of its outcome differs from the VM's."""

import sys
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lianheng.contract import Caller
from lianheng.contract.twin import (
    Broken,
    Call,
    Failure,
    Outcome,
    Peer,
    Program,
    State,
    broken_callers,
    key_of,
    load,
    run,
)
from lianheng.ledger import BrokenCaller
from lianheng.model import Result, Run, decode, encode
from lianheng.testing._chain import Chain, Declared

_FULL_COMPARISON_ROWS = 64
"""Rows of a contract up to which its whole state is compared after each call; beyond that, the rows
that changed, and everything once more at the end of the test."""

_VM_ONLY = ("gas.", "limit.", "language.", "engine.", "code.")
_TEXT_OF_ERRORS = (3, 11)  # the version whose words the VM gives for errors of built-in types
_MESSAGE_LENGTH = 250  # characters compared: the ledger cuts a message at 1,024 bytes


class EnginesDiffer(AssertionError):  # noqa: N818  what a test report shows
    """VM and CPython disagree about a call."""


@dataclass
class Twin(Peer):
    """A deployed contract under CPython."""

    source: str = ""
    from_version: int = 0
    """How many other sources were in force before this one."""

    @classmethod
    def of(cls, source: str, file: str, path: str | None = None) -> "Twin":
        """A contract that was just deployed."""
        return cls(load(source, file, path), State(), source=source)

    def copy(self) -> "Twin":
        """The same, for a snapshot."""
        return replace(self, state=self.state.copy())


@dataclass(frozen=True)
class Difference:
    """One thing of a call that differs: both forms, as text."""

    what: str
    vm: str
    cpython: str


def repeat(twins: Mapping[str, Peer], chain: Chain, call: Call, result: Result) -> None:
    """Run the call on the twins too. Raise `EnginesDiffer` where anything is not the same.

    What only the VM can decide (gas, its limits, what the language refuses when it runs) is not
    repeated: the twin's state stays, as the VM's does.
    """
    if _is_for_vm_alone(result) or _code(result).startswith("state."):
        return
    twin = twins[call.contract]
    closed = refusal(call.contract, twin.status, view=call.view)
    outcome = (
        run(twin.program, call, twin.state, twins) if closed is None else Outcome(failure=closed)
    )
    compare(twins, chain, call, result, outcome)


def refusal(name: str, status: str, *, view: bool) -> Failure | None:
    """Why a contract with this status takes no call, where it does not."""
    if status == "retired":
        return Failure("contract.retired", f"{name} is retired: it is never called again")
    if status == "frozen" and not view:
        message = f"{name} is frozen: it takes no calls, its views still answer"
        return Failure("contract.frozen", message)
    return None


def compare(
    twins: Mapping[str, Peer], chain: Chain, call: Call, result: Result, outcome: Outcome
) -> bool:
    """Whether CPython's outcome counts; false where only the VM decides how a call ends.

    Raise `EnginesDiffer` where anything differs, the states after it included.
    """
    if _is_for_vm_alone(result):
        return False
    found = [*_of_result(result, outcome), *_of_error(result, outcome)]
    if not found and not call.view:
        found = _of_states(twins, chain, outcome)
    if found:
        raise EnginesDiffer(report(call, found, outcome))
    return True


def repeat_runs(twins: Mapping[str, Peer], chain: Chain, runs: Sequence[Run]) -> None:
    """Run the timers of one block on the twins too. Raise `EnginesDiffer` as `repeat` does."""
    ran: dict[str, tuple[Call, Outcome]] = {}
    for run_ in runs:
        twin = twins.get(run_.contract)
        if twin is None:
            continue
        call = Call(
            contract=run_.contract,
            method=run_.method,
            arguments=run_.arguments,
            now=int(run_.result.time or 0),
            height=int(run_.result.height or 0),
            transaction_id=bytes(run_.id(chain.ledger.genesis_hash)),
            timer=True,
            directory=chain.directory,
        )
        if not twin.state.timers.remove(run_.number):
            raise EnginesDiffer(f"{run_.contract}: no timer {run_.number} waits under CPython")
        twin.state.timers.keep()
        if _is_for_vm_alone(run_.result):
            continue
        closed = refusal(call.contract, twin.status, view=False)
        outcome = (
            run(twin.program, call, twin.state, twins)
            if closed is None
            else Outcome(failure=closed)
        )
        found = [*_of_result(run_.result, outcome), *_of_error(run_.result, outcome)]
        if found:
            raise EnginesDiffer(report(call, found, outcome))
        ran.update(dict.fromkeys(outcome.changes or [call.contract], (call, outcome)))
    # Later runs of the block may have changed what an earlier one wrote: the last state counts.
    for contract, (call, outcome) in ran.items():
        if found := _of_tables(twins[contract], chain, contract):
            raise EnginesDiffer(report(call, found, outcome))


def compare_everything(twin: Peer, chain: Chain, contract: str) -> None:
    """Compare the whole state. Raise `EnginesDiffer` where it is not the same."""
    if found := _of_tables(twin, chain, contract):
        raise EnginesDiffer(_shown([f"the state of {contract} at the end of the test"], found))


def compare_callers(
    twins: Mapping[str, "Twin"],
    contract: str,
    new: tuple[Program, str],
    found: Sequence[BrokenCaller],
) -> None:
    """Whether CPython names the same callers that an upgrade breaks. Raise `EnginesDiffer`."""
    own = twins[contract]
    others = {name: twin.program for name, twin in twins.items() if twin.status != "retired"}
    theirs = broken_callers(contract, (own.program, own.source), new, others)
    ours = [_fields(one) for one in found]
    if sorted(ours) != sorted(map(_fields, theirs)):
        difference = Difference("callers", repr(ours), repr(theirs))
        raise EnginesDiffer(_shown([f"the callers of {contract} after an upgrade"], [difference]))


def _fields(broken: BrokenCaller | Broken) -> tuple[str, str, str, str, str]:
    return broken.contract, broken.attribute, broken.interface, broken.method, broken.why


def report(call: Call, found: Sequence[Difference], outcome: Outcome) -> str:
    """What differs, for people."""
    given = ", ".join(f"{name}={_short(repr(value))}" for name, value in call.arguments.items())
    who = " and ".join(signer.member for signer in call.signers) or "nobody"
    names = ", ".join(dict.fromkeys(difference.what.partition(" ")[0] for difference in found))
    head = [
        f"VM and CPython differ in {names}",
        f"  call      {call.contract}.{call.method}({given}) by {who}",
    ]
    text = _shown(head, found)
    if outcome.failure is not None and outcome.failure.error is not None:
        lines = traceback.format_exception(outcome.failure.error)
        text += "\n\n  raised under CPython:\n" + "".join(lines)
    return text


def _shown(head: Sequence[str], found: Sequence[Difference]) -> str:
    lines = list(head)
    for difference in found:
        lines += [
            f"  {difference.what}",
            f"    VM      {difference.vm}",
            f"    CPython {difference.cpython}",
        ]
    return "\n".join(lines)


def _is_for_vm_alone(result: Result) -> bool:
    error = result.error
    if result.height is None:
        return True
    if error is None:
        return False
    too_large = error.reason == "OverflowError" and "bits" in error.message
    return error.code.startswith(_VM_ONLY) or too_large


def _code(result: Result) -> str:
    return "" if result.error is None else result.error.code


def _of_result(result: Result, outcome: Outcome) -> list[Difference]:
    if result.error is not None or outcome.failure is not None:
        return []
    found = []
    if encode(result.value) != outcome.value:
        found.append(Difference("value", repr(result.value), repr(decode(outcome.value))))
    ours = [(str(e.contract), e.name, encode(e.data)) for e in result.events]
    if ours != list(outcome.events):
        shown = [(str(e.contract), e.name, e.data) for e in result.events]
        theirs = [(contract, name, decode(data)) for contract, name, data in outcome.events]
        found.append(Difference("events", repr(shown), repr(theirs)))
    return found


def _of_error(result: Result, outcome: Outcome) -> list[Difference]:
    vm, cpython = result.error, outcome.failure
    if vm is None and cpython is None:
        return []
    if vm is None or cpython is None:
        ended = f"ended well with {result.value!r}" if vm is None else f"{_words(vm)}"
        other = "ended well" if cpython is None else _words(cpython)
        if cpython is None:
            other += f" with {decode(outcome.value)!r}"
        return [Difference("outcome", ended, other)]
    parts = ["code", "reason", "line"]
    if vm.line is not None:
        parts.append("file")
    if vm.code != "contract.error" or sys.version_info[:2] == _TEXT_OF_ERRORS:
        parts.append("message")
    return [
        Difference(f"error {part}", f"{a!r}   in {_words(vm)}", f"{b!r}   in {_words(cpython)}")
        for part in parts
        if (a := _short(getattr(vm, part))) != (b := _short(getattr(cpython, part)))
    ]


def _short(value: object) -> object:
    return value[:_MESSAGE_LENGTH] if isinstance(value, str) else value


def _words(error: Any) -> str:
    line = "" if error.line is None else f" at line {error.line}"
    return f"{error.code} {error.reason or ''}{line}: {error.message}"


def _of_states(twins: Mapping[str, Peer], chain: Chain, outcome: Outcome) -> list[Difference]:
    """What differs in the state of each contract that the call entered."""
    found = []
    for contract, changes in outcome.changes.items():
        twin = twins[contract]
        if sum(len(rows) for rows in twin.state.tables.values()) <= _FULL_COMPARISON_ROWS:
            found += _of_tables(twin, chain, contract)
            continue
        for table, rows in changes.items():
            for place, data in rows.items():
                key = key_of(place)
                ours = chain.ledger.backend.get(contract, table, key)
                if ours != data:
                    found.append(_row(f"{contract}.{table}", key, ours, data))
    return found


def _of_tables(twin: Peer, chain: Chain, contract: str) -> list[Difference]:
    found: list[Difference] = _of_timers(twin, chain, contract)
    for table in twin.state.tables:
        ours, theirs = chain.rows(contract, table), twin.state.rows(table).data()
        found += [
            _row(f"{contract}.{table}", key, ours.get(key), theirs.get(key))
            for key in dict.fromkeys([*ours, *theirs])
            if ours.get(key) != theirs.get(key)
        ]
        if not found and list(ours) != list(theirs):
            found.append(
                Difference(f"state order of {contract}.{table}", str([*ours]), str([*theirs]))
            )
    return found


def _of_timers(twin: Peer, chain: Chain, contract: str) -> list[Difference]:
    if not twin.program.timers:
        return []
    ours = sorted(chain.timers(contract))
    theirs = sorted(
        (timer.number, timer.at, timer.method, dict(timer.values), timer.gas)
        for timer in twin.state.timers.waiting()
    )
    return [] if ours == theirs else [Difference("timers", repr(ours), repr(theirs))]


def _row(table: str, key: Sequence[Any], vm: bytes | None, cpython: bytes | None) -> Difference:
    shown = ", ".join(map(repr, key))
    both = ("absent" if data is None else repr(decode(data)) for data in (vm, cpython))
    return Difference(f"state {table}[{shown}]", *both)


def callers(chain: Chain, members: Sequence[str]) -> tuple[Caller, ...]:
    """Signers as a contract sees them."""
    declared: Mapping[str, Declared] = {str(name): d for name, d in chain.members.items()}
    return tuple(
        Caller(
            member=str(member),
            organisation=str(member).partition("@")[2],
            roles=declared[str(member)].roles if str(member) in declared else (),
        )
        for member in members
    )
