"""Strategies from declared types, and random calls on both engines with invariants after each."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import run_state_machine_as_test
from tests.rooms import TOOLSHED

from blocks import HOLDING
from lianheng.contract.twin import load
from lianheng.model import CallRefused
from lianheng.testing import LedgerFixture
from lianheng.testing.strategies import arguments, integers, ledger_machine, names, records
from trade_finance import CONTRACT

SOURCE = """
from lianheng.contract import Contract, Enum, Record, Table, call, invariant, require, view

class Kind(Enum):
    HAND = "hand"
    POWER = "power"

class Tag(Record):
    text: str
    weight: int = 1

class Account(Record):
    id: str
    amount: int
    kind: Kind = Kind.HAND
    tags: list[Tag] | None = None

class Bank(Contract):
    accounts = Table(Account, key="id")

    @call(by="role:operator")
    def open(self, id: str, kind: Kind, tags: list[Tag], pair: tuple[int, bool],
             counts: dict[str, int], note: bytes | None = None) -> Account:
        require(id not in self.accounts, "exists", id)
        self.accounts[id] = Account(id=id, amount=10, kind=kind, tags=tags)
        return self.accounts[id]

    @call(by="ANY")
    def move(self, one: str, other: str, amount: int) -> None:
        require(one in self.accounts and other in self.accounts, "unknown", "no such account")
        a = self.accounts[one]
        require(0 < amount <= a.amount, "too_much", f"{amount} of {a.amount}")
        self.accounts[one] = a.replace(amount=a.amount - amount)
        b = self.accounts[other]BUG
        self.accounts[other] = b.replace(amount=b.amount + amount)

    @view
    def total(self) -> int:
        return sum(account.amount for account in self.accounts.scan(limit=1000))

    @invariant
    def every_account_opened_with_ten(self) -> None:
        accounts = self.accounts.scan(limit=1000)
        total = sum(account.amount for account in accounts)
        assert total == 10 * len(accounts), f"{total} in {len(accounts)} accounts"
"""
QUICK = settings(
    max_examples=15, stateful_step_count=15, deadline=None,
    suppress_health_check=list(HealthCheck), database=None,
)  # fmt: skip


@pytest.fixture
def bank(tmp_path: Path) -> Path:
    file = tmp_path / "bank.py"
    file.write_text(SOURCE.replace("BUG", ""))
    return file


def test_a_sound_contract_passes_and_both_engines_agree(bank: Path) -> None:
    run_state_machine_as_test(ledger_machine(bank), settings=QUICK)


def test_a_broken_sum_is_found_and_named(tmp_path: Path) -> None:
    file = tmp_path / "bank.py"
    bug = "\n        amount = amount + (1 if amount == 10 else 0)"
    file.write_text(SOURCE.replace("BUG", bug))
    ids = st.sampled_from(["a", "b"])
    machine = ledger_machine(
        file, given={"id": ids, "one": ids, "other": ids, "amount": st.just(10)}
    )
    assert machine.__name__ == "BankMachine"
    once = settings(QUICK, max_examples=100, derandomize=True, phases=[Phase.generate])
    with pytest.raises(AssertionError, match="every_account_opened_with_ten"):
        run_state_machine_as_test(machine, settings=once)


def test_an_error_that_nobody_foresaw_fails_unless_allowed() -> None:
    strict = ledger_machine(TOOLSHED, given={"rounds": st.integers(0, 3)})
    with pytest.raises(CallRefused, match=r"contract\.error"):
        run_state_machine_as_test(
            strict, settings=settings(QUICK, derandomize=True, phases=[Phase.generate])
        )
    lenient = ledger_machine(TOOLSHED, given={"rounds": st.integers(0, 3)}, allowed=["KeyError"])
    run_state_machine_as_test(lenient, settings=QUICK)


def test_receivables_survive_random_calls() -> None:
    digits = st.sampled_from(["a" * 64, "b" * 64, "c" * 64])
    machine = ledger_machine(
        CONTRACT,
        members={
            "sam@maker": ["supplier"],
            "bea@hospital": ["buyer"],
            "ann@bank-a": ["bank"],
            "bob@bank-b": ["bank"],
        },
        given={
            "id": digits,
            "fingerprint": digits,
            "document": digits,
            "reference": digits,
            "reason": digits,
            "part": digits,
            "register.debtor": st.just("hospital"),
            "amount": st.integers(0, 1_000),
            "amounts": st.lists(st.integers(0, 600), min_size=1, max_size=3),
            "lender": st.sampled_from(["bank-a", "bank-b"]),
        },
        allowed=["KeyError"],
        beside=[HOLDING],
    )
    run_state_machine_as_test(machine, settings=QUICK)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_strategy_gives_what_both_engines_take(data: st.DataObject) -> None:
    source = SOURCE.replace("BUG", "")
    program = load(source, "bank.py")
    ledger = LedgerFixture(Path.cwd())
    bank: Any = ledger.deploy_source(source, name="bank", file="bank.py").as_("alice@north")
    given = data.draw(arguments(program, "open"))
    assert bank.open(**given).id == given["id"]
    ledger.close()


@given(number=integers(3, 5), name=names(("x",)))
def test_bounds_and_names(number: int, name: str) -> None:
    assert 3 <= number <= 5
    assert len(name) <= 8


@given(data=st.data())
def test_fields_with_a_default_may_be_missing(data: st.DataObject) -> None:
    program = load(SOURCE.replace("BUG", ""), "bank.py")
    tag = vars(sys.modules[program.contract.__module__])["Tag"]
    made = data.draw(records(tag))
    assert "text" in made
    assert set(made) <= {"text", "weight"}


def test_the_machine_is_a_test_case_for_pytest(tmp_path: Path) -> None:
    shutil.copy(TOOLSHED, tmp_path)
    (tmp_path / "test_shed.py").write_text(
        """
from pathlib import Path
from hypothesis import settings, strategies as st
from lianheng.testing.strategies import ledger_machine

TestShed = ledger_machine(
    Path(__file__).with_name("toolshed.py"),
    given={"rounds": st.integers(0, 3)},
    allowed=["KeyError"],
).TestCase
TestShed.settings = settings(max_examples=5, stateful_step_count=5, deadline=None)
"""
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "1 passed" in done.stdout, done.stdout + done.stderr
