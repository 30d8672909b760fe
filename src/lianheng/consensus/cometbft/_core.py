"""What the application and the gatherer need of the core, and what they tell each other.

`_native.Engine`, `Envelope`, `Gathered`, `Pending` and `Outcome` are what stands behind these.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from lianheng.ledger import BlockOutcome, PendingBlock

FaultPoint = Callable[[str], None]
"""Told where the process is; a test may make it end there."""


class TriedOutcome(BlockOutcome, Protocol):
    """What became of the transactions of one envelope."""

    def __len__(self) -> int:
        """How many transactions."""

    @property
    def counts(self) -> tuple[int, int, int]:
        """Succeeded, refused, dropped."""


class DecidedPending(PendingBlock, Protocol):
    """An executed block that is not committed yet."""

    @property
    def height(self) -> int:
        """Height of its header, if it has one."""

    @property
    def set_changes(self) -> Sequence[tuple[bytes, int]]:
        """Keys of the set that seals with their power, 0 where they leave it."""


class CheckedTransactions(Protocol):
    """Prepared transactions of a node that gathers."""

    def __len__(self) -> int:
        """How many were given."""

    def ids(self) -> Sequence[bytes | None]:
        """Their ids, None where one could not be read."""

    def drops(self) -> Sequence[tuple[int, str, str]]:
        """Position, code and message of those that can not be ordered."""


class OpenedEnvelope(Protocol):
    """An envelope whose form, signatures and key were checked."""

    @property
    def data(self) -> bytes:
        """All its bytes."""

    @property
    def hash(self) -> bytes:
        """Hash of the bytes: CometBFT's transaction hash."""

    @property
    def node(self) -> str:
        """Member that gathered and signed it."""

    @property
    def organisation(self) -> str:
        """The member's organisation."""

    @property
    def expires(self) -> int:
        """Latest expiry of its transactions, ms."""

    @property
    def gas(self) -> int:
        """Sum of the gas limits."""

    @property
    def count(self) -> int:
        """How many transactions."""

    @property
    def bad(self) -> int:
        """How many of them can never be ordered."""

    @property
    def prepared(self) -> Any:
        """Its transactions, ready to be executed."""


class UnsignedEnvelope(Protocol):
    """Transactions chosen for one envelope."""

    @property
    def head(self) -> bytes:
        """What the node signs."""

    @property
    def count(self) -> int:
        """How many transactions."""

    def seal(self, signed_head: bytes) -> Any:
        """The envelope."""


EnvelopeT = TypeVar("EnvelopeT", bound=OpenedEnvelope)


class ConsensusEngine(Protocol):
    """The core, as the application drives it."""

    @property
    def genesis_hash(self) -> bytes:
        """Hash of header 0."""

    @property
    def height(self) -> int:
        """Height of the last header."""

    @property
    def time(self) -> int:
        """Time of the last header, ms."""

    @property
    def consensus_height(self) -> int:
        """CometBFT height of the last header; 0 at the genesis."""

    @property
    def header_hash(self) -> bytes:
        """Hash of the last header."""

    @property
    def next_timer(self) -> int | None:
        """Block time (ms) from which the next block runs a timer; None where no timer waits."""

    @property
    def block_room(self) -> Mapping[str, int]:
        """What the next block has: `block_bytes`, `block_gas`, `block_transactions`."""

    @property
    def weights(self) -> Mapping[str, int]:
        """Weights of organisations in a block that the chain set; all others have 1."""

    @property
    def closed(self) -> bytes | None:
        """The row that closed the chain; None where it is open."""

    @property
    def synced_height(self) -> int:
        """Last height whose block is synced to disk."""

    @property
    def sealed_height(self) -> int:
        """All headers up to here have their seal."""

    def header(self, height: int) -> tuple[bytes, bytes | None] | None:
        """A header and its seal."""

    def block(self, height: int) -> bytes | None:
        """A block."""

    def locate(self, transaction: bytes) -> tuple[int, int] | None:
        """Height and position of a transaction."""

    def open_envelope(self, data: bytes) -> Any:
        """Check an envelope whole."""

    def admit_envelope(self, envelope: Any) -> None:
        """Check that an opened one counts at the last block."""

    def envelope_head(self, data: bytes) -> tuple[str, str, int, int, int]:
        """Node, organisation, expiry, gas and count, as the unchecked head has them."""

    def execute(
        self, batches: Sequence[Any], time: int, consensus_height: int | None = None
    ) -> Any:
        """Run a block."""

    def commit(self, pending: Any, seal: bytes | None) -> Sequence[Any]:
        """Keep it; one outcome for each batch."""


class GatheringEngine(Protocol):
    """The core, as the gatherer drives it."""

    @property
    def genesis_hash(self) -> bytes:
        """Hash that every signature is bound to."""

    @property
    def time(self) -> int:
        """Time of the last header, ms."""

    def prepare(
        self, transactions: Sequence[bytes], *, fresh: bool = False, latest: int | None = None
    ) -> Any:
        """Decode and verify; `fresh` drops what is in vain before it is verified.

        That is what was ordered already, expired, or expires after `latest` (ms).
        """

    def gather(self, prepared: Any, node: str, number: int) -> Any:
        """What was not dropped, for one envelope of the node under a number of its own."""

    def locate(self, transaction: bytes) -> tuple[int, int] | None:
        """Height and position of a transaction."""


@dataclass(frozen=True, slots=True)
class CommittedBlock:
    """A decided block after our commit.

    `outcomes` are (envelope hash, outcome) of those that counted, in the block's order;
    `passed_over` the hashes of those that did not. `height` is None where it made no header.
    """

    consensus_height: int
    height: int | None
    time: int
    outcomes: Sequence[tuple[bytes, TriedOutcome]]
    passed_over: Sequence[bytes] = ()
