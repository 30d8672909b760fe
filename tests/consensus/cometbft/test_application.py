"""The application at its edges: hostile bytes, senders of rubbish, restarts, retained blocks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.consensus.cometbft.small_network import (
    START_MS,
    Node,
    SmallNetwork,
    handmade,
    small_network,
)

from lianheng import _native
from lianheng.consensus.cometbft import _messages as m
from lianheng.consensus.cometbft.application import FAULT_POINTS, LedgerApplication
from lianheng.consensus.cometbft.gather import EnvelopeSequencer
from lianheng.model import Header, LedgerError, decode, encode, limits

INFO = m.Info("0.40.0", 11, 8, "2.0.0")
PROPOSER = b"\1" * 20


@pytest.fixture
def network() -> SmallNetwork:
    return small_network(nodes=2)


class Proxy:
    """The core, with some of its answers replaced."""

    def __init__(self, engine: Any, **replaced: Any) -> None:
        self._engine = engine
        self._replaced = replaced

    def __getattr__(self, name: str) -> Any:
        return self._replaced[name] if name in self._replaced else getattr(self._engine, name)


def application(node: Node, engine: Any, **options: Any) -> LedgerApplication:
    return LedgerApplication(
        engine,
        node.pool,
        genesis=node.genesis,
        on_block=node.on_block,
        clock_ms=node.clock,
        fault=lambda _: None,
        **options,
    )


def finalize(network: SmallNetwork, height: int, txs: list[bytes]) -> m.FinalizeBlock:
    return m.FinalizeBlock(txs, height, network.time_ms, bytes([height]) * 32, PROPOSER)


def with_rubbish(network: SmallNetwork, good: Sequence[bytes], rubbish: int) -> bytes:
    """An envelope that a node signs although much of it can never be ordered."""
    node = network.nodes[0]
    engine, identity = node.engine, node.identity
    items = [*good, *(b"rubbish %d" % number for number in range(rubbish))]
    transactions = encode(items)
    digest = _native.hash_bytes(transactions)
    expires = START_MS + 60_000 if good else 0
    head = encode(
        [
            "lianheng.envelope.1",
            str(identity.member),
            1,
            expires,
            100_000 * len(good),
            len(items),
            digest,
        ]
    )
    return encode([identity.sign(head, engine.genesis_hash), transactions])


SHARED = small_network(nodes=1)
VALID = handmade(SHARED, 0, [SHARED.sign("bank-a", id=f"{number}") for number in range(3)])


@settings(max_examples=300, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=400),
        st.tuples(st.integers(0, len(VALID) - 1), st.integers(1, 255)).map(
            lambda pair: VALID[: pair[0]] + bytes([VALID[pair[0]] ^ pair[1]]) + VALID[pair[0] + 1 :]
        ),
        st.tuples(st.integers(0, len(VALID)), st.binary(max_size=8)).map(
            lambda pair: VALID[: pair[0]] + pair[1] + VALID[pair[0] :]
        ),
        st.integers(0, len(VALID)).map(lambda end: VALID[:end]),
    )
)
def test_no_bytes_break_it_and_changed_ones_never_count(data: bytes) -> None:
    (node,) = SHARED.nodes
    if data == VALID:
        return
    answer = node.application.check_tx(m.CheckTx(data, recheck=False))
    assert answer.code == 1
    assert answer.log.startswith("envelope.")
    node.application.check_tx(m.CheckTx(data, recheck=True))
    assert SHARED.accepts([data]) == [False]
    proposal = m.PrepareProposal(10**8, [data], 1, START_MS, PROPOSER)
    assert node.application.prepare_proposal(proposal).txs == []
    before = node.engine.header_hash
    answer_to_block = node.application.finalize_block(finalize(SHARED, 1, [data]))
    assert answer_to_block == m.FinalizeBlockAnswer(1, before)


def test_who_sends_rubbish_is_not_heard_for_a_while(network: SmallNetwork) -> None:
    _, node = network.nodes
    assert node.check(with_rubbish(network, [], 5)).startswith("envelope.")
    good = [network.sign("bank-a", id="a")]
    # Most of it rubbish, but it counts: nobody may refuse it in a block.
    mixed = with_rubbish(network, good, 1_990)
    assert node.check(mixed) == ""
    assert network.accepts([mixed]) == [True, True]
    honest = handmade(network, 0, [network.sign("bank-a", id="b")])
    other = handmade(network, 1, [network.sign("bank-b", id="c")])
    assert node.check(honest).startswith("envelope.bad_sender")
    assert node.check(other) == ""
    network.clock.now += limits.BAD_WINDOW_MS - 1
    assert node.check(honest).startswith("envelope.")
    network.clock.now = START_MS + limits.BAD_WINDOW_MS
    fresh = handmade(network, 0, [network.sign("bank-a", id="d")])
    assert node.check(fresh) == ""
    network.clock.now = START_MS
    network.decide([mixed])
    assert node.blocks[-1].outcomes[0][1].counts == (1, 0, 1_990)
    assert len(network.roots()) == 1


def test_an_organisation_beyond_its_share_waits(network: SmallNetwork) -> None:
    node = network.nodes[1]
    full = limits.MEMPOOL_ENVELOPES // 4
    for number in range(full):
        data = handmade(network, 0, [network.sign("bank-a", id=f"{number}")])
        assert node.check(data) == ""
    one_more = handmade(network, 0, [network.sign("bank-a", id="more")])
    assert node.check(one_more).startswith("envelope.over_share")
    assert node.check(handmade(network, 1, [network.sign("bank-b", id="b")])) == ""


def test_a_vote_does_not_depend_on_the_clock_or_on_what_this_node_saw(
    network: SmallNetwork,
) -> None:
    envelope = handmade(network, 0, [network.sign("bank-a", id="a")])
    network.nodes[0].broadcast(envelope)
    network.nodes[1].pool.mempool_lost()
    network.clock.now += 10 * 3_600_000
    assert network.nodes[1].check(envelope).startswith("envelope.expired")
    assert network.accepts([envelope], START_MS) == [True, True]
    network.clock.now = 0
    assert network.accepts([envelope], START_MS + 60_000) == [False, False]


def test_an_envelope_whose_key_left_since_it_was_opened_is_passed_over(
    network: SmallNetwork,
) -> None:
    node = network.nodes[0]
    envelope = handmade(network, 0, [network.sign("bank-a", id="a")])
    assert node.check(envelope) == ""

    def left(_: object) -> None:
        raise left_error

    left_error = _native.NativeError("key left")
    left_error.code, left_error.message = "envelope.unknown_node", "its key is not in force"
    left_error.field = left_error.hint = None
    without = application(node, Proxy(node.engine, admit_envelope=left))
    assert not without.process_proposal(
        m.ProcessProposal([envelope], 1, START_MS, bytes(32), PROPOSER)
    ).accept
    answer = without.finalize_block(finalize(network, 1, [envelope]))
    assert answer.app_hash == node.engine.genesis_hash
    without.commit()
    assert node.blocks[-1].outcomes == []
    assert len(node.blocks[-1].passed_over) == 1


@pytest.mark.parametrize("step", ["open_envelope", "envelope_head", "execute", "commit"])
def test_a_failure_of_the_core_is_never_an_answer(network: SmallNetwork, step: str) -> None:
    node = network.nodes[1]
    envelope = handmade(network, 0, [network.sign("bank-a", id="a")])

    def fail(*_: object) -> None:
        raise failure

    failure = _native.NativeError("disk")
    failure.code, failure.message = "store.io", "no space left"
    failure.field = failure.hint = None
    broken = application(node, Proxy(node.engine, **{step: fail}))
    with pytest.raises(LedgerError, match=r"store\.io"):  # noqa: PT012 - one of these steps
        broken.check_tx(m.CheckTx(envelope, recheck=False))
        broken.finalize_block(finalize(network, 1, [envelope]))
        broken.commit()


def test_retained_blocks_follow_what_is_synced_and_sealed(network: SmallNetwork) -> None:
    node = network.nodes[0]
    known = {"synced_height": 0, "sealed_height": 0}
    engine = Proxy(node.engine)
    engine._replaced = known
    kept = application(node, engine, retain_blocks=2)
    answers = []
    for height in range(1, 9):
        # Every second block of CometBFT makes a header: headers 1 to 4 at 2, 4, 6, 8.
        txs = [] if height % 2 else [handmade(network, 1, [network.sign("bank-b", id=f"{height}")])]
        kept.finalize_block(finalize(network, height, txs))
        answers.append(kept.commit().retain_height)
        known["sealed_height"] = node.engine.height
        known["synced_height"] = min(node.engine.height, 2)
    # Never beyond two blocks behind, nor beyond block 4, which made the last synced header.
    assert answers == [0, 0, 1, 2, 3, 4, 4, 4]


def test_each_fault_point_is_passed_in_order(network: SmallNetwork) -> None:
    node = network.nodes[0]
    passed: list[str] = []
    sequencer = EnvelopeSequencer(
        node.engine,
        node.identity,
        node.pool,
        node,
        horizon_ms=limits.REPLAY_HORIZON_MS,
        clock_ms=network.clock,
        monotonic_ms=network.clock,
        fault=passed.append,
        threads=False,
    )
    watched = LedgerApplication(
        node.engine,
        node.pool,
        genesis=node.genesis,
        on_block=sequencer.on_block,
        clock_ms=network.clock,
        fault=passed.append,
    )
    submission = sequencer.submit([network.sign("bank-a", id="a")])
    sequencer.gather_once()
    sequencer.send_once()
    watched.finalize_block(finalize(network, 1, list(node.mempool)))
    watched.commit()
    assert submission.one(0).final
    assert tuple(passed) == FAULT_POINTS
    sequencer.close()


def test_after_a_restart_comet_replays_what_is_lacking(tmp_path: Path) -> None:
    network = small_network(nodes=2, path=tmp_path)
    first, second = network.nodes
    blocks: list[m.FinalizeBlock] = []
    for height in range(1, 7):
        txs = [handmade(network, 1, [network.sign("bank-b", id=f"{height}")])] if height % 3 else []
        blocks.append(finalize(network, height, txs))
        for node in network.nodes:
            node.application.finalize_block(blocks[-1])
            if node is first or height < 6:
                node.application.commit()
    # The second one ends with an executed block that it did not commit.
    second.engine.close()
    second.engine = _native.Engine.open(str(tmp_path / "1"))
    again = application(second, second.engine)
    info = again.info(INFO)
    assert info.last_block_height == second.engine.consensus_height == 5
    assert info.last_block_app_hash == second.engine.header_hash
    for request in blocks[info.last_block_height :]:
        again.finalize_block(request)
        again.commit()
    assert first.engine.header_hash == second.engine.header_hash
    assert first.application.info(INFO) == again.info(INFO)
    assert Header.from_bytes(second.engine.header(4)[0]).consensus_height == 5
    for node in network.nodes:
        node.engine.close()


def test_commit_without_a_block_stops_the_node(network: SmallNetwork) -> None:
    with pytest.raises(LedgerError, match=r"consensus\.order"):
        network.nodes[0].application.commit()


def test_info_in_the_middle_of_a_block_changes_nothing(network: SmallNetwork) -> None:
    node = network.nodes[0]
    envelope = handmade(network, 0, [network.sign("bank-a", id="a")])
    answer = node.application.finalize_block(finalize(network, 1, [envelope]))
    assert node.application.info(INFO).last_block_height == 0
    node.application.commit()
    assert node.engine.header_hash == answer.app_hash


def test_a_query_says_where_to_ask(network: SmallNetwork) -> None:
    answer = network.nodes[0].application.query(m.Query(b"x", "/store", 0, prove=False))
    assert answer.code != 0
    assert "/store" in answer.log


def test_gas_is_estimated_from_what_blocks_used() -> None:
    network = small_network({"block_gas": 300_000, "transaction_gas": 100_000}, nodes=1)
    (node,) = network.nodes
    waiting = [
        handmade(network, 0, [network.sign("bank-a", id=f"{number}-{at}") for at in range(2)])
        for number in range(12)
    ]
    node.mempool = list(waiting)
    # Nothing known: the limits count, 200,000 each.
    assert len(network.propose()) == 1
    network.decide(network.propose())
    used = decode(node.blocks[-1].outcomes[0][1].result(0) or b"")[2]
    assert used < 5_000
    assert len(network.propose()) == 11
