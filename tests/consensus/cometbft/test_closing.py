"""A closed network: nothing is let in, proposed or voted for behind the last block."""

from pathlib import Path
from typing import Any

import pytest
from tests.consensus.cometbft.small_network import SmallNetwork, handmade, small_network

import lianheng.system
from lianheng.ledger import Submission, read_closing
from lianheng.members import CallSigner
from lianheng.model import ChainName, Status, Stopped

GOVERNANCE = Path(lianheng.system.__file__).with_name("governance.py")


@pytest.fixture
def network() -> SmallNetwork:
    return small_network(contract=GOVERNANCE)


def closing(network: SmallNetwork, *names: str) -> bytes:
    signer = CallSigner(ChainName("trade"), network.genesis_hash, lambda: network.clock.now)
    signers = [network.people[name] for name in names]
    return signer.sign(signers, "governance.close", {"reason": "over"})


def other(network: SmallNetwork, number: int) -> bytes:
    return network.sign("grid", "governance.settle", number=number)


def submit(network: SmallNetwork, node: int, *transactions: bytes) -> Submission:
    return network.nodes[node].sequencer.submit(transactions)


def close(network: SmallNetwork) -> bytes:
    end = submit(network, 0, closing(network, "bank-a", "bank-b", "hospital"))
    app_hash = network.block()
    assert end.one().final
    return app_hash


def test_all_nodes_end_at_one_header(network: SmallNetwork) -> None:
    behind: Any = submit(
        network, 0, closing(network, "bank-a", "bank-b", "grid"), other(network, 1)
    )
    also = submit(network, 1, other(network, 2))
    app_hash = network.block()
    assert network.roots() == {app_hash}
    results = behind.wait()
    assert [result.status for result in results] == [Status.FINAL, Status.DROPPED]
    # It stood before or behind it, in an envelope of its own.
    assert also.one().status in {Status.DROPPED, Status.REFUSED}
    for node in network.nodes:
        found = read_closing(node.engine.closed)
        assert found is not None
        assert found.height == node.engine.height == 1
        assert found.members == ("alice@bank-a", "alice@bank-b", "alice@grid")


def test_nothing_is_let_in_proposed_or_voted_for(network: SmallNetwork) -> None:
    early = handmade(network, 3, [other(network, 1)])
    waiting = handmade(network, 2, [other(network, 2)])
    for node in network.nodes:
        assert node.check(waiting) == ""
    app_hash = close(network)
    for node in network.nodes:
        assert node.check(early).startswith("envelope.chain_closed")
        assert node.check(waiting, recheck=True).startswith("envelope.chain_closed")
        assert node.engine.next_timer is None
        node.mempool.append(waiting)
    assert network.propose() == []
    assert network.accepts([waiting]) == [False] * 4
    assert network.accepts([]) == [True] * 4
    # Where more than a third votes for it all the same, the block is empty.
    assert network.decide([waiting, early]) == app_hash
    assert network.decide([]) == app_hash
    assert {node.engine.height for node in network.nodes} == {1}


def test_who_waits_is_told(network: SmallNetwork) -> None:
    node = network.nodes[1]
    close(network)
    late = submit(network, 1, other(network, 1))
    found = read_closing(node.engine.closed)
    assert found is not None
    node.sequencer.end(found.stopped())
    with pytest.raises(Stopped) as refused:
        late.wait(0)
    assert refused.value.code == "chain.closed"
    with pytest.raises(Stopped, match="closed by alice@bank-a"):
        submit(network, 1, other(network, 2))
