"""Shares and limits that the organisations set together, and what the chain makes of them."""

from collections import Counter
from typing import Any

import pytest
from tests.system.stage import ORGANISATIONS, Stage, error

from lianheng.members import CallSigner
from lianheng.model import ContractSource, Result, SignedTransaction
from lianheng_verify._state import flat_key

STORE = """
from lianheng.contract import Contract, Record, Table, call, timer


class Item(Record):
    id: int
    text: str


class Store(Contract):
    items = Table(Item, key="id")

    @call(by="ANY")
    def put(self, id: int, text: str) -> None:
        self.items[id] = Item(id, text)

    @call(by="ANY")
    def drop(self, id: int) -> None:
        del self.items[id]

    @call(by="ANY")
    def later(self, after: int, id: int, text: str) -> int:
        return self.due(self.now + after, "late", id=id, text=text)

    @timer
    def late(self, id: int, text: str) -> None:
        self.items[id] = Item(id, text)
"""
ADMINS = [f"admin@{organisation}" for organisation in ORGANISATIONS]
# One put of a short text costs some hundreds of gas; a block has room for about fifty.
TIGHT = {"block_gas": 60_000}


def make(**options: Any) -> Stage:
    return Stage(ContractSource("store", "store.py", STORE), **options)


@pytest.fixture
def stage() -> Stage:
    return make()


def parts(stage: Stage) -> dict[str, dict[str, Any]]:
    return {part["organisation"]: part for part in stage.ledger.status()["organisations"]}


def kept(stage: Stage) -> dict[str, int]:
    return {name: part["storage"] for name, part in parts(stage).items()}


def size_of(stage: Stage, contract: str, table: str) -> int:
    rows, _ = stage.engine.scan(contract, table, [], 1_000)
    sizes = [len(flat_key(contract, table, list[Any](key))) + len(value) for key, value in rows]
    return sum(sizes)


def crowd(stage: Stage, wanted: dict[str, int], gas: int = 3_000) -> Counter[str]:
    """One block in which members want so many calls; gives how many each organisation got."""
    stage.now += 10
    signed: list[SignedTransaction] = []
    senders: list[str] = []
    for member, count in wanted.items():
        signer = CallSigner(stage.ledger.chain, stage.ledger.genesis_hash, lambda: stage.now)
        for number in range(count):
            arguments = {"id": number % 5, "text": "x"}
            signed.append(signer.sign([stage.keys[member]], "store.put", arguments, gas=gas))
            senders.append(member.partition("@")[2])
    results = stage.ledger.submit(signed).wait()
    assert {code_of(result) for result in results} <= {"", "dropped.over_share", "dropped.no_room"}
    return Counter(
        sender for sender, result in zip(senders, results, strict=True) if not code_of(result)
    )


def code_of(result: Result) -> str:
    return "" if result.error is None else result.error.code


def test_weights_are_set_together_and_divide_the_next_blocks() -> None:
    stage = make(parameters=TIGHT)
    # What each gets where all want everything: equal parts first.
    everybody = {f"clerk@{organisation}": 200 for organisation in ORGANISATIONS}
    equal = crowd(stage, everybody)
    assert max(equal.values()) - min(equal.values()) <= 2
    assert error(stage.call("admin@grid", "shares.set_weight", organisation="grid", weight=5))
    proposal = stage.propose("admin@bank-a", "shares.set_weight", organisation="grid", weight=5)
    stage.approve("admin@bank-b", proposal)
    stage.approve("admin@grid", proposal)
    (run,) = stage.runs()
    run.result.checked()
    assert parts(stage)["grid"]["weight"] == 5
    found = crowd(stage, everybody)
    assert found["grid"] > 4 * found["bank-a"]
    assert max(found[name] for name in ORGANISATIONS if name != "grid") <= found["bank-a"] + 2


def test_a_flood_with_the_highest_limits_takes_no_share_of_others() -> None:
    stage = make(parameters=TIGHT)
    quiet = {"clerk@bank-b": 5, "clerk@grid": 4, "clerk@hospital": 3}
    found = crowd(stage, {"clerk@bank-a": 300, **quiet})
    assert {name: found[name] for name in ("bank-b", "grid", "hospital")} == {
        "bank-b": 5,
        "grid": 4,
        "hospital": 3,
    }
    # What they left is the flooder's: the block is not left half empty.
    assert found["bank-a"] > found["grid"] * 4


@pytest.mark.parametrize(
    ("call", "arguments", "reason"),
    [
        ("set_weight", {"organisation": "grid", "weight": 0}, "weight"),
        ("set_weight", {"organisation": "grid", "weight": 1_000_001}, "weight"),
        ("set_weight", {"organisation": "nobody", "weight": 2}, "unknown"),
        ("set_storage", {"organisation": "grid", "limit": -1}, "bytes"),
        ("set_storage", {"organisation": "nobody", "limit": 2}, "unknown"),
    ],
)
def test_bad_shares(stage: Stage, call: str, arguments: dict[str, Any], reason: str) -> None:
    assert error(stage.call(ADMINS, f"shares.{call}", **arguments)) == f"contract.rejected {reason}"


def test_a_version_for_each_change(stage: Stage) -> None:
    for weight in (3, 7):
        stage.call(ADMINS, "shares.set_weight", organisation="grid", weight=weight).checked()
    assert stage.view("shares.weight", organisation="grid")["version"] == 1
    assert stage.view("shares.weight", organisation="bank-a") is None
    row = stage.call(ADMINS, "shares.set_storage", organisation="grid", limit=9).checked().value
    assert row["since"] == stage.ledger.height + 1


