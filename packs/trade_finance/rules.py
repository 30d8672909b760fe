"""The business rules of EN 16931-1 that a claim's worth depends on, recomputed exactly.

Checked here: the mandatory fields (BR-01 to BR-48), the totals (BR-CO-10 to BR-CO-18), the VAT
breakdown (BR-*-08, BR-*-09), decimals (BR-DEC), codes of currencies, and of the XRechnung extension
sub-lines and third-party payments (BR-DEX-02, -03, -09, -15). Not checked here: code lists, formats
of addresses, national rules about contacts and payment means; they do not change what is owed.
"""

from collections.abc import Iterable, Iterator
from decimal import ROUND_HALF_UP, Decimal

from .currencies import EXPONENTS
from .findings import Finding, InvoiceRefused
from .model import Adjustment, Invoice, Line, Party, TaxGroup

ZERO = Decimal(0)
CENT = Decimal("0.01")
TAX_TOLERANCE = Decimal(1)
"""Units of currency by which a category's tax (BR-CO-17) and, for rated categories, its basis may
be off: strictly less than this. The standard's own validation artefacts allow it, because programs
round per line or per category; a narrower bound would refuse invoices that the buyer must accept.
The tax total (BR-CO-14) and the amount due (BR-CO-15, -16) are exact."""

RULE_OF_CATEGORY = {
    "S": "S", "Z": "Z", "E": "E", "AE": "AE", "K": "IC", "G": "G", "O": "O",
    "L": "AF", "M": "AG", "B": "B",
}  # fmt: skip
RATED = ("S", "L", "M", "B")
"""Categories that are broken down by rate; the others have rate zero and one group each."""


def check(invoice: Invoice) -> tuple[Finding, ...]:
    """Give every rule that the invoice breaks, in the standard's order; empty when it is sound."""
    found = list(_check_fields(invoice))
    if not invoice.lines or any(f.rule in ("BR-05", "BR-CL-04") for f in found):
        return tuple(found)
    found += _check_lines(invoice)
    found += _check_adjustments(invoice)
    found += _check_decimals(invoice)
    found += _check_sums(invoice)
    found += _check_taxes(invoice)
    found += _check_due(invoice)
    return tuple(found)


def require_sound(invoice: Invoice) -> None:
    """Raise InvoiceRefused with every rule that the invoice breaks."""
    if findings := check(invoice):
        raise InvoiceRefused(*findings)


def _missing(rule: str, field: str) -> Finding:
    return Finding(rule, field, "missing", "present", "add it")


def _differs(rule: str, field: str, stated: Decimal, expected: Decimal, how: str) -> Finding:
    return Finding(rule, field, _plain(stated), _plain(expected), f"it must equal {how}")


def _plain(value: Decimal) -> str:
    return f"{value:f}"


def _check_fields(invoice: Invoice) -> Iterator[Finding]:
    totals = invoice.totals
    present: tuple[tuple[str, str, object], ...] = (
        ("BR-01", "specification identifier (BT-24)", invoice.specification),
        ("BR-02", "invoice number (BT-1)", invoice.number),
        ("BR-03", "issue date (BT-2)", invoice.issued),
        ("BR-04", "invoice type code (BT-3)", invoice.type_code),
        ("BR-05", "currency (BT-5)", invoice.currency),
        ("BR-06", "seller name (BT-27)", invoice.seller.name),
        ("BR-07", "buyer name (BT-44)", invoice.buyer.name),
        ("BR-08", "seller address (BG-5)", invoice.seller.has_address),
        ("BR-09", "seller country (BT-40)", invoice.seller.country),
        ("BR-10", "buyer address (BG-8)", invoice.buyer.has_address),
        ("BR-11", "buyer country (BT-55)", invoice.buyer.country),
        ("BR-12", "sum of line amounts (BT-106)", totals.lines is not None),
        ("BR-13", "total without VAT (BT-109)", totals.without_tax is not None),
        ("BR-14", "total with VAT (BT-112)", totals.with_tax is not None),
        ("BR-15", "amount due (BT-115)", totals.payable is not None),
        ("BR-16", "invoice lines (BG-25)", invoice.lines),
        ("BR-CO-18", "VAT breakdown (BG-23)", invoice.taxes),
        ("BR-CO-26", "seller identifier (BT-29, -30, -31)", _identified(invoice.seller)),
    )  # fmt: skip
    yield from (_missing(rule, field) for rule, field, value in present if not value)
    for rule, field, code in (
        ("BR-CL-04", "currency (BT-5)", invoice.currency),
        ("BR-CL-05", "VAT accounting currency (BT-6)", invoice.tax_currency),
    ):
        if code and code not in EXPONENTS:
            yield Finding(rule, field, code, "a code of ISO 4217", "use the three-letter code")
    if invoice.tax_currency and totals.tax_in_accounting_currency is None:
        yield _missing("BR-53", f"VAT total in {invoice.tax_currency} (BT-111)")


