"""Transfer calls a second on one core, and how long a contract of 300 lines takes to compile."""

import itertools
import time
from pathlib import Path
from typing import Any

from lianheng.cli.benches import chain
from lianheng.model import NodeError

ACCOUNTS = 1_000
FEWEST_TRANSFERS = 100_000
MOST_COMPILE_MS = 20.0
OWN = 1  # accounts that the bench's caller owns: 1, 5, 9, ...


def transfers(rounds: int) -> dict[str, Any]:
    """Calls of `accounts.transfer` with all state in the block's cache, without signatures.

    Through the engine's runtime and a transaction's own view of the state, whose writes each call
    hands on to the next one. Not in it: decoding and checking transactions, entries, the root.
    """
    from lianheng import _native

    source = Path(chain.__file__).with_name("accounts.py").read_text(encoding="utf-8")
    encode = _native.cbor_encode
    first = ("open", encode({"first": 0, "count": ACCOUNTS, "balance": chain.START_BALANCE}))
    pairs = itertools.product(range(OWN, ACCOUNTS, 4), (7, 90, 301, 998))
    calls = [
        ("transfer", encode({"source": payer, "to": payee, "amount": 1}))
        for payer, payee in pairs
        if payer != payee
    ]
    found = _native.bench_contract(source, [first], calls, rounds, True, [])
    spent = min(sum(of_round) for of_round in zip(*(runs for _, runs in found), strict=True))
    a_second = len(calls) * 1_000_000_000 / spent
    return {
        "transfers_a_second": round(a_second),
        "transfer_gas": found[0][0],
        "reached": a_second >= FEWEST_TRANSFERS,
    }


def compiling(rounds: int) -> dict[str, Any]:
    """Check and compile of the trade finance pack's contract: the least of some rounds."""
    import trade_finance
    from lianheng import _native

    path = Path(trade_finance.__file__).with_name("receivables.py")
    source = path.read_text(encoding="utf-8")
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        found = _native.check_contract(source, path.name)
        times.append((time.perf_counter() - started) * 1000)
        if found:
            raise NodeError("bench.contract", f"{path.name} is refused: {found[0]}")
    return {
        "lines": len(source.splitlines()),
        "milliseconds": round(min(times), 2),
        "reached": min(times) < MOST_COMPILE_MS,
    }
