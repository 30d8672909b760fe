"""The last scene about agreement: a validator gets a fresh key on a network of processes.

One command in its own home; the others need do nothing. A receipt from behind the change is checked
from the genesis by the separate program.
"""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from lianheng.cli.demonstration.proof import last_line, run_verifier
from lianheng.model import LianhengError, TimedOut, decode

if TYPE_CHECKING:
    from lianheng.cli._network import NetworkFolder
    from lianheng.ledger import Ledger
    from lianheng.members import Identity
    from lianheng.model import TransactionId

VOTER, WITNESS = "hospital", "bank-a"
SECONDS = 30.0
_FOR_BLOCK = 2


class Rotated(NamedTuple):
    """What happened: from which height the fresh key votes, and how long that took."""

    height: int
    seconds: float
    last: "TransactionId"


def perform(
    network: "NetworkFolder",
    ledger: "Ledger",
    clerk: "Identity",
    target: str,
    steps: list[dict[str, Any]],
    tell: Any,
) -> None:
    """Play it on this network, seen from the witness's node; notes the figures."""
    found = rotate(ledger, network.home(VOTER).path, clerk, target)
    receipt = network.path / "rotated.receipt"
    receipt.write_bytes(ledger.receipt(found.last))
    verdict = run_verifier([receipt], network.home(WITNESS).genesis_file)
    if verdict.returncode != 0:
        raise LianhengError("demo.not_verified", f"refused: {last_line(verdict)}")
    tell("9 rotate", f"{VOTER}'s validator gets a fresh key, four nodes go on", took(found.seconds))
    told = f"it votes from height {found.height} on; a receipt behind it verifies from the genesis"
    tell("", told, style="dim")
    seconds = round(found.seconds, 3)
    steps.append({"step": "rotate", "height": found.height, "seconds": seconds})


def leave_out(steps: list[dict[str, Any]], tell: Any) -> None:
    """Say that there is no network to play it on."""
    tell("9 rotate", "left out: CometBFT is not installed", style="yellow")
    tell("", "make demo ARGS=governance builds it", style="dim")
    steps.append({"step": "rotate", "left_out": "cometbft.missing"})


def took(seconds: float) -> str:
    """`1.4 s`."""
    return f"{seconds:.1f} s"


def rotate(ledger: "Ledger", home: Path, clerk: "Identity", target: str) -> Rotated:
    """The fresh key, put in force by the old one; calls are made until it votes."""
    from lianheng.cli._node_home import next_key
    from lianheng.cli.validator import rotation

    began = time.perf_counter()
    current, fresh = next_key(home)
    arguments = rotation(ledger, current, fresh)
    ledger.submit(ledger.sign(current, "members.rotate_key", arguments)).one().checked()
    while time.perf_counter() - began < SECONDS:
        signed = ledger.sign(clerk, target, {"id": f"crane-{ledger.height}"})
        last = signed.id(ledger.genesis_hash)
        ledger.submit(signed).one().checked()
        height = first_signed(ledger, fresh.public)
        if height is not None:
            return Rotated(height, time.perf_counter() - began, last)
    raise TimedOut("demo.no_vote", f"the fresh key does not vote within {SECONDS:.0f} s")


def first_signed(ledger: "Ledger", public: bytes) -> int | None:
    """The last header that is sealed, where this key's vote is part of the seal."""
    for height in range(ledger.height, 0, -1):
        found = ledger.backend.header(height)
        if found is None or found[1] is None:
            continue
        _, _, commit, sealers = decode(found[1])
        votes = zip(commit[3], sealers[2], strict=True)
        voted = [bytes(key) for vote, (key, _) in votes if vote and vote[0] == _FOR_BLOCK]
        return height if public in voted else None
    return None
