"""The parts of an EN 16931 invoice that its totals and its claim depend on, free of syntax."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True)
class Party:
    """A seller (BG-4) or buyer (BG-7); identifiers are (scheme, value), the scheme may be empty."""

    name: str = ""
    vat_id: str = ""
    legal_id: tuple[str, str] = ("", "")
    ids: tuple[tuple[str, str], ...] = ()
    tax_id: str = ""
    has_address: bool = False
    country: str = ""


@dataclass(frozen=True)
class Adjustment:
    """An allowance (BG-20, BG-27) or a charge (BG-21, BG-28)."""

    is_charge: bool
    amount: Decimal | None
    category: str = ""
    rate: Decimal | None = None
    has_reason: bool = False


@dataclass(frozen=True)
class TaxGroup:
    """A line of the VAT breakdown (BG-23)."""

    category: str
    rate: Decimal | None
    basis: Decimal | None
    tax: Decimal | None
    has_reason: bool = False


@dataclass(frozen=True)
class Line:
    """An invoice line (BG-25), with the sub-lines of the XRechnung extension (BG-DEX-01)."""

    id: str
    quantity: Decimal | None
    unit: str
    net: Decimal | None
    name: str
    price: Decimal | None
    category: str
    rate: Decimal | None
    adjustments: tuple[Adjustment, ...] = ()
    sub_lines: tuple["Line", ...] = ()


@dataclass(frozen=True)
class Totals:
    """The document totals (BG-22)."""

    lines: Decimal | None = None
    allowances: Decimal | None = None
    charges: Decimal | None = None
    without_tax: Decimal | None = None
    tax: Decimal | None = None
    tax_in_accounting_currency: Decimal | None = None
    with_tax: Decimal | None = None
    prepaid: Decimal | None = None
    rounding: Decimal | None = None
    payable: Decimal | None = None
    third_party: tuple[Decimal, ...] = ()


@dataclass(frozen=True)
class Invoice:
    """An invoice or credit note as read, not yet checked."""

    syntax: str
    specification: str
    number: str
    issued: date | None
    due: date | None
    type_code: str
    currency: str
    tax_currency: str
    seller: Party
    buyer: Party
    lines: tuple[Line, ...]
    adjustments: tuple[Adjustment, ...]
    taxes: tuple[TaxGroup, ...]
    totals: Totals
    has_terms: bool
    has_sub_lines_in_cii: bool = False
    preceding: tuple[str, ...] = ()

    @property
    def is_extension(self) -> bool:
        """Whether it follows the XRechnung extension, which replaces some rules of the standard."""
        return ":extension:xrechnung" in self.specification
