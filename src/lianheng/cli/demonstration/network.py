"""The play over four organisations: each calls through its own node, and one node is killed.

Every node is a process of its own with CometBFT beside it, all on this machine. While the second
bank's validator is dead the first bank finances; the second one comes back, catches up, and is
refused by its own node.
"""

import os
import signal
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianheng.cli._home import HomeFolder
from lianheng.cli._network import NetworkFolder, create_network
from lianheng.cli._nodes import Node, start_all, stop_all, wait_for
from lianheng.cli.demonstration import play, proof
from lianheng.cli.demonstration.lines import final, left_out, read_lines, row, shortened
from lianheng.cli.demonstration.stage import (
    BANK,
    BUYER,
    CAST,
    CHAIN,
    ORGANISATIONS,
    OTHER_BANK,
    SUPPLIER,
    Stage,
    contracts,
)
from lianheng.model import LianhengError, NodeError

if TYPE_CHECKING:
    import trade_finance
    from lianheng.cli.demonstration.play import Play
    from lianheng.cli.demonstration.proof import Proof
    from lianheng.ledger import Ledger

LIMIT = (
    "sealed by more than two thirds of four validators, all on this machine: "
    "bears one lost or lying, not two"
)
_CAUGHT_UP_SECONDS = 60.0
_GONE_SECONDS = 10.0
_POLL_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Lost:
    """A validator that was killed and came back."""

    missed_blocks: int
    seconds: float
    state_root: bytes


class Silent:
    """Prints nothing: one JSON document comes in the end."""

    def read(self, reading: "trade_finance.Reading") -> None:
        """Line 1."""

    def started(self, seconds: float, version: str) -> None:
        """Line 2."""

    def confirmed(self, played: "Play", reading: "trade_finance.Reading") -> None:
        """Line 3."""

    def killed(self, pid: int) -> None:
        """Line 4."""

    def financed(self, played: "Play") -> None:
        """Line 5."""

    def revived(self, lost: Lost) -> None:
        """Line 6."""

    def refused(self, played: "Play") -> None:
        """Line 7."""

    def proved(self, proved: "Proof") -> None:
        """Line 8."""


class Shown(Silent):
    """Prints each line when it is known."""

    def read(self, reading: "trade_finance.Reading") -> None:
        """What was read, and what is wrong with what was refused."""
        read_lines(reading)

    def started(self, seconds: float, version: str) -> None:
        """Who takes part."""
        what = f"four organisations, each its validator on CometBFT {version}"
        row("2 start", what, f"{seconds:.1f} s")
        row("", ", ".join(ORGANISATIONS) + ": each calls through its own node", style="dim")

    def confirmed(self, played: "Play", reading: "trade_finance.Reading") -> None:
        """What happened while all were there."""
        import trade_finance

        claim = played.invoice.claim
        amount = trade_finance.in_words(claim.amount, claim.currency)
        row("", f"supplier registers {len(played.registered)}{left_out(reading)}", style="dim")
        row(
            "3 confirm",
            f"buyer confirms {claim.number}, {amount}",
            final(played.step("confirm")),
        )
        row("", "supplier offers it to both banks", style="dim")

    def killed(self, pid: int) -> None:
        """Who is gone."""
        row("4 kill -9", f"{OTHER_BANK}'s validator, process {pid}: 3 of 4 vote", style="red")

    def financed(self, played: "Play") -> None:
        """That the chain went on."""
        row("5 finance", f"the chain goes on: {BANK} finances it", final(played.step("finance")))

    def revived(self, lost: Lost) -> None:
        """That nothing was lost."""
        from lianheng.cli._print import counted, short_hash

        text = f"{OTHER_BANK}'s is back with the {counted(lost.missed_blocks, 'block')} it missed"
        row("6 revive", text, f"{lost.seconds:.1f} s")
        row("", f"state {short_hash(lost.state_root)} on 4 of 4 nodes", style="dim")

    def refused(self, played: "Play") -> None:
        """What its own node says to the second bank."""
        error = played.step("refused").result.error
        if error is not None:
            rule = f"{error.code} {error.reason or ''}".strip()
            text = f"{OTHER_BANK}, by its own node: {rule}"
            row("7 refused", text, error.place or "", style="bold red")
            row("", f'"{shortened(error.message)}", state unchanged', style="dim")

    def proved(self, proved: "Proof") -> None:
        """What the separate program said."""
        count = len(proved.receipts)
        row(
            "8 verify",
            f"separate program verifies {count} of {count} receipts against the genesis; "
            "one byte changed: refused",
        )


