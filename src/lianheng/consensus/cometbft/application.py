"""The chain behind the ABCI: what may be proposed, what a decided block does, what follows it.

One block: CometBFT asks a proposer to choose (`prepare_proposal`) and all others whether that is
good (`process_proposal`); what it decided is executed (`finalize_block`), gives the app hash, and
is kept (`commit`); then all who wait hear of it. Rules:

- `process_proposal` and `finalize_block` depend on the request and the head's state only.
- An envelope that does not count is as if it were not there; any other failure of the core stops
  the node rather than let it answer something that others do not.
- An executed block that CometBFT does not go on to commit leaves no trace.
"""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from lianheng import _native
from lianheng.consensus.clock import Clock, system_wall_ms
from lianheng.consensus.cometbft import _messages as m
from lianheng.consensus.cometbft._core import (
    CommittedBlock,
    ConsensusEngine,
    FaultPoint,
    OpenedEnvelope,
)
from lianheng.consensus.cometbft.admission import Admission, only_envelope
from lianheng.consensus.cometbft.pool import EnvelopePool
from lianheng.consensus.cometbft.proposal import BlockBounds, GasMeans, choose
from lianheng.model import (
    GenesisFile,
    Header,
    LedgerError,
    LianhengError,
    decode,
    limits,
    native_errors,
)
from lianheng.model.genesis import RULES

__all__ = ["FAULT_POINTS", "CommittedBlock", "LedgerApplication"]

FAULT_POINTS = (
    "gather.signed",
    "gather.sent",
    "abci.finalize.before",
    "abci.finalize.executed",
    "abci.commit.before",
    "abci.commit.done",
    "abci.commit.notified",
)
"""Where a test may end the process, in the order in which a transaction passes them."""

Log = structlog.typing.FilteringBoundLogger
_REFUSED = 1
_CHAIN_ID_BYTES = 24
_GAS_FIELD = 2


@dataclass(slots=True)
class _Executed:
    """A block between `finalize_block` and `commit`."""

    height: int
    hash: bytes
    app_hash: bytes
    pending: Any
    time: int
    envelopes: Sequence[OpenedEnvelope]
    passed_over: Sequence[tuple[bytes, bytes]]
    updates: Sequence[tuple[bytes, int]]


