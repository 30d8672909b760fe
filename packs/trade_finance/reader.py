"""Files and folders of invoices: read, checked, and told apart."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from . import cii, limits, ubl
from .claims import Claim, claim_of
from .currencies import in_words
from .findings import Finding, InvoiceRefused, refuse
from .model import Invoice
from .rules import require_sound
from .xmlfile import Node, parse

_SYNTAX_SUFFIX = re.compile(r"[_-](ubl|uncefact|cii)$", re.IGNORECASE)


@dataclass(frozen=True)
class ReadInvoice:
    """An invoice that passed every rule, and its claim."""

    file: str
    invoice: Invoice
    claim: Claim


@dataclass(frozen=True)
class Pair:
    """The UBL and the CII form of one document; `differences` names what they say differently."""

    ubl: ReadInvoice
    cii: ReadInvoice
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Reading:
    """What a set of files holds."""

    files: int = 0
    invoices: tuple[ReadInvoice, ...] = ()
    refused: tuple[InvoiceRefused, ...] = ()
    pairs: tuple[Pair, ...] = ()
    claims: tuple[ReadInvoice, ...] = field(default=())
    """One invoice for each distinct fingerprint: the first by file name."""
    conflicts: tuple[Finding, ...] = ()
    """Claims whose seller and number another claim used before, with another content."""

    @property
    def registrable(self) -> tuple[ReadInvoice, ...]:
        """The claims that a chain would register: something is due, and no conflict."""
        taken = {finding.file for finding in self.conflicts}
        return tuple(
            read
            for read in self.claims
            if read.file not in taken and read.claim.amount > 0 and not read.claim.is_credit
        )


def parse_invoice(content: bytes) -> Invoice:
    """Read bytes into an unchecked invoice; InvoiceRefused where they are no invoice."""
    element = parse(content)
    if element.tag in ubl.ROOTS:
        kind = ubl.ROOTS[element.tag]
        return ubl.read(Node(element, ubl.NAMESPACES, kind), kind)
    if element.tag == cii.ROOT:
        return cii.read(Node(element, cii.NAMESPACES, "CrossIndustryInvoice"))
    raise refuse(
        "XML-ROOT",
        "root element",
        str(element.tag)[:200],
        "a UBL 2.1 Invoice or CreditNote, or a CrossIndustryInvoice 100",
        "export the invoice as EN 16931",
    )


def read_invoice(content: bytes, file: str = "") -> ReadInvoice:
    """Read and check one invoice; InvoiceRefused lists every rule that it breaks."""
    try:
        invoice = parse_invoice(content)
        require_sound(invoice)
        return ReadInvoice(file, invoice, claim_of(invoice))
    except InvoiceRefused as refused:
        raise refused.in_file(file) from None


def read_folder(folder: Path) -> Reading:
    """Read every `.xml` file below `folder`, in the order of their names."""
    paths = sorted(path for path in folder.rglob("*.xml") if path.is_file())
    if len(paths) > limits.FILES_OF_FOLDER:
        raise ValueError(
            f"{folder} holds {len(paths)} files, {limits.FILES_OF_FOLDER} are read at a time: "
            "split the folder"
        )
    return read_files((str(path.relative_to(folder)), _bounded(path)) for path in paths)


def read_files(files: Iterable[tuple[str, bytes]]) -> Reading:
    """Read (name, content) pairs, and find pairs of forms, distinct claims and conflicts."""
    count = 0
    invoices: list[ReadInvoice] = []
    refused: list[InvoiceRefused] = []
    for name, content in files:
        count += 1
        try:
            invoices.append(read_invoice(content, name))
        except InvoiceRefused as refusal:
            refused.append(refusal)
    claims, conflicts = _distinct(invoices)
    return Reading(count, tuple(invoices), tuple(refused), _pairs(invoices), claims, conflicts)


def _bounded(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(limits.BYTES_OF_FILE + 1)


def _pairs(invoices: list[ReadInvoice]) -> tuple[Pair, ...]:
    """Forms belong together when their file names differ only in the syntax's suffix."""
    forms: dict[str, dict[str, ReadInvoice]] = {}
    for read in invoices:
        stem, marked = _SYNTAX_SUFFIX.subn("", read.file.removesuffix(".xml"))
        if marked:
            forms.setdefault(stem, {})[read.invoice.syntax] = read
    return tuple(
        Pair(both["UBL"], both["CII"], differences(both["UBL"].invoice, both["CII"].invoice))
        for both in forms.values()
        if len(both) == len(("UBL", "CII"))
    )


def differences(one: Invoice, other: Invoice) -> tuple[str, ...]:
    """Name the fields that matter to a claim and in which two forms differ."""
    first, second = claim_of(one), claim_of(other)
    compared: dict[str, tuple[object, object]] = {
        name: (getattr(first, name), getattr(second, name))
        for name in ("seller", "number", "issued", "type_code", "currency", "amount", "due")
    }
    compared["totals"] = (_totals(one), _totals(other))
    compared["taxes"] = (_taxes(one), _taxes(other))
    compared["lines"] = ([line.net for line in one.lines], [line.net for line in other.lines])
    return tuple(f"{name}: {a} / {b}" for name, (a, b) in compared.items() if a != b)


def _totals(invoice: Invoice) -> list[object]:
    totals = invoice.totals
    return [totals.lines, totals.without_tax, totals.tax, totals.with_tax, totals.payable] + [
        value or 0 for value in (totals.allowances, totals.charges, totals.prepaid, totals.rounding)
    ]


def _taxes(invoice: Invoice) -> list[tuple[object, ...]]:
    return sorted(
        (group.category, group.rate or 0, group.basis, group.tax) for group in invoice.taxes
    )


def _distinct(
    invoices: list[ReadInvoice],
) -> tuple[tuple[ReadInvoice, ...], tuple[Finding, ...]]:
    by_fingerprint: dict[str, ReadInvoice] = {}
    by_id: dict[str, ReadInvoice] = {}
    conflicts: list[Finding] = []
    for read in invoices:
        if read.claim.fingerprint in by_fingerprint:
            continue
        by_fingerprint[read.claim.fingerprint] = read
        earlier = by_id.setdefault(read.claim.id, read)
        if earlier is not read:
            conflicts.append(_conflict(read, earlier))
    return tuple(by_fingerprint.values()), tuple(conflicts)


def _conflict(read: ReadInvoice, earlier: ReadInvoice) -> Finding:
    return Finding(
        "CLAIM-CONFLICT",
        f"invoice {read.claim.number} of {read.claim.seller}",
        _content(read.claim),
        f"{_content(earlier.claim)}, as in {earlier.file}",
        "one number names one invoice: give the correction a number of its own",
        read.file,
    )


def _content(claim: Claim) -> str:
    amount = in_words(claim.amount, claim.currency)
    return f"type {claim.type_code} of {claim.issued} over {amount}"
