"""Observers of rows on both engines: who is told of what, by calls, contracts, timers, upgrades."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lianheng_verify
from lianheng.model import NOTICE, CallRefused, Notice, UsageError
from lianheng.testing import LedgerFixture

WATCHED = '''
from lianheng.contract import Cell, Contract, Counter, Event, Record, Table, call, timer

class Bill(Record):
    debtor: str
    number: int
    holder: str
    told: list[str]
    paid: bool = False
    signatories = ("debtor",)
    observers = ("holder", "told")

class Mark(Record):
    owner: str | None
    told: tuple[str, ...] = ()
    observers = ("owner", "told")

class Said(Event):
    text: str

class Bills(Contract):
    """Whoever holds a bill is told of it."""
    bills = Table(Bill, key=("debtor", "number"), indexes=["holder"], unique=["number"])
    mark: Cell[Mark | None] = Cell(Mark | None, None)
    count = Counter()

    @call(by="ANY")
    def owe(self, number: int, holder: str, told: list[str]) -> None:
        self.bills[self.caller.organisation, number] = Bill(
            self.caller.organisation, number, holder, told
        )
        self.emit(Said(self.contract))

    @call(by="ANY or via:ANY")
    def pay(self, debtor: str, number: int) -> None:
        self.bills[debtor, number] = self.bills[debtor, number].replace(paid=True)

    @call(by="ANY")
    def forget(self, debtor: str, number: int) -> None:
        del self.bills[debtor, number]

    @call(by="ANY")
    def there_and_back(self, debtor: str, number: int, told: list[str]) -> None:
        before = self.bills[debtor, number]
        del self.bills[debtor, number]
        self.bills[debtor, number] = before.replace(told=told)
        self.bills[debtor, number] = before
        self.bills[debtor, number + 1000] = before.replace(number=number + 1000)
        del self.bills[debtor, number + 1000]

    @call(by="ANY")
    def twice(self, number: int, holder: str) -> str:
        self.owe(number, holder, [])
        try:
            self.bills["south", number] = Bill("south", number, holder, [])
        except ValueError as error:
            return str(error)
        return ""

    @call(by="ANY")
    def set_mark(self, owner: str | None, told: list[str], wait: int = 0) -> None:
        self.mark.set(None if owner == "nobody" else Mark(owner, tuple(told)))
        if wait:
            self.due(self.now + wait, "clear")

    @timer
    def clear(self) -> None:
        self.mark.set(Mark("east"))

    @call(by="ANY")
    def fill(self, count: int) -> None:
        for number in range(count):
            self.bills["north", number] = Bill("north", number, "south", [])
'''
CALLER = """
from lianheng.contract import Contract, Interface, Record, Table, Uses, call

class Paid(Record):
    id: int
    told: str
    observers = ("told",)

class Bills(Interface):
    @call
    def pay(self, debtor: str, number: int) -> None: ...

class Bank(Contract):
    bills = Uses(Bills, contract="bills")
    done = Table(Paid, key="id")

    @call(by="ANY")
    def settle(self, numbers: list[int]) -> None:
        for number in numbers:
            self.done[number] = Paid(number, "east")
            self.bills.pay("north", number)
