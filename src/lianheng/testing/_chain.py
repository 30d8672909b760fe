"""The chain of one test: members, contracts, and the calls so far, in the core and in memory.

Members come from the genesis, so it is made at the first call, with everybody named until then.
Where a member or contract appears later, the chain is begun again with it and the calls so far are
repeated; a test that would notice (its results depend on transaction ids, say) is told to declare
the member earlier. Keys, times and random bytes are fixed: a test gives the same ids on every run.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

from lianheng import _native
from lianheng.contract.twin import Judgement, Question
from lianheng.ledger import DirectSequencer, EngineBackend, Ledger
from lianheng.members import BY_ORGANISATION, CallSigner, Genesis, Identity, MemberSpec
from lianheng.model import (
    ContractName,
    ContractSource,
    Hash32,
    MemberId,
    OrganisationName,
    Result,
    Run,
    UsageError,
    decode,
    encode,
    limits,
    native_errors,
)
from lianheng.system import LOCAL_POLICIES, policies

CHAIN = "test"

_SEALER = "sequencer@test"


@dataclass(frozen=True, slots=True)
class Declared:
    """A member as the genesis will name it."""

    roles: tuple[str, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class Names:
    """What a transaction names beside its call: its application, hashes of payloads off chain."""

    application: str | None = None
    attachments: tuple[Hash32, ...] = ()


NO_NAMES = Names()


@dataclass(frozen=True, slots=True)
class Made:
    """A call as it was made, to be repeated where the chain is begun again."""

    time_ms: int
    signers: tuple[MemberId, ...]
    target: str
    arguments: Mapping[str, Any]
    gas: int
    names: Names


class Registered:
    """Organisations, members and keys as the chain's own rows have them, read when asked."""

    def __init__(self, chain: "Chain", ledger: Ledger) -> None:
        """Nothing is read yet."""
        self._chain = chain
        self.ledger = ledger

    @property
    def genesis(self) -> bytes:
        """Hash of the chain's genesis header."""
        return bytes(self.ledger.genesis_hash)

    def is_party(self, name: str) -> bool:
        """Whether a name is a member or an organisation."""
        return name in self._names

    def keys_of(self, member: str) -> Sequence[bytes]:
        """The public keys of a member, in the order of their ids."""
        return self._keys.get(member, ())

    def judge(self, question: Question) -> Judgement:
        """As the system's contract `policies` has it, run as the Python that it is."""
        target = f"{question.contract}.{question.method}"
        policy = self._rules.get(target, "")
        members = tuple(
            policies.Agreeing(str(one.member), str(one.organisation), tuple(one.roles))
            for one in question.signers
        )
        # Records take plain texts, not names of a type of their own.
        via, subject = (
            None if name is None else str(name) for name in (question.via, question.subject)
        )
        agreement = policies.Agreement(members, via, subject, tuple(self._organisations))
        lacks = policies.missing(policy or question.own, agreement)
        return Judgement(policy or question.own, by_chain=policy != "", lacks=lacks)

    @cached_property
    def _rules(self) -> Mapping[str, str]:
        rows = self._chain.rows("policies", "rules").values()
        return {row["target"]: row["policy"] for row in map(decode, rows)}

    @cached_property
    def _organisations(self) -> list[str]:
        rows = self._chain.rows("members", "organisations").values()
        last = {row["name"]: row["status"] for row in map(decode, rows)}
        return [name for name, status in last.items() if status == "active"]

    @cached_property
    def _names(self) -> frozenset[str]:
        tables = ("members", "organisations")
        return frozenset(key[0] for table in tables for key in self._chain.rows("members", table))

    @cached_property
    def _keys(self) -> Mapping[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}
        for data in self._chain.rows("members", "keys").values():
            row = decode(data)
            found.setdefault(row["member"], []).append(row["public"])
        return found


