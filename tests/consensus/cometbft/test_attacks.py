"""What a hostile member of the network may try with envelopes, and what must hold all the same."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.consensus.cometbft.small_network import (
    START_MS,
    SmallNetwork,
    handmade,
    small_network,
)

from lianheng.consensus.cometbft import _messages as m
from lianheng.consensus.cometbft.application import LedgerApplication
from lianheng.consensus.cometbft.pool import EnvelopePool, PoolLimits
from lianheng.model import Status, decode, encode, limits

PROPOSER = b"\1" * 20


class Counting:
    """The core, counting how often an envelope's signatures are checked."""

    def __init__(self, engine: Any) -> None:
        self._engine = engine
        self.opened = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def open_envelope(self, data: bytes) -> Any:
        self.opened += 1
        return self._engine.open_envelope(data)


@pytest.fixture
def network() -> SmallNetwork:
    return small_network(nodes=2)


def forgetful(network: SmallNetwork) -> tuple[Counting, LedgerApplication]:
    """A node that was just started: it remembers its ledger, and no envelope."""
    node = network.nodes[1]
    engine = Counting(node.engine)
    node.pool = EnvelopePool(PoolLimits.shared(limits.MEMPOOL_BYTES, limits.MEMPOOL_ENVELOPES, 4))
    application = LedgerApplication(
        engine,
        node.pool,
        genesis=node.genesis,
        on_block=node.on_block,
        clock_ms=node.clock,
        fault=lambda _: None,
    )
    return engine, application


def test_a_decided_envelope_that_comes_again_is_not_looked_into(network: SmallNetwork) -> None:
    engine, application = forgetful(network)
    old = handmade(network, 0, [network.sign("bank-a", id="a")])
    application.finalize_block(m.FinalizeBlock([old], 1, START_MS, bytes(32), PROPOSER))
    application.commit()
    assert engine.opened == 1
    for _ in range(3):
        refused = application.check_tx(m.CheckTx(old, recheck=False))
        assert refused.log.startswith("envelope.decided")
    assert engine.opened == 1


def test_old_envelopes_sent_again_do_not_take_their_signers_share(network: SmallNetwork) -> None:
    old = [handmade(network, 0, [network.sign("bank-a", id=f"{at}")]) for at in range(5)]
    network.decide(old)
    _, application = forgetful(network)
    for data in old:
        refused = application.check_tx(m.CheckTx(data, recheck=False))
        assert refused.log.startswith("envelope.replayed")
    assert application.status()["mempool_envelopes"] == 0
    # One with anything new in it is taken.
    fresh = handmade(network, 0, [*_transactions(old[0]), network.sign("bank-a", id="new")])
    assert application.check_tx(m.CheckTx(fresh, recheck=False)).code == 0


def test_who_lost_the_race_against_another_node_learns_where_it_was_ordered(
    network: SmallNetwork,
) -> None:
    first, second = network.nodes
    signed = network.sign("bank-a", id="a")
    submission = first.sequencer.submit([signed])
    first.sequencer.gather_once()
    # Gathered and not sent yet: the same call is decided from elsewhere.
    network.decide([handmade(network, 1, [signed])])
    # Sent, refused; then gathered anew.
    first.pump()
    first.pump()
    result = submission.one(0)
    assert result.status is Status.DROPPED
    assert result.error is not None
    assert result.error.code == "dropped.replayed"
    assert "entry 0 of block 1" in result.error.message
    assert first.sequencer.status()["queued_transactions"] == 0
    assert second.engine.height == 1


def test_a_call_without_end_holds_up_no_other_one(network: SmallNetwork) -> None:
    """An envelope is waited for until its latest expiry, so nobody may set that at will."""
    (node, _) = network.nodes
    endless = node.sequencer.submit([network.sign("bank-a", expires_in_ms=10**12, id="a")])
    other = node.sequencer.submit([network.sign("bank-a", id="b")])
    node.sequencer.gather_once()
    result = endless.one(0)
    assert result.error is not None
    assert result.error.code == "dropped.too_far_ahead"
    assert node.sequencer.status()["envelopes_under_way"] == 1
    network.block()
    assert other.one(0).final


def _transactions(envelope: bytes) -> list[bytes]:
    found: list[bytes] = decode(decode(envelope)[1])
    return found


SHARED = small_network(
    {
        "block_bytes": 6_000,
        "block_transactions": 8,
        "block_gas": 900_000,
        "transaction_bytes": 6_000,
        "transaction_gas": 200_000,
    },
    nodes=2,
)


def _waiting() -> list[bytes]:
    """Of all sizes; some expire soon, some too far ahead, some are larger than a block."""
    found = []
    for at, name in enumerate(("bank-a", "bank-b")):
        for life in (1, 999, 1_000, 1_001, 60_000, 10**9):
            for count in (1, 3, 9):
                calls = [
                    SHARED.sign(name, expires_in_ms=life, id=f"{at}-{life}-{count}-{each}")
                    for each in range(count)
                ]
                found.append(handmade(SHARED, at, calls))
        large = [SHARED.sign(name, id="x" * size) for size in (600, 4_600, 5_400, 5_650)]
        found += [handmade(SHARED, at, [call]) for call in large]
    return found


WAITING = _waiting()
assert {len(data) > 6_000 for data in WAITING} == {True, False}
RUBBISH = [b"", b"x" * 300, WAITING[0][:-1], encode([b"", b""])]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([*WAITING, *RUBBISH]), max_size=40),
    st.sampled_from([-5_000, -1, 0, 1, 998, 999, 1_000, 1_001, 59_999, 60_000]),
    st.integers(1, 6),
    st.one_of(st.just(10**8), st.integers(0, 20_000)),
)
def test_whatever_a_proposer_chooses_is_voted_for(
    mempool: list[bytes], later_ms: int, height: int, room: int
) -> None:
    """Else its turn is lost, and with the same mempool everywhere the chain stands still."""
    time_ms = START_MS + later_ms
    SHARED.clock.now = time_ms
    for proposer in SHARED.nodes:
        request = m.PrepareProposal(room, mempool, height, time_ms, PROPOSER)
        chosen = list(proposer.application.prepare_proposal(request).txs)
        assert sum(len(data) + 2 for data in chosen) <= room
        assert SHARED.accepts(chosen, time_ms) == [True, True]
        expiries = [
            proposer.engine.envelope_head(data)[2] for data in mempool if data not in RUBBISH
        ]
        if room == 10**8:
            assert bool(chosen) == any(each > max(time_ms, START_MS) for each in expiries)
