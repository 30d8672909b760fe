"""Four ledgers with the real core: one history, whatever the envelopes and proposers do."""

from typing import Any

import pytest
from tests.consensus.cometbft.small_network import SmallNetwork, handmade, small_network

from lianheng.consensus.cometbft import _messages as m
from lianheng.model import Status, decode, encode


@pytest.fixture
def network() -> SmallNetwork:
    return small_network()


def test_a_call_through_each_node_is_final_everywhere(network: SmallNetwork) -> None:
    submissions = [
        node.sequencer.submit([network.sign(name, id=f"tool-{name}")])
        for node, name in zip(network.nodes, network.people, strict=True)
    ]
    app_hash = network.block()
    for submission in submissions:
        result = submission.one(0)
        assert (result.status, result.height) == (Status.FINAL, 1)
    assert network.roots() == {app_hash}
    assert {node.engine.consensus_height for node in network.nodes} == {1}
    for node in network.nodes:
        assert node.sequencer.status()["queued_transactions"] == 0
        assert node.pool.status()["mempool_envelopes"] == 0


def test_an_empty_block_leaves_the_app_hash(network: SmallNetwork) -> None:
    genesis = network.nodes[0].engine.genesis_hash
    assert network.block() == genesis
    network.nodes[0].sequencer.submit([network.sign("bank-a", id="a")])
    first = network.block()
    assert first != genesis
    assert network.block() == first
    node = network.nodes[0]
    assert (node.engine.height, node.application.info(INFO).last_block_height) == (1, 3)
    # A new process knows no more than its last header; CometBFT replays the rest.
    assert node.new_application().info(INFO).last_block_height == 2
    assert [block.height for block in node.blocks] == [None, 1, None]


def test_one_transaction_through_two_nodes_is_executed_once(network: SmallNetwork) -> None:
    transaction = network.sign("bank-a", id="crane-7")
    first = network.nodes[0].sequencer.submit([transaction])
    second = network.nodes[1].sequencer.submit([transaction])
    network.block()
    results = [first.one(0), second.one(0)]
    (final,) = [result for result in results if result.final]
    (dropped,) = [result for result in results if not result.final]
    assert dropped.error is not None
    assert dropped.error.code == "dropped.replayed"
    assert "entry 0 of block 1" in dropped.error.message
    assert dropped.id == final.id == transaction.id(network.genesis_hash)
    # Once more, when it is history: refused before it travels.
    third = network.nodes[2].sequencer.submit([transaction, network.sign("bank-a", id="b")])
    network.block()
    assert [result.status for result in third.wait(0)] == [Status.DROPPED, Status.FINAL]
    error = third.wait(0)[0].error
    assert error is not None
    assert "entry 0 of block 1" in error.message


def test_the_same_transaction_twice_at_one_node_gives_two_envelopes(network: SmallNetwork) -> None:
    transaction = network.sign("bank-a", id="crane-7")
    node = network.nodes[0]
    first = node.sequencer.submit([transaction])
    node.pump()
    second = node.sequencer.submit([transaction])
    node.pump()
    network.clock.now += 500
    node.pump()
    assert node.sequencer.status()["envelopes_under_way"] == 2
    network.block()
    assert first.one(0).final
    assert second.one(0).error is not None
    assert len(network.roots()) == 1


def bad_envelopes(network: SmallNetwork) -> dict[str, bytes]:
    """Everything that must not count, by what is wrong with it."""
    good = handmade(network, 0, [network.sign("bank-a", id="x")])
    head, transactions = decode(good)
    other = small_network()
    engine = network.nodes[0].engine
    gathered = engine.gather(
        engine.prepare([network.sign("bank-a", id="y")]), str(network.nodes[0].identity.member), 1
    )
    stranger = network.nodes[1].identity.sign(gathered.head, engine.genesis_hash)
    unsigned = decode(head)
    person = network.people["bank-a"].sign(gathered.head, engine.genesis_hash)
    many = encode([network.sign("bank-a", id=f"{number}") for number in range(1_500)])
    unsigned[3] = bytes(64)
    return {
        "garbage": b"\xff" * 100,
        "nothing": b"",
        "one byte": b"\x82",
        "truncated": good[:-1],
        "longer": good + b"\0",
        "json": b'{"a": 1}',
        "no transactions": encode([head, encode([])]),
        "other transactions": encode([head, encode([network.sign("bank-a", id="z")])]),
        "unsigned": encode([encode(unsigned), transactions]),
        "signed by another node": encode([stranger, transactions]),
        "signed by a person": encode([person, transactions]),
        "of another chain": handmade(other, 0, [other.sign("bank-a", id="x")]),
        "oversize": encode([head, many]),
    }


