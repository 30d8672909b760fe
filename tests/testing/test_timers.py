"""Timers on both engines: when they run, what they may, and what they cannot be made to do."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lianheng.model import InvalidValue
from lianheng.testing import EnginesDiffer, LedgerFixture
from lianheng.testing._handles import ContractHandle
from lianheng.testing.strategies import ledger_machine

CONTRACTS = Path(__file__).parents[1] / "contracts"
HEAD = """
from lianheng.contract import Contract, Counter, Event, Record, Table, call, require, timer, view

class Row(Record):
    id: str
    value: int

class Rang(Event):
    id: str

class Clocks(Contract):
    rows = Table(Row, key="id")
    rung = Counter()

    @timer
    def ring(self, id: str = "x", extra: int | None = None) -> int:
        self.rung.next()
        self.rows[id] = Row(id=id, value=self.now)
        self.emit(Rang(id=id))
        return self.height
"""
Deploy = Callable[[str], ContractHandle]


@pytest.fixture
def clocks(ledger: LedgerFixture) -> Deploy:
    def deploy(body: str) -> ContractHandle:
        return ledger.deploy_source(HEAD + body, name="clocks", file="clocks.py")

    return deploy


def calls(*lines: str) -> str:
    """A call `go` with this body, and a way to cancel."""
    body = "".join(f"        {line}\n" for line in lines)
    return f"""
    @call(by="ANY")
    def go(self, at: int = 0) -> int:
{body}        return 0

    @call(by="ANY")
    def stop(self, number: int) -> bool:
        return self.cancel(number)
"""


def test_timers_run_in_order_each_at_its_moment(ledger: LedgerFixture, clocks: Deploy) -> None:
    shed = clocks(
        calls(
            'self.due(at + 2, "ring", id="b")',
            'self.due(at + 1, "ring", id="a")',
            'self.due(at + 2, "ring", id="c")',
        )
    )
    start = int(ledger.time)
    shed.as_("ann@a").go(start)
    assert ledger.advance(seconds=0.001)[0].arguments == {"id": "a"}
    ran = ledger.advance(days=30)
    assert [run.arguments["id"] for run in ran] == ["b", "c"]
    assert {run.result.time for run in ran} == {start + 2}
    assert [event.data["id"] for event in ledger.events] == ["a", "b", "c"]
    assert [event.number for event in ledger.events] == [0, 1, 2]
    assert ledger.advance(days=30) == []


def test_a_cancelled_timer_does_not_run(ledger: LedgerFixture, clocks: Deploy) -> None:
    shed = clocks(calls('self.due(self.now + 5, "ring")'))
    ann = shed.as_("ann@a")
    ann.go()
    assert ann.stop(1)
    assert not ann.stop(1)
    assert not ann.stop(2)
    assert not ann.stop(-1)
    assert not ann.stop(2**80)
    ann.go()
    assert [run.number for run in ledger.advance(days=1)] == [2]
    assert not ann.stop(2)


def test_a_refused_call_makes_and_cancels_no_timer(ledger: LedgerFixture, clocks: Deploy) -> None:
    shed = clocks(
        calls(
            'number = self.due(self.now + 5, "ring")',
            "self.cancel(1)",
            'require(number == 1, "second", "only the first")',
        ).replace("self.cancel(1)", "self.cancel(number - 1)")
    )
    ann = shed.as_("ann@a")
    ann.go()
    with ledger.rejects("second"):
        ann.go()
    assert [run.number for run in ledger.advance(days=1)] == [1]


WRONG = {
    "past": ('self.due(self.now, "ring")', "ValueError"),
    "long past": ('self.due(-(2**90), "ring")', "ValueError"),
    "beyond the calendar": ('self.due(2**70, "ring")', "ValueError"),
    "year 10000": ('self.due(253402300800000, "ring")', "ValueError"),
    "a text as moment": ('self.due(str(at), "ring")', "TypeError"),
    "a bool as moment": ('self.due(at == 0, "ring")', "TypeError"),
    "no gas": ('self.due(self.now + 1, "ring", gas=0)', "ValueError"),
    "negative gas": ('self.due(self.now + 1, "ring", gas=-5)', "ValueError"),
    "all the gas there is": ('self.due(self.now + 1, "ring", gas=2**64)', "ValueError"),
    "a text as gas": ('self.due(self.now + 1, "ring", gas=str(at))', "TypeError"),
    "another type": ('self.due(self.now + 1, "ring", id=at)', "TypeError"),
    "a bool for int": ('self.due(self.now + 1, "ring", extra=at == 0)', "TypeError"),
    "cancel a text": ("self.cancel(str(at))", "TypeError"),
    "huge arguments": ('self.due(self.now + 1, "ring", id="x" * 20000)', "limit.timer"),
    "more gas than the call has": (
        'self.due(self.now + 1, "ring", gas=50_000_000)',
        "gas.exhausted",
    ),
    "very many": (
        '[self.due(self.now + 1, "ring", gas=1) for _ in range(100_000)]',
        "gas.exhausted",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_no_timer_may_be(name: str, ledger: LedgerFixture, clocks: Deploy) -> None:
    line, code = WRONG[name]
    shed = clocks(calls(line))
    with ledger.rejects(code):
        shed.as_("ann@a").go()
    assert ledger.advance(days=1) == []
    assert (
        ledger.embedded.backend.scan("chain", "timers", (), limit=1, after=None, reverse=False)[0]
        == []
    )


def test_a_view_makes_no_timer(ledger: LedgerFixture, clocks: Deploy) -> None:
    shed = clocks("""
    @view
    def look(self) -> int:
        return self.due(self.now + 1, "ring")

    @view
    def unlook(self) -> bool:
        return self.cancel(1)