"""


def begun(ledger: LedgerFixture) -> Any:
    for member in ("ann@north", "bob@south", "cat@south"):
        ledger.member(member)
    ledger.organisation("east")
    return ledger.deploy_source(WATCHED, name="bills", file="bills.py")


def told(ledger: LedgerFixture, since: int = 0) -> list[tuple[Any, ...]]:
    return [(n.table, n.key, n.change, n.observers) for n in ledger.notices[since:]]


def test_each_change_of_a_row_is_told(ledger: LedgerFixture) -> None:
    bills = begun(ledger)
    ann = bills.as_("ann@north")
    ann.owe(7, "bob@south", ["east", "bob@south"])
    ann.pay("north", 7)
    ann.pay("north", 7)
    ann.forget("north", 7)
    both = ("bob@south", "east")
    assert told(ledger) == [
        ("bills", ("north", 7), change, both) for change in ("created", "changed", "deleted")
    ]
    said, notice = ledger.events[:2]
    assert (said.name, said.number) == ("Said", 0)
    assert (notice.name, notice.number, notice.contract) == (NOTICE, 1, "bills")
    assert notice.notice == Notice(bills.name, "bills", ("north", 7), "created", both)
    assert str(notice) == "bills.bills['north', 7] created, told: bob@south, east"
    assert str(said) == "bills.Said(text='bills')"


def test_one_notice_says_what_a_transaction_did_from_beginning_to_end(
    ledger: LedgerFixture,
) -> None:
    bills = begun(ledger)
    ann = bills.as_("ann@north")
    ann.owe(7, "south", [])
    ann.there_and_back("north", 7, ["east"])
    assert told(ledger, since=1) == []
    both = bills.as_("ann@north", "bob@south")
    assert both.twice(8, "south") == "bills has a row with number 8 already"
    assert told(ledger, since=1) == [("bills", ("north", 8), "created", ("south",))]


def test_nobody_can_be_named_who_is_not_there(ledger: LedgerFixture) -> None:
    bills = begun(ledger)
    ann = bills.as_("ann@north")
    with ledger.rejects("policy.observer") as refused:
        ann.owe(7, "south", ["east", "sotuh"])
    assert "'sotuh' in Bill.told is no member or organisation" in str(refused.error)
    assert "bills['north', 7]" in str(refused.error)
    for name in ("", "ann@south", "North", "a\nb", "x" * 5000, "north "):
        with ledger.rejects("policy.observer"):
            ann.owe(7, "south", [name])
        with ledger.rejects("policy.observer"):
            ann.set_mark(name, [])
    assert ledger.notices == []


def test_signatures_come_before_observers(ledger: LedgerFixture) -> None:
    bills = begun(ledger)
    bills.as_("ann@north").owe(7, "south", [])
    with ledger.rejects("policy.signatory"):
        bills.as_("bob@south").there_and_back("north", 7, ["sotuh"])


def test_cells_and_timers_tell_too(ledger: LedgerFixture) -> None:
    ann = begun(ledger).as_("ann@north")
    ann.set_mark("ann@north", ["south"], wait=1000)
    ann.set_mark(None, [])
    ann.set_mark("nobody", [])
    (run,) = ledger.advance(seconds=1)
    assert [event.notice is not None for event in run.result.events] == [True]
    assert told(ledger) == [
        ("mark", (), "created", ("ann@north", "south")),
        ("mark", (), "changed", ("ann@north", "south")),
        ("mark", (), "changed", ("east",)),
    ]
    assert str(ledger.notices[0]) == "bills.mark created, told: ann@north, south"


def test_notices_of_several_contracts_stand_in_the_order_of_keys(ledger: LedgerFixture) -> None:
    ann = begun(ledger).as_("ann@north")
    bank = ledger.deploy_source(CALLER, name="bank", file="bank.py")
    for number in (3, -4, 2**70):
        ann.owe(number, "south", [])
    before = len(ledger.notices)
    bank.as_("ann@north").settle([3, 2**70, -4, 3])
    found = [(n.contract, n.key[-1], n.change) for n in ledger.notices[before:]]
    assert found == [
        *(("bank", number, "created") for number in (-4, 3, 2**70)),
        *(("bills", number, "changed") for number in (-4, 3, 2**70)),
    ]
    numbers = [event.number for event in ledger.last.events if event.contract == "bills"]
    assert numbers == [6, 7, 8]


def test_a_refused_call_tells_nobody(ledger: LedgerFixture) -> None:
    ann = begun(ledger).as_("ann@north")
    with ledger.rejects("limit.events"):
        ann.fill(1001)
    ann.fill(1000)
    assert len(ledger.notices) == 1000


def test_notices_count_towards_the_result(ledger: LedgerFixture) -> None:
    ann = begun(ledger).as_("ann@north", gas=50_000_000)
    names = [f"{'o' * 50}{number}" for number in range(200)]
    for name in names:
        ledger.organisation(name)
    for number in range(3):
        ann.owe(number, "south", names * 10)
    assert len(ledger.notices[-1].observers) == 201
    source = WATCHED.replace('"south", [])\n', '"south", told)\n').replace(
        "count: int)", "count: int, told: list[str])"
    )
    more = ledger.deploy_source(source, name="more", file="more.py")
    with ledger.rejects("limit.result"):
        more.as_("ann@north", gas=100_000_000).fill(100, names)


def test_a_receipt_says_who_was_told(ledger: LedgerFixture) -> None:
    ann = begun(ledger).as_("ann@north")
    ann.owe(7, "bob@south", ["east"])
    receipt = ledger.embedded.receipt(ledger.last.id)  # type: ignore[arg-type]
    verified = lianheng_verify.verify_receipt(receipt, ledger.embedded.genesis_file)
    text = {check.name: check.text for check in verified.checks}["observers"]
    assert text == "observers told: bills.bills['north', 7] created, to ['bob@south', 'east']"
    spoiled = receipt.replace(b"created", b"changed")
    with pytest.raises(lianheng_verify.VerificationError):
        lianheng_verify.verify_receipt(spoiled, ledger.embedded.genesis_file)
    spoiled = receipt.replace(b"created", b"mangled")
    with pytest.raises(lianheng_verify.UnreadableError):
        lianheng_verify.verify_receipt(spoiled, ledger.embedded.genesis_file)


def test_a_timers_receipt_says_who_was_told(ledger: LedgerFixture) -> None:
    ann = begun(ledger).as_("ann@north")
    ann.set_mark("ann@north", ["south"], wait=1000)
    (run,) = ledger.advance(seconds=1)
    receipt = ledger.embedded.receipt(run.id(ledger.embedded.genesis_hash))
    verified = lianheng_verify.verify_run(receipt, ledger.embedded.genesis_file)
    assert "bills.mark changed" in {c.name: c.text for c in verified.checks}["observers"]


STEPS = """
from lianheng.contract import Cell, Contract, Record, Table, call

