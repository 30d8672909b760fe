"""The calls: register, confirm, offer to two banks, finance, and the second financing."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lianheng.cli.demonstration.stage import BANK, BUYER, CONTRACT, OTHER_BANK, SUPPLIER, Stage

if TYPE_CHECKING:
    import trade_finance
    from lianheng.model import Result


@dataclass(frozen=True, slots=True)
class Step:
    """One call as the play shows it; milliseconds from signing to the durable result."""

    title: str
    by: str
    method: str
    result: "Result"
    milliseconds: float


@dataclass(slots=True)
class Play:
    """What was called, in order, and the invoice that the play is about."""

    invoice: "trade_finance.ReadInvoice"
    buyers_copy: "trade_finance.ReadInvoice"
    registered: list["Result"] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    @property
    def calls(self) -> list[tuple[str, str, "Result"]]:
        """Organisation, method and result of every call."""
        return [(SUPPLIER, "register", r) for r in self.registered] + [
            (s.by, s.method, s.result) for s in self.steps
        ]

    def step(self, title: str) -> Step:
        """The step of this title."""
        return next(s for s in self.steps if s.title == title)


def perform(stage: Stage, reading: "trade_finance.Reading") -> Play:
    """Plays it to the end; raises where a call that should succeed does not."""
    play = begin(stage, reading)
    finance(stage, play, BANK).checked()
    finance(stage, play, OTHER_BANK)
    return play


def begin(stage: Stage, reading: "trade_finance.Reading") -> Play:
    """Up to the point where two banks are offered the same invoice."""
    import trade_finance

    play = Play(*choose(reading))
    register(stage, reading, play)
    claim = play.invoice.claim
    confirmation = trade_finance.confirmation(play.buyers_copy.claim)
    call(stage, play, "confirm", BUYER, "confirm", confirmation).checked()
    for bank in (BANK, OTHER_BANK):
        offer = {"part": claim.id, "lender": bank}
        call(stage, play, f"offer {bank}", SUPPLIER, "offer", offer).checked()
    return play


def finance(stage: Stage, play: Play, bank: str) -> "Result":
    """A bank finances the invoice; the second one is refused."""
    claim = play.invoice.claim
    title = "finance" if bank == BANK else "refused"
    return call(stage, play, title, bank, "finance", {"part": claim.id, "amount": claim.amount})


def choose(
    reading: "trade_finance.Reading",
) -> tuple["trade_finance.ReadInvoice", "trade_finance.ReadInvoice"]:
    """The largest invoice, and the buyer's copy: the other form of it where there is one."""
    other = {pair.ubl.claim.fingerprint: pair.cii for pair in reading.pairs}
    invoice = max(
        reading.registrable, key=lambda read: (read.claim.fingerprint in other, read.claim.amount)
    )
    return invoice, other.get(invoice.claim.fingerprint, invoice)


def register(stage: Stage, reading: "trade_finance.Reading", play: Play) -> None:
    """The supplier registers every claim, many calls in one submission."""
    import trade_finance

    ledger = stage.ledger(SUPPLIER)
    signed = ledger.sign_many(
        stage.member(SUPPLIER),
        [
            (f"{CONTRACT}.register", trade_finance.registration(read.claim, BUYER))
            for read in reading.registrable
        ],
    )
    play.registered = [result.checked() for result in ledger.submit(signed).wait()]


def call(
    stage: Stage, play: Play, title: str, who: str, method: str, arguments: Mapping[str, Any]
) -> "Result":
    """One call, from signing to its durable result."""
    started = time.perf_counter()
    result = stage.ledger(who).call(stage.member(who), f"{CONTRACT}.{method}", **arguments)
    play.steps.append(Step(title, who, method, result, (time.perf_counter() - started) * 1000))
    return result
