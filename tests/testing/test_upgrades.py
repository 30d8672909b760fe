"""Upgrades, migrations and statuses in the fixture: VM and CPython must agree on each."""

from pathlib import Path

import pytest

from lianheng.model import CallRefused, UsageError
from lianheng.testing import EnginesDiffer, LedgerFixture

FIRST = """
from lianheng.contract import Cell, Contract, Counter, Decimal, Record, Table, call, view

Amount = Decimal(2)

class Deal(Record):
    id: int
    buyer: str
    seller: str
    amount: Amount
    serial: str | None = None
    signatories = ("buyer", "seller")

class Note(Record):
    id: int
    text: str

class Deals(Contract):
    deals = Table(Deal, key="id", indexes=["seller"])
    notes = Table(Note, key="id")
    total = Cell(Amount, Amount("0.00"))
    numbers = Counter()

    @call(by="ANY")
    def agree(self, buyer: str, seller: str, amount: Amount, serial: str | None) -> int:
        id = self.numbers.next()
        self.deals[id] = Deal(id, buyer, seller, amount, serial)
        self.notes[id] = Note(id, f"deal {id}")
        self.total.set(self.total.get() + amount)
        return id

    @view
    def sum(self) -> Amount:
        return self.total.get()
"""

# The amount becomes an int of cents, notes move into the deals.
SECOND = """
from lianheng.contract import Cell, Contract, Counter, Event, Record, Table, call, migrate, view

class Deal(Record):
    id: int
    buyer: str
    seller: str
    cents: int
    serial: str | None = None
    note: str = ""
    signatories = ("buyer", "seller")

class Moved(Event):
    count: int

class Deals(Contract):
    deals = Table(Deal, key="id", unique=["serial"])
    total = Cell(int, 0)
    numbers = Counter()

    @migrate(from_version=0)
    def to_cents(self) -> None:
        notes = {row["id"]: row["text"] for row in self.drain("notes")}
        rows = self.drain("deals")
        for row in rows:
            id = row["id"]
            self.deals[id] = Deal(
                id, row["buyer"], row["seller"], row["amount"], row["serial"], notes[id]
            )
        self.total.set(sum(self.drain("total")))
        self.emit(Moved(count=len(rows)))

    @view
    def sum(self) -> int:
        return self.total.get()

    @view
    def texts(self) -> list[str]:
        return [deal.note for deal in self.deals.scan(limit=10)]
"""


def begun(ledger: LedgerFixture) -> None:
    deals = ledger.deploy_source(FIRST, name="deals", file="deals.py")
    both = deals.as_("ann@north", "bob@south")
    assert both.agree("north", "bob@south", 1250, "s1") == 1
    assert both.agree("ann@north", "south", 5, None) == 2


def test_a_migration_moves_every_row_on_both_engines(ledger: LedgerFixture) -> None:
    begun(ledger)
    deals = ledger.upgrade_source("deals", SECOND)
    assert deals.texts() == ["deal 1", "deal 2"]
    assert deals.sum() == 1255
    assert [(event.name, event.data) for event in ledger.last.events] == [("Moved", {"count": 2})]


