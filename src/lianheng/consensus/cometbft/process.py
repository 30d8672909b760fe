"""CometBFT as a supervised child: found, checked, started, watched, started again, stopped.

One thread belongs to each `CometProcess`: it starts the child, reads what it prints and waits for
its end. Rules:

- The child dies with this process, even by `kill -9` (the kernel's death signal, which belongs to
  the thread that started it), and by itself when its connection to the application is lost.
- A child that fails is started again, ever more slowly; one that fails too often, or in a way that
  no start can heal, is given up: `on_exit` gets the error with the child's own words.
- An old child that still holds the databases, because its parent was killed a moment ago, is
  waited for.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO, Any

import structlog

from lianheng.consensus.cometbft import _child, _version
from lianheng.consensus.cometbft._watch import CometEvent, LineWatch, LogFile
from lianheng.consensus.cometbft.settings import ConsensusSettings
from lianheng.model import LianhengError, NodeError, limits

__all__ = ["CometEvent", "CometProcess", "check_version", "find_binary"]

Log = structlog.typing.FilteringBoundLogger

VARIABLE = "LIANHENG_COMETBFT"
PROGRAM = "cometbft"
_PIPE_BYTES = 1_048_576
# Its heap grows by half before it is collected, not to the double: a third less memory for some
# processor time. Whoever sets GOGC for the node decides otherwise.
_COLLECT_AT_PERCENT = "50"
_INSTALL = f"install it: make cometbft (needs Go), or name the program: {VARIABLE}=<path>"

_HINTS: Mapping[str, str] = {
    "app_hash": "this node's state is not the chain's; run lianheng fsck on it and keep the folder",
    "consensus_failure": "see comet.log; nothing that was final is lost",
    "address_in_use": "stop what listens there, or name another address under listen",
    "locked": "another CometBFT runs on this folder; stop it",
    "store_behind": "CometBFT's folder is older than the ledger: restore comet/ from this disk",
    "store_pruned": "the blocks that this ledger lacks are gone here; copy the ledger of a peer",
    "double_sign": "another process votes with this key: find and stop it before anything else",
}


class CometProcess:
    """One CometBFT. `start` returns at once; `stop` when it has ended."""

    def __init__(
        self,
        binary: Path,
        home: Path,
        log_file: Path,
        log: Log,
        on_exit: Callable[[LianhengError], None],
        *,
        rpc: Path | None = None,
        on_event: Callable[[CometEvent], None] = lambda _: None,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        """`rpc` is CometBFT's socket: what a killed child left of it is removed at each start.

        `prepare` is called before each start of a child, on the supervising thread.

        `on_exit` is called at most once, when the child is given up, and `on_event` for what it
        tells, both on the supervising thread; neither is after `stop` began.
        """
        self._binary = binary
        self._home = home
        self._log_file = LogFile(log_file)
        self._log = log
        self._on_exit = on_exit
        self._rpc = rpc
        self._on_event = on_event
        self._prepare = prepare
        self._renewing = threading.Event()
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._starts = 0
        self._failure: LianhengError | None = None

    @property
    def pid(self) -> int | None:
        """The child's, while there is one."""
        child = self._child
        return None if child is None else child.pid

    def start(self) -> None:
        """Start and supervise. Raise `NodeError` where it was started before."""
        with self._lock:
            if self._thread is not None:
                raise NodeError("cometbft.started", "this CometBFT was started already")
            # Not from the caller's thread: the death signal comes when the starting thread ends.
            self._thread = threading.Thread(
                target=self._supervise, name="lianheng-comet", daemon=True
            )
            self._thread.start()

    def stop(self, seconds: float = limits.COMET_STOP_SECONDS) -> None:
        """End the child and its supervision; what does not end in time is killed."""
        self._stopping.set()
        thread = self._thread
        if thread is None:
            return
        with self._lock:
            child = self._child
            if child is not None:
                child.terminate()
        if thread is threading.current_thread():
            return
        thread.join(seconds)
        if thread.is_alive():
            self._log.warning("CometBFT killed", after_seconds=seconds)
            with self._lock:
                if self._child is not None:
                    self._child.kill()
            thread.join()

    def renew(self) -> None:
        """End the child at once and have another one started; returns when the old one is gone.

        Nothing that it was about to say is said any more.
        """
        with self._lock:
            child = self._child
            if child is None:
                return
            self._renewing.set()
            child.kill()
        child.wait()

    def status(self) -> Mapping[str, Any]:
        """Its process id, how often it was started, and why it was given up."""
        return {
            "pid": self.pid,
            "starts": self._starts,
            "failure": None if self._failure is None else str(self._failure),
        }

    def _supervise(self) -> None:
        try:
            failure = self._run_until_given_up()
        except Exception as error:  # noqa: BLE001 - a thread that ends must say so
            failure = NodeError("cometbft.not_started", f"CometBFT cannot be started: {error}")
            failure.__cause__ = error
        finally:
            self._log_file.close()
        if failure is not None and not self._stopping.is_set():
            self._failure = failure
            self._log.error("CometBFT given up", code=failure.code, reason=failure.message)
            self._on_exit(failure)

    def _run_until_given_up(self) -> LianhengError | None:
        """Start it again and again; None once `stop` was called."""
        failures: deque[float] = deque(maxlen=limits.COMET_FAILURES)
        locked_since: float | None = None
        pause = limits.COMET_RESTART_FIRST_SECONDS
        while not self._stopping.is_set():
            started = time.monotonic()
            code, watch = self._run_once()
            now = time.monotonic()
            if self._stopping.is_set():
                return None
            if self._renewing.is_set():
                self._renewing.clear()
                continue
            cause = watch.cause
            self._log.warning(
                "CometBFT ended", exit_code=code, cause=None if cause is None else cause.message
            )
            if cause is not None and cause.kind == "locked":
                locked_since = locked_since or started
                if now - locked_since > limits.COMET_LOCK_WAIT_SECONDS:
                    return _given_up(code, watch, 1)
            elif cause is not None and cause.fatal:
                return _given_up(code, watch, 1)
            else:
                locked_since = None
                failures.append(now)
                if now - started > limits.COMET_FAILURE_WINDOW_SECONDS:
                    pause = limits.COMET_RESTART_FIRST_SECONDS
                full = len(failures) == limits.COMET_FAILURES
                if full and now - failures[0] <= limits.COMET_FAILURE_WINDOW_SECONDS:
                    return _given_up(code, watch, len(failures))
            self._stopping.wait(pause)
            pause = min(2 * pause, limits.COMET_RESTART_LONGEST_SECONDS)
        return None

    def _run_once(self) -> tuple[int, LineWatch]:
        """One child from its start to its end: its exit code and what it told."""
        if self._rpc is not None:
            self._rpc.unlink(missing_ok=True)
        self._prepare()
        watch = LineWatch(self._log_file, self._take_event)
        with self._lock:
            if self._stopping.is_set():
                return 0, watch
            child = self._child = _start_child(self._binary, self._home)
        self._starts += 1
        self._log.info("CometBFT started", pid=child.pid)
        try:
            if child.stdout is not None:
                with child.stdout as output:
                    _read_lines(output, watch)
            code = child.wait()
        finally:
            # Reached with a living child only where reading it failed.
            if child.poll() is None:
                child.kill()
                child.wait()
            with self._lock:
                self._child = None
        return code, watch

    def _take_event(self, event: CometEvent) -> None:
        if self._stopping.is_set():
            return
        say = self._log.error if event.fatal else self._log.warning
        say("CometBFT tells", kind=event.kind, said=event.message, **event.details)
        if event.fatal:
            # CometBFT stays after some of these, with its consensus at rest for ever.
            self._end_child()
        elif event.kind == "application_lost":
            self._end_child()
        self._on_event(event)

    def _end_child(self) -> None:
        """Let it end; kill it where it does not."""
        child = self._child
        if child is not None:
            child.terminate()
            timer = threading.Timer(limits.COMET_STOP_SECONDS, _kill, (child,))
            timer.daemon = True
            timer.start()


