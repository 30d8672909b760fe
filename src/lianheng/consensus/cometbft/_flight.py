"""One envelope of ours under way, and the outcomes that its callers read.

Nothing here has a thread or a lock.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lianheng.consensus._intake import Part
from lianheng.consensus.cometbft._core import GatheringEngine, OpenedEnvelope, TriedOutcome
from lianheng.ledger import BlockOutcome, Segment

NO_ROOM = "dropped.no_room"
OVER_SHARE = "dropped.over_share"
REPLAYED = "dropped.replayed"

Drop = tuple[str, str, str]
"""Code, message and what to do."""

# What to do about what is dropped before it is gathered; the core's drops carry no hint there.
_HINTS: Mapping[str, str] = {
    "dropped.undecodable": "build transactions with the client, or by docs/protocol/formats.md",
    "dropped.wrong_chain": "sign it for this chain",
    "dropped.bad_signature": "sign it with the keys that it names",
    "dropped.expired": "sign it again with a later expiry; check the clocks",
    "dropped.too_far_ahead": "sign it with an earlier expiry; check the clocks",
    "dropped.over_quota": "make it smaller, or lower its gas limit",
    REPLAYED: "look its result up by its id; sign a new one to call again",
}


@dataclass(slots=True, eq=False)
class Flight:
    """An envelope between its signature and its block.

    `places` are the parts of submissions whose transactions it carries, in order. `maybe_sent`
    once CometBFT may have it; `next_at` is when something is to be done about it (monotonic ms).
    """

    envelope: OpenedEnvelope
    data: bytes
    places: Sequence[Part]
    next_at: float
    maybe_sent: bool = False
    sent: bool = False
    failures: int = 0

    @property
    def count(self) -> int:
        """Transactions that somebody waits for."""
        return sum(place.length for place in self.places)


class AllDropped:
    """The outcome of transactions that no block tried, all for one reason or each for its own."""

    def __init__(
        self,
        engine: GatheringEngine,
        ids: Sequence[bytes | None],
        drops: Mapping[int, tuple[str, str]],
        same: Drop | None = None,
    ) -> None:
        """`drops` by position; `same` for every other one."""
        self._engine = engine
        self._ids = ids
        self._drops = drops
        self._same = same

    @property
    def height(self) -> int:
        """None of them is in a block."""
        return 0

    @property
    def time(self) -> int:
        """None of them is in a block."""
        return 0

    def id(self, position: int) -> bytes | None:
        """Transaction id, None where it could not be read."""
        return self._ids[position]

    def result(self, position: int) -> bytes | None:
        """None: it was not ordered."""
        del position
        return None

    def index(self, position: int) -> int | None:
        """None: it has no entry."""
        del position
        return None

    def drop(self, position: int) -> Drop | None:
        """Why."""
        found = self._drops.get(position)
        if found is None:
            return self._same
        code, message = found
        return located(self._engine, self._ids[position], (code, message, _HINTS.get(code, "")))


class Located:
    """The outcome of a block, where replayed transactions say which block has them."""

    def __init__(self, outcome: TriedOutcome, engine: GatheringEngine) -> None:
        """Looks up only what is asked for."""
        self._outcome = outcome
        self._engine = engine

    def __getattr__(self, name: str) -> Any:
        """Everything else as the core has it."""
        return getattr(self._outcome, name)

    def drop(self, position: int) -> Drop | None:
        """Why it was dropped."""
        found = self._outcome.drop(position)
        return None if found is None else located(self._engine, self._outcome.id(position), found)


def located(engine: GatheringEngine, identity: bytes | None, drop: Drop) -> Drop:
    """The drop; that of a replayed transaction names the block that has it."""
    if drop[0] != REPLAYED or identity is None:
        return drop
    try:
        place = engine.locate(identity)
    except Exception:  # noqa: BLE001 - a closed ledger: the plain message is still true
        return drop
    if place is None:
        return drop
    height, index = place
    return (
        REPLAYED,
        f"transaction {identity.hex()} was ordered already: entry {index} of block {height}",
        "its result stands there, look it up by its id; sign a new one to call again",
    )


def split_dropped(
    parts: Sequence[Part], drops: Mapping[int, object]
) -> tuple[list[Part], list[tuple[int, Part]]]:
    """Runs of what was not dropped, in order; and each dropped one with its position."""
    kept: list[Part] = []
    lost: list[tuple[int, Part]] = []
    if not drops:
        return list(parts), lost
    position = 0
    for part in parts:
        run = 0
        for step in range(part.length):
            if position in drops:
                if run:
                    kept.append(Part(part.waiting, part.start + step - run, run))
                    run = 0
                lost.append((position, Part(part.waiting, part.start + step, 1)))
            else:
                run += 1
            position += 1
        if run:
            kept.append(Part(part.waiting, part.start + part.length - run, run))
    return kept, lost


def settle(
    places: Sequence[Part], outcome: TriedOutcome, engine: GatheringEngine
) -> tuple[list[tuple[Part, Segment]], list[Part]]:
    """What a block made of an envelope: segments to answer, and parts that found no room."""
    answers: list[tuple[Part, Segment]] = []
    if not outcome.counts[2]:
        position = 0
        for place in places:
            answers.append((place, Segment(outcome, position, place.length)))
            position += place.length
        return answers, []
    shown: BlockOutcome = Located(outcome, engine)
    no_room = _without_room(outcome)
    again = [part for _, part in split_dropped(places, no_room)[1]]
    position = 0
    for place in places:
        start = 0
        for step in [*(at for at in range(place.length) if position + at in no_room), place.length]:
            if step > start:
                piece = Part(place.waiting, place.start + start, step - start)
                answers.append((piece, Segment(shown, position + start, step - start)))
            start = step + 1
        position += place.length
    return answers, again


def _without_room(outcome: TriedOutcome) -> dict[int, str]:
    found: dict[int, str] = {}
    for position in range(len(outcome)):
        if outcome.result(position) is None:
            drop = outcome.drop(position)
            if drop is not None and drop[0] in (NO_ROOM, OVER_SHARE):
                found[position] = NO_ROOM
    return found
