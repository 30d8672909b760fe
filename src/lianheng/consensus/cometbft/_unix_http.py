"""HTTP over a Unix socket: POST to one path, on connections that are kept, with time limits.

The standard library's client is enough for this, and closes what it could not connect.
"""

import http.client
import socket
import threading
import time
from pathlib import Path

from lianheng.model import limits

_HEADERS = {"Content-Type": "application/json"}
_QUEUE_SECONDS = 0.01


class TooLargeError(ValueError):
    """The answer has more bytes than allowed."""


class _Connection(http.client.HTTPConnection):
    """One connection to a socket in the file system."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path
        self._seconds = seconds

    def connect(self) -> None:
        """Connect. Raise `OSError` where nobody listens."""
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            _connect(sock, self._path)
            sock.settimeout(self._seconds)
        except BaseException:
            sock.close()
            raise
        self.sock = sock


def _connect(sock: socket.socket, path: Path) -> None:
    deadline = time.monotonic() + limits.RPC_CONNECT_SECONDS
    sock.settimeout(limits.RPC_CONNECT_SECONDS)
    while True:
        try:
            sock.connect(str(path))
        except BlockingIOError:
            # The queue of those who wait to be accepted is full; a Unix socket says so at once.
            if time.monotonic() > deadline:
                raise
            time.sleep(_QUEUE_SECONDS)
        else:
            return


class UnixHttp:
    """Posts to one server. Any thread may call; each call has a connection to itself."""

    def __init__(self, path: Path, seconds: float) -> None:
        """Connects at the first call; `seconds` bounds each wait for the other side."""
        self._path = path
        self._seconds = seconds
        self._lock = threading.Lock()
        self._idle: list[_Connection] = []
        self._busy: set[_Connection] = set()
        self._closed = False

    def post(self, body: bytes, most_bytes: int) -> bytes:
        """The answer's body, whatever its status.

        Raise `TimeoutError`, another `OSError` or `HTTPException` where the other side does not
        answer, `TooLargeError` where it answers more than this.
        """
        connection, kept = self._take()
        try:
            try:
                answer = _exchange(connection, body, most_bytes)
            except (ConnectionError, http.client.RemoteDisconnected):
                if not kept or self._closed:
                    raise
                # The other side closed it while it was idle; a new one has no such excuse.
                connection.close()
                answer = _exchange(connection, body, most_bytes)
        except BaseException:
            self._drop(connection)
            raise
        self._keep(connection)
        return answer

    def close(self) -> None:
        """Close all connections; calls that wait end with an error."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            busy = list(self._busy)
        for connection in idle:
            connection.close()
        for connection in busy:
            # Closing it from here would pull it away under its reader.
            sock = connection.sock
            if sock is not None:
                _shut_down(sock)

    def _take(self) -> tuple[_Connection, bool]:
        """A connection, and whether it was used before."""
        with self._lock:
            if self._closed:
                raise ConnectionAbortedError("closed")
            kept = bool(self._idle)
            connection = self._idle.pop() if kept else _Connection(self._path, self._seconds)
            self._busy.add(connection)
            return connection, kept

    def _keep(self, connection: _Connection) -> None:
        with self._lock:
            self._busy.discard(connection)
            room = len(self._idle) < limits.RPC_CONNECTIONS and not self._closed
            if room and connection.sock is not None:
                self._idle.append(connection)
                return
        connection.close()

    def _drop(self, connection: _Connection) -> None:
        with self._lock:
            self._busy.discard(connection)
        connection.close()


def _exchange(connection: _Connection, body: bytes, most_bytes: int) -> bytes:
    connection.request("POST", "/", body, _HEADERS)
    with connection.getresponse() as response:
        data = response.read(most_bytes + 1)
        if len(data) > most_bytes:
            raise TooLargeError(f"more than {most_bytes:,} bytes")
        # The end of the answer must be read before the connection can be used again.
        response.read()
    return data


def _shut_down(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        # It ended by itself meanwhile.
        return
