"""A ledger's plain operations done by a running node, over its socket."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from lianheng.client._connection import Connection
from lianheng.client.wire import PROTOCOL, result_from
from lianheng.ledger import Progress, Rows, Submission, check_transactions
from lianheng.model import NodeError, Result, limits, plain


class RemoteBackend:
    """`ledger.Backend` over one connection. Pages and submissions keep within a frame."""

    def __init__(self, connection: Connection) -> None:
        """Greets the node. Raise `NodeError` where it speaks another protocol."""
        self._connection = connection
        hello = connection.request("hello", {"protocol": PROTOCOL}, timeout=limits.CONNECT_SECONDS)
        if hello.get("protocol") != PROTOCOL:
            raise NodeError(
                "node.protocol",
                f"the node speaks protocol {hello.get('protocol')}, this command {PROTOCOL}",
                "use the same version for both: lianheng down, then up",
            )
        self.pid = int(hello["pid"])
        self._chain = str(hello["chain"])
        self._genesis_hash = bytes(hello["genesis_hash"])

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
        return bytes(self._ask("genesis_file"))

    def head(self) -> Sequence[int]:
        """Height and time (ms) of the last block."""
        found: Sequence[int] = self._ask("head")
        return found

    def submit(self, transactions: Sequence[bytes]) -> Submission:
        """Send transactions; results arrive when they are final.

        Where the node refuses to take them in (`Busy`), waiting raises it, not submitting.
        """
        check_transactions(transactions)
        asked = self._connection.ask(
            "submit", {"transactions": [bytes(item) for item in transactions]}
        )
        future: Future[Sequence[Result]] = Future()
        future.set_running_or_notify_cancel()

        def settle(answered: "Future[Any]") -> None:
            failure = answered.exception()
            if failure is not None:
                future.set_exception(failure)
                return
            try:
                future.set_result([result_from(item) for item in answered.result()])
            except Exception as malformed:  # noqa: BLE001 - must reach the one who waits
                future.set_exception(malformed)

        asked.add_done_callback(settle)
        return Submission(future, len(transactions))

    def view(
        self, contract: str, method: str, arguments: bytes, sender: str | None, gas: int
    ) -> bytes:
        """Run a view."""
        return bytes(
            self._ask(
                "view",
                contract=contract,
                method=method,
                arguments=arguments,
                sender=sender,
                gas=gas,
            )
        )

    def get(self, contract: str, table: str, key: Sequence[Any]) -> bytes | None:
        """One row."""
        return _optional(self._ask("get", contract=contract, table=table, key=_plain(key)))

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
        rows, following = self._ask(
            "scan",
            contract=contract,
            table=table,
            prefix=_plain(prefix),
            limit=limit,
            after=after,
            reverse=reverse,
        )
        return rows, following

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
        rows, following = self._ask(
            "index",
            contract=contract,
            table=table,
            index=index,
            values=_plain(values),
            limit=limit,
            after=after,
            reverse=reverse,
        )
        return rows, following

    def interface(self, contract: str) -> Mapping[str, Any] | None:
        """Calls, views, tables and records of a deployed contract."""
        found: Mapping[str, Any] | None = self._ask("interface", contract=contract)
        return found

    def source(self, contract: str) -> Sequence[str] | None:
        """File name and source text of a deployed contract."""
        found: Sequence[str] | None = self._ask("source", contract=contract)
        return found

    def rehearse(
        self, contract: str, file: str, source: str, signers: Sequence[str]
    ) -> Mapping[str, Any]:
        """What an upgrade signed by these members would do."""
        found: Mapping[str, Any] = self._ask(
            "rehearse",
            contract=contract,
            file=file,
            source=source,
            signers=[str(who) for who in signers],
        )
        return found

    def find(self, prefix: bytes, odd_nibble: int | None, limit: int) -> Sequence[bytes]:
        """Transaction ids that begin so."""
        found: Sequence[bytes] = self._ask(
            "find", prefix=prefix, odd_nibble=odd_nibble, limit=limit
        )
        return found

    def locate(self, transaction: bytes) -> Sequence[int] | None:
        """Height and position of a transaction."""
        found: Sequence[int] | None = self._ask("locate", transaction=bytes(transaction))
        return found

    def block(self, height: int) -> bytes | None:
        """One block."""
        return _optional(self._ask("block", height=height))

    def header(self, height: int) -> Sequence[bytes | None] | None:
        """One header and its seal."""
        found: Sequence[bytes | None] | None = self._ask("header", height=height)
        return found

    def blocks(self, first: int, limit: int) -> Sequence[bytes]:
        """Blocks from this height on; the node sends fewer where they are large."""
        found: Sequence[bytes] = self._ask("blocks", first=first, limit=limit)
        return found

    def receipt(self, transaction: bytes, anchor: bytes | None, *, members: bool = False) -> bytes:
        """Evidence of a transaction and its result."""
        asked = {"transaction": bytes(transaction), "anchor": anchor, "members": members}
        return bytes(self._ask("receipt", **asked))

    def prove(self, contract: str, table: str, key: Sequence[Any], anchor: bytes | None) -> bytes:
        """Evidence of a row, or of its absence."""
        return bytes(
            self._ask("prove", contract=contract, table=table, key=_plain(key), anchor=anchor)
        )

    def header_file(self, height: int) -> bytes:
        """A header as trust anchor."""
        return bytes(self._ask("header_file", height=height))

    def trace(self, transaction: bytes, progress: Progress | None = None) -> Sequence[Any]:
        """A transaction's entry, and what it read, wrote and spent step by step."""
        found: Sequence[Any] = self._long("trace", progress, transaction=bytes(transaction))
        return found

    def fsck(self, progress: Progress | None = None) -> Mapping[str, Any]:
        """Re-derive every root and index from the blocks."""
        found: Mapping[str, Any] = self._long("fsck", progress)
        return found

    def status(self) -> Mapping[str, Any]:
        """Figures of the ledger and the node."""
        found: Mapping[str, Any] = self._ask("status")
        return found

    def node_status(self, timeout: float) -> Mapping[str, Any]:
        """The same, where the node answers in time; raise `NodeError` where it does not."""
        found: Mapping[str, Any] = self._connection.request("status", {}, timeout=timeout)
        return found

    def stop_node(self, timeout: float) -> None:
        """Ask the node to finish and end; raise `NodeError` where it does not answer in time."""
        self._connection.request("stop", {}, timeout=timeout)

    def close(self) -> None:
        """Hang up; the node and its ledger go on."""
        self._connection.close()

    def _ask(self, method: str, /, **parameters: Any) -> Any:
        return self._connection.request(method, parameters)

    def _long(self, method: str, progress: Progress | None, /, **parameters: Any) -> Any:
        return self._connection.request(method, parameters, progress)


def _plain(parts: Sequence[Any]) -> list[Any]:
    return [plain(part) for part in parts]


def _optional(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
