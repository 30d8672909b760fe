"""Deriving a home's state anew: from its own block log, or in a network from the chain's blocks.

A validator's ledger can be made again from nothing, because CometBFT keeps every block that was
decided and replays them at the next start. What it signed is not touched: a validator that forgot
that could sign twice.
"""

import shutil
import subprocess
import time
from pathlib import Path

from lianheng.client import Home
from lianheng.consensus import create_ledger, open_engine, open_ledger
from lianheng.members import Genesis
from lianheng.model import QUORUM, GenesisFile, NodeError, UsageError
from lianheng.node._keys import consensus_kind

_ROLLBACK_SECONDS = 60.0


def rebuild(folder: Path) -> Path | None:
    """Make the state of a stopped node anew. In a network gives where the old ledger lies now.

    Raise `Held` where the node runs, `UsageError` where the blocks are not all kept.
    """
    home = Home(folder)
    if consensus_kind(home) != QUORUM:
        open_ledger(home.ledger, rebuild=True).close()
        return None
    from lianheng.consensus.cometbft.process import find_binary
    from lianheng.consensus.cometbft.settings import read_settings

    settings = read_settings(home.settings_file)
    if settings.retain_blocks:
        raise UsageError(
            "consensus.blocks_removed",
            f"{home.path} keeps the last {settings.retain_blocks:,} blocks only, not all",
            "copy the folder ledger/ of a stopped node whose state is the chain's",
        )
    genesis = GenesisFile.from_bytes((home.path / "genesis.cbor").read_bytes())
    old = home.ledger.with_name(f"ledger.{time.strftime('%Y%m%d-%H%M%S')}")
    # Opening it first: the ledger of a node that runs is not moved away below it.
    open_engine(home.ledger).close()
    home.ledger.rename(old)
    try:
        create_ledger(home.ledger, Genesis(genesis.document)).close()
        if home.diverged_file.exists():
            _forget_result(find_binary(settings), home.comet)
    except BaseException:
        shutil.rmtree(home.ledger, ignore_errors=True)
        old.rename(home.ledger)
        raise
    home.diverged_file.unlink(missing_ok=True)
    return old


def _forget_result(binary: Path, comet: Path) -> None:
    """Let CometBFT ask for the last block's result again: it kept the one that was wrong."""
    done = subprocess.run(
        [str(binary), "rollback", "--home", str(comet)],
        capture_output=True,
        text=True,
        check=False,
        timeout=_ROLLBACK_SECONDS,
    )
    if done.returncode:
        said = (done.stderr + done.stdout).strip().splitlines()
        raise NodeError(
            "cometbft.rollback",
            f"CometBFT cannot go back by one block: {said[-1] if said else 'no word'}",
            "restore the folders ledger/ and comet/ of this node from one backup",
        )
