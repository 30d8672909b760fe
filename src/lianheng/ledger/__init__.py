"""The embedded ledger: open, submit, read, prove, blocks. The face of the Rust core.

It orders nothing itself: it declares what it needs of a sequencer, and `consensus` provides one.
Nothing below the block level happens in Python, and nothing is confirmed before it is durable.
"""

from lianheng.ledger._backend import Backend, EngineBackend, Progress, Rows
from lianheng.ledger._closing import Closing, read_closing
from lianheng.ledger._declared import (
    DeclaredType,
    UnknownType,
    declared_type,
    record_fields,
    unknown_names,
)
from lianheng.ledger._export import STATE_NAME, export_chain, read_sequence, replay_export
from lianheng.ledger._ledger import Ledger, wall_clock_ms
from lianheng.ledger._lifecycle import BrokenCaller, ContractVersion, Rehearsal, UpgradeChange
from lianheng.ledger._ordering import (
    BlockMaker,
    DirectSequencer,
    OrderingEngine,
    PendingBlock,
    Sealer,
    Sequencer,
    as_ledger_error,
    check_transactions,
    outcome_unknown,
)
from lianheng.ledger._shape import shaped, unshaped
from lianheng.ledger._submission import (
    BlockOutcome,
    Counts,
    Results,
    Segment,
    Submission,
    tally,
)
from lianheng.ledger._tables import Page, Table, TableRow

__all__ = [
    "STATE_NAME",
    "Backend",
    "BlockMaker",
    "BlockOutcome",
    "BrokenCaller",
    "Closing",
    "ContractVersion",
    "Counts",
    "DeclaredType",
    "DirectSequencer",
    "EngineBackend",
    "Ledger",
    "OrderingEngine",
    "Page",
    "PendingBlock",
    "Progress",
    "Rehearsal",
    "Results",
    "Rows",
    "Sealer",
    "Segment",
    "Sequencer",
    "Submission",
    "Table",
    "TableRow",
    "UnknownType",
    "UpgradeChange",
    "as_ledger_error",
    "check_transactions",
    "declared_type",
    "export_chain",
    "outcome_unknown",
    "read_closing",
    "read_sequence",
    "record_fields",
    "replay_export",
    "shaped",
    "tally",
    "unknown_names",
    "unshaped",
    "wall_clock_ms",
]
