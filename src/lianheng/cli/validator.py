"""`lianheng validator`: the home of a further node, a fresh key for a node, and who votes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import As, Home, Json, PassphraseFile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lianheng.ledger import Ledger
    from lianheng.members import Identity

app = typer.Typer(
    help="Nodes that vote on blocks: a home for a further one, a fresh key, who votes.",
    no_args_is_help=True,
)
PUBLIC_NAME = "node.public"
At = Annotated[
    int | None, typer.Option("--at", metavar="HEIGHT", help="As of this block; else the next one.")
]


@app.command("list")
def list_validators(at: At = None, home: Home = None, json: Json = False) -> None:
    """List who votes, with which key and power, since when; and who did before."""
    from lianheng.cli._print import console, emit, short, table
    from lianheng.cli._session import open_client
    from lianheng.system.rights import Rights

    with open_client(home) as ledger:
        rights = Rights(ledger, at)
        rows = [shown(one.row) for one in rights.validators]
    if json:
        emit({"height": rights.height, "validators": rows})
        return
    console().print(f"in force for block {rights.height}", style="dim", markup=False)
    table(
        ("node", "power", "votes", "since", "key"),
        [
            (
                one["member"],
                one["power"],
                "yes" if one["status"] == "active" else "no",
                one["since"],
                short(one["key"]),
            )
            for one in rows
        ],
        right=(1, 3),
    )
    if not rows:
        console().print("one sequencer seals this chain, and nobody votes", markup=False)


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A new folder: the node's home.")],
    node: Annotated[str, typer.Option("--node", help="Its member id: node-2@grid.")],
    like: Annotated[
        Path | None,
        typer.Option("--like", metavar="HOME", help="Genesis and peers of a node of this chain."),
    ] = None,
    genesis: Annotated[
        Path | None, typer.Option("--genesis", metavar="FILE", help="The chain's genesis file.")
    ] = None,
    peers: Annotated[
        list[str] | None,
        typer.Option("--peer", metavar="ID@HOST:PORT", help="A node to connect to; repeated."),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="HOST:PORT", help="Where it listens; else this machine."),
    ] = None,
    json: Json = False,
) -> None:
    """Make a home with a fresh key for a node of a chain that runs, or for one that was lost.

    It follows the chain as soon as it is started, and votes once the chain says so.
    """
    from lianheng.cli._node_home import Place, make_node_home
    from lianheng.cli._print import emit
    from lianheng.cli.genesis import checked_address

    place = Place.found(like, genesis, peers or [])
    made = make_node_home(folder, node, place, checked_address(listen), PUBLIC_NAME)
    if json:
        emit(made)
    else:
        show_made(made)


@app.command()
def rotate(
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Give the node of this home a fresh key; it takes it up by itself.

    Signed by the key that it had, or, with --as, by an admin of its organisation.
    """
    from lianheng.cli._node_home import next_key
    from lianheng.cli._print import emit
    from lianheng.cli._session import find_home, load_identity, open_client
    from lianheng.cli._show import print_result

    folder = find_home(home)
    current, fresh = next_key(folder.path)
    with open_client(folder.path) as ledger:
        if fresh.key_id in keys_in_force(ledger, current):
            told = {"status": "in force", "key": fresh.key_id.hex()}
            emit(told) if json else show_taken_up(current.member, folder.path)
            return
        signer = current if member is None else load_identity(folder, member, passphrase_file)
        arguments = rotation(ledger, current, fresh)
        result = ledger.submit(ledger.sign(signer, "members.rotate_key", arguments)).one()
        if json:
            emit(result.to_json())
        else:
            print_result(result, ledger.interface("members"), "rotate_key")
    if not result.final:
        raise typer.Exit(1)
    if not json:
        show_taken_up(current.member, folder.path)


def show_taken_up(node: str, home: Path) -> None:
    """What happens by itself, and where to see it."""
    from lianheng.cli._print import console

    said = f"{node} signs with the fresh key by itself: lianheng status --home {home}"
    console().print(f"  {said}", style="dim", markup=False)


def keys_in_force(ledger: "Ledger", node: "Identity") -> list[bytes]:
    """Ids of its member's keys."""
    return [bytes(key) for key in ledger.view("members.keys_of", {"member": node.member})]


def rotation(ledger: "Ledger", current: "Identity", fresh: "Identity") -> dict[str, Any]:
    """Arguments of `members.rotate_key`: the key of this home, or the only one in force, goes."""
    from lianheng.cli.members import key_in_force
    from lianheng.members import Registration

    own = bytes(current.key_id)
    known = own in keys_in_force(ledger, current)
    old = own if known else key_in_force(ledger, current.member, None)
    part = Registration.make(fresh, ledger.chain, kind="node")
    return {
        "member": str(current.member),
        "old": old,
        "public": part.public,
        "custodial": False,
        "possession": part.possession,
    }


def show_effect(ledger: "Ledger", target: str, arguments: "Mapping[str, Any]") -> None:
    """What a proposal about a validator means for the votes; nothing for other calls."""
    from lianheng.cli._print import console

    rows = [row.value for row in ledger.table("members", "votes").scan(limit=1_000)]
    powers = {row["member"]: int(row["power"]) for row in rows}
    after = dict(powers)
    if target == "members.add_validator":
        after[str(arguments.get("id"))] = int(arguments.get("power", 0))
    elif target == "members.remove_validator":
        after.pop(str(arguments.get("id")), None)
    else:
        return
    needed = 2 * sum(after.values()) // 3 + 1
    said = (
        f"{len(powers)} vote now, {len(after)} then: a block needs power {needed} of "
        f"{sum(after.values())}, it needs {2 * sum(powers.values()) // 3 + 1} of "
        f"{sum(powers.values())} now"
    )
    console().print(f"validators  {said}", markup=False)


def shown(row: Any) -> dict[str, Any]:
    """One validator for people and machines."""
    told = {name: row[name] for name in ("member", "power", "status", "since")}
    return {**told, "key": bytes(row["key"]).hex()}


def show_made(made: dict[str, Any]) -> None:
    """Where it lies and what comes next."""
    from lianheng.cli._print import console, short_hash

    node, home = made["node"], made["home"]
    out = console()
    out.print(
        f"made {home}: {node} on chain {made['chain']}, genesis {short_hash(made['genesis'])}",
        markup=False,
    )
    out.print(
        "node.identity is UNENCRYPTED, as CometBFT needs it: guard this folder", style="yellow"
    )
    admin = f"--as admin@{node.partition('@')[2]}"
    for text in (
        f"follow: lianheng up --detach --home {home}",
        f"a new member: lianheng members add {made['public']} --kind node {admin}",
        f"let it vote: lianheng governance propose members.add_validator id={node} power=1 {admin}",
        f"or, where {node} lost its key: lianheng members rotate {made['public']} {admin}",
    ):
        out.print(f"  {text}", style="dim", markup=False)
