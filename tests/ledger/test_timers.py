"""Timers in a ledger: order and room, frozen and retired contracts, upgrades, replay."""

from dataclasses import dataclass
from pathlib import Path

import pytest

import lianheng_verify
from lianheng import _native
from lianheng.ledger import DirectSequencer, EngineBackend, Ledger, replay_export
from lianheng.members import Genesis, Identity, MemberSpec
from lianheng.model import ContractSource, NotFound, Result, Run, native_errors

REMINDERS = Path(__file__).parents[1] / "contracts" / "reminders.py"
START_MS = 1_800_000_000_000
ALICE = Identity.generate("alice@north")
SEALER = Identity.generate("sequencer@north")


@dataclass
class Timed:
    """A ledger whose time a test sets."""

    ledger: Ledger
    engine: _native.Engine
    sequencer: DirectSequencer[_native.Prepared, _native.Pending]
    now: list[int]

    def call(self, target: str, **arguments: object) -> Result:
        signed = self.ledger.signer.sign([ALICE], target, arguments)
        return self.ledger.submit(signed).one()

    def remind(self, name: str, after: int) -> int:
        value = self.call("reminders.remind", id=name, after=after).checked().value
        assert isinstance(value, int)
        return value

    def due(self) -> int | None:
        return self.engine.next_timer

    def block_at(self, after: int) -> list[Run]:
        """An empty block at this time, if anything is due, and what it ran."""
        self.now[0] = START_MS + after
        if self.engine.next_timer is None or self.engine.next_timer > self.now[0]:
            return []
        height = self.ledger.height
        # A block of the time itself, however long ago a timer was due.
        self.sequencer._maker.make([], self.now[0])
        if self.ledger.height == height:
            return []
        block = self.ledger.block(height + 1)
        return [block.run(index) for index in range(block.runs)]


def genesis(**parameters: int) -> Genesis:
    return Genesis.create(
        chain="trade",
        organisations=["north"],
        members=[MemberSpec("alice@north", ALICE, kind="person", roles=("admin", "operator"))],
        sealer=SEALER,
        time_ms=START_MS,
        contracts=[ContractSource("reminders", REMINDERS.name, REMINDERS.read_text())],
        parameters=parameters,
    )


def opened(engine: _native.Engine) -> Timed:
    now = [START_MS]
    sequencer: DirectSequencer[_native.Prepared, _native.Pending] = DirectSequencer(
        engine, SEALER, lambda: now[0]
    )
    ledger = Ledger(EngineBackend(engine, sequencer), lambda: now[0])
    return Timed(ledger, engine, sequencer, now)


def timed(path: Path | None = None, **parameters: int) -> Timed:
    with native_errors():
        engine = _native.Engine.create(
            None if path is None else str(path), genesis(**parameters).encoded
        )
    return opened(engine)


def numbers(runs: list[Run]) -> list[int]:
    return [run.number for run in runs]


def sound(bench: Timed) -> bool:
    return not bench.ledger.backend.fsck()["faults"]


def test_an_idle_ledger_makes_no_block_before_a_timer_is_due() -> None:
    bench = timed()
    assert bench.due() is None
    bench.remind("a", 1_000)
    assert bench.due() == START_MS + 1_000
    assert bench.block_at(999) == []
    assert bench.ledger.height == 1
    assert numbers(bench.block_at(1_000)) == [1]
    assert bench.due() is None
    assert sound(bench)


def test_timers_run_before_the_transactions_of_their_block() -> None:
    bench = timed()
    bench.remind("a", 1_000)
    bench.now[0] += 5_000
    result = bench.call("reminders.remind", id="a", after=9)
    assert result.error is not None
    assert (result.height, result.index) == (2, 1)
    block = bench.ledger.block(2)
    assert (block.runs, len(block), len(block.transactions)) == (1, 2, 1)
    assert result.id is not None
    assert bench.ledger.result(result.id).index == 1
    verified = lianheng_verify.verify_receipt(
        bench.ledger.receipt(result.id), bench.ledger.genesis_file
    )
    assert (verified.index, verified.count) == (1, 2)
    assert sound(bench)


def test_a_run_is_found_by_its_timer_and_proved() -> None:
    bench = timed()
    bench.remind("a", 1_000)
    with pytest.raises(NotFound):
        bench.ledger.run("reminders", 1)
    bench.block_at(3_000)
    run = bench.ledger.run("reminders", 1)
    identity = run.id(bench.ledger.genesis_hash)
    assert bench.ledger.result(identity).id == identity
    assert bench.ledger.find(identity.hex()[:12]) == identity
    assert any(step[0] == "write" for step in bench.ledger.trace(identity))
    data = bench.ledger.receipt(identity)
    source = lianheng_verify.Source(REMINDERS.name, REMINDERS.read_bytes())
    verified = lianheng_verify.verify_run(data, bench.ledger.genesis_file, source)
    assert verified.run_id == bytes(identity)
    assert (verified.run.at, verified.time) == (START_MS + 1_000, START_MS + 3_000)
    for place in range(0, len(data), 7):
        changed = bytearray(data)
        changed[place] ^= 1
        with pytest.raises(lianheng_verify.VerificationError):
            lianheng_verify.verify_run(bytes(changed), bench.ledger.genesis_file)


