"""`lianheng contract interface`: what a contract offers, as JSON for programs."""

from pathlib import Path
from typing import Annotated

import typer

File = Annotated[Path, typer.Argument(metavar="FILE", help="Contract Python.")]


def interface(file: File) -> None:
    """Print calls, views, tables, records, events and enums as JSON."""
    from lianheng import _native
    from lianheng.cli._print import emit
    from lianheng.cli.contract import read_source
    from lianheng.cli.contracts.check import refuse_if_wrong
    from lianheng.contract.imports import by_digits

    source = read_source(file)
    refuse_if_wrong(source, file)
    emit(_native.contract_interface(source, file.name, by_digits(source)))
