"""Options that several commands share, declared once."""

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document for machines.")]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home",
        envvar="LIANHENG_HOME",
        help="Folder with lianheng.toml; else this folder or the nearest one above.",
    ),
]
As = Annotated[
    str | None,
    typer.Option("--as", envvar="LIANHENG_AS", metavar="MEMBER", help="Who signs: alice@north."),
]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        help="File that holds the passphrase; else LIANHENG_PASSPHRASE, else a prompt.",
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="File to write.")]
Target = Annotated[str, typer.Argument(metavar="CONTRACT.METHOD", help="toolshed.add")]
Pairs = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="id=crane-7, or KEY:=JSON: parts:=[1,2]"),
]
Transaction = Annotated[
    str,
    typer.Argument(
        metavar="TXID", help="A transaction's first digits (81d2), or HEIGHT:POSITION (4:0)."
    ),
]
