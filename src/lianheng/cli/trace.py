"""`lianheng trace`: what a call read, wrote and spent, line by line of its contract."""

from typing import TYPE_CHECKING, Any

from lianheng.cli._options import Home, Json, Transaction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Row = tuple[object, ...]


def trace(transaction: Transaction, home: Home = None, json: Json = False) -> None:
    """Re-execute a call as it ran and show each line's gas, reads and writes."""
    from lianheng.cli._print import emit
    from lianheng.cli._progress import progress
    from lianheng.cli._session import find_transaction, open_client

    with open_client(home) as ledger, progress("re-executing", quiet=json) as step:
        identity = find_transaction(ledger, transaction)
        steps = ledger.trace(identity, progress=step)
        result = ledger.result(identity)
        block = ledger.block(result.height or 0)
        call = block.transactions[result.index or 0].payload
        interface = ledger.interface(call.target.contract)
        file, source = ledger.source(call.target.contract)
    if json:
        emit({"call": str(call.target), "result": result.to_json(), "steps": steps})
        return
    Trace(file, source.splitlines(), interface, steps).show(call, result)


class Trace:
    """The steps of one call, with the source and the records that they are about."""

    def __init__(
        self, file: str, source: "Sequence[str]", interface: "Mapping[str, Any]", steps: Any
    ) -> None:
        """Steps as `Ledger.trace` gives them."""
        self.file = file
        self.source = source
        self.interface = interface
        self.steps = steps
        self.records = {t["name"]: str(t["record"]) for t in interface.get("tables", ())}

    def show(self, call: Any, result: Any) -> None:
        """The call, then one row for each line in the order in which they ran."""
        from lianheng.cli._print import console, result_line, shorten, table
        from lianheng.cli._show import as_declared

        method = call.target.method
        value = as_declared(result.value, self.interface, method) if result.final else None
        result_line(result, value)
        given = ", ".join(f"{name}={shorten(value)}" for name, value in call.arguments.items())
        console().print(f"{call.sender} called {call.target}({given})", markup=False)
        table((self.file, "gas", ""), [*self.rows(result.gas)], right=(0, 1))
        console().print(f"{result.gas:,} gas in all", style="dim", markup=False)

    def rows(self, spent: int) -> "Iterator[Row]":
        """Line number, gas that it spent, its text; below it each row that it read or wrote."""
        marks = [step for step in self.steps if step[0] == "line"]
        ends = [mark[2] for mark in marks[1:]] + [spent]
        yield "", f"{marks[0][2] if marks else spent:,}", "to begin"
        position, source = -1, self.source
        for step in self.steps:
            if step[0] == "contract":
                source = self.source if step[2] == self.file else ()
                yield "", "", f"{step[1]}  {step[2]}"
                continue
            if step[0] != "line":
                yield "", "", f"    {self.access(*step)}"
                continue
            position += 1
            number, before = step[1], step[2]
            text = source[number - 1].strip() if 0 < number <= len(source) else ""
            yield number, f"{ends[position] - before:,}", text

    def access(self, kind: str, table: str, key: "Sequence[Any]", value: bytes | None) -> str:
        """`read   tools['crane-7']  Tool(...)`."""
        from lianheng.cli._print import shorten
        from lianheng.ledger import shaped
        from lianheng.model import decode

        name = table.partition(".")[2]
        row = f"{name}[{', '.join(shorten(part) for part in key)}]"
        if value is None:
            return f"{kind:6} {row}  absent" if kind == "read" else f"delete {row}"
        record = shaped(decode(value), self.records.get(name, ""), self.interface)
        return f"{kind:6} {row}  {shorten(record)}"
