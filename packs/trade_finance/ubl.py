"""UBL 2.1 (Invoice, CreditNote) to the model, after the syntax binding CEN/TS 16931-3-2."""

from decimal import Decimal

from .findings import refuse
from .model import Adjustment, Invoice, Line, Party, TaxGroup, Totals
from .xmlfile import Node

ROOTS = {
    "{urn:oasis:names:specification:ubl:schema:xsd:Invoice-2}Invoice": "Invoice",
    "{urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2}CreditNote": "CreditNote",
}
NAMESPACES = {
    "cac": "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2",
    "cbc": "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2",
}


def read(root: Node, kind: str) -> Invoice:
    """Read the root element of the given kind (`Invoice` or `CreditNote`)."""
    currency = root.text("cbc:DocumentCurrencyCode")
    due = root.date("cbc:DueDate")
    if due is None:
        dates = [means.date("cbc:PaymentDueDate") for means in root.all("cac:PaymentMeans")]
        due = min((found for found in dates if found), default=None)
    return Invoice(
        syntax="UBL",
        specification=root.text("cbc:CustomizationID"),
        number=root.text("cbc:ID"),
        issued=root.date("cbc:IssueDate"),
        due=due,
        type_code=root.text(f"cbc:{kind}TypeCode"),
        currency=currency,
        tax_currency=root.text("cbc:TaxCurrencyCode"),
        seller=_party(root.one("cac:AccountingSupplierParty/cac:Party")),
        buyer=_party(root.one("cac:AccountingCustomerParty/cac:Party")),
        lines=tuple(_line(node, currency) for node in root.all(f"cac:{kind}Line")),
        adjustments=_adjustments(root, currency),
        taxes=_taxes(root, currency),
        totals=_totals(root, currency),
        has_terms=root.has("cac:PaymentTerms/cbc:Note"),
        preceding=tuple(
            node.value
            for node in root.all("cac:BillingReference/cac:InvoiceDocumentReference/cbc:ID")
        ),
    )


def _amount(parent: Node, path: str, currency: str) -> Decimal | None:
    node = parent.one(path)
    if node is None:
        return None
    stated = node.attribute("currencyID")
    if stated != currency:
        raise refuse(
            "XML-CURRENCY", node.path, stated or "no currencyID", currency, "use one currency"
        )
    return node.decimal


def _party(node: Node | None) -> Party:
    if node is None:
        return Party()
    vat, other = "", ""
    for scheme in node.all("cac:PartyTaxScheme"):
        if scheme.text("cac:TaxScheme/cbc:ID").upper() == "VAT":
            vat = scheme.text("cbc:CompanyID")
        else:
            other = scheme.text("cbc:CompanyID")
    legal = node.one("cac:PartyLegalEntity/cbc:CompanyID")
    return Party(
        name=node.text("cac:PartyLegalEntity/cbc:RegistrationName"),
        vat_id=vat,
        legal_id=(legal.attribute("schemeID"), legal.value) if legal else ("", ""),
        # SEPA marks the creditor identifier of a direct debit (BT-90), not a party.
        ids=tuple(
            (found.attribute("schemeID"), found.value)
            for found in node.all("cac:PartyIdentification/cbc:ID")
            if found.attribute("schemeID") != "SEPA"
        ),
        tax_id=other,
        has_address=node.has("cac:PostalAddress"),
        country=node.text("cac:PostalAddress/cac:Country/cbc:IdentificationCode"),
    )


def _line(node: Node, currency: str) -> Line:
    quantity = node.one("cbc:InvoicedQuantity") or node.one("cbc:CreditedQuantity")
    tax = node.one("cac:Item/cac:ClassifiedTaxCategory")
    return Line(
        id=node.text("cbc:ID"),
        quantity=quantity.decimal if quantity else None,
        unit=quantity.attribute("unitCode") if quantity else "",
        net=_amount(node, "cbc:LineExtensionAmount", currency),
        name=node.text("cac:Item/cbc:Name"),
        price=_amount(node, "cac:Price/cbc:PriceAmount", currency),
        category=tax.text("cbc:ID") if tax else "",
        rate=tax.number("cbc:Percent") if tax else None,
        adjustments=_adjustments(node, currency),
        sub_lines=tuple(_line(sub, currency) for sub in node.all("cac:SubInvoiceLine")),
    )


def _adjustments(parent: Node, currency: str) -> tuple[Adjustment, ...]:
    return tuple(
        Adjustment(
            is_charge=node.text("cbc:ChargeIndicator") in ("true", "1"),
            amount=_amount(node, "cbc:Amount", currency),
            category=node.text("cac:TaxCategory/cbc:ID"),
            rate=node.number("cac:TaxCategory/cbc:Percent"),
            has_reason=node.has("cbc:AllowanceChargeReason")
            or node.has("cbc:AllowanceChargeReasonCode"),
        )
        for node in parent.all("cac:AllowanceCharge")
    )


def _taxes(root: Node, currency: str) -> tuple[TaxGroup, ...]:
    return tuple(
        TaxGroup(
            category=node.text("cac:TaxCategory/cbc:ID"),
            rate=node.number("cac:TaxCategory/cbc:Percent"),
            basis=_amount(node, "cbc:TaxableAmount", currency),
            tax=_amount(node, "cbc:TaxAmount", currency),
            has_reason=node.has("cac:TaxCategory/cbc:TaxExemptionReason")
            or node.has("cac:TaxCategory/cbc:TaxExemptionReasonCode"),
        )
        for node in root.all("cac:TaxTotal/cac:TaxSubtotal")
    )


def _tax_total(root: Node, currency: str) -> Decimal | None:
    amounts = [
        n for n in root.all("cac:TaxTotal/cbc:TaxAmount") if n.attribute("currencyID") == currency
    ]
    if len(amounts) > 1:
        raise refuse("XML-REPEATED", amounts[0].path, f"{len(amounts)} times", "once", "keep one")
    return amounts[0].decimal if amounts else None


def _totals(root: Node, currency: str) -> Totals:
    node = root.one("cac:LegalMonetaryTotal")
    if node is None:
        return Totals()
    tax_currency = root.text("cbc:TaxCurrencyCode")
    third_party = [
        _amount(payment, "cbc:PaidAmount", currency) for payment in root.all("cac:PrepaidPayment")
    ]
    return Totals(
        lines=_amount(node, "cbc:LineExtensionAmount", currency),
        allowances=_amount(node, "cbc:AllowanceTotalAmount", currency),
        charges=_amount(node, "cbc:ChargeTotalAmount", currency),
        without_tax=_amount(node, "cbc:TaxExclusiveAmount", currency),
        tax=_tax_total(root, currency),
        tax_in_accounting_currency=_tax_total(root, tax_currency) if tax_currency else None,
        with_tax=_amount(node, "cbc:TaxInclusiveAmount", currency),
        prepaid=_amount(node, "cbc:PrepaidAmount", currency),
        rounding=_amount(node, "cbc:PayableRoundingAmount", currency),
        payable=_amount(node, "cbc:PayableAmount", currency),
        third_party=tuple(amount for amount in third_party if amount is not None),
    )
