"""Where the parts of a home folder lie that a node and its clients share.

HOME/ledger/                   the ledger
HOME/node.sock, node.json      while a node runs
HOME/node.log                  log of a detached node

and, where the node is a validator,

HOME/lianheng.toml             its settings
HOME/node.identity             its key: it signs envelopes and votes
HOME/comet/                    what CometBFT keeps; comet.log is its log
HOME/diverged.json             why it may not run, where it left the chain
"""

import json
from dataclasses import dataclass
from pathlib import Path

from lianheng.model import NodeError

_NODE_FIELDS = frozenset({"pid", "socket", "started_ms", "version"})


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """What a running node says about itself in node.json."""

    pid: int
    socket: Path
    started_ms: int
    version: str


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one home folder."""

    path: Path

    @property
    def ledger(self) -> Path:
        """Folder of the ledger."""
        return self.path / "ledger"

    @property
    def socket(self) -> Path:
        """Where the node's socket lies unless the path is too long for one."""
        return self.path / "node.sock"

    @property
    def node_file(self) -> Path:
        """Where a running node says which process it is."""
        return self.path / "node.json"

    @property
    def log_file(self) -> Path:
        """Log of a detached node."""
        return self.path / "node.log"

    @property
    def settings_file(self) -> Path:
        """Which chain this is and, for a validator, how it reaches the others."""
        return self.path / "lianheng.toml"

    @property
    def node_identity(self) -> Path:
        """The key of a validator's node."""
        return self.path / "node.identity"

    @property
    def comet(self) -> Path:
        """CometBFT's own folder."""
        return self.path / "comet"

    @property
    def comet_log_file(self) -> Path:
        """What CometBFT says."""
        return self.path / "comet.log"

    @property
    def diverged_file(self) -> Path:
        """Where a validator that left the chain wrote why."""
        return self.path / "diverged.json"

    def node_record(self) -> NodeRecord | None:
        """What the node that runs, or ran last, wrote; None where there is nothing readable."""
        try:
            fields = json.loads(self.node_file.read_text(encoding="utf-8"))
            if not isinstance(fields, dict) or set(fields) != _NODE_FIELDS:
                return None
            return NodeRecord(
                int(fields["pid"]),
                Path(fields["socket"]),
                int(fields["started_ms"]),
                str(fields["version"]),
            )
        except (OSError, ValueError, TypeError):
            # A node that was killed while it wrote leaves this; the next one writes it anew.
            return None


def not_running(home: Home, failure: BaseException) -> NodeError:
    """The error for a home without a running node."""
    error = NodeError(
        "node.not_running", f"no node runs for {home.path}", "start one with lianheng up"
    )
    error.__cause__ = failure
    return error
