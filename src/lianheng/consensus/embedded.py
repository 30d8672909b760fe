"""A ledger in this process: the core, the solo sequencer and the sealer's key put together.

    FOLDER/store/                what the core keeps
    FOLDER/sequencer.identity    the sealer's key, encrypted unless for development

Reading needs no passphrase: the sealer's key is unlocked when something is first submitted, or at
once where its passphrase is at hand. The ledger of a validator has no sequencer: it is read here,
and only its node submits.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianheng.consensus.clock import BlockClock
from lianheng.consensus.solo import QueueLimits, SoloSequencer
from lianheng.ledger import (
    EngineBackend,
    Ledger,
    Sequencer,
    Submission,
    check_transactions,
    wall_clock_ms,
)
from lianheng.members import (
    Genesis,
    Identity,
    Passphrase,
    is_development,
    read_identity,
    write_identity,
)
from lianheng.model import (
    QUORUM,
    SOLO,
    GenesisFile,
    IdentityError,
    NodeError,
    NotFound,
    Stopped,
    UsageError,
    limits,
    native_errors,
)

if TYPE_CHECKING:
    from lianheng._native import Engine, Pending, Prepared

STORE_NAME = "store"
SEALER_NAME = "sequencer.identity"


def create_ledger(
    path: str | Path | None,
    genesis: Genesis,
    *,
    sealer: Identity | None = None,
    passphrase: Passphrase = None,
    clock: BlockClock | None = None,
    bounds: QueueLimits | None = None,
    state: Path | None = None,
) -> Ledger:
    """Make a new ledger in an empty or new folder, or in memory where the path is None.

    `state` is the file of the state that a genesis which continues a chain carries over. The
    sealer's key is written encrypted with the passphrase, or plainly where it is a development
    key; a chain of validators has none. Raise `UsageError` where the folder holds something,
    `InvalidValue` for a bad genesis.
    """
    from lianheng._native import Engine

    if (sealer is None) == (genesis.document.sealers[1] == SOLO):
        raise UsageError(
            "ledger.sealer",
            "a chain with one sequencer needs its key, a chain of validators has none",
            "give a sealer exactly where the genesis names one",
        )
    carried = None if state is None else str(state)
    if path is None:
        with native_errors():
            engine = Engine.create(None, genesis.encoded, state=carried)
        return _assemble(engine, _holder(sealer), clock, bounds)
    folder = Path(path)
    if folder.exists() and any(folder.iterdir()):
        raise UsageError("ledger.exists", f"{folder} is not empty", "open it, or name a new folder")
    # In memory first: a document that is refused leaves nothing behind. One that carries a state
    # over was tried by whoever has that state, which may not fit the memory.
    if state is None:
        with native_errors():
            Engine.create(None, genesis.encoded).close()
    folder.mkdir(parents=True, exist_ok=True)
    # The key first: a ledger without its sealer's key could never confirm anything.
    if sealer is not None:
        write_identity(folder / SEALER_NAME, sealer, passphrase, kind="node")
    with native_errors():
        engine = Engine.create(str(folder / STORE_NAME), genesis.encoded, state=carried)
    return _assemble(engine, _holder(sealer), clock, bounds)


def open_ledger(
    path: str | Path,
    *,
    passphrase: Passphrase = None,
    clock: BlockClock | None = None,
    bounds: QueueLimits | None = None,
    rebuild: bool = False,
    cache_mb: int = limits.CACHE_MB,
) -> Ledger:
    """Open a ledger; replays what a crash left undone.

    Raise `NotFound` where there is none, `Held` where another process has it, `Damaged` where
    stored bytes are not what was written, `IdentityError` for a wrong passphrase. `rebuild`
    derives the state anew from the block log; `cache_mb` bounds its memory at rest.
    """
    folder = Path(path)
    key_file = folder / SEALER_NAME
    at_hand = passphrase is not None and not callable(passphrase)
    # Without its key file a ledger can still be read and checked.
    unlock_now = key_file.exists() and (at_hand or not needs_passphrase(folder))
    sealer = read_identity(key_file, passphrase) if unlock_now else None
    engine = open_engine(folder, rebuild=rebuild, cache_mb=cache_mb)
    if sealer is None:
        return _assemble(engine, lambda: read_identity(key_file, passphrase), clock, bounds)
    return _assemble(engine, _holder(sealer), clock, bounds)


def open_engine(
    path: str | Path, *, rebuild: bool = False, cache_mb: int = limits.CACHE_MB
) -> "Engine":
    """The core alone, for who orders otherwise: a validator's node. Raises as `open_ledger`."""
    from lianheng._native import Engine

    store = Path(path) / STORE_NAME
    if not store.is_dir():
        raise NotFound("ledger.missing", f"there is no ledger in {path}", "run lianheng init")
    with native_errors():
        return Engine.open(str(store), rebuild=rebuild, cache_bytes=cache_mb << 20)


