"""A network of four under test: nodes started with faults, callers at each, and what must hold."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from lianheng import node
from lianheng.cli._network import create_network
from lianheng.client import Home, LocalClient
from lianheng.ledger import Ledger
from lianheng.members import Identity
from lianheng.model import ContractSource, LianhengError, Result, Status, TransactionId

ROOT = Path(__file__).parents[2]
ORGANISATIONS = ("bank-a", "bank-b", "hospital", "grid")
CONTRACT = "toolshed"
CALL_SECONDS = 20.0
PAUSE_SECONDS = 0.02
RECOVERY_SECONDS = 60.0


class Confirmed(NamedTuple):
    """What a caller was told of one call."""

    height: int
    status: str
    tool: str


class Network:
    """Four validators on this machine, each a process with a CometBFT of its own."""

    def __init__(self, folder: Path) -> None:
        source = (ROOT / "tests" / "contracts" / "toolshed.py").read_text()
        self.folder, cast = create_network(
            folder,
            organisations=ORGANISATIONS,
            chain="faults",
            contracts=[ContractSource(CONTRACT, "toolshed.py", source)],
        )
        self.homes = [home.path for home in self.folder.homes]
        self.people = [spec.identity for spec in cast.people]

    def start(self, place: int, point: str | None = None) -> None:
        """Start a node; it aborts where it passes the point, if one is given."""
        environment = {name: text for name, text in os.environ.items() if name != "LIANHENG_FAULT"}
        if point is not None:
            environment["LIANHENG_FAULT"] = point
        done = subprocess.run(
            [sys.executable, "-m", "lianheng", "up", "--detach", "--home", str(self.homes[place])],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        # A node that dies at its point while it starts says so in its own way.
        assert point is not None or done.returncode == 0, done.stdout + done.stderr

    def start_all(self, points: Mapping[int, str] | None = None) -> None:
        """Start the nodes that do not run, together."""
        threads = [
            threading.Thread(target=self.start, args=(place, (points or {}).get(place)))
            for place in range(len(self.homes))
            if not self.runs(place)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def runs(self, place: int) -> bool:
        """Whether somebody answers at the node's socket."""
        with suppress(LianhengError):
            self.client(place).close()
            return True
        return False

    def client(self, place: int) -> LocalClient:
        """A connection to a node."""
        return LocalClient.connect(self.homes[place])

    def pids(self, place: int) -> list[int]:
        """The node's process and its CometBFT's."""
        with self.client(place) as client:
            status = client.node_status(CALL_SECONDS)
            comet = status["consensus"]["cometbft"].get("pid")
            return [client.node_pid, *([comet] if comet else [])]

    def kill(self, pids: Sequence[int]) -> None:
        """Kill processes at once; returns when they are gone."""
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + RECOVERY_SECONDS
        while any(alive(pid) for pid in pids):
            assert time.monotonic() < deadline, f"{pids} do not end"
            time.sleep(PAUSE_SECONDS)

    def wait_until_down(self, place: int, seconds: float) -> bool:
        """Whether a node ended by itself within this time."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            record = Home(self.homes[place]).node_record()
            if record is None or not alive(record.pid):
                return True
            time.sleep(PAUSE_SECONDS)
        return False

    def stop_all(self) -> None:
        """End every node, whatever state it is in."""
        for home in self.homes:
            try:
                node.stop(home)
            except LianhengError:
                record = Home(home).node_record()
                if record is not None:
                    self.kill([record.pid])

    def check_calls(self, tag: str) -> None:
        """A call at each node becomes final."""
        for place, person in enumerate(self.people):
            deadline = time.monotonic() + RECOVERY_SECONDS
            number = 0
            while True:
                found = "refused"
                try:
                    with self.client(place) as client:
                        if call(client, person, f"{tag}-{place}-{number}").final:
                            break
                except LianhengError as failure:
                    found = str(failure)
                assert time.monotonic() < deadline, f"{self.homes[place].name}: {found}"
                number += 1
                time.sleep(0.1)


def alive(pid: int) -> bool:
    """Whether a process runs; one that ended and was not collected does not."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return fields[0] != "Z"


def call(ledger: Ledger, person: Identity, tool: str) -> Result:
    """One call, waited for."""
    signed = ledger.sign(person, f"{CONTRACT}.add", {"id": tool})
    return ledger.submit(signed).one(CALL_SECONDS)


class Callers:
    """One caller at each node, calling without rest; keeps what it was told."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._stopping = threading.Event()
        self.confirmed: dict[str, Confirmed] = {}
        self.unknown = 0
        self._lock = threading.Lock()
        self._threads = [
            threading.Thread(target=self._work, args=(place,), daemon=True)
            for place in range(len(network.homes))
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No further calls; waits for those under way."""
        self._stopping.set()
        for thread in self._threads:
            thread.join()

    def _work(self, place: int) -> None:
        number = 0
        while not self._stopping.is_set():
            try:
                with self._network.client(place) as client:
                    while not self._stopping.is_set():
                        number += 1
                        self._one(client, place, f"tool-{place}-{number}")
            except LianhengError:
                # The node is down, or what it was given is unknown: both may be.
                self.unknown += 1
                self._stopping.wait(0.1)

    def _one(self, client: LocalClient, place: int, tool: str) -> None:
        result = call(client, self._network.people[place], tool)
        if result.id is not None and result.status is not Status.DROPPED:
            with self._lock:
                self.confirmed[result.id.hex()] = Confirmed(
                    int(result.height or 0), str(result.status), tool
                )
        self._stopping.wait(PAUSE_SECONDS)


@contextmanager
def four(folder: Path) -> Iterator[Network]:
    """A running network, ended in any case."""
    network = Network(folder)
    try:
        network.start_all()
        yield network
    finally:
        network.stop_all()


def check_history(ledgers: Sequence[Ledger], confirmed: Mapping[str, Confirmed]) -> int:
    """One history on all, with every confirmed call in it once; gives the common height."""
    height = min(ledger.height for ledger in ledgers)
    seen: dict[str, Confirmed] = {}
    for blocks in zip(*(ledger.blocks() for ledger in ledgers), strict=False):
        assert len({block.header.encoded for block in blocks}) == 1, blocks[0].height
        block = blocks[0]
        for entry, transaction in zip(block.entries, block.transactions, strict=True):
            identity = entry.id.hex()
            assert identity not in seen, f"{identity} is there twice"
            tool = transaction.payload.arguments["id"]
            seen[identity] = Confirmed(block.height, str(entry.result.status), tool)
    lost = [identity for identity in confirmed if identity not in seen]
    assert lost == [], f"{len(lost)} confirmed calls are lost"
    assert {identity: seen[identity] for identity in confirmed} == confirmed
    for ledger in ledgers:
        tools = {row.key[0] for row in ledger.table(CONTRACT, "tools")}
        assert tools == {told.tool for told in seen.values() if told.status == "final"}
        report = ledger.fsck()
        assert report["faults"] == []
        assert report["transactions"] == len(seen)
        for identity in list(confirmed)[-2:]:
            assert ledger.receipt(TransactionId.from_hex(identity))
    return height
