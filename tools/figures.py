"""Writes docs/figures.md from what `lianheng bench all --json` printed.

lianheng bench all --json > figures.json && python -m tools.figures figures.json
"""

import json
import sys
from pathlib import Path
from typing import Any

from tools.setup import ROOT

PAGE = ROOT / "docs" / "figures.md"
WORKLOAD_LEFT_OUT = {"rows_read", "rows_written", "signed"}


def main(source: str) -> int:
    """Writes the page; 2 where the file holds no benches."""
    benches = json.loads(Path(source).read_text(encoding="utf-8")).get("benches", [])
    if not benches:
        print(f"{source} holds no benches; make it with: lianheng bench all --json")
        return 2
    PAGE.write_text(page(benches), encoding="utf-8")
    return 0


def page(benches: list[dict[str, Any]]) -> str:
    """The page as text."""
    machine = benches[0]["machine"]
    syncs = ", ".join(f"{bench['machine']['sync_ms']['p50']:.1f}" for bench in benches)
    place = (
        f"Machine: {machine['cores']} cores, {machine['processor']}, "
        f"{machine['memory_bytes'] / 1e9:.0f} GB, {machine['system'].partition('-')[0]}, "
        f"Python {machine['python']}."
    )
    lines = [
        "# Figures",
        "",
        "Written by `python -m tools.figures` from `lianheng bench all --json`; repeat with",
        "`make bench`. Latencies are in milliseconds. Transfers read two rows and write two, in",
        "contract Python, signed beforehand by 64 members; each is durable when it is counted.",
        "",
        place,
        f"Median of a durable 4 kB write before each bench: {syncs} ms.",
        "",
        "| bench | workload | figure |",
        "|---|---|---|",
    ]
    lines += [f"| `{b['bench']}` | {workload(b)} | {figures(b)} |" for b in benches]
    return "\n".join(lines) + "\n"


def workload(bench: dict[str, Any]) -> str:
    """What was done."""
    given = bench["workload"].items()
    return ", ".join(
        f"{name.replace('_', ' ')} {plain(value)}"
        for name, value in given
        if name not in WORKLOAD_LEFT_OUT and value not in (None, False)
    )


def figures(bench: dict[str, Any]) -> str:
    """What came out."""
    rest = [i for i in bench.items() if i[0] not in {"bench", "machine", "workload"}]
    return "; ".join(f"{name.replace('_', ' ')} {plain(value)}" for name, value in rest)


def plain(value: object) -> str:
    """A figure for people."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {plain(item)}" for name, item in value.items())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
