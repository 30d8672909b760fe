"""Checks what a Lianheng ledger says, offline, trusting no node.

This package reads receipts, state proofs, header files, genesis files and exports, and checks each
against a trust anchor that its reader got out of band. It does not talk to a ledger, hold keys or
execute contracts, and shares no code with the product. Verification raises; it never returns a
verdict that could be dropped.
"""

from lianheng_verify._anchor import TrustAnchor, load_anchor
from lianheng_verify._approvals import Approval
from lianheng_verify._checks import Check
from lianheng_verify._compare import Comparison, compare_exports
from lianheng_verify._continues import VerifiedContinuation, verify_continuation
from lianheng_verify._errors import UnreadableError, VerificationError
from lianheng_verify._export import VerifiedChain, verify_chain
from lianheng_verify._proof import VerifiedState, verify_state
from lianheng_verify._receipt import Source, VerifiedReceipt, verify_receipt
from lianheng_verify._run import Run, VerifiedRun, is_run, verify_run
from lianheng_verify._signers import Signer
from lianheng_verify._standing import Person
from lianheng_verify._transaction import Event, Refusal, Result, Transaction

__all__ = [
    "Approval",
    "Check",
    "Comparison",
    "Event",
    "Person",
    "Refusal",
    "Result",
    "Run",
    "Signer",
    "Source",
    "Transaction",
    "TrustAnchor",
    "UnreadableError",
    "VerificationError",
    "VerifiedChain",
    "VerifiedContinuation",
    "VerifiedReceipt",
    "VerifiedRun",
    "VerifiedState",
    "compare_exports",
    "is_run",
    "load_anchor",
    "verify_chain",
    "verify_continuation",
    "verify_receipt",
    "verify_run",
    "verify_state",
]
__version__ = "0.1.0"
