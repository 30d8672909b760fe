"""The plain operations under a ledger's face: done here by the core, elsewhere over a socket.

Everything that crosses is a value of docs/protocol/formats.md, so the same operations work in the
process and through a node. Reads are at the last committed height.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from lianheng.ledger._closing import read_closing
from lianheng.ledger._ordering import Sequencer
from lianheng.model import NotFound, Stopped, decode, limits, native_errors, plain

if TYPE_CHECKING:
    from lianheng._native import Engine
    from lianheng.ledger._submission import Submission

Rows: TypeAlias = tuple[Sequence[tuple[Sequence[Any], bytes]], bytes | None]
"""Keys with encoded values, and where the next page begins (None: there is none)."""
Progress: TypeAlias = Callable[[int, int], None]
"""Told how much is done, and of how much."""


class Backend(Protocol):
    """A ledger's operations on plain values. Every one may raise `LianhengError`."""

    @property
    def chain(self) -> str:
        """The chain's name."""

    @property
    def genesis_hash(self) -> bytes:
        """Its genesis hash."""

    def genesis_file(self) -> bytes:
        """Genesis document and header 0."""

    def head(self) -> Sequence[int]:
        """Height and time (ms) of the last block."""

    def submit(self, transactions: Sequence[bytes]) -> "Submission":
        """Hand transactions to the sequencer."""

    def view(
        self, contract: str, method: str, arguments: bytes, sender: str | None, gas: int
    ) -> bytes:
        """Run a view."""

    def get(self, contract: str, table: str, key: Sequence[Any]) -> bytes | None:
        """One row."""

    def scan(
        self,
        contract: str,
        table: str,
        prefix: Sequence[Any],
        *,
        limit: int,
        after: bytes | None,
        reverse: bool,
    ) -> Rows:
        """Rows whose key begins with the prefix."""

    def index(
        self,
        contract: str,
        table: str,
        index: str,
        values: Sequence[Any],
        *,
        limit: int,
        after: bytes | None,
        reverse: bool,
    ) -> Rows:
        """Rows by an index."""

    def interface(self, contract: str) -> Mapping[str, Any] | None:
        """Calls, views, tables and records of a deployed contract."""

    def source(self, contract: str) -> Sequence[str] | None:
        """File name and source text of a deployed contract."""

    def rehearse(
        self, contract: str, file: str, source: str, signers: Sequence[str]
    ) -> Mapping[str, Any]:
        """What an upgrade signed by these members would do."""

    def find(self, prefix: bytes, odd_nibble: int | None, limit: int) -> Sequence[bytes]:
        """Transaction ids that begin so."""

    def locate(self, transaction: bytes) -> Sequence[int] | None:
        """Height and position of a transaction."""

    def block(self, height: int) -> bytes | None:
        """One block."""

    def header(self, height: int) -> Sequence[bytes | None] | None:
        """One header and its seal."""

    def blocks(self, first: int, limit: int) -> Sequence[bytes]:
        """Blocks from this height on: one at least where there is one, and at most a page."""

    def receipt(self, transaction: bytes, anchor: bytes | None, *, members: bool = False) -> bytes:
        """Evidence of a transaction and its result."""

    def prove(self, contract: str, table: str, key: Sequence[Any], anchor: bytes | None) -> bytes:
        """Evidence of a row, or of its absence."""

    def header_file(self, height: int) -> bytes:
        """A header as trust anchor."""

    def trace(self, transaction: bytes, progress: Progress | None = None) -> Sequence[Any]:
        """A transaction's entry, and what it read, wrote and spent step by step."""

    def fsck(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Re-derive every root and index from the blocks."""

    def status(self) -> Mapping[str, Any]:
        """Figures for people."""

    def close(self) -> None:
        """Finish what was submitted, then let go."""


class EngineBackend:
    """The operations done by the core in this process."""

    def __init__(self, engine: "Engine", sequencer: Sequencer) -> None:
        """Takes ownership of both: `close` closes them."""
        self._engine = engine
        self._sequencer = sequencer
        self._closed = False
        self._chain = engine.chain
        self._genesis_hash = engine.genesis_hash

    @property
    def chain(self) -> str:
        """The chain's name."""
        return self._chain

    @property
    def genesis_hash(self) -> bytes:
        """Its genesis hash."""
        return self._genesis_hash

    def genesis_file(self) -> bytes:
        """Genesis document and header 0."""
        with native_errors():
            return self._open.genesis_file

    def head(self) -> Sequence[int]:
        """Height and time (ms) of the last block."""
        engine = self._open
        with native_errors():
            return engine.height, engine.time

    def submit(self, transactions: Sequence[bytes]) -> "Submission":
        """Hand transactions to the sequencer."""
        with native_errors():
            closing = read_closing(self._open.closed)
        if closing is not None:
            raise closing.stopped()
        return self._sequencer.submit(transactions)

    def start(self) -> None:
        """Where a timer waits, begin to order now: it falls due whether somebody calls or not."""
        with native_errors():
            waits = self._open.next_timer is not None
        if waits:
            self._sequencer.start()

    def view(
        self, contract: str, method: str, arguments: bytes, sender: str | None, gas: int
    ) -> bytes:
        """Run a view. Raise `NotFound` where the sender is no active member of the chain."""
        engine = self._open
        with native_errors():
            # The core runs a view for nobody where it does not know the sender.
            if sender is not None and not _is_active(engine, sender):
                raise NotFound(
                    "member.unknown",
                    f"this chain has no active member {sender[:80]!r}",
                    "its table members.members lists them",
                )
            return engine.view(contract, method, arguments, sender, gas)

    def get(self, contract: str, table: str, key: Sequence[Any]) -> bytes | None:
        """One row."""
        with native_errors():
            return self._open.get(contract, table, _key(key))

    def scan(
        self,
        contract: str,
        table: str,
        prefix: Sequence[Any],
        *,
        limit: int,
        after: bytes | None,
        reverse: bool,
    ) -> Rows:
        """Rows whose key begins with the prefix."""
        with native_errors():
            return self._open.scan(contract, table, _key(prefix), limit, after, reverse)

    def index(
        self,
        contract: str,
        table: str,
        index: str,
        values: Sequence[Any],
        *,
        limit: int,
        after: bytes | None,
        reverse: bool,
    ) -> Rows:
        """Rows by an index."""
        with native_errors():
            return self._open.index(contract, table, index, _key(values), limit, after, reverse)

    def interface(self, contract: str) -> Mapping[str, Any] | None:
        """Calls, views, tables and records of a deployed contract."""
        with native_errors():
            found: Mapping[str, Any] | None = self._open.interface(contract)
            return found

    def source(self, contract: str) -> Sequence[str] | None:
        """File name and source text of a deployed contract."""
        with native_errors():
            return self._open.source(contract)

    def rehearse(
        self, contract: str, file: str, source: str, signers: Sequence[str]
    ) -> Mapping[str, Any]:
        """What an upgrade signed by these members would do; by nobody: authority aside."""
        engine = self._open
        with native_errors():
            return engine.rehearse_upgrade(contract, file, source, [str(who) for who in signers])

    def find(self, prefix: bytes, odd_nibble: int | None, limit: int) -> Sequence[bytes]:
        """Transaction ids that begin so."""
        with native_errors():
            return self._open.find(prefix, odd_nibble, limit)

    def locate(self, transaction: bytes) -> Sequence[int] | None:
        """Height and position of a transaction."""
        with native_errors():
            return self._open.locate(transaction)

    def block(self, height: int) -> bytes | None:
        """One block."""
        with native_errors():
            return self._open.block(height)

    def header(self, height: int) -> Sequence[bytes | None] | None:
        """One header and its seal."""
        with native_errors():
            return self._open.header(height)

    def blocks(self, first: int, limit: int) -> Sequence[bytes]:
        """Blocks from this height on: at most a page in number, and in bytes but for the last."""
        engine = self._open
        found: list[bytes] = []
        room = limits.PAGE_BYTES
        # One at a time: many large ones are never in memory together.
        for height in range(first, first + min(limit, limits.BLOCKS_PAGE)):
            with native_errors():
                block = engine.block(height)
            if block is None:
                break
            room -= len(block)
            if found and room < 0:
                break
            found.append(block)
        return found

    def receipt(self, transaction: bytes, anchor: bytes | None, *, members: bool = False) -> bytes:
        """Evidence of a transaction and its result."""
        with native_errors():
            return self._open.receipt(transaction, anchor, members=members)

    def prove(self, contract: str, table: str, key: Sequence[Any], anchor: bytes | None) -> bytes:
        """Evidence of a row, or of its absence."""
        with native_errors():
            return self._open.prove(contract, table, _key(key), anchor)

    def header_file(self, height: int) -> bytes:
        """A header as trust anchor."""
        with native_errors():
            return self._open.header_file(height)

    def trace(self, transaction: bytes, progress: Progress | None = None) -> Sequence[Any]:
        """A transaction's entry, and what it read, wrote and spent step by step."""
        with native_errors():
            return self._open.trace(transaction, progress)

    def fsck(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Re-derive every root and index from the blocks."""
        with native_errors():
            found: Mapping[str, Any] = self._open.fsck(progress)
            return found

    def status(self) -> Mapping[str, Any]:
        """Figures of the core and of the sequencer."""
        with native_errors():
            core: Mapping[str, Any] = self._open.status()
            closing = read_closing(self._open.closed)
        closed = None if closing is None else closing.fields
        return {**core, "closed": closed, "sequencer": dict(self._sequencer.status())}

    def close(self) -> None:
        """Finish what was submitted, then close the store. Closing twice does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            self._sequencer.close()
        finally:
            with native_errors():
                self._engine.close()

    @property
    def _open(self) -> "Engine":
        if self._closed:
            raise _closed()
        return self._engine


def _is_active(engine: "Engine", member: str) -> bool:
    # The row in force is a member's last version (docs/protocol/formats.md, "System tables").
    rows, _ = engine.scan("members", "members", [member], 1, None, reverse=True)
    return bool(rows) and decode(rows[0][1])["status"] == "active"


def _key(parts: Sequence[Any]) -> list[Any]:
    return [plain(part) for part in parts]


def _closed() -> Stopped:
    return Stopped("ledger.closed", "this ledger is closed", "open it again")
