"""`bench vm`: what gas takes, eight small programs beside CPython, transfers, and compiling.

Nothing of it is stored or signed: it measures the virtual machine and what it asks of the state.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Say = Callable[[str], None]


def measure(
    folder: Path, *, rounds: int, only: str, gas_only: bool, say: Say
) -> tuple[dict[str, Any], bool]:
    """All figures, and whether every one of them is as it should be.

    Raises `InvalidValue` where no operation's name holds `only`.
    """
    from lianheng.cli.benches.machine import describe
    from lianheng.cli.benches.vm import executing, pricing, programs, speed

    prices = pricing.summary(pricing.measure(rounds, only, say))
    figures: dict[str, Any] = {
        "bench": "vm",
        "machine": describe(folder),
        "workload": {"operations": len(prices["operations"]), "rounds": rounds, "only": only},
        "gas": prices,
    }
    good = not prices["too_dear_to_run"]
    if not gas_only:
        say("transfers")
        figures["calls"] = speed.transfers(rounds)
        figures["executed"] = executing.executed(rounds)
        figures["compile"] = speed.compiling(rounds)
        figures["beside_cpython"] = programs.measure(rounds, say)
        parts = (figures[name] for name in ("calls", "executed", "compile", "beside_cpython"))
        good = good and all(part["reached"] for part in parts)
    return figures, good
