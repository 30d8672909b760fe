"""For tests of contracts: the pytest fixture `ledger`, and what it is made of.

It drives the core directly, one block a call, in memory and without threads, and repeats every call
under CPython: a test passes only where both engines agree. It is no way to run a chain: its keys
are known to everybody.
"""

from lianheng.testing._fixture import LedgerFixture, Snapshot
from lianheng.testing._handles import Caller, ContractHandle, Refusal
from lianheng.testing._record import RECORD, FileRecord, Record, Spent
from lianheng.testing._sources import ContractWarning
from lianheng.testing._twins import EnginesDiffer

__all__ = [
    "RECORD",
    "Caller",
    "ContractHandle",
    "ContractWarning",
    "EnginesDiffer",
    "FileRecord",
    "LedgerFixture",
    "Record",
    "Refusal",
    "Snapshot",
    "Spent",
]
