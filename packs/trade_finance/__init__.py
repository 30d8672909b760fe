"""Trade finance: real e-invoices in, receivables that are financed once.

`reader` and `claims` run outside the chain, where the invoices stay; `receivables.py` is the
contract that runs on it. This package reads EN 16931 invoices in UBL 2.1 and UN/CEFACT CII,
recomputes what the standard says, and names the claim. It does not fetch, send or store invoices.
"""

from pathlib import Path

from .claims import Arguments, Claim, claim_of, confirmation, credit, registration
from .currencies import in_words
from .findings import Finding, InvoiceRefused
from .reader import (
    Pair,
    Reading,
    ReadInvoice,
    parse_invoice,
    read_files,
    read_folder,
    read_invoice,
)

CONTRACT = Path(__file__).with_name("receivables.py")
"""Source of the receivables contract."""

EXAMPLES = Path(__file__).with_name("examples")
"""Invoices of our own making: `good` ones that stand in for real ones, and `bad` ones."""

__all__ = [
    "CONTRACT",
    "EXAMPLES",
    "Arguments",
    "Claim",
    "Finding",
    "InvoiceRefused",
    "Pair",
    "ReadInvoice",
    "Reading",
    "claim_of",
    "confirmation",
    "credit",
    "in_words",
    "parse_invoice",
    "read_files",
    "read_folder",
    "read_invoice",
    "registration",
]
