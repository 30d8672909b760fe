"""Which key a node signs with: the one of its home, and the next one once the chain has it.

    HOME/node.identity         the key in use
    HOME/node.next.identity    from `lianheng validator rotate`; takes the other's place by itself

Envelopes are signed with the next key as soon as it is in force. Votes are signed with it once a
header is sealed by a set without the old one: until then the old key's vote may be needed.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from lianheng.consensus.cometbft.settings import IDENTITY_NAME, NEXT_IDENTITY_NAME
from lianheng.consensus.cometbft.signing import Refusal, VoteGuard, begin_signing, last_seen
from lianheng.members import Identity, read_identity
from lianheng.model import IdentityError


class Keys(Protocol):
    """What this needs of the core."""

    @property
    def height(self) -> int:
        """Height of the last header."""

    def header(self, height: int) -> tuple[bytes, bytes | None] | None:
        """A header and its seal."""

    def keys_of(self, member: str) -> Sequence[bytes]:
        """Public keys in force of a member in force."""

    def set_at(self, height: int) -> Sequence[tuple[bytes, int]]:
        """Keys and powers of the set that seals a header."""


class NodeKeys:
    """The keys of one node. `settle` is called for each block, on one thread at a time."""

    def __init__(self, home: Path, identity: Identity, engine: Keys, *, waits: bool) -> None:
        """`identity` is the home's, the key in use until now.

        Where the node `waits`, it votes only once it is even with the others (`go_on`).
        """
        self.waits = waits
        self._home = home
        self._engine = engine
        self.member = str(identity.member)
        self.voting = identity
        self.gathering = identity
        if not self.settle():
            self._watch()

    @property
    def refusal(self) -> Refusal | None:
        """Why the node must not vote with its key; None where it may."""
        return self.guard.refusal

    @property
    def votes(self) -> bool:
        """Whether CometBFT may have the key."""
        return self.refusal is None and not self.waits

    def go_on(self) -> bool:
        """The node is even with the others; whether it may vote from here on."""
        self.waits = False
        return self.refusal is None

    @property
    def is_in_force(self) -> bool:
        """Whether the chain knows the key that envelopes are signed with."""
        return self.gathering.public in self._engine.keys_of(self.member)

    def settle(self) -> bool:
        """Take up what the last block changed; whether votes are signed with another key now."""
        in_force = self._engine.keys_of(self.member)
        if self.voting.public in in_force:
            return False
        following = self._next()
        if following is None or following.public not in in_force:
            return False
        self.gathering = following
        if self.voting.public in dict(self._engine.set_at(self._engine.height)):
            return False
        # Should this be cut off, it is done again: the key votes only once its file is in place.
        begin_signing(self._home, following.public)
        (self._home / NEXT_IDENTITY_NAME).replace(self._home / IDENTITY_NAME)
        self.voting = following
        self._watch()
        return True

    def _watch(self) -> None:
        public = self.voting.public
        seen = last_seen(self._engine.header, self._engine.height, public)
        self.guard = VoteGuard(self._home, self.member, public, seen)

    def _next(self) -> Identity | None:
        try:
            found = read_identity(self._home / NEXT_IDENTITY_NAME)
        except IdentityError:
            return None
        return found if found.member == self.member else None
