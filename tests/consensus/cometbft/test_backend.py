"""Evidence of a network: what proves members waits for the seal of the block that proves them."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.verify.test_verify_engine import Network

import lianheng_verify
from lianheng import _native
from lianheng.consensus.cometbft.backend import NetworkBackend
from lianheng.model import TimedOut, decode


class Sequencer:
    """Orders nothing."""

    def submit(self, transactions: Any) -> Any:
        raise NotImplementedError

    def start(self) -> None:
        pass

    def status(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        pass


class Seals:
    """Does what the test says when somebody waits for a seal, and remembers the heights."""

    def __init__(self, arrive: Callable[[int], None]) -> None:
        self._arrive = arrive
        self.waited: list[int] = []

    def wait(self, height: int, seconds: float) -> None:  # noqa: ARG002
        self.waited.append(height)
        self._arrive(height)


def test_a_receipt_waits_for_the_seal_of_the_block_that_proves_its_members() -> None:
    network = Network(3)
    for height in (1, 2):
        network.seal(height)
    engine, id_ = network.engine, network.ids[0]
    anchor = engine.header_file(2)
    with pytest.raises(_native.NativeError, match=r"seal\.not_yet|no seal yet"):
        engine.receipt(id_, anchor)
    unsealed = decode(engine.receipt(id_, anchor, sealed=False))
    assert unsealed["members"]["at"]["seal"] is None
    seals = Seals(network.seal)
    backend = NetworkBackend(engine, Sequencer(), seals, dict)
    verified = lianheng_verify.verify_receipt(backend.receipt(id_, anchor), anchor)
    assert seals.waited == [3]
    assert (verified.height, verified.sealed_height) == (1, 3)
    assert [one.member for one in verified.signers] == ["alice@north"]
    # Under the genesis nothing has to be proved, nor waited for.
    backend.receipt(id_, engine.genesis_file)
    assert seals.waited == [3]


def test_its_own_seal_is_waited_for_first() -> None:
    network = Network(2)
    network.seal(1)
    anchor = network.engine.header_file(1)
    seals = Seals(network.seal)
    backend = NetworkBackend(network.engine, Sequencer(), seals, dict)
    data = backend.receipt(network.ids[1], anchor)
    assert seals.waited == [2]
    assert "at" not in decode(data)["members"]
    assert lianheng_verify.verify_receipt(data, anchor).sealed_height == 2


def test_a_seal_that_does_not_come_is_said() -> None:
    network = Network(2)
    network.seal(1)
    anchor = network.engine.header_file(1)
    backend = NetworkBackend(network.engine, Sequencer(), Seals(lambda _: None), dict)
    with pytest.raises(TimedOut) as caught:
        backend.receipt(network.ids[0], anchor)
    assert caught.value.code == "seal.not_yet"
