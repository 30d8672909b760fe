"""What this node knows of envelopes: opened ones, what waits in the mempool, who sends bad ones.

Nothing here decides what a block means: it saves opening an envelope twice, and serves the node's
own choice of what to take into its mempool. All methods may be called from any thread. Rules:

- An opened envelope is found by its very bytes, never by a part of them alone.
- Bounded in bytes: beyond the bound the oldest that does not wait goes first.
- What CometBFT's mempool dropped without telling us is forgotten after two blocks, because it
  checks all that still waits after each one.
"""

import threading
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Generic

from lianheng.consensus.cometbft._core import EnvelopeT
from lianheng.model import limits


@dataclass(frozen=True, slots=True)
class PoolLimits:
    """Bounds of one node's pool; `share_*` hold for each organisation's part of the mempool."""

    share_bytes: int
    share_envelopes: int
    pool_bytes: int = limits.POOL_BYTES
    decided: int = limits.DECIDED_ENVELOPES
    bad_transactions: int = limits.BAD_TRANSACTIONS
    bad_window_ms: int = limits.BAD_WINDOW_MS

    @classmethod
    def shared(cls, mempool_bytes: int, mempool_envelopes: int, organisations: int) -> "PoolLimits":
        """Equal shares of the mempool for so many organisations.

        All that waits stays opened, however large the mempool: a proposer looks at each of them.
        """
        parts = max(1, organisations)
        return cls(
            mempool_bytes // parts,
            max(1, mempool_envelopes // parts),
            mempool_bytes + limits.POOL_BYTES // 2,
        )


@dataclass(slots=True)
class _Waits:
    """An envelope in the mempool, and the block after which it was last seen there."""

    organisation: str
    size: int
    expires: int
    seen: int


@dataclass(slots=True)
class _Share:
    """What of one organisation waits."""

    size: int = 0
    envelopes: int = 0


@dataclass(slots=True)
class _Bad:
    """When how many bad transactions came, and their sum."""

    seen: deque[tuple[int, int]] = field(default_factory=deque)
    total: int = 0


# The head stands at the front of an envelope and binds the rest by its hash. Bytes that agree here
# and differ elsewhere are not both envelopes, so each key has one candidate; it is compared whole.
_Key = tuple[int, bytes]


def _key(data: bytes) -> _Key:
    return len(data), data[: limits.ENVELOPE_HEAD_BYTES]


class EnvelopePool(Generic[EnvelopeT]):
    """Envelopes known to this node."""

    def __init__(self, bounds: PoolLimits) -> None:
        """Empty."""
        self._bounds = bounds
        self._lock = threading.Lock()
        self._known: OrderedDict[_Key, tuple[bytes, EnvelopeT]] = OrderedDict()
        self._known_bytes = 0
        self._waits: dict[_Key, _Waits] = {}
        self._shares: dict[str, _Share] = {}
        self._decided: OrderedDict[bytes, None] = OrderedDict()
        self._bad: dict[str, _Bad] = {}
        self._blocks = 0

    def find(self, data: bytes) -> EnvelopeT | None:
        """The opened envelope of exactly these bytes."""
        with self._lock:
            found = self._known.get(_key(data))
        return found[1] if found is not None and found[0] == data else None

    def add(self, data: bytes, envelope: EnvelopeT, now_ms: int) -> None:
        """Remember an opened envelope; its bad transactions count against who sent them."""
        key = _key(data)
        with self._lock:
            if envelope.bad and key not in self._known:
                self._count_bad(envelope.organisation, envelope.bad, now_ms)
            self._forget(key)
            self._known[key] = (data, envelope)
            self._known_bytes += len(data)
            self._shrink()

    def wait(self, data: bytes, organisation: str, expires: int) -> None:
        """It is in the mempool, as CometBFT asks whether it may come in or stay."""
        key = _key(data)
        with self._lock:
            if key in self._waits:
                self._waits[key].seen = self._blocks
                return
            self._waits[key] = _Waits(organisation, len(data), expires, self._blocks)
            share = self._shares.setdefault(organisation, _Share())
            share.size += len(data)
            share.envelopes += 1

    def leave(self, data: bytes) -> None:
        """It is no longer in the mempool and will not come back."""
        key = _key(data)
        with self._lock:
            self._stop_waiting(key)
            self._forget(key)

    def block(self, decided: Iterable[tuple[bytes, bytes]], time_ms: int) -> None:
        """A block was committed: (bytes, hash) of what it decided are done with.

        What expired is forgotten as well, and what CometBFT did not check again after the block
        before this one: it is in the mempool no more.
        """
        with self._lock:
            for data, digest in decided:
                key = _key(data)
                self._stop_waiting(key)
                self._forget(key)
                self._decided[digest] = None
                self._decided.move_to_end(digest)
            while len(self._decided) > self._bounds.decided:
                self._decided.popitem(last=False)
            gone = [
                key
                for key, waits in self._waits.items()
                if waits.seen < self._blocks or waits.expires <= time_ms
            ]
            for key in gone:
                self._stop_waiting(key)
            self._blocks += 1

    def mempool_lost(self) -> None:
        """CometBFT started anew: its mempool is empty."""
        with self._lock:
            self._waits.clear()
            self._shares.clear()

    def decided(self, digest: bytes) -> bool:
        """Whether the envelope with this hash was decided lately."""
        with self._lock:
            return digest in self._decided

    def has_room(self, data: bytes, organisation: str) -> bool:
        """Whether it waits already, or its organisation's share has room for it."""
        with self._lock:
            if _key(data) in self._waits:
                return True
            # An empty share has room for any one envelope: a lone large transaction may exceed it.
            share = self._shares.get(organisation)
            return share is None or (
                share.envelopes < self._bounds.share_envelopes
                and share.size + len(data) <= self._bounds.share_bytes
            )

    def bad_lately(self, organisation: str, now_ms: int) -> int:
        """Bad transactions of this organisation within the window, if more than it may send."""
        with self._lock:
            found = self._bad.get(organisation)
            if found is None:
                return 0
            self._forget_bad(found, now_ms)
            if not found.seen:
                del self._bad[organisation]
            return found.total if found.total > self._bounds.bad_transactions else 0

    def status(self) -> dict[str, int]:
        """Figures: envelopes and bytes that wait, bytes remembered, organisations with bad ones."""
        with self._lock:
            return {
                "mempool_envelopes": len(self._waits),
                "mempool_bytes": sum(waits.size for waits in self._waits.values()),
                "known_envelopes": len(self._known),
                "known_bytes": self._known_bytes,
                "bad_senders": len(self._bad),
            }

    def _forget(self, key: _Key) -> None:
        found = self._known.pop(key, None)
        if found is not None:
            self._known_bytes -= len(found[0])

    def _shrink(self) -> None:
        """Forget the oldest beyond the bound, those that do not wait first."""
        excess = self._known_bytes - self._bounds.pool_bytes
        if excess <= 0:
            return
        # The newest stays whatever its size: it is in use.
        newest = next(reversed(self._known))
        for waiting in (False, True):
            gone = []
            for key, (data, _) in self._known.items():
                if excess <= 0:
                    break
                if key != newest and (key in self._waits) == waiting:
                    gone.append(key)
                    excess -= len(data)
            for key in gone:
                self._forget(key)

    def _stop_waiting(self, key: _Key) -> None:
        waits = self._waits.pop(key, None)
        if waits is None:
            return
        share = self._shares[waits.organisation]
        share.size -= waits.size
        share.envelopes -= 1
        if share.envelopes == 0:
            del self._shares[waits.organisation]

    def _count_bad(self, organisation: str, count: int, now_ms: int) -> None:
        bad = self._bad.setdefault(organisation, _Bad())
        self._forget_bad(bad, now_ms)
        bad.seen.append((now_ms, count))
        bad.total += count

    def _forget_bad(self, bad: _Bad, now_ms: int) -> None:
        while bad.seen and bad.seen[0][0] <= now_ms - self._bounds.bad_window_ms:
            bad.total -= bad.seen.popleft()[1]
