"""`lianheng doctor`: is this machine, and this home, fit to run; and if not, what to do."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianheng.cli._options import Home, Json

if TYPE_CHECKING:
    from lianheng.consensus.cometbft.settings import ConsensusSettings

PYTHON = (3, 11)
DISK_WANTED_BYTES = 2_000_000_000  # a day of full blocks is more; below this an operator must act
SYNC_SLOW_MS = 20.0  # an fsync slower than this bounds a lone call's time
SYNC_TRIES = 20
SECRET_MODE = 0o077
GO_SECONDS = 10.0
EARLIEST_CLOCK = 1_735_689_600  # 2025-01-01: a clock before this program was written is wrong


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `advice` is empty where nothing needs doing."""

    what: str
    passed: bool
    found: str
    advice: str = ""


def doctor(
    home: Home = None,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Make a stopped node's state anew from the blocks.")
    ] = False,
    json: Json = False,
) -> None:
    """Check disk, clock, versions, the ledger's lock and the keys; say what to do."""
    from lianheng.cli._print import console, emit, line

    if rebuild:
        from lianheng.cli import _rebuild

        _rebuild.rebuild(home, json=json)
        return
    findings = list(examine(home))
    if json:
        emit({"findings": [asdict(finding) for finding in findings]})
    else:
        for finding in findings:
            style = "bold green" if finding.passed else "bold red"
            word = "passed" if finding.passed else "FAILED"
            line(word, finding.what.ljust(8), finding.found, style=style)
            if finding.advice:
                console().print(f"          {finding.advice}", style="dim", markup=False)
    if not all(finding.passed for finding in findings):
        raise typer.Exit(1)


def examine(home: Path | None) -> Iterator[Finding]:
    """Each check in turn; a home is looked at only where there is one."""
    yield check_python()
    core = check_core()
    yield core
    if not core.passed:
        return  # nothing else can be looked at without it
    from lianheng.cli._session import find_home
    from lianheng.model import NotFound

    try:
        folder = find_home(home).path
    except NotFound as missing:
        yield check_disk(Path.cwd())
        yield check_clock()
        yield from check_network(None)
        yield Finding("home", home is None, "none here", missing.hint)
        return
    for check in (check_disk, check_sync, check_keys, check_node):
        yield guarded(check, folder)
    yield from check_vote(folder)
    yield check_clock()
    yield from check_network(folder)


def guarded(check: Callable[[Path], Finding], folder: Path) -> Finding:
    """A check that cannot run is a finding, too."""
    try:
        return check(folder)
    except OSError as failure:
        return Finding(
            check.__name__.removeprefix("check_"), False, str(failure), "check the folder"
        )


def check_python() -> Finding:
    """The version that runs this."""
    found = ".".join(str(part) for part in sys.version_info[:3])
    advice = "" if sys.version_info >= PYTHON else "install Python 3.11 or newer"
    return Finding("python", not advice, found, advice)


def check_core() -> Finding:
    """That the compiled core loads and computes."""
    from hashlib import sha256

    try:
        from lianheng import __version__, _native

        works = _native.hash_bytes(b"lianheng") == sha256(b"lianheng").digest()
    except ImportError as failure:
        return Finding("core", False, str(failure), "build it: make demo")
    return Finding("core", works, f"lianheng {__version__}", "" if works else "rebuild: make demo")


def check_network(folder: Path | None) -> Iterator[Finding]:
    """What a node of a network needs, and only such a node: CometBFT, and Go to build it."""
    from lianheng.consensus.cometbft.settings import SETTINGS_NAME, read_kind, read_settings
    from lianheng.model import QUORUM, UsageError

    settings = None
    try:
        if folder is not None and read_kind(folder / SETTINGS_NAME) == QUORUM:
            settings = read_settings(folder / SETTINGS_NAME)
    except UsageError as failure:
        yield Finding("settings", False, f"{failure.code}: {failure.message}", failure.hint)
        return
    engine = check_cometbft(settings)
    yield check_go(needed=settings is not None and not engine.passed)
    yield engine


def check_go(*, needed: bool) -> Finding:
    """The version of Go; a machine without it needs CometBFT from somewhere else."""
    import re
    import shutil
    import subprocess

    from lianheng.consensus.cometbft import GO_VERSION, VERSION

    oldest = ".".join(map(str, GO_VERSION))
    program = shutil.which("go")
    if program is None:
        found = "not found: only needed to build CometBFT for a network"
        advice = f"install Go {oldest} or newer from go.dev/dl" if needed else ""
        return Finding("go", not needed, found, advice)
    try:
        said = subprocess.run(
            [program, "version"], capture_output=True, text=True, timeout=GO_SECONDS, check=False
        ).stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as failure:
        return Finding("go", not needed, f"does not answer: {failure}", f"reinstall Go {oldest}")
    version = re.search(r"\bgo(\d+)\.(\d+)\S*", said)
    if version is None or (int(version[1]), int(version[2])) < GO_VERSION:
        found = said.removeprefix("go version ") or "says nothing about its version"
        return Finding("go", not needed, found, f"CometBFT {VERSION} needs Go {oldest} or newer")
    return Finding("go", True, version[0].removeprefix("go"))


