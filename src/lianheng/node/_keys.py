"""Who orders the calls of a home, how much memory it may take, and its node's key."""

from pathlib import Path

from lianheng.client import Home
from lianheng.consensus import SEALER_NAME
from lianheng.members import is_development
from lianheng.model import SOLO, limits


def consensus_kind(home: Home) -> str:
    """`solo` or `cometbft`. Raise `UsageError` where lianheng.toml is not readable."""
    if not home.settings_file.is_file():
        return SOLO
    # Only here: reading TOML is not free, and an embedded ledger has no need for it.
    from lianheng.consensus.cometbft.settings import read_kind

    return read_kind(home.settings_file)


def cache_mb(home: Home) -> int:
    """Memory of this home's ledger at rest, MB. Raise `UsageError` as `consensus_kind`."""
    if not home.settings_file.is_file():
        return limits.CACHE_MB
    from lianheng.consensus.cometbft.settings import read_cache_mb

    return read_cache_mb(home.settings_file)


def key_file(home: Home) -> Path:
    """Where the key of this home's node lies."""
    own = home.node_identity
    return own if own.exists() else home.ledger / SEALER_NAME


def needs_passphrase(home: Home) -> bool:
    """Whether starting the node needs the passphrase of its key."""
    file = key_file(home)
    return file.exists() and not is_development(file)
