"""`lianheng receipt`: what anybody needs to verify one call offline."""

from pathlib import Path
from typing import Annotated

import typer

from lianheng.cli._options import Home, Json, Output, Transaction


def receipt(
    transaction: Transaction,
    output: Output,
    home: Home = None,
    anchor: Annotated[
        Path | None, typer.Option(help="Header file that the verifier trusts; else the genesis.")
    ] = None,
    members: Annotated[
        bool, typer.Option("--members", help="Prove who signed, even where the genesis tells.")
    ] = False,
    json: Json = False,
) -> None:
    """Write the receipt of a call; `lianheng-verify receipt` checks it without this program."""
    from lianheng.cli._print import console, emit, size
    from lianheng.cli._session import find_transaction, open_client

    trusted = None if anchor is None else anchor.read_bytes()
    with open_client(home) as ledger:
        identity = find_transaction(ledger, transaction)
        data = ledger.receipt(identity, anchor=trusted, members=members)
    output.write_bytes(data)
    if json:
        emit({"id": identity.hex(), "file": str(output), "bytes": len(data)})
        return
    console().print(f"wrote {output}, {size(len(data))}")
    console().print(
        f"  check it: lianheng-verify receipt {output} --anchor genesis.cbor", style="dim"
    )
