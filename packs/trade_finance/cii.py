"""UN/CEFACT Cross Industry Invoice D16B to the model, after CEN/TS 16931-3-3."""

from decimal import Decimal

from .findings import refuse
from .model import Adjustment, Invoice, Line, Party, TaxGroup, Totals
from .xmlfile import Node

ROOT = "{urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100}CrossIndustryInvoice"
NAMESPACES = {
    "rsm": "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100",
    "ram": "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100",
    "udt": "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100",
}
_TRADE = "rsm:SupplyChainTradeTransaction"
_AGREEMENT = f"{_TRADE}/ram:ApplicableHeaderTradeAgreement"
_SETTLEMENT = f"{_TRADE}/ram:ApplicableHeaderTradeSettlement"
_LINE = f"{_TRADE}/ram:IncludedSupplyChainTradeLineItem"


def read(root: Node) -> Invoice:
    """Read a `CrossIndustryInvoice` element."""
    settlement = root.one(_SETTLEMENT) or root
    currency = settlement.text("ram:InvoiceCurrencyCode")
    terms = settlement.all("ram:SpecifiedTradePaymentTerms")
    dates = [term.date("ram:DueDateDateTime/udt:DateTimeString") for term in terms]
    return Invoice(
        syntax="CII",
        specification=root.text(
            "rsm:ExchangedDocumentContext/ram:GuidelineSpecifiedDocumentContextParameter/ram:ID"
        ),
        number=root.text("rsm:ExchangedDocument/ram:ID"),
        issued=root.date("rsm:ExchangedDocument/ram:IssueDateTime/udt:DateTimeString"),
        due=min((found for found in dates if found), default=None),
        type_code=root.text("rsm:ExchangedDocument/ram:TypeCode"),
        currency=currency,
        tax_currency=settlement.text("ram:TaxCurrencyCode"),
        seller=_party(root.one(f"{_AGREEMENT}/ram:SellerTradeParty")),
        buyer=_party(root.one(f"{_AGREEMENT}/ram:BuyerTradeParty")),
        lines=tuple(_line(node, currency) for node in root.all(_LINE)),
        adjustments=_adjustments(settlement, currency),
        taxes=_taxes(settlement, currency),
        totals=_totals(settlement, currency),
        has_terms=any(term.has("ram:Description") for term in terms),
        has_sub_lines_in_cii=root.has(
            f"{_LINE}/ram:AssociatedDocumentLineDocument/ram:ParentLineID"
        ),
        preceding=tuple(
            node.value
            for node in settlement.all("ram:InvoiceReferencedDocument/ram:IssuerAssignedID")
        ),
    )


def _amount(parent: Node, path: str, currency: str) -> Decimal | None:
    node = parent.one(path)
    if node is None:
        return None
    # CII leaves the currency out; where it is stated, it must be the invoice's.
    stated = node.attribute("currencyID") or currency
    if stated != currency:
        raise refuse("XML-CURRENCY", node.path, stated, currency, "use one currency")
    return node.decimal


def _party(node: Node | None) -> Party:
    if node is None:
        return Party()
    registrations = {
        found.attribute("schemeID"): found.value
        for found in node.all("ram:SpecifiedTaxRegistration/ram:ID")
    }
    legal = node.one("ram:SpecifiedLegalOrganization/ram:ID")
    return Party(
        name=node.text("ram:Name"),
        vat_id=registrations.get("VA", ""),
        legal_id=(legal.attribute("schemeID"), legal.value) if legal else ("", ""),
        ids=tuple(
            (found.attribute("schemeID"), found.value)
            for path in ("ram:GlobalID", "ram:ID")
            for found in node.all(path)
        ),
        tax_id=registrations.get("FC", ""),
        has_address=node.has("ram:PostalTradeAddress"),
        country=node.text("ram:PostalTradeAddress/ram:CountryID"),
    )


def _line(node: Node, currency: str) -> Line:
    settlement = node.one("ram:SpecifiedLineTradeSettlement") or node
    quantity = node.one("ram:SpecifiedLineTradeDelivery/ram:BilledQuantity")
    tax = settlement.one("ram:ApplicableTradeTax")
    return Line(
        id=node.text("ram:AssociatedDocumentLineDocument/ram:LineID"),
        quantity=quantity.decimal if quantity else None,
        unit=quantity.attribute("unitCode") if quantity else "",
        net=_amount(
            settlement,
            "ram:SpecifiedTradeSettlementLineMonetarySummation/ram:LineTotalAmount",
            currency,
        ),
        name=node.text("ram:SpecifiedTradeProduct/ram:Name"),
        price=_amount(
            node,
            "ram:SpecifiedLineTradeAgreement/ram:NetPriceProductTradePrice/ram:ChargeAmount",
            currency,
        ),
        category=tax.text("ram:CategoryCode") if tax else "",
        rate=tax.number("ram:RateApplicablePercent") if tax else None,
        adjustments=_adjustments(settlement, currency),
    )


def _adjustments(parent: Node, currency: str) -> tuple[Adjustment, ...]:
    return tuple(
        Adjustment(
            is_charge=node.text("ram:ChargeIndicator/udt:Indicator") in ("true", "1"),
            amount=_amount(node, "ram:ActualAmount", currency),
            category=node.text("ram:CategoryTradeTax/ram:CategoryCode"),
            rate=node.number("ram:CategoryTradeTax/ram:RateApplicablePercent"),
            has_reason=node.has("ram:Reason") or node.has("ram:ReasonCode"),
        )
        for node in parent.all("ram:SpecifiedTradeAllowanceCharge")
    )


def _taxes(settlement: Node, currency: str) -> tuple[TaxGroup, ...]:
    return tuple(
        TaxGroup(
            category=node.text("ram:CategoryCode"),
            rate=node.number("ram:RateApplicablePercent"),
            basis=_amount(node, "ram:BasisAmount", currency),
            tax=_amount(node, "ram:CalculatedAmount", currency),
            has_reason=node.has("ram:ExemptionReason") or node.has("ram:ExemptionReasonCode"),
        )
        for node in settlement.all("ram:ApplicableTradeTax")
    )


def _tax_total(node: Node, currency: str) -> Decimal | None:
    amounts = [n for n in node.all("ram:TaxTotalAmount") if n.attribute("currencyID") == currency]
    if len(amounts) > 1:
        raise refuse("XML-REPEATED", amounts[0].path, f"{len(amounts)} times", "once", "keep one")
    return amounts[0].decimal if amounts else None


def _totals(settlement: Node, currency: str) -> Totals:
    node = settlement.one("ram:SpecifiedTradeSettlementHeaderMonetarySummation")
    if node is None:
        return Totals()
    tax_currency = settlement.text("ram:TaxCurrencyCode")
    return Totals(
        lines=_amount(node, "ram:LineTotalAmount", currency),
        allowances=_amount(node, "ram:AllowanceTotalAmount", currency),
        charges=_amount(node, "ram:ChargeTotalAmount", currency),
        without_tax=_amount(node, "ram:TaxBasisTotalAmount", currency),
        tax=_tax_total(node, currency),
        tax_in_accounting_currency=_tax_total(node, tax_currency) if tax_currency else None,
        with_tax=_amount(node, "ram:GrandTotalAmount", currency),
        prepaid=_amount(node, "ram:TotalPrepaidAmount", currency),
        rounding=_amount(node, "ram:RoundingAmount", currency),
        payable=_amount(node, "ram:DuePayableAmount", currency),
    )
