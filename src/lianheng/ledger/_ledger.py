"""The embedded ledger's face: sign, submit, call, read, prove, export.

    with lianheng.open_ledger("home/ledger") as ledger:
        result = ledger.call(alice, "toolshed.add", id="crane-7").checked()

The same class stands before a ledger in this process and before a node's socket; the backend
makes the difference. It keeps no state of its own and may be used from several threads.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lianheng.ledger import _closing
from lianheng.ledger._abbreviations import find_transaction
from lianheng.ledger._backend import Backend, Progress
from lianheng.ledger._closing import Closing, closing_from
from lianheng.ledger._export import export_chain
from lianheng.ledger._lifecycle import ContractVersion, Rehearsal, version_from
from lianheng.ledger._submission import Submission
from lianheng.ledger._tables import Table
from lianheng.members import CallSigner, Identity, Signers
from lianheng.model import (
    Block,
    CallTarget,
    ChainName,
    ContractName,
    Entry,
    GenesisFile,
    Hash32,
    HeaderHash,
    Height,
    Milliseconds,
    NotFound,
    Result,
    Run,
    SignedTransaction,
    SourceHash,
    TransactionId,
    Transactions,
    encode,
    limits,
    run_id,
)


def wall_clock_ms() -> int:
    """Milliseconds since 1970 by this machine's clock."""
    return time.time_ns() // 1_000_000


