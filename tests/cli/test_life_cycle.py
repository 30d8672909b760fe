"""`lianheng contract upgrade`, `freeze`, `thaw`, `retire`, `versions`, and decimals at the edge."""

import json
from pathlib import Path

import pytest
from tests.cli.conftest import Cli

from lianheng.cli._arguments import parse_pairs
from lianheng.ledger import shaped, unshaped
from lianheng.model import InvalidValue

FUND = """from lianheng.contract import Contract, Decimal, Enum, Record, Table, call, view

Amount = Decimal(2)

class Kind(Enum):
    GIFT = "gift"
    LOAN = "loan"

class Payment(Record):
    id: int
    amount: Amount
    kind: Kind
    fee: Amount | None = None

class Fund(Contract):
    payments = Table(Payment, key="id")

    @call(by="role:operator")
    def pay(self, id: int, amount: Amount, fee: Amount | None = None) -> Payment:
        self.payments[id] = Payment(id, amount, Kind.GIFT, fee)
        return self.payments[id]

    @call(by="role:operator")
    def several(self, payments: list[Payment]) -> dict[str, Amount]:
        for payment in payments:
            self.payments[payment.id] = payment
        return {str(payment.id): payment.amount for payment in payments}
"""
LARGER = FUND.replace("| None = None\n\n", '| None = None\n    note: str = ""\n\n', 1)
OTHER = FUND.replace("    kind: Kind\n", "    kind: Kind\n    payer: str\n").replace(
    "Kind.GIFT, fee)", 'Kind.GIFT, "", fee)'
)


@pytest.fixture
def fund(home: Path, cli: Cli) -> Path:
    for name, source in {"fund.py": FUND, "larger.py": LARGER, "other.py": OTHER}.items():
        (home / name).write_text(source)
    assert cli("contract", "deploy", "fund.py", "--as", "alice@north").code == 0
    return home


ALICE = ("--as", "alice@north")


def test_an_upgrade_is_rehearsed_and_made(fund: Path, cli: Cli) -> None:
    assert cli("call", "fund.pay", "id=1", "amount=2.50", *ALICE).code == 0
    rehearsed = cli("contract", "upgrade", "larger.py", "--name", "fund", "--rehearse", "--json")
    assert rehearsed.json["rehearsal"]["refusal"] is None
    assert [v["file"] for v in cli("contract", "versions", "fund", "--json").json] == ["fund.py"]
    made = cli("contract", "upgrade", "larger.py", "--name", "fund", *ALICE)
    assert made.code == 0
    assert "table fund" not in made.out
    assert "Payment.note added" in made.out
    assert "upgraded fund, source " in made.out
    assert "note=''" in cli("call", "fund.pay", "id=2", "amount=1", *ALICE).out
    assert fund.is_dir()


def test_a_rehearsal_names_the_callers_that_break(fund: Path, cli: Cli) -> None:
    payer = """from lianheng.contract import Contract, Interface, Uses, call, view

class Fund(Interface):
    @view
    def paid(self) -> int: ...

class Payer(Contract):
    fund = Uses(Fund, contract="fund")

    @view
    def so_far(self) -> int:
        return self.fund.paid()
"""
    paid = FUND + "\n    @view\n    def paid(self) -> int:\n        return 1\n"
    (fund / "paid.py").write_text(paid.replace("call,", "call, view,", 1))
    (fund / "payer.py").write_text(payer)
    assert cli("contract", "upgrade", "paid.py", "--name", "fund", *ALICE).code == 0
    assert cli("contract", "deploy", "payer.py", *ALICE).code == 0
    ran = cli("contract", "upgrade", "larger.py", "--name", "fund", "--rehearse")
    assert ran.code == 0
    assert "it has no method paid" in ran.out
    assert "these calls of fund would be refused" in ran.out
    told = cli("contract", "upgrade", "larger.py", "--name", "fund", "--rehearse", "--json").json
    assert [one["contract"] for one in told["rehearsal"]["callers"]] == ["payer"]


def test_a_refused_upgrade_says_why_and_what_to_do(fund: Path, cli: Cli) -> None:
    for extra in (("--rehearse",), ALICE):
        ran = cli("contract", "upgrade", "other.py", "--name", "fund", *extra)
        assert ran.code == 1
        assert "refused  contract.migration_missing" in ran.out
        assert "@migrate(from_version=0)" in ran.out
        assert "lianheng contract diff OLD NEW" in ran.out
    assert cli("contract", "upgrade", "larger.py", *ALICE).code == 1
    assert len(cli("contract", "versions", "fund", "--json").json) == 1
    assert fund.is_dir()


