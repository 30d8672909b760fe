"""Which of the waiting envelopes a proposer puts into a block: fair over organisations.

A pure choice; whether an envelope counts was decided before. Rules:

- Each organisation gets its share of the block by its weight, of its bytes or of its gas, whichever
  it uses more of; what one does not use the others get.
- The envelopes of one organisation keep their order.
- The block's bounds are obeyed, but for the first envelope: a large one must come in some day.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lianheng.model import limits

# Tag and length that CometBFT writes before each transaction of a block.
_FRAME_BYTES = 6


@dataclass(frozen=True, slots=True)
class Candidate:
    """A waiting envelope; `gas` is an estimate of what its transactions will use."""

    organisation: str
    size: int
    count: int
    gas: int


@dataclass(frozen=True, slots=True)
class BlockBounds:
    """What one block may hold. `max_tx_bytes` is CometBFT's own bound and has no exception."""

    max_tx_bytes: int
    block_bytes: int
    transactions: int
    gas: int

    def share(self, candidate: Candidate) -> int:
        """The part of the block that it takes, by bytes or gas, in units of one block's product."""
        return max(candidate.size * self.gas, candidate.gas * self.block_bytes)


class _Room:
    """What is left of the block."""

    def __init__(self, bounds: BlockBounds) -> None:
        self._frame = bounds.max_tx_bytes
        self._bytes = bounds.block_bytes
        self._transactions = bounds.transactions
        self._gas = bounds.gas
        self._empty = True

    def fits(self, candidate: Candidate) -> bool:
        if candidate.size + _FRAME_BYTES > self._frame:
            return False
        return self._empty or (
            candidate.size <= self._bytes
            and candidate.count <= self._transactions
            and candidate.gas <= self._gas
        )

    def take(self, candidate: Candidate) -> None:
        self._frame -= candidate.size + _FRAME_BYTES
        self._bytes -= candidate.size
        self._transactions -= candidate.count
        self._gas -= candidate.gas
        self._empty = False


def choose(
    candidates: Sequence[Candidate],
    bounds: BlockBounds,
    turn: int,
    weights: Mapping[str, int] | None = None,
) -> list[int]:
    """Positions of the chosen envelopes, in the order of the block.

    The organisation with the smallest share so far, for its weight (1 where none is given), gives
    the next one; where several have as little, `turn` (the height) decides who comes first, so that
    everybody is first in some block.
    """
    queues: dict[str, deque[int]] = {}
    for position, candidate in enumerate(candidates):
        queues.setdefault(candidate.organisation, deque()).append(position)
    names = sorted(queues)
    first = turn % len(names) if names else 0
    open_names = names[first:] + names[:first]
    weights = weights or {}
    taken = dict.fromkeys(open_names, 0.0)
    room = _Room(bounds)
    chosen: list[int] = []
    while open_names:
        # `min` keeps to the order of the turn among equals.
        name = min(open_names, key=taken.__getitem__)
        position = queues[name][0]
        candidate = candidates[position]
        if not room.fits(candidate):
            open_names.remove(name)
            continue
        queues[name].popleft()
        room.take(candidate)
        taken[name] += bounds.share(candidate) / weights.get(name, 1)
        chosen.append(position)
        if not queues[name]:
            open_names.remove(name)
    return chosen


class GasMeans:
    """Gas that a transaction used on average lately, of each organisation. Not thread safe.

    Calls of different organisations cost differently. One whose calls are dear would otherwise
    pass as cheap, and fill the blocks of all others.
    """

    def __init__(self) -> None:
        """Nothing known yet."""
        self._means: dict[str, float] = {}
        self._overall: float | None = None

    def add(self, organisation: str, gas: int, transactions: int) -> None:
        """What so many transactions of one block used together."""
        if transactions <= 0:
            return
        found = gas / transactions
        self._means[organisation] = _moved(self._means.get(organisation), found)
        self._overall = _moved(self._overall, found)

    def estimate(self, organisation: str, count: int, most: int) -> int:
        """Gas that so many transactions will use, at most their limits' sum."""
        mean = self._means.get(organisation, self._overall)
        return most if mean is None else min(most, round(mean * count))


def _moved(mean: float | None, found: float) -> float:
    return found if mean is None else mean + (found - mean) / limits.GAS_MEAN_BLOCKS
