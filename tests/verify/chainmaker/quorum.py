"""Chains sealed by validators, with sets that change, and the steps between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.verify.chainmaker import comet
from tests.verify.chainmaker.chain import START, Chain
from tests.verify.chainmaker.encoding import digest
from tests.verify.chainmaker.signing import Key

VALIDATORS = ("north", "south", "east", "west")


def validator(name: str) -> Key:
    return Key(f"node-1@{name}")


def four() -> list[comet.Power]:
    return comet.ordered([(validator(name), 25) for name in VALIDATORS])


def quorum_members() -> dict[str, Key]:
    nodes = {f"node-1@{name}": validator(name) for name in VALIDATORS}
    return {"alice@north": Key("alice"), "bob@south": Key("bob")} | nodes


@dataclass
class QuorumChain(Chain):
    """A chain on CometBFT. Our block `n` is ordered at height `n * (gap + 1)`, sealed one above.

    `sets`: from which CometBFT height which set votes; `ballots`: how it votes at a height;
    `header_changes`: fields of CometBFT headers, as signed.
    """

    members: dict[str, Key] = field(default_factory=quorum_members)
    gap: int = 1
    sets: dict[int, list[comet.Power]] = field(default_factory=lambda: {1: four()})
    ballots: dict[int, comet.Ballot] = field(default_factory=dict)
    header_changes: dict[int, dict[str, Any]] = field(default_factory=dict)

    def first_sealers(self) -> list[Any]:
        return comet.sealers(self.set_at(1))

    @property
    def chain_id(self) -> str:
        return self.genesis_hash[:24].hex()

    def set_at(self, height: int) -> list[comet.Power]:
        return self.sets[max(first for first in self.sets if first <= height)]

    def consensus_height(self, height: int) -> int:
        return height * (self.gap + 1)

    def seal_height(self, height: int) -> int:
        return self.consensus_height(height) + 1

    def sealers_at(self, height: int) -> Any:
        return comet.sealers(self.set_at(self.seal_height(height))) if height else self.sealers

    def add(self, *arguments: Any, **more: Any) -> int:
        more.setdefault("later", 1000 * (self.gap + 1))
        return super().add(*arguments, **more)

    def time_at(self, height: int) -> list[int]:
        return [START // 1000 + height, height * 1001 % 10**9]

    def comet_header(self, height: int, application: bytes) -> list[Any]:
        members = self.set_at(height)
        values: dict[str, Any] = {
            "chain_id": self.chain_id,
            "height": height,
            "time": self.time_at(height),
            "application": application,
            "validators": comet.validators_hash(members),
            "next_validators": comet.validators_hash(self.set_at(height + 1)),
            "proposer": comet.address(members[height % len(members)][0].public),
        }
        return comet.make_header(values | self.header_changes.get(height, {}))

    def comet_seal(self, height: int, application: bytes) -> list[Any]:
        """The seal that CometBFT's header at this height makes."""
        header = self.comet_header(height, application)
        return comet.make_seal(header, self.set_at(height), self.ballots.get(height))

    def seal_of(self, header: bytes, _key: Key | None = None, payload: Any = None) -> list[Any]:
        height = len(self.blocks)
        return self.comet_seal(self.seal_height(height), payload or digest(header))

    def step(self, height: int) -> list[Any]:
        """A header of any height as a step: its application hash is of no concern."""
        return self.comet_seal(height, digest(b"application %d" % height))

    def anchor_height(self, anchor: int) -> int:
        return self.seal_height(anchor) if anchor else 0

    def step_heights(self, first: int, last: int) -> list[int]:
        """Heights of the steps between two seals, as few as skipping by halves needs."""
        if comet.seal_hash(self.set_at(max(first, 1))) == comet.seal_hash(self.set_at(last)):
            return []
        return self._between(first, last)

    def _between(self, first: int, last: int) -> list[int]:
        if last == first + 1 or self._third(first, last):
            return []
        middle = (first + last) // 2
        return [*self._between(first, middle), middle, *self._between(middle, last)]

    def _third(self, first: int, last: int) -> bool:
        trusted, after = self.set_at(max(first, 1)), self.set_at(last)
        flags = self.ballots.get(last, comet.Ballot()).flags
        signers = {
            key.public
            for place, (key, _) in enumerate(after)
            if flags.get(place, 2) == comet.COMMIT
        }
        signed = sum(power for key, power in trusted if key.public in signers)
        return signed * 3 > sum(power for _, power in trusted)

    def with_steps(self, height: int, anchor: int) -> dict[str, Any]:
        if height <= anchor:
            return {}
        heights = self.step_heights(self.anchor_height(anchor), self.seal_height(height))
        return {"steps": [self.step(one) for one in heights]} if heights else {}