def test_the_skeleton_that_diff_prints_migrates(fund: Path, cli: Cli) -> None:
    assert cli("call", "fund.pay", "id=1", "amount=2.50", *ALICE).code == 0
    ran = cli("contract", "diff", "fund.py", "other.py", "--json")
    assert ran.code == 1
    method = ran.json["skeleton"]
    assert "payer=...,  # str: stored rows lack it" in method
    source = OTHER.replace("call, view", "call, migrate, view") + "\n" + method
    (fund / "whole.py").write_text(source)
    assert cli("contract", "check", "whole.py").code == 1  # `...` is no value
    (fund / "whole.py").write_text(source.replace("payer=...", 'payer="ann"'))
    assert cli("contract", "diff", "fund.py", "whole.py").code == 0
    made = cli("contract", "upgrade", "whole.py", "--name", "fund", "--json", *ALICE)
    assert made.json["status"] == "final"
    assert made.json["rehearsal"]["from_version"] == 0
    (row,) = cli("view", "fund.payments", "--json").json["rows"]
    assert row == {"id": 1, "amount": 250, "kind": "gift", "payer": "ann", "fee": None}


def test_on_a_governed_chain_one_organisation_decides_nothing(fund: Path, cli: Cli) -> None:
    made = cli("init", "governed", "--dev", "--governed", "--orgs", "north,south")
    assert made.code == 0
    home = ("--home", str(fund / "governed"))
    for command in (("deploy", "fund.py"), ("freeze", "members")):
        denied = cli("contract", *command, *ALICE, *home)
        assert denied.code == 1
        assert "policy.denied" in denied.out
        assert "missing: a member with the role admin of south" in denied.out


def test_frozen_thawed_retired(fund: Path, cli: Cli) -> None:
    def call() -> str:
        ran = cli("call", "fund.pay", "id=1", "amount=1", "--json", *ALICE)
        return str(ran.json.get("error", {}).get("code", ran.json["status"]))

    assert cli("contract", "freeze", "fund", *ALICE).out.startswith("frozen fund, height ")
    assert call() == "contract.frozen"
    assert cli("contract", "freeze", "fund", *ALICE).code == 1
    assert cli("contract", "thaw", "fund", *ALICE).code == 0
    assert call() == "final"
    assert cli("contract", "retire", "fund", "--json", *ALICE).json["value"]["status"] == "retired"
    assert call() == "contract.retired"
    shown = cli("contract", "versions", "fund").out.splitlines()
    assert [line.split()[3] for line in shown[1:]] == ["active", "frozen", "active", "retired"]
    assert cli("contract", "versions", "none").code == 2
    assert fund.is_dir()


def test_amounts_are_written_and_shown_as_amounts(fund: Path, cli: Cli) -> None:
    paid = cli("call", "fund.pay", "id=1", "amount=12.50", "fee=0.05", *ALICE)
    assert "amount=Decimal(2)('12.50')" in paid.out
    assert "fee=Decimal(2)('0.05')" in paid.out
    assert "Decimal(2)('12.50')" in cli("view", "fund.payments").out
    refused = cli("call", "fund.pay", "id=2", "amount=12.505", *ALICE)
    assert refused.code == 2
    assert "'12.505' is no Decimal(2)" in refused.err
    given = json.dumps(
        [{"id": 3, "amount": 1.5, "kind": "loan"}, {"id": 4, "amount": "2", "kind": "gift"}]
    )
    several = cli("call", "fund.several", f"payments:={given}", *ALICE)
    assert "{'3': Decimal(2)('1.50'), '4': Decimal(2)('2.00')}" in several.out
    assert fund.is_dir()


INTERFACE = {
    "records": [{"name": "Part", "fields": [{"name": "worth", "type": "Decimal(3)"}]}],
    "enums": [],
    "events": [],
}


def method(kind: str) -> dict[str, object]:
    return {"name": "do", "parameters": [{"name": "x", "type": kind, "optional": False}]}


@pytest.mark.parametrize("kind", ["Matrix[int]", "list[Matrix]", "Decimal(x)", "int &", "list[int"])
def test_a_type_of_tomorrow_is_named(kind: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_pairs(["x=1"], method(kind), INTERFACE)
    assert caught.value.code == "type.unknown"
    assert shaped([1], kind, INTERFACE) == [1]


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("Decimal(2)", "x=-0.5", -50),
        ("Decimal(0)", "x=7", 7),
        ("Decimal(2) | None", "x=", None),
        ("list[Decimal(2)]", "x=1,2.5", [100, 250]),
        ("list[Part]", 'x:=[{"worth": 0.125}]', [{"worth": 125}]),
        ("tuple[int, Decimal(1)]", "x:=[1, 1]", [1, 10]),
        ("dict[str, bytes]", 'x:={"a": "ff"}', {"a": b"\xff"}),
        ("object", "x:=[1]", [1]),
    ],
)
def test_arguments_follow_the_declared_type(kind: str, text: str, expected: object) -> None:
    assert parse_pairs([text], method(kind), INTERFACE) == {"x": expected}
    assert unshaped(shaped(expected, kind, INTERFACE), kind, INTERFACE) == expected


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("Decimal(2)", "x=1e3"),
        ("Decimal(2)", "x:=1e3"),
        ("Decimal(2)", "x=0.005"),
        ("int", "x:=1.5"),
        ("list[int]", "x:=[1.5]"),
        ("list[Part]", 'x:=[{"worth": 0.0001}]'),
    ],
)
def test_what_is_not_exact_is_refused(kind: str, text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        parse_pairs([text], method(kind), INTERFACE)
    assert caught.value.details["field"] == "x"
