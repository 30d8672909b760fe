"""Writes the tables of docs/gas.md from rust/vm/src/gas.rs.

python -m tools.gas
"""

import re
import sys

from tools.setup import ROOT

SOURCE = ROOT / "rust" / "vm" / "src" / "gas.rs"
PAGE = ROOT / "docs" / "gas.md"
PRICE = re.compile(r"((?:^/// .*\n)+)^pub const (\w+): u64 = ([\d_]+);", re.MULTILINE)
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
    for words, name, value in PRICE.findall(SOURCE.read_text(encoding="utf-8")):
        what = " ".join(line.removeprefix("/// ") for line in words.splitlines()).rstrip(".")
        number = int(value.replace("_", ""))
        shown = "version" if name == "VERSION" else f"{number:,}"
        if name.endswith("_PER_UNIT"):
            shown = f"1 for {number:,}"
        rows.append(f"| {what} | {shown} | `{name}` |")
    return "\n".join(row for row in rows if "| version |" not in row)


if __name__ == "__main__":
    sys.exit(main())
