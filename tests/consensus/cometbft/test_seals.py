"""Seals: their form from CometBFT's JSON, who fetches them, and real ones before a verifier."""

import base64
import contextlib
import copy
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.consensus.cometbft.comet import (
    Supervised,
    ValidatorHome,
    joined,
    lone_home,
    make_genesis,
    node_identity,
    real_binary,
    wait_for,
)
from tests.consensus.cometbft.support import Recorder, serving

from lianheng.consensus.cometbft.noop import NoopApplication
from lianheng.consensus.cometbft.rpc import CometCommit, Json
from lianheng.consensus.cometbft.seals import SealKeeper, build_seal, seal_time
from lianheng.model import (
    LedgerError,
    NodeError,
    TimedOut,
    decode,
    encode,
    limits,
    validator_address,
)
from lianheng_verify._cbor import decode as verifier_decode
from lianheng_verify._errors import VerificationError
from lianheng_verify._quorum import parse_quorum_seal, verify_commit

KEYS = sorted((bytes([number]) * 32 for number in range(1, 5)), key=validator_address)
TIME = "2026-11-22T19:40:40.059281926Z"
SECONDS = 1_795_376_440


def block_id(fill: str) -> Json:
    return {"hash": fill * 32, "parts": {"total": 3, "hash": fill[::-1] * 32}}


def vote(number: int, flag: int) -> Json:
    if flag == 1:
        return {
            "block_id_flag": 1,
            "validator_address": "",
            "timestamp": "0001-01-01T00:00:00Z",
            "signature": None,
        }
    return {
        "block_id_flag": flag,
        "validator_address": validator_address(KEYS[number]).hex().upper(),
        "timestamp": TIME,
        "signature": base64.b64encode(bytes([number]) * 64).decode(),
    }


def signed_header(height: int = 7) -> dict[str, Any]:
    names = ("last_commit_hash", "data_hash", "validators_hash", "next_validators_hash")
    others = ("consensus_hash", "app_hash", "last_results_hash", "evidence_hash")
    hashes = {name: f"{n:02X}" * 32 for n, name in enumerate((*names, *others), 16)}
    return {
        "header": {
            "version": {"block": "11", "app": "1"},
            "chain_id": "ab" * 24,
            "height": str(height),
            "time": TIME,
            "last_block_id": block_id("0A"),
            **hashes,
            "proposer_address": validator_address(KEYS[1]).hex().upper(),
        },
        "commit": {
            "height": str(height),
            "round": 2,
            "block_id": block_id("0B"),
            "signatures": [vote(0, 2), vote(1, 1), vote(2, 3), vote(3, 2)],
        },
    }


def validators() -> list[Json]:
    return [
        {
            "address": validator_address(key).hex().upper(),
            "pub_key": {
                "type": "tendermint/PubKeyEd25519",
                "value": base64.b64encode(key).decode(),
            },
            "voting_power": "10",
            "proposer_priority": "-30",
        }
        for key in KEYS
    ]


def test_each_part_is_where_the_format_has_it() -> None:
    at = [SECONDS, 59_281_926]
    filled = [bytes([n]) * 32 for n in range(16, 24)]
    assert decode(build_seal(signed_header(), validators())) == [
        "cometbft",
        [
            [11, 1],
            "ab" * 24,
            7,
            at,
            [b"\x0a" * 32, 3, b"\xa0" * 32],
            *filled,
            validator_address(KEYS[1]),
        ],
        [
            7,
            2,
            [b"\x0b" * 32, 3, b"\xb0" * 32],
            [
                [2, validator_address(KEYS[0]), at, b"\x00" * 64],
                None,
                [3, validator_address(KEYS[2]), at, b"\x02" * 64],
                [2, validator_address(KEYS[3]), at, b"\x03" * 64],
            ],
        ],
        ["lianheng.sealers.1", "cometbft", [[key, 10] for key in KEYS]],
    ]