def _identified(seller: Party) -> bool:
    return bool(seller.ids or seller.legal_id[1] or seller.vat_id)


def _check_lines(invoice: Invoice) -> Iterator[Finding]:
    if invoice.has_sub_lines_in_cii:
        yield Finding(
            "BR-DEX-15", "sub-lines", "in a CII file", "in UBL only",
            "the extension defines sub-lines for UBL: send the UBL form",
        )  # fmt: skip
    for place, line in enumerate(invoice.lines, 1):
        where = f"line {line.id or place}"
        present: tuple[tuple[str, str, object], ...] = (
            ("BR-21", "identifier (BT-126)", line.id),
            ("BR-22", "quantity (BT-129)", line.quantity is not None),
            ("BR-23", "unit (BT-130)", line.unit),
            ("BR-24", "net amount (BT-131)", line.net is not None),
            ("BR-25", "item name (BT-153)", line.name),
            ("BR-26", "price (BT-146)", line.price is not None),
            ("BR-CO-04", "VAT category (BT-151)", line.category),
        )
        yield from (
            _missing(rule, f"{where} {field}") for rule, field, value in present if not value
        )
        if line.price is not None and line.price < ZERO:
            yield Finding("BR-27", f"{where} price (BT-146)", _plain(line.price), "0 or more",
                          "state a reduction as a negative quantity or an allowance")  # fmt: skip
        for adjustment in line.adjustments:
            amount, reason = ("BR-43", "BR-44") if adjustment.is_charge else ("BR-41", "BR-42")
            if adjustment.amount is None:
                yield _missing(amount, f"{where} amount of an allowance or charge")
            if not adjustment.has_reason:
                yield _missing(reason, f"{where} reason of an allowance or charge")
        yield from _check_sub_lines(line, where)


def _check_sub_lines(line: Line, where: str) -> Iterator[Finding]:
    if not line.sub_lines:
        return
    total = _sum(sub.net for sub in line.sub_lines)
    if line.net is not None and total != line.net:
        yield _differs("BR-DEX-02", f"{where} net amount (BT-131)", line.net, total,
                       "the sum of its sub-lines")  # fmt: skip
    for place, sub in enumerate(line.sub_lines, 1):
        below = f"{where}, sub-line {sub.id or place}"
        if not sub.category:
            yield _missing("BR-DEX-03", f"{below} VAT category")
        yield from _check_sub_lines(sub, below)


def _check_adjustments(invoice: Invoice) -> Iterator[Finding]:
    for place, adjustment in enumerate(invoice.adjustments, 1):
        kind = "charge" if adjustment.is_charge else "allowance"
        rules = ("BR-36", "BR-37", "BR-38") if adjustment.is_charge else ("BR-31", "BR-32", "BR-33")
        present = (adjustment.amount is not None, adjustment.category, adjustment.has_reason)
        for rule, what, value in zip(
            rules, ("amount", "VAT category", "reason"), present, strict=True
        ):
            if not value:
                yield _missing(rule, f"{kind} {place} {what}")


