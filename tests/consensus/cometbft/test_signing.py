"""The vote guard: whose votes a state file is about, how far they went, and when it is not used."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lianheng.consensus.cometbft.signing import (
    MARK_NAME,
    STATE,
    Mark,
    VoteGuard,
    begin_signing,
    last_seen,
    read_mark,
    state_height,
    why_not,
    write_mark,
)
from lianheng.model import encode, validator_address

MEMBER = "node-1@grid"
KEY, OTHER = b"\1" * 32, b"\2" * 32
MINE, THEIRS = validator_address(KEY), validator_address(OTHER)
FOR, NIL, ABSENT = 2, 3, 1


def set_state(home: Path, height: int) -> None:
    (home / STATE).write_text(json.dumps({"height": str(height), "round": 0, "step": 3}))


def code(home: Path, seen: int = 0, key: bytes = KEY) -> str:
    refusal = why_not(home, MEMBER, key, seen)
    if refusal is None:
        return ""
    assert MEMBER in refusal.message
    assert refusal.hint.endswith(f"lianheng validator rotate --home {home}")
    return refusal.code


def test_a_state_that_was_made_with_its_key_is_used(tmp_path: Path) -> None:
    begin_signing(tmp_path, KEY)
    assert (state_height(tmp_path), read_mark(tmp_path)) == (0, Mark(KEY, 0))
    assert code(tmp_path) == ""
    set_state(tmp_path, 7)
    for seen in (0, 6, 7):
        assert code(tmp_path, seen) == ""
    assert code(tmp_path, 8) == "vote.state_behind"
    assert code(tmp_path, 0, OTHER) == "vote.state_foreign"
    write_mark(tmp_path, Mark(KEY, 9))
    assert code(tmp_path) == "vote.state_behind"
    assert oct((tmp_path / MARK_NAME).stat().st_mode)[-3:] == "600"


@pytest.mark.parametrize("name", [MARK_NAME, STATE])
@pytest.mark.parametrize("content", [None, "", "{}", "[]", "x", '{"height": -1}', "[" * 9_999])
def test_what_is_lost_or_damaged_is_never_made_up(
    tmp_path: Path, name: str | Path, content: str | None
) -> None:
    begin_signing(tmp_path, KEY)
    file = tmp_path / name
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    assert code(tmp_path) == "vote.state_missing"
    guard = VoteGuard(tmp_path, MEMBER, KEY, 0)
    assert guard.refusal is not None
    assert guard.check(9, [(MINE, 1, FOR)])
    assert guard.refusal.code == "vote.state_missing"


def refused(guard: VoteGuard) -> str:
    return "" if guard.refusal is None else guard.refusal.code


def test_a_vote_in_a_block_that_the_state_does_not_know(tmp_path: Path) -> None:
    begin_signing(tmp_path, KEY)
    guard = VoteGuard(tmp_path, MEMBER, KEY, 0)
    set_state(tmp_path, 3)
    assert guard.check(4, [(THEIRS, 1, FOR), (MINE, 1, FOR)])
    assert read_mark(tmp_path) == Mark(KEY, 3)
    assert guard.check(5, [(THEIRS, 1, FOR), (MINE, 1, ABSENT)])
    assert refused(guard) == ""
    assert not guard.check(5, [(MINE, 1, NIL)])
    assert refused(guard) == "vote.state_behind"
    assert guard.check(6, [(MINE, 1, FOR)])
    # The next start knows it, whatever the state file says meanwhile.
    assert code(tmp_path) == "vote.state_behind"


def test_a_state_that_is_put_back_is_noticed_at_the_next_start(tmp_path: Path) -> None:
    begin_signing(tmp_path, KEY)
    guard = VoteGuard(tmp_path, MEMBER, KEY, 0)
    for height in range(1, 5):
        set_state(tmp_path, height)
        assert guard.check(height, [(MINE, 1, FOR)])
    for height in range(5):
        set_state(tmp_path, height)
        assert code(tmp_path) == ("vote.state_behind" if height < 4 else "")


def seal(height: int, voters: list[bytes | None]) -> bytes:
    votes = [None if voter is None else [FOR, b"", [0, 0], b""] for voter in voters]
    sealers = ["", "cometbft", [[voter or OTHER, 1] for voter in voters]]
    return encode(["cometbft", [[11, 1], "id", height], [height, 0, None, votes], sealers])


def headers(seals: dict[int, bytes]) -> Callable[[int], tuple[bytes, bytes | None] | None]:
    return lambda height: (b"", seals.get(height))


def test_the_last_vote_in_the_seals() -> None:
    seals = {1: seal(2, [KEY]), 4: seal(9, [OTHER, KEY]), 5: seal(11, [OTHER, None])}
    assert last_seen(headers(seals), 7, KEY) == 9
    assert last_seen(headers(seals), 7, OTHER) == 11
    assert last_seen(headers(seals), 0, KEY) == 0
    assert last_seen(headers(seals), 3, KEY) == 2
    assert last_seen(headers({}), 500, KEY) == 0


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(["vote", "miss", "back", "start"]), st.integers(0, 3))))
def test_no_vote_is_allowed_that_may_be_a_second_one(
    tmp_path_factory: pytest.TempPathFactory, moves: list[tuple[str, int]]
) -> None:
    """Votes, missed blocks, restarts, and states put back to any earlier one."""
    home = tmp_path_factory.mktemp("guard")
    begin_signing(home, KEY)
    guard, height, state, signed = VoteGuard(home, MEMBER, KEY, 0), 0, 0, 0
    states = [0]
    for move, back in moves:
        if move == "start":
            guard = VoteGuard(home, MEMBER, KEY, 0)
            continue
        if move == "back":
            state = states[max(0, len(states) - 1 - back)]
            set_state(home, state)
            guard = VoteGuard(home, MEMBER, KEY, 0)
            assert (guard.refusal is None) == (state >= signed)
            continue
        height += 1
        if move == "vote" and guard.refusal is None:
            assert signed < height
            state = signed = height
            states.append(state)
            set_state(home, state)
        guard.check(height, [(MINE, 1, FOR)] if signed == height - 1 else [])
