"""Supervision: with scripts that fail in chosen ways, and with the real CometBFT."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.consensus.cometbft.comet import (
    Supervised,
    ValidatorHome,
    free_port,
    joined,
    lone_home,
    make_genesis,
    node_identity,
    real_binary,
    wait_for,
)
from tests.consensus.cometbft.support import serving

from lianheng.consensus.cometbft import _messages as m
from lianheng.consensus.cometbft import _version
from lianheng.consensus.cometbft.noop import NoopApplication
from lianheng.consensus.cometbft.process import VARIABLE, check_version, find_binary
from lianheng.consensus.cometbft.settings import Address
from lianheng.model import NodeError, limits


@pytest.fixture
def home(tmp_path: Path) -> ValidatorHome:
    return lone_home(tmp_path)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Restarts without the pauses that people need."""
    monkeypatch.setattr(limits, "COMET_RESTART_FIRST_SECONDS", 0.01)
    monkeypatch.setattr(limits, "COMET_RESTART_LONGEST_SECONDS", 0.05)
    monkeypatch.setattr(limits, "COMET_STOP_SECONDS", 1.0)


def script(folder: Path, text: str) -> Path:
    """A program in place of CometBFT; `$runs` counts its starts."""
    file = folder / "fake"
    file.write_text(
        f"#!/bin/sh\necho run >> {folder}/runs; runs=$(wc -l < {folder}/runs)\n{text}\n"
    )
    file.chmod(0o755)
    return file


def runs(folder: Path) -> int:
    file = folder / "runs"
    return len(file.read_text().splitlines()) if file.exists() else 0


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.usefixtures("quick")
def test_one_that_always_fails_is_given_up_with_its_words(home: ValidatorHome) -> None:
    folder = home.settings.folder
    fake = script(
        folder, 'echo "I[now] fine"; echo "panic: number $runs"; echo goroutine 1; exit 2'
    )
    with Supervised(home, fake) as comet:
        wait_for(lambda: comet.exits, "its end")
        time.sleep(0.2)
        (failure,) = comet.exits
        assert failure.code == "cometbft.crashed"
        assert f"{limits.COMET_FAILURES} times" in failure.message
        assert f"panic: number {limits.COMET_FAILURES}" in failure.message
        assert failure.details["last_lines"] == ["I[now] fine", f"panic: number {runs(folder)}"]
        assert comet.process.pid is None
        assert comet.process.status()["failure"] == str(failure)
    assert runs(folder) == limits.COMET_FAILURES
    assert home.settings.comet_log.read_text().count("I[now] fine") == limits.COMET_FAILURES


@pytest.mark.usefixtures("quick")
def test_one_that_fails_seldom_goes_on(
    home: ValidatorHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "COMET_FAILURE_WINDOW_SECONDS", 0.02)
    fake = script(home.settings.folder, "sleep 0.03; exit 1")
    with Supervised(home, fake) as comet:
        wait_for(lambda: runs(home.settings.folder) > 2 * limits.COMET_FAILURES, "restarts")
        assert not comet.exits


@pytest.mark.usefixtures("quick")
def test_what_no_start_can_heal_is_given_up_at_once(home: ValidatorHome) -> None:
    line = 'CONSENSUS FAILURE!!! module=consensus err="failed to apply block" stack="x"'
    # CometBFT itself stays after this, with its consensus at rest.
    fake = script(home.settings.folder, f"echo '{line}'; exec sleep 60")
    with Supervised(home, fake) as comet:
        wait_for(lambda: comet.exits, "its end")
        assert comet.exits[0].code == "cometbft.consensus_failure"
        assert "failed to apply block" in comet.exits[0].message
        assert comet.kinds() == ["consensus_failure"]
    assert runs(home.settings.folder) == 1


@pytest.mark.usefixtures("quick")
def test_an_old_child_that_holds_the_lock_is_waited_for(home: ValidatorHome) -> None:
    held = "ERROR: failed to create node: failed to initialize database: resource temporarily"
    fake = script(
        home.settings.folder,
        f'if [ "$runs" -le {2 * limits.COMET_FAILURES} ]; then\n'
        f'echo "{held} unavailable"; exit 1; fi\n'
        "exec sleep 60",
    )
    with Supervised(home, fake) as comet:
        wait_for(lambda: runs(home.settings.folder) > 2 * limits.COMET_FAILURES, "the lock")
        time.sleep(0.1)
        assert not comet.exits
        assert comet.process.pid is not None


