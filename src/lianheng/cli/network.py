"""`lianheng network`: several organisations' nodes on one machine, started and watched together."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import Json

if TYPE_CHECKING:
    from lianheng.cli._network import Cast, NetworkFolder
    from lianheng.cli._nodes import Node

app = typer.Typer(help="Several validators on this machine.", no_args_is_help=True)
Directory = Annotated[Path, typer.Argument(metavar="DIR", help="Folder with network.toml.")]
FIRST_BLOCK_SECONDS = 30.0
UNENCRYPTED = "UNENCRYPTED development keys, all on this machine: never for real use"


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder.")],
    orgs: Annotated[
        str, typer.Option("--orgs", help="Names joined by commas; each gets one validator.")
    ] = "bank-a,bank-b,hospital,grid",
    chain: Annotated[str, typer.Option("--chain", help="The chain's name.")] = "main",
    contracts: Annotated[
        list[Path] | None,
        typer.Option("--contracts", metavar="FILE", help="Deployed at genesis; may be repeated."),
    ] = None,
    json: Json = False,
) -> None:
    """Make a home for each organisation: keys, one genesis, and how the nodes reach each other."""
    from lianheng.cli._network import create_network
    from lianheng.cli._print import emit

    network, cast = create_network(
        folder,
        organisations=[name.strip() for name in orgs.split(",") if name.strip()],
        chain=chain,
        contracts=[read_contract(file) for file in contracts or ()],
    )
    if json:
        emit(made(network, cast))
    else:
        show_made(network, cast)


@app.command()
def up(
    folder: Directory = Path(),
    all_or_nothing: Annotated[
        bool, typer.Option("--all-or-nothing", help="Stop the others where one does not start.")
    ] = False,
    json: Json = False,
) -> None:
    """Start every node in the background; return once the chain makes blocks."""
    import time

    from lianheng.cli._network import NetworkFolder
    from lianheng.cli._nodes import start_all, stop_all
    from lianheng.cli._print import emit

    network, started = NetworkFolder.read(folder), time.monotonic()
    nodes = start_all(network)
    running = [node for node in nodes if node.failure is None]
    if all_or_nothing and len(running) < len(nodes):
        stop_all([node.home for node in running if not node.said.get("already")])
        running = []
    height = first_block([node.home for node in running], len(nodes))
    seconds = time.monotonic() - started
    if json:
        emit({**report(nodes), "consensus_height": height, "seconds": round(seconds, 3)})
    else:
        show_up(network, nodes, running, height, seconds)
    if len(running) < len(nodes):
        raise typer.Exit(1)


@app.command()
def down(folder: Directory = Path(), json: Json = False) -> None:
    """Stop every node; each finishes what it was given."""
    from lianheng.cli._network import NetworkFolder
    from lianheng.cli._nodes import stop_all
    from lianheng.cli._print import emit, line

    nodes = stop_all(NetworkFolder.read(folder).homes)
    if json:
        emit(report(nodes))
    else:
        width = widest(nodes)
        for node in nodes:
            if node.failure is None:
                line(node.name.ljust(width), "stopped" if node.said["stopped"] else "did not run")
            else:
                show_failure(node, width)
    if any(node.failure for node in nodes):
        raise typer.Exit(1)


@app.command()
def status(folder: Directory = Path(), json: Json = False) -> None:
    """Show each node: height, lag, vote, blocks signed, size; and what the chain can still lose."""
    from lianheng.cli._network import NetworkFolder
    from lianheng.cli._nodes import ask_all, disk_bytes, last_sign
    from lianheng.cli._print import emit, table
    from lianheng.cli._quorum import standing
    from lianheng.cli.status import closed_text

    nodes = ask_all(NetworkFolder.read(folder).homes)
    found = standing(nodes)
    rows = [
        describe(node, nodes, disk_bytes(node.home.path), last_sign(node.home)) for node in nodes
    ]
    if json:
        figures = {"votes": found.votes, "validators": found.of, "losable": found.spare}
        emit({"nodes": rows, **figures, "closed": closed_of(nodes)})
        return
    table(
        ("node", "height", "lag", "votes", "signed last 100", "version", "disk"),
        [cells(row) for row in rows],
        right=(1, 2),
    )
    closed = closed_of(nodes)
    if closed is not None:
        show_standing(f"the chain is over: {closed_text(closed)}", fine=False)
    else:
        show_standing(found.sentence, fine=found.spare > 0)


def closed_of(nodes: "list[Node]") -> dict[str, Any] | None:
    """How the chain was closed, as the first node says that saw it."""
    told = (node.said.get("closed") for node in nodes if node.failure is None)
    return next((dict(closed) for closed in told if closed), None)


@app.command()
def logs(
    folder: Directory = Path(),
    org: Annotated[str | None, typer.Option("--org", help="Of this organisation only.")] = None,
    lines: Annotated[int, typer.Option("-n", help="How many last lines.", min=0)] = 40,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
) -> None:
    """Show what the nodes and their CometBFT say, merged by time."""
    from lianheng.cli._logs import follow_lines, last_lines
    from lianheng.cli._network import NetworkFolder
    from lianheng.cli._print import printable

    network = NetworkFolder.read(folder)
    homes = network.homes if org is None else [network.home(org)]
    files = {
        f"{home.path.name:{max(map(len, network.nodes))}} {kind:5}": home.path / f"{kind}.log"
        for home in homes
        for kind in ("node", "comet")
    }
    shown, places = last_lines(files, lines)
    for text in shown:
        print(printable(text))
    if follow:
        for text in follow_lines(files, places):
            print(printable(text), flush=True)


def read_contract(file: Path) -> Any:
    """A contract of the genesis, named as its file."""
    from lianheng.cli.contract import read_source
    from lianheng.cli.contracts.check import refuse_if_wrong
    from lianheng.model import ContractSource

    source = read_source(file)
    refuse_if_wrong(source, file)
    return ContractSource(file.stem, file.name, source)


def made(network: "NetworkFolder", cast: "Cast") -> dict[str, Any]:
    """A new network for machines."""
    return {
        "folder": str(network.path.resolve()),
        "chain": network.chain,
        "genesis": network.genesis,
        "development": True,
        "nodes": [
            {
                "organisation": name,
                "home": str(network.home(name).path.resolve()),
                "node": node.id,
                "members": [spec.id for spec in cast.people_of(name)],
            }
            for name, node in zip(network.nodes, cast.nodes, strict=True)
        ],
    }


def show_made(network: "NetworkFolder", cast: "Cast") -> None:
    """What was made, what it bears, and what to do next."""
    from lianheng.cli._print import console, line, short_hash
    from lianheng.cli._quorum import bears

    out, width = console(), max(map(len, network.nodes))
    out.print(
        f"made chain {network.chain} in {network.path}, genesis {short_hash(network.genesis)} · "
        f"{bears(len(network.nodes))}",
        markup=False,
    )
    for name, node in zip(network.nodes, cast.nodes, strict=True):
        people = ", ".join(f"{s.id} ({', '.join(s.roles)})" for s in cast.people_of(name))
        line(name.ljust(width), node.id.ljust(width + len("node-1@")), people)
    out.print(UNENCRYPTED, style="yellow")
    out.print(f"  next: lianheng network up {network.path}", style="dim", markup=False)


def first_block(homes: "list[Any]", of: int) -> int:
    """CometBFT's height once the nodes have made a block; 0 where too few run to make one."""
    from lianheng.cli._nodes import wait_for
    from lianheng.cli._quorum import enough

    if not enough(len(homes), of):
        return 0
    nodes = wait_for(
        homes,
        "the first block",
        lambda node: int(node.consensus.get("height", 0)) > 0,
        FIRST_BLOCK_SECONDS,
    )
    return max(int(node.consensus["height"]) for node in nodes)


