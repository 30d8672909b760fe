"""What ends a call for good, or a contract, on both engines, whatever its own code does then."""

import pytest

from lianheng.model import CallFailed
from lianheng.testing import LedgerFixture

FAR = """
from lianheng.contract import Contract, Counter, Record, Table, call, view

class Row(Record):
    id: str

class Far(Contract):
    rows = Table(Row, key="id")
    numbers = Counter()

    @call(by="role:keeper or via:nobody")
    def keep(self) -> int:
        return 1

    @call(by="ANY or via:ANY")
    def fail(self) -> int:
        return [][self.numbers.next()]

    @call(by="ANY or via:ANY")
    def add(self, amount: int) -> str:
        try:
            return str(self.numbers.add(amount))
        except (ValueError, OverflowError) as error:
            return f"{type(error) == ValueError} {error}"

    @view
    def listed(self, limit: int) -> str:
        try:
            return str(self.rows.scan(limit=limit))
        except ValueError as error:
            return str(error)
"""
NEAR = """
from lianheng.contract import Contract, Counter, Interface, Uses, call, view

class Far(Interface):
    @call
    def keep(self) -> int: ...

    @call
    def fail(self) -> int: ...

    @call
    def add(self, amount: int) -> str: ...

class Near(Contract):
    far = Uses(Far, contract="far")
    numbers = Counter()

    @call(by="ANY")
    def other_error(self) -> int:
        try:
            return self.far.keep()
        finally:
            [][1]

    @call(by="ANY")
    def hidden(self) -> int:
        try:
            return self.far.keep()
        finally:
            return 3

    @call(by="ANY")
    def hidden_then_called(self) -> str:
        for turn in range(1):
            try:
                self.far.keep()
            finally:
                break
        return self.far.add(1)

    @call(by="ANY")
    def caught(self) -> int:
        try:
            return self.far.fail()
        except IndexError:
            return 4

    @view
    def written(self) -> int:
        try:
            return self.numbers.next()
        finally:
            return 5
"""


@pytest.mark.parametrize(
    ("method", "code", "line"),
    [
        ("other_error", "policy.denied", 21),
        ("hidden", "policy.denied", 28),
        ("hidden_then_called", "policy.denied", 36),
        ("caught", "contract.error", 17),
        ("written", "view.write", 51),
    ],
)
def test_the_first_stop_counts(ledger: LedgerFixture, method: str, code: str, line: int) -> None:
    ledger.deploy_source(FAR, name="far", file="far.py")
    near = ledger.deploy_source(NEAR, name="near", file="near.py").as_("ann@north")
    with pytest.raises(CallFailed) as caught:
        getattr(near, method)()
    assert caught.value.code == code
    assert caught.value.details["line"] == line


@pytest.mark.parametrize("amount", [-1, -(2**63), -(2**80)])
def test_a_counter_takes_nothing_negative(ledger: LedgerFixture, amount: int) -> None:
    far = ledger.deploy_source(FAR, name="far", file="far.py").as_("ann@north")
    assert far.add(amount) == f"True a counter only grows: {amount} is negative"
    assert far.add(2**80) == "False the counter numbers cannot go beyond 2**63 - 1"


@pytest.mark.parametrize("limit", [0, -(2**70), 1_001, 2**63, 2**100])
def test_a_limit_outside_is_a_wrong_value(ledger: LedgerFixture, limit: int) -> None:
    far = ledger.deploy_source(FAR, name="far", file="far.py")
    assert far.listed(limit) == f"limit is {limit}, allowed 1 to 1000"


WAITING = """
from lianheng.contract import Contract, call, timer

class Waiting(Contract):
    @call(by="ANY")
    def wait(self) -> int:
        return self.due(self.now + 1, "ring")

    @timer
    def ring(self) -> None:
        return None
"""


def test_a_timer_that_was_held_ends_with_its_contract(ledger: LedgerFixture) -> None:
    waiting = ledger.deploy_source(WAITING, name="waiting", file="waiting.py")
    ledger.deploy_source(FAR, name="far", file="far.py")
    waiting.as_("ann@north").wait()
    ledger.freeze(waiting)
    assert ledger.advance(days=1) == []
    ledger.retire(waiting)
    (run,) = ledger.runs
    assert run.result.error is not None
    assert run.result.error.code == "contract.retired"
