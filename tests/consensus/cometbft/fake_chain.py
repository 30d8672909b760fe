"""A chain in plain Python with the core's gathering interface, and a CometBFT that a test drives.

A transaction is the text `number:expires`; anything else does not decode. Envelopes are lists of
these. A block drops what expired, what was ordered before and what finds no room, and calls all
else a success.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lianheng.consensus.cometbft._core import CommittedBlock
from lianheng.model import encode

START_MS = 1_800_000_000_000


def transaction(number: int, expires: int = START_MS + 60_000, size: int = 0) -> bytes:
    return f"{number}:{expires}".ljust(size, ":").encode()


def identity(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _expires(data: bytes) -> int | None:
    number, _, rest = data.partition(b":")
    return int(rest.rstrip(b":")) if number.isdigit() and rest.rstrip(b":").isdigit() else None


@dataclass(frozen=True)
class FakePrepared:
    items: list[bytes]
    found: list[tuple[int, str, str]]

    def __len__(self) -> int:
        return len(self.items)

    def ids(self) -> list[bytes | None]:
        return [None if _expires(item) is None else identity(item) for item in self.items]

    def drops(self) -> list[tuple[int, str, str]]:
        return self.found


@dataclass(frozen=True)
class FakeEnvelope:
    data: bytes
    node: str
    prepared: FakePrepared
    bad: int = 0
    gas: int = 0

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.data).digest()

    @property
    def organisation(self) -> str:
        return self.node.partition("@")[2]

    @property
    def count(self) -> int:
        return len(self.prepared)

    @property
    def expires(self) -> int:
        return max(_expires(item) or 0 for item in self.prepared.items)


@dataclass(frozen=True)
class FakeGathered:
    node: str
    number: int
    items: list[bytes]

    @property
    def head(self) -> bytes:
        return self.node.encode()

    @property
    def count(self) -> int:
        return len(self.items)

    def seal(self, signed_head: bytes) -> FakeEnvelope:
        assert signed_head == b"signed " + self.head
        data = json.dumps([self.node, self.number, [item.decode() for item in self.items]]).encode()
        return FakeEnvelope(data, self.node, FakePrepared(self.items, []))


@dataclass(frozen=True)
class FakeOutcome:
    items: list[bytes]
    height: int
    time: int
    places: list[int | None]
    reasons: list[str | None]

    def __len__(self) -> int:
        return len(self.items)

    @property
    def counts(self) -> tuple[int, int, int]:
        dropped = sum(place is None for place in self.places)
        return len(self.items) - dropped, 0, dropped

    def id(self, position: int) -> bytes | None:
        return identity(self.items[position])

    def index(self, position: int) -> int | None:
        return self.places[position]

    def result(self, position: int) -> bytes | None:
        if self.places[position] is None:
            return None
        return encode({1: 0, 2: 7, 3: self.items[position]})

    def drop(self, position: int) -> tuple[str, str, str] | None:
        reason = self.reasons[position]
        return None if reason is None else (reason, "the block says so", "do something")


@dataclass
class FakeSigner:
    member: str = "node-1@bank-a"

    def sign(self, payload: bytes, external_aad: bytes) -> bytes:
        assert external_aad == bytes(32)
        return b"signed " + payload


@dataclass
class FakeChain:
    """The ledger: what is ordered, at which place."""

    genesis_hash: bytes = bytes(32)
    time: int = START_MS
    height: int = 0
    consensus_height: int = 0
    next_timer: int | None = None
    closed: bytes | None = None
    header_hash: bytes = bytes(32)
    ordered: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    failure: BaseException | None = None
    before_gather: Callable[[], None] = lambda: None

    def prepare(
        self, transactions: Sequence[bytes], *, fresh: bool = False, latest: int | None = None
    ) -> FakePrepared:
        if self.failure is not None:
            raise self.failure
        assert fresh
        assert latest is not None
        self.before_gather()
        drops = []
        for position, item in enumerate(transactions):
            expires = _expires(item)
            if expires is None:
                drops.append((position, "dropped.undecodable", "not a transaction"))
            elif identity(item) in self.ordered:
                drops.append((position, "dropped.replayed", "ordered already"))
            elif expires <= self.time:
                drops.append((position, "dropped.expired", "too late"))
            elif expires > latest:
                drops.append((position, "dropped.too_far_ahead", "too early"))
        return FakePrepared(list(transactions), drops)

    def gather(self, prepared: FakePrepared, node: str, number: int) -> FakeGathered:
        lost = {position for position, _, _ in prepared.found}
        left = [item for at, item in enumerate(prepared.items) if at not in lost]
        assert left
        return FakeGathered(node, number, left)

    def locate(self, transaction: bytes) -> tuple[int, int] | None:
        return self.ordered.get(transaction)

    def block(self, envelopes: Sequence[bytes], time: int, room: int = 10**9) -> CommittedBlock:
        """Decide these envelopes; at most `room` transactions are ordered."""
        self.consensus_height += 1
        self.time = max(self.time, time)
        before = len(self.ordered)
        outcomes = []
        for data in envelopes:
            items = [item.encode() for item in json.loads(data)[2]]
            places: list[int | None] = []
            reasons: list[str | None] = []
            for item in items:
                reason = self._try(item, room - (len(self.ordered) - before))
                reasons.append(reason)
                places.append(None if reason else len(self.ordered) - before)
                if reason is None:
                    place = (self.height + 1, len(self.ordered) - before)
                    self.ordered[identity(item)] = place
            height = self.height + 1
            outcome = FakeOutcome(items, height, self.time, places, reasons)
            outcomes.append((hashlib.sha256(data).digest(), outcome))
        changed = len(self.ordered) > before
        self.height += changed
        height_now = self.height if changed else None
        return CommittedBlock(self.consensus_height, height_now, self.time, outcomes)

    def _try(self, item: bytes, room: int) -> str | None:
        if (_expires(item) or 0) <= self.time:
            return "dropped.expired"
        if identity(item) in self.ordered:
            return "dropped.replayed"
        return None if room > 0 else "dropped.no_room"
