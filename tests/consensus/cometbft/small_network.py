"""Four ledgers with the real core in memory, and a consensus so small that a test drives it."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rooms import TOOLSHED

from lianheng import _native
from lianheng.consensus.cometbft import _messages as m
from lianheng.consensus.cometbft.application import CommittedBlock, LedgerApplication
from lianheng.consensus.cometbft.gather import EnvelopeSequencer
from lianheng.consensus.cometbft.pool import EnvelopePool, PoolLimits
from lianheng.members import CallSigner, Genesis, Identity, MemberSpec, Validator
from lianheng.model import (
    ChainName,
    ContractSource,
    GenesisFile,
    HeaderHash,
    LedgerError,
    Milliseconds,
    SignedTransaction,
    limits,
)

START_MS = 1_800_000_000_000
ORGANISATIONS = ("bank-a", "bank-b", "hospital", "grid")


@dataclass
class Clock:
    """Time that a test sets; both of the wall and of the machine."""

    now: int = START_MS

    def __call__(self) -> int:
        return self.now


@dataclass(frozen=True)
class Skewed:
    """The same time as a node's own clock shows it, which is wrong by `ahead` ms."""

    clock: Clock
    ahead: int

    def __call__(self) -> int:
        return self.clock.now + self.ahead


class Node:
    """One validator without a CometBFT: its mempool is a list."""

    def __init__(
        self, genesis: Genesis, identity: Identity, clock: Clock | Skewed, path: Path | None
    ) -> None:
        self.identity = identity
        self.engine: Any = _native.Engine.create(
            None if path is None else str(path), genesis.encoded
        )
        self.genesis = GenesisFile.from_bytes(self.engine.genesis_file)
        self.pool: EnvelopePool[Any] = EnvelopePool(
            PoolLimits.shared(limits.MEMPOOL_BYTES, limits.MEMPOOL_ENVELOPES, len(ORGANISATIONS))
        )
        self.mempool: list[bytes] = []
        self.blocks: list[CommittedBlock] = []
        self.clock = clock
        self.peers: list[Node] = []
        self.sequencer = EnvelopeSequencer(
            self.engine,
            identity,
            self.pool,
            self,
            horizon_ms=self.genesis.document.parameters["replay_horizon_ms"],
            clock_ms=clock,
            monotonic_ms=clock,
            fault=_no_fault,
            threads=False,
        )
        self.application = self.new_application()

    def new_application(self, **options: Any) -> LedgerApplication:
        return LedgerApplication(
            self.engine,
            self.pool,
            genesis=self.genesis,
            on_block=self.on_block,
            clock_ms=self.clock,
            fault=_no_fault,
            **options,
        )

    def on_block(self, block: CommittedBlock) -> None:
        self.blocks.append(block)
        self.sequencer.on_block(block)

    def check(self, data: bytes, *, recheck: bool = False) -> str:
        """The empty text where it may enter, else why not."""
        answer = self.application.check_tx(m.CheckTx(data, recheck))
        assert (answer.code == 0) == (answer.log == "")
        return answer.log

    def broadcast(self, data: bytes) -> None:
        """Into this mempool and, as gossip, into all others."""
        refused = self.check(data)
        if refused:
            raise LedgerError(refused.partition(":")[0], refused)
        self.mempool.append(data)
        for peer in self.peers:
            if peer is not self and not peer.check(data):
                peer.mempool.append(data)

    def pump(self) -> None:
        """Gather and send what is due."""
        while self.sequencer.gather_once() == 0:
            pass
        while self.sequencer.send_once() == 0:
            pass


def _no_fault(name: str) -> None:
    del name


