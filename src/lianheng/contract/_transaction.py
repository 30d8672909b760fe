"""One transaction under CPython: the contracts that it enters, and what they share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lianheng.contract._arguments import check_int
from lianheng.contract._contracts import Caller
from lianheng.contract._directory import Directory, Nobody, asking
from lianheng.contract._errors import Rejected, Stopped
from lianheng.contract._interfaces import Expected, Use
from lianheng.contract._load import Program, place_in
from lianheng.contract._observers import notices
from lianheng.contract._policy import Question, denial, subject_of
from lianheng.contract._records import Event
from lianheng.contract._state import Place, State
from lianheng.contract._timers import check_gas, check_moment, encoded_arguments
from lianheng.contract._types import Mismatch, check_scale, decode_at, to_plain
from lianheng.model import decode, encode

CONTRACTS_DEEP = 4
"""Contracts active in one chain of calls, as in the VM."""

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
    chain: str = "test"
    directory: Directory = field(default=Nobody(), compare=False)


@dataclass(frozen=True)
class Failure:
    """Why a call was refused, in the ledger's words; `error` is what was raised."""

    code: str
    message: str
    reason: str | None = None
    line: int | None = None
    error: BaseException | None = field(default=None, compare=False)
    file: str | None = None


@dataclass
class Peer:
    """A deployed contract that others may call."""

    program: Program
    state: State
    status: str = "active"


class Transaction:
    """A call, and what the contracts that it reaches have in common."""

    def __init__(self, call: Call, peers: Mapping[str, Peer]) -> None:
        """Nothing is entered yet."""
        self.call = call
        self.peers = peers
        self.active: list[str] = []
        self.entered: dict[str, State] = {}
        self.events: list[tuple[str, str, bytes]] = []
        self.failure: Failure | None = None
        self.stops: list[Stopped] = []
        """What stopped the transaction: the first one counts, whatever hid it."""

    def enter(
        self,
        contract: str,
        peer: Peer,
        method: str,
        arguments: Mapping[str, Any],
        *,
        view: bool,
    ) -> bytes:
        """Run a method; gives the canonical bytes of its result. What fails is kept, and raised."""
        self.check_stops()
        program, state = peer.program, peer.state
        host = Host(self, contract, peer, view=view)
        self.active.append(contract)
        self.entered[contract] = state
        state.read_only, state.directory = view, self.call.directory
        state.signed = tuple((one.member, one.organisation) for one in self.call.signers)
        try:
            values = _arguments(program, method, arguments)
            with asking(self.call.directory):
                result = getattr(program.contract(host), method)(**values)
            check_scale(method, program.returns[method], result)
            value = encode(to_plain(result))
            self.check_stops()
        except (Exception, Stopped) as error:
            if self.failure is None:
                self.failure = failure_of(self.first(error), program)
            raise
        finally:
            state.read_only = False
            self.active.pop()
        return value

    def tell(self) -> None:
        """Add the notices to observers. Call once, when everything ended well."""
        self.events += notices(self.entered)

    def check_stops(self) -> None:
        """Raise again what stopped the transaction, where the contract's own code hid it."""
        if self.stops:
            raise self.stops[0]

    def first(self, error: BaseException) -> BaseException:
        """What ended the transaction, where `error` is what came out of it."""
        return self.stops[0] if self.stops else error

    def keep(self) -> dict[str, dict[str, dict[Place, bytes | None]]]:
        """Make the changes of every contract last; gives them by contract and table."""
        return {name: state.keep() for name, state in self.entered.items()}

    def undo(self) -> None:
        """Take back the changes of every contract."""
        for state in self.entered.values():
            state.undo()

    def hold(self, peer: Peer, invariant: str) -> object:
        """Run an invariant, which only reads; gives what it gives."""
        host = Host(self, self.call.contract, peer, view=True)
        self.active.append(self.call.contract)
        peer.state.read_only = True
        try:
            with asking(self.call.directory):
                return getattr(peer.program.contract(host), invariant)()
        finally:
            peer.state.read_only = False
            self.active.pop()

    def admit(
        self, use: Use, expected: Expected, arguments: Mapping[str, Any], *, view: bool
    ) -> Peer:
        """The contract that may be called so. Raise `Stopped` where it may not."""
        name, target = use.contract, f"{use.contract}.{expected.name}"
        if view and not expected.view:
            why = f"a view only reads: it may call views of other contracts, {target} is a call"
            raise Stopped("view.write", why)
        if name in self.active:
            why = f"is called while {name} is at work: it cannot be entered again"
            raise Stopped("call.reentered", f"{target} {why}, not even a view of it")
        if len(self.active) >= CONTRACTS_DEEP:
            most = CONTRACTS_DEEP
            why = f"would be contract {most + 1} in a chain of calls: at most {most}"
            raise Stopped("limit.depth", f"{target} {why} call each other")
        peer = self.peers.get(name)
        if peer is None:
            raise Stopped("call.unknown_contract", f"no contract {name} is deployed")
        if peer.status == "retired":
            raise Stopped("contract.retired", f"{name} is retired: it is never called again")
        if peer.status == "frozen" and not expected.view:
            why = f"{name} is frozen: it takes no calls, its views still answer"
            raise Stopped("contract.frozen", why)
        if not expected.view:
            self._check_policy(peer, name, expected.name, arguments)
        return peer

    def _check_policy(
        self, peer: Peer, contract: str, method: str, arguments: Mapping[str, Any]
    ) -> None:
        declared, via = peer.program.entries.get(method), self.active[-1]
        policy = (declared and declared.by) or "FORBIDDEN"
        subject = subject_of(peer.program.parameters.get(method, ()), arguments)
        call = self.call
        question = Question(contract, method, policy, call.signers, via, subject)
        judgement = call.directory.judge(question)
        if judgement.lacks:
            raise Stopped("policy.denied", denial(question, judgement))


