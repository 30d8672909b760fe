"""`lianheng demo`: the main job on real input, from invoices to receipts that outsiders verify."""

import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import Json
from lianheng.cli.demonstration.lines import final, left_out, read_lines, row, shortened

if TYPE_CHECKING:
    import trade_finance
    from lianheng.cli.demonstration.play import Play
    from lianheng.cli.demonstration.proof import Proof

LIMIT = "sealed by one sequencer: proves what it recorded, not that it kept one history"


class Stage(StrEnum):
    """Where it is played."""

    EMBEDDED = "embedded"
    NETWORK = "network"
    GOVERNANCE = "governance"


def demo(
    where: Annotated[
        Stage,
        typer.Argument(
            metavar="[network|governance]",
            help="On four validators, one of them killed; or how organisations agree.",
        ),
    ] = Stage.EMBEDDED,
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
        folder = keep or Path(temporary)
        if where is Stage.GOVERNANCE:
            report = run_governance(invoices, folder, quiet=json)
        else:
            play = run if where is Stage.EMBEDDED else run_network
            report = play(invoices, folder, quiet=json)
    report["seconds"] = round(time.perf_counter() - started, 3)
    if json:
        emit(report)
    elif where is Stage.GOVERNANCE:
        finish_governance(report, keep)
    else:
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
    with set_up.ledger(stage.SUPPLIER) as ledger:
        played = play.perform(set_up, reading)
        show.play(played, reading)
        proved = proof.verify(set_up, proof.export_receipts(set_up, played))
        show.proof(proved)
        height = ledger.height
    return figures(source, reading, played, proved, height)


def run_network(invoices: Path | None, folder: Path, *, quiet: bool) -> dict[str, Any]:
    """The same over four organisations, each through its own node."""
    from lianheng.cli.demonstration import network, stage

    source, whose = stage.choose_folder(invoices)
    if not quiet:
        row("", f"reading the invoices {whose}", style="dim")
    reading = stage.read(source)
    show = network.Silent() if quiet else network.Shown()
    show.read(reading)
    played, proved, told = network.perform(folder, reading, show)
    return {**figures(source, reading, played, proved, told["blocks"]), **told}


def run_governance(invoices: Path | None, folder: Path, *, quiet: bool) -> dict[str, Any]:
    """How organisations agree; it reads no invoices."""
    from lianheng.cli.demonstration import governance
    from lianheng.model import UsageError

    if invoices is not None:
        raise UsageError("demo.invoices", "this play reads no invoices", "leave --invoices out")
    return governance.perform(folder, quiet=quiet)


def finish_governance(report: dict[str, Any], keep: Path | None) -> None:
    """What it does not prove, and what to try."""
    from lianheng.cli._print import console

    out = console()
    out.print(report["limit"], style="yellow")
    out.print(f"{report['steps'][-1]['blocks']} blocks · {report['seconds']:.1f} s in all")
    out.print("try next:", style="bold")
    here = prefix()
    commands = ["lianheng demo governance --keep kept", "lianheng contract new toolshed"]
    if keep is not None:
        home = keep / report["home"] if (keep / report["home"]).is_dir() else keep
        commands = [
            f"lianheng governance show 2 --home {home}",
            f"lianheng members --home {home}",
            f"lianheng-verify state {keep}/proofs/0*.cbor --anchor {home}/genesis.cbor",
        ]
    for command in commands:
        out.print(f"  {here}{command}", markup=False)


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
        read_lines(reading)

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
    out.print(report["limit"], style="yellow")
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
    network = "network" in report
    if keep is None:
        last = f"{here}lianheng bench signatures"
        if network:
            last = f"{here}lianheng network new mine --orgs bank-a,bank-b,hospital,grid"
        again = "demo network" if network else "demo"
        return [
            f"{here}lianheng {again} --keep kept",
            f"{here}lianheng contract new toolshed",
            last,
        ]
    refused = report["steps"][-1]["id"][:SHORT_ID]
    home = f"{keep}/{report['network']['killed']}" if network else f"{keep}"
    return [
        here + verify.format(keep),
        f"{here}lianheng trace {refused} --home {home}",
        f"{here}lianheng network up {keep}" if network else f"{here}lianheng fsck {keep}/ledger",
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