@dataclass
class SmallNetwork:
    """The same blocks for all nodes."""

    nodes: list[Node]
    people: dict[str, Identity]
    clock: Clock
    height: int = 0
    time_ms: int = START_MS

    @property
    def genesis_hash(self) -> HeaderHash:
        return HeaderHash(self.nodes[0].engine.genesis_hash)

    def sign(
        self,
        who: str,
        target: str = "toolshed.add",
        expires_in_ms: int = 60_000,
        gas: int = 100_000,
        **arguments: Any,
    ) -> SignedTransaction:
        signer = CallSigner(ChainName("trade"), self.genesis_hash, lambda: self.clock.now)
        return signer.sign(
            self.people[who], target, arguments, gas=gas, expires_in_ms=expires_in_ms
        )

    def propose(self, proposer: int = 0) -> list[bytes]:
        node = self.nodes[proposer]
        request = m.PrepareProposal(
            100 * 2**20, node.mempool, self.height + 1, self.time_ms, b"\1" * 20
        )
        return list(node.application.prepare_proposal(request).txs)

    def accepts(self, txs: list[bytes], time_ms: int | None = None) -> list[bool]:
        request = m.ProcessProposal(
            txs, self.height + 1, time_ms or self.time_ms, bytes(32), b"\1" * 20
        )
        return [node.application.process_proposal(request).accept for node in self.nodes]

    def decide(self, txs: list[bytes]) -> bytes:
        """Finalize and commit on every node; gives the one app hash."""
        self.height += 1
        digest = hashlib.sha256(b"".join(txs) + self.height.to_bytes(8, "big")).digest()
        request = m.FinalizeBlock(txs, self.height, self.time_ms, digest, b"\1" * 20)
        hashes = set()
        for node in self.nodes:
            answer = node.application.finalize_block(request)
            assert answer.results == len(txs)
            hashes.add(answer.app_hash)
            node.application.commit()
            node.mempool = [
                data
                for data in node.mempool
                if data not in txs and not node.check(data, recheck=True)
            ]
        (app_hash,) = hashes
        return app_hash

    def block(self, proposer: int = 0, after_ms: int = 100) -> bytes:
        """One honest block of what waits."""
        self.clock.now += after_ms
        self.time_ms = self.clock.now
        for node in self.nodes:
            node.pump()
        txs = self.propose(proposer)
        assert self.accepts(txs) == [True] * len(self.nodes)
        return self.decide(txs)

    def roots(self) -> set[bytes]:
        return {node.engine.header_hash for node in self.nodes}


def small_network(
    parameters: dict[str, int] | None = None,
    *,
    path: Path | None = None,
    nodes: int = 4,
    ahead: Sequence[int] = (0, 0, 0, 0),
    contract: Path = TOOLSHED,
) -> SmallNetwork:
    """`ahead`: by how many ms each node's clock is wrong."""
    names = ORGANISATIONS[:nodes]
    validators = [Identity.generate(f"node-1@{name}") for name in names]
    people = {name: Identity.generate(f"alice@{name}") for name in names}
    genesis = Genesis.create(
        chain="trade",
        organisations=list(names),
        members=[
            MemberSpec(f"alice@{name}", people[name], roles=["operator", "admin"]) for name in names
        ],
        validators=[
            Validator(MemberSpec(str(identity.member), identity, kind="node"))
            for identity in validators
        ],
        time_ms=Milliseconds(START_MS),
        contracts=[ContractSource(contract.stem, contract.name, contract.read_text())],
        parameters=parameters,
    )
    clock = Clock()
    made = [
        Node(
            genesis,
            identity,
            Skewed(clock, ahead[number]),
            None if path is None else path / str(number),
        )
        for number, identity in enumerate(validators)
    ]
    for node in made:
        node.peers = made
    return SmallNetwork(made, people, clock)


def handmade(
    network: SmallNetwork, node: int, transactions: Sequence[bytes], signer: Identity | None = None
) -> bytes:
    """An envelope as a node signs it, whatever its transactions are."""
    owner = network.nodes[node]
    engine = owner.engine
    gathered = engine.gather(engine.prepare(list(transactions)), str(owner.identity.member), 1)
    identity = signer or owner.identity
    data: bytes = gathered.seal(identity.sign(gathered.head, engine.genesis_hash)).data
    return data
