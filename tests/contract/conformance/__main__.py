# ruff: noqa: T201  printing is its work
"""Run independent programs on both engines: `python -m tests.contract.conformance`.

Accepted programs must print the same and end alike; refused ones are counted by construct.
"""

from __future__ import annotations

import argparse
import site
import sys
import sysconfig
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from tests.contract.conformance.extract import Program, programs
from tests.contract.conformance.verdict import Verdict, judged

CHUNK = 40


def roots(*, packages: bool) -> list[Path]:
    """The standard library, and the installed packages where they are wanted."""
    found = [Path(sysconfig.get_path("stdlib"))]
    return found + [Path(path) for path in site.getsitepackages() if packages]


def run(chunk: list[Program]) -> list[tuple[Program, Verdict]]:
    """Verdicts of some programs."""
    return [(program, judged(program.source)) for program in chunk]


def main() -> int:
    """Print the figures; 1 where an accepted program differs or anything crashes."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--every", type=int, default=1, help="only each nth program")
    options.add_argument("--packages", action="store_true", help="installed packages, too")
    options.add_argument("--show", help="print the programs refused only for this reason")
    given = options.parse_args()
    started = time.monotonic()
    every = list(programs(roots(packages=given.packages)))[:: given.every]
    ends: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    alone: Counter[str] = Counter()
    chunks = [every[at : at + CHUNK] for at in range(0, len(every), CHUNK)]
    with ProcessPoolExecutor(given.jobs) as pool:
        try:
            for judgements in pool.map(run, chunks):
                for program, verdict in judgements:
                    ends[verdict.end] += 1
                    reasons.update(verdict.reasons)
                    if len(verdict.reasons) == 1:
                        alone.update(verdict.reasons)
                    if verdict.end in ("different", "crash"):
                        print(f"{verdict.end} {program.name}\n{verdict.detail}", flush=True)
                    if given.show and verdict.reasons == {given.show}:
                        print(f"--- {program.name}\n{program.source}")
        except BrokenProcessPool:
            print("crash: the process of the VM ended")
            ends["crash"] += 1
    print("programs that need it, those that need nothing else, construct:")
    for reason, count in reasons.most_common(60):
        print(f"{count:6} {alone[reason]:6} {reason}")
    print(f"{len(every)} programs, {time.monotonic() - started:.0f} s: ", end="")
    print(", ".join(f"{count} {end}" for end, count in sorted(ends.items())))
    return 1 if ends["different"] or ends["crash"] else 0


if __name__ == "__main__":
    sys.exit(main())