def _kill(child: "subprocess.Popen[bytes]") -> None:
    if child.poll() is None:
        child.kill()


def _start_child(binary: Path, home: Path) -> "subprocess.Popen[bytes]":
    command = [
        *(sys.executable, "-I", "-S", _child.__file__, str(os.getpid())),
        *(str(binary), "start", "--home", str(home)),
    ]
    # CometBFT takes settings from variables as well; ours are in its file alone.
    environment = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("CMT", "TMHOME", "TM_"))
    }
    environment.setdefault("GOGC", _COLLECT_AT_PERCENT)
    child = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=environment,
        # An interrupt from the terminal is for the node, which stops its child in order.
        process_group=0,
    )
    if child.stdout is not None:
        # A pipe that is full would hold consensus up while this process is busy.
        with contextlib.suppress(OSError, ImportError, AttributeError):
            import fcntl

            fcntl.fcntl(child.stdout.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return child


def _read_lines(output: IO[bytes], watch: LineWatch) -> None:
    while line := output.readline(limits.COMET_LOG_LINE_BYTES):
        watch.take(line)


def _given_up(code: int, watch: LineWatch, failures: int) -> NodeError:
    cause = watch.cause
    words = cause.message if cause is not None else next(reversed(watch.last_lines), "no word")
    often = f"{failures} times within {limits.COMET_FAILURE_WINDOW_SECONDS:.0f} s, " * (
        failures > 1
    )
    kind = "failed" if cause is None else cause.kind
    return NodeError(
        f"cometbft.{kind}",
        f"CometBFT ended {often}with code {code}: {words}",
        _HINTS.get(kind, "its last words are in comet.log"),
        last_lines=list(watch.last_lines),
        **({} if cause is None else cause.details),
    )


def find_binary(settings: ConsensusSettings | None = None) -> Path:
    """The program: named in lianheng.toml, by LIANHENG_COMETBFT, beside Python's, or on PATH.

    Raise `NodeError` (`cometbft.missing`) with what to do. One that is named must be there.
    """
    named = [
        ("lianheng.toml names", None if settings is None else settings.cometbft),
        (f"{VARIABLE} names", _variable()),
    ]
    for who, path in named:
        if path is not None:
            if not _executable(path):
                raise NodeError("cometbft.missing", f"{who} {path}, which is no program", _INSTALL)
            return path
    # Not resolved: the Python of a virtual environment is a link out of it.
    beside = Path(sys.executable).parent / PROGRAM
    if _executable(beside):
        return beside
    found = shutil.which(PROGRAM)
    if found is None:
        raise NodeError(
            "cometbft.missing",
            f"CometBFT {_version.VERSION} is neither beside {sys.executable} nor on PATH",
            _INSTALL,
        )
    return Path(found)


def check_version(binary: Path) -> str:
    """The version this program was built from. Raise `NodeError` where it is not ours."""
    try:
        version = _version.built_version(binary)
    except (OSError, subprocess.SubprocessError) as failure:
        raise NodeError(
            "cometbft.missing", f"{binary} cannot be read: {failure}", _INSTALL
        ) from failure
    if version != _version.VERSION:
        found = "not CometBFT, or built from a changed checkout" if version is None else version
        raise NodeError(
            "cometbft.wrong_version",
            f"{binary} is {found}; this node needs {_version.VERSION}",
            _INSTALL,
        )
    return version


def _variable() -> Path | None:
    value = os.environ.get(VARIABLE)
    return Path(value) if value else None


def _executable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
