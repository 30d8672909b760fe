"""How things look on the terminal: ids abbreviated, one line a fact, JSON for machines."""

import json
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from lianheng.model import Result

SHORT_ID = 8
NOTICES_SHOWN = 10  # rows of which a call told their observers
SHORT_END = 4
HASH_DIGITS = 64


def console(*, error: bool = False) -> "Console":
    """A terminal writer that never wraps or reinterprets what it is given."""
    from rich.console import Console

    return Console(stderr=error, highlight=False, soft_wrap=True, emoji=False)


def line(*parts: str, style: str | None = None) -> None:
    """One line of parts joined by two spaces; the first one in `style`."""
    from rich.text import Text

    text = Text()
    for position, part in enumerate(p for p in parts if p):
        if position:
            text.append("  ")
        text.append(printable(part), style=style if position == 0 else None)
    console().print(text)


def printable(text: str) -> str:
    """The text without control characters: a contract's words shall not drive the terminal."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


def as_json(value: object) -> str:
    """One JSON document, keys as given."""
    from lianheng.model import jsonable

    return json.dumps(jsonable(value), ensure_ascii=False, indent=2)


def emit(value: object) -> None:
    """Prints one JSON document."""
    sys.stdout.write(as_json(value) + "\n")


def short(identifier: bytes | str) -> str:
    """`40c8a1b2…` of a transaction's id."""
    text = identifier if isinstance(identifier, str) else identifier.hex()
    return text if len(text) <= SHORT_ID else f"{text[:SHORT_ID]}…"


def short_hash(digest: bytes | str) -> str:
    """`9c41…e07a` of a hash that people compare."""
    text = digest if isinstance(digest, str) else digest.hex()
    return f"{text[:SHORT_END]}…{text[-SHORT_END:]}"


def shorten(value: object) -> str:
    """A value as the contract would write it, long hashes abbreviated."""
    text = repr(value)
    import re

    return re.sub(
        rf"[0-9a-f]{{{HASH_DIGITS}}}(?![0-9a-f])", lambda found: short_hash(found[0]), text
    )


def result_line(result: "Result", value: object = None) -> None:
    """How a call ended, in one line."""
    error = result.error
    if error is None:
        identity = short(result.id) if result.id is not None else ""
        shown = "" if value is None else shorten(value)
        line("final", f"height {result.height}", f"tx {identity}", shown, style="bold green")
        notices_lines(result)
        return
    kept = "state unchanged"
    if str(result.status) == "dropped":
        kept = "nothing recorded, the id stays free"
    rule = f"{error.code} {error.reason}" if error.reason else error.code
    line(str(result.status), rule, error.place or "", f'"{error.message}"', kept, style="bold red")
    if error.hint:
        console().print(f"  {printable(error.hint)}", style="dim", markup=False)


def notices_lines(result: "Result") -> None:
    """Whom the call told of which rows: observers, one line for each row."""
    told = [event for event in result.events if event.notice is not None]
    for event in told[:NOTICES_SHOWN]:
        console().print(f"  {printable(str(event))}", style="dim", markup=False)
    if len(told) > NOTICES_SHOWN:
        more = counted(len(told) - NOTICES_SHOWN, "row")
        console().print(f"  … and {more} more that somebody observes", style="dim", markup=False)


def failure_line(code: str, message: str, hint: str = "") -> None:
    """A failure, on standard error."""
    from rich.text import Text

    out = console(error=True)
    out.print(Text.assemble(("failed", "bold red"), "  ", code, "  ", printable(message)))
    if hint:
        out.print(Text(f"  {printable(hint)}", style="dim"))


def table(
    columns: Iterable[str], rows: Iterable[Iterable[object]], right: Iterable[int] = ()
) -> None:
    """Plain columns, right-aligned where named, without frames: they survive a pipe."""
    cells = [[str(c) for c in columns], *[[printable(str(c)) for c in row] for row in rows]]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    numeric = set(right)
    for number, row in enumerate(cells):
        joined = "  ".join(
            cell.rjust(width) if i in numeric else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        console().print(joined.rstrip(), style="dim" if number == 0 else None, markup=False)


def facts(pairs: Mapping[str, Any]) -> None:
    """Names and values in two columns."""
    width = max((len(name) for name in pairs), default=0)
    for name, value in pairs.items():
        console().print(f"{name.ljust(width)}  {printable(str(value))}", markup=False)


def counted(number: int, noun: str) -> str:
    """`1 row`, `2,000 rows`, `3 entries`."""
    changes = noun.endswith("y") and noun[-2:-1] not in "aeiou"
    many = f"{noun[:-1]}ies" if changes else f"{noun}s"
    return f"{number:,} {noun if number == 1 else many}"


def size(count: int) -> str:
    """`1.4 GB` of a number of bytes."""
    amount = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < 1000:  # noqa: PLR2004 - the step between units
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1000
    return f"{amount:.1f} TB"


def moment(milliseconds: int) -> str:
    """A block's time, UTC."""
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return when.strftime("%Y-%m-%d %H:%M:%S.") + f"{milliseconds % 1000:03d} UTC"
