"""Log lines as CometBFT writes them, and what they mean."""

from pathlib import Path

import pytest

from lianheng.consensus.cometbft._watch import CometEvent, LineWatch, LogFile, read_event

NETWORKS = ("4be177c019aae390" * 3, "0123456789abcdef" * 3)
LINES = {
    'I[2026-11-22|19:40:37.653] Inbound Peer rejected module=p2p err="incompatible: peer is on a '
    f'different network. Got {NETWORKS[0]}, expected {NETWORKS[1]}" numPeers=0': (
        "wrong_network",
        False,
        {"theirs": NETWORKS[0], "ours": NETWORKS[1]},
    ),
    "E[2026-11-22|19:40:37.653] prevote step: consensus deems this block invalid; "
    'module=consensus height=3 err="wrong Block.Header.AppHash.  Expected 0A, got 0C"': (
        "app_hash",
        False,
        {"ours": "0A", "theirs": "0C"},
    ),
    'E[2026-11-22|19:40:37.653] CONSENSUS FAILURE!!! module=consensus err="+2/3 committed an '
    'invalid block: wrong Block.Header.AppHash.  Expected 0A, got 0B" stack="goroutine 1"': (
        "app_hash",
        True,
        {"ours": "0A", "theirs": "0B"},
    ),
    'E[2026-11-22|19:40:37.653] CONSENSUS FAILURE!!! module=consensus err="precommit step; +2/3 '
    'prevoted for an invalid block: wrong Block.Header.AppHash.  Expected 0A, got 0B" stack="x"': (
        "app_hash",
        True,
        {"ours": "0A", "theirs": "0B"},
    ),
    "E[2026-11-22|19:40:37.653] Error in validation module=blocksync height=7 hash=AA "
    'err="wrong Block.Header.AppHash.  Expected 0A, got 0B"': (
        "app_hash",
        True,
        {"ours": "0A", "theirs": "0B"},
    ),
    'E[2026-11-22|19:40:37.653] CONSENSUS FAILURE!!! module=consensus err="failed to apply block" '
    'stack="goroutine 1"': ("consensus_failure", True, {}),
    "panic: state.AppHash does not match AppHash after replay. Got": ("app_hash", True, {}),
    "panic: block.AppHash does not match AppHash after replay. Got 0A, expected 0B.": (
        "app_hash",
        True,
        {"ours": "0A", "theirs": "0B"},
    ),
    "panic: runtime error: index out of range": ("crashed", False, {}),
    "fatal error: concurrent map writes": ("crashed", False, {}),
    "ERROR: failed to create node: failed to initialize database: resource temporarily "
    "unavailable": (
        "locked",
        False,
        {},
    ),
    "ERROR: failed to start node: listen tcp 127.0.0.1:36999: bind: address already in use": (
        "address_in_use",
        False,
        {},
    ),
    "ERROR: error in config file: x": ("refused", False, {}),
    "ERROR: failed to create node: error during handshake: error on replay: app block height "
    "(9) is higher than core (3)": ("store_behind", True, {}),
    "E[2026-11-22|19:40:37.653] consensus connection terminated. Did the application crash? Please "
    "restart CometBFT module=proxy err=EOF": ("application_lost", False, {}),
}


@pytest.mark.parametrize(("line", "meaning"), LINES.items(), ids=range(len(LINES)))
def test_a_line_that_tells_something(line: str, meaning: tuple[str, bool, dict[str, str]]) -> None:
    event = read_event(line)
    assert event is not None
    assert (event.kind, event.fatal, event.details) == meaning
    assert "module=" not in event.message
    assert "stack=" not in event.message
    assert "2026" not in event.message


@pytest.mark.parametrize(
    "line",
    [
        "",
        "I[2026-11-22|19:40:37.653] executed block module=consensus height=2 app_hash=0200",
        'D[2026-11-22|19:40:37.653] note module=x err="panic: no"',
        "I[2026-11-22|19:40:37.653] said module=x text=ERROR: nothing",
    ],
)
def test_a_line_that_tells_nothing(line: str) -> None:
    assert read_event(line) is None


def test_equal_events_are_told_once_and_the_worst_is_the_cause(tmp_path: Path) -> None:
    heard: list[CometEvent] = []
    watch = LineWatch(LogFile(tmp_path / "comet.log"), heard.append)
    lines = list(LINES)
    for line in (lines[0], lines[0], lines[0].replace("Got 4b", "Got 4c"), lines[2], lines[8]):
        watch.take(line.encode() + b"\n")
    assert [event.kind for event in heard] == [
        "wrong_network",
        "wrong_network",
        "app_hash",
        "crashed",
    ]
    assert watch.cause is not None
    assert watch.cause.kind == "app_hash"


def test_stacks_do_not_push_the_reason_out(tmp_path: Path) -> None:
    watch = LineWatch(LogFile(tmp_path / "comet.log"), lambda _: None)
    watch.take(b"panic: the reason\n")
    watch.take(b"\n")
    watch.take(b"goroutine 1 [running]:\n")
    for number in range(100):
        watch.take(b"\tmain.go:%d\n" % number)
    assert list(watch.last_lines) == ["panic: the reason"]
    watch.take(b"\xff\xfe no text\n")
    assert (tmp_path / "comet.log").read_bytes().count(b"\n") == 104


def test_the_log_is_bounded(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "comet.log", limit_bytes=100)
    for number in range(50):
        file.write(b"line %02d\n" % number)
    file.close()
    now, old = (tmp_path / name for name in ("comet.log", "comet.log.1"))
    assert now.read_bytes().endswith(b"line 49\n")
    assert max(now.stat().st_size, old.stat().st_size) <= 100
    assert sorted(path.name for path in tmp_path.iterdir()) == ["comet.log", "comet.log.1"]
    again = LogFile(now, limit_bytes=100)
    again.write(b"more\n")
    again.close()
    assert now.read_bytes().endswith(b"line 49\nmore\n")


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "missing" / "comet.log")
    file.write(b"lost\n")
    (tmp_path / "missing").mkdir()
    file.write(b"kept\n")
    file.close()
    assert (tmp_path / "missing" / "comet.log").read_bytes() == b"kept\n"


def test_a_warning_does_not_hide_the_failure_that_follows_it(tmp_path: Path) -> None:
    heard: list[CometEvent] = []
    watch = LineWatch(LogFile(tmp_path / "comet.log"), heard.append)
    reason = "wrong Block.Header.AppHash.  Expected 0A, got 0B"
    warning = f'E[x] prevote step: consensus deems this block invalid; err="{reason}"'
    failure = f'E[x] CONSENSUS FAILURE!!! err="+2/3 prevoted for an invalid block: {reason}"'
    for line in (warning, failure):
        watch.take(line.encode() + b"\n")
    assert [(event.kind, event.fatal) for event in heard] == [
        ("app_hash", False),
        ("app_hash", True),
    ]
