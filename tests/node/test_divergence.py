"""What a validator that left the chain says, and that it stays down."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.node.support import make_home, serving
from tests.rooms import People, genesis, people

from lianheng.client import Home
from lianheng.consensus import create_ledger
from lianheng.ledger import DirectSequencer, EngineBackend, Ledger
from lianheng.model import Damaged, native_errors
from lianheng.node._divergence import (
    check_marker,
    compare,
    diverged,
    first_difference,
    write_marker,
)


def test_the_first_reason_stays_until_somebody_acts(tmp_path: Path) -> None:
    home = Home(tmp_path)
    check_marker(home)
    error = diverged(home, 7, "aa", "bb", "They differ in state root.")
    write_marker(home, error)
    write_marker(home, diverged(home, 9, "cc", "dd", "Later."))
    with pytest.raises(Damaged) as caught:
        check_marker(home)
    assert (caught.value.code, caught.value.message) == ("chain.diverged", error.message)
    assert "height 7 is not the chain's: header aa here, bb there" in caught.value.message
    assert "doctor --rebuild" in caught.value.hint


@pytest.mark.parametrize("text", ["", "[]", "{}", "\0"])
def test_an_unreadable_marker_keeps_the_node_down_as_well(tmp_path: Path, text: str) -> None:
    Home(tmp_path).diverged_file.write_text(text)
    with pytest.raises(Damaged) as caught:
        check_marker(Home(tmp_path))
    assert caught.value.code == "chain.diverged"


@pytest.fixture
def twins() -> Iterator[tuple[Ledger, Ledger, People]]:
    """Two ledgers of one genesis, each with a sequencer of its own; time stands still."""
    from lianheng import _native

    them = people()
    now = time.time_ns() // 1_000_000
    made = []
    for _ in range(2):
        with native_errors():
            engine = _native.Engine.create(None, genesis(them, time_ms=now).encoded)
        sequencer = DirectSequencer(engine, them.sealer, lambda: now)
        made.append(Ledger(EngineBackend(engine, sequencer), lambda: now))
    yield made[0], made[1], them
    for ledger in made:
        ledger.close()


def test_the_first_block_and_transaction_that_differ_are_found(
    twins: tuple[Ledger, Ledger, People],
) -> None:
    ours, theirs, them = twins
    for number in range(9):
        signed = ours.sign(them.alice, "toolshed.add", {"id": f"t-{number}"})
        for ledger in (ours, theirs):
            ledger.submit(signed).wait()
    assert ours.block(9).header == theirs.block(9).header
    assert first_difference(ours, theirs) is None
    same = ours.sign(them.alice, "toolshed.add", {"id": "same"})
    mine = ours.sign(them.alice, "toolshed.add", {"id": "mine"})
    other = ours.sign(them.bob, "toolshed.lend", {"id": "t-1", "to": "south"})
    ours.submit([same, mine]).wait()
    theirs.submit([same, other]).wait()
    for ledger in (ours, theirs):
        for number in range(5):
            ledger.call(them.alice, "toolshed.add", id=f"after-{number}")
    found = first_difference(ours, theirs)
    assert found is not None
    assert found.height == 10
    assert found.ours == ours.block(10).header.hash.hex()
    assert found.theirs == theirs.block(10).header.hash.hex()
    assert "differ in entries root, state root, replay root" in found.what
    assert f"transaction 1: here: {mine.id(ours.genesis_hash).hex()} is final" in found.what
    assert f"there: {other.id(ours.genesis_hash).hex()} is refused, contract.rejected" in found.what


def test_a_transaction_that_one_side_lacks_is_named(twins: tuple[Ledger, Ledger, People]) -> None:
    ours, theirs, them = twins
    calls = [ours.sign(them.alice, "toolshed.add", {"id": f"t-{n}"}) for n in range(2)]
    ours.submit(calls).wait()
    theirs.submit(calls[:1]).wait()
    found = first_difference(ours, theirs)
    assert found is not None
    assert "transaction 1" in found.what
    assert found.what.endswith("; there: none")


def test_siblings_of_another_chain_or_without_a_node_are_passed_over(tmp_path: Path) -> None:
    them = people()
    with create_ledger(tmp_path / "ledger", genesis(them), sealer=them.sealer) as ours:
        ours.call(them.alice, "toolshed.add", id="x")
        strange = tmp_path / "strange"
        strange.mkdir()
        make_home(strange)
        with serving(strange):
            assert compare(ours, [tmp_path / "nowhere", strange]) is None
