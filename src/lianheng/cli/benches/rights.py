"""`bench rights`: what policies cost beyond the signatures that they ask for.

The same transfer stands in one contract under several policies. Signed by as many members, calls of
one kind are poured in rounds that take turns, so that what else the machine does falls on all of
them.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lianheng.cli.benches import chain as chains
from lianheng.cli.benches.ledger import pour, summary
from lianheng.cli.benches.machine import describe

BATCH = 1_000
MOST_PERCENT = 10.0
KINDS = {
    "any": ("ANY", 1),
    "role": ("role:operator", 1),
    "any_by_two": ("ANY", 2),
    "two_organisations": ("2 of east,north,south,west", 2),
    "two_roles": ("2 role:operator", 2),
    "half_with_roles": ("ALL role:operator or 1/2 role:operator of east,north,south,west", 2),
}
"""Policies, and how many members sign; each is compared with the first of as many signatures."""
BEGIN, END = '    @call(by="role:operator")\n    def transfer', "    @view"


def measure(
    folder: Path, *, calls: int, rounds: int, accounts: int, say: Callable[[str], None]
) -> dict[str, Any]:
    """Medians of `rounds` rounds of `calls` calls of each kind."""
    chain = chains.create(folder / "ledger", accounts, source=source())
    chains.open_accounts(chain)
    cpu: dict[str, list[float]] = {kind: [] for kind in KINDS}
    speed: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with chain.ledger:
        for number in range(rounds + 1):
            say(f"round {number} of {rounds}")
            # Each round begins with another kind: none is always the first after signing.
            kinds = list(KINDS)[number % len(KINDS) :] + list(KINDS)[: number % len(KINDS)]
            signed = {kind: sign(chain, kind, calls, number) for kind in kinds}
            for kind in kinds:
                began = time.process_time()
                found = summary(pour(chain, signed[kind], BATCH))
                spent = time.process_time() - began
                if found["final"] != calls:
                    raise RuntimeError(f"{kind}: {found['final']} of {calls} calls are final")
                if number > 0:  # the first round warms up
                    cpu[kind].append(1e6 * spent / calls)
                    speed[kind].append(found["transactions_per_second"])
    figures = {kind: figure(kind, cpu, speed) for kind in KINDS}
    return {
        "bench": "rights",
        "machine": describe(folder),
        "workload": {"calls": calls, "rounds": rounds, "accounts": accounts, "batch": BATCH},
        **figures,
        "reached": all(one["more_cpu_percent"] <= MOST_PERCENT for one in figures.values()),
    }


def source() -> str:
    """The contract of accounts with a transfer for each kind."""
    text = chains.own_source()
    begin, end = text.index(BEGIN), text.index(END)
    body = text[begin:end]
    methods = [
        body.replace("role:operator", policy).replace("def transfer", f"def {kind}")
        for kind, (policy, _) in KINDS.items()
    ]
    return text[:begin] + "".join(methods) + text[end:]


def sign(chain: chains.Chain, kind: str, calls: int, seed: int) -> list[bytes]:
    """Transfers of this kind, signed by the payer's holder, and by others after it."""
    count = KINDS[kind][1]
    found = []
    for turn, (source, to) in enumerate(
        chains.transfers(chain.accounts, calls, hot=False, seed=seed)
    ):
        signers = [chain.holder(source + more, turn) for more in range(count)]
        arguments = {"source": source, "to": to, "amount": 1}
        found.append(
            bytes(
                chain.ledger.sign(
                    signers,
                    f"{chains.CONTRACT}.{kind}",
                    arguments,
                    gas=chains.TRANSFER_GAS,
                    expires_in_ms=chains.EXPIRY_MS,
                )
            )
        )
    return found


def figure(
    kind: str, cpu: dict[str, list[float]], speed: dict[str, list[float]]
) -> dict[str, float]:
    """Processor's time a call, how much more than the plainest of as many signatures, speed."""
    base = next(other for other, (_, count) in KINDS.items() if count == KINDS[kind][1])
    # Rounds are compared one by one: what slows one slows its neighbours, too.
    more = [100 * (own / plain - 1) for own, plain in zip(cpu[kind], cpu[base], strict=True)]
    return {
        "cpu_us": round(statistics.median(cpu[kind]), 2),
        "more_cpu_percent": round(statistics.median(more), 1),
        "calls_per_second": round(statistics.median(speed[kind]), 1),
    }