""")
    for name in ("look", "unlook"):
        with ledger.rejects("view.write"):
            getattr(shed, name)()


FAILING = {
    "raises": ('self.rows["none"]', "contract.error", "KeyError"),
    "rejects": ('require(False, "never", "no")', "contract.rejected", "never"),
    "never ends": ("while True: pass", "gas.exhausted", None),
    "recurses": ("self.boom()", "limit.recursion", None),
    "is too large": ('xs = ["x"] * 10**7', "limit.memory", None),
    "announces too much": (
        "for n in range(2000): self.emit(Rang(id=str(n)))",
        "limit.events",
        None,
    ),
}


@pytest.mark.parametrize("name", FAILING)
def test_a_failing_timer_is_gone_and_changes_nothing(
    name: str, ledger: LedgerFixture, clocks: Deploy
) -> None:
    line, code, reason = FAILING[name]
    shed = clocks(
        calls('self.due(self.now + 5, "boom", gas=1_000_000)')
        + f"""
    @timer
    def boom(self) -> None:
        self.rows["written"] = Row(id="written", value=1)
        {line}

    @view
    def size(self) -> int:
        return len(self.rows.scan(limit=10))
"""
    )
    shed.as_("ann@a").go()
    (run,) = ledger.advance(days=1)
    assert run.result.error is not None
    assert (run.result.error.code, run.result.error.reason) == (code, reason)
    assert run.result.gas <= 1_000_000
    assert shed.size() == 0
    assert ledger.advance(days=1) == []


def test_a_chain_of_timers_ends_with_its_gas(ledger: LedgerFixture, clocks: Deploy) -> None:
    shed = clocks(
        calls('self.due(self.now + 5, "again", gas=20_000, left=20_000)')
        + """
    @timer
    def again(self, left: int) -> None:
        self.rung.next()
        self.due(self.now + 5, "again", gas=left - 3_000, left=left - 3_000)

    @view
    def count(self) -> int:
        return self.rung.get()
"""
    )
    shed.as_("ann@a").go()
    ran = ledger.advance(days=1)
    assert 2 <= len(ran) <= 7
    assert ran[-1].result.error is not None
    assert ran[-1].result.error.code in {"gas.exhausted", "contract.error"}
    assert shed.count() == len(ran) - 1


def test_a_timer_is_signed_by_nobody(ledger: LedgerFixture, clocks: Deploy) -> None:
    shed = clocks(
        calls('self.due(self.now + 5, "who")')
        + """
    @timer
    def who(self) -> list[object]:
        caller = self.caller
        return [caller.member, caller.organisation, len(caller.roles), len(self.signers),
                self.application, len(self.attachments), len(self.transaction_id)]
"""
    )
    shed.as_("ann@a").go()
    (run,) = ledger.advance(days=1)
    assert run.result.value == ["", "", 0, 0, None, 0, 32]


def test_a_timer_changes_no_row_with_signatories(ledger: LedgerFixture) -> None:
    deal = ledger.deploy_source(
        """
from lianheng.contract import Contract, Record, Table, call, timer

class Deal(Record):
    id: str
    buyer: str
    signatories = ("buyer",)

class Deals(Contract):
    deals = Table(Deal, key="id")

    @call(by="ANY")
    def make(self, id: str) -> None:
        self.deals[id] = Deal(id=id, buyer=self.caller.member)
        self.due(self.now + 5, "end", id=id)

    @timer
    def end(self, id: str) -> None:
        del self.deals[id]
""",
        name="deals",
        file="deals.py",
    )
    deal.as_("ann@a").make("d")
    (run,) = ledger.advance(days=1)
    assert run.result.error is not None
    assert run.result.error.code == "policy.signatory"


def test_nobody_calls_a_timer(ledger: LedgerFixture, clocks: Deploy) -> None:
    clocks(calls("pass"))
    assert ledger.call(["ann@a"], "clocks.ring", {}).error.code == "call.unknown_method"  # type: ignore[union-attr]


def test_one_contract_cannot_cancel_the_timer_of_another(ledger: LedgerFixture) -> None:
    body = HEAD + calls('self.due(self.now + 5, "ring")')
    one = ledger.deploy_source(body, name="one", file="one.py")
    two = ledger.deploy_source(body, name="two", file="two.py")
    one.as_("ann@a").go()
    assert not two.as_("ann@a").stop(1)
    two.as_("ann@a").go()
    assert two.as_("ann@a").stop(1)
    assert [run.contract for run in ledger.advance(days=1)] == ["one"]


def test_a_timer_that_cancels_its_neighbour(ledger: LedgerFixture, clocks: Deploy) -> None:
    shed = clocks(
        calls('self.due(self.now + 5, "quench", number=2)', 'self.due(self.now + 5, "ring")')
        + """
    @timer
    def quench(self, number: int) -> bool:
        return self.cancel(number)
