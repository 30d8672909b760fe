"""The ABCI server: CometBFT's calls over a Unix socket, in; the application's answers, out.

Transport only. One thread a connection (CometBFT makes four: consensus, mempool, query, state
sync), so a slow query holds up nobody; the application locks what its calls share. Rules:

- Requests of one connection are answered in order. Answers leave on Flush, and when no further
  request has arrived.
- An exception of the application, whatever its kind, is logged with its stack, answered as an
  ABCI exception (which stops CometBFT) and handed to `on_failure`; nothing more is answered there.
- Bytes that are no request end their connection, with a line in the log that says what was wrong.
- A proposal with more items than any honest one has is voted against without being read.
"""

import contextlib
import os
import selectors
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import structlog

from lianheng.consensus.cometbft import _messages as m
from lianheng.consensus.cometbft._frames import FrameReader
from lianheng.consensus.cometbft._protobuf import ProtobufError, TooManyItemsError
from lianheng.model import NodeError, limits

Log = structlog.typing.FilteringBoundLogger
_ACCEPT_PAUSE_SECONDS = 0.1  # CometBFT tries again every few seconds


class Application(Protocol):
    """What the chain does with CometBFT's calls. Methods run on threads, several at once.

    CometBFT calls `info` first and `init_chain` where the answer's height is 0; then
    `finalize_block` and `commit` in turn, height by height. A CometBFT that was killed between the
    two and started again decides that block once more, so `info` MUST NOT count what is not
    committed, and a second `finalize_block` of a height replaces the first. `check_tx` and `query`
    may come at any time; the two proposal methods before the block is decided, several times a
    height. A raised exception stops the node.
    """

    def info(self, request: m.Info) -> m.InfoAnswer:
        """How far the application is; it MUST name a height that it will never lose."""
        ...

    def init_chain(self, request: m.InitChain) -> m.InitChainAnswer:
        """The start of the chain: check that its genesis is ours."""
        ...

    def query(self, request: m.Query) -> m.QueryAnswer:
        """A read."""
        ...

    def check_tx(self, request: m.CheckTx) -> m.CheckTxAnswer:
        """Whether a transaction enters the mempool, or stays there."""
        ...

    def prepare_proposal(self, request: m.PrepareProposal) -> m.PrepareProposalAnswer:
        """Choose and order the transactions of a block."""
        ...

    def process_proposal(self, request: m.ProcessProposal) -> m.ProcessProposalAnswer:
        """Whether a proposal is good; MUST depend on it and the last state only."""
        ...

    def finalize_block(self, request: m.FinalizeBlock) -> m.FinalizeBlockAnswer:
        """Execute a decided block; MUST depend on it and the last state only."""
        ...

    def commit(self) -> m.CommitAnswer:
        """Keep what the decided block did."""
        ...


class AbciServer:
    """Serves one application on one Unix socket."""

    def __init__(
        self,
        path: Path,
        application: Application,
        *,
        on_failure: Callable[[BaseException], None],
        log: Log,
    ) -> None:
        """`on_failure` runs on a connection's thread and may call `stop`."""
        self._path = path
        self._application = application
        self._on_failure = on_failure
        self._log = log
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._numbers = 0
        self._stopping = False
        self._acceptor: threading.Thread | None = None
        self._wake: socket.socket | None = None

    def start(self) -> None:
        """Listen, for this user only from the socket's first moment. Raises NodeError."""
        listener = _listen(self._path)
        self._wake, woken = socket.socketpair()
        self._acceptor = threading.Thread(
            target=self._accept, args=(listener, woken), name="abci-accept", daemon=True
        )
        self._acceptor.start()

    def stop(self) -> None:
        """End all connections and threads; a call that is under way is waited for. Idempotent.

        From a connection's own thread (`on_failure`) it waits for nobody: two of them would wait
        for each other.
        """
        with self._lock:
            first, self._stopping = not self._stopping, True
            connections = list(self._connections)
        if first and self._wake is not None:
            self._wake.close()
        for connection in connections:
            connection.hang_up()
        threads = [connection.thread for connection in connections]
        if threading.current_thread() in threads:
            return
        for thread in [self._acceptor, *threads]:
            if thread is not None:
                thread.join(limits.ABCI_STOP_SECONDS)
                if thread.is_alive():
                    self._log.warning("ABCI call still runs", thread=thread.name)

    def _accept(self, listener: socket.socket, woken: socket.socket) -> None:
        waiting = selectors.DefaultSelector()
        try:
            waiting.register(listener, selectors.EVENT_READ)
            waiting.register(woken, selectors.EVENT_READ)
            while True:
                ready = {key.fileobj for key, _ in waiting.select()}
                if woken in ready:
                    return
                try:
                    self._serve(listener.accept()[0])
                except OSError as failure:  # hung up already, or no free descriptor
                    self._log.warning("ABCI connection not taken", error=str(failure))
                    time.sleep(_ACCEPT_PAUSE_SECONDS)
        finally:
            waiting.close()
            listener.close()
            woken.close()
            self._path.unlink(missing_ok=True)

    def _serve(self, channel: socket.socket) -> None:
        with self._lock:
            full = len(self._connections) >= limits.ABCI_CONNECTIONS
            if full or self._stopping:
                channel.close()
            else:
                self._numbers += 1
                connection = _Connection(self._numbers, channel, self._application, self._log)
                thread = threading.Thread(
                    target=self._run,
                    args=(connection,),
                    name=f"abci-{connection.number}",
                    daemon=True,
                )
                connection.thread = thread
                self._connections.add(connection)
                thread.start()
        if full:
            self._log.error("ABCI connection refused", open=limits.ABCI_CONNECTIONS)

    def _run(self, connection: "_Connection") -> None:
        try:
            try:
                failure = connection.serve()
            finally:
                connection.close()
            if failure is not None:
                self._on_failure(failure)
        finally:
            with self._lock:
                self._connections.discard(connection)


