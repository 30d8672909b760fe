# ruff: noqa: T201  printing is its work
"""Compare many generated programs: `python -m tests.contract.differential --count 100000`."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor

from tests.contract.differential.compare import by_vm, difference
from tests.contract.differential.generator import constructs, programs

CHUNK = 250


def run(first: int, count: int) -> tuple[list[tuple[int, str, str]], Counter[str], Counter[str]]:
    """Differences, constructs used, and refusals, of the programs with these seeds."""
    used: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    found = []
    for seed, source in programs(first, count, used):
        different = difference(source)
        if different is not None:
            found.append((seed, different, source))
        elif why := by_vm(source).refused:
            refused[why.split(": ", 1)[-1]] += 1
    return found, used, refused


def main() -> int:
    """Print differences and the coverage table; 1 where there is a difference."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=1000)
    options.add_argument("--seed", type=int, default=0)
    options.add_argument("--jobs", type=int, default=1)
    options.add_argument("--source", action="store_true", help="show the programs that differ")
    options.add_argument("--constructs", action="store_true", help="show every construct's count")
    given = options.parse_args()
    started = time.monotonic()
    used: Counter[str] = Counter()
    refused: Counter[str] = Counter()
    differences = 0
    starts = range(given.seed, given.seed + given.count, CHUNK)
    with ProcessPoolExecutor(given.jobs) as pool:
        sizes = [min(CHUNK, given.seed + given.count - start) for start in starts]
        for found, more, not_run in pool.map(run, starts, sizes):
            used.update(more)
            refused.update(not_run)
            differences += len(found)
            for seed, what, source in found:
                print(f"seed {seed}: {what}", flush=True)
                if given.source:
                    print(source)
    every = constructs()
    covered = sum(1 for one in every if used[one])
    for one in sorted(every if given.constructs else [one for one in every if not used[one]]):
        print(f"{used[one]:8} {one}")
    for why, count in refused.most_common(20):
        print(f"refused {count:6}: {why}")
    took = time.monotonic() - started
    stopped = sum(refused.values())
    print(f"{given.count} programs, {differences} differences, {stopped} refused or limited,")
    print(f"{covered} of {len(every)} constructs, {took:.0f} s")
    return 1 if differences else 0


if __name__ == "__main__":
    sys.exit(main())
