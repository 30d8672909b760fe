"""A chain with procedures on it."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.packs.case.cast import ANN, ASKED, AUDIT, PERMIT, REG, ROLES

from blocks import CASE
from lianheng.testing import LedgerFixture


@pytest.fixture
def court(ledger: LedgerFixture) -> LedgerFixture:
    """The ledger with its members; each call runs in the VM and under CPython."""
    for member, roles in ROLES.items():
        ledger.member(member, roles=roles)
    return ledger


@pytest.fixture
def case(court: Any) -> Iterator[Any]:
    """Deployed, with a permit that north asked for. What must always hold is checked at the end."""
    case = court.deploy(CASE)
    for procedure in (PERMIT, AUDIT):
        case.as_(REG).declare(procedure)
    case.as_(ANN).open("p1", "permit", 1, ASKED)
    yield case
    case.check_invariants()
