from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from lianheng.consensus.cometbft.proposal import BlockBounds, Candidate, GasMeans, choose

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        organisation=st.sampled_from(["a", "b", "c", "d"]),
        size=st.integers(1, 60),
        count=st.integers(1, 20),
        gas=st.integers(0, 90),
    ),
    max_size=40,
)
BOUNDS = st.builds(
    BlockBounds,
    max_tx_bytes=st.integers(0, 500),
    block_bytes=st.integers(1, 300),
    transactions=st.integers(1, 100),
    gas=st.integers(1, 500),
)


def frames(chosen: list[Candidate]) -> int:
    """What CometBFT counts: tag, length and bytes of each."""
    return sum(candidate.size + 2 for candidate in chosen)


@given(CANDIDATES, BOUNDS, st.integers(0, 10))
def test_bounds_are_never_exceeded_but_by_one_alone(
    candidates: list[Candidate], bounds: BlockBounds, turn: int
) -> None:
    positions = choose(candidates, bounds, turn)
    assert len(positions) == len(set(positions))
    chosen = [candidates[position] for position in positions]
    assert frames(chosen) <= bounds.max_tx_bytes or not chosen
    if len(chosen) > 1:
        assert sum(candidate.size for candidate in chosen) <= bounds.block_bytes
        assert sum(candidate.count for candidate in chosen) <= bounds.transactions
        assert sum(candidate.gas for candidate in chosen) <= bounds.gas
    elif not chosen:
        # Nothing waits, or not one fits what CometBFT itself allows.
        firsts = {candidate.organisation: candidate for candidate in reversed(candidates)}
        assert all(first.size + 6 > bounds.max_tx_bytes for first in firsts.values())


@given(CANDIDATES, BOUNDS, st.integers(0, 10))
def test_the_order_within_an_organisation_is_kept(
    candidates: list[Candidate], bounds: BlockBounds, turn: int
) -> None:
    positions = choose(candidates, bounds, turn)
    for name in {candidate.organisation for candidate in candidates}:
        mine = [at for at, candidate in enumerate(candidates) if candidate.organisation == name]
        taken = [at for at in positions if candidates[at].organisation == name]
        assert taken == mine[: len(taken)]


@given(CANDIDATES, BOUNDS, st.integers(0, 10))
def test_nobody_gets_more_while_another_with_less_could_go_on(
    candidates: list[Candidate], bounds: BlockBounds, turn: int
) -> None:
    """At each step the next one is from who has least, unless that one's next does not fit."""
    positions = choose(candidates, bounds, turn)
    queues: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        queues.setdefault(candidate.organisation, []).append(candidate)
    got: Counter[str] = Counter()
    chosen: list[Candidate] = []

    def fits(candidate: Candidate) -> bool:
        after = [*chosen, candidate]
        if sum(item.size + 6 for item in after) > bounds.max_tx_bytes:
            return False
        return len(after) == 1 or (
            sum(item.size for item in after) <= bounds.block_bytes
            and sum(item.count for item in after) <= bounds.transactions
            and sum(item.gas for item in after) <= bounds.gas
        )

    for position in positions:
        candidate = candidates[position]
        for name, queue in queues.items():
            if queue and fits(queue[0]):
                assert got[candidate.organisation] <= got[name]
        assert queues[candidate.organisation].pop(0) is candidate
        got[candidate.organisation] += bounds.share(candidate)
        chosen.append(candidate)
    # And no room is left unused: the next of everybody does not fit.
    assert not any(queue and fits(queue[0]) for queue in queues.values())


@given(CANDIDATES, BOUNDS, st.integers(0, 10))
def test_it_is_a_function_of_its_arguments(
    candidates: list[Candidate], bounds: BlockBounds, turn: int
) -> None:
    assert choose(candidates, bounds, turn) == choose(list(candidates), bounds, turn)


def test_equal_shares_and_the_unused_one_is_lent_on() -> None:
    flood = [Candidate("flood", 10, 1, 1)] * 100
    quiet = [Candidate("quiet", 10, 1, 1)] * 2
    busy = [Candidate("busy", 10, 1, 1)] * 30
    bounds = BlockBounds(10_000, 200, 1_000, 1_000)
    everybody = [*flood, *quiet, *busy]
    chosen = Counter(everybody[at].organisation for at in choose(everybody, bounds, 0))
    assert chosen == {"flood": 9, "quiet": 2, "busy": 9}


def test_weights_divide_the_block() -> None:
    heavy = [Candidate("heavy", 10, 1, 1)] * 50
    light = [Candidate("light", 10, 1, 1)] * 50
    bounds = BlockBounds(10_000, 200, 1_000, 1_000)
    everybody = [*light, *heavy]
    chosen = choose(everybody, bounds, 0, {"heavy": 3})
    assert Counter(everybody[at].organisation for at in chosen) == {"heavy": 15, "light": 5}


def test_dear_calls_are_a_share_too() -> None:
    dear = [Candidate("dear", 10, 1, 100)] * 50
    cheap = [Candidate("cheap", 100, 1, 10)] * 50
    bounds = BlockBounds(100_000, 1_000, 1_000, 1_000)
    everybody = [*dear, *cheap]
    for turn in range(2):
        chosen = Counter(everybody[at].organisation for at in choose(everybody, bounds, turn))
        assert chosen == {"dear": 9, "cheap": 9}


def test_who_calls_dearly_does_not_pass_as_cheap() -> None:
    gas = GasMeans()
    for _ in range(100):
        gas.add("cheap", 1_000 * 10, 1_000)
        gas.add("dear", 10 * 10**6, 10)
    assert gas.estimate("dear", 10, 10**9) == 10**7
    assert gas.estimate("cheap", 10, 10**9) == 100


def test_each_is_first_in_some_block_so_that_a_large_one_comes_in() -> None:
    large = Candidate("a", 500, 1, 1)
    small = [Candidate("b", 10, 1, 1)] * 50
    bounds = BlockBounds(10_000, 100, 1_000, 1_000)
    blocks = [choose([*small, large], bounds, turn) for turn in range(2)]
    assert [50] in blocks


@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 50)), max_size=30))
def test_the_estimate_stays_between_the_extremes_seen_and_below_the_limits(
    blocks: list[tuple[int, int]],
) -> None:
    mean = GasMeans()
    assert mean.estimate("a", 10, 1_000) == 1_000
    seen = []
    for gas, count in blocks:
        mean.add("a", gas, count)
        if count:
            seen.append(gas / count)
    if seen:
        assert min(seen) * 10 - 1 <= mean.estimate("a", 10, 10**9) <= max(seen) * 10 + 1
        assert mean.estimate("a", 10, 5) <= 5
        # Of whom nothing is known, what is known of all.
        assert mean.estimate("b", 10, 10**9) == mean.estimate("a", 10, 10**9)