class Host:
    """What one contract sees while it runs."""

    def __init__(self, transaction: Transaction, contract: str, own: Peer, *, view: bool) -> None:
        call = transaction.call
        self.caller = call.signers[0] if call.signers else _NOBODY
        self.signers = call.signers
        self.now = call.now
        self.height = call.height
        self.transaction_id = call.transaction_id
        self.application = call.application
        self.attachments = call.attachments
        self.via = transaction.active[-1] if transaction.active else None
        self.contract = contract
        self.chain = call.chain
        self.state = own.state
        self._program = own.program
        self._transaction = transaction
        self._view = view

    def emit(self, event: Event) -> None:
        if self.state.read_only:
            raise Stopped("view.write", "a view only reads: it cannot emit an event")
        if not isinstance(event, Event):
            raise TypeError(f"emit() takes an event, not {type(event).__name__}")
        data = encode(to_plain(event))
        self._transaction.events.append((self.contract, type(event).__name__, data))

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

    def call_contract(self, use: Use, expected: Expected, arguments: Mapping[str, Any]) -> Any:
        if self.state.migration is not None:
            target = f"{use.contract}.{expected.name}"
            raise Stopped("language.refused", f"a migration calls no other contract, not {target}")
        peer = self._transaction.admit(use, expected, arguments, view=self._view)
        plain = {name: to_plain(value) for name, value in arguments.items()}
        view = self._view or expected.view
        data = self._transaction.enter(use.contract, peer, expected.name, plain, view=view)
        try:
            return decode_at("", expected.returns, decode(data))
        except Mismatch as found:
            what = f"what {use.contract}.{expected.name} gave is no {expected.returns}"
            raise Stopped("call.bad_result", f"{what}{found.path}: {found.message}") from None


def _arguments(program: Program, method: str, given: Mapping[str, Any]) -> dict[str, Any]:
    declared, values = program.parameters[method], {}
    # In the order and with the containers that the arguments have once they are sent.
    for name, value in decode(encode(dict(given))).items():
        if name not in declared:
            known = ", ".join(declared)
            shown = f"{method} has no parameter '{name[:64]}'; it takes: {known}"
            raise Stopped("call.bad_arguments", shown)
        try:
            values[name] = decode_at("", declared[name].type, value)
        except Mismatch as found:
            shown = f"{name}{found.path}: {found.message}"
            raise Stopped("call.bad_arguments", shown) from None
        except TypeError as found:
            raise Stopped("call.bad_arguments", str(found)) from None
    for name, parameter in declared.items():
        if parameter.required and name not in values:
            raise Stopped("call.bad_arguments", f"{method} needs the argument '{name}'")
    return values


def failure_of(error: BaseException, program: Program) -> Failure:
    """What an exception of a contract is in the ledger's words."""
    line, file = place_in(error, program)
    if isinstance(error, Stopped):
        return Failure(error.code, error.message, None, line, error, file)
    if isinstance(error, Rejected):
        code, message = error.code, error.message
        return Failure("contract.rejected", message[:_TEXT_LENGTH], code, line, error, file)
    kind = type(error).__name__
    return Failure("contract.error", str(error)[:_TEXT_LENGTH], kind, line, error, file)
