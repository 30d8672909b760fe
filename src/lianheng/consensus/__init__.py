"""Who orders calls: the solo sequencer, and a ledger put together with it.

It decides order and block time and nothing else: whether a call is dropped, refused or succeeds is
the core's alone. Never a consensus protocol of our own.
"""

from lianheng.consensus.clock import BlockClock
from lianheng.consensus.embedded import (
    SEALER_NAME,
    create_ledger,
    needs_passphrase,
    open_engine,
    open_ledger,
)
from lianheng.consensus.solo import QueueLimits, SoloSequencer

__all__ = [
    "SEALER_NAME",
    "BlockClock",
    "QueueLimits",
    "SoloSequencer",
    "create_ledger",
    "needs_passphrase",
    "open_engine",
    "open_ledger",
]
