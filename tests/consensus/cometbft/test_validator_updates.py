"""What CometBFT is told of a changed set: the same by every node, and when it asks again."""

from pathlib import Path

from tests.consensus.cometbft.small_network import SmallNetwork, handmade, small_network

from lianheng.consensus.cometbft import _messages as m
from lianheng.members import Identity, prove_possession
from lianheng.model import ChainName
from lianheng.system import members

NODE = "node-1@bank-a"


def network() -> SmallNetwork:
    return small_network(contract=Path(members.__file__))


def rotation(net: SmallNetwork, fresh: Identity) -> bytes:
    """An envelope with a rotation of the first node's key, signed by its admin."""
    signed = net.sign(
        "bank-a",
        "members.rotate_key",
        gas=5_000_000,
        member=NODE,
        old=bytes(net.nodes[0].identity.key_id),
        public=fresh.public,
        custodial=False,
        possession=prove_possession(fresh, ChainName("trade")),
    )
    return handmade(net, 1, [bytes(signed)])


def block(net: SmallNetwork, height: int, txs: list[bytes]) -> m.FinalizeBlock:
    return m.FinalizeBlock(txs, height, net.time_ms + height, bytes([height]) * 32, b"\1" * 20)


def test_updates_are_told_once_and_the_same_to_whoever_asks_again() -> None:
    net = network()
    old, fresh = net.nodes[0].identity, Identity.generate(NODE)
    request = block(net, 1, [rotation(net, fresh)])
    wanted = sorted([(old.public, 0), (fresh.public, 1)])
    hashes: dict[int, set[bytes]] = {}
    for node in net.nodes:
        first = node.application.finalize_block(request)
        assert list(first.validator_updates) == wanted
        # A CometBFT that was killed in between decides it once more.
        assert node.application.finalize_block(request) == first
        node.application.commit()
        assert node.application.finalize_block(request) == first
        node.application.commit()
        # The next block has a header of its own, the one after it changes nothing.
        for height in (2, 3):
            answer = node.application.finalize_block(block(net, height, []))
            assert not answer.validator_updates
            node.application.commit()
            hashes.setdefault(height, set()).add(answer.app_hash)
        hashes.setdefault(1, set()).add(first.app_hash)
    assert {height: len(found) for height, found in hashes.items()} == {1: 1, 2: 1, 3: 1}
    assert hashes[1] != hashes[2] == hashes[3]
    assert net.nodes[0].engine.height == 2


def test_a_block_that_is_not_committed_changes_no_set() -> None:
    net = network()
    node, fresh = net.nodes[0], Identity.generate(NODE)
    request = block(net, 1, [rotation(net, fresh)])
    assert node.application.finalize_block(request).validator_updates
    again = node.new_application()
    empty = again.finalize_block(block(net, 1, []))
    assert not empty.validator_updates
    again.commit()
    assert {bytes(key) for _, key, _ in node.engine.validators()} == {
        one.identity.public for one in net.nodes
    }
