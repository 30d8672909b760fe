"""`lianheng trace`: what a call read, wrote and spent, line by line of its contract."""

from typing import TYPE_CHECKING, Any

from lianheng.cli._options import Home, Json, Transaction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def trace(transaction: Transaction, home: Home = None, json: Json = False) -> None:
    """Re-execute a call as it ran and show each line's gas, reads and writes."""
    from lianheng.cli._print import console, emit, result_line
    from lianheng.cli._progress import progress
    from lianheng.cli._session import find_transaction, open_client

    with open_client(home) as ledger, progress("re-executing", quiet=json) as step:
        identity = find_transaction(ledger, transaction)
        traced = ledger.trace(identity, progress=step)
        result = ledger.result(identity)
        source = ledger.source(traced["contract"])[1]
    if json:
        emit(traced)
        return
    result_line(result)
    console().print(f"{traced['contract']}.{traced['method']} by {traced['sender']}", markup=False)
    show_steps(traced["steps"], source.splitlines())
    console().print(f"gas {traced['gas']:,}", markup=False)


def show_steps(steps: "Sequence[Mapping[str, Any]]", source: "Sequence[str]") -> None:
    """One row for each line in the order in which they ran."""
    from lianheng.cli._print import table

    rows: list[tuple[object, ...]] = []
    for step in steps:
        number = int(step["line"])
        text = source[number - 1].strip() if 0 < number <= len(source) else ""
        rows.append((number, f"{step['gas']:,}", text, step.get("does", "")))
    table(("line", "gas", "source", "reads and writes"), rows, right=(0, 1))
