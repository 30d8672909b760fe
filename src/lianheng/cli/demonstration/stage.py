"""The invoices to read and the chain to play on."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lianheng.model import NotFound, UsageError

if TYPE_CHECKING:
    import trade_finance
    from lianheng import Ledger
    from lianheng.members import Identity
    from lianheng.model import ContractSource

SUPPLIER, BUYER, BANK, OTHER_BANK = "supplier", "buyer", "bank-a", "bank-b"
ORGANISATIONS = (SUPPLIER, BUYER, BANK, OTHER_BANK)
CHAIN = "trade"
HOLDING = "holding"
CONTRACT = "receivables"
CAST = {
    "sam@supplier": "supplier",
    "bea@buyer": "buyer",
    "ann@bank-a": "bank",
    "ben@bank-b": "bank",
}
REAL_INVOICES = "invoices-xrechnung"


@dataclass(frozen=True, slots=True)
class Stage:
    """The chain with the contract on it, who plays, and the folder it lies in."""

    folder: Path
    ledgers: Mapping[str, "Ledger"]
    cast: Mapping[str, "Identity"]

    def ledger(self, organisation: str) -> "Ledger":
        """How this organisation reaches the chain."""
        return self.ledgers[organisation]

    def member(self, organisation: str) -> "Identity":
        """The one who signs for this organisation."""
        return next(i for name, i in self.cast.items() if name.endswith(f"@{organisation}"))


def choose_folder(given: Path | None) -> tuple[Path, str]:
    """The folder to read, and whose invoices these are, in words."""
    import trade_finance

    if given is not None:
        if not given.is_dir():
            raise NotFound("demo.no_folder", f"there is no folder {given}", "check --invoices")
        return given, f"of {given}"
    data = os.environ.get("LIANHENG_DATA")
    if data and (Path(data) / REAL_INVOICES).is_dir():
        return Path(data) / REAL_INVOICES, "from the XRechnung test suite"
    return trade_finance.EXAMPLES / "good", "of our own making"


def read(folder: Path) -> "trade_finance.Reading":
    """All invoices of the folder; raise where none of them can be registered."""
    import trade_finance

    try:
        reading = trade_finance.read_folder(folder)
    except ValueError as refused:
        raise UsageError("demo.unreadable", str(refused), "choose another --invoices") from refused
    if not reading.registrable:
        raise UsageError(
            "demo.no_invoice",
            f"none of the {reading.files} .xml files in {folder} is an invoice with an amount due",
            "give a folder with EN 16931 invoices in UBL 2.1 or CII: --invoices DIR",
        )
    return reading


def set_up(folder: Path) -> Stage:
    """A complete home in this folder: keys, genesis with the contracts, ledger."""
    from lianheng.cli._home import create_home
    from lianheng.consensus import open_ledger

    home, cast = create_home(
        folder,
        organisations=ORGANISATIONS,
        roles=CAST,
        chain=CHAIN,
        contracts=contracts(),
        development=True,
    )
    (folder / "receipts").mkdir()
    return Stage(folder, dict.fromkeys(ORGANISATIONS, open_ledger(home.ledger)), cast)


def contracts() -> "list[ContractSource]":
    """What the chain begins with: the block of holdings, and the receivables that use it."""
    import blocks
    import trade_finance
    from lianheng.model import ContractSource

    files = {HOLDING: blocks.HOLDING, CONTRACT: trade_finance.CONTRACT}
    return [
        ContractSource(name, file.name, file.read_text(encoding="utf-8"))
        for name, file in files.items()
    ]