def test_the_first_block_has_no_last_one() -> None:
    fields = signed_header(1)
    fields["header"]["last_block_id"] = {"hash": "", "parts": {"total": 0, "hash": ""}}
    fields["header"]["version"] = {"block": "11"}
    fields["header"]["last_commit_hash"] = ""
    header = decode(build_seal(fields, validators()))[1]
    assert header[0] == [11, 0]
    assert header[4] is None
    assert header[5] == b""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1970-01-01T00:00:00Z", [0, 0]),
        ("1970-01-01T00:00:00.000000001Z", [0, 1]),
        ("2026-11-22T19:40:37.41Z", [1_795_376_437, 410_000_000]),
        ("1969-12-31T23:59:59.5Z", [-1, 500_000_000]),
        ("2000-02-29T12:00:00.123456789Z", [951_825_600, 123_456_789]),
    ],
)
def test_times(text: str, value: list[int]) -> None:
    assert seal_time(text) == value


@given(st.datetimes(), st.integers(0, 999_999_999))
def test_every_time_is_moved_whole(moment: Any, nanoseconds: int) -> None:
    fraction = f".{nanoseconds:09}".rstrip("0").rstrip(".")
    seconds, kept = seal_time(
        moment.strftime("%Y").zfill(4) + moment.strftime("-%m-%dT%H:%M:%S") + fraction + "Z"
    )
    assert kept == nanoseconds
    assert seconds == (moment.replace(microsecond=0) - type(moment)(1970, 1, 1)).total_seconds()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-11-22T19:40:37+01:00",
        "2026-13-22T19:40:37Z",
        "2026-11-22 19:40:37Z",
        "2026-11-22T19:40:37.1234567890Z",
        "2026-11-22T19:40:61Z",
        "\u0662026-11-22T19:40:37Z",
    ],
)
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(NodeError):
        seal_time(text)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


WHOLE = {"signed": signed_header(), "validators": validators()}


@given(
    st.sampled_from(list(places(WHOLE))[1:]),
    st.none()
    | st.integers(-5, 5)
    | st.text(max_size=4)
    | st.booleans()
    | st.just([])
    | st.just({}),
)
def test_a_part_that_is_another_never_makes_a_traceback(path: tuple[Any, ...], value: Any) -> None:
    changed = copy.deepcopy(WHOLE)
    inner: Any = changed
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with contextlib.suppress(NodeError):
        if isinstance(changed["validators"], list) and isinstance(changed["signed"], dict):
            decode(build_seal(changed["signed"], changed["validators"]))


# --- the keeper -----------------------------------------------------------------------------


class FakeEngine:
    """Headers made at consensus heights; keeps seals unless told not to."""

    def __init__(self, made_at: Sequence[int]) -> None:
        self.made_at = dict(enumerate(made_at, 1))
        self.seals: dict[int, bytes] = {}
        self.bad: set[int] = set()
        self.tries: list[int] = []

    @property
    def sealed_height(self) -> int:
        return next(height for height in itertools.count() if height + 1 not in self.seals)

    def unsealed(self, limit: int) -> list[tuple[int, int]]:
        left = [each for each in self.made_at.items() if each[0] not in self.seals]
        return left[:limit]

    def add_seal(self, height: int, seal: bytes) -> None:
        self.tries.append(height)
        if height in self.bad:
            raise LedgerError("seal.refused", "it is not good")
        self.seals[height] = seal


class FakeRpc:
    """Blocks up to `decided`, from `first` on."""

    def __init__(self, decided: int = 0, first: int = 1) -> None:
        self.decided = decided
        self.first = first
        self.reachable = True
        self.asked: list[int] = []
        self.sets_asked = 0

    def commit(self, height: int) -> CometCommit | None:
        self.asked.append(height)
        if not self.reachable:
            raise NodeError("cometbft.not_reachable", "nobody")
        if not self.first <= height <= self.decided:
            return None
        return CometCommit(height, "aa", signed_header(height), canonical=True)

    def validators(self, height: int) -> list[Json] | None:
        assert self.first <= height <= self.decided
        self.sets_asked += 1
        return validators()


