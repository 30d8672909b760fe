"""The Rust core, as Python sees it; a call of more than a few microseconds releases the GIL."""

import builtins
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias, final

CborValue: TypeAlias = (
    bool
    | int
    | bytes
    | str
    | list[CborValue]
    | tuple[CborValue, ...]
    | dict[CborValue, CborValue]
    | None
)

class NativeError(Exception):
    """A failure of the core: bad bytes, a damaged store, a wrong call. Never a refused call."""

    code: str
    message: str
    field: str | None
    hint: str | None

def cbor_encode(value: CborValue) -> bytes: ...
def cbor_decode(data: bytes) -> CborValue: ...
def hash_bytes(data: bytes) -> bytes: ...
def key_id(public: bytes) -> bytes: ...
def public_key(seed: bytes) -> bytes: ...
def check_public_key(public: bytes) -> None: ...
def explain_call(
    engine: Engine, contract: str, method: str, arguments: bytes, members: Sequence[str]
) -> tuple[str, bool, str | None, str | None]: ...
def bench_policy(
    engine: Engine, text: str, members: Sequence[str], subject: str | None, rounds: int
) -> tuple[bool, list[int]]: ...
def policy_text(text: str) -> str: ...
def policy_names(text: str) -> list[tuple[str, str]]: ...
def policy_admits(text: str, via: str) -> bool: ...
def policy_missing(
    text: str,
    members: Sequence[tuple[str, str, Sequence[str]]],
    organisations: Sequence[str],
    via: str | None,
    subject: str | None,
) -> str | None: ...
def cose_sign(seeds: Sequence[bytes], payload: bytes, external_aad: bytes) -> bytes: ...
def cose_verify(signed: bytes, public_keys: Sequence[bytes], external_aad: bytes) -> bytes: ...
def transaction_id(payload: bytes, genesis_hash: bytes) -> bytes: ...
def sign_many(
    seeds: Sequence[bytes], payloads: Sequence[bytes], genesis_hash: bytes
) -> list[bytes]: ...
def bench_signatures(count: int, threads: int) -> float: ...
def check_contract(
    source: str, file: str, imports: Mapping[str, str] | None = None
) -> list[dict[str, CborValue]]:
    """`imports`: deployed sources by the digits in their modules' names."""

def check_contract_types(source: str, file: str) -> list[dict[str, CborValue]]: ...
def run_script(source: str, file: str, gas: int) -> dict[str, CborValue]: ...
def contract_operations(source: str) -> tuple[list[str], list[str]]:
    """What the VM has of operations, builtins and methods; and what this contract's code uses."""

def contract_interface(
    source: str, file: str, imports: Mapping[str, str] | None = None
) -> dict[str, CborValue]: ...
def contract_callers(
    old: tuple[str, str, str],
    new: str,
    others: list[tuple[str, str, str]],
    imports: Mapping[str, str] | None = None,
) -> list[dict[str, CborValue]]:
    """Calls of other contracts that fit the old source and not the new one.

    `old` and `others` are contract, file and source.
    """

def contract_changes(
    old: str, new: str, file: str, imports: Mapping[str, str] | None = None
) -> list[dict[str, CborValue]]: ...

