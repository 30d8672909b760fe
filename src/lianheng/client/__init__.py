"""The client of a node on this machine, synchronous and for asyncio, and the home folder.

It speaks the frames of the local socket and holds nothing of the chain. Its face is the embedded
ledger's own, so that a command has one way for both.
"""

from lianheng.client import wire
from lianheng.client._asynchronous import AsyncLocalClient
from lianheng.client._connection import Connection
from lianheng.client._home import Home, NodeRecord, not_running
from lianheng.client._local import LocalClient, connect
from lianheng.client._remote import RemoteBackend

__all__ = [
    "AsyncLocalClient",
    "Connection",
    "Home",
    "LocalClient",
    "NodeRecord",
    "RemoteBackend",
    "connect",
    "not_running",
    "wire",
]
