"""`bench state`, `bench signatures` and `bench open`: the core's parts by themselves."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lianheng import _native
from lianheng.cli.benches import chain as chains
from lianheng.cli.benches.machine import describe, percentiles

ROUNDS = 10
READ_KEY_STEP = 7_919  # reads scattered over the keys


def signatures(folder: Path, count: int, threads: int) -> dict[str, Any]:
    """Ed25519 verifications a second, in batches spread over the threads."""
    speeds = [count / _native.bench_signatures(count, threads) for _ in range(ROUNDS)]
    return {
        "bench": "signatures",
        "machine": describe(folder),
        "workload": {"signatures": count, "threads": threads, "rounds": ROUNDS, "suite": 1},
        "verifications_per_second": round(sorted(speeds)[len(speeds) // 2]),
        "slowest_round": round(min(speeds)),
        "fastest_round": round(max(speeds)),
    }


def state(
    folder: Path, keys: int, updates: int, seconds: float, say: Callable[[str], None]
) -> dict[str, Any]:
    """Random updates with root, log sync and bucket writes, as a block makes them."""

    def tell(done: int, all_of_it: int) -> None:
        say(f"{done:,} of {all_of_it:,}")

    say(f"loading {keys:,} rows")
    found: dict[str, Any] = _native.bench_state(str(folder / "state"), keys, updates, seconds, tell)
    blocks = found["block_milliseconds"]
    return {
        "bench": "state",
        "machine": describe(folder),
        "workload": {"keys": found["keys"], "updates": found["updates"], "seconds": seconds},
        "blocks": len(blocks),
        "block_ms": percentiles(blocks),
        "root_ms": percentiles(found["root_milliseconds"]),
        "log_ms": percentiles(found["log_milliseconds"]),
        "apply_ms": percentiles(found["apply_milliseconds"]),
        "load_seconds": round(found["load_seconds"], 1),
    }


def opening(folder: Path, keys: int, say: Callable[[str], None]) -> dict[str, Any]:
    """From a cold process to the first row read, after a clean stop, several times."""
    say(f"writing {keys:,} rows through calls")
    started = time.monotonic()
    chain = chains.create(folder / "ledger", keys)
    with chain.ledger:
        chains.open_accounts(chain)
    filled = time.monotonic() - started
    rounds = []
    for _ in range(3):
        say("opening")
        command = [sys.executable, "-m", "lianheng.cli.benches.first_read", str(folder / "ledger")]
        done = subprocess.run(
            [*command, str(keys // 2)], capture_output=True, text=True, check=True
        )
        rounds.append(json.loads(done.stdout))
    return {
        "bench": "open",
        "machine": describe(folder),
        "workload": {"keys": keys, "fill_seconds": round(filled, 1), "page_cache": "warm"},
        "first_read_ms": percentiles([r["first_read_ms"] for r in rounds]),
        "scattered_read_us": percentiles([r["scattered_read_us"] for r in rounds]),
    }
