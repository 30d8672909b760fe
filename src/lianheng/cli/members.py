"""`lianheng members`: who belongs, at any height; and calls whose arguments are keys."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import As, Home, Json, PassphraseFile

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lianheng.ledger import Ledger
    from lianheng.system.history import Fact, InForce
    from lianheng.system.rights import Rights

app = typer.Typer(help="Who belongs, with roles and keys, at any height; take people in.")
At = Annotated[
    int | None, typer.Option("--at", metavar="HEIGHT", help="As of this block; else the next one.")
]
ProofFolder = Annotated[
    Path | None, typer.Option("--proof", metavar="DIR", help="Write proofs of the answer here.")
]
File = Annotated[
    Path, typer.Argument(metavar="FILE", help="From: lianheng identity export --public")
]
MemberId = Annotated[str, typer.Argument(metavar="ID", help="alice@north")]
Custodial = Annotated[
    bool, typer.Option("--custodial", help="Somebody else keeps the key for the member.")
]
Reason = Annotated[str, typer.Option(help="Why, for the record.")]


@app.callback(invoke_without_command=True)
def members(
    context: typer.Context,
    at: At = None,
    org: Annotated[str | None, typer.Option("--org", help="Of this organisation only.")] = None,
    proof: ProofFolder = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """List organisations, members (kind, roles, status, keys) and who votes on blocks."""
    if context.invoked_subcommand is not None:
        return
    from lianheng.cli._print import emit
    from lianheng.cli._session import open_client
    from lianheng.model import NotFound
    from lianheng.system.rights import Rights

    with open_client(home) as ledger:
        rights = Rights(ledger, at)
        organisations = [o for o in rights.organisations if org in {None, o.row["name"]}]
        if org is not None and not organisations:
            raise NotFound(
                "organisation.unknown",
                f"the chain had no organisation {org} at height {rights.height}",
                "lianheng members lists them",
            )
        found = [m for m in rights.members if org in {None, m.row["organisation"]}]
        answer = listed(rights, organisations, found)
        if json:
            emit(answer)
        else:
            show_list(answer)
        if proof is not None:
            asked = f"members --at {rights.height}" + (f" --org {org}" if org else "")
            facts = [f for one in (*organisations, *found) for f in one.facts]
            facts += [f for m in found for k in keys_of(rights, m.row["id"]) for f in k.facts]
            facts += [f for one in rights.validators for f in one.facts]
            prove(ledger, proof, asked, answer, facts, json=json)


@app.command()
def show(
    member: MemberId,
    at: At = None,
    proof: ProofFolder = None,
    home: Home = None,
    json: Json = False,
) -> None:
    """Show a member: kind, roles, status, since when, and its keys."""
    from lianheng.cli._print import emit
    from lianheng.cli._session import open_client
    from lianheng.system.rights import Rights

    with open_client(home) as ledger:
        rights = Rights(ledger, at)
        person = rights.person(member)
        keys = keys_of(rights, member)
        answer = {
            "height": rights.height,
            **person._asdict(),
            "power": powers_of(rights).get(member, 0),
            "keys": [shown_key(one) for one in keys],
        }
        if json:
            emit(answer)
        else:
            show_member(answer)
        if proof is not None:
            facts = [
                *rights.history.row("members", "members", member).facts,
                *rights.history.row("members", "organisations", person.organisation).facts,
                *(fact for one in keys for fact in one.facts),
            ]
            if person.kind == "node":
                facts += rights.history.row("members", "validators", member).facts
            asked = f"members show {member} --at {rights.height}"
            prove(ledger, proof, asked, answer, facts, json=json)


@app.command()
def add(
    file: File,
    roles: Annotated[str, typer.Option(help="Names joined by commas.")] = "",
    kind: Annotated[
        str | None, typer.Option(help="person, service, device or node; else as the file says.")
    ] = None,
    custodial: Custodial = False,
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Take a member in, from the public part of its identity; an admin of its organisation."""
    from lianheng.cli._session import open_client

    with open_client(home) as ledger:
        public = read_public(ledger, file)
        arguments = {
            "id": str(public.member),
            "kind": kind or public.kind,
            "roles": [role.strip() for role in roles.split(",") if role.strip()],
            "public": public.public,
            "custodial": custodial or public.custodial,
            "possession": public.possession,
        }
        make(ledger, (home, member, passphrase_file), "add_member", arguments, json=json)


