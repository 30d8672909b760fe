"""Cells, unique indexes, parties, attachments and upgrades on the embedded ledger."""

from lianheng.members import CallSigner
from lianheng.model import Hash32
from lianheng.testing import LedgerFixture
from lianheng.testing._chain import identity_of

FIRST = """
from lianheng.contract import Cell, Contract, Counter, Record, Table, call, view

class Deal(Record):
    id: int
    buyer: str
    seller: str
    serial: str | None = None
    signatories = ("buyer", "seller")

class Deals(Contract):
    deals = Table(Deal, key="id", unique=["serial"])
    total = Cell(int, 0)
    numbers = Counter()

    @call(by="ANY")
    def agree(self, buyer: str, seller: str, serial: str | None) -> int:
        id = self.numbers.next()
        self.deals[id] = Deal(id=id, buyer=buyer, seller=seller, serial=serial)
        self.total.set(self.total.get() + 1)
        return id

    @call(by="ANY")
    def named(self) -> list[bytes | str | None]:
        return [self.application, *self.attachments]

    @view
    def count(self) -> int:
        return self.total.get()

    @view
    def range(self, start: int, end: int) -> list[int]:
        return [deal.id for deal in self.deals.scan(start=start, end=end, limit=10)]
"""

SECOND = FIRST.replace(
    "    serial: str | None = None\n", "    serial: str | None = None\n    note: str = ''\n"
)
BREAKING = SECOND.replace("total = Cell(int, 0)", "total = Cell(str, '')")


def test_state_and_parties_on_the_ledger(ledger: LedgerFixture) -> None:
    deals = ledger.deploy_source(FIRST, name="deals", file="deals.py")
    ann, bob = ledger.member("ann@north"), ledger.member("bob@south")
    both = deals.as_(ann, bob)
    assert both.agree("north", "bob@south", "s1") == 1
    with ledger.rejects("policy.signatory"):
        deals.as_(ann).agree("north", "bob@south", "s2")
    with ledger.rejects("ValueError"):
        both.agree("north", "south", "s1")
    assert both.agree("ann@north", "south", None) == 2
    assert deals.count() == 2
    assert deals.range(2, 5) == [2]


def test_a_call_sees_what_the_transaction_names(ledger: LedgerFixture) -> None:
    ledger.deploy_source(FIRST, name="deals", file="deals.py")
    ann = ledger.member("ann@north")
    chain = ledger.embedded
    signer = CallSigner(chain.chain, chain.genesis_hash, lambda: ledger.time)
    paper = Hash32(bytes([7] * 32))
    signed = signer.sign(
        [identity_of(ann)], "deals.named", {}, application="till", attachments=[paper]
    )
    assert chain.submit(signed).one().checked().value == ["till", bytes(paper)]


def test_a_rehearsal_tells_what_would_change_and_keeps_nothing(ledger: LedgerFixture) -> None:
    ledger.deploy_source(FIRST, name="deals", file="deals.py")
    backend = ledger.embedded._backend
    engine = backend._engine  # type: ignore[attr-defined]
    good = engine.rehearse_upgrade("deals", "deals.py", SECOND)
    assert (good["refusal"], good["from_version"]) == (None, 0)
    assert good["changes"] == [
        {"what": "table deals", "how": "Deal.note added", "needs_migration": False}
    ]
    bad = engine.rehearse_upgrade("deals", "deals.py", BREAKING)
    assert bad["refusal"]["code"] == "contract.migration_missing"
    assert engine.rehearse_upgrade("deals", "deals.py", SECOND) == good


def test_an_upgrade_keeps_the_state_and_a_frozen_contract_answers(ledger: LedgerFixture) -> None:
    deals = ledger.deploy_source(FIRST, name="deals", file="deals.py")
    ann = ledger.member("ann@north")
    root = ledger.member("root@north", roles=["admin"])
    assert deals.as_(ann).agree("north", "ann@north", "s1") == 1

    def upgrade(source: str) -> str:
        arguments = {"name": "deals", "file": "deals.py", "source": source}
        error = ledger.call([root], "contracts.upgrade", arguments).error
        return "" if error is None else error.code

    assert upgrade(BREAKING) == "contract.migration_missing"
    assert upgrade(SECOND) == ""
    assert deals.as_(ann).agree("north", "ann@north", "s2") == 2
    ledger.call([root], "contracts.freeze", {"name": "deals"}).checked()
    with ledger.rejects("contract.frozen"):
        deals.as_(ann).agree("north", "ann@north", "s3")
    assert deals.count() == 2
    ledger.call([root], "contracts.thaw", {"name": "deals"}).checked()
    assert deals.as_(ann).agree("north", "ann@north", "s3") == 3