def show_up(
    network: "NetworkFolder",
    nodes: "list[Node]",
    running: "list[Node]",
    height: int,
    seconds: float,
) -> None:
    """One line a node, then whether the chain goes on, then what to do."""
    from lianheng.cli._print import console, line
    from lianheng.cli._quorum import sentence

    width = widest(nodes)
    for node in nodes:
        if node.failure is not None:
            show_failure(node, width)
            continue
        ready = "ran already"
        if not node.said.get("already"):
            ready = f"ready in {node.said['seconds']:.1f} s  process {node.said['pid']}"
        line(node.name.ljust(width), ready, str(node.said.get("missing") or ""))
    if not running:
        console().print("no node of this network was left running", style="yellow")
        return
    made = f"; height {height:,} after {seconds:.1f} s" if height else ""
    show_standing(sentence(len(running), len(nodes)) + made, fine=len(running) == len(nodes))
    member = next(iter(running[0].home.members()), "MEMBER")
    console().print(
        f"  next: lianheng contract deploy FILE --home {running[0].home.path} --as {member}\n"
        f"  stop: lianheng network down {network.path}",
        style="dim",
        markup=False,
    )


def show_failure(node: "Node", width: int) -> None:
    """Why a node did not do it, on its own line."""
    from lianheng.cli._print import console, line

    if node.failure is not None:
        line(node.name.ljust(width), "FAILED", node.failure.code, node.failure.message, style="red")
        if node.failure.hint:
            console().print(f"{'':{width}}  {node.failure.hint}", style="dim", markup=False)


