from collections.abc import Iterator

import pytest
from tests.ledger.support import Bench, make_bench


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = make_bench()
    yield made
    made.ledger.close()
