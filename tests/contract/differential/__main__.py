# ruff: noqa: T201  printing is its work
"""Compare many generated programs: `python -m tests.contract.differential --count 100000`.

Scripts at first, whose constructs are those of expressions and statements; then contracts with
state, `--state-count` of them.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context

from tests.contract.differential import state_compare, state_programs
from tests.contract.differential.generator import constructs
from tests.contract.differential.runs import Part, Span, run, run_state

CHUNK = 250
STATE_CHUNK = 50
Work = Callable[[Span], Part]
TASKS_OF_A_PROCESS = 8  # modules that CPython loaded stay until their process ends


@dataclass(frozen=True)
class Kind:
    """A kind of programs: how many, run how, and the constructs that they shall reach."""

    what: str
    work: Work
    chunk: int
    count: int
    constructs: set[str]


def main() -> int:
    """Print differences and the coverage tables; 1 where there is a difference."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--state-count", type=int, help="a tenth of --count unless given")
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--source", action="store_true", help="show the programs that differ")
    options.add_argument("--constructs", action="store_true", help="show every construct's count")
    given = options.parse_args()
    state_count = given.count // 10 if given.state_count is None else given.state_count
    every_state = state_programs.constructs() | state_compare.ENDS
    scripts = _all(given, Kind("scripts", run, CHUNK, given.count, constructs()))
    stateful = Kind("contracts", run_state, STATE_CHUNK, state_count, every_state)
    contracts = _all(given, stateful)
    return 1 if scripts or contracts else 0


def _all(given: argparse.Namespace, kind: Kind) -> int:
    """Run all programs of a kind; gives the number of differences."""
    every, count, chunk = kind.constructs, kind.count, kind.chunk
    if not count:
        return 0
    started = time.monotonic()
    every_part = Part()
    starts = range(given.seed, given.seed + count, chunk)
    sizes = [min(chunk, given.seed + count - start) for start in starts]
    spans = list(zip(starts, sizes, strict=True))
    with get_context("spawn").Pool(given.jobs, maxtasksperchild=TASKS_OF_A_PROCESS) as pool:
        for (start, size), part in zip(spans, pool.imap(kind.work, spans), strict=True):
            done = start + size - given.seed
            print(f"{done} {kind.what}", end="\r", file=sys.stderr, flush=True)
            for seed, different, source in part.found:
                print(f"seed {seed}: {different}", flush=True)
                if given.source:
                    print(source)
            every_part.add(part)
    used = every_part.used
    for one in sorted(every if given.constructs else [one for one in every if not used[one]]):
        print(f"{used[one]:8} {one}")
    for why, times in every_part.refused.most_common(20):
        print(f"refused {times:6}: {why}")
    stopped, differences = sum(every_part.refused.values()), len(every_part.found)
    covered = sum(1 for one in every if used[one])
    print(f"{count} {kind.what}, {differences} differences, {stopped} refused or limited,")
    print(f"{covered} of {len(every)} constructs, {time.monotonic() - started:.0f} s", flush=True)
    return differences


if __name__ == "__main__":
    sys.exit(main())