class LedgerApplication:
    """One chain's ledger behind CometBFT. Its methods may be called from several threads."""

    def __init__(
        self,
        engine: ConsensusEngine,
        pool: EnvelopePool[Any],
        *,
        genesis: GenesisFile,
        on_block: Callable[[CommittedBlock], None],
        on_start: Callable[[], None] = lambda: None,
        on_votes: Callable[[m.FinalizeBlock], None] = lambda _: None,
        retain_blocks: int = 0,
        clock_ms: Clock = system_wall_ms,
        fault: FaultPoint | None = None,
        log: Log | None = None,
    ) -> None:
        """`on_block` hears of each committed block, `on_start` of each start of CometBFT.

        `on_votes` hears of each decided block before it is executed. All run on ABCI's threads and
        must be brief. `retain_blocks` are kept for others; 0 keeps all.
        """
        self._engine = engine
        self._pool = pool
        self._genesis = genesis
        self._on_block = on_block
        self._on_start = on_start
        self._on_votes = on_votes
        self._retain_blocks = retain_blocks
        self._clock_ms = clock_ms
        self._fault = fault or _native.fault_point
        self._log: Log = log or structlog.get_logger()
        self._admission = Admission(engine, pool, genesis.document.parameters, clock_ms)
        self._gas = GasMeans()
        self._stale_proposals = 0
        self._lock = threading.Lock()
        self._height = engine.consensus_height
        self._app_hash = engine.header_hash
        self._executed: _Executed | None = None
        self._committed: tuple[int, bytes] | None = None
        self._updates: Sequence[tuple[bytes, int]] = ()

    def info(self, request: m.Info) -> m.InfoAnswer:
        """The last height committed here: after a start that of the last header."""
        self._log.info("CometBFT started", version=request.version)
        with self._lock:
            height = self._height
            app_hash = self._app_hash if height else b""
        # Whatever waited in a mempool waited in the one of the process before. Where somebody
        # asked this of a running CometBFT, a few figures are low for a block, and no more.
        self._pool.mempool_lost()
        self._on_start()
        return m.InfoAnswer("lianheng", "", RULES, height, app_hash)

    def init_chain(self, request: m.InitChain) -> m.InitChainAnswer:
        """Check that CometBFT's genesis is ours. Raises `consensus.wrong_genesis`."""
        ours = self._genesis.hash
        _expect("chain id", ours[:_CHAIN_ID_BYTES].hex(), request.chain_id)
        _expect("initial height", 1, request.initial_height)
        _expect("genesis in the application's state", ours.hex(), _state_genesis(request.app_state))
        _expect(
            "validators",
            sorted((bytes(key).hex(), power) for key, power in self._genesis.document.sealers[2]),
            sorted((key.hex(), power) for key, power in request.validators),
        )
        return m.InitChainAnswer(self._engine.genesis_hash)

    def query(self, request: m.Query) -> m.QueryAnswer:
        """Nothing is read this way."""
        return m.QueryAnswer(
            _REFUSED, f"no query {request.path[:80]!r}: ask the node's own socket", request.data
        )

    def check_tx(self, request: m.CheckTx) -> m.CheckTxAnswer:
        """Whether an envelope enters the mempool, or stays there; may use the clock."""
        try:
            if request.recheck:
                self._admission.check_again(request.tx)
            else:
                self._admission.check_new(request.tx)
        except LianhengError as refused:
            only_envelope(refused)
            if request.recheck:
                self._pool.leave(request.tx)
            return m.CheckTxAnswer(_REFUSED, str(refused))
        return m.CheckTxAnswer(0)

    def prepare_proposal(self, request: m.PrepareProposal) -> m.PrepareProposalAnswer:
        """A fair choice of what waits; nothing while block time is old after a rest."""
        if self._clock_ms() - request.time_ms > limits.STALE_BLOCK_TIME_MS:
            # Once after a rest; again and again where this node's clock is ahead of the others'.
            self._stale_proposals += 1
            return m.PrepareProposalAnswer([])
        candidates, positions = self._admission.candidates(request.txs, request.time_ms, self._gas)
        room = self._engine.block_room
        bounds = BlockBounds(
            request.max_tx_bytes,
            room["block_bytes"],
            room["block_transactions"],
            room["block_gas"],
        )
        chosen = choose(candidates, bounds, request.height, self._engine.weights)
        return m.PrepareProposalAnswer([request.txs[positions[at]] for at in chosen])

    def process_proposal(self, request: m.ProcessProposal) -> m.ProcessProposalAnswer:
        """Whether to vote for it (docs/protocol/rules.md, "Proposals")."""
        try:
            self._admission.check_proposal(request.txs, request.time_ms)
        except LianhengError as refused:
            only_envelope(refused)
            self._log.warning(
                "voted against a proposal",
                height=request.height,
                proposer=request.proposer.hex(),
                reason=str(refused),
            )
            return m.ProcessProposalAnswer(accept=False)
        return m.ProcessProposalAnswer(accept=True)

    def finalize_block(self, request: m.FinalizeBlock) -> m.FinalizeBlockAnswer:
        """Execute a decided block; the answer to the same block is the same.

        What changes of the set that seals holds from the block after the next one on.
        """
        self._fault("abci.finalize.before")
        self._on_votes(request)
        with self._lock:
            if self._is_repeated(request):
                return m.FinalizeBlockAnswer(len(request.txs), self._app_hash, self._updates)
            self._executed = None
            executed = self._execute(request)
            self._executed = executed
        self._fault("abci.finalize.executed")
        return m.FinalizeBlockAnswer(len(request.txs), executed.app_hash, executed.updates)

    def commit(self) -> m.CommitAnswer:
        """Keep the executed block, then tell who waits."""
        self._fault("abci.commit.before")
        with self._lock:
            executed = self._executed
            if executed is None:
                if self._committed is None:
                    raise LedgerError("consensus.order", "commit without a block", "report this")
                return m.CommitAnswer(self._retain_height())
            block = self._keep(executed)
            answer = m.CommitAnswer(self._retain_height())
        self._fault("abci.commit.done")
        self._on_block(block)
        self._fault("abci.commit.notified")
        return answer

    def status(self) -> dict[str, Any]:
        """Figures of the application and its pool."""
        return {
            "consensus_height": self._height,
            "stale_proposals": self._stale_proposals,
            **self._pool.status(),
        }

    def _is_repeated(self, request: m.FinalizeBlock) -> bool:
        """Whether this block was committed here already. Raises where it can not follow."""
        if request.height == self._height + 1:
            return False
        if self._committed == (request.height, request.hash):
            self._executed = None
            return True
        raise LedgerError(
            "consensus.order",
            f"CometBFT's block {request.height:,} cannot follow {self._height:,}, our last one",
            "its folder and the ledger's must be of the same node and moment",
        )

    def _execute(self, request: m.FinalizeBlock) -> _Executed:
        envelopes: list[OpenedEnvelope] = []
        passed_over: list[tuple[bytes, bytes]] = []
        for data in request.txs:
            envelope = self._admission.counting(data)
            if envelope is None:
                passed_over.append((data, _native.hash_bytes(data)))
            else:
                envelopes.append(envelope)
        if passed_over:
            self._log.warning(
                "envelopes that do not count were decided",
                height=request.height,
                proposer=request.proposer.hex(),
                count=len(passed_over),
            )
        time = max(request.time_ms, self._engine.time)
        with native_errors():
            pending = self._engine.execute(
                [envelope.prepared for envelope in envelopes], time, request.height
            )
            app_hash = self._engine.header_hash if pending.empty else pending.header_hash
        return _Executed(
            request.height,
            request.hash,
            app_hash,
            pending,
            time,
            envelopes,
            passed_over,
            tuple(pending.set_changes),
        )

    def _keep(self, executed: _Executed) -> CommittedBlock:
        with native_errors():
            outcomes = self._engine.commit(executed.pending, None)
        self._executed = None
        self._height = executed.height
        self._admission.block_time = executed.time
        self._app_hash = executed.app_hash
        self._committed = (executed.height, executed.hash)
        self._updates = executed.updates
        hashes = [envelope.hash for envelope in executed.envelopes]
        decided = [(envelope.data, envelope.hash) for envelope in executed.envelopes]
        self._pool.block([*decided, *executed.passed_over], executed.time)
        for envelope, outcome in zip(executed.envelopes, outcomes, strict=True):
            self._gas.add(envelope.organisation, *_sample_gas(outcome))
        return CommittedBlock(
            executed.height,
            None if executed.pending.empty else executed.pending.height,
            executed.time,
            list(zip(hashes, outcomes, strict=True)),
            [digest for _, digest in executed.passed_over],
        )

    def _retain_height(self) -> int:
        """Below which CometBFT may remove blocks: never what we might replay or must still seal."""
        if self._retain_blocks == 0:
            return 0
        engine = self._engine
        with native_errors():
            safe = engine.header(min(engine.synced_height, engine.sealed_height))
        if safe is None:
            return 0
        bound = Header.from_bytes(safe[0]).consensus_height
        return max(0, min(bound, self._height - self._retain_blocks))


def _state_genesis(app_state: bytes) -> str:
    try:
        state = json.loads(app_state)
    except ValueError:
        return app_state[:80].hex()
    found = state.get("genesis") if isinstance(state, dict) else state
    return str(found)[:80]


def _expect(what: str, ours: object, theirs: object) -> None:
    if ours != theirs:
        raise LedgerError(
            "consensus.wrong_genesis",
            f"{what}: this ledger has {ours}, CometBFT {theirs}",
            "the node's folder mixes two networks: make CometBFT's folder anew from genesis.cbor",
        )


def _sample_gas(outcome: Any) -> tuple[int, int]:
    """Gas of some results of a batch, evenly spread, and how many these are."""
    gas = count = 0
    for position in range(0, len(outcome), max(1, len(outcome) // limits.GAS_SAMPLES)):
        data = outcome.result(position)
        if data is not None:
            gas += decode(data)[_GAS_FIELD]
            count += 1
    return gas, count