def test_a_block_has_room_for_so_many_timers() -> None:
    bench = timed(block_timers=3)
    for number in range(7):
        bench.remind(str(number), 1_000 - number)
    assert numbers(bench.block_at(2_000)) == [7, 6, 5]
    assert numbers(bench.block_at(2_000)) == [4, 3, 2]
    assert numbers(bench.block_at(2_000)) == [1]
    assert sound(bench)


def test_timers_have_a_quarter_of_a_blocks_gas() -> None:
    # Each carries 200,000: two are within a quarter, and the first runs in any case.
    bench = timed(block_gas=2_000_000)
    small = timed(block_gas=300_000)
    for number in range(3):
        bench.remind(str(number), 1_000)
        small.now[0] += 1
        small.remind(str(number), 1_000)
    assert [numbers(bench.block_at(2_000)) for _ in range(2)] == [[1, 2], [3]]
    assert [numbers(small.block_at(2_000)) for _ in range(3)] == [[1], [2], [3]]


def test_timers_of_a_frozen_contract_wait_out_of_the_way() -> None:
    bench = timed(block_timers=2)
    other = REMINDERS.read_text()
    bench.call("contracts.deploy", name="other", file="other.py", source=other).checked()
    for number in range(3):
        bench.remind(str(number), 1_000)
    bench.call("other.remind", id="o", after=2_000).checked()
    bench.call("contracts.freeze", name="reminders").checked()
    assert bench.block_at(5_000) == []
    ran = bench.block_at(5_000)
    assert [(run.contract, run.number) for run in ran] == [("other", 1)]
    # Nothing is due until somebody thaws it: the chain rests.
    assert bench.due() is None
    held, _ = bench.ledger.backend.scan(
        "chain", "timers_held", (), limit=9, after=None, reverse=False
    )
    assert [key[2] for key, _ in held] == [1, 2, 3]
    bench.call("contracts.thaw", name="reminders").checked()
    assert bench.due() == START_MS + 1_000
    cancelled = bench.call("reminders.withdraw", id="2").checked()
    assert cancelled.value is True
    block = bench.ledger.block(bench.ledger.height)
    assert numbers([block.run(index) for index in range(block.runs)]) == [1, 2]
    assert bench.block_at(6_000) == []
    assert sound(bench)


def test_a_held_timer_can_be_cancelled_and_a_retired_contracts_are_refused() -> None:
    bench = timed()
    bench.remind("a", 1_000)
    bench.remind("b", 1_000)
    bench.call("contracts.freeze", name="reminders").checked()
    assert bench.block_at(2_000) == []
    bench.call("contracts.retire", name="reminders").checked()
    runs = [
        run
        for block in bench.ledger.blocks()
        for run in (block.run(index) for index in range(block.runs))
    ] + bench.block_at(3_000)
    assert numbers(runs) == [1, 2]
    for run in runs:
        assert run.result.error is not None
        assert run.result.error.code == "contract.retired"
    assert bench.due() is None
    assert sound(bench)


def test_a_timer_whose_method_an_upgrade_removed_is_refused() -> None:
    bench = timed()
    bench.remind("a", 1_000)
    source = REMINDERS.read_text().replace("def expire", "def lapse").replace('"expire"', '"lapse"')
    bench.call("contracts.upgrade", name="reminders", file="r.py", source=source).checked()
    (run,) = bench.block_at(2_000)
    assert run.result.error is not None
    assert run.result.error.code == "call.unknown_method"
    bench.remind("b", 1_000)
    other = source.replace("def lapse(self, id: str)", "def lapse(self, ident: str)")
    other = other.replace('"lapse", id=id', '"lapse", ident=id').replace(
        "[id].replace", "[ident].replace"
    )
    other = other.replace(
        "self.terms[id]\n        require(term",
        "self.terms[ident]\n        id = ident\n        require(term",
    )
    bench.call("contracts.upgrade", name="reminders", file="r.py", source=other).checked()
    (run,) = bench.block_at(9_000)
    assert run.result.error is not None
    assert run.result.error.code == "call.bad_arguments"
    assert sound(bench)


def test_a_ledger_that_is_opened_or_built_again_stands_the_same(tmp_path: Path) -> None:
    bench = timed(tmp_path / "store")
    for number in range(5):
        bench.remind(str(number), 1_000 * (number + 1))
    bench.call("reminders.withdraw", id="3").checked()
    assert numbers(bench.block_at(2_500)) == [1, 2]
    head = bench.engine.header_hash
    bench.ledger.close()
    for rebuild in (False, True):
        with native_errors():
            again = opened(_native.Engine.open(str(tmp_path / "store"), rebuild=rebuild))
        assert again.engine.header_hash == head
        assert again.due() == START_MS + 3_000
        assert sound(again)
        again.ledger.close()
    with native_errors():
        last = opened(_native.Engine.open(str(tmp_path / "store")))
    assert numbers(last.block_at(9_000)) == [3, 5]
    folder = tmp_path / "export"
    last.ledger.export(folder)
    assert replay_export(folder) == last.ledger.height
    verified = lianheng_verify.verify_chain(
        folder, lianheng_verify.load_anchor(last.ledger.genesis_file)
    )
    assert verified.height == last.ledger.height
    last.ledger.close()
