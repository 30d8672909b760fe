"""The node: composition root. Opens a home's ledger, serves the local socket, stops cleanly.

It decides nothing about calls. One process owns a ledger; all others reach it through here.
"""

from lianheng.node._detached import Started, start_detached, stop
from lianheng.node._log import detached_log, terminal_log
from lianheng.node._run import run
from lianheng.node._server import NodeServer

__all__ = [
    "NodeServer",
    "Started",
    "detached_log",
    "run",
    "start_detached",
    "stop",
    "terminal_log",
]