def perform(
    folder: Path, reading: "trade_finance.Reading", show: Silent
) -> tuple["Play", "Proof", dict[str, Any]]:
    """Plays it in this folder; nothing that it started is left running."""
    network, _ = create_network(
        folder, organisations=ORGANISATIONS, chain=CHAIN, roles=CAST, contracts=contracts()
    )
    (folder / "receipts").mkdir()
    (folder / "genesis.cbor").write_bytes(network.homes[0].genesis_file.read_bytes())
    began = time.perf_counter()
    try:
        nodes = start(network)
        seconds = time.perf_counter() - began
        show.started(seconds, nodes[0].consensus["cometbft"]["version"])
        with ExitStack() as open_clients:
            stage = connect(network, open_clients)
            played = play.begin(stage, reading)
            show.confirmed(played, reading)
        lost = act_without_other_bank(network, played, show)
        with ExitStack() as open_clients:
            stage = connect(network, open_clients)
            play.finance(stage, played, OTHER_BANK)
            show.refused(played)
            proved = proof.verify(stage, proof.export_receipts(stage, played))
            show.proved(proved)
            height = stage.ledger(SUPPLIER).height
    finally:
        end(network.homes)
    told = {
        "blocks": height,
        "limit": LIMIT,
        "network": {
            "organisations": list(ORGANISATIONS),
            "start_seconds": round(seconds, 3),
            "killed": OTHER_BANK,
            "missed_blocks": lost.missed_blocks,
            "caught_up_seconds": round(lost.seconds, 3),
            "state_root": lost.state_root,
        },
    }
    return played, proved, told


def start(network: NetworkFolder) -> list[Node]:
    """All nodes, and the first block; raise what kept one from starting."""
    for node in start_all(network):
        if node.failure is not None:
            raise node.failure
    return wait_for(
        network.homes,
        "the first block",
        lambda node: int(node.consensus.get("height", 0)) > 0,
        _CAUGHT_UP_SECONDS,
    )


def connect(network: NetworkFolder, open_clients: ExitStack) -> Stage:
    """Each organisation at its own node, with its own key."""
    from lianheng.client import LocalClient

    ledgers: dict[str, Ledger] = {}
    cast = {}
    for name in network.nodes:
        home = network.home(name)
        ledgers[name] = open_clients.enter_context(LocalClient.connect(home.path))
        for member in home.members():
            cast[member] = home.identity(member, None)
    return Stage(network.path, ledgers, cast)


def act_without_other_bank(network: NetworkFolder, played: "Play", show: Silent) -> Lost:
    """The other bank's validator dies, the first bank finances, the validator comes back."""
    from lianheng.client import LocalClient

    home = network.home(OTHER_BANK)
    others = [each for each in network.homes if each.path != home.path]
    with LocalClient.connect(home.path) as ledger:
        last = ledger.height
    show.killed(kill(home))
    with ExitStack() as open_clients:
        alive = NetworkFolder(network.path, network.chain, network.genesis, (SUPPLIER, BUYER, BANK))
        stage = connect(alive, open_clients)
        play.finance(stage, played, BANK).checked()
        show.financed(played)
    lost = revive(home, others, last)
    show.revived(lost)
    return lost


def kill(home: HomeFolder) -> int:
    """End a node at once, with its CometBFT; returns once it is gone."""
    from lianheng.client import Home

    record = Home(home.path).node_record()
    if record is None:
        raise NodeError("demo.not_running", f"no node runs in {home.path}")
    os.kill(record.pid, signal.SIGKILL)
    deadline = time.monotonic() + _GONE_SECONDS
    while alive(record.pid) and time.monotonic() < deadline:
        time.sleep(_POLL_SECONDS)
    return record.pid


def alive(pid: int) -> bool:
    """Whether a process runs; one that nobody collected yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def revive(home: HomeFolder, others: Sequence[HomeFolder], last: int) -> Lost:
    """Start the node again; returns once it has what the others have. It knew `last` blocks."""
    from lianheng import node
    from lianheng.client import LocalClient

    began = time.perf_counter()
    node.start_detached(home.path)
    with LocalClient.connect(others[0].path) as ledger:
        height = ledger.height
    nodes = wait_for(
        [*others, home],
        f"height {height}",
        lambda each: int(each.said["height"]) >= height and each.votes,
        _CAUGHT_UP_SECONDS,
    )
    roots = {bytes(each.said["state_root"]) for each in nodes}
    if len(roots) != 1:
        raise LianhengError(
            "demo.roots_differ",
            f"after block {height} the nodes' state roots differ",
            "this is a defect; please report it with the folders of: "
            "lianheng demo network --keep DIR",
        )
    return Lost(height - last, time.perf_counter() - began, roots.pop())


def end(homes: Sequence[HomeFolder]) -> None:
    """Stop what runs; what does not stop is killed."""
    for node in stop_all(homes):
        if node.failure is not None:
            kill(node.home)
