"""`lianheng genesis`: organisations begin a chain together, none of them trusted by the others."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import Json, Output, PassphraseFile

if TYPE_CHECKING:
    from lianheng.members import Passphrase
    from lianheng.members.ceremony import Ceremony

app = typer.Typer(
    help="Begin a chain together: new, then each joins, then each signs, then each finishes.",
    no_args_is_help=True,
)
File = Annotated[Path, typer.Argument(metavar="FILE", help="The file that goes around.")]
OwnHome = Annotated[
    Path,
    typer.Option(
        "--home", envvar="LIANHENG_HOME", help="Your organisation's folder; else this one."
    ),
]
LOCKED_NODE = (
    "node.identity is encrypted, and CometBFT needs the node's key in plain: a node of this "
    "home does not start; join with --open-node for one that does"
)
GROUPS = 16  # hexadecimal digits of a hash that are shown


@app.command()
def new(
    chain: Annotated[str, typer.Argument(metavar="CHAIN", help="The chain's name.")],
    output: Output,
    orgs: Annotated[str | None, typer.Option("--orgs", help="Names joined by commas.")] = None,
    continue_: Annotated[
        Path | None,
        typer.Option(
            "--continue", metavar="HOME", help="Carry over the state of this stopped home's chain."
        ),
    ] = None,
    without: Annotated[
        str | None,
        typer.Option("--without", metavar="ORGS", help="Who of that chain is left out."),
    ] = None,
    parameters: Annotated[
        list[str] | None,
        typer.Option("--parameter", metavar="NAME=VALUE", help="Like block_gas=500000000."),
    ] = None,
    policies: Annotated[
        list[str] | None,
        typer.Option(
            "--policy", metavar="CONTRACT.METHOD=POLICY", help="In place of the declared."
        ),
    ] = None,
    roles: Annotated[
        list[str] | None,
        typer.Option("--role", metavar="NAME=chain|organisation", help="A role, and who gives it."),
    ] = None,
    contracts: Annotated[
        list[Path] | None,
        typer.Option("--contract", metavar="FILE", help="Deployed at genesis; may be repeated."),
    ] = None,
    json: Json = False,
) -> None:
    """Write the terms: who takes part, parameters, roles, policies, contracts.

    With --continue: the chain goes on from the last sealed state of another one that ended, under
    a name and a genesis of its own.
    """
    from lianheng.cli._ceremony import FILE_MODE
    from lianheng.cli._continue import parties, read_end, show_end
    from lianheng.cli._print import console, emit
    from lianheng.cli.network import read_contract
    from lianheng.ledger import wall_clock_ms
    from lianheng.members import write_new_file
    from lianheng.members.ceremony import Ceremony, Terms, rehearse
    from lianheng.model import UsageError
    from lianheng.system import contracts as system_contracts

    if output.exists():
        raise UsageError("ceremony.exists", f"{output} is already there", "name another file")
    ended = None if continue_ is None else read_end(continue_)
    names, continues = parties(listed(orgs), listed(without), ended)
    terms = Terms.create(
        chain=chain,
        organisations=names,
        continues=continues,
        time_ms=max(wall_clock_ms(), ended.header.time if ended is not None else 0),
        contracts=[*system_contracts(), *(read_contract(file) for file in contracts or ())],
        parameters={name: number(name, text) for name, text in pairs(parameters).items()},
        roles=pairs(roles),
        policies=pairs(policies),
    )
    ceremony = Ceremony(terms)
    rehearse(ceremony)
    write_new_file(output, ceremony.encoded, mode=FILE_MODE)
    if json:
        left = {} if ended is None else {"unsealed": ended.to_json()}
        emit({**described(ceremony), **left})
        return
    if ended is not None:
        show_end(ended)
    console().print(
        f"made {output}: chain {terms.chain} of {', '.join(terms.organisations)}, "
        f"terms {terms.hash.hex()[:GROUPS]}",
        markup=False,
    )
    option = "" if ended is None else " --continue HOME"
    hint(f"next: send it to all; each runs: lianheng genesis join {output} --org NAME{option}")


@app.command()
def join(
    file: File,
    org: Annotated[str | None, typer.Option("--org", help="Your organisation's name.")] = None,
    merge: Annotated[
        Path | None, typer.Option("--merge", metavar="FILE", help="Take in another copy first.")
    ] = None,
    title: Annotated[str | None, typer.Option("--title", help="Its name for people.")] = None,
    uscc: Annotated[str, typer.Option("--uscc", help="Unified Social Credit Code.")] = "",
    lei: Annotated[str, typer.Option("--lei", help="Legal Entity Identifier.")] = "",
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="HOST:PORT",
            help="Where others reach your node; else this machine.",
        ),
    ] = None,
    node: Annotated[str, typer.Option("--node", help="The node's name.")] = "node-1",
    members: Annotated[
        list[str] | None,
        typer.Option("--member", metavar="NAME=ROLE,ROLE", help="Like alice=operator."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="In place of the part that you added before.")
    ] = False,
    home: OwnHome = Path(),
    continue_: Annotated[
        Path | None,
        typer.Option(
            "--continue", metavar="HOME", help="Your stopped home of the chain that is continued."
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state", metavar="FILE", help="Its state from somebody else, where you have no store."
        ),
    ] = None,
    open_node: Annotated[
        bool,
        typer.Option("--open-node", help="The node's key unencrypted, as CometBFT needs it."),
    ] = False,
    dev: Annotated[
        bool, typer.Option("--dev", help="UNENCRYPTED keys, never for real use.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Make your organisation's keys here, and add its part: public keys, proofs, address."""
    from lianheng.cli._ceremony import (
        Joining,
        join_home,
        read_ceremony,
        replaced,
        write_ceremony,
    )
    from lianheng.cli._continue import copy_identities, not_taken, take_state
    from lianheng.cli._home import HomeFolder
    from lianheng.members import OrganisationSpec

    ceremony = read_ceremony(file)
    left: list[str] = []
    if merge is not None:
        ceremony = ceremony.merge(read_ceremony(merge))
    if org is not None:
        joining = Joining(
            org,
            OrganisationSpec(org if title is None else title, uscc, lei),
            checked_address(address),
            node,
            {name: roles.split(",") if roles else [] for name, roles in pairs(members).items()},
            development=dev,
            open_node=open_node,
        )
        if replace:
            ceremony = replaced(ceremony, org)
        if continue_ is not None or state is not None or ceremony.terms.continues is not None:
            take_state(ceremony.terms, HomeFolder(home), continue_, state)
        if continue_ is not None:
            copy_identities(HomeFolder(continue_), HomeFolder(home), joining)
            left = not_taken(continue_, joining)
        secret = home_passphrase(home, passphrase_file, org)
        ceremony = join_home(ceremony, HomeFolder(home), joining, secret)
    elif merge is None:
        raise typer.BadParameter("name your organisation: --org NAME", param_hint="--org")
    write_ceremony(file, ceremony)
    told(ceremony, file, f"{org} joined" if org else "merged", json=json)
    if left and not json:
        tell_left(left)


