"""Random calls by random members, on both engines: what the contract promises holds after each."""

from random import Random
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule
from tests.packs.holding.cast import DEED, EURO, GRAIN, MIA, STORE, TITLE

from blocks import HOLDING
from lianheng.model import CallRefused
from lianheng.testing.strategies import ledger_machine

PLAYERS = {
    MIA: ["issuer"], "ann@north": [], "bob@south": [], "ben@bank-a": [], "joy@court": [],
}  # fmt: skip
IDS = ("e1", "e2", "g1", "t1", "e1.1", "e1.2", "g1.1", "g1.2", "e2.1", "g1.1.1")
DAY = 86_400_000
MEMBERS = {"north": "ann@north", "south": "bob@south", "bank-a": "ben@bank-a", "court": "joy@court"}
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


def ending(own: Any, dice: Random) -> tuple[Any, ...] | None:
    """What takes a pledge or lock off a holding, or turns an offer into a pledge."""
    if own.pledge:
        return MEMBERS[own.lender], dice.choice(["release_pledge", "enforce_pledge"]), own.pledge
    if own.lock:
        who = dice.choice(["joy@court", MEMBERS[own.holder]])
        return who, dice.choice(["release_lock", "return_lock"]), own.lock
    if own.offers:
        offer = own.offers[0]
        return MEMBERS[offer.lender], "pledge", own.id, own.amount, offer.secured, offer.due
    return None


def moving(own: Any, live: list[Any], dice: Random, now: int) -> tuple[Any, ...]:
    """What the holder of a free holding does with it."""
    to = dice.choice(sorted({*MEMBERS} - {own.holder}))
    units = dice.randint(1, own.amount)
    alike = [each for each in live if (each.holder, each.kind) == (own.holder, own.kind)]
    name, *arguments = dice.choice([
        ("transfer", own.id, to, units), ("offer", own.id, to, 5, 0),
        ("split", own.id, [units, own.amount - units]),
        ("lock", own.id, to, now + dice.randint(1, 3) * DAY, "court"),
        ("retire", own.id, 1, "us", "used"),
        ("merge", own.id, [each.id for each in alike if each.id != own.id][:2]),
    ])  # fmt: skip
    return MEMBERS[own.holder], name, *arguments


class Remembering(machine):  # type: ignore[misc]
    """Looks at rows over time, which an invariant of the contract cannot."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[str, Any] = {}
        self.retired: dict[str, int] = {}

    @rule(dice=st.randoms(use_true_random=False))
    def likely(self, dice: Random) -> None:
        """A call that fits a live holding, so that random walks get somewhere."""
        live = [each for each in self.seen.values() if each.state == "live"]
        if live:
            own = dice.choice(live)
            who, name, *arguments = ending(own, dice) or moving(
                own, live, dice, int(self.ledger.time)
            )
            try:
                getattr(self.contract.as_(who), name)(*arguments)
            except CallRefused as refused:
                if refused.code != "contract.rejected":
                    raise

    @invariant()
    def a_lock_that_expires_is_ended(self) -> None:
        assert all(run.result.final for run in self.ledger.runs)

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
    max_examples=30,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
)


def walked(seed: int) -> Any:
    """A long walk over which days pass; gives its ledger."""
    walk, dice = Remembering(), Random(seed)  # noqa: S311 - no secret
    walk.begin()
    for _ in range(80):
        walk.what_ended_stays_as_it_ended()
        if dice.random() < 0.2:
            walk.ledger.advance(days=1)
        walk.likely(dice)
        walk.contract.check_invariants()
    walk.units_come_only_by_issue_and_go_only_by_retirement()
    walk.a_lock_that_expires_is_ended()
    assert len(walk.ledger.events) > 40, "a walk that gets nowhere shows nothing"
    walk.teardown()
    return walk.ledger


def test_long_walks() -> None:
    ledgers = [walked(seed) for seed in range(4)]
    assert sum(len(each.runs) for each in ledgers) > 2, "no lock expired by itself"
