"""Sets of keys that seal: one sequencer, or validators in CometBFT's order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from lianheng_verify import _cbor, _comet, _shape
from lianheng_verify import _limits as limits
from lianheng_verify._errors import UnreadableError
from lianheng_verify._hashes import digest

if TYPE_CHECKING:
    from lianheng_verify._cbor import Value

SOLO: Final = "solo"
COMETBFT: Final = "cometbft"


@dataclass(frozen=True, slots=True)
class Sealer:
    """One key of a set with its power and CometBFT's address of it."""

    public: bytes
    power: int
    address: bytes


@dataclass(frozen=True)
class Sealers:
    """A set, and its hash as headers name it; `kind` is "solo" or "cometbft"."""

    kind: str
    members: tuple[Sealer, ...]
    hash: bytes

    @cached_property
    def power(self) -> int:
        """All power of the set."""
        return sum(member.power for member in self.members)

    @cached_property
    def validators_hash(self) -> bytes:
        """The hash by which CometBFT's headers name the set."""
        return _comet.validators_hash([(one.public, one.power) for one in self.members])


def parse_sealers(value: Value, where: str = "sealers") -> Sealers:
    """A set in the form of its kind. Raises UnreadableError (`sealers.*` for order and doubles)."""
    row = _shape.row(value, where, 3)
    _shape.constant(row[0], "lianheng.sealers.1", f"{where}: format")
    kind = _shape.text(row[1], f"{where}: kind")
    if kind == SOLO:
        keys, most_power = _shape.row(row[2], f"{where}: keys", 1), 1
    elif kind == COMETBFT:
        keys = _shape.array(row[2], f"{where}: keys", 1, limits.VALIDATORS)
        most_power = limits.VALIDATOR_POWER
    else:
        raise _shape.refuse(f"{where}: kind", "neither solo nor cometbft", "format.unknown")
    members = tuple(_sealer(item, where, most_power) for item in keys)
    _check_order(members, where)
    return Sealers(kind, members, digest(_cbor.encode(value)))


def _sealer(value: Value, where: str, most_power: int) -> Sealer:
    public, power = _shape.row(value, f"{where}: key", 2)
    key = _shape.octets(public, f"{where}: key", 32)
    return Sealer(
        key,
        _shape.between(power, f"{where}: power", 1, most_power),
        _comet.address(key),
    )


def _check_order(members: tuple[Sealer, ...], where: str) -> None:
    """Power descending, then address ascending; so a key that stands twice stands side by side."""
    if len({member.public for member in members}) != len(members):
        raise UnreadableError("sealers.duplicate", f"{where}: a key stands twice in the set")
    places = [(-member.power, member.address) for member in members]
    for number, (before, after) in enumerate(pairwise(places), 1):
        if after < before:
            raise UnreadableError(
                "sealers.order",
                f"{where}: key {number + 1} (power {-after[0]}, address {after[1].hex()[:8]}…) "
                f"stands behind key {number} (power {-before[0]}, address {before[1].hex()[:8]}…)",
                "keys stand by power descending, then by address ascending",
            )
