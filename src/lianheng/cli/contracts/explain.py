"""`lianheng contract explain`: what a diagnostic code means."""

from typing import Annotated

import typer

from lianheng.cli._options import Json


def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="As a diagnostic shows it.")],
    json: Json = False,
) -> None:
    """Say what a code means, with the smallest wrong example and what to write instead."""
    from dataclasses import asdict
    from difflib import get_close_matches

    from lianheng.cli._print import console, emit
    from lianheng.contract.explanations import explanations
    from lianheng.model import UsageError

    known = explanations()
    if code not in known:
        near = get_close_matches(code, known, n=3)
        hint = f"did you mean {', '.join(near)}?" if near else "docs/diagnostics.md lists all codes"
        raise UsageError("contract.unknown_code", f"there is no code {code}", hint)
    if json:
        emit(asdict(known[code]))
        return
    console().print(str(known[code]), markup=False)