@contextlib.contextmanager
def keeping(engine: FakeEngine, rpc: FakeRpc) -> Iterator[SealKeeper]:
    keeper = SealKeeper(engine, rpc, Recorder().log)
    keeper.start()
    try:
        yield keeper
    finally:
        keeper.stop(5)
        assert not keeper._thread.is_alive()


def sealing_height(engine: FakeEngine, height: int) -> int:
    sealed: int = decode(engine.seals[height])[1][2]
    return sealed


def test_start_catches_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEAL_PORTION", 4)
    engine = FakeEngine([n * 2 for n in range(1, 31)])
    rpc = FakeRpc(decided=60)
    with keeping(engine, rpc) as keeper:
        keeper.wait(29, 5)
        assert sealing_height(engine, 29) == 59
        assert rpc.sets_asked == 1, "a set that stays is asked for once"
        with pytest.raises(TimedOut) as failure:
            keeper.wait(30, 0.05)
        assert failure.value.code == "seal.not_yet"
        rpc.decided = 61
        keeper.notify(61)
        keeper.wait(30, 5)
        assert engine.tries == list(range(1, 31))


def test_a_seal_is_there_right_after_the_next_block() -> None:
    engine, rpc = FakeEngine([]), FakeRpc()
    with keeping(engine, rpc) as keeper:
        for height in range(1, 20):
            engine.made_at[height] = height
            rpc.decided = height
            keeper.notify(height)
            time.sleep(0.005)
            rpc.decided = height + 1
            keeper.notify(height + 1)
            started = time.monotonic()
            keeper.wait(height, 1)
            assert time.monotonic() - started < 0.04


def test_rest_asks_nobody() -> None:
    engine, rpc = FakeEngine([1]), FakeRpc(decided=2)
    with keeping(engine, rpc) as keeper:
        keeper.wait(1, 5)
        asked = len(rpc.asked)
        time.sleep(0.3)
        assert len(rpc.asked) == asked


def test_what_is_not_there_is_asked_for_ever_less_often() -> None:
    engine, rpc = FakeEngine([1]), FakeRpc()
    with keeping(engine, rpc):
        time.sleep(0.5)
        assert 2 <= len(rpc.asked) <= 6
        rpc.decided = 2
        wait_for(lambda: engine.seals, "a seal that nobody announced", 5)


def test_one_that_starts_late() -> None:
    engine, rpc = FakeEngine([1, 2]), FakeRpc(decided=3)
    rpc.reachable = False
    with keeping(engine, rpc) as keeper:
        time.sleep(0.1)
        rpc.reachable = True
        keeper.wait(2, 5)


def test_a_bad_seal_does_not_hold_up_the_others() -> None:
    engine, rpc = FakeEngine([1, 2, 3]), FakeRpc(decided=4)
    engine.bad = {2}
    with keeping(engine, rpc) as keeper:
        keeper.wait(3, 5)
        assert set(engine.seals) == {1, 3}
        keeper.wait(1, 0)
        with pytest.raises(TimedOut):
            keeper.wait(2, 0.01)
        time.sleep(0.2)
        assert engine.tries.count(2) == 1


def test_a_bad_seal_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEAL_LONGEST_SECONDS", 0.05)
    engine, rpc = FakeEngine([1]), FakeRpc(decided=2)
    engine.bad = {1}
    with keeping(engine, rpc) as keeper:
        wait_for(lambda: engine.tries.count(1) >= 2, "another try", 5)
        engine.bad = set()
        keeper.wait(1, 5)


def test_blocks_that_are_gone_do_not_hold_up_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "SEAL_PORTION", 4)
    engine, rpc = FakeEngine(range(1, 41)), FakeRpc(decided=50, first=30)
    with keeping(engine, rpc) as keeper:
        keeper.notify(50)
        keeper.wait(40, 5)
        assert set(engine.seals) == set(range(29, 41))
        keeper.wait(30, 0)


