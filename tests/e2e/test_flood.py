"""One organisation floods a network from its own node; what the others' calls wait for."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.test_network import TOOLSHED, Network

from lianheng.consensus.cometbft.process import find_binary
from lianheng.model import Busy, NodeError

pytestmark = [pytest.mark.xdist_group("network"), pytest.mark.long]

SECONDS = 15
BATCH = 2_000
PER_SECOND = 4


@pytest.fixture
def net(tmp_path: Path) -> Iterator[Network]:
    try:
        find_binary()
    except NodeError as missing:
        pytest.skip(f"{missing.message}; {missing.hint}")
    network = Network(tmp_path)
    network.ok("network", "new", "net", "--orgs", "a,b,c,d", "--contracts", str(TOOLSHED))
    network.ok("network", "up", "net")
    yield network
    network.run("network", "down", "net")


def waits(net: Network, name: str) -> list[float]:
    """Seconds until each call of an organisation that has little to say was final."""
    found = []
    with net.client(name) as ledger:
        person, start = net.person(name), time.monotonic()
        for number in range(SECONDS * PER_SECOND):
            time.sleep(max(0.0, start + number / PER_SECOND - time.monotonic()))
            sent = time.monotonic()
            ledger.call(person, "toolshed.add", id=f"{name}-{sent:.6f}").checked()
            found.append(time.monotonic() - sent)
    return sorted(found)


def flood(net: Network, over: threading.Event, done: list[int]) -> None:
    """As many calls as the node takes, from a client that never waits for an answer's sake."""
    with net.client("a") as ledger:
        person, waiting, number = net.person("a"), [], 0
        while not over.is_set():
            wanted = [("toolshed.add", {"id": f"flood-{number + n}"}) for n in range(BATCH)]
            number += BATCH
            calls = ledger.sign_many(person, wanted, gas=100_000, expires_in_ms=60_000)
            try:
                waiting.append(ledger.submit(calls))
            except Busy as busy:
                time.sleep(busy.retry_after_ms / 1000)
            while len(waiting) > 3:
                done.append(sum(result.final for result in waiting.pop(0).wait(60)))


def told(found: list[float]) -> str:
    middle, slow = found[len(found) // 2], found[-len(found) // 20]
    return f"median {middle * 1000:.0f}, p95 {slow * 1000:.0f}, worst {found[-1] * 1000:.0f} ms"


def test_the_others_keep_their_share(net: Network) -> None:
    quiet = waits(net, "b")
    over, done = threading.Event(), list[int]()
    thread = threading.Thread(target=flood, args=(net, over, done))
    thread.start()
    time.sleep(2)
    busy = waits(net, "b")
    over.set()
    thread.join()
    speed = sum(done) / (SECONDS + 2)
    print(  # noqa: T201 - the figures are what it is about
        f"\nquiet: {told(quiet)}\nbeside a flood: {told(busy)}\nflood: {speed:,.0f} calls a second"
    )
    assert speed > 200, "it was no flood"
    # Each of its calls came through, and none waited for a queue of the other's.
    assert len(busy) == SECONDS * PER_SECOND
    assert busy[-1] < 5
