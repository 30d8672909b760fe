import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianheng.consensus import BlockClock
from lianheng.model import ClockError

START = 1_800_000_000_000


class Clocks:
    """Two clocks that a test sets."""

    def __init__(self) -> None:
        self.wall = START
        self.monotonic = 5_000

    def pass_ms(self, span: int) -> None:
        self.wall += span
        self.monotonic += span

    def block_clock(self, tolerance_ms: int = 2_000) -> BlockClock:
        return BlockClock(lambda: self.wall, lambda: self.monotonic, tolerance_ms)


def test_block_time_is_the_wall_clock() -> None:
    clocks = Clocks()
    clock = clocks.block_clock()
    clocks.pass_ms(86_400_000 * 365)
    assert clock.block_time(START) == clocks.wall


def test_block_time_never_goes_back() -> None:
    clocks = Clocks()
    clock = clocks.block_clock()
    assert clock.block_time(START + 1_500) == START + 1_500


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(-700, 700)), max_size=30))
def test_block_times_rise_and_stay_near_the_true_time_or_are_refused(
    steps: list[tuple[int, int]],
) -> None:
    clocks = Clocks()
    clock = clocks.block_clock()
    previous = true = START
    for span, step in steps:
        clocks.pass_ms(span)
        clocks.wall += step
        true += span
        try:
            time = clock.block_time(previous)
        except ClockError:
            assert abs(clocks.wall - true) > 2_000
            continue
        assert time >= previous
        # Small steps add up: the sum of them counts, not each alone.
        assert abs(clocks.wall - true) <= 2_000
        assert time <= max(previous, true + 2_000)
        previous = time


@pytest.mark.parametrize(("step", "word"), [(-2_001, "back"), (3_600_000, "ahead")])
def test_a_clock_that_was_set_is_named_with_both_times(step: int, word: str) -> None:
    clocks = Clocks()
    clock = clocks.block_clock()
    clocks.pass_ms(60_000)
    clocks.wall += step
    with pytest.raises(ClockError) as caught:
        clock.block_time(START)
    assert caught.value.code == "clock.jumped"
    assert caught.value.details == {"wall_ms": clocks.wall, "expected_ms": START + 60_000}
    assert word in caught.value.message
    assert f"{abs(step):,} ms" in caught.value.message
    clocks.wall -= step
    assert clock.block_time(START) == START + 60_000


def test_a_clock_behind_the_last_block_at_opening_is_named() -> None:
    clocks = Clocks()
    clock = clocks.block_clock()
    with pytest.raises(ClockError) as caught:
        clock.block_time(START + 2_001)
    assert caught.value.code == "clock.behind"
    assert "2,001 ms" in caught.value.message


def test_a_clock_far_ahead_of_the_last_block_is_ordinary_after_idleness() -> None:
    assert Clocks().block_clock().block_time(0) == START