def test_a_failure_of_ours_does_not_end_it(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, rpc = FakeEngine([1]), FakeRpc(decided=2)
    real, calls = engine.unsealed, itertools.count()

    def failing(limit: int) -> list[tuple[int, int]]:
        if next(calls) < 2:
            raise ZeroDivisionError("a bug")
        return real(limit)

    monkeypatch.setattr(engine, "unsealed", failing)
    with keeping(engine, rpc) as keeper:
        keeper.wait(1, 5)


def test_stopping_ends_who_waits() -> None:
    keeper = SealKeeper(FakeEngine([1]), FakeRpc(), Recorder().log)
    keeper.start()
    raised: list[str] = []

    def wait() -> None:
        try:
            keeper.wait(1, 30)
        except TimedOut as failure:
            raised.append(failure.code)

    thread = threading.Thread(target=wait)
    thread.start()
    time.sleep(0.05)
    keeper.stop(5)
    thread.join(5)
    assert raised == ["seal.not_yet"]
    SealKeeper(FakeEngine([]), FakeRpc(), Recorder().log).stop()


# --- real ones ------------------------------------------------------------------------------


def real_seal(comet: Supervised, height: int) -> bytes:
    commit = comet.rpc.commit(height)
    members = comet.rpc.validators(height)
    assert commit is not None
    assert members is not None
    return build_seal(commit.signed_header, members)


def check(home: ValidatorHome, seal: bytes) -> None:
    """As the offline verifier does."""
    verify_commit(parse_quorum_seal(verifier_decode(seal)), home.genesis.hash.hex()[:48])


def test_a_real_seal_passes_the_verifier(tmp_path: Path) -> None:
    binary = real_binary()
    home = lone_home(tmp_path)
    home.write(application=None)
    with serving(tmp_path, NoopApplication()), Supervised(home, binary) as comet:
        wait_for(lambda: comet.height() >= 1, "the first block")
        comet.rpc.broadcast(b"a=1")
        wait_for(lambda: comet.height() >= 3, "the proof block")
        for height in (1, 2, 3):
            seal = real_seal(comet, height)
            check(home, seal)
            fields = decode(seal)
            assert fields[1][2] == fields[2][0] == height
            fields[2][3][0][3] = bytes(64)
            with pytest.raises(VerificationError):
                check(home, encode(fields))


@contextlib.contextmanager
def four(folder: Path) -> Iterator[list[Supervised]]:
    binary = real_binary()
    identities = [node_identity(number) for number in range(4)]
    genesis = make_genesis(identities, time.time_ns() // 1_000_000)
    homes = joined(
        [
            ValidatorHome.make(folder / str(number), genesis, identity)
            for number, identity in enumerate(identities)
        ]
    )
    with contextlib.ExitStack() as stack:
        comets = []
        for home in homes:
            home.write(application=None)
            stack.enter_context(serving(home.settings.folder, NoopApplication()))
            comets.append(stack.enter_context(Supervised(home, binary)))
        yield comets


def until(comet: Supervised, height: int) -> None:
    wait_for(lambda: comet.height() >= height, f"height {height}")


def test_four_real_validators_and_one_that_is_gone(tmp_path: Path) -> None:
    with four(tmp_path) as comets:
        first = comets[0]
        until(first, 1)
        wait_for(lambda: len(first.rpc.net_info()) == 3, "its peers")
        first.rpc.broadcast(b"a=1")
        until(first, 3)
        check(first.home, real_seal(first, 2))
        until(comets[3], 3)
        comets[3].process.stop()
        first.rpc.broadcast(b"b=2")
        until(first, 5)
        seal = real_seal(first, 5)
        check(first.home, seal)
        gone = validator_address(comets[3].home.identity.public)
        members, votes = decode(seal)[3][2], decode(seal)[2][3]
        assert len(members) == len(votes) == 4
        for (public, power), cast in zip(members, votes, strict=True):
            assert power == 1
            assert (cast is None) == (validator_address(public) == gone)
        assert not any(comet.exits for comet in comets)
        check_others(comets[1], lambda comet: check(comet.home, real_seal(comet, 5)))


def check_others(comet: Supervised, look: Callable[[Supervised], None]) -> None:
    until(comet, 5)
    look(comet)