@pytest.mark.usefixtures("quick")
def test_a_lock_that_is_never_free(home: ValidatorHome, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COMET_LOCK_WAIT_SECONDS", 0.3)
    held = "failed to initialize database: resource temporarily unavailable"
    with Supervised(home, script(home.settings.folder, f'echo "ERROR: {held}"; exit 1')) as comet:
        wait_for(lambda: comet.exits, "its end")
        assert comet.exits[0].code == "cometbft.locked"


@pytest.mark.usefixtures("quick")
def test_stop_ends_one_that_ignores_it(home: ValidatorHome) -> None:
    fake = script(home.settings.folder, "trap '' TERM; echo ready; while :; do sleep 0.05; done")
    with Supervised(home, fake) as comet:
        wait_for(lambda: runs(home.settings.folder), "its start")
        wait_for(home.settings.comet_log.exists, "its first line")
        pid = comet.process.pid
        assert pid is not None
        started = time.monotonic()
        comet.process.stop(0.3)
        assert 0.3 <= time.monotonic() - started < 5
        assert not alive(pid)
        assert not comet.exits
        comet.process.stop()
        with pytest.raises(NodeError):
            comet.process.start()


def test_stop_from_its_own_callback_and_before_a_start(home: ValidatorHome) -> None:
    comet = Supervised(home, script(home.settings.folder, "exec sleep 60"))
    comet.process.stop()
    comet.process.start()
    time.sleep(0.2)
    assert runs(home.settings.folder) == 0
    comet.rpc.close()


@pytest.mark.usefixtures("quick")
def test_a_program_that_cannot_be_run(home: ValidatorHome) -> None:
    with Supervised(home, home.settings.folder / "nothing") as comet:
        wait_for(lambda: comet.exits, "its end")
        assert comet.exits[0].code == "cometbft.failed"
        assert "FileNotFoundError" in comet.exits[0].message


def test_settings_of_the_environment_do_not_reach_it(
    home: ValidatorHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CMTHOME", "/elsewhere")
    monkeypatch.setenv("CMT_P2P_PEX", "true")
    fake = script(home.settings.folder, 'env; echo "args $*"; exec sleep 60')
    with Supervised(home, fake):
        wait_for(
            lambda: (
                home.settings.comet_log.exists() and "args" in home.settings.comet_log.read_text()
            ),
            "its words",
        )
    words = home.settings.comet_log.read_text()
    assert f"args start --home {home.comet}" in words
    assert "CMT" not in words


DRIVER = """
import sys, time
from pathlib import Path
import structlog
from lianheng.consensus.cometbft.process import CometProcess
folder = Path(sys.argv[1])
log = structlog.wrap_logger(structlog.PrintLogger(sys.stderr))
comet = CometProcess(folder / "fake", folder, folder / "comet.log", log, lambda _: None)
comet.start()
while comet.pid is None:
    time.sleep(0.01)
print(comet.pid, flush=True)
time.sleep(60)
"""


def test_it_dies_with_its_parent(home: ValidatorHome) -> None:
    folder = home.settings.folder
    script(folder, "trap '' TERM PIPE; echo $$ > $0.pid; while :; do sleep 0.05; done")
    parent = subprocess.Popen(
        [sys.executable, "-c", DRIVER, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    with parent.stdout as output:
        pid = int(output.readline())
    wait_for((folder / "fake.pid").exists, "its start")
    assert alive(pid)
    parent.kill()
    parent.wait()
    wait_for(lambda: not alive(pid), "the child's end", 5)


def test_the_program_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = lone_home(tmp_path / "home").settings
    fake = script(tmp_path, "exit 0")
    named = replace(settings, cometbft=fake)
    assert find_binary(named) == fake
    monkeypatch.setenv(VARIABLE, str(fake))
    assert find_binary(settings) == fake
    monkeypatch.setenv(VARIABLE, str(tmp_path / "missing"))
    for chosen in (settings, replace(settings, cometbft=tmp_path / "missing")):
        with pytest.raises(NodeError) as failure:
            find_binary(chosen)
        assert failure.value.code == "cometbft.missing"
        assert "make cometbft" in failure.value.hint
    monkeypatch.delenv(VARIABLE)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bin" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(NodeError, match="nor on PATH"):
        find_binary()
    fake.rename(tmp_path / "cometbft")
    assert find_binary() == tmp_path / "cometbft"
    with pytest.raises(NodeError) as failure:
        check_version(tmp_path / "cometbft")
    assert failure.value.code == "cometbft.wrong_version"
    assert _version.VERSION in failure.value.message
    with pytest.raises(NodeError):
        check_version(tmp_path / "none")


# --- the real one ---------------------------------------------------------------------------


@pytest.fixture
def real(home: ValidatorHome) -> Iterator[Supervised]:
    binary = real_binary()
    home.write()
    with Supervised(home, binary) as comet:
        yield comet


def test_real_start_kill_restart_stop(real: Supervised) -> None:
    wait_for(lambda: real.height() >= 1, "the first block")
    first = real.process.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: real.process.pid not in (None, first), "another child")
    wait_for(lambda: real.height() >= 1, "the other child")
    real.rpc.broadcast(b"a=1")
    wait_for(lambda: real.height() >= 2, "a block of its own")
    assert not real.exits
    pid = real.process.pid
    assert pid is not None
    started = time.monotonic()
    real.process.stop()
    assert time.monotonic() - started < limits.COMET_STOP_SECONDS
    assert not alive(pid)
    assert "CometBFT killed" not in [line["event"] for line in real.recorder.lines]
    assert real.process.status()["failure"] is None


@pytest.mark.usefixtures("quick")
def test_real_address_in_use(real: Supervised, tmp_path: Path) -> None:
    wait_for(lambda: real.height() >= 1, "the first block")
    second = lone_home(tmp_path / "second")
    second = replace(second, settings=replace(second.settings, listen=real.home.settings.listen))
    second.write()
    with Supervised(second, real_binary()) as comet:
        wait_for(lambda: comet.exits, "its end")
        assert comet.exits[0].code == "cometbft.address_in_use"
        assert str(second.settings.listen) in comet.exits[0].message
        assert "listen" in comet.exits[0].hint


@pytest.mark.usefixtures("quick")
def test_real_old_child_holds_the_databases(real: Supervised) -> None:
    wait_for(lambda: real.height() >= 1, "the first block")
    with Supervised(real.home, real_binary()) as comet:
        wait_for(lambda: "locked" in comet.kinds(), "the lock to be told")
        real.process.stop()
        wait_for(lambda: comet.height() >= 1, "the second child")
        assert not comet.exits


def test_real_peer_of_another_chain_is_told(tmp_path: Path) -> None:
    binary = real_binary()
    identities = [node_identity(number) for number in range(2)]
    homes = joined(
        [
            ValidatorHome.make(tmp_path / str(number), make_genesis([identity]), identity)
            for number, identity in enumerate(identities)
        ]
    )
    for home in homes:
        home.write()
    with Supervised(homes[0], binary) as one, Supervised(homes[1], binary) as other:
        wait_for(lambda: "wrong_network" in one.kinds() + other.kinds(), "the event")
        event = next(e for e in one.events + other.events if e.kind == "wrong_network")
        known = {home.genesis.hash.hex()[:48] for home in homes}
        assert {event.details["ours"], event.details["theirs"]} == known
        assert not one.exits
        assert not other.exits


def test_real_application_that_never_comes(home: ValidatorHome) -> None:
    """CometBFT waits for its application; stopping does not."""
    binary = real_binary()
    home.write(application=None)
    with Supervised(home, binary) as comet:
        wait_for(home.settings.comet_log.exists, "its words")
        started = time.monotonic()
        comet.process.stop(2)
        assert time.monotonic() - started < 4


@pytest.mark.usefixtures("quick")
def test_real_unknown_address(home: ValidatorHome) -> None:
    binary = real_binary()
    elsewhere = replace(
        home, settings=replace(home.settings, listen=Address("192.0.2.1", free_port()))
    )
    elsewhere.write()
    with Supervised(elsewhere, binary) as comet:
        wait_for(lambda: comet.exits, "its end")
        assert "192.0.2.1" in comet.exits[0].message


@pytest.mark.usefixtures("quick")
def test_real_application_is_lost_and_comes_back(home: ValidatorHome) -> None:
    binary = real_binary()
    home.write(application=None)
    folder = home.settings.folder
    with Supervised(home, binary) as comet:
        with serving(folder, NoopApplication()):
            wait_for(lambda: comet.height() >= 1, "the first block")
            first = comet.process.pid
        wait_for(lambda: "application_lost" in comet.kinds(), "the loss to be told")
        wait_for(lambda: comet.process.pid != first, "the end of the child")
        with serving(folder, NoopApplication()):
            wait_for(lambda: comet.height() >= 1, "the replay by another child")
            comet.rpc.broadcast(b"more")
            wait_for(lambda: comet.height() >= 2, "a block")
        assert not comet.exits


def test_real_application_that_forgot_its_state(home: ValidatorHome) -> None:
    """Another app hash after replay: no start can heal it."""
    binary = real_binary()
    home.write(application=None)
    folder = home.settings.folder
    with Supervised(home, binary) as comet:
        with serving(folder, NoopApplication()):
            wait_for(lambda: comet.height() >= 1, "the first block")
            comet.rpc.broadcast(b"more")
            wait_for(lambda: comet.height() >= 3, "its proof")
        with serving(folder, Liar()):
            wait_for(lambda: comet.exits, "its end")
            assert comet.exits[0].code == "cometbft.app_hash"
            assert comet.exits[0].hint


class Liar(NoopApplication):
    """Executes otherwise than it did before."""

    def finalize_block(self, request: m.FinalizeBlock) -> m.FinalizeBlockAnswer:
        return replace(super().finalize_block(request), app_hash=bytes(32))