def _check_decimals(invoice: Invoice) -> Iterator[Finding]:
    """BR-DEC: amounts have at most two decimals; prices and quantities may have more."""
    totals = invoice.totals
    amounts = [
        ("BR-DEC-09", "sum of line amounts (BT-106)", totals.lines),
        ("BR-DEC-10", "sum of allowances (BT-107)", totals.allowances),
        ("BR-DEC-11", "sum of charges (BT-108)", totals.charges),
        ("BR-DEC-12", "total without VAT (BT-109)", totals.without_tax),
        ("BR-DEC-13", "total VAT (BT-110)", totals.tax),
        ("BR-DEC-14", "total with VAT (BT-112)", totals.with_tax),
        ("BR-DEC-16", "paid amount (BT-113)", totals.prepaid),
        ("BR-DEC-17", "rounding (BT-114)", totals.rounding),
        ("BR-DEC-18", "amount due (BT-115)", totals.payable),
    ]
    amounts += [("BR-DEX-13", "third-party payment (BT-DEX-002)", a) for a in totals.third_party]
    for group in invoice.taxes:
        amounts.append(("BR-DEC-19", f"basis of {group.category} (BT-116)", group.basis))
        amounts.append(("BR-DEC-20", f"tax of {group.category} (BT-117)", group.tax))
    for line in invoice.lines:
        amounts.append(("BR-DEC-23", f"line {line.id} net amount (BT-131)", line.net))
    for adjustment in invoice.adjustments:
        rule, kind = ("BR-DEC-05", "charge") if adjustment.is_charge else ("BR-DEC-01", "allowance")
        amounts.append((rule, f"{kind} amount", adjustment.amount))
    for rule, field, amount in amounts:
        if amount is not None and amount != amount.quantize(CENT):
            yield Finding(rule, field, _plain(amount), "at most 2 decimals", "round the amount")


def _check_sums(invoice: Invoice) -> Iterator[Finding]:
    totals = invoice.totals
    allowances = _sum(a.amount for a in invoice.adjustments if not a.is_charge)
    charges = _sum(a.amount for a in invoice.adjustments if a.is_charge)
    lines = _sum(line.net for line in invoice.lines)
    without_tax = _or_zero(totals.lines) - _or_zero(totals.allowances) + _or_zero(totals.charges)
    with_tax = _or_zero(totals.without_tax) + _or_zero(totals.tax)
    payable_rule, payable, how = _amount_due(invoice)
    for rule, field, stated, expected, source in (
        ("BR-CO-10", "sum of line amounts (BT-106)", totals.lines, lines, "the sum of the lines"),
        ("BR-CO-11", "sum of allowances (BT-107)", _or_zero(totals.allowances), allowances,
         "the sum of the allowances"),
        ("BR-CO-12", "sum of charges (BT-108)", _or_zero(totals.charges), charges,
         "the sum of the charges"),
        ("BR-CO-13", "total without VAT (BT-109)", totals.without_tax, without_tax,
         "lines - allowances + charges"),
        ("BR-CO-14", "total VAT (BT-110)", _or_zero(totals.tax),
         _sum(group.tax for group in invoice.taxes), "the sum of the VAT breakdown"),
        ("BR-CO-15", "total with VAT (BT-112)", totals.with_tax, with_tax,
         "total without VAT + total VAT"),
        (payable_rule, "amount due (BT-115)", totals.payable, payable, how),
    ):  # fmt: skip
        if stated is not None and stated != expected:
            yield _differs(rule, field, stated, expected, source)


def _amount_due(invoice: Invoice) -> tuple[str, Decimal, str]:
    """BR-CO-16, or BR-DEX-09 where the XRechnung extension adds what is owed to third parties."""
    totals = invoice.totals
    due = _or_zero(totals.with_tax) - _or_zero(totals.prepaid) + _or_zero(totals.rounding)
    if invoice.is_extension:
        due += sum(totals.third_party, ZERO)
        return "BR-DEX-09", due, "total with VAT - paid + rounding + third-party payments"
    return "BR-CO-16", due, "total with VAT - paid + rounding"


Group = tuple[str, Decimal]


def _group(category: str, rate: Decimal | None) -> Group:
    return (category, _or_zero(rate).normalize() if category in RATED else ZERO)


def _bases(invoice: Invoice) -> dict[Group, Decimal]:
    """What the lines, charges and allowances of each VAT group sum to."""
    bases: dict[Group, Decimal] = {}
    for line in invoice.lines:
        group = _group(line.category, line.rate)
        bases[group] = bases.get(group, ZERO) + _or_zero(line.net)
    for adjustment in invoice.adjustments:
        group = _group(adjustment.category, adjustment.rate)
        bases[group] = bases.get(group, ZERO) + _signed(adjustment)
    return bases