class _Connection:
    """One connection's requests and answers, on one thread."""

    def __init__(
        self, number: int, channel: socket.socket, application: Application, log: Log
    ) -> None:
        self.number = number
        self.thread: threading.Thread | None = None
        self._channel = channel
        self._application = application
        self._log = log.bind(connection=number)
        self._reader = FrameReader(channel)
        self._answers: list[bytes] = []
        self._answer_bytes = 0

    def serve(self) -> BaseException | None:
        """Until the other side hangs up; gives the application's failure, if one ended it."""
        try:
            while (frame := self._reader.next(self._send)) is not None:
                with frame:
                    failure = self._handle(frame)
                if failure is not None:
                    self._send()
                    return failure
            self._send()
        except ProtobufError as failure:
            self._log.error("ABCI request malformed", error=str(failure))
        except OSError as failure:
            self._log.info("ABCI connection lost", error=str(failure))
        return None

    def hang_up(self) -> None:
        """From another thread: no further request is read, and nothing more is sent."""
        with contextlib.suppress(OSError):
            self._channel.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Give up the socket."""
        self._channel.close()

    def _handle(self, frame: memoryview) -> BaseException | None:
        try:
            request = m.decode_request(frame)
        except TooManyItemsError as unread:
            if not m.is_proposal(frame):
                raise
            self._log.warning("proposal voted against unread", error=str(unread))
            self._put(m.encode_answer(m.ProcessProposalAnswer(accept=False)))
            return None
        try:
            answer = self._answer(request)
        except BaseException as failure:  # noqa: BLE001 - a panic of the core is not an Exception
            what = type(request).__name__
            self._log.error("ABCI application failed", request=what, exc_info=failure)
            said = f"{what}: {type(failure).__name__}: {failure}"
            self._put(m.encode_response("exception", {"error": said}))
            return failure
        self._put(answer)
        if isinstance(request, m.Flush) or self._answer_bytes >= limits.ABCI_ANSWER_BYTES:
            self._send()
        return None

    def _answer(self, request: m.Request) -> list[bytes]:
        app, answer = self._application, None
        match request:
            case m.CheckTx():
                answer = m.encode_answer(app.check_tx(request))
            case m.Flush():
                answer = m.encode_response("flush", {})
            case m.FinalizeBlock():
                answer = m.encode_answer(app.finalize_block(request))
            case m.Commit():
                answer = m.encode_answer(app.commit())
            case m.PrepareProposal():
                answer = m.encode_answer(app.prepare_proposal(request))
            case m.ProcessProposal():
                answer = m.encode_answer(app.process_proposal(request))
            case m.Query():
                answer = m.encode_answer(app.query(request))
            case m.Info():
                answer = m.encode_answer(app.info(request))
            case m.InitChain():
                answer = m.encode_answer(app.init_chain(request))
            case m.Echo():
                answer = m.encode_response("echo", {"message": request.message})
            case m.Unused():
                answer = m.encode_response(request.name, m.fixed_answer(request.name))
        return answer

    def _put(self, answer: list[bytes]) -> None:
        self._answers += answer
        self._answer_bytes += sum(map(len, answer))

    def _send(self) -> None:
        if self._answers:
            data = b"".join(self._answers)
            self._answers.clear()
            self._answer_bytes = 0
            self._channel.sendall(data)


def _listen(path: Path) -> socket.socket:
    if len(os.fsencode(path)) > limits.SOCKET_PATH_BYTES:
        raise NodeError(
            "node.socket_path",
            f"the path of the ABCI socket is longer than {limits.SOCKET_PATH_BYTES} bytes: {path}",
            "put the node's folder nearer to the root",
        )
    _clear(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Linux gives the file the mode of the descriptor: no moment in which others may connect,
        # and no process-wide umask that would change files of other threads.
        os.fchmod(listener.fileno(), stat.S_IRUSR | stat.S_IWUSR)
        listener.bind(str(path))
        path.chmod(stat.S_IRUSR | stat.S_IWUSR)
        listener.listen(limits.ABCI_CONNECTIONS)
    except OSError as failure:
        listener.close()
        raise NodeError("node.socket", f"cannot listen on {path}: {failure}") from failure
    return listener


def _clear(path: Path) -> None:
    """Remove what a killed node left behind; the ledger's lock keeps a living one out."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise NodeError("node.socket", f"{path} is there and is no socket", "move it away")
        path.unlink()
