"""What the tests of the packs share."""

import os
from pathlib import Path
from typing import Any

import pytest

from blocks import HOLDING
from lianheng.testing import LedgerFixture
from trade_finance import CONTRACT

HERE = Path(__file__).parent
REPOSITORY = HERE.parent.parent
MEMBERS = {
    "sam@maker": ("supplier",),
    "sue@rival": ("supplier",),
    "tom@foundry": ("supplier",),
    "bea@hospital": ("buyer",),
    "ben@grid": ("buyer",),
    "ann@bank-a": ("bank",),
    "bob@bank-b": ("bank",),
}


@pytest.fixture
def books(ledger: LedgerFixture) -> LedgerFixture:
    """The ledger with its members; each call runs in the VM and under CPython."""
    for member, roles in MEMBERS.items():
        ledger.member(member, roles=roles)
    return ledger


@pytest.fixture
def receivables(books: Any) -> Any:
    """The receivables contract, deployed beside the block that it uses."""
    books.deploy(HOLDING)
    return books.deploy(CONTRACT)


@pytest.fixture(scope="session")
def real_invoices() -> Path:
    """The folder of real invoices; skips where it is absent."""
    data = Path(os.environ.get("LIANHENG_DATA") or REPOSITORY.parent / "shared" / "data")
    folder = data / "invoices-xrechnung"
    if not folder.is_dir():
        pytest.skip(f"no real invoices at {folder}: set LIANHENG_DATA")
    return folder
