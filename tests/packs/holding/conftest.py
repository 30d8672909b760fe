"""A chain with holdings on it: an issuer, two holders, a bank or two, a court."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.packs.holding.cast import ANN, BEN, BOB, DEED, EURO, GRAIN, JOY, KIM, MIA, STORE, TITLE

from blocks import HOLDING
from lianheng.testing import LedgerFixture


@pytest.fixture
def books(ledger: LedgerFixture) -> LedgerFixture:
    """The ledger with its members; each call runs in the VM and under CPython."""
    ledger.member(MIA, roles=["issuer"])
    for member in (ANN, BOB, BEN, KIM, JOY):
        ledger.member(member, roles=["trader"])
    ledger.member("gus@north", roles=[])
    return ledger


@pytest.fixture
def holding(books: Any) -> Iterator[Any]:
    """Deployed, with 1,000 cents, a title and 500 kg of grain, all held by north.

    After each test, whatever it did, what must always hold does.
    """
    holding = books.deploy(HOLDING)
    mint = holding.as_(MIA)
    for kind in (EURO, TITLE, GRAIN):
        mint.open_kind(kind)
    mint.issue("e1", "euro", "north", 1000)
    mint.issue("t1", "title", "north", 1, DEED)
    mint.issue("g1", "grain", "north", 500, STORE)
    yield holding
    holding.check_invariants()
