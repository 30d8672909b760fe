"""The receivables contract: who may do what, and what always holds."""

from typing import Any

import pytest

INVOICE, PRINT = "a" * 64, "b" * 64
OTHER, OTHER_PRINT = "c" * 64, "d" * 64
ADVICE, NOTE, LETTER = "1" * 64, "2" * 64, "3" * 64
SAM, SUE, TOM = "sam@maker", "sue@rival", "tom@foundry"
BEA, BEN, ANN, BOB = "bea@hospital", "ben@grid", "ann@bank-a", "bob@bank-b"


def register(receivables: Any, amount: int = 1000, **changed: Any) -> Any:
    named = {
        "id": INVOICE, "fingerprint": PRINT, "debtor": "hospital",
        "currency": "EUR", "amount": amount, "due": "2026-04-01",
    }  # fmt: skip
    return receivables.as_(SAM).register(**(named | changed))


def confirmed(receivables: Any, amount: int = 1000) -> Any:
    register(receivables, amount)
    receivables.as_(BEA).confirm(INVOICE, PRINT)
    return receivables


def parts(receivables: Any) -> dict[str, Any]:
    return {part.id: part for part in receivables.as_(SAM).tree(INVOICE)}


def test_a_supplier_registers_and_the_debtor_confirms(receivables: Any) -> None:
    assert register(receivables).status == "registered"
    claim = receivables.as_(BEA).confirm(INVOICE, PRINT)
    assert (claim.status, claim.supplier, claim.outstanding) == ("confirmed", "maker", 1000)
    assert parts(receivables)[INVOICE].holder == "maker"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount": 0}, "nothing_due"),
        ({"amount": -5}, "nothing_due"),
        ({"debtor": "maker"}, "wrong_debtor"),
        ({"debtor": ""}, "wrong_debtor"),
        ({"id": "RE-2026-017"}, "not_a_hash"),
        ({"fingerprint": "B" * 64}, "not_a_hash"),
    ],
)
def test_what_cannot_be_a_claim(
    books: Any, receivables: Any, changed: dict[str, Any], code: str
) -> None:
    with books.rejects(code):
        register(receivables, **changed)


def test_one_invoice_is_one_claim(books: Any, receivables: Any) -> None:
    register(receivables)
    with books.rejects("already_registered"):
        register(receivables)
    with books.rejects("already_registered"):  # the same content under another identity
        register(receivables, id=OTHER)
    with books.rejects("conflicting_invoice"):  # the same number with other content
        register(receivables, fingerprint=OTHER_PRINT, amount=2000)
    register(receivables, id=OTHER, fingerprint=OTHER_PRINT)


def test_only_the_debtor_confirms_and_only_what_it_received(books: Any, receivables: Any) -> None:
    register(receivables)
    with books.rejects("not_debtor"):
        receivables.as_(BEN).confirm(INVOICE, PRINT)
    with books.rejects("other_content"):
        receivables.as_(BEA).confirm(INVOICE, OTHER_PRINT)
    receivables.as_(BEA).confirm(INVOICE, PRINT)
    with books.rejects("not_registered"):
        receivables.as_(BEA).confirm(INVOICE, PRINT)


def test_an_unconfirmed_claim_is_worth_nothing_to_others(books: Any, receivables: Any) -> None:
    register(receivables)
    with books.rejects("not_confirmed"):
        receivables.as_(SAM).offer(INVOICE, "bank-a")
    with books.rejects("not_confirmed"):
        receivables.as_(SAM).pass_on(INVOICE, "foundry")
    with books.rejects("not_confirmed"):
        receivables.as_(BEA).pay(INVOICE, 10, ADVICE)


def test_a_second_bank_is_refused(books: Any, receivables: Any) -> None:
    confirmed(receivables)
    receivables.as_(SAM).offer(INVOICE, "bank-a")
    receivables.as_(SAM).offer(INVOICE, "bank-b")
    assert receivables.as_(ANN).finance(INVOICE, 1000).lender == "bank-a"
    with books.rejects("already_pledged"):
        receivables.as_(BOB).finance(INVOICE, 1000)
    with books.rejects("already_pledged"):
        receivables.as_(SAM).offer(INVOICE, "bank-b")
    with books.rejects("already_pledged"):
        receivables.as_(SAM).split(INVOICE, [500, 500])
    with books.rejects("already_pledged"):
        receivables.as_(SAM).pass_on(INVOICE, "foundry")


def test_a_lender_finances_only_what_was_offered_and_as_offered(
    books: Any, receivables: Any
) -> None:
    confirmed(receivables)
    with books.rejects("not_offered"):
        receivables.as_(ANN).finance(INVOICE, 1000)
    receivables.as_(SAM).offer(INVOICE, "bank-a")
    with books.rejects("already_offered"):
        receivables.as_(SAM).offer(INVOICE, "bank-a")
    with books.rejects("other_amount"):
        receivables.as_(ANN).finance(INVOICE, 999)
    receivables.as_(SAM).pass_on(INVOICE, "foundry")
    with books.rejects("not_offered"):  # the new holder asked nobody
        receivables.as_(ANN).finance(INVOICE, 1000)


def test_a_payment_ends_offers_made_for_more(books: Any, receivables: Any) -> None:
    confirmed(receivables)
    receivables.as_(SAM).offer(INVOICE, "bank-a")
    receivables.as_(BEA).pay(INVOICE, 400, ADVICE)
    with books.rejects("not_offered"):
        receivables.as_(ANN).finance(INVOICE, 600)


