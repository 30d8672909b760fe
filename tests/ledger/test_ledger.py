"""The embedded ledger: calls, reads, blocks, abbreviations, reopening, its lock and its keys."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.ledger.support import START_MS, Bench, make_bench
from tests.rooms import genesis, people

from lianheng.consensus import BlockClock, create_ledger, open_ledger
from lianheng.ledger import Ledger, tally
from lianheng.members import Genesis, read_identity
from lianheng.model import (
    Ambiguous,
    ClockError,
    ContractSource,
    Held,
    IdentityError,
    InvalidValue,
    LianhengError,
    NotFound,
    Stopped,
    TransactionId,
    UsageError,
    limits,
)


def test_a_call_changes_state_and_says_so(bench: Bench) -> None:
    result = bench.call(bench.them.alice, "toolshed.add", id="crane-7").checked()
    assert result.value == {"id": "crane-7", "holder": "north"}
    assert (result.height, result.index, result.time) == (1, 0, START_MS)
    lent = bench.call(bench.them.alice, "toolshed.lend", id="crane-7", to="south").checked()
    (event,) = lent.events
    assert (event.contract, event.number, event.name) == ("toolshed", 0, "Lent")
    assert event.data == {"id": "crane-7", "to": "south"}
    assert bench.ledger.view("toolshed.where", {"id": "crane-7"}) == "south"
    assert bench.ledger.height == 2


def test_rows_ranges_and_indexes_are_read_page_by_page(bench: Bench) -> None:
    alice, bob = bench.them.alice, bench.them.bob
    signed = [
        bench.sign(alice if number % 3 else bob, arguments={"id": f"t{number:03}"})
        for number in range(30)
    ]
    assert tally(bench.ledger.submit(signed).wait(10)) == (30, 0, 0)
    table = bench.ledger.table("toolshed", "tools")
    assert table.get("t004") == {"id": "t004", "holder": "north"}
    assert repr(table.get("t004")).startswith("Tool(")
    assert table.get("t999") is None
    assert [row.key for row in table] == [(f"t{number:03}",) for number in range(30)]
    page = table.scan(limit=7)
    assert [row.key[0] for row in page] == [f"t{number:03}" for number in range(7)]
    following = table.scan(limit=7, after=page.after)
    assert following[0].key == ("t007",)
    backwards = table.scan(limit=2, reverse=True)
    assert [row.key[0] for row in backwards] == ["t029", "t028"]
    assert {row["id"] for row in table.by("holder", "south").values} == {
        f"t{number:03}" for number in range(0, 30, 3)
    }
    found = []
    after = None
    while True:
        part = table.by("holder", "north", limit=6, after=after)
        found += [row.key[0] for row in part]
        after = part.after
        if after is None:
            break
    assert found == [f"t{number:03}" for number in range(30) if number % 3]


def test_system_tables_show_members(bench: Bench) -> None:
    row = bench.ledger.table("members", "members").get("alice@north", 0)
    assert row["roles"] == ["operator", "admin"]
    rows = list(bench.ledger.table("contracts", "versions"))
    assert [row.key for row in rows] == [("toolshed", 0)]


def test_views_refuse_as_calls_do(bench: Bench) -> None:
    for target, arguments, code in (
        ("toolshed.where", {"id": "none"}, "contract.error"),
        ("toolshed.add", {"id": "x"}, "call.not_a_view"),
        ("nowhere.at", {}, "call.unknown_contract"),
    ):
        with pytest.raises(LianhengError) as caught:
            bench.ledger.view(target, arguments)
        assert caught.value.code == code


def test_a_view_for_an_unknown_member_is_refused_by_name(bench: Bench) -> None:
    bench.call(bench.them.alice, "toolshed.add", id="x")
    for unknown in ("alise@north", "alice@nort", "alice@north\0", "", "north"):
        with pytest.raises(NotFound) as caught:
            bench.ledger.view("toolshed.where", {"id": "x"}, as_=unknown)
        assert caught.value.code == "member.unknown"
    for known in ("alice@north", "dora@south", None):
        assert bench.ledger.view("toolshed.where", {"id": "x"}, as_=known) == "north"


def test_pages_of_blocks_are_bounded_in_number_and_bytes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        bench.call(bench.them.alice, "toolshed.add", id=f"b{number}")
    whole = [block.encoded for block in bench.ledger.blocks()]
    assert len(whole) == 6
    monkeypatch.setattr(limits, "BLOCKS_PAGE", 4)
    assert bench.ledger.backend.blocks(1, 10**9) == whole[:4]
    assert bench.ledger.backend.blocks(6, 2**64 - 1) == whole[5:]
    assert bench.ledger.backend.blocks(7, 1) == []
    assert bench.ledger.backend.blocks(1, 0) == []
    monkeypatch.setattr(limits, "PAGE_BYTES", len(whole[0]) + len(whole[1]))
    assert bench.ledger.backend.blocks(1, 4) == whole[:2]
    monkeypatch.setattr(limits, "PAGE_BYTES", 1)
    assert bench.ledger.backend.blocks(2, 4) == whole[1:2]
    assert [block.encoded for block in bench.ledger.blocks()] == whole


def test_blocks_entries_and_results_agree(bench: Bench) -> None:
    results = [bench.call(bench.them.alice, "toolshed.add", id=name) for name in ("a", "b", "a")]
    blocks = list(bench.ledger.blocks())
    assert [block.height for block in blocks] == [1, 2, 3]
    assert [block.entries[0].result for block in blocks] == results
    assert [block.entry(0).id for block in blocks] == [result.id for result in results]
    for block, result in zip(blocks, results, strict=True):
        (transaction,) = block.transactions
        assert transaction.id(bench.ledger.genesis_hash) == result.id
        assert transaction.signed_hash == block.entry(0).signed_hash
        assert transaction.payload.sender == "alice@north"
        assert block.header.chain == "trade"
    assert [block.height for block in bench.ledger.blocks(3)] == [3]
    with pytest.raises(NotFound, match="1 to 3"):
        bench.ledger.block(4)


def test_a_chain_of_many_blocks_is_iterated_whole(bench: Bench) -> None:
    for number in range(70):
        bench.call(bench.them.alice, "toolshed.add", id=f"t{number}")
    assert [block.height for block in bench.ledger.blocks()] == list(range(1, 71))


def test_ids_are_found_by_their_first_digits(bench: Bench) -> None:
    by_start: dict[str, bytes] = {}
    pair: list[bytes] = []
    for number in range(5_000):
        signed = bench.sign(bench.them.alice, random=number.to_bytes(16, "big"))
        start = signed.id(bench.ledger.genesis_hash).hex()[:4]
        if start in by_start:
            pair = [by_start[start], signed]
            break
        by_start[start] = signed
    results = bench.ledger.submit(pair).wait(10)
    first, second = (result.id for result in results)
    assert first is not None
    assert second is not None
    with pytest.raises(Ambiguous) as caught:
        bench.ledger.find(first.hex()[:4])
    assert set(caught.value.details["candidates"]) == {first.hex(), second.hex()}
    for digits in range(12, 65):
        assert bench.ledger.find(first.hex()[:digits]) == first
        assert bench.ledger.find(second.hex()[:digits].upper()) == second
    for text, kind in (
        ("abc", InvalidValue),
        ("x" * 8, InvalidValue),
        ("0" * 65, InvalidValue),
        ("ffffffffff", NotFound),
    ):
        with pytest.raises(kind):
            bench.ledger.find(text)


@pytest.mark.parametrize("text", ["ab cd ef", "ab cd e", "ab  cd", "0xab", "ab_cd", "٣٣٣٣", "abc٣"])
def test_digits_are_hexadecimal_and_nothing_else(bench: Bench, text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        bench.ledger.find(text)
    assert caught.value.code == "id.not_hexadecimal"


def test_what_was_never_ordered_is_not_found(bench: Bench) -> None:
    with pytest.raises(NotFound):
        bench.ledger.result(TransactionId(bytes(32)))
    with pytest.raises(NotFound):
        bench.ledger.interface("nowhere")
    with pytest.raises(NotFound):
        bench.ledger.source("nowhere")


def test_a_contract_is_deployed_called_and_read(bench: Bench) -> None:
    source = bench.ledger.source("toolshed")[1].replace("is already here", "is here")
    result = bench.ledger.submit(
        bench.sign(
            bench.them.alice,
            "contracts.deploy",
            {"name": "second", "file": "second.py", "source": source},
        )
    ).one()
    assert result.final, result.error
    assert bench.ledger.source("second") == ("second.py", source)
    assert bench.call(bench.them.bob, "second.add", id="x").final
    assert [c["name"] for c in bench.ledger.interface("second")["calls"]] == [
        "add",
        "lend",
        "spin",
    ]


def test_everything_is_there_after_reopening(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "ledger")
    results = [
        bench.call(bench.them.alice, "toolshed.add", id=f"t{number % 7}") for number in range(10)
    ]
    root, hash_ = bench.state_root(), bench.ledger.genesis_hash
    bench.ledger.close()
    bench.ledger.close()
    with open_ledger(tmp_path / "ledger") as again:
        assert (again.height, again.genesis_hash, again.chain) == (10, hash_, "trade")
        assert [again.result(result.id) for result in results if result.id] == results
        assert again.block(10).header.state_root == root
        assert len(list(again.table("toolshed", "tools"))) == 7
        assert again.fsck()["faults"] == []


def test_a_closed_ledger_says_so(bench: Bench) -> None:
    signed = bench.sign(bench.them.alice)
    bench.ledger.close()
    for ask in (
        lambda: bench.ledger.submit(signed),
        lambda: bench.ledger.height,
        bench.ledger.fsck,
        bench.ledger.status,
    ):
        with pytest.raises(Stopped):
            ask()


def test_closing_waits_for_what_was_submitted(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "ledger")
    submission = bench.ledger.submit(
        [bench.sign(bench.them.alice, arguments={"id": f"t{n}"}) for n in range(2_000)]
    )
    bench.ledger.close()
    assert tally(submission.wait(0)) == (2_000, 0, 0)
    with open_ledger(tmp_path / "ledger") as again:
        assert len(list(again.table("toolshed", "tools"))) == 2_000


def test_a_second_process_is_told_who_holds_the_ledger(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "ledger")
    program = (
        "import sys, lianheng\n"
        "try: lianheng.open_ledger(sys.argv[1])\n"
        "except lianheng.LianhengError as e: print(type(e).__name__, e.code, e.message)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "ledger")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    import os

    assert done.stdout.startswith("Held store.locked")
    assert str(os.getpid()) in done.stdout
    with pytest.raises(Held):
        open_ledger(tmp_path / "ledger")
    bench.ledger.close()
    open_ledger(tmp_path / "ledger").close()


def test_a_folder_with_something_in_it_is_not_used(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    them = people()
    with pytest.raises(UsageError) as caught:
        create_ledger(tmp_path, genesis(them), sealer=them.sealer)
    assert caught.value.code == "ledger.exists"
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]
    with pytest.raises(NotFound):
        open_ledger(tmp_path)


def bad_contract() -> Genesis:
    them = people()
    return Genesis.create(
        chain="trade",
        organisations=["north"],
        members=[],
        sealer=them.sealer,
        time_ms=START_MS,
        contracts=[ContractSource("bad", "bad.py", "import os\n")],
    )


@pytest.mark.parametrize(
    "bad", [bad_contract, lambda: genesis(people(), parameters={"block_transactions": 0})]
)
def test_a_bad_genesis_leaves_nothing_behind(tmp_path: Path, bad: Callable[[], Genesis]) -> None:
    them, path = people(), tmp_path / "ledger"
    with pytest.raises(LianhengError) as caught:
        create_ledger(path, bad(), sealer=them.sealer)
    assert caught.value.code != "ledger.exists"
    assert not path.exists()
    create_ledger(path, genesis(them), sealer=them.sealer).close()


def test_an_encrypted_sealer_is_needed_to_submit_but_not_to_read(tmp_path: Path) -> None:
    them = people(development=False)
    path = tmp_path / "ledger"
    with pytest.raises(IdentityError, match="not written unencrypted"):
        create_ledger(tmp_path / "none", genesis(them), sealer=them.sealer)
    create_ledger(path, genesis(them), sealer=them.sealer, passphrase="secret").close()
    with open_ledger(path) as ledger:
        assert ledger.height == 0
        with pytest.raises(IdentityError) as caught:
            ledger.call(them.alice, "toolshed.add", id="x")
        assert caught.value.code == "identity.locked"
    with pytest.raises(IdentityError):
        open_ledger(path, passphrase="wrong")
    asked = []

    def prompt() -> str:
        asked.append(1)
        return "secret"

    with open_ledger(path, passphrase=prompt) as ledger:
        assert ledger.height == 0
        assert asked == [], "asked although nothing was submitted"
        assert ledger.call(them.alice, "toolshed.add", id="x").final
        assert ledger.call(them.alice, "toolshed.add", id="y").final
        assert asked == [1]


def test_a_ledger_without_its_key_can_be_read(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "ledger")
    bench.ledger.close()
    (tmp_path / "ledger" / "sequencer.identity").unlink()
    with open_ledger(tmp_path / "ledger") as ledger:
        assert ledger.fsck()["faults"] == []
        with pytest.raises(IdentityError) as caught:
            ledger.call(bench.them.alice, "toolshed.add", id="x")
        assert caught.value.code == "identity.missing"


def test_another_key_does_not_seal(tmp_path: Path) -> None:
    first, second = make_bench(tmp_path / "a"), make_bench(tmp_path / "b")
    first.ledger.close()
    second.ledger.close()
    (tmp_path / "b" / "sequencer.identity").replace(tmp_path / "a" / "sequencer.identity")
    assert read_identity(tmp_path / "a" / "sequencer.identity").key_id
    with open_ledger(tmp_path / "a") as ledger:
        with pytest.raises(IdentityError) as caught:
            ledger.call(first.them.alice, "toolshed.add", id="x")
        assert caught.value.code == "identity.not_sealer"
        assert ledger.height == 0


def test_a_clock_that_jumps_confirms_nothing(tmp_path: Path) -> None:
    them, path = people(), tmp_path / "ledger"
    wall, steady = [START_MS], [0]

    def clock() -> BlockClock:
        return BlockClock(lambda: wall[0], lambda: steady[0])

    def add(ledger: Ledger, name: str) -> str:
        signer = Bench(ledger, them, [wall[0]])
        try:
            return str(signer.call(them.alice, "toolshed.add", id=name).status)
        except ClockError as failure:
            return failure.code

    document = genesis(them, time_ms=START_MS)
    with create_ledger(path, document, sealer=them.sealer, clock=clock()) as ledger:
        assert add(ledger, "a") == "final"
        wall[0] += 86_400_000
        assert add(ledger, "b") == "clock.jumped"
        assert (ledger.height, ledger.time) == (1, START_MS)
        wall[0] -= 86_400_000 + 3_000
        assert add(ledger, "b") == "clock.jumped"
        wall[0] += 3_000
        assert add(ledger, "b") == "final"
    wall[0] -= 10_000
    with open_ledger(path, clock=clock()) as ledger:
        assert add(ledger, "c") == "clock.behind"
        assert ledger.view("toolshed.where", {"id": "b"}) == "north"
        wall[0] += 9_000
        steady[0] += 9_000
        assert add(ledger, "c") == "final"
        assert ledger.time == START_MS
    wall[0] += 3_600_000
    with open_ledger(path, clock=clock()) as ledger:
        assert add(ledger, "d") == "final"
        assert ledger.time == wall[0]


def test_an_idle_chain_writes_nothing(tmp_path: Path) -> None:
    bench = make_bench(tmp_path / "ledger")
    bench.call(bench.them.alice, "toolshed.add", id="x")

    def files() -> dict[str, tuple[int, int]]:
        return {
            str(path): (path.stat().st_size, path.stat().st_mtime_ns)
            for path in sorted((tmp_path / "ledger").rglob("*"))
        }

    # What follows a block behind the confirmation is finished first.
    def rests() -> bool:
        before = files()
        time.sleep(1.5)
        return files() == before

    deadline = time.monotonic() + 20
    while not rests():
        assert time.monotonic() < deadline, "it goes on writing"
    assert bench.ledger.height == 1
    bench.ledger.close()


def test_reads_and_calls_from_many_threads(bench: Bench) -> None:
    failures: list[BaseException] = []

    def work(worker: int) -> None:
        try:
            for number in range(10):
                name = f"w{worker}-{number}"
                bench.call(bench.them.alice, "toolshed.add", id=name).checked()
                assert bench.ledger.view("toolshed.where", {"id": name}) == "north"
        except BaseException as failure:  # noqa: BLE001 - told to the test
            failures.append(failure)

    workers = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert failures == []
    assert len(list(bench.ledger.table("toolshed", "tools"))) == 60


def test_status_shows_the_chain_and_its_queue(bench: Bench) -> None:
    bench.call(bench.them.alice, "toolshed.add", id="x")
    status = bench.ledger.status()
    assert (status["height"], status["chain"]) == (1, "trade")
    assert status["sequencer"]["queued_transactions"] == 0


def test_a_trace_tells_what_a_call_did(bench: Bench) -> None:
    result = bench.call(bench.them.alice, "toolshed.add", id="crane-7")
    assert result.id is not None
    trace = bench.ledger.trace(result.id)
    assert any(step[0] == "write" and step[1] == "toolshed.tools" for step in trace)
    assert [step[0] for step in trace].count("line") >= 3
    with pytest.raises(LianhengError):
        bench.ledger.trace(TransactionId(bytes(32)))