def needs_passphrase(path: str | Path) -> bool:
    """Whether submitting to the ledger in this folder needs the sealer's passphrase."""
    key_file = Path(path) / SEALER_NAME
    return key_file.exists() and not is_development(key_file)


def _assemble(
    engine: "Engine",
    unlock: Callable[[], Identity],
    clock: BlockClock | None,
    bounds: QueueLimits | None,
) -> Ledger:
    try:
        document = GenesisFile.from_bytes(engine.genesis_file).document
        if document.sealers[1] != SOLO:
            return Ledger(EngineBackend(engine, _NodeNeeded()), wall_clock_ms)
        sealing_key = document.sealers[2][0][0]
        # The opening is when the clocks are first compared, not the first submission.
        block_clock = clock or BlockClock()
    except BaseException:
        engine.close()
        raise

    def start() -> Sequencer:
        sealer = unlock()
        if sealer.public != sealing_key:
            raise IdentityError(
                "identity.not_sealer",
                f"the key of {sealer.member} does not seal this chain",
                "restore the sequencer.identity that belongs to this ledger",
            )
        solo: SoloSequencer[Prepared, Pending] = SoloSequencer(
            engine, sealer, clock=block_clock, bounds=bounds
        )
        return solo

    return Ledger(EngineBackend(engine, _OnFirstUse(start)), wall_clock_ms)


def _holder(sealer: Identity | None) -> Callable[[], Identity]:
    def unlock() -> Identity:
        if sealer is None:
            raise IdentityError("identity.missing", "no key of a sequencer is at hand")
        return sealer

    return unlock


class _NodeNeeded:
    """Stands where a chain of validators is read without its node: it orders nothing."""

    def submit(self, transactions: Sequence[bytes]) -> Submission:
        check_transactions(transactions)
        raise NodeError(
            "consensus.node_needed",
            "a call on this chain is ordered by validators, and no node of this home runs",
            "start the node: lianheng up --detach",
        )

    def start(self) -> None:
        """Validators run what falls due."""

    def status(self) -> Mapping[str, Any]:
        return {"kind": QUORUM, "started": False}

    def close(self) -> None:
        """Nothing runs."""


class _OnFirstUse:
    """A sequencer that starts with the first submission: reading needs neither key nor threads."""

    def __init__(self, start: Callable[[], Sequencer]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._sequencer: Sequencer | None = None
        self._closed = False

    def submit(self, transactions: Sequence[bytes]) -> Submission:
        return self._started().submit(transactions)

    def start(self) -> None:
        self._started()

    def _started(self) -> Sequencer:
        sequencer = self._sequencer
        if sequencer is None:
            with self._lock:
                if self._closed:
                    raise Stopped("ledger.closed", "this ledger is closed", "open it again")
                if self._sequencer is None:
                    self._sequencer = self._start()
                sequencer = self._sequencer
        return sequencer

    def status(self) -> Mapping[str, Any]:
        sequencer = self._sequencer
        return {"kind": "solo", "started": False} if sequencer is None else sequencer.status()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._sequencer is not None:
                self._sequencer.close()
