"""Writes the example files beside this module; a test shows that they are up to date."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from .writer import Draft, Extra, Item, cii, ubl

D = Decimal


def good() -> dict[str, Draft]:
    """Sound invoices of fictional parties; `plain` and `other-seller` share their number."""
    plain = Draft(
        "RE-2026-017", "Nordhafen Werkzeuge GmbH", "DE811111111", "Klinikum Talblick",
        (Item("Torque wrench", D(4), D("184.50")), Item("Calibration", D(1), D("96.00"))),
    )  # fmt: skip
    return {
        "plain": plain,
        "other-seller": replace(plain, seller="Seewind Technik KG", seller_vat="DE822222222"),
        "two-rates": replace(
            plain,
            number="RE-2026-018",
            items=(Item("Manual", D(10), D("12.35"), D(7)), Item("Press", D(1), D("7390.00"))),
            extras=(Extra(D("90.00")), Extra(D("49.90"), is_charge=True)),
        ),
        "prepaid": replace(
            plain, number="RE-2026-019", prepaid=D("500.00"), rounding=D("-0.02"), due="2026-05-15"
        ),
        "yen": replace(
            plain,
            number="RE-2026-020",
            currency="JPY",
            items=(Item("Bearing", D(25), D(1200), D(0), "Z"),),
        ),
        "credit-note": replace(
            plain,
            number="GS-2026-003",
            type_code="381",
            preceding="RE-2026-017",
            items=(Item("Calibration", D(1), D("96.00")),),
        ),
    }


def bad() -> dict[str, bytes]:
    """Files that must be refused; the first word of a name is the rule that refuses it."""
    plain = good()["plain"]
    text = ubl(plain)
    head, _, rest = text.partition(b"?>\n")
    laughs = b"".join(
        b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10 if n else b"lol") for n in range(10)
    )
    return {
        "BR-CO-16_amount-due_ubl": ubl(replace(plain, changed={"payable": "9999.00"})),
        "BR-CO-16_amount-due_cii": cii(replace(plain, changed={"payable": "9999.00"})),
        "BR-CO-17_tax_ubl": ubl(replace(plain, changed={"tax0": "250.00", "tax": "250.00"})),
        "BR-CO-10_line-sum_cii": cii(replace(plain, changed={"lines": "835.00"})),
        "BR-02_number_ubl": ubl(replace(plain, number="")),
        "BR-CO-26_seller_cii": cii(replace(plain, seller_vat="")),
        "XML-DTD_file-entity": head
        + b'?>\n<!DOCTYPE Invoice [<!ENTITY x SYSTEM "file:///etc/hostname">]>\n'
        + rest.replace(b"RE-2026-017", b"&x;"),
        "XML-DTD_billion-laughs": head
        + b"?>\n<!DOCTYPE Invoice ["
        + laughs
        + b"]>\n"
        + rest.replace(b"RE-2026-017", b"&l9;"),
        "XML-ROOT_namespace": text.replace(b"xsd:Invoice-2", b"xsd:Invoice-3"),
        "XML-SYNTAX_truncated": text[: len(text) // 2],
    }


def files() -> Iterator[tuple[str, bytes]]:
    """Every example file: its path below `examples` and its content."""
    for name, draft in good().items():
        yield f"good/{name}_ubl.xml", ubl(draft)
        yield f"good/{name}_cii.xml", cii(draft)
    for name, content in bad().items():
        yield f"bad/{name}.xml", content


def write() -> None:
    """Write all files below this module's folder."""
    for name, content in files():
        path = Path(__file__).parent / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    write()