class Chain:
    """An engine in memory that is begun when it is needed, and again when its genesis changes."""

    def __init__(self, start_ms: int) -> None:
        """Nothing runs yet; `start_ms` is the time of the genesis."""
        self.members: dict[MemberId, Declared] = {}
        self.organisations: dict[OrganisationName, None] = {}
        self.contracts: dict[ContractName, ContractSource] = {}
        self.journal: list[tuple[Made, Result]] = []
        self.start_ms = start_ms
        self._block_ms = start_ms
        self._passed_ms = start_ms
        self.runs: list[tuple[int, Run]] = []
        """Each timer's run, with the number of calls that were made before it."""
        self._sequencer: DirectSequencer[_native.Prepared, _native.Pending] | None = None
        self._running: tuple[Ledger, _native.Engine] | None = None
        self._complete = False
        self._directory: Registered | None = None

    @property
    def begun(self) -> bool:
        """Whether the genesis was made."""
        return self._running is not None or bool(self.journal)

    @property
    def ledger(self) -> Ledger:
        """The embedded ledger, with everybody named so far."""
        if self._running is None or not self._complete:
            self._begin()
        if self._running is None:
            raise UsageError("testing.closed", "this test's ledger is closed")
        return self._running[0]

    def incomplete(self) -> None:
        """The genesis changed: begin again before the next call."""
        self._complete = False

    @property
    def directory(self) -> "Registered":
        """Who is registered on the chain as it runs."""
        ledger = self.ledger
        if self._directory is None or self._directory.ledger is not ledger:
            self._directory = Registered(self, ledger)
        return self._directory

    def make(self, call: Made) -> Result:
        """Sign, order and execute one call; it goes into the journal."""
        result = self._make(self.ledger, len(self.journal), call)
        self.journal.append((call, result))
        return result

    def pass_to(self, time_ms: int) -> Iterator[list[Run]]:
        """Let time pass: each timer runs in a block of the moment when it is due.

        Gives the runs of each block before the next one is made.
        """
        ledger, calls = self.ledger, len(self.journal)
        for runs in self._due(ledger, time_ms):
            self.runs += [(calls, run) for run in runs]
            yield runs
        self._passed_ms = max(self._passed_ms, time_ms)

    def forget_after(self, count: int, passed_ms: int) -> None:
        """Keep this many calls and this moment; what came later never happened."""
        if count < len(self.journal) or passed_ms < self._passed_ms:
            del self.journal[count:]
            self._passed_ms = passed_ms
            self.runs = [
                (calls, run)
                for calls, run in self.runs
                if calls < count or (calls == count and (run.result.time or 0) <= passed_ms)
            ]
            self.close()

    def rows(self, contract: str, table: str) -> dict[tuple[Any, ...], bytes]:
        """Every row of a table with its canonical bytes, in key order."""
        found: dict[tuple[Any, ...], bytes] = {}
        after: bytes | None = None
        while True:
            page, after = self.ledger.backend.scan(
                contract, table, (), limit=limits.PAGE_ROWS, after=after, reverse=False
            )
            found.update((tuple(key), data) for key, data in page)
            if after is None:
                return found

    def ask(
        self, target: str, arguments: Mapping[str, Any], member: str | None, gas: int
    ) -> tuple[Result, Sequence[Any]]:
        """A view's result, and what it did step by step."""
        ledger = self.ledger
        contract, _, method = target.partition(".")
        data, steps = self._engine.trace_view(contract, method, encode(arguments), member, gas)
        return Result.from_bytes(data, id=None, height=ledger.height), steps

    def steps(self, result: Result) -> Sequence[Any]:
        """What a call of this chain did, step by step; nothing where it was dropped."""
        if result.id is None or result.height is None:
            return ()
        return self.ledger.trace(result.id)

    def steps_of(self, run: Run) -> Sequence[Any]:
        """What a timer's run did, step by step."""
        return self.ledger.trace(run.id(self.ledger.genesis_hash))

    def timers(self, contract: str) -> list[tuple[Any, ...]]:
        """Number, moment, method, arguments and gas of the timers of a contract that wait."""
        waiting, held = self.rows("chain", "timers"), self.rows("chain", "timers_held")
        rows = [(at, name, number, data) for (at, name, number), data in waiting.items()]
        rows += [(at, name, number, data) for (name, at, number), data in held.items()]
        found = []
        for at, name, number, data in rows:
            if name == contract:
                row = decode(data)
                found.append((number, at, row["method"], row["arguments"], row["gas"]))
        return found

    def close(self) -> None:
        """Let go of the memory."""
        if self._running is not None:
            self._running[0].close()
            self._running = None

    @property
    def _engine(self) -> _native.Engine:
        if self._running is None:
            raise UsageError("testing.closed", "this test's ledger is closed")
        return self._running[1]

    def _begin(self) -> None:
        """Make the chain with everybody named so far, and repeat the calls made so far."""
        self.close()
        with native_errors():
            engine = _native.Engine.create(None, self._genesis())
        sequencer: DirectSequencer[_native.Prepared, _native.Pending] = DirectSequencer(
            engine, identity_of(_SEALER), lambda: self._block_ms
        )
        self._block_ms = self.start_ms
        self._sequencer, self.runs = sequencer, []
        ledger = Ledger(EngineBackend(engine, sequencer), lambda: self._block_ms)
        self._running = ledger, engine
        self._complete = True
        for number, (call, result) in enumerate(self.journal):
            self._repeat_runs(ledger, number, call.time_ms)
            again = self._make(ledger, number, call)
            if _visible(again) != _visible(result):
                raise UsageError(
                    "testing.not_repeatable",
                    f"{call.target} gave {result.value!r}, and {again.value!r} on a chain with "
                    "one more member or contract",
                    "name members with ledger.member() and deploy all files before the first call",
                )
            self.journal[number] = (call, again)
        self._repeat_runs(ledger, len(self.journal), self._passed_ms)

    def _repeat_runs(self, ledger: Ledger, calls: int, time_ms: int) -> None:
        self.runs += [(calls, run) for runs in self._due(ledger, time_ms) for run in runs]

    def _due(self, ledger: Ledger, time_ms: int) -> Iterator[list[Run]]:
        """Make blocks of what fell due by then; gives what each of them ran."""
        if self._sequencer is None:
            raise UsageError("testing.closed", "this test's ledger is closed")
        while self._sequencer.run_due(time_ms) is not None:
            block = ledger.block(ledger.height)
            yield [block.run(index) for index in range(block.runs)]

    def _genesis(self) -> bytes:
        organisations = dict.fromkeys(member.organisation for member in self.members)
        return _genesis(
            tuple(dict.fromkeys([*self.organisations, *organisations])) or ("test",),
            tuple((m, d.roles, d.kind) for m, d in self.members.items()),
            tuple((c.name, c.file, c.source) for c in self.contracts.values()),
            self.start_ms,
        )

    def _make(self, ledger: Ledger, number: int, call: Made) -> Result:
        self._block_ms = call.time_ms
        signer = CallSigner(
            ledger.chain, ledger.genesis_hash, lambda: call.time_ms, _numbered_bytes(number)
        )
        identities = [identity_of(member) for member in call.signers]
        signed = signer.sign(
            identities,
            call.target,
            call.arguments,
            gas=call.gas,
            application=call.names.application,
            attachments=call.names.attachments,
        )
        return ledger.submit(signed).one()