"""
    )
    shed.as_("ann@a").go()
    (run,) = ledger.advance(days=1)
    assert (run.method, run.result.value) == ("quench", True)


def test_many_at_one_moment_are_spread_over_blocks(ledger: LedgerFixture, clocks: Deploy) -> None:
    shed = clocks(
        calls('numbers = [self.due(at, "ring", gas=3_000, id=str(n)) for n in range(600)]')
    )
    at = int(ledger.time) + 5
    for _ in range(2):
        shed.as_("ann@a").go(at)
    ran = ledger.advance(days=1)
    assert len(ran) == 1_200
    assert {run.result.time for run in ran} == {at}
    heights = [run.result.height for run in ran]
    assert heights == sorted(heights, key=lambda height: height or 0)
    assert len(set(heights)) == 2
    assert [run.number for run in ran] == list(range(1, 1_201))


def test_a_snapshot_holds_the_timers_that_wait(ledger: LedgerFixture, clocks: Deploy) -> None:
    shed = clocks(calls('self.due(self.now + 5, "ring")'))
    shed.as_("ann@a").go()
    moment = ledger.snapshot()
    assert len(ledger.advance(days=1)) == 1
    ledger.restore(moment)
    assert ledger.runs == []
    # A member more begins the chain again: what ran before runs again.
    ledger.member("new@b")
    assert len(ledger.advance(days=1)) == 1
    ledger.member("newer@b")
    assert len(ledger.advance(days=1)) == 0
    assert len(ledger.runs) == 1


REFUSED = {
    "unknown timer": ('self.due(1, "rang")', "no timer `rang`"),
    "no timer": ('self.due(1, "go")', "`go` is no timer"),
    "wrong name": ('self.due(1, "ring", ident="x")', "no parameter `ident`"),
    "name at run time": ("self.due(1, str(at))", "plain text"),
    "positional": ('self.due(1, "ring", "x")', "named"),
    "starred": ('self.due(1, "ring", **{})', "names each argument"),
    "as a value": ("f = self.due", "it can only be called"),
    "cancel of nothing": ("self.cancel()", "number that due() gave"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_compiler_refuses(name: str, clocks: Deploy) -> None:
    line, words = REFUSED[name]
    with pytest.raises(InvalidValue, match="is refused") as caught:
        clocks(calls(line))
    assert words in caught.value.message


DECLARED = {
    "no type": ("    @timer\n    def t(self, id) -> None:\n        pass\n", "needs a type"),
    "a policy": ('    @timer(by="ANY")\n    def t(self) -> None:\n        pass\n', "no policy"),
    "gas": ("    @timer\n    def t(self, gas: int) -> None:\n        pass\n", "no parameter `gas`"),
    "taken": ("    @timer\n    def due(self) -> None:\n        pass\n", "`due` is taken"),
    "twice": ("    @timer\n    @view\n    def t(self) -> None:\n        pass\n", "one decorator"),
    "needed": (
        "    @timer\n    def t(self, a: int) -> None:\n        pass\n" + calls('self.due(1, "t")'),
        "needs `a`",
    ),
}


@pytest.mark.parametrize("name", DECLARED)
def test_what_no_declaration_may_be(name: str, clocks: Deploy) -> None:
    body, words = DECLARED[name]
    with pytest.raises(InvalidValue) as caught:
        clocks(body)
    assert words in caught.value.message


def test_the_interface_names_timers(ledger: LedgerFixture) -> None:
    found = ledger.deploy(CONTRACTS / "reminders.py").interface["timers"]
    assert [(item["name"], item["parameters"][0]["type"]) for item in found] == [("expire", "str")]


def test_a_difference_in_a_timer_is_found(ledger: LedgerFixture, clocks: Deploy) -> None:
    shed = clocks(calls('self.due(self.now + 5, "ring")'))
    shed.as_("ann@a").go()
    twin = ledger._twins[shed.name]
    assert twin.state.timers.remove(1)
    with pytest.raises(EnginesDiffer):
        ledger.advance(days=1)


def test_the_page_about_timers_does_what_it_shows(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
    section = page.partition("### Timers\n")[2].partition("\n### ")[0]
    contract, test = re.findall(r"^```python\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    (tmp_path / "offers.py").write_text(contract, encoding="utf-8")
    names: dict[str, Any] = {}
    exec(test, names)  # noqa: S102  the page's own test
    fixture = LedgerFixture(tmp_path)
    try:
        names["test_an_offer_lapses"](fixture)
    finally:
        fixture.close()


TestReminders = ledger_machine(
    CONTRACTS / "reminders.py", allowed=["KeyError", "ValueError", "OverflowError"]
).TestCase
