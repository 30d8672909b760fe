"""Receipts, proofs and exports of the embedded ledger, checked by the separate verifier."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.ledger.support import Bench, make_bench

import lianheng_verify
from lianheng.ledger import read_sequence, replay_export
from lianheng.model import (
    Damaged,
    InvalidValue,
    LianhengError,
    NotFound,
    Result,
    UsageError,
    decode,
    encode,
)
from lianheng_verify import VerificationError


@pytest.fixture(scope="module")
def filled() -> Iterator[tuple[Bench, list[Result]]]:
    bench = make_bench()
    results = [
        bench.call(bench.them.alice, "toolshed.add", id="crane-7"),
        bench.call(bench.them.alice, "toolshed.lend", id="crane-7", to="south"),
        bench.call(bench.them.alice, "toolshed.lend", id="crane-7", to="north"),
    ]
    together = [bench.sign(bench.them.bob, arguments={"id": f"t{n}"}) for n in range(9)]
    results += bench.ledger.submit(together).wait(10)
    results.append(bench.submit(bench.sign([bench.them.dora, bench.them.bob])))
    yield bench, results
    bench.ledger.close()


Filled = tuple[Bench, list[Result]]


def test_every_receipt_verifies_against_the_genesis(filled: Filled) -> None:
    bench, results = filled
    for result in results:
        assert result.id is not None
        data = bench.ledger.receipt(result.id)
        verified = lianheng_verify.verify_receipt(data, bench.ledger.genesis_file)
        assert verified.height == result.height
        assert verified.transaction_id == result.id


def test_a_receipt_verifies_against_a_newer_and_an_older_header(filled: Filled) -> None:
    bench, results = filled
    middle = results[1]
    assert middle.id is not None
    for height in (1, 2, 3, 5):
        anchor_file = bench.ledger.header_file(height)
        data = bench.ledger.receipt(middle.id, anchor=anchor_file)
        anchor = lianheng_verify.load_anchor(anchor_file)
        assert lianheng_verify.verify_receipt(data, anchor).height == 2


def test_presence_and_absence_are_proved(filled: Filled) -> None:
    bench, _ = filled
    genesis = bench.ledger.genesis_file
    present = lianheng_verify.verify_state(
        bench.ledger.prove("toolshed", "tools", ["crane-7"]), genesis
    )
    assert present.present
    assert present.value == {"id": "crane-7", "holder": "south"}
    absent = lianheng_verify.verify_state(
        bench.ledger.prove("toolshed", "tools", ["crane-8"]), genesis
    )
    assert not absent.present


def test_receipts_of_another_chain_do_not_verify(filled: Filled) -> None:
    bench, results = filled
    other = make_bench()
    assert results[0].id is not None
    with pytest.raises(VerificationError):
        lianheng_verify.verify_receipt(
            bench.ledger.receipt(results[0].id), other.ledger.genesis_file
        )
    other.ledger.close()


def test_every_changed_byte_of_a_receipt_is_noticed(filled: Filled) -> None:
    bench, results = filled
    assert results[4].id is not None
    data = bench.ledger.receipt(results[4].id)
    accepted = []
    for at in range(0, len(data), 7):
        changed = bytearray(data)
        changed[at] ^= 1 << at % 8
        try:
            lianheng_verify.verify_receipt(bytes(changed), bench.ledger.genesis_file)
        except VerificationError:
            continue
        accepted.append(at)
    assert accepted == []


def test_an_export_verifies_replays_and_is_the_same_twice(filled: Filled, tmp_path: Path) -> None:
    bench, _ = filled
    seen = []
    last = bench.ledger.export(tmp_path / "one", progress=lambda done, of: seen.append((done, of)))
    assert last == bench.ledger.height == 5
    assert seen[-1] == (5, 5)
    bench.ledger.export(tmp_path / "two")
    names = sorted(path.name for path in (tmp_path / "one").iterdir())
    assert names == ["blocks-000000000001.cbors", "genesis.cbor", "headers.cbors"]
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
    anchor = lianheng_verify.load_anchor(bench.ledger.genesis_file)
    chain = lianheng_verify.verify_chain(tmp_path / "one", anchor)
    assert (chain.height, chain.blocks_checked) == (5, 5)
    assert replay_export(tmp_path / "one") == 5
    blocks = list(read_sequence(tmp_path / "one" / names[0]))
    assert blocks == [block.encoded for block in bench.ledger.blocks()]


def test_a_folder_with_something_in_it_is_not_exported_into(filled: Filled, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    with pytest.raises(UsageError):
        filled[0].ledger.export(tmp_path)


def test_a_changed_export_does_not_replay(filled: Filled, tmp_path: Path) -> None:
    bench, _ = filled
    bench.ledger.export(tmp_path / "good")
    name = "blocks-000000000001.cbors"
    data = (tmp_path / "good" / name).read_bytes()
    for at in range(3, len(data), max(1, len(data) // 60)):
        folder = tmp_path / f"bad{at}"
        shutil.copytree(tmp_path / "good", folder)
        (folder / name).write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
        with pytest.raises(LianhengError):
            replay_export(folder)
    (tmp_path / "good" / name).write_bytes(data[:-1])
    with pytest.raises(InvalidValue, match="cut off"):
        replay_export(tmp_path / "good")
    (tmp_path / "good" / name).rename(tmp_path / "good" / "blocks-000000000002.cbors")
    with pytest.raises(NotFound, match="missing"):
        replay_export(tmp_path / "good")
    with pytest.raises(NotFound):
        replay_export(tmp_path / "nowhere")


def test_a_replay_compares_the_header_file_as_well(filled: Filled, tmp_path: Path) -> None:
    bench, _ = filled
    bench.ledger.export(tmp_path / "good")
    headers = list(read_sequence(tmp_path / "good" / "headers.cbors"))
    assert len(headers) == 5
    other_seal = encode([*decode(headers[3])[:1], decode(headers[2])[1]])
    other_header = encode([decode(headers[1])[0], decode(headers[2])[1]])
    for changed, said in (
        ([*headers[:3], other_seal, headers[4]], "seal of block 4"),
        ([*headers[:2], other_header, *headers[3:]], "header of block 3"),
        (headers[:4], "block 5 is not in it"),
        ([], "block 1 is not in it"),
        ([*headers, headers[4]], "more than the 5"),
        ([headers[1], headers[0], *headers[2:]], "header of block 1"),
        ([*headers[:2], encode(7), *headers[3:]], "block 3"),
    ):
        (tmp_path / "good" / "headers.cbors").write_bytes(b"".join(changed))
        with pytest.raises(Damaged, match=said) as caught:
            replay_export(tmp_path / "good")
        assert caught.value.code == "replay.headers_differ"
    (tmp_path / "good" / "headers.cbors").unlink()
    with pytest.raises(NotFound, match=r"headers\.cbors"):
        replay_export(tmp_path / "good")
