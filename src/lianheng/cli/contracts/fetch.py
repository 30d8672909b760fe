"""`lianheng contract fetch`: a deployed source as a module that other contracts import."""

from pathlib import Path
from typing import Annotated

import typer

from lianheng.cli._options import Home, Json

Name = Annotated[
    str | None, typer.Argument(metavar="[NAME]", help="A contract of the chain: stock.")
]
File = Annotated[
    Path | None, typer.Option("--file", help="A source that is to be deployed, instead.")
]


def fetch(name: Name = None, file: File = None, home: Home = None, json: Json = False) -> None:
    """Put a deployed source where editors, type checkers, tests and `check` find its module."""
    import lianheng.chain
    from lianheng.cli._print import console, emit
    from lianheng.cli._session import open_client
    from lianheng.cli.contract import read_source
    from lianheng.contract.imports import PACKAGE, store
    from lianheng.model import ContractName, UsageError

    if (name is None) == (file is None):
        raise UsageError("contract.fetch", "name a contract, or give --file", "write one of them")
    if file is not None:
        label, source = ContractName(file.stem), read_source(file)
    else:
        label = ContractName(name or "")
        with open_client(home) as ledger:
            _, source = ledger.source(label)
    try:
        written = store(Path(next(iter(lianheng.chain.__path__))), label, source)
    except OSError as failure:
        raise UsageError(
            "contract.fetch",
            f"{failure.filename} cannot be written: {failure.strerror}",
            "install lianheng into an environment of your own",
        ) from failure
    module = f"{PACKAGE}.{written.stem}"
    if json:
        emit({"module": module, "file": str(written)})
        return
    console().print(f"from {module} import ...", markup=False, highlight=False, soft_wrap=True)