@app.command("add-organisation")
def add_organisation(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="From: lianheng genesis follow")],
    lasts: Annotated[
        str, typer.Option(metavar="TIME", help="How long it is open: 7d, 12h, 30m.")
    ] = "7d",
    note: Annotated[str, typer.Option(help="Why, for those who are asked.")] = "",
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Propose to take an organisation in, with its first admin and its node."""
    from lianheng.cli._session import open_client
    from lianheng.cli.governance import finish, propose_call
    from lianheng.members import Arrival

    with open_client(home) as ledger:
        arrival = Arrival.from_bytes(read_file(file))
        require_chain(ledger, file, arrival.admin.chain)
        signing, how = (home, member, passphrase_file), (lasts, note, None)
        ended = propose_call(ledger, signing, "members.add_organisation", arrival.arguments, how)
        finish(ledger, ended, json=json)


@app.command()
def rotate(
    file: File,
    old: Annotated[
        str | None, typer.Option(metavar="HEX", help="Id of the key that goes, its first digits.")
    ] = None,
    custodial: Custodial = False,
    propose: Annotated[
        bool, typer.Option("--propose", help="Where a rule lets other organisations agree to it.")
    ] = False,
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Put a new key in the place of an old one: the member itself, or an admin of its own."""
    from lianheng.cli._session import open_client
    from lianheng.cli.governance import finish, propose_call

    with open_client(home) as ledger:
        public = read_public(ledger, file)
        arguments = {
            "member": str(public.member),
            "old": key_in_force(ledger, public.member, old),
            "public": public.public,
            "custodial": custodial or public.custodial,
            "possession": public.possession,
        }
        signing = (home, member, passphrase_file)
        if propose:
            how = ("7d", "", None)
            ended = propose_call(ledger, signing, "members.rotate_key", arguments, how)
            finish(ledger, ended, json=json)
        else:
            make(ledger, signing, "rotate_key", arguments, json=json)


