"""Check digits of identifiers: whether a text is well formed and its check characters fit.

Letters are upper case; spaces and hyphens are not part of an identifier. True says that the text
was copied well, not that the identifier was ever given to anybody.
"""

import re

from lianheng.contract._arguments import check_str

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
_LEI = re.compile(r"[0-9A-Z]{18}[0-9]{2}", re.ASCII)
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}", re.ASCII)
_ISIN = re.compile(r"[A-Z]{2}[0-9A-Z]{9}[0-9]", re.ASCII)
_CONTAINER = re.compile(r"[A-Z]{3}[UJZ][0-9]{7}", re.ASCII)
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC = re.compile(rf"[{_USCC_ALPHABET}]{{2}}[0-9]{{6}}[{_USCC_ALPHABET}]{{10}}", re.ASCII)
_LUHN_NINE = 9


def is_valid_gtin(text: str) -> bool:
    """GTIN-8, -12, -13 or -14 (GS1 General Specifications, section 7.9)."""
    check_str("is_valid_gtin", "text", text)
    return len(text) in (8, 12, 13, 14) and _gs1(text)


def is_valid_gln(text: str) -> bool:
    """Global Location Number, 13 digits (GS1)."""
    check_str("is_valid_gln", "text", text)
    return len(text) == 13 and _gs1(text)  # noqa: PLR2004


def is_valid_sscc(text: str) -> bool:
    """Serial Shipping Container Code, 18 digits (GS1)."""
    check_str("is_valid_sscc", "text", text)
    return len(text) == 18 and _gs1(text)  # noqa: PLR2004


def is_valid_lei(text: str) -> bool:
    """Legal Entity Identifier (ISO 17442; ISO 7064 MOD 97-10)."""
    check_str("is_valid_lei", "text", text)
    return _LEI.fullmatch(text) is not None and _mod_97(text, text[-2:])


def is_valid_iban(text: str) -> bool:
    """International Bank Account Number (ISO 13616), without the lengths of single countries."""
    check_str("is_valid_iban", "text", text)
    return _IBAN.fullmatch(text) is not None and _mod_97(text[4:] + text[:4], text[2:4])


def is_valid_isin(text: str) -> bool:
    """International Securities Identification Number (ISO 6166): Luhn over the digits."""
    check_str("is_valid_isin", "text", text)
    if _ISIN.fullmatch(text) is None:
        return False
    total = 0
    for place, digit in enumerate(reversed("".join(str(int(char, 36)) for char in text))):
        value = int(digit) * (1 + place % 2)
        total += value - _LUHN_NINE if value > _LUHN_NINE else value
    return total % 10 == 0


def is_valid_uscc(text: str) -> bool:
    """Unified Social Credit Code of China (GB 32100-2015), 18 characters."""
    check_str("is_valid_uscc", "text", text)
    if _USCC.fullmatch(text) is None:
        return False
    values = [_USCC_ALPHABET.index(char) for char in text]
    return (sum(v * pow(3, i, 31) for i, v in enumerate(values[:17])) + values[17]) % 31 == 0


def is_valid_container(text: str) -> bool:
    """Number of a freight container (ISO 6346): owner, category U, J or Z, serial, check digit."""
    check_str("is_valid_container", "text", text)
    if _CONTAINER.fullmatch(text) is None:
        return False
    # Letters count from 10, without the multiples of 11.
    values = [int(c) if c.isdigit() else (v := int(c, 36)) + (v - 1) // 10 for c in text[:10]]
    return sum(v << i for i, v in enumerate(values)) % 11 % 10 == int(text[10])


def _gs1(text: str) -> bool:
    if _DIGITS.fullmatch(text) is None:
        return False
    return sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(reversed(text))) % 10 == 0


def _mod_97(text: str, check: str) -> bool:
    # 00, 01 and 99 stand for the same remainders as 97, 98 and 02, and are never given.
    number = int("".join(str(int(char, 36)) for char in text))
    return number % 97 == 1 and "02" <= check <= "98"
