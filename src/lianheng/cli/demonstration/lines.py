"""How the plays look on the terminal: numbered lines of word, sentence and ending."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trade_finance
    from lianheng.cli.demonstration.play import Step

WORD, TEXT = 10, 46
REFUSALS_SHOWN = 5


def row(word: str, text: str, end: str = "", style: str | None = None) -> None:
    """A numbered line: word, sentence, how it ended."""
    from rich.text import Text

    from lianheng.cli._print import console, printable

    shown = Text(f"{word:{WORD}}  ", style="bold" if word else "")
    body = printable(text)
    shown.append(f"{body:{TEXT}}  {end}".rstrip() if end else body, style=style or "")
    console().print(shown)


def final(step: "Step") -> str:
    """`final    6 ms`."""
    return f"{step.result.status} {step.milliseconds:4.0f} ms"


def shortened(message: str) -> str:
    """Long hashes abbreviated."""
    from lianheng.cli._print import shorten

    return shorten(message)[1:-1]


def left_out(reading: "trade_finance.Reading") -> str:
    """Which claims cannot be registered, and why."""
    left = len(reading.claims) - len(reading.registrable)
    again, nothing = len(reading.conflicts), left - len(reading.conflicts)
    why = [f"{again} use a number again with other content"] if again else []
    why += [f"{nothing} claim nothing"] if nothing else []
    return f"; {', '.join(why)}" if why else ""


def read_lines(reading: "trade_finance.Reading") -> None:
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