@app.command()
def suspend(
    who: MemberId,
    reason: Reason = "",
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Let a member sign nothing until it is reinstated."""
    act("suspend_member", who, reason, (home, member, passphrase_file), json=json)


@app.command()
def reinstate(
    who: MemberId,
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Let a suspended member take part again."""
    act("reinstate_member", who, None, (home, member, passphrase_file), json=json)


@app.command()
def remove(
    who: MemberId,
    reason: Reason = "",
    member: As = None,
    home: Home = None,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Remove a member for ever, and its keys with it."""
    act("remove_member", who, reason, (home, member, passphrase_file), json=json)


def keys_of(rights: "Rights", member: str) -> "Sequence[InForce]":
    """A member's keys: those in force, then the others, each by height."""
    found = rights.keys.get(member, ())
    return sorted(found, key=lambda one: (one.row["status"] != "active", one.row["since"]))


def shown_key(one: "InForce") -> dict[str, Any]:
    """One key for people and machines."""
    row = one.row
    told = {name: row[name] for name in ("status", "since", "custodial")}
    return {"id": bytes(row["id"]).hex(), "public": bytes(row["public"]).hex(), **told}


def powers_of(rights: "Rights") -> dict[str, int]:
    """Power of the nodes that vote, by member."""
    rows = [one.row for one in rights.validators]
    return {row["member"]: row["power"] for row in rows if row["status"] == "active"}


def listed(
    rights: "Rights", organisations: "Sequence[InForce]", found: "Sequence[InForce]"
) -> dict[str, Any]:
    """Organisations and members as one document."""
    people = {person.member: person for person in rights.people}
    powers = powers_of(rights)
    return {
        "height": rights.height,
        "organisations": [dict(one.row) for one in organisations],
        "members": [
            {
                **people[one.row["id"]]._asdict(),
                "power": powers.get(one.row["id"], 0),
                "keys": [shown_key(key) for key in keys_of(rights, one.row["id"])],
            }
            for one in found
        ],
    }


def show_list(answer: dict[str, Any]) -> None:
    """Two tables."""
    from lianheng.cli._print import console, short, table

    console().print(f"in force for block {answer['height']}", style="dim", markup=False)
    table(
        ("organisation", "status", "since", "title", "uscc", "lei"),
        [
            tuple(one[name] for name in ("name", "status", "since", "title", "uscc", "lei"))
            for one in answer["organisations"]
        ],
        right=(2,),
    )
    console().print()
    table(
        ("member", "kind", "roles", "status", "since", "keys in force"),
        [
            (
                one["member"],
                one["kind"] + (", votes" if one["power"] else ""),
                ", ".join(one["roles"]) or "-",
                status_of(one),
                one["since"],
                ", ".join(short(k["id"]) for k in one["keys"] if k["status"] == "active") or "-",
            )
            for one in answer["members"]
        ],
        right=(4,),
    )


def status_of(one: dict[str, Any]) -> str:
    """Its status; where its organisation is not in force, that."""
    status = str(one["status"])
    return status if one["in_force"] or status != "active" else "organisation not in force"


def show_member(answer: dict[str, Any]) -> None:
    """Facts, and keys."""
    from lianheng.cli._print import facts, table

    facts(
        {
            "member": answer["member"],
            "organisation": answer["organisation"],
            "kind": answer["kind"],
            "roles": ", ".join(answer["roles"]) or "-",
            "status": status_of(answer),
            "since": f"height {answer['since']}",
            **({"votes": f"with power {answer['power']}"} if answer["power"] else {}),
        }
    )
    table(
        ("key", "status", "since", "kept by"),
        [
            (k["id"], k["status"], k["since"], "somebody else" if k["custodial"] else "the member")
            for k in answer["keys"]
        ],
        right=(2,),
    )


def prove(
    ledger: "Ledger", folder: Path, asked: str, answer: Any, facts: "list[Fact]", *, json: bool
) -> None:
    """Write the proofs of an answer; say so where people read."""
    from lianheng.cli._evidence import told_proofs, write_proofs

    count = write_proofs(ledger, folder, asked, answer, facts)
    if not json:
        told_proofs(count, folder)


def read_public(ledger: "Ledger", file: Path) -> Any:
    """The public part of an identity; raise `IdentityError` where it is for another chain."""
    from lianheng.members import Registration

    public = Registration.from_bytes(read_file(file))
    require_chain(ledger, file, public.chain)
    return public


def read_file(file: Path) -> bytes:
    """Its bytes; raise `IdentityError` where it cannot be read."""
    from lianheng.model import IdentityError, limits

    try:
        with file.open("rb") as opened:
            return opened.read(limits.IDENTITY_FILE_BYTES + 1)
    except OSError as failure:
        raise IdentityError(
            "identity.unreadable", f"{file} cannot be read: {failure.strerror}"
        ) from failure


def require_chain(ledger: "Ledger", file: Path, chain: str) -> None:
    """Raise `IdentityError` where a file was made for another chain."""
    from lianheng.model import IdentityError

    if chain != ledger.chain:
        raise IdentityError(
            "identity.wrong_chain",
            f"{file} is for the chain {chain}, this one is {ledger.chain}",
            "whoever made it makes it for this chain",
        )


def key_in_force(ledger: "Ledger", member: str, digits: str | None) -> bytes:
    """The id of a member's key in force that begins so; of its only one without digits."""
    from lianheng.cli._print import short
    from lianheng.model import NotFound

    keys = [bytes(key) for key in ledger.view("members.keys_of", {"member": member})]
    found = [key for key in keys if key.hex().startswith((digits or "").lower())]
    if len(found) == 1:
        return found[0]
    raise NotFound(
        "key.not_chosen" if keys else "key.unknown",
        f"{member} has {len(keys)} keys in force, and {len(found)} of them fit",
        f"add --old with the first digits of one: {', '.join(map(short, keys)) or 'none'}",
    )


def act(
    method: str,
    who: str,
    reason: str | None,
    signing: tuple[Path | None, str | None, Path | None],
    *,
    json: bool,
) -> None:
    """A call about one member."""
    from lianheng.cli._session import open_client

    arguments = {"id": who} if reason is None else {"id": who, "reason": reason}
    with open_client(signing[0]) as ledger:
        make(ledger, signing, method, arguments, json=json)


def make(
    ledger: "Ledger",
    signing: tuple[Path | None, str | None, Path | None],
    method: str,
    arguments: dict[str, Any],
    *,
    json: bool,
) -> None:
    """One call of `members`; exit code 1 where it is refused."""
    from lianheng.cli._print import emit
    from lianheng.cli._session import find_home, load_identity
    from lianheng.cli._show import print_result

    home, member, secret = signing
    identity = load_identity(find_home(home), member, secret)
    result = ledger.submit(ledger.sign(identity, f"members.{method}", arguments)).one()
    if json:
        emit(result.to_json())
    else:
        print_result(result, ledger.interface("members"), method)
    if not result.final:
        raise typer.Exit(1)
