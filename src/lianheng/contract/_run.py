"""One call or view under CPython: the engine's checks, the contract's method, its outcome."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lianheng.contract._arguments import check_int
from lianheng.contract._contracts import Caller
from lianheng.contract._errors import Rejected, Stopped
from lianheng.contract._load import Program, line_in
from lianheng.contract._policy import denial, met_by
from lianheng.contract._records import Event
from lianheng.contract._state import Place, State
from lianheng.contract._timers import check_gas, check_moment, encoded_arguments
from lianheng.contract._types import Mismatch, check_scale, decode_at, to_plain
from lianheng.model import decode, encode

_TEXT_LENGTH = 1_000  # characters of an exception's text that are kept, as in the VM
_NOBODY = Caller(member="", organisation="", roles=())


@dataclass(frozen=True)
class Call:
    """What is called, by whom, and when. Arguments are plain values, as a transaction has them."""

    contract: str
    method: str
    arguments: Mapping[str, Any]
    signers: tuple[Caller, ...] = ()
    now: int = 0
    height: int = 1
    transaction_id: bytes = bytes(32)
    application: str | None = None
    attachments: tuple[bytes, ...] = ()
    view: bool = False
    timer: bool = False


@dataclass(frozen=True)
class Failure:
    """Why a call was refused, in the ledger's words; `error` is what was raised."""

    code: str
    message: str
    reason: str | None = None
    line: int | None = None
    error: BaseException | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Outcome:
    """How a call ended: a value with events and changed rows, or a failure and no change."""

    value: bytes = b""
    events: tuple[tuple[str, bytes], ...] = ()
    changes: Mapping[str, Mapping[Place, bytes | None]] = field(default_factory=dict)
    failure: Failure | None = None


class _Host:
    """What one call sees."""

    def __init__(self, program: Program, call: Call, state: State) -> None:
        self._program = program
        self.caller = call.signers[0] if call.signers else _NOBODY
        self.signers = call.signers
        self.now = call.now
        self.height = call.height
        self.transaction_id = call.transaction_id
        self.application = call.application
        self.attachments = call.attachments
        self.state = state
        self.events: list[tuple[str, bytes]] = []

    def emit(self, event: Event) -> None:
        if self.state.read_only:
            raise Stopped("view.write", "a view only reads: it cannot emit an event")
        if not isinstance(event, Event):
            raise TypeError(f"emit() takes an event, not {type(event).__name__}")
        self.events.append((type(event).__name__, encode(to_plain(event))))

    def due(self, at: int, method: str, gas: int, arguments: Mapping[str, Any]) -> int:
        self.state.may_write()
        moment, amount = check_moment(at, self.now), check_gas(gas)
        declared = self._program.parameters[method]
        types = {name: parameter.type for name, parameter in declared.items()}
        encoded = encoded_arguments(types, arguments)
        return self.state.timers.make(moment, method, encoded, amount)

    def cancel(self, number: int) -> bool:
        self.state.may_write()
        check_int("cancel", "number", number)
        return self.state.timers.remove(number)


def run(program: Program, call: Call, state: State) -> Outcome:
    """Run a call or view; the state changes only where it ends well."""
    refused = _before_timer(program, call) if call.timer else _before(program, call)
    if refused is not None:
        return Outcome(failure=refused)
    host = _Host(program, call, state)
    state.read_only = call.view
    state.signed = tuple((signer.member, signer.organisation) for signer in call.signers)
    try:
        arguments = _arguments(program, call)
        method = getattr(program.contract(host), call.method)
        result = method(**arguments)
        check_scale(call.method, program.returns[call.method], result)
        value = encode(to_plain(result))
    except (Exception, Stopped) as error:  # noqa: BLE001 - a contract may raise anything
        state.undo()
        return Outcome(failure=_failure(error, program.path))
    except BaseException:
        state.undo()
        raise
    finally:
        state.read_only = False
    return Outcome(value, tuple(host.events), state.keep())


def broken_invariants(program: Program, state: State, now: int = 0) -> dict[str, Failure]:
    """Run every invariant on a state; gives those that do not hold, with what they raised."""
    broken = {}
    for name in program.invariants:
        host = _Host(program, Call("", name, {}, now=now, view=True), state)
        state.read_only = True
        try:
            held = getattr(program.contract(host), name)()
        except (Exception, Stopped) as error:  # noqa: BLE001 - an invariant may raise anything
            broken[name] = _failure(error, program.path)
        else:
            if held is False:
                broken[name] = Failure("contract.error", f"{name} gave False", "AssertionError")
        finally:
            state.read_only = False
    return broken


def _before(program: Program, call: Call) -> Failure | None:
    """The engine's checks before any gas is spent: there is such a method, its policy is met."""
    target = f"{call.contract}.{call.method}"
    declared = program.entries.get(call.method)
    if declared is None:
        return _unknown(call)
    if call.view and declared.kind != "view":
        return Failure("call.not_a_view", f"{target} changes state")
    if call.view:
        return None
    if declared.kind == "view":
        return Failure("call.is_a_view", f"{target} only reads")
    policy = declared.by or ""
    try:
        met = met_by(policy, call.signers)
    except ValueError as why:
        return Failure("policy.malformed", str(why))
    return None if met else Failure("policy.denied", denial(target, policy, call.signers))


def _before_timer(program: Program, call: Call) -> Failure | None:
    """A timer has no policy; an upgrade may have removed it."""
    return None if call.method in program.timers else _unknown(call)


def _unknown(call: Call) -> Failure:
    if call.timer:
        message = f"the contract has no call, view or timer '{call.method[:64]}'"
    else:
        message = f"{call.contract} has no method {call.method}"
    return Failure("call.unknown_method", message)


def _arguments(program: Program, call: Call) -> dict[str, Any]:
    declared, values = program.parameters[call.method], {}
    # In the order and with the containers that the arguments have once they are sent.
    for name, given in decode(encode(dict(call.arguments))).items():
        if name not in declared:
            known = ", ".join(declared)
            shown = f"{call.method} has no parameter '{name[:64]}'; it takes: {known}"
            raise Stopped("call.bad_arguments", shown)
        try:
            values[name] = decode_at("", declared[name].type, given)
        except Mismatch as found:
            shown = f"{name}{found.path}: {found.message}"
            raise Stopped("call.bad_arguments", shown) from None
        except TypeError as found:
            raise Stopped("call.bad_arguments", str(found)) from None
    for name, parameter in declared.items():
        if parameter.required and name not in values:
            raise Stopped("call.bad_arguments", f"{call.method} needs the argument '{name}'")
    return values


def _failure(error: BaseException, path: str) -> Failure:
    line = line_in(error, path)
    if isinstance(error, Stopped):
        return Failure(error.code, error.message, None, line, error)
    if isinstance(error, Rejected):
        code, message = error.code, error.message
        return Failure("contract.rejected", message[:_TEXT_LENGTH], code, line, error)
    kind = type(error).__name__
    return Failure("contract.error", str(error)[:_TEXT_LENGTH], kind, line, error)
