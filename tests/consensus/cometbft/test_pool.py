import hashlib
import threading
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianheng.consensus.cometbft.pool import EnvelopePool, PoolLimits

START_MS = 1_800_000_000_000


@dataclass(frozen=True)
class Opened:
    data: bytes
    organisation: str = "bank-a"
    bad: int = 0
    node: str = "node-1@bank-a"
    expires: int = START_MS
    gas: int = 0
    count: int = 1
    prepared: Any = None

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.data).digest()


def envelope(number: int, size: int = 600) -> bytes:
    return number.to_bytes(4, "big").ljust(size, b"\0")


def pool(**bounds: int) -> EnvelopePool[Opened]:
    return EnvelopePool(PoolLimits(**{"share_bytes": 2_000, "share_envelopes": 3, **bounds}))


def test_only_the_very_bytes_are_found() -> None:
    known = pool()
    opened = Opened(envelope(1))
    known.add(opened.data, opened, 0)
    assert known.find(bytes(bytearray(opened.data))) is opened
    for other in (envelope(2), envelope(1, 601), envelope(1)[:-1] + b"\1", b""):
        assert known.find(other) is None


def test_beyond_its_bytes_the_oldest_that_does_not_wait_goes() -> None:
    known = pool(pool_bytes=2_000)
    for number in range(3):
        known.add(envelope(number), Opened(envelope(number)), 0)
    known.wait(envelope(0), "bank-a", START_MS)
    known.add(envelope(3), Opened(envelope(3)), 0)
    assert [known.find(envelope(number)) is not None for number in range(4)] == [
        True,
        False,
        True,
        True,
    ]
    assert known.status()["known_bytes"] == 1_800
    # One that is larger than all room is remembered while it is in use.
    known.add(envelope(9, 5_000), Opened(envelope(9, 5_000)), 0)
    assert known.find(envelope(9, 5_000)) is not None
    assert known.status()["known_envelopes"] == 1
    assert known.status()["mempool_envelopes"] == 1


def test_shares_are_bounded_in_bytes_and_in_number() -> None:
    known = pool()
    for number in range(3):
        assert known.has_room(envelope(number), "bank-a")
        known.wait(envelope(number), "bank-a", START_MS)
    assert not known.has_room(envelope(3), "bank-a")
    assert known.has_room(envelope(2), "bank-a"), "it waits already"
    assert known.has_room(envelope(3), "bank-b")
    known.wait(envelope(3, 1_900), "bank-b", START_MS)
    assert not known.has_room(envelope(4), "bank-b")
    assert known.has_room(envelope(5, 9_000), "grid"), "a large one may come alone"
    known.leave(envelope(0))
    assert known.has_room(envelope(3), "bank-a")
    known.mempool_lost()
    assert known.status()["mempool_bytes"] == 0


def test_what_comet_dropped_without_a_word_is_forgotten_after_two_blocks() -> None:
    known = pool()
    known.wait(envelope(1), "bank-a", START_MS)
    known.wait(envelope(2), "bank-a", START_MS)
    known.block([], START_MS - 10)
    assert known.status()["mempool_envelopes"] == 2
    known.wait(envelope(2), "bank-a", START_MS)  # checked again after the block
    known.block([], START_MS - 9)
    assert known.status()["mempool_envelopes"] == 1
    known.wait(envelope(2), "bank-a", START_MS)
    known.block([], START_MS)
    assert known.status()["mempool_envelopes"] == 0


def test_decided_hashes_are_remembered_up_to_a_number() -> None:
    known = pool(decided=3)
    pairs = [(envelope(number), hashlib.sha256(envelope(number)).digest()) for number in range(5)]
    known.add(envelope(0), Opened(envelope(0)), 0)
    known.block(pairs, 0)
    assert [known.decided(digest) for _, digest in pairs] == [False, False, True, True, True]
    assert known.find(envelope(0)) is None


def test_bad_transactions_count_against_their_sender_for_a_while() -> None:
    known = pool(bad_transactions=10, bad_window_ms=1_000)
    known.add(envelope(1), Opened(envelope(1), bad=6), START_MS)
    known.add(envelope(1), Opened(envelope(1), bad=6), START_MS + 1)
    assert known.bad_lately("bank-a", START_MS + 1) == 0
    known.add(envelope(2), Opened(envelope(2), bad=6), START_MS + 500)
    assert known.bad_lately("bank-a", START_MS + 999) == 12
    assert known.bad_lately("bank-b", START_MS + 999) == 0
    assert known.bad_lately("bank-a", START_MS + 1_000) == 0
    assert known.bad_lately("bank-a", START_MS + 2_000) == 0
    assert known.status()["bad_senders"] == 0


@pytest.mark.parametrize(("organisations", "share"), [(0, 100), (1, 100), (4, 25), (1_000, 0)])
def test_shares_are_equal_and_never_nothing(organisations: int, share: int) -> None:
    bounds = PoolLimits.shared(100, 8, organisations)
    assert bounds.share_bytes == share
    assert bounds.share_envelopes >= 1


@given(
    st.lists(
        st.tuples(st.sampled_from(["add", "wait", "leave", "block", "lost"]), st.integers(0, 6)),
        max_size=60,
    )
)
def test_its_sums_are_those_of_what_it_holds(steps: list[tuple[str, int]]) -> None:
    known = pool(pool_bytes=2_500)
    for step, number in steps:
        data, name = envelope(number, 500 + number), f"bank-{number % 2}"
        if step == "add":
            known.add(data, Opened(data, name), 0)
        elif step == "wait":
            known.wait(data, name, START_MS + number)
        elif step == "leave":
            known.leave(data)
        elif step == "block":
            known.block([(data, bytes(32))], START_MS + number)
        else:
            known.mempool_lost()
        assert known._known_bytes == sum(len(data) for data, _ in known._known.values())
        assert known._known_bytes <= 2_500
        for share_name in ("bank-0", "bank-1"):
            waits = [w for w in known._waits.values() if w.organisation == share_name]
            share = known._shares.get(share_name)
            assert (share is None) == (not waits)
            if share is not None:
                assert (share.envelopes, share.size) == (len(waits), sum(w.size for w in waits))


def test_threads_may_use_it_at_once() -> None:
    known = pool(pool_bytes=20_000)
    failures: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for number in range(500):
                data = envelope(worker * 1_000 + number % 50)
                known.add(data, Opened(data), number)
                known.wait(data, f"bank-{worker}", START_MS)
                known.find(data)
                if number % 10 == 0:
                    known.block([(data, bytes(32))], number)
        except BaseException as failure:  # noqa: BLE001 - told to the test's own thread
            failures.append(failure)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    assert failures == []
