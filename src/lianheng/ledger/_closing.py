"""What a chain says of its own end: the row that `governance.close` wrote."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lianheng.model import Stopped, decode

CONTRACT, TABLE = "governance", "closings"
CODE = "chain.closed"
_NAMED = 6
_HINT = (
    "what it holds can be read, proved and exported; to go on under other terms, begin a chain "
    "that continues it: lianheng genesis new --continue"
)


@dataclass(frozen=True, slots=True)
class Closing:
    """When a chain was closed, by whom and why. Its last block is the one of this height."""

    height: int
    time: int
    """Of the last block, ms."""
    members: tuple[str, ...]
    reason: str

    @property
    def sentence(self) -> str:
        """One line for people."""
        named = ", ".join(self.members[:_NAMED])
        more = len(self.members) - _NAMED
        who = f"{named} and {more} more" if more > 0 else named
        return f"closed by {who} at height {self.height:,}, its last block: {self.reason}"

    @property
    def fields(self) -> Mapping[str, Any]:
        """For machines."""
        return {
            "height": self.height,
            "time": self.time,
            "members": list(self.members),
            "reason": self.reason,
        }

    def stopped(self) -> Stopped:
        """What those are told who submit to it."""
        return Stopped(CODE, f"the chain is {self.sentence}", _HINT, **self.fields)


def closing_from(row: Mapping[str, Any]) -> Closing:
    """The closing as its row has it."""
    members: Sequence[Any] = row["members"]
    return Closing(int(row["height"]), int(row["at"]), tuple(map(str, members)), str(row["reason"]))


def read_closing(data: bytes | None) -> Closing | None:
    """The closing from the row's bytes; None for an open chain."""
    return None if data is None else closing_from(decode(data))