def test_what_rows_an_organisation_keeps_is_limited(stage: Stage) -> None:
    stage.call("clerk@grid", "store.put", id=1, text="x" * 1_000).checked()
    first = kept(stage)["grid"]
    assert first == size_of(stage, "store", "items") > 1_000
    assert kept(stage)["bank-b"] == 0
    stage.call(ADMINS, "shares.set_storage", organisation="grid", limit=first + 500).checked()
    assert parts(stage)["grid"]["storage_limit"] == first + 500
    refused = stage.call("clerk@grid", "store.put", id=2, text="x" * 600)
    assert error(refused) == "limit.storage"
    assert refused.error is not None
    assert refused.gas > 0
    assert f"keeps {first} bytes" in refused.error.message
    assert f"its limit is {first + 500}" in refused.error.message
    assert size_of(stage, "store", "items") == first
    # Others go on, and it may do what grows little, or shrinks.
    stage.call("clerk@bank-b", "store.put", id=2, text="y" * 5_000).checked()
    stage.call("clerk@grid", "store.put", id=1, text="x" * 900).checked()
    stage.call("clerk@grid", "store.drop", id=1).checked()
    assert kept(stage)["grid"] == 0
    stage.call("clerk@grid", "store.put", id=3, text="x" * 600).checked()


def test_who_is_at_its_limit_is_still_governed(stage: Stage) -> None:
    stage.call("clerk@grid", "store.put", id=1, text="x" * 1_000).checked()
    stage.call(ADMINS, "shares.set_storage", organisation="grid", limit=1).checked()
    assert error(stage.call("clerk@grid", "store.put", id=2, text="x")) == "limit.storage"
    before = kept(stage)["grid"]
    proposal = stage.propose("admin@grid", "shares.set_storage", organisation="grid", limit=0)
    assert kept(stage)["grid"] > before
    for admin in ("admin@bank-a", "admin@bank-b"):
        stage.approve(admin, proposal)
    (run,) = stage.runs()
    run.result.checked()
    stage.call("clerk@grid", "store.put", id=2, text="x").checked()


def test_a_timer_writes_for_whoever_made_it(stage: Stage) -> None:
    stage.call("clerk@hospital", "store.later", after=1_000, id=1, text="z" * 300).checked()
    waits = kept(stage)["hospital"]
    counts = size_of(stage, "chain", "timer_counts")
    assert waits == size_of(stage, "chain", "timers") + counts
    (run,) = stage.runs(later=2_000)
    run.result.checked()
    assert kept(stage)["hospital"] == size_of(stage, "store", "items") + counts
    stage.call("clerk@hospital", "store.later", after=1_000, id=2, text="z" * 300).checked()
    stage.call(ADMINS, "shares.set_storage", organisation="hospital", limit=1).checked()
    (run,) = stage.runs(later=2_000)
    assert error(run.result) == "limit.storage"
    assert parts(stage)["hospital"]["gas"] > 0


def test_nobodys_bytes_are_lost(stage: Stage) -> None:
    """What organisations keep together is what was written since the genesis."""
    start = sum(size_of(stage, *place) for place in PLACES)
    stage.call("clerk@grid", "store.put", id=1, text="abc").checked()
    stage.call("clerk@bank-a", "store.put", id=1, text="abcdefgh").checked()
    stage.call("clerk@bank-a", "store.put", id=2, text="abcdefgh").checked()
    stage.call("clerk@hospital", "store.drop", id=2).checked()
    stage.call(ADMINS, "shares.set_weight", organisation="grid", weight=2).checked()
    stage.propose("admin@grid", "shares.set_storage", organisation="grid", limit=0)
    stage.call("clerk@grid", "store.later", after=1_000_000, id=2, text="").checked()
    grown = sum(size_of(stage, *place) for place in PLACES) - start
    assert sum(kept(stage).values()) == grown > 0


PLACES = [
    ("store", "items"),
    ("shares", "weights"),
    ("governance", "proposals"),
    ("governance", "votes"),
    ("governance", "numbers"),
    ("chain", "timers"),
    ("chain", "timer_counts"),
]


def agree(stage: Stage, target: str, **arguments: Any) -> None:
    stage.call(ADMINS, target, **arguments).checked()


def test_the_size_of_blocks_is_set_together_and_holds_from_the_next_one() -> None:
    stage = make()
    everybody = {f"clerk@{organisation}": 50 for organisation in ORGANISATIONS}
    assert sum(crowd(stage, everybody).values()) == 200
    assert error(stage.call("admin@grid", "shares.set_block", name="block_transactions", value=9))
    agree(stage, "shares.set_block", name="block_transactions", value=20)
    assert stage.ledger.status()["block"]["block_transactions"] == 20
    assert crowd(stage, everybody) == dict.fromkeys(ORGANISATIONS, 5)
    agree(stage, "shares.set_block", name="block_transactions", value=30_000)
    assert sum(crowd(stage, everybody).values()) == 200
    agree(stage, "shares.set_block", name="block_gas", value=1_000_000)
    agree(stage, "shares.set_block", name="block_bytes", value=131_072)
    assert stage.ledger.status()["block"] == {
        "block_bytes": 131_072,
        "block_gas": 1_000_000,
        "block_transactions": 30_000,
    }


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("block_gas", 999_999, "size"),
        ("block_bytes", 2**26, "size"),
        ("block_timers", 5, "unknown"),
        ("transaction_gas", 5, "unknown"),
    ],
)
def test_no_block_becomes_too_small_or_too_large(name: str, value: int, code: str) -> None:
    stage = make()
    found = error(stage.call(ADMINS, "shares.set_block", name=name, value=value))
    assert found == f"contract.rejected {code}"
    assert stage.ledger.status()["block"]["block_gas"] == 1_000_000_000
