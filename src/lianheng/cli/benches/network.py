"""`bench network`: validators on this machine, from submit to final result and to receipt."""

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianheng.cli.benches import chain as chains
from lianheng.cli.benches import processes
from lianheng.cli.benches.ledger import Tally, worst_window
from lianheng.cli.benches.machine import describe, percentiles

if TYPE_CHECKING:
    from lianheng.cli._network import NetworkFolder
    from lianheng.client import LocalClient

Say = Callable[[str], None]
WARM_UP = 8_000  # transactions before the clock starts
LONE_CALLS = 100
TICK_SECONDS = 0.05  # at a given rate, each node gets a batch so often
IDLE_SECONDS = 20.0
SETTLE_SECONDS = 3.0  # after the last seal, before the rest is measured
CATCH_UP_SECONDS = 60.0
# The first call: an account beside those of the workload.
FIRST = {"first": 1_000_000_000, "count": 1, "balance": 1}
# A call is counted once so many nodes hold its block: as many as decide in a network of four.
HOLDERS = 3


@dataclass(slots=True)
class Running:
    """A network that runs, with a client at each node and the chain's accounts."""

    network: "NetworkFolder"
    clients: "list[LocalClient]"
    chain: chains.Chain
    first_call_seconds: float = 0.0
    heights: list[int] = field(default_factory=list)


