"""A chain of four organisations in memory, whose time the test moves."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from lianheng import _native
from lianheng.ledger import DirectSequencer, EngineBackend, Ledger
from lianheng.members import (
    CallSigner,
    Genesis,
    Identity,
    MemberSpec,
    Validator,
    prove_possession,
)
from lianheng.model import (
    ChainName,
    ContractSource,
    Result,
    Run,
    SignedTransaction,
    encode,
    limits,
)
from lianheng.system import contracts, governance

ORGANISATIONS = ("bank-a", "bank-b", "grid", "hospital")
START = 1_700_000_000_000
CHAIN = "trade"
DAY = governance.DAY
NO_NODE = {"node": "", "node_public": b"", "node_possession": b""}
"""What `members.add_organisation` is given where the organisation has no node."""


def identity(member: str, number: int = 0) -> Identity:
    """A member's key, the same in every run."""
    seed = hashlib.sha256(f"tests.system {member} {number}".encode()).digest()
    return Identity(member, seed, development=True)


def proof(member: str, key: Identity) -> bytes:
    """What shows that a key's holder has it."""
    return prove_possession(Identity(member, key.seed, development=True), ChainName(CHAIN))


class Unsealed:
    """Makes blocks of a chain of validators, each at its own height of consensus."""

    def __init__(self, engine: _native.Engine) -> None:
        self.engine = engine
        self.height = 0

    def make(self, batches: Sequence[_native.Prepared], time_ms: int) -> list[_native.Outcome]:
        """A block, and the empty one behind it."""
        outcomes = self.decide(batches, time_ms)
        self.decide([], time_ms)
        return outcomes

    def decide(self, batches: Sequence[_native.Prepared], time_ms: int) -> list[_native.Outcome]:
        """One height."""
        self.height += 1
        pending = self.engine.execute(list(batches), time_ms, self.height)
        return self.engine.commit(pending, None)


class Stage:
    """Each organisation has an admin and one member without a role."""

    def __init__(
        self,
        *deployed: ContractSource,
        policies: dict[str, str] | None = None,
        parameters: dict[str, int] | None = None,
        people: Mapping[str, Sequence[str]] | None = None,
        folder: str | None = None,
        nodes: Mapping[str, bool] | None = None,
    ) -> None:
        """The chain begins with the system's contracts and these; `people` have these roles.

        It is kept in `folder`, where one is given. Where there are `nodes`, those that are true
        vote; what they seal is nobody's concern here.
        """
        self.now = START
        usual = {
            f"{name}@{organisation}": ["admin"] if name == "admin" else []
            for organisation in ORGANISATIONS
            for name in ("admin", "clerk")
        }
        cast = {**usual, **(people or {})}
        self.keys = {name: identity(name) for name in cast}
        sealer = identity("sequencer@bank-a")
        self.keys |= {name: identity(name) for name in nodes or {}}
        specs = {n: MemberSpec(n, self.keys[n], kind="node") for n in nodes or {}}
        voting = [specs[name] for name, votes in (nodes or {}).items() if votes]
        genesis = Genesis.create(
            chain=CHAIN,
            organisations=sorted({name.partition("@")[2] for name in cast}),
            members=[
                *(MemberSpec(name, self.keys[name], roles=roles) for name, roles in cast.items()),
                *(spec for spec in specs.values() if spec not in voting),
            ],
            sealer=None if voting else sealer,
            validators=[Validator(spec) for spec in voting],
            time_ms=START,
            contracts=[*contracts(), *deployed],
            policies=policies,
            parameters=parameters,
            roles={"auditor": "chain", "clerk": "organisation"},
        )
        self.engine = _native.Engine.create(folder, genesis.encoded)
        self._sequencer: DirectSequencer[_native.Prepared, _native.Pending] = DirectSequencer(
            self.engine, sealer, lambda: self.now
        )
        if voting:
            self._sequencer._maker = Unsealed(self.engine)  # type: ignore[assignment]
        self.ledger = Ledger(EngineBackend(self.engine, self._sequencer), lambda: self.now)
        self._count = 0

    def call(self, signers: str | list[str], target: str, /, **arguments: Any) -> Result:
        """Sign and order one call; a moment passes."""
        named = [signers] if isinstance(signers, str) else signers
        return self.call_with([self.keys[name] for name in named], target, arguments)

    def call_with(self, keys: list[Identity], target: str, arguments: dict[str, Any]) -> Result:
        """The same, with these keys."""
        return self.ledger.submit(self._sign(keys, target, arguments)).one()

    def signed(
        self, signers: str | list[str], target: str, /, **arguments: Any
    ) -> SignedTransaction:
        """A call that is signed, and not sent."""
        named = [signers] if isinstance(signers, str) else signers
        return self._sign([self.keys[name] for name in named], target, arguments)

    def _sign(
        self, keys: list[Identity], target: str, arguments: dict[str, Any]
    ) -> SignedTransaction:
        self.now += 10
        self._count += 1
        signer = CallSigner(
            self.ledger.chain,
            self.ledger.genesis_hash,
            lambda: self.now,
            lambda: self._count.to_bytes(limits.TRANSACTION_RANDOM_BYTES, "big"),
        )
        return signer.sign(keys, target, arguments, gas=limits.TRANSACTION_GAS)

    def runs(self, later: int = 10) -> list[Run]:
        """Let time pass; gives what the chain ran by itself."""
        self.now += later
        found: list[Run] = []
        last = self.ledger.height
        while self._sequencer.run_due(self.now) is not None:
            for block in self.ledger.blocks(last + 1):
                found += [block.run(index) for index in range(block.runs)]
            last = self.ledger.height
        return found

    def propose(self, member: str, target: str, /, lasts: int = DAY, **arguments: Any) -> Any:
        """A proposal of a call; gives its row."""
        contract, _, method = target.partition(".")
        result = self.call(
            member,
            "governance.propose",
            contract=contract,
            method=method,
            arguments=encode(arguments),
            lasts=lasts,
            gas=5_000_000,
            note="",
        )
        return result.checked().value

    def approve(self, member: str, proposal: Any) -> Result:
        """An approval of exactly this call."""
        return self.call(
            member,
            "governance.approve",
            number=proposal["number"],
            digest=bytes(proposal["digest"]),
        )

    def proposal(self, number: int) -> Any:
        """A proposal as it stands."""
        return self.view("governance.proposal", number=number)

    def view(self, target: str, /, **arguments: Any) -> Any:
        """What a view answers."""
        return self.ledger.view(target, arguments)


def error(result: Result) -> str:
    """Code and reason of a refusal; empty where there is none."""
    if result.error is None:
        return ""
    reason = result.error.reason
    return result.error.code + (f" {reason}" if reason else "")