def test_what_does_not_count_is_refused_rejected_and_passed_over(network: SmallNetwork) -> None:
    good = handmade(network, 0, [network.sign("bank-a", id="good")])
    for name, data in bad_envelopes(network).items():
        for node in network.nodes:
            assert node.check(data).startswith("envelope."), name
        assert network.accepts([data]) == [False] * 4, name
        assert network.accepts([good, data]) == [False] * 4, name
        assert network.decide([data]) == network.genesis_hash, name
    assert network.decide([*bad_envelopes(network).values(), good]) != network.genesis_hash
    assert len(network.roots()) == 1
    node = network.nodes[0]
    assert node.engine.height == 1
    assert len(node.blocks[-1].outcomes) == 1
    assert len(node.blocks[-1].passed_over) == len(bad_envelopes(network))


def test_an_envelope_decided_before_is_refused_and_does_nothing(network: SmallNetwork) -> None:
    envelope = handmade(network, 0, [network.sign("bank-a", id="once")])
    after = network.decide([envelope])
    for node in network.nodes:
        assert node.check(envelope).startswith("envelope.decided")
        node.mempool.append(envelope)
    assert network.propose() == []
    assert network.decide([envelope]) == after


def test_a_proposal_with_an_envelope_twice_or_expired_is_rejected(network: SmallNetwork) -> None:
    envelope = handmade(network, 0, [network.sign("bank-a", id="once", expires_in_ms=5_000)])
    assert network.accepts([envelope]) == [True] * 4
    assert network.accepts([envelope, envelope]) == [False] * 4
    assert network.accepts([envelope], network.time_ms + 4_999) == [True] * 4
    assert network.accepts([envelope], network.time_ms + 5_000) == [False] * 4
    # Decided all the same, its second copy is all replays.
    network.decide([envelope, envelope])
    assert network.nodes[0].engine.height == 1
    assert network.nodes[0].blocks[-1].outcomes[1][1].counts == (0, 0, 1)


def test_proposals_obey_the_bytes_of_a_block() -> None:
    network = small_network({"block_bytes": 4_096, "transaction_bytes": 2_048})
    envelopes = [
        handmade(
            network, node, [network.sign("bank-a", id=f"{node}-{number}") for number in "abcd"]
        )
        for node in range(4)
    ]
    assert sum(map(len, envelopes)) > 4_096
    for envelope in envelopes:
        network.nodes[0].broadcast(envelope)
    chosen = network.propose()
    assert 0 < sum(map(len, chosen)) <= 4_096
    assert network.accepts(chosen) == [True] * 4
    assert network.accepts(envelopes) == [False] * 4
    large = handmade(network, 0, [network.sign("bank-a", id=f"{number}") for number in range(20)])
    assert len(large) > 4_096
    assert network.accepts([large]) == [True] * 4
    assert network.accepts([large, envelopes[1]]) == [False] * 4


def test_old_block_time_proposes_nothing(network: SmallNetwork) -> None:
    network.nodes[0].broadcast(handmade(network, 0, [network.sign("bank-a", id="a")]))
    network.clock.now = network.time_ms + 2_001
    assert network.propose() == []
    assert network.nodes[0].application.status()["stale_proposals"] == 1
    network.clock.now = network.time_ms + 2_000
    assert len(network.propose()) == 1


def test_what_finds_no_room_comes_again_by_itself() -> None:
    network = small_network({"block_transactions": 3})
    node = network.nodes[0]
    submission = node.sequencer.submit([network.sign("bank-a", id=f"{n}") for n in range(8)])
    for _ in range(6):
        network.block()
    results = submission.wait(0)
    assert [result.status for result in results] == [Status.FINAL] * 8
    assert {result.height for result in results} == {1, 2, 3}
    assert len(network.roots()) == 1


def test_a_lone_transaction_without_room_comes_again_as_another_envelope() -> None:
    network = small_network({"block_transactions": 1})
    node, other = network.nodes[:2]
    first = other.sequencer.submit([network.sign("bank-b", id="a")])
    second = node.sequencer.submit([network.sign("bank-a", id="b")])
    for each in (node, other):
        each.pump()
    # A proposer that does not count packs both into one block.
    network.decide(list(node.mempool))
    for _ in range(3):
        network.block()
    assert first.one(0).final
    assert second.one(0).final
    assert {first.one(0).height, second.one(0).height} == {1, 2}


