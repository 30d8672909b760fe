"""`lianheng trace`: what a call read, wrote and spent, line by line of its contract."""

from typing import TYPE_CHECKING, Any

from lianheng.cli._options import Home, Json, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = tuple[object, ...]


def trace(transaction: Transaction, home: Home = None, json: Json = False) -> None:
    """Re-execute a call as it ran and show each line's gas, reads and writes."""
    from lianheng.cli._print import emit
    from lianheng.cli._progress import progress
    from lianheng.cli._session import find_transaction, open_client

    with open_client(home) as ledger, progress("re-executing", quiet=json) as step:
        identity = find_transaction(ledger, transaction)
        steps = ledger.trace(identity, progress=step)
        place = ledger.entry(identity).result
        block = ledger.block(place.height or 0)
        call = block.transactions[place.index or 0].payload
        file, source = ledger.source(call.target.contract)
    if json:
        emit({"call": str(call.target), "result": place.to_json(), "steps": steps})
        return
    show(call, place, file, source.splitlines(), steps)


def show(call: Any, result: Any, file: str, source: "Sequence[str]", steps: Any) -> None:
    """The call, then one row for each line in the order in which they ran."""
    from lianheng.cli._print import console, result_line, shorten, table

    result_line(result)
    given = ", ".join(f"{name}={shorten(value)}" for name, value in call.arguments.items())
    console().print(f"{call.sender} called {call.target}({given})", markup=False)
    rows = list(lines(steps, source, result.gas))
    table((file, "gas", "", ""), rows, right=(0, 1))
    console().print(f"{result.gas:,} gas", style="dim", markup=False)


def lines(steps: Any, source: "Sequence[str]", spent: int) -> "Iterator[Row]":
    """Line number, gas that it spent, its text, and each row read or written below it."""
    marks = [step for step in steps if step[0] == "line"]
    ends = [mark[2] for mark in marks[1:]] + [spent]
    position = -1
    for step in steps:
        if step[0] == "line":
            position += 1
            number, before = step[1], step[2]
            text = source[number - 1].strip() if 0 < number <= len(source) else ""
            yield number, f"{ends[position] - before:,}", text, ""
        else:
            yield "", "", "", access(*step)


def access(kind: str, table: str, key: "Sequence[Any]", value: bytes | None) -> str:
    """`read tools crane-7: Tool…`."""
    from lianheng.cli._print import shorten
    from lianheng.model import decode

    name = table.partition(".")[2]
    parts = ", ".join(shorten(part) for part in key)
    if value is None:
        return f"{kind} {name}[{parts}]: absent" if kind == "read" else f"delete {name}[{parts}]"
    return f"{kind} {name}[{parts}]: {shorten(decode(value))}"
