"""The same requests for asyncio: one connection, many requests at once."""

import asyncio
import contextlib
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from lianheng.client._connection import fault
from lianheng.client._home import Home, not_running
from lianheng.client.wire import (
    ERROR,
    LENGTH_BYTES,
    NO_REQUEST,
    PART,
    PROGRESS,
    PROTOCOL,
    error_from,
    frame,
    frame_size,
    parse_answer,
    result_from,
)
from lianheng.ledger import wall_clock_ms
from lianheng.members import CallSigner, Signers
from lianheng.model import (
    CallTarget,
    ChainName,
    HeaderHash,
    Height,
    LianhengError,
    NodeError,
    Result,
    SignedTransaction,
    Transactions,
    decode,
    encode,
    limits,
    plain,
)


class AsyncLocalClient:
    """A node's ledger in asyncio. Make one with `connect`; it is an async context manager."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Use `AsyncLocalClient.connect`."""
        self._reader = reader
        self._writer = writer
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}
        self._parts: dict[int, list[Any]] = {}
        self._ended: LianhengError | None = None
        self._reading = asyncio.create_task(self._read())
        self.signer = CallSigner(ChainName("unknown"), HeaderHash(bytes(32)), wall_clock_ms)

    @classmethod
    async def connect(cls, home: Path) -> Self:
        """Connect to the node of this home folder. Raise `NodeError` where none runs."""
        place = Home(home)
        record = place.node_record()
        path = place.socket if record is None else record.socket
        try:
            reader, writer = await asyncio.wait_for(
                asyncio.open_unix_connection(str(path)), limits.CONNECT_SECONDS
            )
        except OSError as failure:
            raise not_running(place, failure) from failure
        client = cls(reader, writer)
        try:
            hello = await client.request("hello", protocol=PROTOCOL)
        except BaseException:
            await client.close()
            raise
        client.signer = CallSigner(
            ChainName(hello["chain"]), HeaderHash(hello["genesis_hash"]), wall_clock_ms
        )
        return client

    async def __aenter__(self) -> Self:
        """The client itself; it hangs up at the end of the block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def request(self, method: str, /, **parameters: Any) -> Any:
        """Any method of the node; raises the node's error."""
        if self._ended is not None:
            raise self._ended
        identity = next(self._ids)
        data = frame([identity, method, parameters])
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asked[identity] = future
        self._writer.write(data)
        try:
            with contextlib.suppress(ConnectionError):
                await self._writer.drain()
            return await future
        finally:
            self._asked.pop(identity, None)
            self._parts.pop(identity, None)

    async def submit(self, transactions: Transactions) -> list[Result]:
        """Send signed transactions; the results, once all are final."""
        items = [transactions] if isinstance(transactions, bytes) else transactions
        answered = await self.request("submit", transactions=[bytes(item) for item in items])
        return [result_from(item) for item in answered]

    def sign(
        self, signers: Signers, target: str, arguments: Mapping[str, Any] | None = None
    ) -> SignedTransaction:
        """A signed call of `contract.method`."""
        return self.signer.sign(signers, target, arguments or {})

    async def call(self, signers: Signers, target: str, /, **arguments: Any) -> Result:
        """Sign, submit and await one call. A refusal is a result: see `Result.checked`."""
        (result,) = await self.submit(self.sign(signers, target, arguments))
        return result

    async def view(
        self, target: str, arguments: Mapping[str, Any] | None = None, *, as_: str | None = None
    ) -> Any:
        """Run a view at the last height."""
        contract, method = CallTarget.parse(target)
        data = await self.request(
            "view",
            contract=contract,
            method=method,
            arguments=encode(arguments or {}),
            sender=as_,
            gas=limits.VIEW_GAS,
        )
        return Result.from_bytes(data, id=None, height=Height(0)).checked().value

    async def get(self, contract: str, table: str, key: Sequence[Any]) -> Any:
        """One row, or None."""
        parts = [plain(part) for part in key]
        data = await self.request("get", contract=contract, table=table, key=parts)
        return None if data is None else decode(data)

    async def close(self) -> None:
        """Hang up; the node goes on."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
        self._reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._reading

    async def _read(self) -> None:
        try:
            while True:
                size = frame_size(await self._reader.readexactly(LENGTH_BYTES))
                self._take(await self._reader.readexactly(size))
        except (OSError, EOFError):
            self._end(NodeError("node.disconnected", "the node hung up", "connect again"))
        except LianhengError as failure:
            self._end(failure)
        except asyncio.CancelledError:
            self._end(NodeError("node.disconnected", "the client was closed", "connect again"))
            raise
        except Exception as failure:  # noqa: BLE001 - must reach those who wait
            self._end(fault(failure))
        finally:
            # The node hears that nobody waits for its answers any more.
            self._writer.close()

    def _take(self, data: bytes) -> None:
        identity, kind, value = parse_answer(data)
        if identity == NO_REQUEST:
            raise error_from(value)
        future = self._asked.get(identity)
        if future is None or future.done() or kind == PROGRESS:
            # An answer to a request whose task was cancelled: nobody waits for it any more.
            return
        if kind == PART:
            self._parts.setdefault(identity, []).extend(value)
        elif kind == ERROR:
            future.set_exception(error_from(value))
        else:
            parts = self._parts.get(identity)
            future.set_result([*parts, *value] if parts else value)

    def _end(self, failure: LianhengError) -> None:
        self._ended = self._ended or failure
        for future in self._asked.values():
            if not future.done():
                future.set_exception(failure)
