"""Transfers from their bytes to the state root: without signature checks, log and disk.

Runs in a process of its own, because the number of threads is settled once for a process.
"""

import json
import os
import subprocess
import sys
import time
from typing import Any

from lianheng.cli.benches import chain as chains

FEWEST_TRANSFERS = 100_000
FEW_ACCOUNTS = 1_000
MANY_ACCOUNTS = 100_000
BLOCK = 4_000  # transfers: what a busy chain's blocks hold
WARM_UP = 2  # blocks that are not counted
NO_LIMIT = {"block_gas": 1 << 50, "block_transactions": 100_000}
THREADS = "RAYON_NUM_THREADS"  # of the pools that decode and compute roots


def executed(rounds: int) -> dict[str, Any]:
    """Transfers a second on one core, all state in memory: the best of some blocks.

    Decoding, admission, policy, run, entry, roots and header are in it; `commit`, which hands a
    block to the store in memory, is told beside it. More accounts change more of the tree.
    """
    ran = subprocess.run(
        [sys.executable, "-m", __name__, str(rounds)],
        env={**os.environ, THREADS: "1"},
        stdout=subprocess.PIPE,
        check=True,
    )
    few, many = json.loads(ran.stdout)
    return {
        **few,
        f"over_{MANY_ACCOUNTS}_accounts": many,
        "reached": few["transfers_a_second"] >= FEWEST_TRANSFERS,
    }


def measure(accounts: int, rounds: int) -> dict[str, Any]:
    """The best block and its parts, with as many threads as this process has."""
    from lianheng import _native

    chain = chains.create(None, accounts, parameters=NO_LIMIT)
    count = (rounds + WARM_UP) * BLOCK
    first = parts(chains.openings(chain), chains.OPENED_TOGETHER)
    blocks = parts(chains.sign_transfers(chain, count, hot=False), BLOCK)
    found = _native.bench_execute(
        chain.document,
        time.time_ns() // 1_000_000,
        [*first, *blocks[:WARM_UP]],
        blocks[WARM_UP:],
    )
    chain.ledger.close()
    best = min(map(sum, zip(found["decode"], found["execute"], strict=True)))
    return {
        "transfers_a_second": round(BLOCK * 1_000_000_000 / best),
        **{f"{name}_us": round(min(times) / BLOCK / 1_000, 2) for name, times in found.items()},
    }


def parts(signed: list[Any], size: int) -> list[list[bytes]]:
    """The same transactions in blocks of this size."""
    return [
        [bytes(one) for one in signed[begin : begin + size]]
        for begin in range(0, len(signed), size)
    ]


if __name__ == "__main__":
    print(json.dumps([measure(count, int(sys.argv[1])) for count in (FEW_ACCOUNTS, MANY_ACCOUNTS)]))