@lru_cache(maxsize=64)
def _genesis(
    organisations: tuple[str, ...],
    members: tuple[tuple[MemberId, tuple[str, ...], str], ...],
    contracts: tuple[tuple[str, str, str], ...],
    time_ms: int,
) -> bytes:
    """The genesis of a test; tests that begin alike share it."""
    genesis = Genesis.create(
        chain=CHAIN,
        organisations=list(organisations),
        members=[
            MemberSpec(member, identity_of(member), kind=kind, roles=roles)
            for member, roles, kind in members
        ],
        sealer=identity_of(_SEALER),
        time_ms=time_ms,
        contracts=[ContractSource(*contract) for contract in contracts],
        roles=dict.fromkeys((role for _, roles, _ in members for role in roles), BY_ORGANISATION),
        policies=LOCAL_POLICIES,
    )
    return genesis.encoded


def _visible(result: Result) -> object:
    error = result.error
    return (
        result.status,
        result.value,
        [(event.contract, event.name, event.data) for event in result.events],
        None if error is None else (error.code, error.reason, error.line),
    )


def _numbered_bytes(number: int) -> Callable[[], bytes]:
    return lambda: number.to_bytes(limits.TRANSACTION_RANDOM_BYTES, "big")


@lru_cache(maxsize=1024)
def identity_of(member: str) -> Identity:
    """A member's keys, the same in every test: whoever reads this file could sign with them."""
    seed = hashlib.sha256(b"lianheng.testing " + member.encode()).digest()
    return Identity(member, seed, development=True)
