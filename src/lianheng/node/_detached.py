"""Starting a node in the background and stopping it."""

import contextlib
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lianheng.client import Home, LocalClient
from lianheng.members import Passphrase, resolve_passphrase
from lianheng.model import Height, LedgerError, LianhengError, NodeError, error_for, limits
from lianheng.node._keys import needs_passphrase

_POLL_SECONDS = 0.02
# A burst of calls leaves free memory behind, which the allocators of C and of the core would keep
# for the next one. Large blocks are given back at once, the core's after some ms. What is set
# already stays.
_ALLOCATORS = {
    "MALLOC_MMAP_THRESHOLD_": "65536",
    "MALLOC_TRIM_THRESHOLD_": "131072",
    "MIMALLOC_PURGE_DELAY": "10",
}


@dataclass(frozen=True, slots=True)
class Started:
    """A node that is ready. `missing` says what it still lacks, as other validators."""

    pid: int
    height: Height
    seconds: float
    missing: str = ""


def start_detached(
    folder: Path, *, passphrase: Passphrase = None, timeout: float = limits.START_SECONDS
) -> Started:
    """Start a node that outlives this process; returns once it is ready.

    Raise what kept it from starting, as the node itself would. Its log is HOME/node.log.
    """
    home = Home(folder)
    secret = resolve_passphrase(passphrase) if needs_passphrase(home) else None
    started = time.monotonic()
    reading, writing = os.pipe()
    with home.log_file.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "lianheng.node", str(home.path.resolve()), str(writing)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            pass_fds=(writing,),
            env={**_ALLOCATORS, **os.environ},
            start_new_session=True,
        )
    os.close(writing)
    try:
        if process.stdin is not None:
            # A node that ended before it read this has told why, or left it in its log.
            with contextlib.suppress(BrokenPipeError), process.stdin:
                process.stdin.write(secret or b"")
        message = _read_message(reading, timeout)
    except BaseException:
        process.kill()
        process.wait()
        raise
    finally:
        os.close(reading)
    # The node goes on by itself; init or this process's end collects it, not this object.
    process.returncode = process.returncode if process.poll() is not None else 0
    if message.get("ready") is True:
        height = Height(int(message["height"]))
        missing = str(message.get("missing", ""))
        return Started(process.pid, height, time.monotonic() - started, missing)
    raise error_for(
        str(message.get("code", "node.not_started")),
        str(message.get("message", f"the node ended; see {home.log_file}")),
        str(message.get("hint", f"see {home.log_file}")),
    )


def stop(folder: Path, timeout: float = limits.STOP_SECONDS) -> bool:
    """Stop the node of this home; returns once it has ended, false where none ran.

    Raise `NodeError` (`node.not_stopped`) where it does not end in time.
    """
    home = Home(folder)
    try:
        client = LocalClient.connect(home)
    except NodeError as failure:
        if failure.code != "node.not_running":
            raise
        return False
    with client:
        pid = client.node_pid
        client.stop_node(timeout)
    deadline = time.monotonic() + timeout
    while _alive(pid):
        if time.monotonic() > deadline:
            raise NodeError(
                "node.not_stopped",
                f"process {pid} still runs after {timeout:.0f} s",
                f"see {home.log_file}",
            )
        time.sleep(_POLL_SECONDS)
    return True


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if _has_ended(pid):
        return False
    # A child of this very process stays as a zombie until it is collected.
    try:
        collected, _ = os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return True
    return collected == 0


def _has_ended(pid: int) -> bool:
    """Whether a process is but an entry that nobody collected yet, which some systems take long to.

    False where the system does not tell.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    # The name before it is in brackets, and may hold anything.
    return fields.rpartition(")")[2].split()[:1] == ["Z"]


def _read_message(descriptor: int, timeout: float) -> dict[str, Any]:
    import select

    data = b""
    deadline = time.monotonic() + timeout
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            raise LedgerError(
                "node.slow_start", f"the node is not ready after {timeout:.0f} s", "see its log"
            )
        part = os.read(descriptor, 65_536)
        if not part:
            break
        data += part
    try:
        message = json.loads(data) if data else {}
    except ValueError:
        message = {}
    return message if isinstance(message, dict) else {}


def report_ready(descriptor: int, height: Height, missing: str) -> None:
    """Tell the process that started this node that it is ready, and what it still lacks."""
    _report(descriptor, {"ready": True, "height": height, "missing": missing})


def report_failure(descriptor: int, failure: LianhengError) -> None:
    """Tell the process that started this node why it cannot run."""
    _report(
        descriptor,
        {"code": failure.code, "message": failure.message, "hint": failure.hint},
    )


def _report(descriptor: int, message: dict[str, Any]) -> None:
    try:
        os.write(descriptor, json.dumps(message).encode())
    except BrokenPipeError:
        # The starter gave up or was ended; the node runs on all the same.
        pass
    finally:
        os.close(descriptor)
