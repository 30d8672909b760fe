"""A chain in memory for one test, on both engines: deploy a file, call it, expect refusals.

Each call goes to the VM's ledger and then, with the same time, height and id, to the CPython twin;
return value, events, state and errors (code, reason, message, line) must be the same.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from lianheng.contract.imports import imported
from lianheng.contract.twin import Call, broken_invariants, load
from lianheng.ledger import Ledger, Rehearsal
from lianheng.members import sign_message
from lianheng.model import (
    CallFailed,
    ContractName,
    ContractSource,
    Event,
    Height,
    MemberId,
    Milliseconds,
    NotFound,
    Notice,
    OrganisationName,
    Result,
    Run,
    UsageError,
    limits,
)
from lianheng.testing._chain import NO_NAMES, Chain, Declared, Made, Names, identity_of
from lianheng.testing._handles import ContractHandle, Refusal
from lianheng.testing._lifecycle import follow
from lianheng.testing._record import RECORD, Called, FileRecord
from lianheng.testing._sources import check_source, compare_declarations, warn_of_types
from lianheng.testing._twins import (
    EnginesDiffer,
    Twin,
    callers,
    compare_callers,
    compare_everything,
    repeat,
    repeat_runs,
)

DEFAULT_ROLES = ("operator",)
ADMIN = "admin@test"
"""Who upgrades, freezes, thaws and retires contracts where a test names nobody."""

_SYSTEM = "contracts"
"""The system contract that puts contracts in force."""
_NAME_LENGTH = 63
_FIRST_DAY = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Snapshot:
    """A moment of a test's chain, to go back to."""

    calls: int
    now_ms: int
    twins: Mapping[str, Twin]