@final
class Prepared:
    """Decoded transactions whose signatures were checked; ready to be ordered."""

    def __len__(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    def drops(self) -> list[tuple[int, str, str]]: ...
    def ids(self) -> list[builtins.bytes | None]:
        """In order; None where a transaction did not decode."""

@final
class Envelope:
    """An envelope that was opened: its node's key was in force, its head is true. Immutable."""

    @property
    def data(self) -> bytes: ...
    @property
    def hash(self) -> bytes:
        """SHA-256 of `data`: what CometBFT calls the hash of a transaction."""
    @property
    def node(self) -> str: ...
    @property
    def organisation(self) -> str: ...
    @property
    def expires(self) -> int:
        """The latest expiry of its transactions, ms; 0 where none decodes."""
    @property
    def gas(self) -> int:
        """The sum of their gas limits."""
    @property
    def count(self) -> int: ...
    @property
    def bad(self) -> int:
        """How many can never be ordered: undecodable, for another chain, badly signed."""
    @property
    def prepared(self) -> Prepared:
        """Its transactions, signatures checked; does not depend on a height."""

@final
class Gathered:
    """Transactions chosen for one envelope, not signed yet."""

    @property
    def head(self) -> bytes:
        """The payload to sign: COSE_Sign1 with the genesis hash as external data."""
    @property
    def count(self) -> int: ...
    @property
    def gas(self) -> int: ...
    @property
    def expires(self) -> int: ...
    def seal(self, signed_head: bytes) -> Envelope:
        """Checks the signature, and looks at no transaction again. NativeError: `envelope`."""

@final
class Pending:
    """An executed block that waits for its seal. Dropping it leaves no trace."""

    @property
    def height(self) -> int: ...
    @property
    def header(self) -> bytes: ...
    @property
    def header_hash(self) -> bytes: ...
    @property
    def empty(self) -> bool: ...
    @property
    def set_changes(self) -> list[tuple[bytes, int]]:
        """Keys of the set that seals with their power, 0 where they leave it."""

@final
class Outcome:
    """What became of the transactions of one `Prepared` after the block was tried."""

    def __len__(self) -> int: ...
    @property
    def height(self) -> int: ...
    @property
    def time(self) -> int: ...
    @property
    def counts(self) -> tuple[int, int, int]:
        """Succeeded, refused, dropped."""
    def id(self, position: int) -> bytes | None: ...
    def result(self, position: int) -> bytes | None:
        """The encoded result, or None where the transaction was dropped."""
    def index(self, position: int) -> int | None:
        """Position of the entry in its block, or None where the transaction was dropped."""
    def drop(self, position: int) -> tuple[str, str, str] | None:
        """Code, message and what to do, where the transaction was dropped."""

@final
class Engine:
    """One chain's ledger: verify, order, execute, commit, read, prove."""

    @staticmethod
    def create(path: str | None, document: bytes, *, state: str | None = None) -> Engine:
        """A new ledger in an empty folder, or in memory when path is None.

        `state`: the file of the state that a continuing genesis carries over.
        """
    @staticmethod
    def open(path: str, *, rebuild: bool = False, cache_bytes: int | None = None) -> Engine:
        """`cache_bytes`: about how much memory it holds at rest."""
    def close(self) -> None: ...
    @property
    def genesis_file(self) -> bytes: ...
    @property
    def genesis_hash(self) -> bytes: ...
    @property
    def chain(self) -> str: ...
    @property
    def height(self) -> int: ...
    @property
    def time(self) -> int: ...
    @property
    def consensus_height(self) -> int:
        """Of the last header; 0 at the genesis."""
    @property
    def header_hash(self) -> bytes:
        """Of the last header: a network's app hash."""
    @property
    def synced_height(self) -> int:
        """Last height whose block is synced to disk; solo: the last one."""
    @property
    def sealed_height(self) -> int:
        """All headers up to here have their seal; solo: the last one."""
    @property
    def block_room(self) -> dict[str, int]:
        """What the next block has: `block_bytes`, `block_gas`, `block_transactions`."""
    @property
    def weights(self) -> dict[str, int]:
        """Those that the chain set, by organisation; all others have 1."""

    @property
    def next_timer(self) -> int | None:
        """Block time (ms) from which the next block runs a timer; None where no timer waits."""
    def write_state(self, height: int, path: str, work: str) -> None:
        """The state after a block into a new file; an earlier one is executed again in `work`."""
    @property
    def closed(self) -> bytes | None:
        """The row that closed the chain, encoded; None where it is open."""
    @property
    def recovery(self) -> dict[str, CborValue]: ...
    def status(self) -> dict[str, CborValue]: ...
    def claimed_organisation(self, transaction: bytes) -> str:
        """Of the sender, where it is in force; else empty. No signature is checked."""

    # the solo path: prepare (any thread, many at once), then execute and commit (one thread)
    def prepare(
        self, transactions: Sequence[bytes], *, fresh: bool = False, latest: int | None = None
    ) -> Prepared:
        """Decodes, checks signatures.

        `fresh`, for a node that gathers: before signatures are checked, what was ordered already,
        expired at the last block's time, expires after `latest` (ms) or asks for too much gas is
        dropped.
        """
    def gather(self, prepared: Prepared, node: str, number: int) -> Gathered:
        """All that `prepared` did not drop, under a number that no other envelope of this node has.

        NativeError: envelope.unknown_node, .empty, ...
        """
    def open_envelope(self, data: bytes) -> Envelope:
        """Checks form, key and signature, and that the head is true of the transactions.

        NativeError: envelope.malformed, .too_large, .unknown_node, .bad_signature, .hash, .count,
        .gas, .expires.
        """
    def admit_envelope(self, envelope: Envelope) -> None:
        """Short: its key is in force, its member a node. NativeError: envelope.unknown_node."""
    def envelope_head(self, data: bytes) -> tuple[str, str, int, int, int]:
        """Short: node, organisation, expires, gas, count; its key is in force.

        The signature is not checked. NativeError: envelope.malformed, .too_large, .unknown_node.
        """
    def execute(
        self, batches: Sequence[Prepared], time: int, consensus_height: int | None = None
    ) -> Pending: ...
    def commit(self, pending: Pending, seal: bytes | None) -> list[Outcome]: ...
    # the network's part: execute takes the consensus height, commit no seal; seals come later
    def unsealed(self, limit: int) -> list[tuple[int, int]]:
        """(height, consensus height) of headers without seal, ascending."""
    def add_seal(self, height: int, seal: bytes) -> None:
        """Checks a seal and keeps it; again is fine. NativeError: seal.*, block.unknown."""
    def sync(self) -> None:
        """Brings the block log to disk."""
    def validators(self) -> list[tuple[str, bytes, int]]:
        """Member, public key, power of each validator; none where one sequencer seals."""
    def keys_of(self, member: str) -> list[bytes]:
        """The public keys of a member in force."""
    def set_at(self, height: int) -> list[tuple[bytes, int]]:
        """Keys and powers of the set that seals this height's header, up to the next one."""
    # reads; all at the last committed height
    def get(self, contract: str, table: str, key: Sequence[CborValue]) -> bytes | None: ...
    def scan(
        self,
        contract: str,
        table: str,
        prefix: Sequence[CborValue],
        limit: int,
        after: bytes | None = None,
        reverse: bool = False,
    ) -> tuple[list[tuple[list[CborValue], bytes]], bytes | None]: ...
    def index(
        self,
        contract: str,
        table: str,
        index: str,
        values: Sequence[CborValue],
        limit: int,
        after: bytes | None = None,
        reverse: bool = False,
    ) -> tuple[list[tuple[list[CborValue], bytes]], bytes | None]: ...
    def view(
        self, contract: str, method: str, arguments: bytes, sender: str | None, gas: int
    ) -> bytes: ...
    def trace_view(
        self, contract: str, method: str, arguments: bytes, sender: str | None, gas: int
    ) -> tuple[bytes, list[tuple[CborValue, ...]]]:
        """The view's result, and its steps as `trace` gives those of a call."""
    def interface(self, contract: str) -> dict[str, CborValue] | None: ...
    def source(self, contract: str) -> tuple[str, str] | None: ...
    def rehearse_upgrade(
        self, contract: str, file: str, source: str, signers: list[str] = ...
    ) -> dict[str, CborValue]:
        """Try an upgrade at the last block, as these members; nothing of it is kept.

        Gives changes, from_version, gas, rows, index_entries, refusal (None, or code,
        message, reason, file, line, hint).
        """
    def find(self, prefix: bytes, odd_nibble: int | None, limit: int) -> list[bytes]:
        """Transaction ids that start with these bytes (and one more half byte)."""
    def locate(self, transaction: bytes) -> tuple[int, int] | None: ...
    def block(self, height: int) -> bytes | None: ...
    def header(self, height: int) -> tuple[bytes, bytes | None] | None: ...
    def blocks(self, first: int, limit: int) -> list[bytes]: ...
    # evidence
    def receipt(
        self,
        transaction: bytes,
        anchor: bytes | None = None,
        *,
        members: bool = False,
        sealed: bool = True,
    ) -> bytes:
        """`members`: who signed is proved also where the genesis tells as much.

        Not `sealed`: the later block that proves it may lack its seal.
        """
    def prove(
        self,
        contract: str,
        table: str,
        key: Sequence[CborValue],
        anchor: bytes | None = None,
        *,
        sealed: bool = True,
    ) -> bytes:
        """A row at the last block. Unsealed: null stands for a seal that has not come yet."""
    def header_file(self, height: int) -> bytes: ...
    def trace(
        self, transaction: bytes, progress: Callable[[int, int], None] | None = None
    ) -> bytes: ...
    def fsck(self, progress: Callable[[int, int], None] | None = None) -> dict[str, CborValue]: ...

def replay_open(genesis_file: bytes, state: str | None = None) -> Replay: ...
def check_state(last: bytes, path: str) -> int:
    """Check a state file against a header file; gives the number of its rows."""

def check_document(document: bytes) -> None:
    """Check a genesis document by itself."""

@final
class Replay:
    """An engine in memory that re-executes exported blocks and compares every header byte."""

    def apply(self, block: bytes) -> None: ...
    @property
    def height(self) -> int: ...
    @property
    def sealed_height(self) -> int:
        """Last height whose seal was there and checked: it covers all below."""

def fault_point(name: str) -> None:
    """Aborts the process when LIANHENG_FAULT=name[:n] names this point (at its n-th pass)."""

def bench_contract(
    source: str,
    first: Sequence[tuple[str, bytes]],
    calls: Sequence[tuple[str, bytes]],
    rounds: int,
    keep: bool,
    others: Sequence[tuple[str, str]],
) -> list[tuple[int, list[int]]]:
    """Of each call of a contract in an empty state in memory: gas, and nanoseconds a round.

    The calls of `first` come before. What a call writes is dropped after it, or kept. `others` are
    names and sources of contracts that it may call.
    """

def bench_upgrade(
    old: str, new: str, first: Sequence[tuple[str, bytes]], rounds: int
) -> tuple[int, list[int]]:
    """Of an upgrade of `old` to `new` in memory: gas, and nanoseconds a round."""

def bench_execute(
    document: bytes,
    time: int,
    first: Sequence[Sequence[bytes]],
    blocks: Sequence[Sequence[bytes]],
) -> dict[str, list[int]]:
    """Nanoseconds of `decode`, `execute` and `commit` of each block, on a new chain in memory.

    The blocks of `first` come before. Signatures are not checked; block time is `time`, ms.
    """

def bench_state(
    path: str,
    keys: int,
    updates: int,
    seconds: float,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, CborValue]: ...
