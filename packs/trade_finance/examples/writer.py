"""Writes a small EN 16931 invoice in UBL and in CII: for examples and tests, not for business."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from xml.sax.saxutils import escape, quoteattr

SPECIFICATION = "urn:cen.eu:en16931:2017"
CENT = Decimal("0.01")


@dataclass(frozen=True)
class Item:
    """A line: `quantity` pieces at `price` each, taxed in `category` at `rate` per cent."""

    name: str
    quantity: Decimal
    price: Decimal
    rate: Decimal = Decimal(19)
    category: str = "S"

    @property
    def net(self) -> Decimal:
        """Net amount of the line."""
        return (self.quantity * self.price).quantize(CENT, ROUND_HALF_UP)


@dataclass(frozen=True)
class Extra:
    """A document level allowance, or a charge."""

    amount: Decimal
    is_charge: bool = False
    rate: Decimal = Decimal(19)
    category: str = "S"

    @property
    def signed(self) -> Decimal:
        """The amount with the sign that it has in the totals."""
        return self.amount if self.is_charge else -self.amount


@dataclass(frozen=True)
class Draft:
    """What an invoice says; everything that can be computed is computed."""

    number: str
    seller: str
    seller_vat: str
    buyer: str
    items: tuple[Item, ...]
    extras: tuple[Extra, ...] = ()
    issued: str = "2026-03-02"
    due: str = "2026-04-01"
    type_code: str = "380"
    currency: str = "EUR"
    prepaid: Decimal = Decimal(0)
    rounding: Decimal = Decimal(0)
    preceding: str = ""
    changed: dict[str, str] = field(default_factory=dict)
    """Amounts to state instead of the computed ones, by the name used in `amounts`."""

    def groups(self) -> list[tuple[str, Decimal, Decimal]]:
        """Category, rate and basis of each VAT group."""
        bases: dict[tuple[str, Decimal], Decimal] = {}
        for item in self.items:
            key = (item.category, item.rate)
            bases[key] = bases.get(key, Decimal(0)) + item.net
        for extra in self.extras:
            key = (extra.category, extra.rate)
            bases[key] = bases.get(key, Decimal(0)) + extra.signed
        return [(category, rate, basis) for (category, rate), basis in sorted(bases.items())]

    def amounts(self) -> dict[str, str]:
        """Every stated total; `changed` wins."""
        lines = sum((item.net for item in self.items), Decimal(0))
        allowances = sum((e.amount for e in self.extras if not e.is_charge), Decimal(0))
        charges = sum((e.amount for e in self.extras if e.is_charge), Decimal(0))
        without = lines - allowances + charges
        taxes = [tax_of(basis, rate) for _, rate, basis in self.groups()]
        total = without + sum(taxes, Decimal(0))
        computed = {
            "lines": lines,
            "allowances": allowances,
            "charges": charges,
            "without_tax": without,
            "tax": sum(taxes, Decimal(0)),
            "with_tax": total,
            "prepaid": self.prepaid,
            "rounding": self.rounding,
            "payable": total - self.prepaid + self.rounding,
        }
        for place, (_, _, basis) in enumerate(self.groups()):
            computed[f"basis{place}"] = basis
            computed[f"tax{place}"] = taxes[place]
        for place, item in enumerate(self.items):
            computed[f"net{place}"] = item.net
        return {name: f"{value:f}" for name, value in computed.items()} | self.changed


def tax_of(basis: Decimal, rate: Decimal) -> Decimal:
    """Tax of a VAT group, rounded half up to cents."""
    return (basis * rate / 100).quantize(CENT, ROUND_HALF_UP)


def ubl(draft: Draft) -> bytes:
    """The draft as a UBL 2.1 Invoice, or CreditNote where its type code is 381."""
    kind = "CreditNote" if draft.type_code == "381" else "Invoice"
    quantity = "CreditedQuantity" if kind == "CreditNote" else "InvoicedQuantity"
    due = f"<cbc:DueDate>{draft.due}</cbc:DueDate>" if draft.due and kind == "Invoice" else ""
    cac = "urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2"
    cbc = "urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2"
    body = "\n".join((
        f"<cbc:CustomizationID>{SPECIFICATION}</cbc:CustomizationID>",
        f"<cbc:ID>{escape(draft.number)}</cbc:ID>",
        f"<cbc:IssueDate>{draft.issued}</cbc:IssueDate>{due}",
        f"<cbc:{kind}TypeCode>{draft.type_code}</cbc:{kind}TypeCode>",
        f"<cbc:DocumentCurrencyCode>{draft.currency}</cbc:DocumentCurrencyCode>",
        *_ubl_preceding(draft),
        _ubl_party("AccountingSupplierParty", draft.seller, draft.seller_vat),
        _ubl_party("AccountingCustomerParty", draft.buyer, ""),
        *_ubl_due_of_credit(draft, kind),
        *_ubl_settlement(draft),
        *(_ubl_line(draft, place, kind, quantity) for place in range(len(draft.items))),
    ))  # fmt: skip
    head = f'<{kind} xmlns="urn:oasis:names:specification:ubl:schema:xsd:{kind}-2"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'{head} xmlns:cac="{cac}" xmlns:cbc="{cbc}">\n{body}\n</{kind}>\n'
    ).encode()


def _ubl_preceding(draft: Draft) -> Iterator[str]:
    if draft.preceding:
        yield (
            "<cac:BillingReference><cac:InvoiceDocumentReference>"
            f"<cbc:ID>{escape(draft.preceding)}</cbc:ID>"
            "</cac:InvoiceDocumentReference></cac:BillingReference>"
        )


def _ubl_due_of_credit(draft: Draft, kind: str) -> Iterator[str]:
    if kind == "CreditNote" and draft.due:
        yield (
            "<cac:PaymentMeans><cbc:PaymentMeansCode>58</cbc:PaymentMeansCode>"
            f"<cbc:PaymentDueDate>{draft.due}</cbc:PaymentDueDate></cac:PaymentMeans>"
        )


def _ubl_party(role: str, name: str, vat: str) -> str:
    tax = (
        f"<cac:PartyTaxScheme><cbc:CompanyID>{escape(vat)}</cbc:CompanyID>"
        "<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:PartyTaxScheme>"
        if vat
        else ""
    )
    return (
        f"<cac:{role}><cac:Party>"
        "<cac:PostalAddress><cac:Country><cbc:IdentificationCode>DE</cbc:IdentificationCode>"
        f"</cac:Country></cac:PostalAddress>{tax}<cac:PartyLegalEntity>"
        f"<cbc:RegistrationName>{escape(name)}</cbc:RegistrationName></cac:PartyLegalEntity>"
        f"</cac:Party></cac:{role}>"
    )


def _ubl_settlement(draft: Draft) -> Iterator[str]:
    amounts = draft.amounts()

    def amount(tag: str, value: str) -> str:
        return f"<cbc:{tag} currencyID={quoteattr(draft.currency)}>{value}</cbc:{tag}>"

    for extra in draft.extras:
        yield (
            f"<cac:AllowanceCharge><cbc:ChargeIndicator>{str(extra.is_charge).lower()}"
            "</cbc:ChargeIndicator><cbc:AllowanceChargeReason>agreed</cbc:AllowanceChargeReason>"
            f"{amount('Amount', str(extra.amount))}"
            f"{_ubl_category('TaxCategory', extra.category, extra.rate)}</cac:AllowanceCharge>"
        )
    groups = "".join(
        f"<cac:TaxSubtotal>{amount('TaxableAmount', amounts[f'basis{place}'])}"
        f"{amount('TaxAmount', amounts[f'tax{place}'])}"
        f"{_ubl_category('TaxCategory', category, rate)}</cac:TaxSubtotal>"
        for place, (category, rate, _) in enumerate(draft.groups())
    )
    yield f"<cac:TaxTotal>{amount('TaxAmount', amounts['tax'])}{groups}</cac:TaxTotal>"
    totals = (
        ("LineExtensionAmount", "lines"), ("TaxExclusiveAmount", "without_tax"),
        ("TaxInclusiveAmount", "with_tax"), ("AllowanceTotalAmount", "allowances"),
        ("ChargeTotalAmount", "charges"), ("PrepaidAmount", "prepaid"),
        ("PayableRoundingAmount", "rounding"), ("PayableAmount", "payable"),
    )  # fmt: skip
    stated = "".join(amount(tag, amounts[name]) for tag, name in totals)
    yield f"<cac:LegalMonetaryTotal>{stated}</cac:LegalMonetaryTotal>"


def _ubl_category(tag: str, category: str, rate: Decimal) -> str:
    reason = "<cbc:TaxExemptionReason>exempt</cbc:TaxExemptionReason>" if category == "E" else ""
    return (
        f"<cac:{tag}><cbc:ID>{category}</cbc:ID><cbc:Percent>{rate}</cbc:Percent>{reason}"
        f"<cac:TaxScheme><cbc:ID>VAT</cbc:ID></cac:TaxScheme></cac:{tag}>"
    )


def _ubl_line(draft: Draft, place: int, kind: str, quantity: str) -> str:
    item, currency = draft.items[place], draft.currency
    net = draft.amounts()[f"net{place}"]
    return (
        f"<cac:{kind}Line><cbc:ID>{place + 1}</cbc:ID>"
        f'<cbc:{quantity} unitCode="C62">{item.quantity}</cbc:{quantity}>'
        f'<cbc:LineExtensionAmount currencyID="{currency}">{net}</cbc:LineExtensionAmount>'
        f"<cac:Item><cbc:Name>{escape(item.name)}</cbc:Name>"
        f"{_ubl_category('ClassifiedTaxCategory', item.category, item.rate)}</cac:Item>"
        f'<cac:Price><cbc:PriceAmount currencyID="{currency}">{item.price}</cbc:PriceAmount>'
        f"</cac:Price></cac:{kind}Line>"
    )


def cii(draft: Draft) -> bytes:
    """The draft as a Cross Industry Invoice."""
    space = "urn:un:unece:uncefact:data:standard:"
    body = "\n".join((
        (
            "<rsm:ExchangedDocumentContext><ram:GuidelineSpecifiedDocumentContextParameter>"
            f"<ram:ID>{SPECIFICATION}</ram:ID></ram:GuidelineSpecifiedDocumentContextParameter>"
            "</rsm:ExchangedDocumentContext>"
        ),
        (
            f"<rsm:ExchangedDocument><ram:ID>{escape(draft.number)}</ram:ID>"
            f"<ram:TypeCode>{draft.type_code}</ram:TypeCode>"
            f"<ram:IssueDateTime>{_cii_date(draft.issued)}</ram:IssueDateTime>"
            "</rsm:ExchangedDocument>"
        ),
        "<rsm:SupplyChainTradeTransaction>",
        *(_cii_line(draft, place) for place in range(len(draft.items))),
        (
            "<ram:ApplicableHeaderTradeAgreement>"
            f"{_cii_party('SellerTradeParty', draft.seller, draft.seller_vat)}"
            f"{_cii_party('BuyerTradeParty', draft.buyer, '')}</ram:ApplicableHeaderTradeAgreement>"
        ),
        "<ram:ApplicableHeaderTradeDelivery/>",
        "<ram:ApplicableHeaderTradeSettlement>",
        *_cii_settlement(draft),
        "</ram:ApplicableHeaderTradeSettlement>",
        "</rsm:SupplyChainTradeTransaction>",
    ))  # fmt: skip
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<rsm:CrossIndustryInvoice xmlns:rsm="{space}CrossIndustryInvoice:100"'
        f' xmlns:ram="{space}ReusableAggregateBusinessInformationEntity:100"'
        f' xmlns:udt="{space}UnqualifiedDataType:100">\n{body}\n</rsm:CrossIndustryInvoice>\n'
    ).encode()


def _cii_date(iso: str) -> str:
    return f'<udt:DateTimeString format="102">{iso.replace("-", "")}</udt:DateTimeString>'


def _cii_party(role: str, name: str, vat: str) -> str:
    tax = (
        '<ram:SpecifiedTaxRegistration><ram:ID schemeID="VA">'
        f"{escape(vat)}</ram:ID></ram:SpecifiedTaxRegistration>"
        if vat
        else ""
    )
    return (
        f"<ram:{role}><ram:Name>{escape(name)}</ram:Name><ram:PostalTradeAddress>"
        f"<ram:CountryID>DE</ram:CountryID></ram:PostalTradeAddress>{tax}</ram:{role}>"
    )


def _cii_tax(tag: str, category: str, rate: Decimal, before: str = "", basis: str = "") -> str:
    reason = "<ram:ExemptionReason>exempt</ram:ExemptionReason>" if category == "E" else ""
    return (
        f"<ram:{tag}>{before}<ram:TypeCode>VAT</ram:TypeCode>{reason if basis else ''}{basis}"
        f"<ram:CategoryCode>{category}</ram:CategoryCode>"
        f"<ram:RateApplicablePercent>{rate}</ram:RateApplicablePercent></ram:{tag}>"
    )


def _cii_line(draft: Draft, place: int) -> str:
    item, net = draft.items[place], draft.amounts()[f"net{place}"]
    return (
        "<ram:IncludedSupplyChainTradeLineItem><ram:AssociatedDocumentLineDocument>"
        f"<ram:LineID>{place + 1}</ram:LineID></ram:AssociatedDocumentLineDocument>"
        f"<ram:SpecifiedTradeProduct><ram:Name>{escape(item.name)}</ram:Name>"
        "</ram:SpecifiedTradeProduct><ram:SpecifiedLineTradeAgreement>"
        f"<ram:NetPriceProductTradePrice><ram:ChargeAmount>{item.price}</ram:ChargeAmount>"
        "</ram:NetPriceProductTradePrice></ram:SpecifiedLineTradeAgreement>"
        '<ram:SpecifiedLineTradeDelivery><ram:BilledQuantity unitCode="C62">'
        f"{item.quantity}</ram:BilledQuantity></ram:SpecifiedLineTradeDelivery>"
        "<ram:SpecifiedLineTradeSettlement>"
        f"{_cii_tax('ApplicableTradeTax', item.category, item.rate)}"
        "<ram:SpecifiedTradeSettlementLineMonetarySummation>"
        f"<ram:LineTotalAmount>{net}</ram:LineTotalAmount>"
        "</ram:SpecifiedTradeSettlementLineMonetarySummation></ram:SpecifiedLineTradeSettlement>"
        "</ram:IncludedSupplyChainTradeLineItem>"
    )


def _cii_settlement(draft: Draft) -> Iterator[str]:
    amounts = draft.amounts()
    yield f"<ram:InvoiceCurrencyCode>{draft.currency}</ram:InvoiceCurrencyCode>"
    for place, (category, rate, _) in enumerate(draft.groups()):
        tax = f"<ram:CalculatedAmount>{amounts[f'tax{place}']}</ram:CalculatedAmount>"
        basis = f"<ram:BasisAmount>{amounts[f'basis{place}']}</ram:BasisAmount>"
        yield _cii_tax("ApplicableTradeTax", category, rate, tax, basis)
    for extra in draft.extras:
        yield (
            "<ram:SpecifiedTradeAllowanceCharge><ram:ChargeIndicator>"
            f"<udt:Indicator>{str(extra.is_charge).lower()}</udt:Indicator></ram:ChargeIndicator>"
            f"<ram:ActualAmount>{extra.amount}</ram:ActualAmount><ram:Reason>agreed</ram:Reason>"
            f"{_cii_tax('CategoryTradeTax', extra.category, extra.rate)}"
            "</ram:SpecifiedTradeAllowanceCharge>"
        )
    if draft.due:
        yield (
            f"<ram:SpecifiedTradePaymentTerms><ram:DueDateDateTime>{_cii_date(draft.due)}"
            "</ram:DueDateDateTime></ram:SpecifiedTradePaymentTerms>"
        )
    totals = (
        ("LineTotalAmount", "lines"), ("ChargeTotalAmount", "charges"),
        ("AllowanceTotalAmount", "allowances"), ("TaxBasisTotalAmount", "without_tax"),
        (f'TaxTotalAmount currencyID="{draft.currency}"', "tax"), ("RoundingAmount", "rounding"),
        ("GrandTotalAmount", "with_tax"), ("TotalPrepaidAmount", "prepaid"),
        ("DuePayableAmount", "payable"),
    )  # fmt: skip
    stated = "".join(
        f"<ram:{tag}>{amounts[name]}</ram:{tag.partition(' ')[0]}>" for tag, name in totals
    )
    yield (
        "<ram:SpecifiedTradeSettlementHeaderMonetarySummation>"
        f"{stated}</ram:SpecifiedTradeSettlementHeaderMonetarySummation>"
    )
    if draft.preceding:
        yield (
            "<ram:InvoiceReferencedDocument><ram:IssuerAssignedID>"
            f"{escape(draft.preceding)}</ram:IssuerAssignedID></ram:InvoiceReferencedDocument>"
        )
