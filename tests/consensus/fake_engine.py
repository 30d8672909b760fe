"""A small engine in plain Python with the core's ordering interface: every call succeeds.

It records what it was asked, can be held up at each step, and can fail at each step.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field

from lianheng.model import encode


@dataclass(frozen=True)
class FakePending:
    batches: list[list[bytes]]
    time: int
    header_hash: bytes = bytes(32)
    empty: bool = False


@dataclass(frozen=True)
class FakeOutcome:
    items: list[bytes]
    height: int
    time: int

    def id(self, position: int) -> bytes | None:
        return self.items[position][:32].ljust(32, b"\0")

    def index(self, position: int) -> int | None:
        return position

    def result(self, position: int) -> bytes | None:
        return encode({1: 0, 2: 1, 3: self.items[position]})

    def drop(self, position: int) -> tuple[str, str, str] | None:
        del position
        return None


@dataclass
class FakeEngine:
    """`gates` hold a step until they are set; `failures` make it raise."""

    genesis_hash: bytes = bytes(32)
    time: int = 0
    blocks: list[list[bytes]] = field(default_factory=list)
    times: list[int] = field(default_factory=list)
    prepared: list[int] = field(default_factory=list)
    seals: list[bytes | None] = field(default_factory=list)
    failures: dict[str, BaseException] = field(default_factory=dict)
    next_timer: int | None = None
    block_room: dict[str, int] = field(
        default_factory=lambda: {"block_bytes": 2**40, "block_transactions": 2**40}
    )
    commit_gate: threading.Event = field(default_factory=threading.Event)
    committing: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.commit_gate.set()

    def claimed_organisation(self, transaction: bytes) -> str:
        return transaction.partition(b"@")[0].decode() if b"@" in transaction else ""

    def prepare(self, transactions: Sequence[bytes]) -> list[bytes]:
        if "prepare" in self.failures:
            raise self.failures["prepare"]
        self.prepared.append(len(transactions))
        return list(transactions)

    def execute(self, batches: Sequence[list[bytes]], time: int) -> FakePending:
        if "execute" in self.failures:
            raise self.failures["execute"]
        return FakePending([list(batch) for batch in batches], time)

    def commit(self, pending: FakePending, seal: bytes | None) -> list[FakeOutcome]:
        self.committing.set()
        assert self.commit_gate.wait(10), "nobody opened the gate"
        if "commit" in self.failures:
            raise self.failures["commit"]
        self.blocks.append([item for batch in pending.batches for item in batch])
        self.times.append(pending.time)
        self.seals.append(seal)
        self.time = pending.time
        if self.next_timer is not None and self.next_timer <= pending.time:
            self.next_timer = None
        height = len(self.blocks)
        return [FakeOutcome(batch, height, pending.time) for batch in pending.batches]