def _check_taxes(invoice: Invoice) -> Iterator[Finding]:
    bases = _bases(invoice)
    stated: set[Group] = set()
    for group in invoice.taxes:
        key = _group(group.category, group.rate)
        if key in stated:
            yield Finding("BR-CO-18", _named(group), "stated twice", "once", "add both up")
        stated.add(key)
        yield from _check_tax(group, bases.get(key, ZERO))
    for category, rate in sorted(bases.keys() - stated):
        if category:
            rule = f"BR-{RULE_OF_CATEGORY.get(category, category)}-01"
            yield _missing(rule, f"VAT breakdown of category {category} at {_plain(rate)} %")


def _check_tax(group: TaxGroup, basis: Decimal) -> Iterator[Finding]:
    present: tuple[tuple[str, str, object], ...] = (
        ("BR-45", "taxable amount (BT-116)", group.basis is not None),
        ("BR-46", "tax amount (BT-117)", group.tax is not None),
        ("BR-47", "VAT category (BT-118)", group.category),
        ("BR-48", "VAT rate (BT-119)", group.rate is not None or group.category == "O"),
    )
    yield from (
        _missing(rule, f"{_named(group)} {field}") for rule, field, value in present if not value
    )
    if group.category and group.category not in RULE_OF_CATEGORY:
        yield Finding("BR-CL-17", f"{_named(group)} VAT category (BT-118)", group.category,
                      f"one of {', '.join(RULE_OF_CATEGORY)}", "use that list")  # fmt: skip
        return
    if group.basis is None or group.tax is None or not group.category:
        return
    name = RULE_OF_CATEGORY[group.category]
    tolerance = TAX_TOLERANCE if group.category in RATED else ZERO
    if not _within(group.basis, basis, tolerance):
        yield _differs(f"BR-{name}-08", f"{_named(group)} basis (BT-116)", group.basis, basis,
                       "lines - allowances + charges of that group")  # fmt: skip
    yield from _check_tax_amount(group, name)


def _check_tax_amount(group: TaxGroup, name: str) -> Iterator[Finding]:
    rate = _or_zero(group.rate)
    if group.category in RATED:
        tax = (_or_zero(group.basis) * rate / 100).quantize(CENT, ROUND_HALF_UP)
        if not _within(_or_zero(group.tax), tax, TAX_TOLERANCE):
            yield _differs("BR-CO-17", f"{_named(group)} tax (BT-117)", _or_zero(group.tax), tax,
                           f"{_plain(_or_zero(group.basis))} x {_plain(rate)} %")  # fmt: skip
        if group.category == "S" and rate <= ZERO:
            yield Finding("BR-S-05", f"{_named(group)} rate", _plain(rate), "above 0",
                          "use category Z for a zero rate")  # fmt: skip
        return
    if group.tax != ZERO:
        yield _differs(f"BR-{name}-09", f"{_named(group)} tax (BT-117)", _or_zero(group.tax), ZERO,
                       f"zero in category {group.category}")  # fmt: skip
    if rate != ZERO:
        yield _differs(f"BR-{name}-05", f"{_named(group)} rate (BT-119)", rate, ZERO,
                       f"zero in category {group.category}")  # fmt: skip
    if group.category != "Z" and not group.has_reason:
        yield _missing(f"BR-{name}-10", f"{_named(group)} exemption reason (BT-120 or BT-121)")


def _check_due(invoice: Invoice) -> Iterator[Finding]:
    payable = invoice.totals.payable
    if payable is not None and payable > ZERO and not (invoice.due or invoice.has_terms):
        yield _missing("BR-CO-25", "due date (BT-9) or payment terms (BT-20)")


def _named(group: TaxGroup) -> str:
    rate = "" if group.rate is None else f" at {_plain(group.rate)} %"
    return f"VAT breakdown {group.category}{rate}"


def _within(stated: Decimal, expected: Decimal, tolerance: Decimal) -> bool:
    return stated == expected or abs(stated - expected) < tolerance


def _signed(adjustment: Adjustment) -> Decimal:
    amount = _or_zero(adjustment.amount)
    return amount if adjustment.is_charge else -amount


def _or_zero(value: Decimal | None) -> Decimal:
    return ZERO if value is None else value


def _sum(values: Iterable[Decimal | None]) -> Decimal:
    return sum((value for value in values if value is not None), ZERO)