class Row(Record):
    group: str
    id: int
    owner: str | None
    told: list[str]
    observers = ("owner", "told")

class Rows(Contract):
    rows = Table(Row, key=("group", "id"), indexes=["owner"])
    last: Cell[Row | None] = Cell(Row | None, None)

    @call(by="ANY")
    def apply(self, steps: list[tuple[str, int, str, str | None, list[str]]]) -> None:
        for group, id, what, owner, told in steps:
            row = Row(group, id, owner, told)
            if what == "last":
                self.last.set(row)
            elif what == "put":
                self.rows[group, id] = row
            elif (group, id) in self.rows:
                del self.rows[group, id]
"""
PARTIES = st.sampled_from(["north", "south", "ann@north", "bob@south", "stranger"])
STEP = st.tuples(
    st.sampled_from(["", "a", "ä", "a\0b"]),
    st.sampled_from([-(2**70), -1, 0, 1, 300]),
    st.sampled_from(["put", "put", "del", "last"]),
    st.none() | PARTIES,
    st.lists(PARTIES, max_size=3),
)


@settings(max_examples=40)
@given(calls=st.lists(st.lists(STEP, max_size=6), min_size=1, max_size=5))
def test_both_engines_tell_the_same_of_any_writes(calls: list[list[tuple[Any, ...]]]) -> None:
    ledger = LedgerFixture(Path())
    for member in ("ann@north", "bob@south"):
        ledger.member(member)
    rows = ledger.deploy_source(STEPS, name="rows", file="rows.py")
    for steps in calls:
        try:
            rows.as_("ann@north").apply([list(step) for step in steps])
        except CallRefused as refused:
            assert refused.code == "policy.observer"  # noqa: PT017 - the other outcome of any step
    for notice in ledger.notices:
        assert notice.observers == tuple(sorted(set(notice.observers)))
        assert "stranger" not in notice.observers
    ledger.close()


FIRST = """
from lianheng.contract import Contract, Record, Table, call

class Lot(Record):
    id: int
    keeper: str
    told: list[str]
    observers = ("keeper", "told")

class Lots(Contract):
    lots = Table(Lot, key="id")

    @call(by="ANY")
    def add(self, id: int, keeper: str, told: list[str]) -> None:
        self.lots[id] = Lot(id, keeper, told)
"""
NEXT = """
from lianheng.contract import Contract, Record, Table, call, migrate

class Lot(Record):
    kind: str
    id: int
    keeper: str
    told: list[str]
    observers = ("keeper", "told")

class Lots(Contract):
    pieces = Table(Lot, key=("kind", "id"))

    @call(by="ANY")
    def count(self) -> int:
        return len(self.pieces.scan(limit=1000))

    @migrate(from_version=0)
    def move(self) -> None:
        for row in self.drain("lots"):
            BODY
