"""A chain that continues another one: what is carried over, exactly, and what is refused."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import lianheng_verify
from lianheng import _native
from lianheng.consensus import create_ledger, open_engine, open_ledger
from lianheng.ledger import DirectSequencer, EngineBackend, Ledger, replay_export
from lianheng.members import Genesis, Identity, MemberSpec
from lianheng.model import (
    ContractSource,
    Height,
    InvalidValue,
    LianhengError,
    NotFound,
    decode,
    encode,
    native_errors,
)
from lianheng.system import LOCAL_POLICIES, contracts

FILES = Path(__file__).parents[1] / "contracts"
START = 1_700_000_000_000
SHOP = """
from lianheng.contract import Contract, Counter, Event, Record, Table, call, view


class Item(Record):
    id: str
    holder: str
    kind: str | None


class Sold(Event):
    id: str


class Shop(Contract):
    items = Table(Item, key="id", indexes=["holder", "kind", ("holder", "kind")])
    count = Counter()

    @call(by="ANY")
    def put(self, id: str, kind: str | None) -> int:
        self.items[id] = Item(id, self.caller.organisation, kind)
        self.emit(Sold(id))
        return self.count.next()

    @view
    def of_kind(self, kind: str) -> list[str]:
        return [item.id for item in self.items.by("kind", kind, limit=100)]