def check_cometbft(settings: "ConsensusSettings | None") -> Finding:
    """The consensus engine: where, and built from which version."""
    from lianheng.consensus.cometbft.process import check_version, find_binary
    from lianheng.model import NodeError

    try:
        program = find_binary(settings)
        return Finding("CometBFT", True, f"{check_version(program)}, {program}")
    except NodeError as failure:
        if settings is not None:
            return Finding("CometBFT", False, failure.message, failure.hint)
        found = f"{failure.message}; only a network needs it"
        return Finding("CometBFT", True, found, f"for a network: {failure.hint}")


def check_disk(folder: Path) -> Finding:
    """Free space; a full disk stops confirming, it never loses what was confirmed."""
    import shutil

    from lianheng.cli._print import size

    free = shutil.disk_usage(folder).free
    enough = free >= DISK_WANTED_BYTES
    advice = "" if enough else f"free at least {size(DISK_WANTED_BYTES)} before you start"
    return Finding("disk", enough, f"{size(free)} free", advice)


def check_sync(folder: Path) -> Finding:
    """How long one durable write takes: a lone call cannot be faster."""
    import os
    import statistics
    import tempfile
    import time

    times = []
    with tempfile.TemporaryFile(dir=folder) as probe:
        for _ in range(SYNC_TRIES):
            started = time.perf_counter()
            probe.write(b"x" * 4096)
            probe.flush()
            os.fsync(probe.fileno())
            times.append((time.perf_counter() - started) * 1000)
    middle = statistics.median(times)
    advice = "" if middle <= SYNC_SLOW_MS else "a faster disk makes every call final sooner"
    return Finding("sync", True, f"a durable write takes {middle:.1f} ms", advice)


def check_clock() -> Finding:
    """Wall clock against monotonic clock, and against what cannot be."""
    import time

    wall, steady = time.time(), time.monotonic()
    time.sleep(0.05)
    drift = abs((time.time() - wall) - (time.monotonic() - steady)) * 1000
    if time.time() < EARLIEST_CLOCK:
        return Finding("clock", False, time.ctime(), "set the clock; blocks carry its time")
    return Finding("clock", True, f"{time.strftime('%Y-%m-%d %H:%M:%S')}, steady to {drift:.1f} ms")


def check_keys(folder: Path) -> Finding:
    """That key files are private, and which are unencrypted."""
    from lianheng.members import is_development

    files = sorted([*folder.glob("*.identity"), *folder.glob("*/*.identity")])
    engine = folder.glob("comet/config/*key.json")  # CometBFT's copies, in plain
    exposed = [file for file in [*files, *engine] if file.stat().st_mode & SECRET_MODE]
    if exposed:
        advice = f"chmod 600 {' '.join(map(str, exposed))}"
        names = ", ".join(file.name for file in exposed)
        return Finding("keys", False, f"others may read {names}", advice)
    open_keys = sum(is_development(file) for file in files)
    if open_keys:
        found = f"{len(files)} keys, {open_keys} UNENCRYPTED development keys"
        return Finding("keys", True, found, "for real use make a chain without --dev")
    return Finding("keys", True, f"{len(files)} keys, all encrypted")


def check_vote(folder: Path) -> Iterator[Finding]:
    """Whether the node of a network may sign with its key, as far as its files show."""
    from lianheng.cli._home import HomeFolder
    from lianheng.consensus.cometbft.signing import why_not
    from lianheng.members import read_card
    from lianheng.model import LianhengError

    file = HomeFolder(folder).node_identity
    if not file.is_file():
        return
    try:
        card = read_card(file)
    except LianhengError as failure:
        yield Finding("vote", False, f"{failure.code}: {failure.message}", failure.hint)
        return
    refusal = why_not(folder, card.member, card.public, 0)
    if refusal is None:
        yield Finding("vote", True, f"{card.member} knows what its key signed")
    else:
        yield Finding("vote", False, f"{refusal.code}: {refusal.message}", refusal.hint)


def check_node(folder: Path) -> Finding:
    """Who holds the ledger, or whether it opens."""
    from lianheng.cli._session import open_client
    from lianheng.model import LianhengError

    try:
        with open_client(folder) as ledger:
            found = f"chain {ledger.chain}, height {ledger.height:,}"
            closing = ledger.closing
            if closing is not None:
                advice = "it takes no calls; what it holds can be read, proved and exported"
                return Finding("ledger", True, f"{found}, {closing.sentence}", advice)
            return Finding("ledger", True, found)
    except LianhengError as failure:
        return Finding("ledger", False, f"{failure.code}: {failure.message}", failure.hint)
