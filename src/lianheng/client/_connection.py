"""One connection to a node's socket for plain Python: a thread reads answers, any thread asks."""

import contextlib
import itertools
import socket
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lianheng.client.wire import (
    ERROR,
    LENGTH_BYTES,
    NO_REQUEST,
    PART,
    PROGRESS,
    Answer,
    error_from,
    frame,
    frame_size,
    parse_answer,
)
from lianheng.model import LedgerError, LianhengError, NodeError, limits

Progress = Callable[[int, int], None]
_RECEIVE_BYTES = 262_144


@dataclass(slots=True)
class _Asked:
    """A request whose last answer is not there yet."""

    future: "Future[Any]"
    progress: Progress | None
    parts: list[Any] = field(default_factory=list)


class Connection:
    """Requests to one node, many at once."""

    def __init__(self, path: Path) -> None:
        """Connect. Raise `OSError` where nobody listens."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.settimeout(limits.CONNECT_SECONDS)
            self._socket.connect(str(path))
            self._socket.settimeout(None)
        except BaseException:
            self._socket.close()
            raise
        self._ids = itertools.count(1)
        self._writing = threading.Lock()
        self._lock = threading.Lock()
        self._asked: dict[int, _Asked] = {}
        self._ended: LianhengError | None = None
        self._reader = threading.Thread(target=self._read, name="lianheng-client", daemon=True)
        self._reader.start()

    def ask(
        self, method: str, parameters: dict[str, Any], progress: Progress | None = None
    ) -> "Future[Any]":
        """Send a request; the future holds the value, or raises the node's error."""
        asked = _Asked(Future(), progress)
        asked.future.set_running_or_notify_cancel()
        identity = next(self._ids)
        data = frame([identity, method, parameters])
        with self._lock:
            if self._ended is not None:
                raise self._ended
            self._asked[identity] = asked
        try:
            with self._writing:
                self._socket.sendall(data)
        except OSError as failure:
            self._end(_lost(failure))
        return asked.future

    def request(
        self,
        method: str,
        parameters: dict[str, Any],
        progress: Progress | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Send a request and wait for its value."""
        try:
            return self.ask(method, parameters, progress).result(timeout)
        except TimeoutError as failure:
            raise NodeError(
                "node.silent",
                f"the node did not answer {method} within {timeout} s",
                "see its log; stop it with lianheng down",
            ) from failure

    def close(self) -> None:
        """Hang up. Requests without an answer get an error."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._reader is not threading.current_thread():
            self._reader.join()
        self._socket.close()

    def _read(self) -> None:
        try:
            while True:
                size = frame_size(self._receive(LENGTH_BYTES))
                self._take(parse_answer(self._receive(size)))
        except (OSError, EOFError) as failure:
            self._end(_lost(failure))
        except LianhengError as failure:
            self._end(failure)
        except BaseException as failure:  # noqa: BLE001 - must reach those who wait
            self._end(fault(failure))
        finally:
            # The node hears that nobody waits for its answers any more.
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)

    def _receive(self, size: int) -> bytes:
        parts: list[bytes] = []
        while size:
            part = self._socket.recv(min(size, _RECEIVE_BYTES))
            if not part:
                raise EOFError
            parts.append(part)
            size -= len(part)
        return b"".join(parts)

    def _take(self, answer: Answer) -> None:
        if answer.id == NO_REQUEST:
            raise error_from(answer.value)
        with self._lock:
            asked = self._asked.get(answer.id)
        if asked is None:
            raise NodeError("node.answer_unasked", f"answer {answer.id} belongs to no request")
        if answer.kind == PROGRESS:
            if asked.progress is not None:
                asked.progress(*answer.value)
        elif answer.kind == PART:
            asked.parts.extend(answer.value)
        else:
            self._settle(asked, answer)
            # Not sooner: where the answer is malformed, the request still waits for its end.
            with self._lock:
                self._asked.pop(answer.id, None)

    def _settle(self, asked: _Asked, answer: Answer) -> None:
        if answer.kind == ERROR:
            asked.future.set_exception(error_from(answer.value))
        else:
            asked.future.set_result(_joined(asked.parts, answer.value))

    def _end(self, failure: LianhengError) -> None:
        with self._lock:
            self._ended = self._ended or failure
            left = list(self._asked.values())
            self._asked.clear()
        for asked in left:
            if not asked.future.done():
                asked.future.set_exception(failure)


def _joined(parts: list[Any], last: Any) -> Any:
    return [*parts, *last] if parts and isinstance(last, Sequence) else last


def fault(failure: BaseException) -> LedgerError:
    """What those who wait are told where an answer or a callback ended the connection."""
    error = LedgerError(
        "client.fault",
        f"reading the node's answers ended with {type(failure).__name__}: {failure}",
        "what was submitted may be final: look its id up; connect again",
    )
    error.__cause__ = failure
    return error


def _lost(failure: BaseException) -> NodeError:
    error = NodeError(
        "node.disconnected",
        "the node hung up",
        "what was submitted may be final: look its id up once the node runs",
    )
    error.__cause__ = failure
    return error
