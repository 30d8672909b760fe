"""How many validators vote, and what the chain can still lose; in figures and in words.

A block needs more than two thirds of all votes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianheng.cli._nodes import Node

_WORDS = ("none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")


@dataclass(frozen=True, slots=True)
class Standing:
    """How many vote, of how many, and how many more may be lost; below 0: too few vote now."""

    votes: int
    of: int
    spare: int

    @property
    def sentence(self) -> str:
        """In words."""
        return sentence(self.votes, self.of)


def standing(nodes: "Sequence[Node]") -> Standing:
    """Of nodes with equal votes, as a network on one machine has them."""
    votes = sum(node.votes for node in nodes)
    told = [int(node.consensus["validators"]) for node in nodes if "validators" in node.consensus]
    of = max(told, default=len(nodes))
    return Standing(votes, of, losable(votes, of))


def enough(votes: int, of: int) -> bool:
    """Whether so many of equal validators make blocks."""
    return 3 * votes > 2 * of


def losable(votes: int, of: int) -> int:
    """How many more may be lost before the chain stands still; negative: how many are missing."""
    return votes - (2 * of // 3 + 1)


def sentence(votes: int, of: int) -> str:
    """What it means that so many vote."""
    spare = losable(votes, of)
    vote = f"{votes} of {of} {'votes' if votes == 1 else 'vote'}"
    if spare < 0:
        return (
            f"{vote}: the chain stands still until {word(-spare)} more "
            f"{'does' if spare == -1 else 'do'}. No confirmed call is lost."
        )
    if spare == 0 and votes == of:
        return f"{vote}: the chain goes on while all of them do. No confirmed call is lost."
    if spare == 0:
        return f"{vote}: the chain goes on. One more loss stops it. No confirmed call is lost."
    return f"{vote}: the chain goes on, also without any {word(spare)} of them"


def bears(of: int) -> str:
    """What a network of so many equal validators bears."""
    spare = losable(of, of)
    if of == 1:
        return "1 validator: no other keeps the chain going, or honest"
    if spare == 0:
        return f"{of} validators: all must vote, the loss of any one stops the chain"
    return f"{of} validators: any {word(spare)} may be lost, {of - spare} must vote"


def word(number: int) -> str:
    """Small numbers as words."""
    return _WORDS[number] if number < len(_WORDS) else f"{number:,}"
