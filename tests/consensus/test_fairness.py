"""One organisation sends thousands of calls; what the others' next calls wait for."""

import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.consensus.fake_engine import FakeEngine, FakePending
from tests.rooms import genesis, people

from lianheng.consensus import QueueLimits, SoloSequencer, create_ledger
from lianheng.consensus._intake import Intake
from lianheng.ledger import Ledger
from lianheng.members import Identity
from lianheng.model import Busy, SignedTransaction, limits

SEALER = Identity.generate("sequencer@north")
FLOOD = 20_000
TURNS = 25
CALLS = 100
PER_SECOND = 10


def named(organisation: str, count: int) -> list[bytes]:
    return [f"{organisation}@{number}".encode() for number in range(count)]


@pytest.fixture
def engine() -> Iterator[FakeEngine]:
    fake = FakeEngine()
    yield fake
    fake.commit_gate.set()


def make(engine: FakeEngine, **bounds: int) -> SoloSequencer[list[bytes], FakePending]:
    return SoloSequencer(engine, SEALER, bounds=QueueLimits(**bounds))


def test_organisations_take_turns(engine: FakeEngine) -> None:
    engine.block_room = {"block_bytes": 2**40, "block_transactions": 4}
    solo = make(engine, batch_transactions=4)
    engine.commit_gate.clear()
    first = solo.submit(named("north", 1))
    assert engine.committing.wait(5)
    flood = [solo.submit(named("north", 2)) for _ in range(30)]
    other = [solo.submit(named("south", 1)) for _ in range(3)]
    engine.commit_gate.set()
    for submission in [first, *flood, *other]:
        submission.wait(5)
    solo.close()
    ordered = [item.partition(b"@")[0] for block in engine.blocks for item in block]
    last = max(at for at, name in enumerate(ordered) if name == b"south")
    # What was prepared before it came goes first; then they alternate.
    assert last < 30
    own = [item for block in engine.blocks for item in block if item.startswith(b"south")]
    assert len(own) == 3


def test_a_full_queue_has_room_for_who_has_little_in_it(engine: FakeEngine) -> None:
    solo = make(engine, queue_transactions=40)
    engine.commit_gate.clear()
    flood = [solo.submit(named("north", 1)) for _ in range(40)]
    with pytest.raises(Busy):
        solo.submit(named("north", 1))
    little = [solo.submit(named("south", 1)) for _ in range(5)]
    with pytest.raises(Busy):
        solo.submit(named("south", 1))
    engine.commit_gate.set()
    for submission in [*flood, *little]:
        submission.wait(5)
    assert solo.status()["queued_transactions"] == 0
    solo.submit(named("north", 1)).wait(5)
    solo.close()


def test_a_crowd_is_one_only_beside_somebody_who_has_little() -> None:
    now = 100.0
    intake = Intake(
        10_000, 10**6, organisation_of=FakeEngine().claimed_organisation, clock=lambda: now
    )
    most = limits.CONTENDED_TRANSACTIONS

    def contended() -> bool:
        with intake.changed:
            return intake.is_contended()

    intake.submit(named("north", most + 1))
    assert not contended(), "north is alone"
    intake.submit(named("south", 3))
    assert contended()
    # Three organisations that all send much have nobody to wait for.
    for _ in range(2):
        intake.submit(named("south", most))
        intake.submit(named("west", most))
        intake.submit(named("west", most))
    assert not contended()
    now += limits.CONTENDED_SECONDS
    intake.submit(named("east", 1))
    assert contended()
    now += limits.CONTENDED_SECONDS + 0.1
    assert not contended(), "east is served, or has gone"


def waits(ledger: Ledger, calls: Sequence[SignedTransaction]) -> list[float]:
    """Milliseconds until each was final, submitted one by one."""
    found: list[float] = []
    start = time.perf_counter()
    for number, call in enumerate(calls):
        due = start + number / PER_SECOND
        time.sleep(max(0.0, due - time.perf_counter()))
        sent = time.perf_counter()
        ledger.submit(call).one(30).checked()
        found.append((time.perf_counter() - sent) * 1000)
    return found


def p99(found: Sequence[float]) -> float:
    return sorted(found)[int(len(found) * 0.99) - 1]


def told(found: Sequence[float]) -> str:
    slow = sorted(range(len(found)), key=found.__getitem__, reverse=True)[:3]
    worst = ", ".join(f"{found[at]:.0f} (call {at})" for at in slow)
    return f"median {sorted(found)[CALLS // 2]:.1f}, p99 {p99(found):.1f}, worst {worst} ms"


@pytest.mark.long
def test_a_flood_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    them = people()
    ledger = create_ledger(tmp_path, genesis(them), sealer=them.sealer)

    def calls(member: Identity, kind: str, count: int) -> list[SignedTransaction]:
        wanted = [("toolshed.add", {"id": f"{kind}-{number}"}) for number in range(count)]
        return ledger.sign_many(member, wanted, gas=100_000, expires_in_ms=500_000)

    idle = waits(ledger, calls(them.bob, "idle", CALLS))
    floods = [calls(them.alice, f"flood-{turn}", FLOOD) for turn in range(TURNS)]
    few = calls(them.bob, "few", CALLS)
    answered, over = 0, threading.Event()

    def flood() -> None:
        nonlocal answered
        waiting = [ledger.submit(floods[0])]
        for following in floods[1:]:
            waiting.append(ledger.submit(following))
            waiting.pop(0).wait(60)
            answered += FLOOD
            if over.is_set():
                break
        for submission in waiting:
            submission.wait(60)

    thread = threading.Thread(target=flood)
    start = time.perf_counter()
    thread.start()
    busy = waits(ledger, few)
    lasted = thread.is_alive()
    speed = answered / (time.perf_counter() - start)
    over.set()
    thread.join()
    print(  # noqa: T201 - the figures are what it is about
        f"idle: {told(idle)}\nbeside a flood: {told(busy)}\nthe flood: {speed:,.0f} calls a second"
    )
    assert lasted, "the flood ended before the others' calls"
    ledger.close()
    # First come, first served, each call would wait for what one submission of the flood takes.
    one_flood = FLOOD / speed * 1000
    assert sorted(busy)[CALLS // 2] < one_flood / 4
    assert p99(busy) < one_flood
    assert limits.CONTENDED_TRANSACTIONS < FLOOD