class LedgerFixture:
    """What a test gets as `ledger`."""

    def __init__(self, folder: Path) -> None:
        """Contract files are looked for in this folder first, then in the current one."""
        self._folder = folder
        self._record = RECORD.get()
        self._now_ms = _milliseconds(_FIRST_DAY)
        self._chain = Chain(self._now_ms)
        self._twins: dict[str, Twin] = {}
        self._files: dict[ContractName, list[tuple[int, FileRecord]]] = {}
        self._paths: dict[str, str] = {}
        self._differs = False

    def organisation(self, name: str) -> OrganisationName:
        """Name an organisation that has no member (yet); those of members need no naming."""
        organisation = OrganisationName(name)
        if organisation not in self._chain.organisations:
            self._chain.organisations[organisation] = None
            self._chain.incomplete()
        return organisation

    def member(
        self, member: str, *, roles: Sequence[str] = DEFAULT_ROLES, kind: str = "person"
    ) -> MemberId:
        """Name a member with its roles; one that is only used has the role operator."""
        identity = MemberId(member)
        declared = Declared(tuple(roles), kind)
        known = self._chain.members.get(identity)
        if known is None:
            self._chain.members[identity] = declared
            self._chain.incomplete()
        elif known != declared:
            raise UsageError(
                "testing.member_declared",
                f"{identity} is a {known.kind} with roles {list(known.roles)} already",
                "declare a member once, before it first calls",
            )
        return identity

    def deploy(self, file: str | Path, *, name: str | None = None) -> ContractHandle:
        """Deploy a contract file, under its own name unless another is given.

        Raise `NotFound` without the file, `InvalidValue` with every diagnostic of the compiler,
        `EnginesDiffer` where VM and CPython read another declaration. Warn (`ContractWarning`) of
        what the types of its bodies say against it.
        """
        path = self._find(Path(file))
        source = path.read_text(encoding="utf-8")
        return self.deploy_source(
            source, name=name or path.stem, file=path.name, path=str(path.resolve())
        )

    def deploy_source(
        self, source: str, *, name: str, file: str, path: str | None = None
    ) -> ContractHandle:
        """Deploy contract source given as text; debuggers look for it at `path`."""
        contract = ContractName(name)
        if contract in self._chain.contracts:
            raise UsageError(
                "testing.contract_deployed", f"{contract} is deployed already", "give a name="
            )
        self._look_at(source, file, path)
        twin = Twin.of(source, file, path)
        compare_declarations(twin.program, source, file)
        self._twins[contract] = twin
        if self._record is not None:
            self._files[contract] = [(0, self._record.file(path or file, source))]
        self._chain.contracts[contract] = ContractSource(contract, file, source)
        self._chain.incomplete()
        return ContractHandle(self, contract)

    def upgrade(
        self,
        contract: ContractHandle | str,
        file: str | Path,
        *,
        by: Sequence[str] = (ADMIN,),
    ) -> ContractHandle:
        """Put another file in force for a contract, its migration included.

        `by` are the members who sign: an admin, and who else has to. Raise `CallRefused` where the
        upgrade is refused: the contract then stays as it was.
        """
        path = self._find(Path(file))
        source = path.read_text(encoding="utf-8")
        place = str(path.resolve())
        return self.upgrade_source(contract, source, file=path.name, path=place, by=by)

    def upgrade_source(
        self,
        contract: ContractHandle | str,
        source: str,
        *,
        file: str | None = None,
        path: str | None = None,
        by: Sequence[str] = (ADMIN,),
    ) -> ContractHandle:
        """Put another source, given as text, in force for a contract."""
        name = _name(contract)
        called = file or f"{name}.py"
        self._look_at(source, called, path)
        compare_declarations(load(source, called, path), source, called)
        arguments = {"name": name, "file": called, "source": source}
        self._admin(by, "contracts.upgrade", arguments)
        return ContractHandle(self, name)

    def rehearse(
        self, contract: ContractHandle | str, file: str | Path, *, by: Sequence[str] = ()
    ) -> Rehearsal:
        """What an upgrade to this file would do; nothing of it is kept.

        Raise `EnginesDiffer` where CPython finds other callers that no longer fit.
        """
        path = self._find(Path(file))
        source, name = path.read_text(encoding="utf-8"), _name(contract)
        members = [self.known(member) for member in by]
        rehearsal = self.embedded.rehearse_upgrade(name, source, path.name, members)
        if not rehearsal.planned or name not in self._twins:
            return rehearsal
        program = load(source, path.name, str(path.resolve()))
        compare_callers(self._twins, name, (program, source), rehearsal.callers)
        return rehearsal

    def freeze(self, contract: ContractHandle | str, *, by: Sequence[str] = (ADMIN,)) -> None:
        """Let a contract take no calls; its views answer."""
        self._admin(by, "contracts.freeze", {"name": _name(contract)})

    def thaw(self, contract: ContractHandle | str, *, by: Sequence[str] = (ADMIN,)) -> None:
        """Let a frozen contract take calls again."""
        self._admin(by, "contracts.thaw", {"name": _name(contract)})

    def retire(self, contract: ContractHandle | str, *, by: Sequence[str] = (ADMIN,)) -> None:
        """End a contract for good."""
        self._admin(by, "contracts.retire", {"name": _name(contract)})

    def _look_at(self, source: str, file: str, path: str | None) -> None:
        """Check a source, warn of its types, and deploy what it imports."""
        check_source(source, file)
        found = warn_of_types(source, file, path)
        if self._record is not None:
            self._record.advice.update((path or file, item) for item in found)
        self._deploy_imports(source)
        if path is not None:
            self._paths[source] = path

    def _deploy_imports(self, source: str) -> None:
        """What a source imports must lie on the chain: what no test deployed is deployed here."""
        there = {known.source for known in self._chain.contracts.values()}
        for module, text in reversed(imported(source).items()):
            if text not in there:
                name = module.rpartition(".")[2]
                self.deploy_source(text, name=name[-_NAME_LENGTH:], file=f"{name}.py")
                there.add(text)

    def at(self, moment: str | date | int) -> list[Run]:
        """Set the time of the next call: an ISO date or time (UTC), or milliseconds.

        Timers that fall due until then run, each at its own moment, on both engines. Gives what
        they came to, in order; a refused one raises nothing here: look at its `result`.
        """
        wanted = _milliseconds(moment)
        if not self._chain.begun:
            self._chain.start_ms = min(self._chain.start_ms, wanted)
        elif wanted < self._now_ms:
            raise UsageError(
                "testing.time_back",
                f"{moment} lies before the last call",
                "block time never goes back: make the earlier call first",
            )
        ran = self._run_timers(wanted) if self._chain.begun else []
        self._now_ms = wanted
        return ran

    def advance(self, **span: float) -> list[Run]:
        """As `at`, by a span: `days=3`, `hours=…`, `minutes=…`, `seconds=…`, as in timedelta."""
        return self.at(self._now_ms + timedelta(**span) // timedelta(milliseconds=1))

    def sign(self, member: str, message: bytes) -> bytes:
        """A member's signature over a message, for `signed_by` of contracts on this chain.

        It names the chain: members, organisations and contracts that a test names later begin
        another one, where it does not count.
        """
        known = self.known(member)
        return sign_message(identity_of(known), self.embedded.genesis_hash, message)

    def snapshot(self) -> Snapshot:
        """This moment, for `restore`: calls made so far, their state, the time."""
        twins = {name: twin.copy() for name, twin in self._twins.items()}
        return Snapshot(len(self._chain.journal), self._now_ms, twins)

    def restore(self, snapshot: Snapshot) -> None:
        """Go back: calls made since never happened. What was deployed since stays, empty."""
        self._note_calls(snapshot.calls)
        self._chain.forget_after(snapshot.calls, snapshot.now_ms)
        self._now_ms = snapshot.now_ms
        deployed = {
            str(name): Twin.of(known.source, known.file, self._paths.get(known.source))
            for name, known in self._chain.contracts.items()
        }
        kept = {name: twin.copy() for name, twin in snapshot.twins.items()}
        self._twins = {**deployed, **kept}

    @contextmanager
    def rejects(self, code: str) -> Iterator[Refusal]:
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

    @contextmanager
    def denied(self) -> Iterator[Refusal]:
        """Expect that a call inside is refused by its policy: these signers may not make it."""
        with self.rejects("policy.denied") as refusal:
            yield refusal

    @property
    def embedded(self) -> Ledger:
        """The embedded ledger itself: tables, blocks, receipts, proofs."""
        return self._chain.ledger

    @property
    def last(self) -> Result:
        """Result of the last call: its gas, events, id."""
        if not self._chain.journal:
            raise UsageError("testing.no_call", "nothing was called yet")
        return self._chain.journal[-1][1]

    @property
    def events(self) -> list[Event]:
        """All events so far, in order: of calls, and of the timers that ran between them."""
        found: list[Event] = []
        runs = list(self._chain.runs)
        for number, (_, result) in enumerate([*self._chain.journal, (None, None)]):
            while runs and runs[0][0] <= number:
                found += runs.pop(0)[1].result.events
            found += () if result is None else result.events
        return found

    @property
    def notices(self) -> list[Notice]:
        """What observers were told so far, in order."""
        return [event.notice for event in self.events if event.notice is not None]

    @property
    def runs(self) -> list[Run]:
        """All runs of timers so far, in order."""
        return [run for _, run in self._chain.runs]

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
        names: Names = NO_NAMES,
    ) -> Result:
        """Make a call on both engines; the first signer is the sender. A refusal is a result.

        Calls of the system contract `contracts` are followed, too. Raise `EnginesDiffer` where VM
        and CPython do.
        """
        members = tuple(self.known(signer) for signer in signers)
        made = Made(self._now_ms, members, target, arguments, gas, names)
        result = self._chain.make(made)
        self._repeat(made, result)
        if target in (f"{_SYSTEM}.thaw", f"{_SYSTEM}.retire"):
            self._run_timers(self._now_ms)  # those that fell due meanwhile run in the next block
        return result

    def ask(
        self, member: str | None, target: str, arguments: Mapping[str, Any], gas: int
    ) -> Result:
        """Ask a view on both engines, as this member or as nobody. A refusal is a result."""
        result, steps = self._chain.ask(target, arguments, member, gas)
        signers = () if member is None else (MemberId(member),)
        made = Made(self._now_ms, signers, target, arguments, gas, NO_NAMES)
        self._repeat(made, result, view=True)
        contract, _, method = target.partition(".")
        self._note(contract, method, result, steps, len(self._chain.journal))
        return result

    def check_invariants(self, contract: str) -> None:
        """Run the contract's invariants on its state. AssertionError names those that break."""
        twin = self._twins[ContractName(contract)]
        broken = broken_invariants(
            twin.program,
            twin.state,
            self._now_ms,
            self._twins,
            directory=self._chain.directory,
            contract=contract,
        )
        if broken:
            file = twin.program.file
            lines = [
                f"  {name}  {file}:{why.line or '?'}  {why.reason or why.code}: {why.message}"
                for name, why in broken.items()
            ]
            raise AssertionError("\n".join([f"{contract}: no longer holds", *lines]))

    def known(self, member: str) -> MemberId:
        """The member, named now with the role operator where it was not before."""
        identity = MemberId(member)
        if identity not in self._chain.members:
            self.member(identity)
        return identity

    def close(self) -> None:
        """Compare the whole state once more, then let go of the memory.

        Raise `EnginesDiffer` where the states do, unless a call showed it already.
        """
        try:
            if self._chain.journal and not self._differs:
                for name, twin in self._twins.items():
                    compare_everything(twin, self._chain, name)
            self._note_calls(0)
        finally:
            self._chain.close()

    def _admin(self, by: Sequence[str], target: str, arguments: Mapping[str, Any]) -> None:
        if ADMIN in by and MemberId(ADMIN) not in self._chain.members:
            self.member(ADMIN, roles=["admin"])
        self.call(by, target, arguments, gas=limits.TRANSACTION_GAS).checked()

    def _repeat(self, made: Made, result: Result, *, view: bool = False) -> None:
        contract, _, method = made.target.partition(".")
        if contract not in self._twins and contract != _SYSTEM:
            return
        ledger = self._chain.ledger
        call = Call(
            contract=contract,
            method=method,
            arguments=made.arguments,
            signers=callers(self._chain, made.signers),
            now=int(ledger.time if view or result.time is None else result.time),
            height=int(ledger.height if view or result.height is None else result.height),
            transaction_id=bytes(result.id or bytes(32)),
            application=made.names.application,
            attachments=tuple(map(bytes, made.names.attachments)),
            view=view,
            directory=self._chain.directory,
        )
        self._differs = True
        if contract == _SYSTEM:
            source = str(made.arguments.get("source"))
            follow(self._twins, self._chain, call, result, self._paths.get(source))
            self._note_source(made, result)
        else:
            repeat(self._twins, self._chain, call, result)
        self._differs = False
        if self._record is not None:
            self._record.compared += 1

    def _run_timers(self, moment: int) -> list[Run]:
        """Let time pass up to a moment on both engines."""
        ran: list[Run] = []
        for runs in self._chain.pass_to(moment):
            self._differs = True
            repeat_runs(self._twins, self._chain, runs)
            self._differs = False
            ran += runs
        for name, twin in self._twins.items():
            missed = [timer for timer in twin.state.timers.waiting() if timer.at <= moment]
            if missed and twin.status != "frozen":
                raise EnginesDiffer(f"{name}: the VM did not run timer {missed[0].number}")
        if self._record is not None:
            self._record.compared += len(ran)
            for run in ran:
                steps = self._chain.steps_of(run) if self._record.wants_steps else ()
                calls = len(self._chain.journal)
                self._note(run.contract, run.method, run.result, steps, calls)
        return ran

    def _note_calls(self, first: int) -> None:
        """Tell the record of the calls from this one on."""
        if self._record is None:
            return
        for number, (made, result) in enumerate(self._chain.journal[first:], first):
            contract, _, method = made.target.partition(".")
            if contract == _SYSTEM:
                if "source" not in made.arguments:
                    continue  # freezing and the like run nothing of the contract
                contract = str(made.arguments.get("name"))
            steps = self._chain.steps(result) if self._record.wants_steps else ()
            self._note(contract, method, result, steps, number)
        for sources in self._files.values():
            sources[:] = [known for known in sources if known[0] <= first]

    def _note(
        self, contract: str, method: str, result: Result, steps: Sequence[Any], number: int
    ) -> None:
        """Tell the record of one run; a migration's lines are those of its source."""
        if self._record is None:
            return
        files = {
            str(name): [file for since, file in sources if since <= number][-1]
            for name, sources in self._files.items()
            if sources[0][0] <= number
        }
        if contract in files:
            called = Called(contract, method, int(result.gas), final=result.final)
            self._record.called(files, called, steps)

    def _note_source(self, made: Made, result: Result) -> None:
        """Remember from which call on a contract has another source."""
        if self._record is None or not result.final or "source" not in made.arguments:
            return
        source, file = str(made.arguments["source"]), str(made.arguments["file"])
        record = self._record.file(self._paths.get(source, file), source)
        known = self._files.setdefault(ContractName(str(made.arguments["name"])), [])
        known.append((len(self._chain.journal) - 1, record))

    def _find(self, file: Path) -> Path:
        tried = [folder / file for folder in (self._folder, Path.cwd())]
        for path in tried:
            if path.is_file():
                return path
        places = " nor ".join(str(path) for path in dict.fromkeys(tried))
        raise NotFound("testing.no_file", f"there is no {places}", "name a contract file")


def describe(failure: CallFailed) -> str:
    """Code, reason, place and sentence of a failed call."""
    details = failure.details
    place = f" {details['file']}:{details.get('line', '?')}" if "file" in details else ""
    return f"{failure.code} {failure.reason or ''}{place}: {failure.message}"


def _name(contract: ContractHandle | str) -> ContractName:
    return contract.name if isinstance(contract, ContractHandle) else ContractName(contract)


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
