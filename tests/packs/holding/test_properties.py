"""Random calls by random members, on both engines: what the contract promises holds after each."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant
from tests.packs.holding.cast import DEED, EURO, GRAIN, MIA, STORE, TITLE

from blocks import HOLDING
from lianheng.testing.strategies import ledger_machine

PLAYERS = {
    MIA: ["issuer"], "ann@north": [], "bob@south": [], "ben@bank-a": [], "joy@court": [],
}  # fmt: skip
IDS = ("e1", "e2", "g1", "t1", "e1.1", "e1.2", "g1.1", "g1.2", "e2.1", "g1.1.1")
DAY = 86_400_000
ids, amount = st.sampled_from(IDS), st.integers(-1, 6)
NOW = 1_767_225_600_000  # the fixture's first day
moment = st.sampled_from([0, NOW + 2, NOW + DAY])


def begin(holding: Any) -> None:
    mint = holding.as_(MIA)
    for kind in (EURO, TITLE, GRAIN):
        mint.open_kind(kind)
    mint.issue("e1", "euro", "north", 10)
    mint.issue("e2", "euro", "south", 10)
    mint.issue("g1", "grain", "north", 6, STORE)
    mint.issue("t1", "title", "south", 1, DEED)


machine: Any = ledger_machine(
    HOLDING,
    members=PLAYERS,
    given={
        "id": ids, "into": ids, "given": ids, "taken": ids, "others": st.lists(ids, max_size=2),
        "amount": amount, "amounts": st.lists(amount, max_size=3), "before": amount,
        "secured": st.just(5), "due": moment, "expires": moment, "until": moment,
        "number": st.integers(1, 3), "order": st.just("0" * 64), "reason": st.just("used"),
        "secret": st.just(b""), "digest": st.just(""),
        "kind": st.sampled_from(["euro", "grain", "title"]),
        "open_kind.kind": st.sampled_from([EURO, {**TITLE, "code": "bond", "restricted": True}]),
        "issue.fingerprint": st.sampled_from([None, DEED, STORE, "f" * 64]),
        "to": st.sampled_from(["north", "south", "bank-a"]),
        "fingerprint": st.sampled_from([DEED, STORE]),
        "lender": st.sampled_from(["bank-a", "court"]),
        "agent": st.sampled_from(["", "court"]),
    },
    allowed=["KeyError"],  # an id, a kind or a number that is not there
    begin=begin,
)  # fmt: skip


class Remembering(machine):  # type: ignore[misc]
    """Looks at rows over time, which an invariant of the contract cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Any] = {}
        self.retired: dict[str, int] = {}

    @invariant()
    def what_ended_stays_as_it_ended(self) -> None:
        found = {
            each.id: each
            for issue in ("e1", "e2", "g1", "t1")
            for each in self.contract.tree(issue)
        }
        for name, before in self.seen.items():
            after = found[name]
            if before.state != "live":
                assert after == before
            kept = (after.kind, after.issue, after.fingerprint)
            assert kept == (before.kind, before.issue, before.fingerprint)
            if before.frozen and after.frozen:
                assert (after.holder, after.amount) == (before.holder, before.amount)
        self.seen = found

    @invariant()
    def units_come_only_by_issue_and_go_only_by_retirement(self) -> None:
        for kind in ("euro", "grain", "title"):
            supply = self.contract.supply(kind)
            assert supply.retired >= self.retired.get(kind, 0)
            self.retired[kind] = supply.retired


TestHolding = Remembering.TestCase
# The same choices on each run: what fails once fails again, for everybody.
TestHolding.settings = settings(
    TestHolding.settings,
    max_examples=60,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
)
