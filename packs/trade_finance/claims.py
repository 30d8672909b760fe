"""From an invoice to the claim that the chain knows: identity, fingerprint, call arguments.

Canonical text, UTF-8, one field a line (here shown side by side), in Unicode NFC with white space
collapsed:

    lianheng trade finance claim 1
    seller, number, issue date, type code, currency, amount due in minor units

The fingerprint is its SHA-256; the claim's id is that of the same text with `invoice` in the place
of `claim` and only seller and number behind it. Neither depends on the syntax, on names, addresses,
lines or notes: the UBL and the CII form of an invoice are one claim, another seller's equal number
is another claim, and another amount under the same seller and number is a conflict.

A fingerprint hides its content from who cannot guess it. Who knows seller, number, date and roughly
the amount can try values: it is a name, not a secret.
"""

import hashlib
import re
import unicodedata
from dataclasses import dataclass

from .currencies import minor_units
from .findings import refuse
from .model import Invoice, Party

CREDIT_NOTE_TYPES = frozenset(
    ("81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "532")
)
"""Codes of UNTDID 1001 by which the seller owes: their amount due reduces a claim."""

Arguments = dict[str, str | int]


@dataclass(frozen=True)
class Claim:
    """What an invoice claims. `amount` is in minor units of `currency`; dates are ISO 8601."""

    id: str
    fingerprint: str
    seller: str
    number: str
    issued: str
    type_code: str
    currency: str
    amount: int
    due: str
    preceding: tuple[str, ...]

    @property
    def is_credit(self) -> bool:
        """Whether it reduces another claim, as a credit note or by a negative amount due."""
        return self.type_code in CREDIT_NOTE_TYPES or self.amount < 0


def claim_of(invoice: Invoice) -> Claim:
    """Name the claim of an invoice that passed the rules."""
    if invoice.issued is None or invoice.totals.payable is None:
        raise ValueError("check the invoice before it becomes a claim")
    seller = seller_identity(invoice.seller)
    number = _canonical(invoice.number)
    amount = minor_units(invoice.totals.payable, invoice.currency, "amount due (BT-115)")
    issued = invoice.issued.isoformat()
    return Claim(
        id=_hash("invoice", seller, number),
        fingerprint=_hash(
            "claim", seller, number, issued, invoice.type_code, invoice.currency, str(amount)
        ),
        seller=seller,
        number=number,
        issued=issued,
        type_code=invoice.type_code,
        currency=invoice.currency,
        amount=amount,
        due=invoice.due.isoformat() if invoice.due else "",
        preceding=tuple(map(_canonical, invoice.preceding)),
    )


def seller_identity(seller: Party) -> str:
    """The strongest identifier that the invoice gives: VAT, legal registration, other."""
    if seller.vat_id:
        return "vat:" + re.sub(r"[^0-9A-Z+*]", "", seller.vat_id.upper())
    candidates = [("legal", seller.legal_id)] + [("id", found) for found in seller.ids]
    for kind, (scheme, value) in candidates:
        if value:
            return f"{kind}:{_canonical(scheme)}:{_canonical(value)}"
    raise refuse(
        "BR-CO-26", "seller", "no identifier", "BT-29, BT-30 or BT-31", "add the VAT identifier"
    )


def registration(claim: Claim, debtor: str) -> Arguments:
    """Arguments of `receivables.register`; `debtor` is the buyer's organisation on the chain."""
    if claim.is_credit or claim.amount == 0:
        raise refuse(
            "CLAIM-AMOUNT",
            "amount due (BT-115)",
            f"{claim.amount} minor units, type {claim.type_code}",
            "a positive amount that the buyer owes",
            "there is nothing to register; a credit note goes to `receivables.credit`",
        )
    return {
        "id": claim.id,
        "fingerprint": claim.fingerprint,
        "debtor": debtor,
        "currency": claim.currency,
        "amount": claim.amount,
        "due": claim.due,
    }


def confirmation(claim: Claim) -> Arguments:
    """Arguments of `receivables.confirm`, from the debtor's own copy in either syntax."""
    return {"id": claim.id, "fingerprint": claim.fingerprint}


def credit(note: Claim) -> Arguments:
    """Arguments of `receivables.credit`; the note must name one preceding invoice (BT-25)."""
    if not note.is_credit or note.amount == 0:
        raise refuse(
            "CLAIM-AMOUNT",
            "type code (BT-3)",
            note.type_code,
            "a credit note",
            "register it instead",
        )
    if len(note.preceding) != 1:
        raise refuse(
            "BR-55",
            "preceding invoice (BT-25)",
            f"{len(note.preceding)} invoices",
            "one",
            "name the invoice that the credit note reduces",
        )
    return {
        "id": _hash("invoice", note.seller, note.preceding[0]),
        "document": note.id,
        "amount": abs(note.amount),
    }


def _canonical(value: str) -> str:
    return " ".join(unicodedata.normalize("NFC", value).split())


def _hash(kind: str, *fields: str) -> str:
    text = "\n".join((f"lianheng trade finance {kind} 1", *map(_canonical, fields)))
    return hashlib.sha256(text.encode()).hexdigest()