def measure(
    folder: Path,
    *,
    validators: int,
    transactions: int,
    accounts: int,
    batch: int,
    share: float,
    say: Say,
) -> dict[str, Any]:
    """Runs all workloads on one network: full speed, a share of it, a lone client, rest."""
    with running(folder / "network", validators, say) as found:
        say("resting, new")
        fresh = idle(found)
        say(f"opening {accounts:,} accounts")
        chain = found.chain = chains.Chain(found.clients[0], found.chain.members, accounts)
        chains.open_accounts(chain)
        say(f"signing {WARM_UP + 2 * transactions:,} transfers")
        signed = sign_by_node(chain, WARM_UP + 2 * transactions)
        say("warming up")
        cut, ready = (count // len(signed) for count in (WARM_UP, transactions))
        pour(found, [each[:cut] for each in signed], batch)
        gc.collect()
        gc.freeze()
        say("measuring at full speed")
        full = pour(found, [each[cut : cut + ready] for each in signed], batch)
        rate = full["transactions_per_second"] * share
        say(f"measuring at {rate:,.0f} a second")
        paced = drip(found, [each[cut + ready : cut + 2 * ready] for each in signed], rate)
        say("one lone client")
        lone = lone_client(chain, found.clients[0])
        say("resting, after all this")
        rest = idle(found)
        kept = chains.sum_of_balances(chain) == accounts * chains.START_BALANCE + FIRST["balance"]
        agree = same_headers(found)
    return {
        "bench": "network",
        "machine": describe(folder),
        "workload": {
            "validators": validators,
            "transactions": transactions,
            "accounts": accounts,
            "batch": batch,
            "rows_read": 2,
            "rows_written": 2,
            "signed": "beforehand, Ed25519, 64 members, each at its own node",
        },
        "new_and_up_to_first_final_call_seconds": round(found.first_call_seconds, 2),
        **full,
        f"at_{share:.0%}": {"rate": round(rate), **paced},
        "lone_client": lone,
        "rest_of_a_new_network": fresh,
        "rest_after_load": rest,
        "sum_of_balances": "unchanged" if kept else "CHANGED",
        "headers": "equal on all nodes" if agree else "DIFFERENT",
    }


@contextmanager
def running(folder: Path, validators: int, say: Say) -> Iterator[Running]:
    """A new network with the workload's members and contract; stopped in the end."""
    from lianheng.cli._network import create_network
    from lianheng.cli._nodes import start_all, stop_all
    from lianheng.client import LocalClient
    from lianheng.model import ContractSource

    payers = chains.ORGANISATIONS
    others = [f"validator-{number}" for number in range(len(payers) + 1, validators + 1)]
    source = Path(__file__).with_name("accounts.py").read_text(encoding="utf-8")
    roles = {f"m{n}@{org}": "operator" for n in range(chains.MEMBERS_EACH) for org in payers}
    say("making and starting the network")
    started = time.perf_counter()
    network, cast = create_network(
        folder,
        organisations=[*payers, *others],
        chain="bench",
        roles=roles,
        contracts=[ContractSource(chains.CONTRACT, "accounts.py", source)],
    )
    clients: list[LocalClient] = []
    try:
        for node in start_all(network):
            if node.failure is not None:
                raise node.failure
        clients = [LocalClient.connect(home.path) for home in network.homes]
        chain = chains.Chain(clients[0], [spec.identity for spec in cast.people], 1)
        chains.call(chain, chain.members[0], "open", FIRST)
        yield Running(network, clients, chain, time.perf_counter() - started)
    finally:
        for client in clients:
            client.close()
        stop_all(network.homes)


def sign_by_node(chain: chains.Chain, count: int) -> list[list[bytes]]:
    """Transfers for each of the first nodes: those of its organisation's accounts."""
    signed = chains.sign_transfers(chain, count, hot=False)
    found: list[list[bytes]] = [[] for _ in chains.ORGANISATIONS]
    pairs = chains.transfers(chain.accounts, count, hot=False)
    for (source, _), transaction in zip(pairs, signed, strict=True):
        found[source % len(found)].append(transaction)
    return found


def pour(found: Running, parts: Sequence[Sequence[bytes]], batch: int) -> dict[str, Any]:
    """As fast as the nodes take them, all at once."""
    from lianheng.model import Busy

    tally = Tally()
    waiting = [
        [part[begin : begin + batch] for begin in range(0, len(part), batch)][::-1]
        for part in parts
    ]
    ready_at = [0.0] * len(parts)
    while any(waiting):
        for place, client in enumerate(found.clients[: len(parts)]):
            if not waiting[place] or ready_at[place] > time.perf_counter():
                continue
            started = time.perf_counter()
            try:
                tally.watch(client.submit(waiting[place][-1]), started)
                waiting[place].pop()
            except Busy as full:
                tally.busy += 1
                ready_at[place] = started + full.retry_after_ms / 1000
        time.sleep(0.001)
    return summary(found, tally)


def drip(found: Running, parts: Sequence[Sequence[bytes]], rate: float) -> dict[str, Any]:
    """At this many a second over all nodes. Latency counts from when a batch was due."""
    tally = Tally()
    each = max(1, int(rate * TICK_SECONDS / len(parts)))
    tick = each * len(parts) / rate
    begun = time.perf_counter()
    for number, begin in enumerate(range(0, min(map(len, parts)), each)):
        due = begun + number * tick
        if (ahead := due - time.perf_counter()) > 0:
            time.sleep(ahead)
        for client, part in zip(found.clients, parts, strict=False):
            tally.watch(client.submit(part[begin : begin + each]), due)
    return {"batch": each, **summary(found, tally)}


def summary(found: Running, tally: Tally) -> dict[str, Any]:
    """Speed until enough nodes hold the last block, and latencies of batches."""
    outcomes = tally.outcomes()
    ended = held_by(found, min(HOLDERS, len(found.clients)))
    begun = min(t - ms / 1000 for (t, _), ms in zip(tally.done_at, tally.milliseconds, strict=True))
    return {
        "transactions_per_second": round(outcomes["final"] / (ended - begun), 1),
        "worst_second": worst_window(tally.done_at, begun, ended),
        "seconds": round(ended - begun, 3),
        "submit_to_final_ms": percentiles(tally.milliseconds),
        **outcomes,
        "queue_full": tally.busy,
    }


def held_by(found: Running, holders: int) -> float:
    """When so many nodes hold the highest block there is."""
    deadline = time.perf_counter() + CATCH_UP_SECONDS
    highest = max(client.height for client in found.clients)
    while True:
        heights = sorted((client.height for client in found.clients), reverse=True)
        now = time.perf_counter()
        if heights[holders - 1] >= highest or now > deadline:
            return now
        time.sleep(0.002)


def lone_client(chain: chains.Chain, client: "LocalClient") -> dict[str, Any]:
    """One call at a time: until its result is final, and until its receipt can be exported."""
    final, receipt = [], []
    member, arguments = chain.members[0], {"source": 0, "to": 1, "amount": 1}
    account = next(n for n in range(4) if chain.owner(n) == member.member.organisation)
    arguments["source"], arguments["to"] = account, account + 1
    for _ in range(LONE_CALLS):
        started = time.perf_counter()
        result = chains.call(chain, member, "transfer", arguments)
        final.append((time.perf_counter() - started) * 1000)
        if result.id is not None:
            client.receipt(result.id)
        receipt.append((time.perf_counter() - started) * 1000)
    return {"final_ms": percentiles(final), "receipt_ms": percentiles(receipt)}


def idle(found: Running) -> dict[str, Any]:
    """What the processes of all nodes use together while nothing waits."""
    time.sleep(SETTLE_SECONDS)
    nodes = [client.node_pid for client in found.clients]
    pids = processes.with_children(nodes)
    before, height = processes.cpu_seconds(pids), consensus_height(found)
    time.sleep(IDLE_SECONDS)
    used = processes.cpu_seconds(pids) - before
    return {
        "seconds": IDLE_SECONDS,
        "processes": len(pids),
        "percent_of_one_core": round(100 * used / IDLE_SECONDS, 2),
        "memory_bytes": processes.memory_bytes(pids),
        "of_it_cometbft_bytes": processes.memory_bytes(pids[len(nodes) :]),
        "blocks_made": consensus_height(found) - height,
    }


def consensus_height(found: Running) -> int:
    """CometBFT's height at the first node."""
    status = found.clients[0].node_status(CATCH_UP_SECONDS)
    return int(status["consensus"]["height"])


def same_headers(found: Running) -> bool:
    """Whether all nodes have the same last header, once all have come to one height."""
    held_by(found, len(found.clients))
    height = min(client.height for client in found.clients)
    return len({client.block(height).header.encoded for client in found.clients}) == 1