LEAVES = SECOND.replace('rows = self.drain("deals")', 'rows = self.drain("deals")[1:]')
KEEPS_NOTES = SECOND.replace(
    '{row["id"]: row["text"] for row in self.drain("notes")}', '{1: "deal 1", 2: "deal 2"}'
)
CHANGES_PARTY = SECOND.replace('row["seller"], row["amount"]', '"carl@west", row["amount"]')
SAME_SERIAL = SECOND.replace('row["serial"], notes', '"same", notes')
FAILS = SECOND.replace("        self.emit(", "        rows[7]\n        self.emit(")
LISTS = SECOND.replace(
    "        self.emit(", '        self.deals.by("serial", "s1", limit=1)\n        self.emit('
)
OTHER_KEY = FIRST.replace(
    'deals = Table(Deal, key="id", ', 'deals = Table(Deal, key=("seller", "id"), '
)
UNREADABLE = OTHER_KEY.replace(
    "    @view",
    "    @migrate(from_version=0)\n    def go(self) -> None:\n        pass\n\n    @view",
).replace("call, view", "call, migrate, view")
ODD_CELL = (
    UNREADABLE.replace("total = Cell(Amount", "total = Cell(str")
    .replace('Amount("0.00"))', '"")')
    .replace('key=("seller", "id"), ', 'key="id", ')
    .replace("        self.total.set(self.total.get() + amount)\n", "")
    .replace("def sum(self) -> Amount", "def sum(self) -> str")
)
UNIQUE_SELLER = FIRST.replace('indexes=["seller"]', 'unique=["buyer", "seller"]')
RESCALED = FIRST.replace("Decimal(2)", "Decimal(3)").replace("0.00", "0.000")
FLIPPED = FIRST.replace("serial: str | None = None", "serial: bytes | str | None = None")
REQUIRED = FIRST.replace("serial: str | None = None", "serial: str | None")
REFUSED = {
    "leaves": (LEAVES, "policy.signatory"),
    "keeps notes": (KEEPS_NOTES, "contract.leftover"),
    "changes a party": (CHANGES_PARTY, "policy.signatory"),
    "same serial": (SAME_SERIAL, "contract.not_unique"),
    "fails": (FAILS, "contract.error"),
    "lists by an index": (LISTS, "language.refused"),
    "other key": (OTHER_KEY, "contract.migration_missing"),
    "moves nothing": (UNREADABLE, "contract.leftover"),
    "another cell": (ODD_CELL, "state.unreadable"),
    "another scale": (RESCALED, "contract.migration_missing"),
    "a default removed": (REQUIRED, "contract.migration_missing"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_refused_upgrade_changes_nothing(ledger: LedgerFixture, case: str) -> None:
    source, code = REFUSED[case]
    assert source not in {FIRST, SECOND}
    begun(ledger)
    with ledger.rejects(code):
        ledger.upgrade_source("deals", source)
    deals = ledger.upgrade_source("deals", SECOND)
    assert deals.sum() == 1255


def test_a_wider_choice_needs_nothing(ledger: LedgerFixture) -> None:
    begun(ledger)
    deals = ledger.upgrade_source("deals", FLIPPED)
    assert deals.as_("ann@north").agree("north", "north", 1, "s2") == 3


def test_a_unique_index_over_two_equal_rows_is_refused(ledger: LedgerFixture) -> None:
    begun(ledger)
    both = ledger.upgrade_source("deals", UNIQUE_SELLER).as_("ann@north", "bob@south")
    with ledger.rejects("ValueError"):
        both.agree("north", "bob@south", 1, None)
    both = ledger.upgrade_source("deals", FIRST).as_("ann@north", "bob@south")
    both.agree("north", "bob@south", 1, None)
    with ledger.rejects("contract.not_unique"):
        ledger.upgrade_source("deals", UNIQUE_SELLER)


def test_signatories_of_lost_rows_may_sign(ledger: LedgerFixture) -> None:
    begun(ledger)
    root = ledger.member("root@north", roles=["admin"])
    deals = ledger.upgrade_source("deals", LEAVES, by=[root, "ann@north", "bob@south"])
    assert deals.texts() == ["deal 2"]


def test_who_may_change_a_contract(ledger: LedgerFixture) -> None:
    begun(ledger)
    for change in (ledger.freeze, ledger.thaw, ledger.retire):
        with ledger.denied():
            change("deals", by=["ann@north"])
    with ledger.denied():
        ledger.upgrade_source("deals", SECOND, by=["ann@north"])
    with ledger.rejects("contract.unchanged"):
        ledger.upgrade_source("deals", FIRST)
    with ledger.rejects("call.unknown_contract"):
        ledger.freeze("other")


def test_a_frozen_contract_answers_and_a_retired_one_does_not(ledger: LedgerFixture) -> None:
    begun(ledger)
    deals = ledger.deploy_source(FIRST, name="more", file="more.py")
    both = deals.as_("ann@north", "bob@south")
    ledger.freeze(deals)
    with ledger.rejects("contract.status"):
        ledger.freeze(deals)
    with ledger.rejects("contract.frozen"):
        both.agree("north", "south", 1, None)
    deals = ledger.upgrade_source(deals, SECOND)
    assert deals.sum() == 0
    ledger.retire(deals)
    with ledger.rejects("contract.status"):
        ledger.thaw(deals)
    for act in (deals.sum, lambda: ledger.upgrade_source(deals, FIRST)):
        with ledger.rejects("contract.retired"):
            act()


def test_a_snapshot_goes_back_over_an_upgrade(ledger: LedgerFixture) -> None:
    begun(ledger)
    before = ledger.snapshot()
    deals = ledger.upgrade_source("deals", SECOND)
    after = ledger.snapshot()
    ledger.freeze(deals)
    ledger.restore(after)
    assert deals.texts() == ["deal 1", "deal 2"]
    ledger.restore(before)
    assert deals.as_("ann@north", "bob@south").agree("north", "south", 7, None) == 3
    assert ledger.upgrade_source("deals", SECOND).texts() == ["deal 1", "deal 2", "deal 3"]


def test_from_version_counts_sources(ledger: LedgerFixture) -> None:
    begun(ledger)
    ledger.freeze("deals")
    ledger.thaw("deals")
    ledger.upgrade_source("deals", FIRST + "\n")
    with ledger.rejects("contract.migration_missing") as refusal:
        ledger.upgrade_source("deals", SECOND)
    assert "@migrate(from_version=1)" in str(refusal.error)
    ledger.upgrade_source("deals", SECOND.replace("from_version=0", "from_version=1"))


def test_a_later_member_repeats_the_upgrade(ledger: LedgerFixture) -> None:
    begun(ledger)
    deals = ledger.upgrade_source("deals", SECOND)
    ledger.member("late@east")
    assert deals.texts() == ["deal 1", "deal 2"]


def test_files_are_found_and_rehearsed(ledger: LedgerFixture, tmp_path: Path) -> None:
    begun(ledger)
    (tmp_path / "next.py").write_text(SECOND)
    rehearsal = ledger.rehearse("deals", tmp_path / "next.py").checked()
    assert (rehearsal.from_version, rehearsal.migrates, rehearsal.rows) == (0, True, 5)
    with pytest.raises(CallRefused, match=r"contracts\.upgrade requires role:admin"):
        ledger.rehearse("deals", tmp_path / "next.py", by=["ann@north"]).checked()
    assert ledger.upgrade("deals", tmp_path / "next.py").sum() == 1255
    assert [v.status for v in ledger.embedded.versions("deals")] == ["active", "active"]


def test_what_a_transaction_names_reaches_both_engines(ledger: LedgerFixture) -> None:
    source = (
        "from lianheng.contract import Contract, call\n\n"
        "class Till(Contract):\n    @call(by='ANY')\n"
        "    def named(self) -> list[bytes | str | None]:\n"
        "        return [self.application, *self.attachments]\n"
    )
    till = ledger.deploy_source(source, name="till", file="till.py")
    paper = bytes([7] * 32)
    assert till.as_("ann@north").named() == [None]
    assert till.as_("ann@north", application="kiosk", attachments=[paper]).named() == [
        "kiosk",
        paper,
    ]


def test_a_difference_after_a_migration_is_found(
    ledger: LedgerFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun(ledger)
    monkeypatch.setattr("lianheng.contract._upgrade.check_released", lambda _: None)
    with pytest.raises(EnginesDiffer, match=r"policy\.signatory"):
        ledger.upgrade_source("deals", LEAVES)
    monkeypatch.undo()


def test_an_upgrade_before_any_deployment_is_named(ledger: LedgerFixture) -> None:
    with pytest.raises((UsageError, CallRefused)):
        ledger.upgrade_source("deals", SECOND)
