"""The node: composition root. Opens a home's ledger, serves the local socket, stops cleanly.

It decides nothing about calls. One process owns a ledger; all others reach it through here.
"""

from lianheng.node._detached import Started, start_detached, stop
from lianheng.node._keys import consensus_kind, key_file, needs_passphrase
from lianheng.node._log import detached_log, terminal_log
from lianheng.node._rebuild import rebuild
from lianheng.node._run import run
from lianheng.node._server import NodeServer

__all__ = [
    "NodeServer",
    "Started",
    "consensus_kind",
    "detached_log",
    "key_file",
    "needs_passphrase",
    "rebuild",
    "run",
    "start_detached",
    "stop",
    "terminal_log",
]
