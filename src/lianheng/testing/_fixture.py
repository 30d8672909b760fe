"""A chain in memory for one test: deploy a file, call it as anybody, expect refusals.

Members come from the genesis, so it is made at the first call, with everybody named until then.
Where a member or contract appears later, the chain is begun again with it and the calls so far are
repeated; a test that would notice (its results depend on transaction ids, say) is told to declare
the member earlier. Keys, times and random bytes are fixed: a test gives the same ids on every run.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from lianheng import _native
from lianheng.ledger import DirectSequencer, EngineBackend, Ledger, Table, shaped
from lianheng.members import CallSigner, Genesis, Identity, MemberSpec
from lianheng.model import (
    CallFailed,
    ContractName,
    ContractSource,
    Event,
    Height,
    InvalidValue,
    MemberId,
    Milliseconds,
    NotFound,
    Result,
    UsageError,
    limits,
    native_errors,
)

CHAIN = "test"
DEFAULT_ROLES = ("operator",)
_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)
_SEALER = "sequencer@test"


@dataclass(frozen=True, slots=True)
class _Declared:
    """A member as the genesis will name it."""

    roles: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class _Call:
    """A call as it was made, to be repeated where the chain is begun again."""

    time_ms: int
    signers: tuple[MemberId, ...]
    target: str
    arguments: Mapping[str, Any]
    gas: int


class LedgerFixture:
    """What a test gets as `ledger`."""

    def __init__(self, folder: Path) -> None:
        """Contract files are looked for in this folder first, then in the current one."""
        self._folder = folder
        self._members: dict[MemberId, _Declared] = {}
        self._contracts: dict[str, ContractSource] = {}
        self._journal: list[tuple[_Call, Result]] = []
        self._start_ms = _milliseconds(_FIRST_DAY)
        self._now_ms = self._start_ms
        self._block_ms = self._start_ms
        self._running: Ledger | None = None
        self._complete = False

    def member(
        self, member: str, *, roles: Sequence[str] = DEFAULT_ROLES, kind: str = "person"
    ) -> MemberId:
        """Name a member with its roles; one that is only used has the role operator."""
        identity = MemberId(member)
        declared = _Declared(tuple(roles), kind)
        known = self._members.get(identity)
        if known is None:
            self._members[identity] = declared
            self._complete = False
        elif known != declared:
            raise UsageError(
                "testing.member_declared",
                f"{identity} is a {known.kind} with roles {list(known.roles)} already",
                "declare a member once, before it first calls",
            )
        return identity

    def deploy(self, file: str | Path, *, name: str | None = None) -> "ContractHandle":
        """Deploy a contract file, under its own name unless another is given.

        Raise `NotFound` without the file, `InvalidValue` with every diagnostic of the compiler.
        """
        path = self._find(Path(file))
        source = path.read_text(encoding="utf-8")
        return self.deploy_source(source, name=name or path.stem, file=path.name)

    def deploy_source(self, source: str, *, name: str, file: str) -> "ContractHandle":
        """Deploy contract source given as text."""
        contract = ContractName(name)
        if contract in self._contracts:
            raise UsageError(
                "testing.contract_deployed", f"{contract} is deployed already", "give a name="
            )
        with native_errors():
            diagnostics = _native.check_contract(source, file)
        if diagnostics:
            raise InvalidValue(
                "contract.invalid",
                "\n".join([f"{file} is refused:", *(_line(file, item) for item in diagnostics)]),
            )
        self._contracts[contract] = ContractSource(contract, file, source)
        self._complete = False
        return ContractHandle(self, contract)

    def at(self, moment: str | date | int) -> None:
        """Set the time of the next call: an ISO date or time (UTC), or milliseconds."""
        wanted = _milliseconds(moment)
        if self._running is None and not self._journal:
            self._start_ms = min(self._start_ms, wanted)
        elif wanted < self._now_ms:
            raise UsageError(
                "testing.time_back",
                f"{moment} lies before the last call",
                "block time never goes back: make the earlier call first",
            )
        self._now_ms = wanted

    def advance(self, **span: float) -> None:
        """Let time pass: `days=3`, `hours=…`, `minutes=…`, `seconds=…`, as in timedelta."""
        self.at(self._now_ms + timedelta(**span) // timedelta(milliseconds=1))

    @contextmanager
    def rejects(self, code: str) -> Iterator["Refusal"]:
        """Expect that a call inside fails with this code of the contract, or of the ledger.

        `not_holder` is the contract's own; `contract.error`, `policy.denied` the ledger's.
        """
        refusal = Refusal()
        try:
            yield refusal
        except CallFailed as failure:
            refusal.error = failure
            if code in (failure.reason, failure.code):
                return
            raise AssertionError(f"expected {code}, refused with {describe(failure)}") from failure
        raise AssertionError(f"expected {code}, but nothing was refused")

    @property
    def embedded(self) -> Ledger:
        """The embedded ledger itself: tables, blocks, receipts, proofs."""
        if self._running is None or not self._complete:
            self._begin()
        if self._running is None:
            raise UsageError("testing.closed", "this test's ledger is closed")
        return self._running

    @property
    def last(self) -> Result:
        """Result of the last call: its gas, events, id."""
        if not self._journal:
            raise UsageError("testing.no_call", "nothing was called yet")
        return self._journal[-1][1]

    @property
    def events(self) -> list[Event]:
        """All events so far, in order."""
        return [event for _, result in self._journal for event in result.events]

    @property
    def height(self) -> Height:
        """Height of the last block: one for each call that was not dropped."""
        return self.embedded.height

    @property
    def time(self) -> Milliseconds:
        """Time of the next call."""
        return Milliseconds(self._now_ms)

    def call(
        self,
        signers: Sequence[str],
        target: str,
        arguments: Mapping[str, Any],
        gas: int = limits.DEFAULT_GAS,
    ) -> Result:
        """Make a call; the first signer is the sender. A refusal is a result here."""
        names = tuple(self._known(signer) for signer in signers)
        call = _Call(self._now_ms, names, target, arguments, gas)
        result = self._make(self.embedded, len(self._journal), call)
        self._journal.append((call, result))
        return result

    def close(self) -> None:
        """Let go of the memory."""
        if self._running is not None:
            self._running.close()
            self._running = None

    def _known(self, member: str) -> MemberId:
        identity = MemberId(member)
        if identity not in self._members:
            self.member(identity)
        return identity

    def _find(self, file: Path) -> Path:
        tried = [folder / file for folder in (self._folder, Path.cwd())]
        for path in tried:
            if path.is_file():
                return path
        places = " nor ".join(str(path) for path in dict.fromkeys(tried))
        raise NotFound("testing.no_file", f"there is no {places}", "name a contract file")

    def _begin(self) -> None:
        """Make the chain with everybody named so far, and repeat the calls made so far."""
        self.close()
        specs = [
            MemberSpec(member, _identity(member), kind=declared.kind, roles=declared.roles)
            for member, declared in self._members.items()
        ]
        organisations = dict.fromkeys(spec.identity.member.organisation for spec in specs)
        genesis = Genesis.create(
            chain=CHAIN,
            organisations=list(organisations) or ["test"],
            members=specs,
            sealer=_identity(_SEALER),
            time_ms=self._start_ms,
            contracts=list(self._contracts.values()),
        )
        with native_errors():
            engine = _native.Engine.create(None, genesis.encoded)
        sequencer: DirectSequencer[_native.Prepared, _native.Pending] = DirectSequencer(
            engine, _identity(_SEALER), lambda: self._block_ms
        )
        self._block_ms = self._start_ms
        self._running = Ledger(EngineBackend(engine, sequencer), lambda: self._block_ms)
        self._complete = True
        for number, (call, result) in enumerate(self._journal):
            again = self._make(self._running, number, call)
            if _visible(again) != _visible(result):
                raise UsageError(
                    "testing.not_repeatable",
                    f"{call.target} gave {result.value!r}, and {again.value!r} on a chain with "
                    "one more member or contract",
                    "name members with ledger.member() and deploy all files before the first call",
                )
            self._journal[number] = (call, again)

    def _make(self, ledger: Ledger, number: int, call: _Call) -> Result:
        self._block_ms = call.time_ms
        signer = CallSigner(
            ledger.chain, ledger.genesis_hash, lambda: call.time_ms, _numbered_bytes(number)
        )
        identities = [_identity(member) for member in call.signers]
        signed = signer.sign(identities, call.target, call.arguments, gas=call.gas)
        return ledger.submit(signed).one()


class Refusal:
    """What `rejects` caught: `error` is set once the block is left."""

    error: CallFailed | None = None


class ContractHandle:
    """A deployed contract: `handle.as_(member).method(...)`; views may be asked by nobody."""

    def __init__(self, fixture: LedgerFixture, name: ContractName) -> None:
        """Made by `deploy`."""
        self._fixture = fixture
        self.name = name

    def as_(self, *members: str, gas: int = limits.DEFAULT_GAS) -> "Caller":
        """The contract as these members call it: the sender, then those who sign as well."""
        for member in members:
            self._fixture._known(member)  # noqa: SLF001 - one unit, split for its size
        return Caller(self._fixture, self.name, members, gas)

    def table(self, name: str) -> Table:
        """A table, to read."""
        return self._fixture.embedded.table(self.name, name)

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """A view, asked by nobody in particular."""
        return getattr(Caller(self._fixture, self.name, (), limits.VIEW_GAS), method)  # type: ignore[no-any-return]


class Caller:
    """A contract seen by its callers: its calls and views are methods here."""

    def __init__(
        self, fixture: LedgerFixture, name: ContractName, members: tuple[str, ...], gas: int
    ) -> None:
        """Made by `ContractHandle.as_`."""
        self._fixture = fixture
        self._name = name
        self._members = members
        self._gas = gas

    def __getattr__(self, method: str) -> Callable[..., Any]:
        """A call, which raises where it is refused and else gives the value; or a view."""
        if method.startswith("_"):
            raise AttributeError(method)

        def invoke(*values: Any, **named: Any) -> Any:
            interface = self._fixture.embedded.interface(self._name)
            kind, declared = _method(interface, self._name, method)
            arguments = _arguments(declared, method, values, named)
            target = f"{self._name}.{method}"
            if kind == "views":
                member = self._members[0] if self._members else None
                value = self._fixture.embedded.view(target, arguments, as_=member, gas=self._gas)
            elif not self._members:
                raise UsageError(
                    "testing.no_sender", f"{target} is a call", "write .as_('alice@north')"
                )
            else:
                result = self._fixture.call(self._members, target, arguments, self._gas)
                value = result.checked().value
            return shaped(value, str(declared.get("returns", "")), interface)

        invoke.__name__ = method
        return invoke


def describe(failure: CallFailed) -> str:
    """Code, reason, place and sentence of a failed call."""
    details = failure.details
    place = f" {details['file']}:{details.get('line', '?')}" if "file" in details else ""
    return f"{failure.code} {failure.reason or ''}{place}: {failure.message}"


def _method(
    interface: Mapping[str, Any], contract: str, method: str
) -> tuple[str, Mapping[str, Any]]:
    for kind in ("calls", "views"):
        for declared in interface[kind]:
            if declared["name"] == method:
                return kind, declared
    names = sorted(item["name"] for kind in ("calls", "views") for item in interface[kind])
    raise AttributeError(f"{contract} has no method {method!r}; it has {', '.join(names)}")


def _arguments(
    declared: Mapping[str, Any], method: str, values: Sequence[Any], named: Mapping[str, Any]
) -> dict[str, Any]:
    names = [parameter["name"] for parameter in declared["parameters"]]
    if len(values) > len(names):
        raise TypeError(f"{method}() takes {len(names)} arguments, {len(values)} were given")
    arguments = dict(zip(names, values, strict=False))
    twice = sorted(set(arguments) & set(named))
    if twice:
        raise TypeError(f"{method}() got {twice[0]!r} twice")
    return {**arguments, **named}


def _visible(result: Result) -> object:
    error = result.error
    return (
        result.status,
        result.value,
        [(event.contract, event.name, event.data) for event in result.events],
        None if error is None else (error.code, error.reason, error.line),
    )


def _line(file: str, diagnostic: Mapping[Any, Any]) -> str:
    hint = diagnostic.get("help")
    return f"  {file}:{diagnostic.get('line', '?')}: {diagnostic.get('message')}" + (
        f" ({hint})" if hint else ""
    )


def _milliseconds(moment: str | date | int) -> int:
    if isinstance(moment, int):
        return moment
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def _numbered_bytes(number: int) -> Callable[[], bytes]:
    return lambda: number.to_bytes(limits.TRANSACTION_RANDOM_BYTES, "big")


@lru_cache(maxsize=1024)
def _identity(member: str) -> Identity:
    # Fixed keys for tests only: whoever reads this file could sign with them.
    seed = hashlib.sha256(b"lianheng.testing " + member.encode()).digest()
    return Identity(member, seed, development=True)