def test_a_large_submission_is_split_and_keeps_its_order(network: SmallNetwork) -> None:
    node = network.nodes[0]
    signed = [network.sign("bank-a", id=f"tool-{number}") for number in range(2_500)]
    submission = node.sequencer.submit(signed)
    for _ in range(4):
        network.block()
    results = submission.wait(0)
    assert [result.id for result in results] == [item.id(network.genesis_hash) for item in signed]
    assert results[2_499].value["id"] == "tool-2499"
    assert sum(len(block.outcomes) for block in node.blocks) >= 3


def test_expired_in_the_mempool_is_answered_and_leaves(network: SmallNetwork) -> None:
    node = network.nodes[0]
    submission = node.sequencer.submit([network.sign("bank-a", id="a", expires_in_ms=1_000)])
    node.pump()
    assert [len(each.mempool) for each in network.nodes] == [1] * 4
    network.block(after_ms=1_000)
    result = submission.one(0)
    assert result.error is not None
    assert result.error.code == "dropped.expired"
    assert result.id is not None
    assert [len(each.mempool) for each in network.nodes] == [0] * 4
    assert node.pool.status()["mempool_envelopes"] == 0


def test_the_same_block_again_gives_the_same_answer(network: SmallNetwork) -> None:
    network.nodes[0].sequencer.submit([network.sign("bank-a", id="a")])
    network.block()
    application = network.nodes[0].application
    envelope = handmade(network, 1, [network.sign("bank-b", id="b")])
    request = m.FinalizeBlock([envelope], 2, network.time_ms + 5, b"\2" * 32, b"\1" * 20)
    first = application.finalize_block(request)
    # CometBFT restarted before it committed: the block comes again.
    application.info(INFO)
    assert application.finalize_block(request) == first
    application.commit()
    # And after it committed, without having noted so.
    assert application.info(INFO).last_block_height == 2
    assert application.finalize_block(request) == first
    application.commit()
    assert network.nodes[0].engine.height == 2
    assert [block.consensus_height for block in network.nodes[0].blocks] == [1, 2]


@pytest.mark.parametrize("height", [0, 1, 3, 9])
def test_a_block_that_can_not_follow_stops_the_node(network: SmallNetwork, height: int) -> None:
    network.block()
    request = m.FinalizeBlock([], height, network.time_ms, b"\3" * 32, b"\1" * 20)
    with pytest.raises(Exception, match=r"consensus\.order"):
        network.nodes[0].application.finalize_block(request)


def init(network: SmallNetwork, **changed: Any) -> m.InitChain:
    genesis = network.nodes[0].genesis
    values: dict[str, Any] = {
        "time_ms": network.time_ms,
        "chain_id": genesis.hash[:24].hex(),
        "validators": [(key, power) for key, power in genesis.document.sealers[2]],
        "app_state": b'{"genesis": "%s"}' % genesis.hash.hex().encode(),
        "initial_height": 1,
    }
    return m.InitChain(**{**values, **changed})


def test_the_genesis_of_comet_must_be_ours(network: SmallNetwork) -> None:
    application = network.nodes[0].application
    assert application.info(INFO) == m.InfoAnswer("lianheng", "", 1, 0, b"")
    asked = init(network)
    genesis = network.nodes[0].engine.genesis_hash
    assert application.init_chain(asked).app_hash == genesis
    wrong: list[dict[str, Any]] = [
        {"chain_id": "trade"},
        {"initial_height": 2},
        {"validators": list(asked.validators)[1:]},
        {"validators": [(key, 2) for key, _ in asked.validators]},
        {"app_state": b"{}"},
        {"app_state": b"[1]"},
        {"app_state": b"not json"},
        {"app_state": b'{"genesis": "00"}'},
    ]
    for changed in wrong:
        with pytest.raises(Exception, match=r"consensus\.wrong_genesis") as caught:
            application.init_chain(init(network, **changed))
        assert "this ledger has" in str(caught.value)


def test_retained_blocks_never_pass_what_is_synced_and_sealed(network: SmallNetwork) -> None:
    node = network.nodes[0]
    application = node.new_application(retain_blocks=1)
    for height in range(1, 6):
        envelope = handmade(network, 1, [network.sign("bank-b", id=f"{height}")])
        request = m.FinalizeBlock([envelope], height, network.time_ms, bytes(32), b"\1" * 20)
        application.finalize_block(request)
        # Nothing is sealed: nothing may go.
        assert application.commit() == m.CommitAnswer(0)


INFO = m.Info("0.40.0", 11, 8, "2.0.0")
