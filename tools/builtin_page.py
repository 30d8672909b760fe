"""Writes the signatures in docs/builtins.md from the stubs that the type pass reads.

python -m tools.builtin_page
"""

import ast
import re
import sys

from tools.setup import ROOT

SOURCE = ROOT / "rust" / "vm" / "src" / "check" / "builtins.pyi"
PAGE = ROOT / "docs" / "builtins.md"
CELL = re.compile(r"(?<!\\)\|")
HEADING = re.compile(r"^## `?([\w.]+)`?")


def main() -> int:
    """Puts the signatures into the page; everything else in it is written by people."""
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


def page(text: str) -> str:
    """The page with the signatures of the stubs, where they have the name of a row."""
    known = signatures()
    lines, section = [], ""
    for line in text.split("\n"):
        if found := HEADING.match(line):
            section = found[1]
        cells = CELL.split(line)
        name = cells[1].strip(" `") if line.startswith("| `") else ""
        if shown := known.get((section, name)) or known.get(("", name)):
            cells[2] = f" {shown} "
        lines.append("|".join(cells))
    return "\n".join(lines)


def signatures() -> dict[tuple[str, str], str]:
    """By type ("" for functions) and name: the alternatives, as the page shows them."""
    found: dict[tuple[str, str], list[str]] = {}
    for node in ast.parse(SOURCE.read_text(encoding="utf-8")).body:
        owner = node.name if isinstance(node, ast.ClassDef) else ""
        for member in node.body if isinstance(node, ast.ClassDef) else [node]:
            if isinstance(member, ast.FunctionDef):
                found.setdefault((owner, member.name), []).append(_shown(member))
            elif isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name):
                kind = ast.unparse(member.annotation)
                found.setdefault((owner, member.target.id), []).append(
                    f"`{member.target.id}: {kind}`"
                )
    return {key: ", ".join(each) for key, each in found.items()}


def _shown(function: ast.FunctionDef) -> str:
    """Without `self`; where the end of a search is left out, it is the end of the items."""
    parameters = ast.unparse(function.args)
    parameters = re.sub(r"^self(, /)?(, )?", "", parameters).replace("end: int=0", "end: int=...")
    result = "None" if function.returns is None else ast.unparse(function.returns)
    result = result.replace("Absent", "None")
    return f"`{function.name}({parameters}) -> {result}`".replace("|", "\\|")


if __name__ == "__main__":
    sys.exit(main())
