"""Starting, stopping and asking all nodes of a network at once.

Each node is a process of its own; one that fails is told by name and holds up no other.
"""

import contextlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from lianheng.cli._home import HomeFolder
from lianheng.cli._network import NetworkFolder
from lianheng.model import LianhengError, NodeError, TimedOut, limits

_POLL_SECONDS = 0.05
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Node:
    """One node as it was found: what it says, or why it says nothing."""

    name: str
    home: HomeFolder
    said: Mapping[str, Any] = field(default_factory=dict)
    failure: LianhengError | None = None

    @property
    def consensus(self) -> Mapping[str, Any]:
        """What it says about the others and its own part."""
        found: Mapping[str, Any] = self.said.get("consensus", {})
        return found

    @property
    def votes(self) -> bool:
        """Whether its vote counts now."""
        return bool(self.consensus.get("votes"))


def start_all(network: NetworkFolder) -> list[Node]:
    """Start every node that does not run; each is ready, or has its failure."""
    from lianheng import node

    def start(home: HomeFolder) -> Mapping[str, Any]:
        if runs(home):
            return {"already": True}
        started = node.start_detached(home.path)
        return {"seconds": started.seconds, "pid": started.pid, "missing": started.missing}

    return each(network.homes, start)


def runs(home: HomeFolder) -> bool:
    """Whether this home's node answers."""
    from lianheng.client import LocalClient

    try:
        LocalClient.connect(home.path).close()
    except NodeError as failure:
        if failure.code != "node.not_running":
            raise
        return False
    return True


def stop_all(homes: Sequence[HomeFolder]) -> list[Node]:
    """Stop every node that runs, all at once, within `STOP_SECONDS`."""
    from lianheng import node

    return each(homes, lambda home: {"stopped": node.stop(home.path)})


def ask_all(homes: Sequence[HomeFolder]) -> list[Node]:
    """What each node says about itself now."""
    return each(homes, ask)


def ask(home: HomeFolder) -> Mapping[str, Any]:
    """One node's status; raise what keeps it from answering."""
    from lianheng.client import LocalClient

    with LocalClient.connect(home.path) as client:
        return client.node_status(limits.CONNECT_SECONDS)


def wait_for(
    homes: Sequence[HomeFolder], what: str, reached: Callable[[Node], bool], seconds: float
) -> list[Node]:
    """Ask until all of these nodes have reached something. Raise `TimedOut` naming who has not."""
    deadline = time.monotonic() + seconds
    while True:
        nodes = ask_all(homes)
        late = [node for node in nodes if node.failure is not None or not reached(node)]
        if not late:
            return nodes
        if time.monotonic() > deadline:
            raise TimedOut(
                "network.not_reached",
                f"{', '.join(node.name for node in late)}: {what} not reached in {seconds:.0f} s",
                f"see {late[0].home.path / 'node.log'}",
            )
        time.sleep(_POLL_SECONDS)


def each(
    homes: Sequence[HomeFolder], work: Callable[[HomeFolder], Mapping[str, Any]]
) -> list[Node]:
    """The same work on all homes at once, in their order."""

    def guarded(home: HomeFolder) -> Node:
        name = home.path.resolve().name
        try:
            return Node(name, home, work(home))
        except LianhengError as failure:
            return Node(name, home, failure=failure)
        except OSError as failure:
            error = LianhengError("file.failed", f"{failure.strerror or failure}")
            return Node(name, home, failure=error)

    if not homes:
        return []
    with ThreadPoolExecutor(len(homes), "lianheng-network") as pool:
        return list(pool.map(guarded, homes))


def last_sign(home: HomeFolder) -> float:
    """When this home's files were last written, seconds since 1970; 0 where there are none."""
    return max((moment(file) for file in watched(home.path)), default=0.0)


def watched(home: Path) -> list[Path]:
    """Files that a running node writes."""
    return [
        *home.glob("node.*"),
        *home.glob("comet.log"),
        *home.glob("comet/data/*"),
        *home.glob("ledger/store/*"),
    ]


def moment(file: Path) -> float:
    """When a file was last written; 0 where it went away meanwhile."""
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def disk_bytes(home: Path) -> int:
    """What a home takes on disk."""
    total = 0
    for folder, _, names in os.walk(home):
        for name in names:
            with contextlib.suppress(OSError):  # removed meanwhile
                total += (Path(folder) / name).lstat().st_size
    return total
