"""`lianheng identity`: a member's key in a file of its own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lianheng.cli._options import Json, Output, PassphraseFile

if TYPE_CHECKING:
    from lianheng.members import IdentityCard

app = typer.Typer(help="Keys of members, one file each.", no_args_is_help=True)
File = Annotated[Path, typer.Argument(metavar="FILE", help="An identity file.")]
Development = Annotated[bool, typer.Option("--dev", help="UNENCRYPTED, for development only.")]
NewPassphraseFile = Annotated[
    Path | None,
    typer.Option("--new-passphrase-file", help="File with the new passphrase; else it is asked."),
]


@app.command()
def new(
    member: Annotated[str, typer.Argument(metavar="MEMBER", help="alice@bank-a")],
    output: Output,
    kind: Annotated[
        str, typer.Option("--kind", help="person, service, device or node.")
    ] = "person",
    custodial: Annotated[
        bool, typer.Option("--custodial", help="Somebody else keeps it for the member.")
    ] = False,
    dev: Development = False,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Make a key and write it, encrypted."""
    from lianheng.cli._print import console, emit
    from lianheng.cli._session import new_passphrase
    from lianheng.members import Identity, check_kind, read_card, write_identity

    check_kind(kind)
    identity = Identity.generate(member, development=dev)
    secret = None if dev else new_passphrase(passphrase_file, f"passphrase for {member}")
    write_identity(output, identity, secret, kind=kind, custodial=custodial)
    card = read_card(output)
    if json:
        emit({"file": str(output), **card_fields(card)})
        return
    console().print(
        f"made {output}: {member}, key {card.key_id.short} ({protection(card)})", markup=False
    )
    console().print(
        f"  keep a copy of it; to be taken in: lianheng identity export {output} --public "
        "--chain CHAIN -o FILE",
        style="dim",
        markup=False,
    )


@app.command()
def show(file: File, json: Json = False) -> None:
    """What a file says: whose key, which one, whether it is encrypted. Needs no passphrase."""
    from lianheng.cli._print import emit, facts
    from lianheng.members import is_registration, read_card

    if is_registration(head(file)):
        return show_registration(file, json=json)
    card = read_card(file)
    if json:
        return emit(card_fields(card))
    facts(
        {
            "member": card.member,
            "kind": card.kind,
            "key id": card.key_id.hex(),
            "public key": card.public.hex(),
            "key type": card.key_type,
            "kept by": keeper(custodial=card.custodial),
            "file": protection(card),
        }
    )
    return None


@app.command()
def export(
    file: File,
    output: Output,
    public: Annotated[
        bool, typer.Option("--public", help="Only what an admin needs to take the member in.")
    ] = False,
    chain: Annotated[
        str | None, typer.Option("--chain", help="With --public: the chain to be taken into.")
    ] = None,
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: NewPassphraseFile = None,
    json: Json = False,
) -> None:
    """Write the key to another file under another passphrase, or its public part alone."""
    from lianheng.cli._print import console, emit
    from lianheng.members import Registration, read_card, write_new_file
    from lianheng.model import UsageError

    if public != (chain is not None):
        raise UsageError(
            "usage.public",
            "a public part is made for one chain",
            "give --public and --chain NAME together, or neither",
        )
    if chain is None:
        copy(file, output, passphrase_file, new_passphrase_file, json=json)
        return
    card = read_card(file)
    identity = unlock(file, passphrase_file)
    part = Registration.make(identity, chain, kind=card.kind, custodial=card.custodial)
    write_new_file(output, part.encoded, mode=0o644)
    if json:
        emit({"file": str(output), **part.fields()})
        return
    console().print(
        f"wrote {output}: {part.member}, key {part.key_id.short}, for chain {part.chain}; "
        "it holds no secret",
        markup=False,
    )


@app.command("import")
def import_(
    file: File,
    home: Annotated[
        Path | None,
        typer.Option("--home", envvar="LIANHENG_HOME", help="Into this home; else the nearest."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="In place of the key there, which is set aside.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    new_passphrase_file: NewPassphraseFile = None,
    json: Json = False,
) -> None:
    """Take a key that was exported elsewhere into a home, under a passphrase of this place."""
    from lianheng.cli._session import find_home
    from lianheng.members import read_card

    folder = find_home(home)
    folder.identities.mkdir(mode=0o700, exist_ok=True)
    target = folder.identity_file(read_card(file).member)
    if not replace or not target.exists():
        copy(file, target, passphrase_file, new_passphrase_file, json=json)
        return
    aside = target.with_name(f"{target.name}.{read_card(target).key_id.hex()[:8]}")
    target.rename(aside)
    try:
        copy(file, target, passphrase_file, new_passphrase_file, json=json)
    except BaseException:
        aside.rename(target)
        raise


def copy(
    file: Path,
    target: Path,
    passphrase_file: Path | None,
    new_passphrase_file: Path | None,
    *,
    json: bool,
) -> None:
    """The same key in another file, under the new passphrase."""
    from lianheng.cli._print import console, emit
    from lianheng.cli._session import asked_twice
    from lianheng.members import passphrase_from, read_card, write_identity
    from lianheng.model import IdentityError

    if target.exists():
        raise IdentityError("identity.exists", f"{target} is already there", "name another file")
    card = read_card(file)
    identity = unlock(file, passphrase_file)
    question = f"new passphrase for {card.member}"
    secret = (
        passphrase_from(new_passphrase_file, {}, asked_twice(question)) if card.encrypted else None
    )
    write_identity(target, identity, secret, kind=card.kind, custodial=card.custodial)
    if json:
        emit({"file": str(target), **card_fields(card)})
        return
    console().print(
        f"wrote {target}: {card.member}, key {card.key_id.short} ({protection(card)})",
        markup=False,
    )


def unlock(file: Path, passphrase_file: Path | None) -> Any:
    """The identity in a file."""
    from lianheng.cli._session import passphrase
    from lianheng.members import read_identity

    return read_identity(file, passphrase(passphrase_file, str(file)))


def head(file: Path) -> bytes:
    """The file's first bytes."""
    from lianheng.model import limits

    with file.open("rb") as stream:
        return stream.read(limits.IDENTITY_FILE_BYTES + 1)


def show_registration(file: Path, *, json: bool) -> None:
    """A public part, its proof checked, and how an admin takes the member in."""
    from lianheng.cli._print import console, emit, facts
    from lianheng.members import Registration

    part = Registration.from_bytes(head(file))
    if json:
        emit(part.fields())
        return
    facts(
        {
            "member": part.member,
            "kind": part.kind,
            "key id": part.key_id.hex(),
            "public key": part.public.hex(),
            "kept by": keeper(custodial=part.custodial),
            "proved to": f"chain {part.chain}: its holder has the key",
        }
    )
    console().print(f"  take it in: lianheng members add {file}", style="dim", markup=False)


def card_fields(card: "IdentityCard") -> dict[str, Any]:
    """A card for machines."""
    return {
        "member": card.member,
        "kind": card.kind,
        "custodial": card.custodial,
        "key_type": card.key_type,
        "key_id": card.key_id.hex(),
        "public": card.public.hex(),
        "encrypted": card.encrypted,
    }


def protection(card: "IdentityCard") -> str:
    """How the file keeps its key."""
    return "encrypted" if card.encrypted else "UNENCRYPTED development key"


def keeper(*, custodial: bool) -> str:
    """Who keeps the key."""
    return "somebody else for the member (custodial)" if custodial else "the member"