"""
MOVE = 'self.pieces["k", row["id"]] = Lot("k", row["id"], row["keeper"], row["told"])'
OTHER = 'self.pieces["k", row["id"]] = Lot("k", row["id"], row["keeper"], [])'
SOME = f'if row["id"] != 2:\n                {MOVE}'


def in_place(body: str) -> str:
    """The same migration, but rows stay in the table and under the key that they had."""
    source = NEXT.replace("pieces", "lots").replace('("kind", "id")', '"id"')
    return source.replace(
        "BODY", body.replace("pieces", "lots").replace('["k", row["id"]]', '[row["id"]]')
    )


LOTS = [(1, "ann@north", ["east"]), (2, "ann@north", ["east"]), (3, "south", []), (4, "south", [])]


def lots(ledger: LedgerFixture) -> Any:
    begun(ledger)
    found = ledger.deploy_source(FIRST, name="lots", file="lots.py")
    for id_, keeper, names in LOTS:
        found.as_("ann@north").add(id_, keeper, names)
    return found


ANN = ("ann@north", "east")
GONE = [("lots", (id_,), "deleted", ANN) for id_ in (1, 2)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # As many rows with the same observers as before: a change of layout tells nobody.
        (NEXT.replace("BODY", MOVE), []),
        # One is missing, and nobody can say which: all that had these observers are told.
        (NEXT.replace("BODY", SOME), [*GONE, ("pieces", ("k", 1), "created", ANN)]),
        (
            NEXT.replace("BODY", OTHER),
            [*GONE, *(("pieces", ("k", id_), "created", ("ann@north",)) for id_ in (1, 2))],
        ),
        # In their places, rows are known again.
        (in_place(MOVE), []),
        (
            in_place(SOME),
            [("lots", (2,), "deleted", ANN)],
        ),
        (
            in_place(OTHER),
            [("lots", (id_,), "changed", ANN) for id_ in (1, 2)],
        ),
        # Drained and left out: deleted.
        (
            NEXT.replace("BODY", "pass"),
            [*GONE, *(("lots", (i,), "deleted", ("south",)) for i in (3, 4))],
        ),
        # The record names nobody from here on: those who were named are told.
        (
            in_place(MOVE).replace('    observers = ("keeper", "told")\n', ""),
            [
                ("lots", (id_,), "changed", tuple(sorted({keeper, *names})))
                for id_, keeper, names in LOTS
            ],
        ),
    ],
    ids=[
        "moved",
        "some",
        "others",
        "in place",
        "some in place",
        "others in place",
        "none",
        "unnamed",
    ],
)
def test_a_migration_tells_whom_it_concerns(
    ledger: LedgerFixture, source: str, expected: list[Any]
) -> None:
    found = lots(ledger)
    before = len(ledger.notices)
    ledger.upgrade_source(found, source)
    assert told(ledger, before) == expected


def test_an_upgrade_without_migration_tells_nobody(ledger: LedgerFixture) -> None:
    found = lots(ledger)
    before = len(ledger.notices)
    ledger.upgrade_source(found, FIRST.replace('("keeper", "told")', '("keeper",)'))
    assert told(ledger, before) == []


def test_a_migration_may_go_over_more_rows_than_it_may_tell_of(ledger: LedgerFixture) -> None:
    begun(ledger)
    source = FIRST.replace(
        "self.lots[id] = Lot(id, keeper, told)",
        "for n in range(id * 600, id * 600 + 600):\n            "
        "self.lots[n] = Lot(n, keeper, told)",
    )
    found = ledger.deploy_source(source, name="lots", file="lots.py")
    for number in (0, 1):
        found.as_("ann@north", gas=100_000_000).add(number, "east", [])
    before = len(ledger.notices)
    with ledger.rejects("limit.events"):
        ledger.upgrade_source(found, NEXT.replace("BODY", "pass"))
    ledger.upgrade_source(found, NEXT.replace("BODY", MOVE))
    assert told(ledger, before) == []


SIGNED = '''
from lianheng.contract import Contract, call, signed_by, view

def agreed(member: str, terms: bytes, signature: bytes) -> bool:
    return signed_by(member, b"terms:" + terms, signature)

class Signing(Contract):
    """Counts who agreed off the chain."""

    @view
    def asked(self, member: str, terms: bytes, signature: bytes) -> bool:
        return agreed(member, terms, signature)

    @call(by="ANY")
    def called(self, member: str, terms: bytes, signature: bytes) -> tuple[str, bool]:
        return self.contract, agreed(member, terms, signature)
'''


def test_a_members_signature_counts_on_this_chain_alone(ledger: LedgerFixture) -> None:
    for member in ("ann@north", "bob@south"):
        ledger.member(member)
    signing = ledger.deploy_source(SIGNED, name="signing", file="signing.py")
    signature = ledger.sign("ann@north", b"terms:12")
    bob = signing.as_("bob@south")
    assert bob.called("ann@north", b"12", signature) == ["signing", True]
    for member, terms, sent in [
        ("bob@south", b"12", signature),
        ("ann@north", b"13", signature),
        ("eve@north", b"12", signature),
        ("ann@north", b"12", signature[:-1]),
        ("ann@north", b"12", b""),
        ("ann@north", b"12", signature[:32] + bytes(32)),
    ]:
        assert not signing.asked(member, terms, sent)
        assert bob.called(member, terms, sent) == ["signing", False]
    with ledger.rejects("ValueError"):
        signing.asked("north", b"12", signature)


def test_a_signature_of_another_chain_does_not_count(ledger: LedgerFixture) -> None:
    ledger.member("ann@north")
    signing = ledger.deploy_source(SIGNED, name="signing", file="signing.py")
    signature = ledger.sign("ann@north", b"terms:12")
    assert signing.as_("ann@north").called("ann@north", b"12", signature) == ["signing", True]
    ledger.member("bob@south")  # another genesis
    with pytest.raises(UsageError, match="name members"):
        signing.as_("bob@south").called("ann@north", b"12", signature)
