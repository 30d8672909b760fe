"""`lianheng bench`: figures that anybody can repeat, with machine, workload, drops, refusals."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from lianheng.cli._options import Json

app = typer.Typer(help="Measure this machine.", no_args_is_help=True)
Folder = Annotated[
    Path, typer.Option("--dir", help="On which disk; a folder in it is made and removed.")
]
Keys = Annotated[int, typer.Option(help="Rows that exist.", min=1_000)]
CORES = 0
VALIDATORS = 4
Say = Callable[[str], None]


@app.command()
def signatures(
    count: Annotated[int, typer.Option(help="Signatures a round.", min=1)] = 20_000,
    threads: Annotated[int, typer.Option(help="0: one a core.", min=0)] = CORES,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Ed25519 verifications a second."""
    import os

    from lianheng.cli.benches import state

    with workplace(folder, json=json) as (place, say):
        say("verifying")
        show(state.signatures(place, count, threads or os.cpu_count() or 1), json=json)


@app.command("state")
def state_(
    keys: Keys = 1_000_000,
    updates: Annotated[int, typer.Option(help="Random updates a block.", min=1)] = 4_000,
    seconds: Annotated[float, typer.Option(help="For how long.", min=1)] = 300.0,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Time of a block's updates until the root is computed and durable."""
    from lianheng.cli.benches import state

    with workplace(folder, json=json) as (place, say):
        show(state.state(place, keys, updates, seconds, say), json=json)


@app.command()
def ledger(
    transactions: Annotated[int, typer.Option(help="How many.", min=1_000)] = 300_000,
    accounts: Annotated[int, typer.Option(help="Accounts.", min=10)] = 100_000,
    batch: Annotated[int, typer.Option(help="Transactions a submit.", min=1)] = 2_000,
    hot: Annotated[bool, typer.Option("--hot", help="All on one account.")] = False,
    rate: Annotated[
        str | None, typer.Option(help="70% of the full speed, which is found first; or a number.")
    ] = None,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Signed transfers from submit to durable result: two rows read, two written."""
    from lianheng.cli.benches import ledger as bench_ledger

    with workplace(folder, json=json) as (place, say):
        figures = bench_ledger.measure(
            place,
            transactions=transactions,
            accounts=accounts,
            batch=batch,
            hot=hot,
            rate=share_of(rate),
            say=say,
        )
        show(figures, json=json)


@app.command()
def network(
    validators: Annotated[int, typer.Option(help="On this machine.", min=4, max=16)] = 4,
    transactions: Annotated[int, typer.Option(help="In each run.", min=1_000)] = 60_000,
    accounts: Annotated[int, typer.Option(help="Accounts.", min=8)] = 20_000,
    batch: Annotated[int, typer.Option(help="Submitted at once.", min=1)] = 500,
    rate: Annotated[str, typer.Option(help="Share of the full speed for the second run.")] = "70%",
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Validators on this machine: full speed, a share of it, a lone client, and rest."""
    from lianheng.cli.benches import network as bench_network

    with workplace(folder, json=json) as (place, say):
        figures = bench_network.measure(
            place,
            validators=validators,
            transactions=transactions,
            accounts=accounts,
            batch=batch,
            share=share_of(rate) or 1.0,
            say=say,
        )
        show(figures, json=json)


@app.command()
def envelopes(
    validators: Annotated[int, typer.Option(help="On this machine.", min=4, max=16)] = 4,
    size: Annotated[
        int, typer.Option(help="Bytes of a transaction.", min=1_000, max=1_000_000)
    ] = 250_000,
    seconds: Annotated[float, typer.Option(help="Each of four windows.", min=1)] = 10.0,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Opaque transactions through our ABCI server, against CometBFT's own kvstore."""
    from lianheng.cli.benches import envelopes as bench_envelopes

    with workplace(folder, json=json) as (place, say):
        figures = bench_envelopes.measure(
            place, validators=validators, size=size, seconds=seconds, say=say
        )
        show(figures, json=json)


@app.command("open")
def open_(keys: Keys = 1_000_000, folder: Folder = Path(), json: Json = False) -> None:
    """From opening a ledger of so many rows to the first row read."""
    from lianheng.cli.benches import state

    with workplace(folder, json=json) as (place, say):
        show(state.opening(place, keys, say), json=json)


@app.command()
def policies(
    organisations: Annotated[int, typer.Option(help="How many.", min=4)] = 1_000,
    members: Annotated[int, typer.Option(help="Of all of them.", min=100)] = 100_000,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Time of policies on a chain of many organisations and members, and of opening it."""
    from lianheng.cli.benches import policies as bench_policies

    with workplace(folder, json=json) as (place, say):
        show(bench_policies.measure(place, organisations, members, say), json=json)


@app.command()
def rights(
    calls: Annotated[int, typer.Option(help="Of each kind in a round.", min=1_000)] = 10_000,
    rounds: Annotated[int, typer.Option(help="Kinds take turns in each.", min=1)] = 7,
    accounts: Annotated[int, typer.Option(help="Accounts.", min=10)] = 20_000,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """What policies cost beyond their signatures, against ANY signed by as many."""
    from lianheng.cli.benches import rights as bench_rights

    with workplace(folder, json=json) as (place, say):
        figures = bench_rights.measure(
            place, calls=calls, rounds=rounds, accounts=accounts, say=say
        )
        show(figures, json=json)


@app.command()
def vm(
    rounds: Annotated[int, typer.Option(help="Runs of each; the best one counts.", min=1)] = 10,
    only: Annotated[str, typer.Option(help="Operations whose name holds this.")] = "",
    gas_only: Annotated[bool, typer.Option("--gas-only", help="Only what gas takes.")] = False,
    folder: Folder = Path(),
    json: Json = False,
) -> None:
    """Ns a gas of every operation; programs beside CPython; transfers; compiling.

    Exit code 1: an operation takes more than 10 times the median, or a figure is not reached.
    """
    from lianheng.cli.benches import vm as bench_vm
    from lianheng.cli.benches.vm.table import show_prices

    with workplace(folder, json=json) as (place, say):
        figures, good = bench_vm.measure(
            place, rounds=rounds, only=only, gas_only=gas_only, say=say
        )
    if not json:
        show_prices(figures["gas"].pop("operations"))
    show(figures, json=json)
    if not good:
        raise typer.Exit(1)


@app.command("all")
def all_(folder: Folder = Path(), json: Json = False) -> None:
    """All of them, some minutes; the state for one minute instead of five."""
    import os

    from lianheng.cli._print import emit
    from lianheng.cli.benches import ledger as bench_ledger
    from lianheng.cli.benches import state
    from lianheng.cli.benches import vm as bench_vm

    virtual_machine: dict[str, Any] = {"rounds": 10, "only": "", "gas_only": False}

    def transfers(place: Path, say: Say, *, hot: bool, share: float | None) -> dict[str, Any]:
        return bench_ledger.measure(
            place,
            transactions=300_000,
            accounts=100_000,
            batch=2_000,
            hot=hot,
            rate=share,
            say=say,
        )

    benches: list[Callable[[Path, Say], dict[str, Any]]] = [
        lambda place, _: state.signatures(place, 20_000, os.cpu_count() or 1),
        lambda place, say: state.state(place, 1_000_000, 4_000, 60.0, say),
        lambda place, say: transfers(place, say, hot=False, share=None),
        lambda place, say: transfers(place, say, hot=True, share=None),
        lambda place, say: transfers(place, say, hot=False, share=0.7),
        lambda place, say: state.opening(place, 1_000_000, say),
        lambda place, say: without_table(bench_vm.measure(place, **virtual_machine, say=say)[0]),
        *of_networks(),
    ]
    found = []
    for bench in benches:
        with workplace(folder, json=json) as (place, say):
            found.append(bench(place, say))
        if not json:
            show(found[-1], json=False)
    if json:
        emit({"benches": found})


def of_networks() -> list[Callable[[Path, Say], dict[str, Any]]]:
    """The benches that need CometBFT; none, and a word why, where it is not installed."""
    from lianheng.cli._print import console
    from lianheng.cli.benches import envelopes as bench_envelopes
    from lianheng.cli.benches import network as bench_network
    from lianheng.consensus.cometbft.process import find_binary
    from lianheng.model import NodeError

    try:
        find_binary()
    except NodeError as missing:
        why = f"without bench network and envelopes: {missing.message}; {missing.hint}"
        console(error=True).print(why)
        return []
    return [
        lambda place, say: bench_network.measure(
            place,
            validators=VALIDATORS,
            transactions=60_000,
            accounts=20_000,
            batch=500,
            share=0.7,
            say=say,
        ),
        lambda place, say: bench_envelopes.measure(
            place, validators=VALIDATORS, size=250_000, seconds=10.0, say=say
        ),
    ]


def without_table(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures of the virtual machine without those of each operation."""
    gas = figures["gas"]
    del gas["operations"]
    gas["over_priced"] = len(gas["over_priced"])
    programs = figures["beside_cpython"].pop("programs")
    times = {name: found["times"] for name, found in programs.items()}
    return {**figures, "beside_cpython": {**figures["beside_cpython"], **times}}


def share_of(rate: str | None) -> float | None:
    """`70%` to 0.7; a plain number of transactions a second stays."""
    import re

    from lianheng.model import InvalidValue

    if rate is None:
        return None
    match = re.fullmatch(r"([1-9]\d?\d?%|[1-9]\d{1,6})", rate)
    value = int(rate.removesuffix("%")) if match else 0
    is_share = rate.endswith("%")
    if match is None or (is_share and value > 100):  # noqa: PLR2004 - per cent
        raise InvalidValue(
            "value.malformed",
            f"{rate!r} is neither a share nor a number a second",
            "for example --rate 70%, or --rate 10000",
        )
    return value / 100 if is_share else float(value)


@contextmanager
def workplace(folder: Path, *, json: bool) -> Iterator[tuple[Path, Say]]:
    """A folder that is removed in the end, and a way to say what is going on."""
    import sys
    import tempfile

    from lianheng.cli._print import console

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="lianheng-bench-", dir=folder) as made:
        if json or not sys.stderr.isatty():
            yield Path(made), lambda _: None
            return
        with console(error=True).status("starting") as shown:
            yield Path(made), shown.update


def show(figures: dict[str, Any], *, json: bool) -> None:
    """The figures for people, or all of them for machines."""
    from lianheng.cli._print import console, emit, facts, size

    if json:
        emit(figures)
        return
    rest = {k: v for k, v in figures.items() if k not in {"bench", "machine", "workload"}}
    machine, work = figures["machine"], figures["workload"]
    console().print(f"bench {figures['bench']}", style="bold")
    place = (
        f"{machine['cores']} cores, {machine['processor']}, {size(machine['memory_bytes'])}, "
        f"sync {machine['sync_ms']['p50']} ms"
    )
    workload = ", ".join(f"{k.replace('_', ' ')} {plain(v)}" for k, v in work.items() if v)
    facts({"machine": place, "workload": workload})
    facts({name.replace("_", " "): plain(value) for name, value in rest.items()})


def plain(value: object) -> str:
    """A figure for people."""
    if isinstance(value, dict):
        return " · ".join(f"{name} {plain(item)}" for name, item in value.items())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"
