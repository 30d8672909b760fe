"""Reaching a home's ledger: through the node that runs, or by opening it here."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from lianheng.client._connection import Connection
from lianheng.client._home import Home, not_running
from lianheng.client._remote import RemoteBackend
from lianheng.consensus import open_ledger
from lianheng.ledger import Ledger
from lianheng.members import Passphrase
from lianheng.model import Held, NodeError, limits


class LocalClient(Ledger):
    """The ledger of a running node, with the same methods as one that is opened here."""

    def __init__(self, backend: RemoteBackend) -> None:
        """Use `LocalClient.connect`."""
        super().__init__(backend)
        self._remote = backend

    @classmethod
    def connect(cls, home: Home | str | Path) -> Self:
        """Connect to the node of this home. Raise `NodeError` (`node.not_running`) without one."""
        place = home if isinstance(home, Home) else Home(Path(home))
        record = place.node_record()
        path = place.socket if record is None else record.socket
        try:
            connection = Connection(path)
        except OSError as failure:
            # Nobody listens: no socket, or one that a killed node left behind.
            raise not_running(place, failure) from failure
        try:
            return cls(RemoteBackend(connection))
        except BaseException:
            connection.close()
            raise

    @property
    def node_pid(self) -> int:
        """The node's process."""
        return self._remote.pid

    def node_status(self, timeout: float) -> Mapping[str, Any]:
        """Figures of the ledger and the node. Seconds; raise `NodeError` without an answer."""
        return self._remote.node_status(timeout)

    def stop_node(self, timeout: float = limits.STOP_SECONDS) -> None:
        """Ask the node to finish what was submitted and end.

        Raise `NodeError` (`node.silent`) where it does not answer within this many seconds.
        """
        self._remote.stop_node(timeout)


def connect(home: Home | str | Path, *, passphrase: Passphrase = None) -> Ledger:
    """The ledger of this home: its node's where one runs, else opened in this process.

    The passphrase unlocks the sealer's key, and is only needed to submit without a node. Raise
    `Held` where another process has the ledger open without serving it.
    """
    place = home if isinstance(home, Home) else Home(Path(home))
    try:
        return LocalClient.connect(place)
    except NodeError as failure:
        if failure.code != "node.not_running":
            raise
    try:
        return open_ledger(place.ledger, passphrase=passphrase)
    except Held as failure:
        raise Held(
            failure.code,
            failure.message,
            "wait until it ends; a node that is starting answers soon",
            **failure.details,
        ) from failure
