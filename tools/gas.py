"""Writes the tables of docs/gas.md from rust/vm/src/gas.rs.

python -m tools.gas
"""

import math
import re
import sys

from tools.setup import ROOT

SOURCE = ROOT / "rust" / "vm" / "src" / "gas.rs"
PAGE = ROOT / "docs" / "gas.md"
PRICE = re.compile(r"((?:^/// .*\n)+)^pub const (\w+): u64 = ([^;]+);", re.MULTILINE)
BEGIN, END = "<!-- schedule -->", "<!-- end of the schedule -->"


def main() -> int:
    """Puts the table into the page; everything around it is written by people."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def page(text: str) -> str:
    """The page with the table of the present schedule."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def table() -> str:
    """A row for each constant: what is charged for, gas, name in the source."""
    rows = ["| for | gas | in `rust/vm/src/gas.rs` |", "|---|---|---|"]
    known: dict[str, int] = {}
    for words, name, value in PRICE.findall(SOURCE.read_text(encoding="utf-8")):
        known[name] = amount(value, known)
        if name == "VERSION":
            continue
        what = " ".join(line.removeprefix("/// ") for line in words.splitlines()).rstrip(".")
        shown = f"1 for {known[name]:,}" if name.endswith("_PER_UNIT") else f"{known[name]:,}"
        rows.append(f"| {what} | {shown} | `{name}` |")
    return "\n".join(rows)


def amount(written: str, known: dict[str, int]) -> int:
    """A number, or sums and products of numbers and constants above it."""
    return sum(
        math.prod(known.get(part) or int(part) for part in product.split(" * "))
        for product in written.replace("\n", " ").split(" + ")
    )


if __name__ == "__main__":
    sys.exit(main())
