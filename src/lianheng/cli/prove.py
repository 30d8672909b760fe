"""`lianheng prove`: that a row has this value, or is absent, at the last height."""

from typing import Annotated, Any

import typer

from lianheng.cli._options import Home, Json, Output


def prove(
    target: Annotated[str, typer.Argument(metavar="CONTRACT.TABLE", help="toolshed.tools")],
    key: Annotated[list[str], typer.Argument(metavar="KEY", help="The row's key parts.")],
    output: Output,
    home: Home = None,
    json: Json = False,
) -> None:
    """Write a proof that a row is there, or is not; `lianheng-verify state` checks it."""
    from lianheng.cli._arguments import split_target
    from lianheng.cli._print import console, emit, size
    from lianheng.cli._session import open_client

    contract, table = split_target(target)
    with open_client(home) as ledger:
        parts = typed_key(ledger.interface(contract), table, key)
        present = ledger.table(contract, table).get(*parts) is not None
        data = ledger.prove(contract, table, parts)
    output.write_bytes(data)
    says = "present" if present else "absent"
    if json:
        emit({"row": says, "file": str(output), "bytes": len(data)})
        return
    console().print(f"wrote {output}, {size(len(data))}: {target} {' '.join(key)} is {says}")
    console().print(
        f"  check it: lianheng-verify state {output} --anchor genesis.cbor", style="dim"
    )


def typed_key(interface: Any, table: str, parts: list[str]) -> list[Any]:
    """The key parts, typed as the table's record declares its key fields."""
    from lianheng.cli._arguments import known_type, parse_text
    from lianheng.model import NotFound, UsageError

    tables = {t["name"]: t for t in interface.get("tables", ())}
    if table not in tables:
        raise NotFound(
            "contract.no_table", f"there is no table {table}", f"it has {', '.join(tables)}"
        )
    fields = tables[table]["key"]
    if len(fields) != len(parts):
        raise UsageError(
            "value.missing",
            f"the key of {table} has {len(fields)} parts, given are {len(parts)}",
            f"give {' '.join(fields)}",
        )
    records = {r["name"]: r for r in interface.get("records", ())}
    types = {f["name"]: str(f["type"]) for f in records[tables[table]["record"]]["fields"]}
    return [
        parse_text(n, part, known_type(n, types[n], interface), interface)
        for n, part in zip(fields, parts, strict=True)
    ]