def show_standing(sentence: str, *, fine: bool) -> None:
    """What the chain can still lose."""
    from lianheng.cli._print import console

    console().print(
        sentence if fine else f"! {sentence}", style=None if fine else "yellow", markup=False
    )


def widest(nodes: "list[Node]") -> int:
    """Width of the longest name."""
    return max(len(node.name) for node in nodes)


def report(nodes: "list[Node]") -> dict[str, Any]:
    """What was done with each node, for machines."""
    from lianheng.cli._errors import error_fields

    return {
        "nodes": [
            {"organisation": node.name, **node.said}
            if node.failure is None
            else {"organisation": node.name, "error": error_fields(node.failure)}
            for node in nodes
        ]
    }


def describe(node: "Node", nodes: "list[Node]", disk: int, since: float) -> dict[str, Any]:
    """One row of the status."""
    from lianheng.client import Home

    heights = [int(other.said["height"]) for other in nodes if other.failure is None]
    height = None if node.failure else int(node.said["height"])
    seen = max(nodes, key=lambda other: int(other.consensus.get("height", -1)))
    signed = seen.consensus.get("signed", {})
    member = str(node.consensus.get("member", f"node-1@{node.name}"))
    return {
        "node": member,
        "organisation": node.name,
        "height": height,
        "lag": None if height is None else max(heights) - height,
        "votes": node.votes,
        "signed_last_100": signed.get(member),
        "signed_of": seen.consensus.get("signed_of"),
        "version": (node.said.get("node") or {}).get("version"),
        "disk_bytes": disk,
        "unreachable": None if node.failure is None else node.failure.message,
        "has_run": Home(node.home.path).comet_log_file.exists(),
        "left_the_chain": Home(node.home.path).diverged_file.exists(),
        "last_sign": since or None,
        **({} if node.failure else {"consensus": dict(node.consensus)}),
    }


def cells(row: dict[str, Any]) -> list[str]:
    """A row as people read it."""
    from datetime import datetime

    from lianheng.cli._print import size

    disk = size(row["disk_bytes"])
    if row["unreachable"] and not row["has_run"]:
        disk = "has not run yet"
    elif row["unreachable"]:
        disk = "LEFT THE CHAIN" if row["left_the_chain"] else "unreachable"
        if row["last_sign"]:
            since = datetime.fromtimestamp(row["last_sign"]).astimezone()
            disk += f" since {since:%H:%M:%S}"
    return [
        row["node"],
        "-" if row["height"] is None else f"{row['height']:,}",
        "-" if row["lag"] is None else f"{row['lag']:,}",
        vote_text(row),
        signed_text(row),
        row["version"] or "-",
        disk,
    ]


def vote_text(row: dict[str, Any]) -> str:
    """Whether its vote counts; a node without one may follow by intent."""
    consensus = row.get("consensus", {})
    if guard := consensus.get("guard"):
        return str(guard["code"])
    if row["votes"]:
        return "yes"
    if consensus.get("catches_up_first"):
        return "soon"
    return "NO" if consensus.get("is_validator", True) else "follows"


def signed_text(row: dict[str, Any]) -> str:
    """`98`, or `7 of 9` on a chain that has not a hundred blocks yet."""
    from lianheng.model import limits

    if row["signed_last_100"] is None:
        return "-"
    of = row["signed_of"]
    return f"{row['signed_last_100']}" + ("" if of == limits.VOTES_BLOCKS else f" of {of}")
