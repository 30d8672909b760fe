"""Write rust/vm/src/unicode_tables.inc from the interpreter that runs this: CPython 3.11.

Everything is asked of `str` itself, so that the VM's tables are what CPython does.
"""

import sys
import unicodedata
from pathlib import Path

TARGET = Path(__file__).resolve().parent.parent / "rust/vm/src/unicode_tables.inc"
WIDTH = 100
SURROGATES = range(0xD800, 0xE000)
SIGMA = "\u03a3"


def characters() -> list[str]:
    """Every character but surrogates, which no text of the VM holds."""
    return [chr(code) for code in range(0x110000) if code not in SURROGATES]


def runs(codes: list[int]) -> list[tuple[int, int]]:
    """First and last of each run of consecutive codes."""
    found: list[tuple[int, int]] = []
    for code in codes:
        if found and found[-1][1] == code - 1:
            found[-1] = (found[-1][0], code)
        else:
            found.append((code, code))
    return found


def is_cased(c: str) -> bool:
    """Whether `title` takes what follows as the inside of a word."""
    return (c + "a").title()[-1] == "a"


def is_ignorable(c: str) -> bool:
    """Whether the rule of the final sigma looks past the character."""
    return not (c + SIGMA).lower().endswith("\u03c2") and ("A" + c + SIGMA).lower().endswith(
        "\u03c2"
    )


def wrapped(items: list[str]) -> str:
    """The items in lines of the usual width."""
    lines, line = [], "   "
    for item in items:
        if len(line) + len(item) + 2 > WIDTH:
            lines.append(line)
            line = "   "
        line += f" {item},"
    return "\n".join([*lines, line])


def table(name: str, doc: str, kind: str, items: list[str]) -> str:
    """One constant."""
    head = f"/// {doc}\n#[rustfmt::skip]\npub(crate) const {name}: &[{kind}] = &[\n"
    return f"{head}{wrapped(items)}\n];\n"


def main() -> None:
    """Write the file."""
    if unicodedata.unidata_version != "14.0.0":
        sys.exit(f"run this with CPython 3.11: Unicode 14.0, not {unicodedata.unidata_version}")
    every = characters()
    kinds = {
        "PRINTABLE": ("`str.isprintable`", str.isprintable),
        "ALPHA": ("`str.isalpha`", str.isalpha),
        "DIGIT": ("`str.isdigit`", str.isdigit),
        "DECIMAL": ("`str.isdecimal`", str.isdecimal),
        "NUMERIC": ("`str.isnumeric`", str.isnumeric),
        "LOWER": ("`str.islower` of one character", str.islower),
        "UPPER": ("`str.isupper` of one character", str.isupper),
        "TITLE": ("`str.istitle` of one character that is not upper case", _is_title),
        "CASED": ("Characters that have a case", is_cased),
        "IGNORABLE": ("Characters that the rule of the final sigma looks past", is_ignorable),
        "START": ("Characters that begin an identifier", str.isidentifier),
        "CONTINUE": ("Characters that continue an identifier", _continues),
        "SPACE": ("`str.isspace`", str.isspace),
    }
    parts = [
        "// Tables of Unicode 14.0, the version of CPython 3.11. Made by tools/make_unicode.py.\n"
    ]
    for name, (doc, test) in kinds.items():
        codes = [ord(c) for c in every if test(c)]
        items = [f"({first:#x}, {last:#x})" for first, last in runs(codes)]
        parts.append(table(name, f"{doc}: first and last of each run.", "(u32, u32)", items))
    maps = {
        "TO_UPPER": ("`str.upper`", str.upper),
        "TO_LOWER": ("`str.lower`", str.lower),
        "TO_TITLE": ("`str.title`", str.title),
        "TO_FOLDED": ("`str.casefold`", str.casefold),
    }
    for name, (doc, change) in maps.items():
        items = [f'({ord(c):#x}, "{_escaped(change(c))}")' for c in every if change(c) != c]
        parts.append(table(name, f"{doc} of characters that it changes.", "(u32, &str)", items))
    zeros = [ord(c) for c in every if unicodedata.decimal(c, None) == 0]
    parts.append(
        table(
            "ZEROS",
            "Zeros of decimal digits, each followed by 1 to 9.",
            "u32",
            [f"{z:#x}" for z in zeros],
        )
    )
    TARGET.write_text("\n".join(parts), encoding="utf-8")


def _is_title(c: str) -> bool:
    return c.istitle() and not c.isupper()


def _continues(c: str) -> bool:
    return ("a" + c).isidentifier()


def _escaped(text: str) -> str:
    return "".join(f"\\u{{{ord(c):x}}}" for c in text)


if __name__ == "__main__":
    main()
