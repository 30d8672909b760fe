"""Which validators signed the last blocks, as CometBFT's own commits say.

A commit never changes once the next block is made, so each is asked for once.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from lianheng.model import limits, validator_address

# CometBFT's BlockIDFlagCommit: the vote was for the block.
_SIGNED = 2


class Commits(Protocol):
    """What this needs of CometBFT's RPC."""

    def commit(self, height: int) -> Any:
        """A header and its commit, or None."""


class Votes:
    """Counts votes by member."""

    def __init__(
        self, rpc: Commits, validators: Callable[[], Sequence[tuple[str, bytes, int]]]
    ) -> None:
        """`validators` gives member, key and power of those in force."""
        self._rpc = rpc
        self._validators = validators
        self._lock = threading.Lock()
        self._signed: dict[int, frozenset[bytes]] = {}

    def counts(self, height: int) -> tuple[dict[str, int], int]:
        """Of how many blocks below this height of CometBFT who signed how many, by their keys.

        Raise `NodeError` where CometBFT does not answer.
        """
        # Of the last one this node has only the votes that it saw so far.
        first = max(1, height - limits.VOTES_BLOCKS)
        with self._lock:
            known = {at: who for at, who in self._signed.items() if first <= at < height}
            for at in range(first, height):
                if at not in known:
                    commit = self._rpc.commit(at)
                    known[at] = frozenset() if commit is None else signers(commit.signed_header)
            self._signed = known
        counts = {}
        for member, public, _ in self._validators():
            address = validator_address(public)
            counts[member] = sum(address in who for who in known.values())
        return counts, len(known)


def signers(signed_header: Mapping[str, Any]) -> frozenset[bytes]:
    """Addresses whose vote for the block stands in a commit."""
    return frozenset(
        bytes.fromhex(vote["validator_address"])
        for vote in signed_header["commit"]["signatures"]
        if vote["block_id_flag"] == _SIGNED
    )
