"""A validator whose result differs from the chain's: what differs, and that it stays stopped.

The chain's result is that of more than two thirds, so this node's is wrong or those are. It must
not run on, and not start again as if nothing had been: a marker in its home keeps it down with the
same words until its operator acts.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lianheng.client import Home, LocalClient
from lianheng.model import Block, Damaged, LianhengError, Result

if TYPE_CHECKING:
    from lianheng.ledger import Ledger

CODE = "chain.diverged"
HINT = (
    "keep this folder for the inquiry; then, from the chain's own blocks: "
    "lianheng doctor --rebuild --home {home}; or restore a backup"
)
# Header parts in the order of what causes what.
_PARTS = (
    "consensus_height",
    "time",
    "rules",
    "sealers_hash",
    "history_root",
    "entries_root",
    "state_root",
    "replay_root",
)


@dataclass(frozen=True, slots=True)
class Difference:
    """The first block in which two nodes differ."""

    height: int
    ours: str
    theirs: str
    what: str


def diverged(home: Home, height: int, ours: str, chains: str, found: str) -> Damaged:
    """The error of a node that left the chain. Hashes are hexadecimal; `found` is a sentence."""
    return Damaged(
        CODE,
        f"this node's result at height {height:,} is not the chain's: header {ours} here, "
        f"{chains} there. {found}",
        HINT.format(home=home.path),
        height=height,
        ours=ours,
        theirs=chains,
    )


def write_marker(home: Home, failure: LianhengError) -> None:
    """Keep this node from starting again; the first reason stays."""
    if home.diverged_file.exists():
        return
    fields = {"code": failure.code, "message": failure.message, "hint": failure.hint}
    temporary = home.diverged_file.with_suffix(".new")
    temporary.write_text(json.dumps(fields, indent=2) + "\n", encoding="utf-8")
    temporary.replace(home.diverged_file)


def check_marker(home: Home) -> None:
    """Raise what stopped this node, where it left the chain and nobody acted since."""
    try:
        fields = json.loads(home.diverged_file.read_text(encoding="utf-8"))
        message, hint = str(fields["message"]), str(fields["hint"])
    except FileNotFoundError:
        return
    except (OSError, ValueError, KeyError, TypeError):
        message = f"{home.diverged_file} says so, and is not readable"
        hint = HINT.format(home=home.path)
    raise Damaged(CODE, message, hint)


def compare(ours: "Ledger", siblings: Sequence[Path]) -> Difference | None:
    """The first difference to the first sibling that answers and has one."""
    for folder in siblings:
        try:
            with LocalClient.connect(folder) as theirs:
                if theirs.genesis_hash != ours.genesis_hash:
                    continue
                difference = first_difference(ours, theirs)
        except LianhengError:
            continue  # stopped as well, or no home at all
        if difference is not None:
            return difference
    return None


def first_difference(ours: "Ledger", theirs: "Ledger") -> Difference | None:
    """The first block that differs. Headers chain, so all after it differ as well."""
    low, high = 0, int(min(ours.height, theirs.height))
    if high == 0 or ours.block(high).header.hash == theirs.block(high).header.hash:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if ours.block(middle).header.hash == theirs.block(middle).header.hash:
            low = middle
        else:
            high = middle
    mine, other = ours.block(high), theirs.block(high)
    return Difference(high, mine.header.hash.hex(), other.header.hash.hex(), describe(mine, other))


def describe(mine: Block, other: Block) -> str:
    """What differs between two blocks of one height, in words."""
    parts = [part for part in _PARTS if getattr(mine.header, part) != getattr(other.header, part)]
    text = f"They differ in {', '.join(part.replace('_', ' ') for part in parts) or 'nothing'}"
    position = first_entry(mine, other)
    if position is None:
        return f"{text}; all transactions ended alike"
    return f"{text}; first in transaction {position}: {entry_text(mine, other, position)}"


def first_entry(mine: Block, other: Block) -> int | None:
    """Position of the first entry that differs."""
    for position in range(max(len(mine), len(other))):
        if position >= min(len(mine), len(other)):
            return position
        if mine.encoded_entry(position) != other.encoded_entry(position):
            return position
    return None


def entry_text(mine: Block, other: Block, position: int) -> str:
    """How it ended here and there."""
    texts = []
    for block, where in ((mine, "here"), (other, "there")):
        if position >= len(block):
            texts.append(f"{where}: none")
            continue
        texts.append(f"{where}: {named(block, position)} {ending(block.result(position))}")
    return "; ".join(texts)


def named(block: Block, position: int) -> str:
    """The transaction, or the timer."""
    if position < block.runs:
        run = block.run(position)
        return f"timer {run.number} of {run.target}"
    return block.entry(position).id.hex()


def ending(result: Result) -> str:
    """How a transaction ended, with its gas: what differs may be no more than that."""
    error = result.error
    how = "is final" if error is None else f"is refused, {error.code}"
    return f"{how}, {result.gas:,} gas"
