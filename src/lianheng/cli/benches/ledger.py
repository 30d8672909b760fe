"""`bench ledger`: signed transfers from submit to durable result."""

import gc
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianheng.cli.benches import chain as chains
from lianheng.cli.benches.machine import describe, percentiles

if TYPE_CHECKING:
    from lianheng.ledger import Submission

WARM_UP = 20_000  # transactions before the clock starts: caches and threads are there
FULL_SPEED_BATCH = 2_000
TICK_SECONDS = 0.01  # at a given rate, a batch every ten milliseconds
WINDOW_SECONDS = 1.0
Say = Callable[[str], None]


@dataclass(slots=True)
class Tally:
    """Latencies and outcomes, filled from the sequencer's thread."""

    milliseconds: list[float] = field(default_factory=list)
    done_at: list[tuple[float, int]] = field(default_factory=list)
    submissions: "list[Submission]" = field(default_factory=list)
    busy: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def watch(self, submission: "Submission", started: float) -> None:
        """Notes when it is durable."""
        self.submissions.append(submission)

        def note(done: "Submission") -> None:
            now = time.perf_counter()
            with self.lock:
                self.milliseconds.append((now - started) * 1000)
                self.done_at.append((now, len(done)))

        submission.add_done_callback(note)

    def outcomes(self) -> dict[str, int]:
        """How many were final, refused, dropped; waits for all."""
        from lianheng.ledger import tally

        counted = [tally(submission.wait()) for submission in self.submissions]
        return {
            "final": sum(c.final for c in counted),
            "refused": sum(c.refused for c in counted),
            "dropped": sum(c.dropped for c in counted),
        }


def measure(
    folder: Path,
    *,
    transactions: int,
    accounts: int,
    batch: int,
    hot: bool,
    rate: float | None,
    say: Say,
) -> dict[str, Any]:
    """Runs the workload; at full speed where `rate` is None.

    A rate of at most 1 is a share of the full speed, which is found first; else a number a second.
    """
    say(f"opening {accounts:,} accounts")
    chain = chains.create(folder / "ledger", accounts)
    chains.open_accounts(chain)
    is_share = rate is not None and rate <= 1
    runs = 2 if is_share else 1  # a run at full speed first, to know what the share is of
    with chain.ledger:
        say(f"signing {WARM_UP + runs * transactions:,} transfers")
        signed = chains.sign_transfers(chain, WARM_UP + runs * transactions, hot=hot)
        say("warming up")
        pour(chain, signed[:WARM_UP], batch).outcomes()
        ready, full = signed[-transactions:], None
        if rate is not None and is_share:
            say("finding the full speed")
            full = summary(pour(chain, signed[WARM_UP:-transactions], batch))
            rate *= full["transactions_per_second"]
        # What the bench itself holds shall not be looked through while it measures.
        gc.collect()
        gc.freeze()
        height = chain.ledger.height
        say("measuring" if rate is None else f"measuring at {rate:,.0f} a second")
        found = pour(chain, ready, batch) if rate is None else drip(chain, ready, rate)
        figures = summary(found)
        blocks = chain.ledger.height - height
        say("summing the balances")
        kept = chains.sum_of_balances(chain) == accounts * chains.START_BALANCE
    return {
        "bench": "ledger",
        "machine": describe(folder),
        "workload": {
            "transactions": transactions,
            "accounts": accounts,
            "rows_read": 2,
            "rows_written": 2,
            "batch": batch if rate is None else max(1, int(rate * TICK_SECONDS)),
            "hot_account": hot,
            "rate": None if rate is None else round(rate),
            "full_speed": None if full is None else full["transactions_per_second"],
            "signed": "beforehand, Ed25519, 64 members",
        },
        **figures,
        "sum_of_balances": "unchanged" if kept else "CHANGED",
        "blocks": blocks,
        "transactions_per_block": round(transactions / max(1, blocks)),
    }


def pour(chain: chains.Chain, signed: Sequence[bytes], batch: int) -> Tally:
    """As fast as the ledger takes them: when its queue is full, wait as it says."""
    from lianheng.model import Busy

    found = Tally()
    for begin in range(0, len(signed), batch):
        part = signed[begin : begin + batch]
        while True:
            started = time.perf_counter()
            try:
                found.watch(chain.ledger.submit(part), started)
                break
            except Busy as full:
                found.busy += 1
                time.sleep(max(1, full.retry_after_ms) / 1000)
    for submission in found.submissions:
        submission.wait()
    return found


def drip(chain: chains.Chain, signed: Sequence[bytes], rate: float) -> Tally:
    """At this many a second. Latency counts from when a batch was due, so a stall is not hidden."""
    found, batch = Tally(), max(1, int(rate * TICK_SECONDS))
    begun = time.perf_counter()
    for number, begin in enumerate(range(0, len(signed), batch)):
        due = begun + number * batch / rate
        if (ahead := due - time.perf_counter()) > 0:
            time.sleep(ahead)
        found.watch(chain.ledger.submit(signed[begin : begin + batch]), due)
    for submission in found.submissions:
        submission.wait()
    return found


def summary(found: Tally) -> dict[str, Any]:
    """Speed over the whole run, in its worst second, and latencies of batches."""
    outcomes = found.outcomes()
    # A block's callbacks run just before its waiters wake: all have run once outcomes are counted.
    begun = min(t - ms / 1000 for (t, _), ms in zip(found.done_at, found.milliseconds, strict=True))
    ended = max(t for t, _ in found.done_at)
    seconds = ended - begun
    return {
        "transactions_per_second": round(outcomes["final"] / seconds, 1),
        "worst_second": worst_window(found.done_at, begun, ended),
        "seconds": round(seconds, 3),
        "submit_to_durable_ms": percentiles(found.milliseconds),
        **outcomes,
        "queue_full": found.busy,
    }


def worst_window(done_at: list[tuple[float, int]], begun: float, ended: float) -> int:
    """The fewest transactions that became durable in any whole second after the first."""
    slots = [0] * max(1, int((ended - begun) / WINDOW_SECONDS))
    for moment, count in done_at:
        slot = int((moment - begun) / WINDOW_SECONDS)
        if slot < len(slots):
            slots[slot] += count
    return min(slots[1:] or slots)
