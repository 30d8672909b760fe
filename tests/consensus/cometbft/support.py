"""A server on a thread of this process, and a client that speaks ABCI or anything else."""

import contextlib
import socket
from collections.abc import Iterator, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, cast

import structlog
from structlog.testing import LogCapture

from lianheng.consensus.cometbft import _schema
from lianheng.consensus.cometbft._protobuf import decode, encode, read_varint, varint
from lianheng.consensus.cometbft.server import AbciServer, Application, Log


def request(name: str, **values: Any) -> bytes:
    """One request with its length."""
    data = encode(_schema.REQUEST, {name: values})
    return varint(len(data)) + data


class Recorder:
    """A log whose lines a test can read."""

    def __init__(self) -> None:
        self._capture = LogCapture()
        wrapped = structlog.wrap_logger(None, processors=[self._capture])
        self.log = cast("Log", wrapped)

    @property
    def lines(self) -> list[MutableMapping[str, Any]]:
        return self._capture.entries


class Client:
    """One connection."""

    def __init__(self, path: Path) -> None:
        self.channel = socket.socket(socket.AF_UNIX)
        self.channel.settimeout(20)
        self.channel.connect(str(path))
        self._held = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()

    def send(self, *requests: bytes) -> None:
        self.channel.sendall(b"".join(requests))

    def answer(self) -> tuple[str, dict[str, Any]] | None:
        """The next answer's name and values; None once the server hung up."""
        while True:
            with contextlib.suppress(Exception):
                length, begin = read_varint(memoryview(self._held), 0)
                if begin + length <= len(self._held):
                    data, self._held = self._held[begin:], self._held[begin + length :]
                    found = decode(_schema.RESPONSE, memoryview(data)[:length])
                    ((name, values),) = ((k, v) for k, v in found.items() if v is not None)
                    return name, values
            try:
                received = self.channel.recv(1 << 20)
            except ConnectionResetError:
                return None
            if not received:
                return None
            self._held += received

    def call(self, name: str, **values: Any) -> dict[str, Any]:
        """One request and its answer."""
        self.send(request(name, **values), request("flush"))
        answer = self.answer()
        assert answer is not None
        assert answer[0] == name
        assert self.answer() == ("flush", {})
        return answer[1]


@dataclass
class Serving:
    """A running server and what it did beside answering."""

    path: Path
    server: AbciServer
    recorder: Recorder
    failures: list[BaseException] = field(default_factory=list)

    def client(self) -> Client:
        return Client(self.path)

    @property
    def events(self) -> list[str]:
        return [str(line["event"]) for line in self.recorder.lines]


@contextlib.contextmanager
def serving(folder: Path, application: Application) -> Iterator[Serving]:
    """A server in this folder, stopped in the end."""
    path, recorder = folder / "abci.sock", Recorder()
    failures: list[BaseException] = []
    server = AbciServer(path, application, on_failure=failures.append, log=recorder.log)
    server.start()
    try:
        yield Serving(path, server, recorder, failures)
    finally:
        server.stop()
