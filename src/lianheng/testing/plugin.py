"""The pytest plugin: the fixture `ledger`, a chain in memory for one test, on both engines.

    def test_only_the_holder_lends(ledger):
        shed = ledger.deploy("toolshed.py")
        shed.as_("alice@north").add("crane-7")
        with ledger.rejects("not_holder"):
            shed.as_("bob@south").lend("crane-7", to="south")

pytest loads this wherever lianheng is installed, so it imports nothing until a test asks.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lianheng.testing._fixture import LedgerFixture


@pytest.fixture
def ledger(request: pytest.FixtureRequest) -> Iterator["LedgerFixture"]:
    """A chain in memory, with members as they are named and files found beside the test.

    Every call runs in the VM and under CPython, and must give the same.
    """
    from lianheng.testing._fixture import LedgerFixture

    fixture = LedgerFixture(request.path.parent)
    yield fixture
    fixture.close()
