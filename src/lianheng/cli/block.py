"""`lianheng block`: the header of a block and what its calls became."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import Home, Json

if TYPE_CHECKING:
    from lianheng.model import Block

LISTED = 50


def block(
    height: Annotated[int | None, typer.Argument(help="Else the last one.", min=0)] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write its header, as a trust anchor, as well."
        ),
    ] = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show a block: header, seal, entries."""
    from lianheng.cli._print import emit
    from lianheng.cli._session import open_client

    with open_client(home) as ledger:
        place = ledger.height if height is None else height
        if output is not None:
            output.write_bytes(ledger.header_file(place))
            if place == 0:
                return
        found = ledger.block(place)
    if json:
        emit(as_fields(found))
        return
    show(found)


def as_fields(found: "Block") -> dict[str, Any]:
    """The block for machines."""
    header = found.header
    return {
        "chain": header.chain,
        "height": header.height,
        "time": header.time,
        "hash": header.hash.hex(),
        "history_root": header.history_root.hex(),
        "entries_root": header.entries_root.hex(),
        "state_root": header.state_root.hex(),
        "replay_root": header.replay_root.hex(),
        "rules": header.rules,
        "seal": None if found.seal is None else found.seal[0],
        "entries": [
            *(found.run(index).to_json() for index in range(found.runs)),
            *(entry.result.to_json() for entry in found.entries),
        ],
    }


def _caller(found: "Block", position: int) -> tuple[str, str]:
    """Who called what; a run of a timer names the timer."""
    if position < found.runs:
        run = found.run(position)
        return f"timer {run.number:,}", run.target
    call = found.transaction(position).payload
    return call.sender, str(call.target)


def show(found: "Block") -> None:
    """The block for people."""
    from lianheng.cli._print import console, counted, facts, moment, short, short_hash, size, table

    header = found.header
    facts(
        {
            "block": f"{header.height:,} of {header.chain}, {moment(header.time)}",
            "hash": short_hash(header.hash),
            "roots": f"state {short_hash(header.state_root)}  "
            f"entries {short_hash(header.entries_root)}  "
            f"history {short_hash(header.history_root)}  "
            f"replay {short_hash(header.replay_root)}",
            "seal": "none (genesis)" if found.seal is None else str(found.seal[0]),
            "size": f"{counted(len(found), 'entry')}, {size(len(found.encoded))}",
        }
    )
    if not len(found):
        return
    rows = []
    for position in range(min(len(found), LISTED)):
        result = found.result(position)
        why = "" if result.error is None else f"{result.error.code} {result.error.reason or ''}"
        rows.append(
            (
                position,
                short(result.id or b""),
                *_caller(found, position),
                str(result.status),
                f"{result.gas:,}",
                why,
            )
        )
    table(("", "tx", "sender", "call", "result", "gas", ""), rows, right=(0, 5))
    if len(found) > LISTED:
        console().print(f"… and {len(found) - LISTED:,} more; all with --json", style="dim")