class Ledger:
    """One chain: what it holds, and a way to call it."""

    def __init__(self, backend: Backend, now_ms: Callable[[], int] = wall_clock_ms) -> None:
        """Takes ownership of the backend. `now_ms` dates what is signed."""
        self._backend = backend
        self.signer = CallSigner(ChainName(backend.chain), HeaderHash(backend.genesis_hash), now_ms)

    def __enter__(self) -> Self:
        """The ledger itself; it is closed at the end of the block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Finish what was submitted, then let go of the files. Closing twice does nothing."""
        self._backend.close()

    @property
    def backend(self) -> Backend:
        """The plain operations underneath."""
        return self._backend

    @property
    def chain(self) -> ChainName:
        """The chain's name."""
        return self.signer.chain

    @property
    def genesis_hash(self) -> HeaderHash:
        """What every signature on this chain is bound to."""
        return self.signer.genesis

    @property
    def genesis_file(self) -> bytes:
        """The file that verifiers take as trust anchor."""
        return self._backend.genesis_file()

    @property
    def genesis(self) -> GenesisFile:
        """Genesis document and header, decoded."""
        return GenesisFile.from_bytes(self.genesis_file)

    @property
    def height(self) -> Height:
        """Height of the last block; 0 after the genesis."""
        return Height(self._backend.head()[0])

    @property
    def time(self) -> Milliseconds:
        """Time of the last block."""
        return Milliseconds(self._backend.head()[1])

    def sign(
        self,
        signers: Signers,
        target: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        gas: int = limits.DEFAULT_GAS,
        expires_in_ms: int = limits.DEFAULT_EXPIRY_MS,
        code: SourceHash | None = None,
        application: str | None = None,
        attachments: Sequence[Hash32] = (),
    ) -> SignedTransaction:
        """A call of `contract.method`, signed by the sender and those after it in `signers`."""
        return self.signer.sign(
            signers,
            target,
            arguments or {},
            gas=gas,
            expires_in_ms=expires_in_ms,
            code=code,
            application=application,
            attachments=attachments,
        )

    @property
    def closing(self) -> Closing | None:
        """How the chain was closed; None where it is open."""
        row = self.table(_closing.CONTRACT, _closing.TABLE).get(self.chain)
        return None if row is None else closing_from(row)

    def submit(self, transactions: Transactions) -> Submission:
        """Hand one or many signed transactions to the sequencer; returns at once.

        Raise `Busy` where the queue is full, `Stopped` where the ledger is, or its chain was
        closed (`chain.closed`).
        """
        if isinstance(transactions, bytes):
            return self._backend.submit([transactions])
        return self._backend.submit(transactions)

    def call(self, signers: Signers, target: str, /, **arguments: Any) -> Result:
        """Sign, submit and wait for one call. A refusal is a result: see `Result.checked`."""
        return self.submit(self.sign(signers, target, arguments)).one()

    def deploy(self, signers: Signers, name: str, source: str, file: str) -> Result:
        """Deploy contract source under a name; the sender needs the role operator or admin."""
        return self.call(signers, "contracts.deploy", name=name, file=file, source=source)

    def upgrade(
        self, signers: Signers, name: str, source: str, file: str, *, gas: int | None = None
    ) -> Result:
        """Put another source in force for a contract; a signer needs the role admin.

        It may use `gas`, or the chain's limit of a transaction: a migration touches every row.
        """
        most = gas or self.genesis.document.parameters["transaction_gas"]
        arguments = {"name": name, "file": file, "source": source}
        return self.submit(self.sign(signers, "contracts.upgrade", arguments, gas=most)).one()

    def rehearse_upgrade(
        self, name: str, source: str, file: str, as_: Sequence[str] = ()
    ) -> Rehearsal:
        """What an upgrade would do at the last block; nothing of it is kept.

        Told who would sign (`as_`), it says too whether they may.
        """
        return Rehearsal.from_fields(self._backend.rehearse(name, file, source, as_))

    def freeze(self, signers: Signers, name: str) -> Result:
        """Let a contract take no calls until it is thawed; its views answer. For admins."""
        return self.call(signers, "contracts.freeze", name=name)

    def thaw(self, signers: Signers, name: str) -> Result:
        """Let a frozen contract take calls again. For admins."""
        return self.call(signers, "contracts.thaw", name=name)

    def retire(self, signers: Signers, name: str) -> Result:
        """End a contract for good: no calls, no views; rows and history stay. For admins."""
        return self.call(signers, "contracts.retire", name=name)

    def versions(self, contract: str) -> list[ContractVersion]:
        """Every source and status that a contract has had, oldest first.

        Raise `NotFound` where there is no such contract.
        """
        found: list[ContractVersion] = []
        after: bytes | None = None
        while True:
            page = self.table("contracts", "versions").scan([contract], after=after)
            found += [version_from(row.key, row.value) for row in page]
            after = page.after
            if after is None:
                break
        if not found:
            raise _no_contract(contract)
        return found

    def view(
        self,
        target: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        as_: str | None = None,
        gas: int = limits.VIEW_GAS,
    ) -> Any:
        """Run a view at the last height, for this member or for nobody. Nothing is recorded.

        Raise `CallRefused` where the view does.
        """
        contract, method = CallTarget.parse(target)
        data = self._backend.view(contract, method, encode(arguments or {}), as_, gas)
        return Result.from_bytes(data, id=None, height=self.height).checked().value

    def table(self, contract: str, name: str) -> Table:
        """A table of a contract."""
        interface = self._backend.interface(contract) or {}
        for table in interface.get("tables", ()):
            if table.get("name") == name:
                return Table(self._backend, contract, name, str(table.get("record", "Row")))
        return Table(self._backend, contract, name, "Row")

    def interface(self, contract: str) -> Mapping[str, Any]:
        """Calls, views, tables and records of a contract. Raise `NotFound` where there is none."""
        found = self._backend.interface(ContractName(contract))
        if found is None:
            raise _no_contract(contract)
        return found

    def source(self, contract: str) -> tuple[str, str]:
        """File name and source of a contract. Raise `NotFound` where there is none."""
        found = self._backend.source(ContractName(contract))
        if found is None:
            raise _no_contract(contract)
        return found[0], found[1]

    def find(self, text: str) -> TransactionId:
        """The id that begins with these digits, as in git."""
        return find_transaction(self._backend, text)

    def entry(self, transaction: TransactionId) -> Entry:
        """A transaction's entry. Raise `NotFound` where this chain did not order it."""
        place = self._place(transaction)
        return self.block(place[0]).entry(place[1])

    def run(self, contract: str, number: int) -> Run:
        """The run of a timer by its number. Raise `NotFound` where it did not run (yet)."""
        place = self._backend.locate(run_id(self.genesis_hash, contract, number))
        if place is None:
            raise NotFound(
                "timer.not_run",
                f"timer {number} of {contract} did not run",
                "it waits, was cancelled, or never was: see the table chain.timers",
            )
        return self.block(place[0]).run(place[1])

    def result(self, transaction: TransactionId) -> Result:
        """What became of a transaction that was ordered, or of a run by its id."""
        place = self._place(transaction)
        block = self.block(place[0])
        if place[1] < block.runs:
            return block.run(place[1]).named(self.genesis_hash)
        return block.entry(place[1]).result

    def _place(self, transaction: TransactionId) -> Sequence[int]:
        place = self._backend.locate(transaction)
        if place is None:
            raise NotFound(
                "id.not_found",
                f"this chain has no transaction {transaction.hex()}",
                "dropped transactions are not recorded",
            )
        return place

    def block(self, height: int) -> Block:
        """The block of this height, from 1. Raise `NotFound` beyond the last."""
        data = self._backend.block(height)
        if data is None:
            raise NotFound(
                "block.not_found",
                f"there is no block {height}",
                f"blocks are 1 to {self.height}; height 0 is the genesis",
            )
        return Block(data)

    def blocks(self, first: int = 1) -> Iterator[Block]:
        """Blocks from this height to the last one there is when the end is reached."""
        height = max(first, 1)
        while page := self._backend.blocks(height, limits.BLOCKS_PAGE):
            for data in page:
                yield Block(data)
            height += len(page)

    def receipt(
        self, transaction: TransactionId, anchor: bytes | None = None, *, members: bool = False
    ) -> bytes:
        """Evidence of a transaction and its result.

        It links the genesis and, where given, the anchor: a genesis or header file's bytes. Whose
        keys signed is proved where the anchor does not tell; with `members`, in any case.
        """
        return self._backend.receipt(transaction, anchor, members=members)

    def prove(
        self, contract: str, table: str, key: Sequence[Any], anchor: bytes | None = None
    ) -> bytes:
        """Evidence that a row has its value now, or that there is none."""
        return self._backend.prove(contract, table, key, anchor)

    def header_file(self, height: int) -> bytes:
        """The header of this height as a file that serves as trust anchor."""
        return self._backend.header_file(height)

    def export(
        self, folder: str | Path, progress: Progress | None = None, *, state: Path | None = None
    ) -> Height:
        """Write the chain into a new or empty folder (formats.md, "Export").

        `state` is the file of the state that a continuing chain began with.
        """
        return export_chain(self._backend, Path(folder), progress, state)

    def trace(
        self, transaction: TransactionId, progress: Progress | None = None
    ) -> Sequence[Sequence[Any]]:
        """What a transaction did, step by step, re-executed as it ran.

        Steps are ("line", number, gas so far), ("read" or "write", table, key, value or None).
        """
        steps: Sequence[Sequence[Any]] = self._backend.trace(transaction, progress)[1]
        return steps

    def fsck(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Re-derive every root and index from the blocks; `faults` lists what differs."""
        return self._backend.fsck(progress)

    def status(self) -> Mapping[str, Any]:
        """Figures for people."""
        return self._backend.status()

    def sign_many(
        self,
        signer: Identity,
        calls: Sequence[tuple[str, Mapping[str, Any]]],
        *,
        gas: int = limits.DEFAULT_GAS,
        expires_in_ms: int = limits.DEFAULT_EXPIRY_MS,
    ) -> list[SignedTransaction]:
        """Many calls of one signer, signed on all cores."""
        return self.signer.sign_many(signer, calls, gas=gas, expires_in_ms=expires_in_ms)


def _no_contract(name: str) -> NotFound:
    return NotFound(
        "contract.unknown",
        f"no contract {name!r} is deployed here",
        "lianheng contract list shows what is",
    )