"""


@dataclass
class Old:
    """A solo chain with some history, in FOLDER/old, closed where it is asked for."""

    folder: Path
    admin: Identity
    sealer: Identity
    now: int = START

    def open(self) -> Ledger:
        engine = open_engine(self.folder)
        sequencer: Any = DirectSequencer(engine, self.sealer, lambda: self.now)
        return Ledger(EngineBackend(engine, sequencer), lambda: self.now)

    def call(self, ledger: Ledger, target: str, /, **arguments: Any) -> Any:
        self.now += 10
        return ledger.call(self.admin, target, **arguments).checked()


def document(chain: str, admin: Identity, sealer: Identity, now: int, **more: Any) -> Genesis:
    return Genesis.create(
        chain=chain,
        organisations=["north"],
        members=[MemberSpec("admin@north", admin, roles=["admin", "operator"])],
        sealer=sealer,
        time_ms=now,
        **{"contracts": contracts(), "policies": LOCAL_POLICIES, **more},
    )


def continuing(old: Old, last: bytes, without: tuple[str, ...] = (), **more: Any) -> Genesis:
    """A genesis that continues it, with the same keys."""
    fields = decode(document("trade-2", old.admin, old.sealer, old.now + 1_000, **more).encoded)
    return Genesis.from_bytes(
        encode({**fields, "continues": {"last": last, "without": list(without)}})
    )


@pytest.fixture
def old(history: Old, tmp_path: Path) -> Old:
    shutil.copytree(history.folder, tmp_path / "old")
    return replace(history, folder=tmp_path / "old")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Old:
    made = Old(
        tmp_path_factory.mktemp("history") / "old",
        Identity.generate("admin@north", development=True),
        Identity.generate("sequencer@north", development=True),
    )
    first = [*contracts(), ContractSource("shop", "shop.py", SHOP)]
    genesis = document("trade", made.admin, made.sealer, START, contracts=first)
    create_ledger(made.folder, genesis, sealer=made.sealer).close()
    reminders = (FILES / "reminders.py").read_text()
    with made.open() as ledger:
        made.call(ledger, "contracts.deploy", name="reminders", file="r.py", source=reminders)
        for number in range(40):
            kind = None if number % 5 == 0 else f"kind-{number % 3}"
            made.call(ledger, "shop.put", id=f"item-{number:03}", kind=kind)
        made.call(ledger, "reminders.remind", id="soon", after=60_000)
        made.call(ledger, "contracts.upgrade", name="shop", file="shop.py", source=SHOP + "\n\n")
        made.call(ledger, "members.declare_role", name="judge", given="chain")
        made.call(ledger, "contracts.freeze", name="reminders")
    return made


def last_of(old: Old, height: int | None = None) -> bytes:
    with old.open() as ledger:
        return ledger.header_file(ledger.height if height is None else height)


def state_of(old: Old, target: Path, height: int | None = None) -> Path:
    engine = open_engine(old.folder)
    work = target.with_suffix(".work")
    work.mkdir()
    with native_errors():
        engine.write_state(engine.height if height is None else height, str(target), str(work))
        engine.close()
    shutil.rmtree(work)
    return target


def begin(old: Old, folder: Path, genesis: Genesis, state: Path | None) -> Old:
    create_ledger(folder, genesis, sealer=old.sealer, state=state).close()
    return Old(folder, old.admin, old.sealer, old.now + 2_000)


def rows(ledger: Ledger, contract: str, table: str) -> list[tuple[Any, Any]]:
    found, after = [], None
    while True:
        page = ledger.table(contract, table).scan(after=after)
        found += [(tuple(row.key), row.value) for row in page]
        if (after := page.after) is None:
            return found


def test_ordinary_state_goes_over_exactly(old: Old, tmp_path: Path) -> None:
    new = begin(old, tmp_path / "new", continuing(old, last_of(old)), state_of(old, tmp_path / "s"))
    with old.open() as before, new.open() as after:
        tables = [("shop", "items"), ("reminders", "terms"), ("contracts", "sources")]
        tables += [("contracts", "code"), ("chain", "timers"), ("chain", "timer_counts")]
        for table in tables:
            assert rows(before, *table) == rows(after, *table), table
        for name in ("shop", "reminders"):
            ours = [replace(v, since=Height(0)) for v in before.versions(name)]
            assert ours == after.versions(name)
            assert before.source(name) == after.source(name)
        assert after.height == 0
        assert {row[0][0] for row in rows(after, "members", "roles")} == {
            *("admin", "auditor", "operator")
        }
        assert rows(after, "governance", "proposals") == []
        kinds = [sorted(led.view("shop.of_kind", {"kind": "kind-1"})) for led in (before, after)]
        assert kinds[0] == kinds[1] != []
        event = {}
        for name, made, ledger in (("old", old, before), ("new", new, after)):
            result = made.call(ledger, "shop.put", id="more", kind="kind-1")
            event[name] = (result.value, result.events[0].number)
        assert event["old"] == event["new"] == (41, 40)
        assert "more" in after.view("shop.of_kind", {"kind": "kind-1"})
        assert after.fsck()["faults"] == []


def test_timers_and_frozen_contracts_go_over(old: Old, tmp_path: Path) -> None:
    old.now += 100_000
    new = begin(old, tmp_path / "new", continuing(old, last_of(old)), state_of(old, tmp_path / "s"))
    with new.open() as ledger:
        assert ledger.backend is not None
        refused = ledger.call(new.admin, "reminders.remind", id="x", after=1)
        assert refused.error is not None
        assert refused.error.code == "contract.frozen"
        new.call(ledger, "contracts.thaw", name="reminders")
        new.call(ledger, "shop.put", id="tick", kind=None)
        run = ledger.run("reminders", 1)
        assert run.result.final
        again = new.call(ledger, "reminders.remind", id="later", after=60_000)
        assert again.value == 2
        new.call(ledger, "reminders.withdraw", id="later")


def test_it_is_rebuilt_replayed_and_verified(old: Old, tmp_path: Path) -> None:
    last, state = last_of(old), state_of(old, tmp_path / "s")
    new = begin(old, tmp_path / "new", continuing(old, last), state)
    with new.open() as ledger:
        new.call(ledger, "shop.put", id="more", kind="kind-1")
        root = ledger.status()["state_root"]
        genesis = ledger.genesis_file
        kept = tmp_path / "new" / "store" / "carried.state"
        ledger.export(tmp_path / "export", state=kept)
    with open_ledger(new.folder, rebuild=True) as ledger:
        assert ledger.status()["state_root"] == root
        assert ledger.view("shop.of_kind", {"kind": "kind-1"})
    assert replay_export(tmp_path / "export") == 1
    with old.open() as ledger:
        anchor = ledger.genesis_file
        wrong = ledger.header_file(3)
    with state.open("rb") as stream:
        verified = lianheng_verify.verify_continuation(genesis, anchor, stream)
    assert (verified.chain, verified.old_chain) == ("trade-2", "trade")
    assert all(check.passed for check in verified.checks)
    assert lianheng_verify.verify_continuation(genesis, wrong).height == verified.height
    with pytest.raises(lianheng_verify.VerificationError, match="continues no other"):
        lianheng_verify.verify_continuation(anchor, anchor)
    with pytest.raises(lianheng_verify.VerificationError) as refused:
        lianheng_verify.verify_continuation(genesis, genesis)
    assert refused.value.code == "genesis.differs"


def test_an_earlier_height_is_executed_again(old: Old, tmp_path: Path) -> None:
    last = last_of(old, 20)
    state = state_of(old, tmp_path / "s", 20)
    assert _native.check_state(last, str(state)) > 0
    new = begin(old, tmp_path / "new", continuing(old, last), state)
    with new.open() as ledger:
        assert len(rows(ledger, "shop", "items")) == 19
    with pytest.raises(LianhengError) as refused, native_errors():
        _native.check_state(last_of(old), str(state))
    assert refused.value.code == "genesis.other_state"
    assert "at height 20" in refused.value.message
    assert f"at height {decode_height(old)}" in refused.value.message
    # Who verifies with a later header sees what was cut off.
    with new.open() as ledger, pytest.raises(lianheng_verify.VerificationError) as found:
        lianheng_verify.verify_continuation(ledger.genesis_file, last_of(old))
    assert found.value.code == "continues.earlier"


def decode_height(old: Old) -> int:
    with old.open() as ledger:
        return ledger.height


def changed_value(data: bytes) -> bytes:
    at = data.rindex(b"item-007")
    return data[:at] + b"item-00x" + data[at + 8 :]


def cut(data: bytes) -> bytes:
    return data[:-7]


def one_row_less(data: bytes) -> bytes:
    parts = list(items(data))
    return b"".join(parts[:-1])


def swapped(data: bytes) -> bytes:
    parts = list(items(data))
    return b"".join([*parts[:-2], parts[-1], parts[-2]])


def one_row_more(data: bytes) -> bytes:
    return data + encode([b"\xfe", b"\x00"])


def items(data: bytes) -> Any:
    offset = 0
    while offset < len(data):
        end = _native_item(data, offset)
        yield data[offset:end]
        offset = end


def _native_item(data: bytes, offset: int) -> int:
    from lianheng.ledger import _export

    return _export._item_end(data, offset, Path("state"))


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (changed_value, "genesis.other_state"),
        (cut, "state_file.malformed"),
        (one_row_less, "genesis.other_state"),
        (swapped, "state_file.malformed"),
        (one_row_more, "genesis.other_state"),
        (lambda data: data[1:], "state_file.malformed"),
        (lambda _: b"", "state_file.malformed"),
    ],
)
def test_an_altered_state_is_refused_everywhere(
    old: Old, tmp_path: Path, change: Callable[[bytes], bytes], code: str
) -> None:
    last, state = last_of(old), state_of(old, tmp_path / "s")
    genesis = continuing(old, last)
    good = begin(old, tmp_path / "good", genesis, state)
    state.write_bytes(change(state.read_bytes()))
    with pytest.raises(LianhengError) as refused:
        begin(old, tmp_path / "new", genesis, state)
    assert refused.value.code == code
    assert not (tmp_path / "new" / "store").exists()
    with good.open() as ledger:
        data = ledger.genesis_file
    with old.open() as ledger:
        anchor = ledger.genesis_file
    with state.open("rb") as stream, pytest.raises(lianheng_verify.VerificationError):
        lianheng_verify.verify_continuation(data, anchor, stream)


def test_a_state_is_missing_or_too_many(old: Old, tmp_path: Path) -> None:
    state = state_of(old, tmp_path / "s")
    with pytest.raises(InvalidValue) as refused:
        begin(old, tmp_path / "new", continuing(old, last_of(old)), None)
    assert refused.value.code == "genesis.state_missing"
    plain = document("trade-2", old.admin, old.sealer, old.now)
    with pytest.raises(InvalidValue) as refused:
        begin(old, tmp_path / "other", plain, state)
    assert refused.value.code == "genesis.no_continuation"


def altered_header(last: bytes) -> bytes:
    fields = decode(last)
    header = decode(fields["header"])
    header[7] = bytes(32)
    return encode({**fields, "header": encode(header)})


def other_seal(last: bytes) -> bytes:
    fields = decode(last)
    kind, seal = fields["seal"]
    return encode({**fields, "seal": [kind, seal[:-1] + bytes([seal[-1] ^ 1])]})


def other_genesis(last: bytes) -> bytes:
    return encode({**decode(last), "genesis": bytes(32)})


def other_sealers(last: bytes) -> bytes:
    fields = decode(last)
    sealers = decode(encode(fields["sealers"]))
    sealers[2][0][0] = Identity.generate("x@y", development=True).public
    return encode({**fields, "sealers": sealers})


@pytest.mark.parametrize("change", [altered_header, other_seal, other_genesis, other_sealers])
def test_an_altered_anchor_is_refused(
    old: Old, tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    genesis = continuing(old, change(last_of(old)))
    with pytest.raises(LianhengError) as refused:
        begin(old, tmp_path / "new", genesis, state_of(old, tmp_path / "s"))
    assert refused.value.code == "genesis.bad_continuation"
    with pytest.raises(LianhengError), native_errors():
        _native.check_document(genesis.encoded)


def test_it_cannot_pass_for_the_old_one(old: Old, tmp_path: Path) -> None:
    last = last_of(old)
    fields = decode(document("trade", old.admin, old.sealer, old.now + 1_000).encoded)
    same_name = encode({**fields, "continues": {"last": last, "without": []}})
    with pytest.raises(LianhengError) as refused, native_errors():
        _native.check_document(same_name)
    assert refused.value.code == "genesis.bad_continuation"
    with pytest.raises(LianhengError, match="takes part, and is left out"), native_errors():
        _native.check_document(continuing(old, last, ("north",)).encoded)
    early = decode(continuing(old, last).encoded)
    with pytest.raises(LianhengError, match="it begins at"), native_errors():
        _native.check_document(encode({**early, "time": START}))
    new = begin(old, tmp_path / "new", continuing(old, last), state_of(old, tmp_path / "s"))
    with old.open() as before, new.open() as after:
        assert before.genesis_hash != after.genesis_hash
        signed = before.sign(old.admin, "shop.put", {"id": "a", "kind": None})
        assert after.submit(signed).one().error is not None
    with pytest.raises(NotFound), new.open() as after:
        after.result(before_id(old))


def before_id(old: Old) -> Any:
    with old.open() as ledger:
        return ledger.block(5).entry(0).id


def test_a_contract_stands_once(old: Old, tmp_path: Path) -> None:
    both = continuing(
        old, last_of(old), contracts=[*contracts(), ContractSource("shop", "shop.py", SHOP)]
    )
    with pytest.raises(LianhengError) as refused:
        begin(old, tmp_path / "new", both, state_of(old, tmp_path / "s"))
    assert refused.value.code == "genesis.contract_twice"
    assert "shop" in refused.value.message


def test_a_chain_that_was_closed_goes_on_open(old: Old, tmp_path: Path) -> None:
    with old.open() as ledger:
        old.call(ledger, "governance.close", reason="moving on")
    new = begin(old, tmp_path / "new", continuing(old, last_of(old)), state_of(old, tmp_path / "s"))
    with new.open() as ledger:
        assert ledger.closing is None
        new.call(ledger, "shop.put", id="more", kind="kind-1")
    third = Old(new.folder, new.admin, new.sealer, new.now)
    fields = decode(document("trade-3", old.admin, old.sealer, new.now + 1_000).encoded)
    continues = {"last": last_of(third), "without": []}
    genesis = Genesis.from_bytes(encode({**fields, "continues": continues}))
    after = begin(third, tmp_path / "third", genesis, state_of(third, tmp_path / "s3"))
    with after.open() as ledger:
        assert "more" in ledger.view("shop.of_kind", {"kind": "kind-1"})
        assert ledger.fsck()["faults"] == []
