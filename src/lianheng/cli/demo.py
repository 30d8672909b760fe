"""`lianheng demo`: the main job on real input, from invoices to receipts that outsiders verify."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import Json

if TYPE_CHECKING:
    import trade_finance
    from lianheng.cli.demonstration.play import Play, Step
    from lianheng.cli.demonstration.proof import Proof

WORD, TEXT = 10, 46
REFUSALS_SHOWN = 5
LIMIT = "sealed by one sequencer: proves what it recorded, not that it kept one history"


def demo(
    invoices: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Folder with EN 16931 invoices, UBL or CII.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep genesis, receipts and ledger here.")
    ] = None,
    json: Json = False,
) -> None:
    """Play the main job: one bank finances, the second is refused, an outsider proves both."""
    import tempfile

    from lianheng.cli._print import emit
    from lianheng.model import UsageError

    if keep is not None and keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise UsageError("demo.not_empty", f"{keep} is not an empty folder", "name a new one")
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="lianheng-demo-") as temporary:
        report = run(invoices, keep or Path(temporary), quiet=json)
    report["seconds"] = round(time.perf_counter() - started, 3)
    if json:
        emit(report)
        return
    finish(report, keep)


def run(invoices: Path | None, folder: Path, *, quiet: bool) -> dict[str, Any]:
    """Plays everything, printing each line as it is reached; gives the figures."""
    from lianheng.cli.demonstration import play, proof, stage

    source, whose = stage.choose_folder(invoices)
    if not quiet:
        row("", f"reading the invoices {whose}", style="dim")
    reading = stage.read(source)
    show = Silent() if quiet else Shown()
    show.read(reading)
    set_up = stage.set_up(folder)
    with set_up.ledger:
        played = play.perform(set_up, reading)
        show.play(played, reading)
        proved = proof.verify(set_up, proof.export_receipts(set_up, played))
        show.proof(proved)
        height = set_up.ledger.height
    return figures(source, reading, played, proved, height)


class Silent:
    """Prints nothing: one JSON document comes in the end."""

    def read(self, reading: "trade_finance.Reading") -> None:
        """Line 1."""

    def play(self, played: "Play", reading: "trade_finance.Reading") -> None:
        """Lines 2 to 4."""

    def proof(self, proved: "Proof") -> None:
        """Line 5."""


class Shown(Silent):
    """Prints each line when it is known."""

    def read(self, reading: "trade_finance.Reading") -> None:
        """What was read, and what is wrong with what was refused."""
        agree = sum(not pair.differences for pair in reading.pairs)
        row(
            "1 read",
            f"{reading.files} e-invoices: {agree} UBL/CII pairs agree, "
            f"{len(reading.claims)} distinct claims, {len(reading.refused)} refused",
        )
        for refused in reading.refused[:REFUSALS_SHOWN]:
            finding = refused.findings[0]
            row("", f"{finding.file}: {finding.rule} {finding.remedy}", style="dim")
        if (more := len(reading.refused) - REFUSALS_SHOWN) > 0:
            row("", f"and {more} more; all with --json", style="dim")

    def play(self, played: "Play", reading: "trade_finance.Reading") -> None:
        """Who did what, how it ended, how long it took."""
        import trade_finance

        claim = played.invoice.claim
        amount = trade_finance.in_words(claim.amount, claim.currency)
        row("", f"supplier registers {len(played.registered)}{left_out(reading)}", style="dim")
        confirmed = f"buyer confirms {claim.number}, {amount}"
        row("2 confirm", confirmed, final(played.step("confirm")))
        row("3 finance", "offered to two banks; bank-a finances it", final(played.step("finance")))
        error = played.step("refused").result.error
        if error is not None:
            rule = f"{error.code} {error.reason or ''}".strip()
            row("4 refused", f"bank-b: {rule}", error.place or "", style="bold red")
            row("", f'"{shortened(error.message)}", state unchanged', style="dim")

    def proof(self, proved: "Proof") -> None:
        """What the separate program said."""
        count = len(proved.receipts)
        row(
            "5 verify",
            f"separate program verifies {count} of {count} receipts; one byte changed: refused",
        )


def left_out(reading: "trade_finance.Reading") -> str:
    """Which claims cannot be registered, and why."""
    left = len(reading.claims) - len(reading.registrable)
    again, nothing = len(reading.conflicts), left - len(reading.conflicts)
    why = [f"{again} use a number again with other content"] if again else []
    why += [f"{nothing} claim nothing"] if nothing else []
    return f"; {', '.join(why)}" if why else ""


def row(word: str, text: str, end: str = "", style: str | None = None) -> None:
    """A numbered line: word, sentence, how it ended."""
    from rich.text import Text

    from lianheng.cli._print import console, printable

    shown = Text(f"{word:{WORD}}  ", style="bold" if word else "")
    body = printable(text)
    shown.append(f"{body:{TEXT}}  {end}".rstrip() if end else body, style=style or "")
    console().print(shown)


def final(step: "Step") -> str:
    """`final   6 ms`."""
    return f"{step.result.status}{step.milliseconds:4.0f} ms"


def shortened(message: str) -> str:
    """Long hashes abbreviated."""
    from lianheng.cli._print import shorten

    return shorten(message)[1:-1]


def figures(
    source: Path, reading: "trade_finance.Reading", played: "Play", proved: "Proof", height: int
) -> dict[str, Any]:
    """Everything for machines."""
    refused = [f for r in reading.refused for f in r.findings]
    return {
        "invoices": {
            "folder": str(source),
            "files": reading.files,
            "pairs": len(reading.pairs),
            "pairs_that_agree": sum(not pair.differences for pair in reading.pairs),
            "distinct_claims": len(reading.claims),
            "registered": len(played.registered),
            "conflicts": [f"{f.file}: {f.rule}" for f in reading.conflicts],
            "refused": [{"file": f.file, "rule": f.rule, "what": str(f)} for f in refused],
        },
        "invoice": {
            "number": played.invoice.claim.number,
            "amount": played.invoice.claim.amount,
            "currency": played.invoice.claim.currency,
        },
        "steps": [
            {"step": s.title, "milliseconds": round(s.milliseconds, 3), **s.result.to_json()}
            for s in played.steps
        ],
        "receipts": {
            "verified": len(proved.receipts),
            "one_byte_changed": {"offset": proved.offset, "exit": proved.tampered_exit},
        },
        "blocks": height,
        "limit": LIMIT,
    }


def finish(report: dict[str, Any], keep: Path | None) -> None:
    """What it does not prove, what it did, what to try."""
    from lianheng.cli._print import console

    out = console()
    calls = report["invoices"]["registered"] + len(report["steps"])
    out.print(LIMIT, style="yellow")
    out.print(
        f"{calls} signed calls, {calls - 1} final and 1 refused, in {report['blocks']} blocks "
        f"· {report['seconds']:.1f} s in all",
        markup=False,
    )
    out.print("try next:", style="bold")
    for command in next_commands(report, keep):
        out.print(f"  {command}", markup=False)


def next_commands(report: dict[str, Any], keep: Path | None) -> list[str]:
    """Three commands that work as they stand, from this folder."""
    from lianheng.cli._print import SHORT_ID

    here = prefix()
    verify = "lianheng-verify receipt {0}/receipts/*.cbor --anchor {0}/genesis.cbor"
    if keep is None:
        return [
            f"{here}lianheng demo --keep kept",
            f"{here}lianheng contract new toolshed",
            f"{here}lianheng bench signatures",
        ]
    refused = report["steps"][-1]["id"][:SHORT_ID]
    return [
        here + verify.format(keep),
        f"{here}lianheng trace {refused} --home {keep}",
        f"{here}lianheng fsck {keep}/ledger",
    ]


def prefix() -> str:
    """What must stand before our commands where they are not on the PATH."""
    import os
    import shutil
    import sys

    folder = Path(sys.executable).parent
    found = shutil.which("lianheng")
    if found is not None and Path(found).parent == folder:
        return ""
    try:
        return os.path.join(folder.relative_to(Path.cwd()), "")  # noqa: PTH118 - keeps the slash
    except ValueError:
        return f"{folder}/"
