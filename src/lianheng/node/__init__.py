"""The node: composition root. Makes a home, opens its ledger, serves the local socket, stops.

It decides nothing about calls. One process owns a ledger; all others reach it through here.
"""

from lianheng.node._detached import Started, start_detached, stop_node
from lianheng.node._log import detached_log, terminal_log
from lianheng.node._run import run_node
from lianheng.node._server import NodeServer
from lianheng.node._setup import MadeHome, create_home

__all__ = [
    "MadeHome",
    "NodeServer",
    "Started",
    "create_home",
    "detached_log",
    "run_node",
    "start_detached",
    "stop_node",
    "terminal_log",
]