def test_parts_sum_to_the_whole(books: Any, receivables: Any) -> None:
    confirmed(receivables)
    for amounts, code in (
        ([400, 500], "wrong_sum"), ([1000], "wrong_parts"), ([1000, 0], "wrong_parts"),
        ([1500, -500], "wrong_parts"), ([10] * 100, "too_many_parts"), ([], "wrong_parts"),
    ):  # fmt: skip
        with books.rejects(code):
            receivables.as_(SAM).split(INVOICE, amounts)
    made = receivables.as_(SAM).split(INVOICE, [400, 600])
    assert [(part.id, part.amount) for part in made] == [
        (f"{INVOICE}.1", 400), (f"{INVOICE}.2", 600),
    ]  # fmt: skip
    with books.rejects("not_live"):
        receivables.as_(SAM).split(INVOICE, [500, 500])


def test_only_the_holder_disposes(books: Any, receivables: Any) -> None:
    confirmed(receivables)
    with books.rejects("not_holder"):
        receivables.as_(SUE).pass_on(INVOICE, "rival")
    with books.rejects("wrong_holder"):
        receivables.as_(SAM).pass_on(INVOICE, "hospital")
    receivables.as_(SAM).pass_on(INVOICE, "foundry")
    with books.rejects("not_holder"):
        receivables.as_(SAM).offer(INVOICE, "bank-a")
    receivables.as_(TOM).offer(INVOICE, "bank-a")


def test_a_payment_reaches_the_leaves_to_the_last_unit(books: Any, receivables: Any) -> None:
    confirmed(receivables)
    receivables.as_(SAM).split(INVOICE, [333, 333, 334])
    receivables.as_(SAM).pass_on(f"{INVOICE}.2", "foundry")
    receivables.as_(TOM).split(f"{INVOICE}.2", [100, 233])
    receivables.as_(SAM).offer(f"{INVOICE}.3", "bank-a")
    receivables.as_(ANN).finance(f"{INVOICE}.3", 334)
    claim = receivables.as_(BEA).pay(INVOICE, 101, ADVICE)
    assert (claim.paid, claim.outstanding) == (101, 899)
    live = [part for part in parts(receivables).values() if part.status == "live"]
    assert sum(part.amount for part in live) == 899
    with books.rejects("wrong_amount"):
        receivables.as_(BEA).pay(INVOICE, 900, ADVICE)
    assert receivables.as_(BEA).pay(INVOICE, 899, ADVICE).status == "retired"
    assert {part.status for part in parts(receivables).values()} == {"split", "retired"}
    with books.rejects("retired"):
        receivables.as_(BEA).pay(INVOICE, 1, ADVICE)
    with books.rejects("not_live"):
        receivables.as_(SAM).offer(f"{INVOICE}.1", "bank-a")


def test_a_credit_note_takes_only_what_is_free(books: Any, receivables: Any) -> None:
    confirmed(receivables)
    receivables.as_(SAM).split(INVOICE, [600, 400])
    receivables.as_(SAM).offer(f"{INVOICE}.1", "bank-a")
    receivables.as_(ANN).finance(f"{INVOICE}.1", 600)
    with books.rejects("beyond_free"):
        receivables.as_(SAM).credit(INVOICE, NOTE, 401)
    with books.rejects("not_supplier"):
        receivables.as_(SUE).credit(INVOICE, NOTE, 100)
    assert receivables.as_(SAM).credit(INVOICE, NOTE, 100).outstanding == 900
    with books.rejects("already_credited"):
        receivables.as_(SAM).credit(INVOICE, NOTE, 100)
    assert parts(receivables)[f"{INVOICE}.1"].amount == 600


def test_a_full_credit_note_retires_the_claim_for_ever(books: Any, receivables: Any) -> None:
    register(receivables)
    assert receivables.as_(SAM).credit(INVOICE, NOTE, 1000).status == "retired"
    with books.rejects("retired"):
        receivables.as_(BEA).confirm(INVOICE, PRINT)
    with books.rejects("already_registered"):
        register(receivables)


def test_a_dispute_blocks_until_the_debtor_ends_it(books: Any, receivables: Any) -> None:
    confirmed(receivables)
    receivables.as_(SAM).offer(INVOICE, "bank-a")
    with books.rejects("not_debtor"):
        receivables.as_(BEN).dispute(INVOICE, LETTER)
    receivables.as_(BEA).dispute(INVOICE, LETTER)
    for member, method, arguments in (
        (ANN, "finance", (INVOICE, 1000)), (SAM, "split", (INVOICE, [500, 500])),
        (SAM, "pass_on", (INVOICE, "foundry")), (SAM, "offer", (INVOICE, "bank-b")),
    ):  # fmt: skip
        with books.rejects("disputed"):
            getattr(receivables.as_(member), method)(*arguments)
    with books.rejects("already_disputed"):
        receivables.as_(BEA).dispute(INVOICE, LETTER)
    receivables.as_(BEA).end_dispute(INVOICE)
    assert receivables.as_(ANN).finance(INVOICE, 1000).lender == "bank-a"
    with books.rejects("not_disputed"):
        receivables.as_(BEA).end_dispute(INVOICE)


def test_holdings_lists_what_is_held_and_what_is_financed(receivables: Any) -> None:
    confirmed(receivables)
    receivables.as_(SAM).split(INVOICE, [300, 700])
    receivables.as_(SAM).pass_on(f"{INVOICE}.2", "foundry")
    receivables.as_(TOM).offer(f"{INVOICE}.2", "bank-a")
    receivables.as_(ANN).finance(f"{INVOICE}.2", 700)
    for organisation, held in (("maker", ".1"), ("foundry", ".2"), ("bank-a", ".2")):
        found = receivables.as_(SAM).holdings(organisation)
        assert [part.id for part in found] == [INVOICE + held]
