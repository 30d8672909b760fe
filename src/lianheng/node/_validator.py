"""A validator put together: the core, CometBFT as its child, and what stands between the two.

In the order in which it starts: our ABCI server listens, CometBFT connects to it, replays what the
core lacks and listens itself; then calls are gathered and seals are kept. It ends in this order:
nothing new is taken, the gatherer closes, CometBFT stops, our server stops, the core is closed.

Any failure of a part ends the node, with one exception: a CometBFT that dies is started again.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

import structlog

from lianheng.client import Home
from lianheng.consensus import open_engine
from lianheng.consensus.cometbft import _messages as m
from lianheng.consensus.cometbft.application import CommittedBlock, LedgerApplication
from lianheng.consensus.cometbft.backend import NetworkBackend
from lianheng.consensus.cometbft.files import CometSockets, write_comet_home
from lianheng.consensus.cometbft.gather import EnvelopeSequencer
from lianheng.consensus.cometbft.pool import EnvelopePool, PoolLimits
from lianheng.consensus.cometbft.process import CometEvent, CometProcess, check_version, find_binary
from lianheng.consensus.cometbft.rpc import CometRpc
from lianheng.consensus.cometbft.seals import SealKeeper
from lianheng.consensus.cometbft.server import AbciServer
from lianheng.consensus.cometbft.settings import ConsensusSettings, read_settings
from lianheng.consensus.cometbft.ticks import Ticker
from lianheng.ledger import Ledger, as_ledger_error, read_closing, wall_clock_ms
from lianheng.members import Passphrase, read_identity
from lianheng.model import (
    GenesisFile,
    LianhengError,
    NodeError,
    UsageError,
    limits,
)
from lianheng.node._divergence import (
    check_marker,
    compare,
    diverged,
    write_marker,
)
from lianheng.node._signing import NodeKeys
from lianheng.node._votes import Votes

Log = structlog.typing.FilteringBoundLogger
_POLL_SECONDS = 0.02
_CATCH_UP_SECONDS = 0.2
_APP_HASH = "cometbft.app_hash"


class Validator:
    """One validator's parts. `start` once, `close` in any case."""

    def __init__(
        self,
        home: Home,
        *,
        passphrase: Passphrase,
        log: Log,
        on_failure: Callable[[], None],
    ) -> None:
        """Opens the core; nothing runs yet. `on_failure` is called once, on any thread.

        Raise `Damaged` (`chain.diverged`) where this node left the chain before, `UsageError`
        (`consensus.wrong_genesis`, ...) where the parts of the home do not belong together.
        """
        check_marker(home)
        self._home = home
        self._log = log
        self._on_failure = on_failure
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self.failure: LianhengError | None = None
        self._settings = read_settings(home.settings_file)
        binary = find_binary(self._settings)
        self._version = check_version(binary)
        identity = read_identity(home.node_identity, passphrase)
        self._engine = open_engine(home.ledger, cache_mb=self._settings.cache_mb)
        self._sockets = CometSockets.below(home.path)
        try:
            genesis = GenesisFile.from_bytes(self._engine.genesis_file)
            check_genesis(home, self._settings, genesis)
            self._genesis = genesis
            waits = self._must_catch_up()
            self._keys = NodeKeys(home.path, identity, self._engine, waits=waits)
            self._write_comet_home()
        except BaseException:
            self._engine.close()
            self._sockets.remove()
            raise
        self._rpc = CometRpc(self._sockets.rpc)
        self._seals = SealKeeper(self._engine, self._rpc, log)
        self._votes = Votes(self._rpc, self._engine.validators)
        self._wrong_networks: set[str] = set()
        pool = self._make_pool()
        self._sequencer = EnvelopeSequencer(
            self._engine,
            self._keys.gathering,
            pool,
            self._rpc,
            horizon_ms=genesis.document.parameters["replay_horizon_ms"],
        )
        self._ticker = Ticker(self._engine, self._rpc)
        self._application = LedgerApplication(
            self._engine,
            pool,
            genesis=genesis,
            on_block=self._take_block,
            on_start=self._sequencer.on_start,
            on_votes=self._take_votes,
            retain_blocks=self._settings.retain_blocks,
            log=log,
        )
        self._server = AbciServer(
            self._sockets.abci, self._application, on_failure=self._application_failed, log=log
        )
        self._comet = CometProcess(
            binary,
            home.comet,
            home.comet_log_file,
            log,
            self._comet_given_up,
            rpc=self._sockets.rpc,
            on_event=self._take_event,
            prepare=self._write_comet_home,
        )
        backend = NetworkBackend(self._engine, self._sequencer, self._seals, self._report)
        self.ledger = Ledger(backend, wall_clock_ms)

    def start(self, stopping: threading.Event) -> str:
        """Start everything; returns once CometBFT has replayed what the core lacked.

        Gives what is still missing, as other validators, in words; empty where nothing is. Returns
        early where `stopping` is set or a part failed.
        """
        self._tell_refusal()
        self._server.start()
        self._comet.start()
        self._wait(stopping, self._answers, limits.START_SECONDS)
        if stopping.is_set() or self.failure is not None:
            return ""
        self._seals.start()
        self._ticker.start()
        if self._keys.waits:
            threading.Thread(target=self._catch_up, name="lianheng-even", daemon=True).start()
        needed = self._needed()
        self._wait(
            stopping,
            lambda: self._peers() >= needed or bool(self._wrong_networks),
            limits.PEERS_SECONDS,
        )
        return self._missing(self._peers(), needed)

    def finish(self) -> None:
        """Take nothing new; what was gathered is finished where the chain goes on."""
        self._closing.set()
        self._sequencer.close()
        self._ticker.stop()

    def close(self) -> None:
        """Stop everything in order."""
        try:
            self.finish()
        finally:
            self._comet.stop()
            self._seals.stop()
            self._server.stop()
            self._rpc.close()
            self.ledger.close()
            self._sockets.remove()

    def _wait(self, stopping: threading.Event, reached: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and self.failure is None:
            if reached() or stopping.wait(_POLL_SECONDS):
                return

    def _answers(self) -> bool:
        """Whether CometBFT listens, which it does after its handshake with us."""
        try:
            self._rpc.status()
        except NodeError:
            return False
        return True

    def _peers(self) -> int:
        try:
            return len(self._rpc.net_info())
        except NodeError:
            return 0

    def _missing(self, found: int, needed: int) -> str:
        if self._wrong_networks:
            return (
                f"{len(self._wrong_networks)} of the peers' nodes are on another network: they "
                "have another genesis, or this node has; compare the genesis hash by phone"
            )
        if found >= needed:
            return ""
        return (
            f"connected to {found} of {len(self._settings.peers)} other nodes: "
            f"calls become final once {needed - found} more are"
        )

    def _make_pool(self) -> EnvelopePool[Any]:
        organisations = len(self._genesis.document.organisations)
        return EnvelopePool(
            PoolLimits.shared(self._settings.mempool_bytes, limits.MEMPOOL_ENVELOPES, organisations)
        )

    def _write_comet_home(self) -> None:
        write_comet_home(
            self._home.comet,
            self._settings,
            self._genesis,
            self._keys.voting,
            self._sockets,
            signs=self._keys.votes,
        )

    def _must_catch_up(self) -> bool:
        """Whether others may have gone on meanwhile, with votes that this home does not know."""
        alone = len(self._engine.validators()) <= 1 or not self._settings.peers
        return not alone and wall_clock_ms() - self._engine.time > limits.GUARD_FRESH_MS

    def _catch_up(self) -> None:
        """Wait without a vote until this node is where the others are; then start to vote."""
        deadline = time.monotonic() + limits.GUARD_WAIT_SECONDS
        while not self._closing.wait(_CATCH_UP_SECONDS):
            try:
                if self._rpc.status().catching_up:
                    continue
                own, others = self._rpc.heights()
            except NodeError:
                continue
            enough = len(others) >= self._needed() or time.monotonic() > deadline
            if enough and max(others, default=0) <= own + 1:
                break
        if self._keys.go_on() and not self._closing.is_set():
            self._comet.renew()

    def _needed(self) -> int:
        """With so many others and itself more than two thirds of equal votes are together."""
        return min(len(self._settings.peers), len(self._engine.validators()) * 2 // 3)

    def _take_votes(self, request: m.FinalizeBlock) -> None:
        if not self._keys.guard.check(request.height, request.votes):
            # Before it can vote again: what it would sign, it may have signed otherwise.
            self._comet.renew()
            self._tell_refusal()

    def _tell_refusal(self) -> None:
        refusal = self._keys.refusal
        if refusal is not None:
            self._log.error("does not vote", code=refusal.code, reason=refusal.message)

    def _settle_keys(self) -> None:
        gathering = self._keys.gathering
        renewed = self._keys.settle()
        if self._keys.gathering is not gathering:
            self._log.info("signs with the next key", key=self._keys.gathering.key_id.hex())
            self._sequencer.sign_as(self._keys.gathering)
        if renewed:
            # Not on this thread: CometBFT waits for its answer.
            threading.Thread(target=self._comet.renew, name="lianheng-renew", daemon=True).start()

    def _take_block(self, block: CommittedBlock) -> None:
        self._settle_keys()
        self._sequencer.on_block(block)
        if block.height is not None:
            self._check_closed()
        self._ticker.notify()
        self._seals.notify(block.consensus_height)

    def _check_closed(self) -> None:
        """Once the chain is closed, nobody waits for a block any more."""
        closing = read_closing(self._engine.closed)
        if closing is not None:
            self._sequencer.end(closing.stopped())

    def _take_event(self, event: CometEvent) -> None:
        if event.kind == "wrong_network":
            self._wrong_networks.add(event.details.get("theirs", "unknown"))

    def _application_failed(self, failure: BaseException) -> None:
        self._fail(as_ledger_error(failure))

    def _comet_given_up(self, failure: LianhengError) -> None:
        if failure.code == _APP_HASH:
            self._fail(self._left_the_chain(failure))
        else:
            self._fail(failure)

    def _left_the_chain(self, failure: LianhengError) -> LianhengError:
        """What this node did otherwise than the chain; kept, so that it stays down."""
        height = self._engine.height
        ours = self._engine.header_hash.hex()
        theirs = str(failure.details.get("theirs") or "another").lower()
        found = f"CometBFT says: {failure.message}"
        difference = compare(self.ledger, self._settings.siblings)
        if difference is not None:
            height, ours, theirs = difference.height, difference.ours, difference.theirs
            found = difference.what
        error = diverged(self._home, height, ours, theirs, found)
        write_marker(self._home, error)
        return error

    def _fail(self, failure: LianhengError) -> None:
        with self._lock:
            if self.failure is not None:
                return
            self.failure = failure
        self._log.error("node stops", code=failure.code, reason=failure.message)
        self._on_failure()

    def _report(self) -> Mapping[str, Any]:
        """What `lianheng status` shows of consensus."""
        engine = self._engine
        found: dict[str, Any] = {
            "kind": "cometbft",
            "member": self._settings.member,
            "listen": str(self._settings.listen),
            "validators": len(engine.validators()),
            "is_validator": self._settings.member in {v[0] for v in engine.validators()},
            "key_in_force": self._keys.is_in_force,
            "catches_up_first": self._keys.waits,
            "guard": None if self._keys.refusal is None else asdict(self._keys.refusal),
            "sealed_height": engine.sealed_height,
            "synced_height": engine.synced_height,
            "cometbft": {"version": self._version, **self._comet.status()},
            "mempool": self._application.status(),
            "wrong_networks": sorted(self._wrong_networks),
            "votes": False,
        }
        try:
            status = self._rpc.status()
            peers = self._rpc.net_info()
            found["signed"], found["signed_of"] = self._votes.counts(status.height)
        except NodeError as failure:
            return {**found, "not_reachable": str(failure)}
        alone = found["validators"] == 1
        return {
            **found,
            "height": status.height,
            "catching_up": status.catching_up,
            "power": status.power,
            "peers": len(peers),
            "votes": bool(status.power and not status.catching_up and (alone or peers)),
        }


def check_genesis(home: Home, settings: ConsensusSettings, genesis: GenesisFile) -> None:
    """Raise `UsageError` where ledger, lianheng.toml and genesis.cbor are not of one chain."""
    named = {"lianheng.toml": str(settings.genesis)}
    file = home.path / "genesis.cbor"
    if file.is_file():
        named["genesis.cbor"] = GenesisFile.from_bytes(file.read_bytes()).hash.hex()
    for name, found in named.items():
        if found != genesis.hash.hex():
            raise UsageError(
                "consensus.wrong_genesis",
                f"{home.path}: {name} is of genesis {found}, the ledger of {genesis.hash.hex()}",
                "ask the other organisations which genesis hash is right; bring what belongs to it",
            )
