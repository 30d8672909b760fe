"""`lianheng contract interface`: what a contract offers, as JSON for programs."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(metavar="FILE", help="Contract Python.")]


def interface(file: File) -> None:
    """Print calls, views, timers, tables, records, events, enums and more as JSON.

    docs/protocol/contract-interface.schema.json describes the format `lianheng.interface/1`.
    """
    from lianheng.cli._print import emit
    from lianheng.cli.contract import read_source
    from lianheng.cli.contracts.check import refuse_if_wrong
    from lianheng.contract.interface import document

    source = read_source(file)
    refuse_if_wrong(source, file)
    emit(document(source, file.name).model_dump(mode="json"))
