"""The prices of operations as a table for people."""

from collections.abc import Sequence
from typing import Any

from lianheng.cli.benches.vm.pricing import FACTOR


def show_prices(operations: Sequence[dict[str, Any]]) -> None:
    """All of them, the dearest to run first, with what is far from the median marked."""
    from rich.table import Table

    from lianheng.cli._print import console

    table = Table(box=None, pad_edge=False)
    table.add_column("operation", no_wrap=True)
    for title in ("gas", "ns", "ns/gas", "x median"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for one in operations:
        figures = (f"{one[name]:,}" for name in ("gas", "ns", "ns_per_gas", "times_median"))
        table.add_row(one["name"], *figures, remark(one["times_median"]))
    console().print(table, markup=False)


def remark(times: float) -> str:
    """What is wrong with a price, if anything."""
    if times > FACTOR:
        return "too cheap for its work"
    return "over-priced" if times < 1 / FACTOR else ""