@app.command()
def merge(
    file: File,
    others: Annotated[list[Path], typer.Argument(metavar="OTHER...", help="Copies of the file.")],
    json: Json = False,
) -> None:
    """Take into one file what was added to copies of it in parallel."""
    from lianheng.cli._ceremony import read_ceremony, write_ceremony

    ceremony = read_ceremony(file)
    for other in others:
        ceremony = ceremony.merge(read_ceremony(other))
    write_ceremony(file, ceremony)
    told(ceremony, file, "merged", json=json)


@app.command()
def sign(
    file: File,
    home: OwnHome = Path(),
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Sign the document as your organisation's admin, once all have joined."""
    from lianheng.cli._ceremony import own_organisation, read_ceremony, sign_home, write_ceremony
    from lianheng.cli._home import HomeFolder
    from lianheng.cli._session import passphrase

    ceremony, folder = read_ceremony(file), HomeFolder(home)
    name = own_organisation(folder)
    ceremony = sign_home(ceremony, folder, passphrase(passphrase_file, f"admin@{name}"))
    write_ceremony(file, ceremony)
    told(ceremony, file, f"{name} signed", json=json)


@app.command()
def finish(
    file: File,
    home: OwnHome = Path(),
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="HOST:PORT", help="Where the node listens, if elsewhere."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Only the genesis file, without a home."
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="FILE", help="The carried state, for -o without a home."),
    ] = None,
    json: Json = False,
) -> None:
    """Check every proof and signature, and make your organisation's home of the chain."""
    from lianheng.cli._ceremony import FILE_MODE, finish_home, genesis_file, read_ceremony
    from lianheng.cli._home import HomeFolder
    from lianheng.cli._print import console, emit, short_hash
    from lianheng.consensus.cometbft.settings import Address
    from lianheng.members import write_new_file
    from lianheng.model import GenesisFile

    ceremony = read_ceremony(file)
    if output is not None:
        data = genesis_file(ceremony, state)
        write_new_file(output, data, mode=FILE_MODE)
        genesis, where = GenesisFile.from_bytes(data), str(output)
    else:
        at = None if listen is None else Address.parse(checked_address(listen))
        genesis, where = finish_home(ceremony, HomeFolder(home), at), str(home)
    if json:
        emit({**described(ceremony), "genesis": genesis.hash.hex(), "made": where})
        return
    count = len(ceremony.terms.organisations)
    console().print(f"{count} of {count} signed one document", markup=False)
    show_fingerprint(ceremony)
    console().print(
        f"made {where}: chain {ceremony.terms.chain}, genesis {short_hash(genesis.hash)}",
        markup=False,
    )
    if output is None:
        said = None if runnable(home) else LOCKED_NODE
        hint(said or "next: lianheng up --detach" + ("" if home == Path() else f" --home {home}"))


