"""Each kind of drop: its code, the state and height untouched, the id free."""

import pytest
from tests.ledger.support import LONGEST_MS, Bench, make_bench

from lianheng.members import Identity
from lianheng.model import HeaderHash, NotFound, Result, SignedTransaction, Status, decode, encode


def check_dropped(bench: Bench, transaction: bytes, code: str) -> Result:
    before = (bench.ledger.height, bench.state_root())
    result = bench.submit(transaction)
    assert result.status is Status.DROPPED
    assert result.error is not None
    assert result.error.code == code
    assert result.error.message
    assert result.error.hint
    assert (bench.ledger.height, bench.state_root()) == before
    if result.id is not None and code != "dropped.replayed":
        with pytest.raises(NotFound):
            bench.ledger.result(result.id)
    return result


def test_expired(bench: Bench) -> None:
    signed = bench.sign(bench.them.alice, expires_in_ms=1_000)
    bench.now_ms[0] += 1_000
    check_dropped(bench, signed, "dropped.expired")
    # What counts is block time, to the millisecond.
    signed = bench.sign(bench.them.alice, expires_in_ms=1_000)
    bench.now_ms[0] += 999
    assert bench.submit(signed).final


def test_too_far_ahead_until_its_time_comes(bench: Bench) -> None:
    signed = bench.sign(bench.them.alice, expires_in_ms=LONGEST_MS + 1)
    check_dropped(bench, signed, "dropped.too_far_ahead")
    bench.now_ms[0] += 1
    assert bench.submit(signed).final


def test_replayed_in_the_same_and_in_a_later_block(bench: Bench) -> None:
    signed = bench.sign(bench.them.alice)
    first, second = bench.ledger.submit([signed, signed]).wait(10)
    assert first.final
    assert second.error is not None
    assert second.error.code == "dropped.replayed"
    check_dropped(bench, signed, "dropped.replayed")
    assert first.id is not None
    assert bench.ledger.result(first.id) == first


def test_wrong_chain(bench: Bench) -> None:
    check_dropped(bench, bench.sign(bench.them.alice, chain="other"), "dropped.wrong_chain")


def test_another_chain_of_the_same_name(bench: Bench) -> None:
    signed = bench.sign(bench.them.alice, genesis_hash=HeaderHash(bytes(32)))
    check_dropped(bench, signed, "dropped.bad_signature")


def test_unknown_key(bench: Bench) -> None:
    check_dropped(bench, bench.sign(bench.them.stranger), "dropped.unknown_key")
    check_dropped(bench, bench.sign([bench.them.alice, bench.them.stranger]), "dropped.unknown_key")


def test_a_known_key_of_another_member(bench: Bench) -> None:
    liar = Identity("alice@north", bench.them.bob.seed)
    result = bench.submit(bench.sign(liar))
    assert result.status is Status.DROPPED
    assert result.error is not None
    assert result.error.code in {"dropped.unknown_key", "dropped.bad_signature"}


def test_bad_signature_leaves_the_id_free(bench: Bench) -> None:
    signed = bench.sign(bench.them.alice)
    parts = decode(signed)
    forged = SignedTransaction(encode([*parts[:3], bytes(64)]))
    dropped = check_dropped(bench, forged, "dropped.bad_signature")
    result = bench.submit(signed)
    assert result.final
    assert result.id == dropped.id


def test_undecodable(bench: Bench) -> None:
    signed = bench.sign(bench.them.alice)
    parts = decode(signed)
    fields = decode(parts[2])
    for data in (
        b"\xff",
        b"x" * 500,
        signed[:-1],
        signed + b"\0",
        encode([parts[0], {1: 1}, parts[2], parts[3]]),
        encode([parts[0], {}, encode({**fields, 13: 1}), parts[3]]),
        encode([parts[0], {}, encode({**fields, 3: []}), parts[3]]),
        encode([b"", {}, parts[2], [[parts[0], {}, parts[3]]]]),
    ):
        check_dropped(bench, data, "dropped.undecodable")


def test_over_quota_by_its_own_size() -> None:
    bench = make_bench(parameters={"transaction_bytes": 1_024, "transaction_gas": 1_000_000})
    check_dropped(bench, bench.sign(bench.them.alice, gas=1_000_001), "dropped.over_quota")
    large = bench.sign(bench.them.alice, arguments={"id": "x" * 900}, gas=1_000_000)
    check_dropped(bench, large, "dropped.over_quota")
    assert bench.submit(bench.sign(bench.them.alice, gas=1_000_000)).final
    bench.ledger.close()


def test_no_room_in_a_block_that_is_full_leaves_the_id_free() -> None:
    bench = make_bench(parameters={"block_gas": 20_000})
    spins = [bench.sign(bench.them.alice, "toolshed.spin", {"rounds": 20_000}) for _ in range(4)]
    results = bench.ledger.submit(spins).wait(10)
    codes = [None if result.error is None else result.error.code for result in results]
    assert codes[0] is None
    assert codes[-1] == "dropped.over_share"
    again = bench.submit(spins[-1])
    assert again.final
    assert again.id == results[-1].id
    bench.ledger.close()


def test_one_bad_transaction_among_many_drops_alone(bench: Bench) -> None:
    good = [bench.sign(bench.them.alice, arguments={"id": f"t{number}"}) for number in range(20)]
    parts = decode(good[7])
    mixed = [*good[:7], encode([*parts[:3], bytes(64)]), b"\xff", *good[8:]]
    results = bench.ledger.submit(mixed).wait(10)
    assert [result.status for result in results].count(Status.DROPPED) == 2
    assert results[7].status is results[8].status is Status.DROPPED
    assert len(list(bench.ledger.table("toolshed", "tools"))) == 19
    # Positions in the block leave out what was dropped.
    assert [result.index for result in results if result.final] == list(range(19))
