"""One call or view under CPython: the engine's checks, the contract's method, its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from lianheng.contract._directory import Directory, Nobody
from lianheng.contract._errors import Stopped, every_stop
from lianheng.contract._load import Program
from lianheng.contract._policy import Question, denial, subject_of
from lianheng.contract._state import Place, State
from lianheng.contract._transaction import (
    Call,
    Failure,
    Peer,
    Transaction,
    failure_of,
)

Changes = Mapping[str, Mapping[Place, bytes | None]]
"""The new bytes of each row that changed, by table; None for a deleted one."""


@dataclass(frozen=True)
class Outcome:
    """How a call ended: a value with events and changed rows, or a failure and no change.

    An event is the name of its contract, its own, and its data; changes go by contract.
    """

    value: bytes = b""
    events: tuple[tuple[str, str, bytes], ...] = ()
    changes: Mapping[str, Changes] = field(default_factory=dict)
    failure: Failure | None = None


def run(
    program: Program, call: Call, state: State, peers: Mapping[str, Peer] | None = None
) -> Outcome:
    """Run a call or view; states change only where it ends well. `peers` are what it may call."""
    refused = _before_timer(program, call) if call.timer else _before(program, call)
    if refused is not None:
        return Outcome(failure=refused)
    transaction = Transaction(call, peers or {})
    arguments, own = call.arguments, Peer(program, state)
    value = b""
    try:
        with every_stop() as transaction.stops:
            value = transaction.enter(call.contract, own, call.method, arguments, view=call.view)
    except (Exception, Stopped):  # noqa: BLE001, S110 - a contract may raise anything; it is kept
        pass
    except BaseException:
        transaction.undo()
        raise
    # A contract that was called may have failed without a trace: `finally: return` hides it.
    if transaction.failure is not None:
        transaction.undo()
        return Outcome(failure=transaction.failure)
    transaction.tell()
    return Outcome(value, tuple(transaction.events), transaction.keep())


def broken_invariants(
    program: Program,
    state: State,
    now: int = 0,
    peers: Mapping[str, Peer] | None = None,
    *,
    directory: Directory | None = None,
    contract: str = "",
) -> dict[str, Failure]:
    """Run every invariant on a state; gives those that do not hold, with what they raised."""
    broken = {}
    for name in program.invariants:
        asked = Call(contract, name, {}, now=now, view=True, directory=directory or Nobody())
        transaction = Transaction(asked, peers or {})
        try:
            held = transaction.hold(Peer(program, state), name)
        except (Exception, Stopped) as error:  # noqa: BLE001 - an invariant may raise anything
            broken[name] = transaction.failure or failure_of(error, program)
        else:
            if held is False:
                broken[name] = Failure("contract.error", f"{name} gave False", "AssertionError")
    return broken


def _before(program: Program, call: Call) -> Failure | None:
    """The engine's checks before any gas is spent: there is such a method, its policy is met."""
    target = f"{call.contract}.{call.method}"
    declared = program.entries.get(call.method)
    if declared is None:
        return _unknown(call)
    if call.view:
        reads = declared.kind == "view"
        return None if reads else Failure("call.not_a_view", f"{target} changes state")
    if declared.kind == "view":
        return Failure("call.is_a_view", f"{target} only reads")
    policy = declared.by or ""
    subject = subject_of(program.parameters.get(call.method, ()), call.arguments)
    question = Question(call.contract, call.method, policy, call.signers, None, subject)
    try:
        judgement = call.directory.judge(question)
    except ValueError as why:
        return Failure("policy.malformed", str(why))
    if not judgement.lacks:
        return None
    return Failure("policy.denied", denial(question, judgement))


def _before_timer(program: Program, call: Call) -> Failure | None:
    """A timer has no policy; an upgrade may have removed it."""
    return None if call.method in program.timers else _unknown(call)


def _unknown(call: Call) -> Failure:
    if call.timer:
        message = f"the contract has no call, view or timer '{call.method[:64]}'"
    else:
        message = f"{call.contract} has no method {call.method}"
    return Failure("call.unknown_method", message)