@app.command()
def follow(
    file: File,
    org: Annotated[str, typer.Option("--org", help="Your organisation's name.")],
    output: Output,
    title: Annotated[str | None, typer.Option("--title", help="Its name for people.")] = None,
    uscc: Annotated[str, typer.Option("--uscc", help="Unified Social Credit Code.")] = "",
    lei: Annotated[str, typer.Option("--lei", help="Legal Entity Identifier.")] = "",
    home: OwnHome = Path(),
    node: Annotated[str, typer.Option("--node", help="The node's name.")] = "node-1",
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="HOST:PORT", help="Where others reach it; else here."),
    ] = None,
    dev: Annotated[
        bool, typer.Option("--dev", help="UNENCRYPTED keys, never for real use.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Join a chain that runs: keys and a node's home here, and a file for its organisations."""
    from lianheng.cli._ceremony import FILE_MODE, read_ceremony
    from lianheng.cli._follow import Newcomer, follow_home
    from lianheng.cli._home import HomeFolder
    from lianheng.cli._print import console, emit, short_hash
    from lianheng.cli._session import new_passphrase
    from lianheng.consensus.cometbft.settings import Address
    from lianheng.members import OrganisationSpec, write_new_file
    from lianheng.model import UsageError

    if output.exists():
        raise UsageError("ceremony.exists", f"{output} is already there", "name another file")
    ceremony = read_ceremony(file)
    spec = OrganisationSpec(org if title is None else title, uscc, lei)
    newcomer = Newcomer(org, spec, node, Address.parse(checked_address(listen)), development=dev)
    secret = new_passphrase(passphrase_file, f"new passphrase for admin@{org}")
    genesis, arrival = follow_home(ceremony, HomeFolder(home), newcomer, secret)
    write_new_file(output, arrival.encoded, mode=FILE_MODE)
    if json:
        emit({**described(ceremony), "genesis": genesis.hash.hex(), "made": str(home)})
        return
    show_fingerprint(ceremony)
    console().print(
        f"made {home}: chain {ceremony.terms.chain}, genesis {short_hash(genesis.hash)}; "
        f"{arrival.node.member} follows it\n"
        f"made {output}: {org}, admin's key {arrival.admin.key_id.short}; it holds no secret",
        markup=False,
    )
    hint(f"next: send {output} to an admin of the chain: lianheng members add-organisation")


@app.command()
def show(
    file: File,
    source: Annotated[
        str | None, typer.Option("--source", metavar="CONTRACT", help="Print its source instead.")
    ] = None,
    json: Json = False,
) -> None:
    """Who takes part, who joined and signed, roles, policies, contracts, and the fingerprint."""
    from lianheng.cli import _genesis_show
    from lianheng.cli._ceremony import read_ceremony
    from lianheng.cli._print import emit

    ceremony = read_ceremony(file)
    if source is not None:
        _genesis_show.show_source(ceremony, source)
    elif json:
        emit(described(ceremony))
    else:
        _genesis_show.show(ceremony)
        show_fingerprint(ceremony)


def tell_left(members: list[str]) -> None:
    """Who has to be taken in again."""
    from lianheng.cli._print import counted

    shown = ", ".join(members[:GROUPS])
    more = f" and {len(members) - GROUPS} more" if len(members) > GROUPS else ""
    hint(f"not taken along: {counted(len(members), 'member')}, {shown}{more}")
    hint("  name them with --member, or take them in later: members.add_member")


def listed(text: str | None) -> list[str] | None:
    """Names joined by commas; None where the option was not given."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def pairs(given: list[str] | None) -> dict[str, str]:
    """`NAME=VALUE` by name, each once."""
    from lianheng.model import InvalidValue

    found: dict[str, str] = {}
    for text in given or ():
        name, equals, value = text.partition("=")
        if not equals or name in found:
            raise InvalidValue(
                "value.malformed", f"{text[:80]!r} is not NAME=VALUE, each name once"
            )
        found[name] = value.strip()
    return found


def number(name: str, text: str) -> int:
    """A parameter's value."""
    from lianheng.model import InvalidValue

    digits = text.replace("_", "")
    if not (digits.isascii() and digits.isdigit()):
        raise InvalidValue("value.malformed", f"{name}={text[:80]!r} is not a whole number")
    return int(digits)


def checked_address(given: str | None) -> str:
    """The address, or a free port on this machine."""
    from lianheng.cli._network import LOOPBACK, free_ports
    from lianheng.consensus.cometbft.settings import Address
    from lianheng.model import InvalidValue

    if given is None:
        return f"{LOOPBACK}:{free_ports(1)[0]}"
    try:
        return str(Address.parse(given))
    except ValueError as failure:
        raise InvalidValue(
            "value.malformed", f"{given[:80]!r} is no address", str(failure)
        ) from None


def home_passphrase(home: Path, file: Path | None, organisation: str) -> "Passphrase":
    """A new passphrase for a new home; that of the keys which lie there already."""
    from lianheng.cli._home import HomeFolder
    from lianheng.cli._session import new_passphrase, passphrase

    if HomeFolder(home).node_identity.exists():
        return passphrase(file, f"the keys of {organisation}")
    return new_passphrase(file, f"new passphrase for the keys of {organisation}")


def runnable(home: Path) -> bool:
    """Whether a node can start with the node's key of this home."""
    from lianheng.cli._home import HomeFolder
    from lianheng.members import is_development

    return is_development(HomeFolder(home).node_identity)


def told(ceremony: "Ceremony", file: Path, what: str, *, json: bool) -> None:
    """What was done, who is still missing, and what comes next."""
    from lianheng.cli._print import console, emit

    if json:
        emit(described(ceremony))
        return
    of = len(ceremony.terms.organisations)
    console().print(
        f"{what}: {of - len(ceremony.missing)} of {of} joined, {len(ceremony.signatures)} signed; "
        f"{file} holds no secret",
        markup=False,
    )
    if ceremony.missing:
        hint(f"next: send it on to {', '.join(ceremony.missing)}")
        return
    show_fingerprint(ceremony)
    if ceremony.unsigned:
        hint(f"next: {', '.join(ceremony.unsigned)}: lianheng genesis sign {file}")
    else:
        hint(f"next: send it to all; each runs: lianheng genesis finish {file}")


def show_fingerprint(ceremony: "Ceremony") -> None:
    """What to compare by phone; nothing before all have joined."""
    from lianheng.cli._print import console

    if not ceremony.missing:
        found = ceremony.fingerprint
        console().print(f"compare by phone: {found.digits} · {found.words}", markup=False)


def hint(text: str) -> None:
    """What to do next."""
    from lianheng.cli._print import console

    console().print(f"  {text}", style="dim", markup=False)


def described(ceremony: "Ceremony") -> dict[str, Any]:
    """A ceremony for machines."""
    from lianheng.cli._genesis_show import fields

    found = fields(ceremony)
    if not ceremony.missing:
        fingerprint = ceremony.fingerprint
        found["fingerprint"] = {"digits": fingerprint.digits, "words": fingerprint.words}
    return found
