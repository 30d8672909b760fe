"""Proofs of an answer, as a folder: one file for each row that shows it, and the answer itself.

FOLDER/answer.json   what was asked, what was answered, and which row each file proves
FOLDER/001-….cbor    proofs, for `lianheng-verify state FOLDER/*.cbor --anchor genesis.cbor`
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianheng.model import UsageError

if TYPE_CHECKING:
    from lianheng.ledger import Ledger
    from lianheng.system.history import Fact

LIMIT = (
    "each file proves a row, or that it is absent; that a list names everybody is the word of the "
    "node that was asked"
)


def write_proofs(
    ledger: "Ledger", folder: Path, asked: str, answer: Any, facts: Iterable["Fact"]
) -> int:
    """Write the folder; gives the number of proofs. Raise `UsageError` where it holds something.

    A row that came after the answer is proved as it is: its `since` lies above the height.
    """
    from lianheng.cli._print import as_json

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError("proof.not_empty", f"{folder} is not an empty folder", "name a new one")
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    once = {fact[:3]: fact for fact in facts}  # a row that several answers rest on
    for number, one in enumerate(once.values(), start=1):
        name = re.sub(r"[^a-zA-Z0-9._@-]+", "-", one.name)
        file = folder / f"{number:03}-{name}.cbor"
        file.write_bytes(ledger.prove(one.contract, one.table, list(one.key)))
        says = "absent" if one.value is None else "present"
        rows.append({"file": file.name, "row": one.name, "says": says, "value": one.value})
    told = {"asked": asked, "chain": ledger.chain, "genesis": ledger.genesis_hash}
    document = as_json({**told, "answer": answer, "rows": rows, "limit": LIMIT})
    (folder / "answer.json").write_text(document + "\n", encoding="utf-8")
    return len(rows)


def told_proofs(count: int, folder: Path) -> None:
    """Where they lie, and how to check them."""
    from lianheng.cli._print import console, counted

    out = console()
    out.print(f"wrote {counted(count, 'proof')} and answer.json to {folder}", markup=False)
    check = f"  check them: lianheng-verify state {folder}/*.cbor --anchor genesis.cbor"
    out.print(check, style="dim", markup=False)
