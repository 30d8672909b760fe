"""The vote guard: a node signs with a key only where it knows all that the key signed before.

    HOME/comet/data/priv_validator_state.json    CometBFT's: the last vote; written before it leaves
    HOME/signed.json                             ours: whose votes these are, and how far they went

Both are made together with the key (`begin_signing`), never at a start: a validator that forgot
what it signed may sign twice for one height. The second one tells when the first was lost, belongs
to another key, or was put back from a copy. What blocks show of the key's votes counts, too. A
node that must not sign follows, until its key is rotated: a fresh key has signed nothing.
"""

import json
import os
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lianheng.members import replace_file
from lianheng.model import decode, limits, validator_address

MARK_NAME = "signed.json"
STATE = Path("comet/data/priv_validator_state.json")
STATE_MISSING = "vote.state_missing"
STATE_BEHIND = "vote.state_behind"
STATE_FOREIGN = "vote.state_foreign"

_MODE = 0o600
_MARK_BYTES = 128
_VOTED = (2, 3)  # CometBFT's BlockIDFlag: for the block, or for none


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a node must not sign with its key, and what makes it sign again."""

    code: str
    message: str
    hint: str


@dataclass(frozen=True, slots=True)
class Mark:
    """Whose votes a home's state file is about, and a CometBFT height that they had reached."""

    public: bytes
    height: int


def begin_signing(home: Path, public: bytes) -> None:
    """The state of a key that has signed nothing. Only for a key that is made here and now."""
    state = home / STATE
    state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    replace_file(state, _json({"height": "0", "round": 0, "step": 0}), mode=_MODE)
    write_mark(home, Mark(public, 0))


def write_mark(home: Path, mark: Mark) -> None:
    """Keep how far a key's votes went, durably."""
    replace_file(home / MARK_NAME, _mark_bytes(mark), mode=_MODE)


def read_mark(home: Path) -> Mark | None:
    """What was kept; None where nothing was, or it cannot be read."""
    fields = _read(home / MARK_NAME)
    key, height = fields.get("key"), fields.get("height")
    with suppress(ValueError):
        if isinstance(key, str) and isinstance(height, int) and height >= 0:
            return Mark(bytes.fromhex(key), height)
    return None


def state_height(home: Path) -> int | None:
    """The CometBFT height of the last vote, as the state file has it; None where it has none."""
    height = _read(home / STATE).get("height")
    if isinstance(height, str) and height.isascii() and height.isdigit():
        return int(height)
    return None


def last_seen(
    headers: Callable[[int], tuple[bytes, bytes | None] | None], height: int, public: bytes
) -> int:
    """The CometBFT height of this key's last vote in the seals of the last headers; 0: in none."""
    for at in range(height, max(0, height - limits.GUARD_SEALS), -1):
        found = headers(at)
        if found is None or found[1] is None:
            continue
        # The seal is one that the core checked: its places are those of its set.
        _, header, commit, sealers = decode(found[1])
        for vote, (key, _) in zip(commit[3], sealers[2], strict=True):
            if vote is not None and bytes(key) == public:
                return int(header[2])
    return 0


def why_not(home: Path, member: str, public: bytes, seen: int) -> Refusal | None:
    """Why this key must not sign in this home; None where it may. `seen` is its last known vote."""
    mark, state = read_mark(home), state_height(home)
    if mark is None or state is None:
        lost = home / (MARK_NAME if mark is None else STATE)
        said = f"{lost} is gone or damaged, and with it what {member} signed"
        return Refusal(STATE_MISSING, said, _hint(home))
    if mark.public != public:
        said = f"{home / STATE} is of the votes of another key than that of {member}"
        return Refusal(STATE_FOREIGN, said, _hint(home))
    reached = max(mark.height, seen)
    if state < reached:
        said = f"{home / STATE} ends at {state:,}, but {member} signed up to {reached:,}"
        return Refusal(STATE_BEHIND, said, _hint(home))
    return None


class VoteGuard:
    """Watches one key's votes while a node runs. Any thread may call it."""

    def __init__(self, home: Path, member: str, public: bytes, seen: int) -> None:
        """`seen` is the CometBFT height of a vote that is known; the home is looked at once."""
        self._home = home
        self._member = member
        self._public = public
        self._address = validator_address(public)
        self._lock = threading.Lock()
        self.refusal = why_not(home, member, public, seen)
        mark = read_mark(home)
        self._marked = 0 if mark is None else mark.height

    def check(self, height: int, votes: Iterable[tuple[bytes, int, int]]) -> bool:
        """Whether a block of this height may be taken with these votes on the one before.

        False, once: a vote of this key is among them that the state file does not know.
        """
        with self._lock:
            if self.refusal is not None:
                return True
            state = state_height(self._home) or 0
            voted = any(address == self._address and flag in _VOTED for address, _, flag in votes)
            if not voted or state >= height - 1:
                self._follow(state)
                return True
            write_mark(self._home, Mark(self._public, height - 1))
            self.refusal = why_not(self._home, self._member, self._public, height - 1)
        return False

    def _follow(self, state: int) -> None:
        """Write in place, without waiting for the disk: a killed process loses nothing of it."""
        if state <= self._marked:
            return
        self._marked = state
        with suppress(OSError):
            descriptor = os.open(self._home / MARK_NAME, os.O_WRONLY)
            try:
                os.pwrite(descriptor, _mark_bytes(Mark(self._public, state)), 0)
            finally:
                os.close(descriptor)


def _hint(home: Path) -> str:
    return (
        "it follows without a vote; a fresh key has signed nothing: "
        f"lianheng validator rotate --home {home}"
    )


def _read(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _mark_bytes(mark: Mark) -> bytes:
    """Always as long, so that it can be written in place."""
    text = json.dumps({"key": mark.public.hex(), "height": mark.height})
    return text.ljust(_MARK_BYTES - 1).encode() + b"\n"


def _json(fields: dict[str, Any]) -> bytes:
    return (json.dumps(fields, indent=2) + "\n").encode()
