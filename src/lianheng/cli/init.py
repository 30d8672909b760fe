"""`lianheng init`: a new chain: keys, genesis, ledger."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lianheng.cli._options import Json, PassphraseFile

if TYPE_CHECKING:
    from lianheng.members import MemberSpec, Passphrase

NAMES = ("alice", "bob", "carol", "dan", "erin", "frank", "grace", "heidi", "ivan", "judy")
ORGANISATIONS_MOST = len(NAMES)
SETTINGS = """\
# A Lianheng home. Commands find it from this folder or below, or by --home or LIANHENG_HOME.
format = "lianheng.home.1"
chain = "{chain}"
"""


def init(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="Else this folder.")] = Path(),
    orgs: Annotated[str, typer.Option("--orgs", help="Names joined by commas.")] = "north,south",
    chain: Annotated[str, typer.Option("--chain", help="The chain's name.")] = "trade",
    dev: Annotated[
        bool, typer.Option("--dev", help="UNENCRYPTED keys, for development only.")
    ] = False,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Make a new chain here: one operator key an organisation, a genesis, an empty ledger."""
    from lianheng.cli._print import console, emit

    started = time.monotonic()
    members = create(folder, split(orgs), chain, dev=dev, passphrase_file=passphrase_file)
    if json:
        emit({"home": str(folder.resolve()), "chain": chain, "members": members, "dev": dev})
        return
    kind = "UNENCRYPTED development keys" if dev else "encrypted keys"
    console().print(
        f"made {folder / 'genesis.cbor'} · {', '.join(members)} (operator; {kind}) · "
        f"{time.monotonic() - started:.1f} s",
        markup=False,
    )
    console().print("  next: lianheng up --detach", style="dim")


def split(orgs: str) -> list[str]:
    """The organisations' names, in order."""
    from lianheng.model import InvalidValue

    names = [name.strip() for name in orgs.split(",") if name.strip()]
    bad = [name for name in names if not re.fullmatch(r"[a-z][a-z0-9-]{0,62}", name)]
    if bad:
        raise InvalidValue(
            "name.malformed",
            f"{bad[0]!r} is not an organisation's name",
            "use small letters, digits and -, beginning with a letter",
        )
    if not 1 <= len(names) <= ORGANISATIONS_MOST or len(set(names)) != len(names):
        raise InvalidValue(
            "genesis.organisations",
            f"{len(names)} organisations given, {len(set(names))} of them distinct",
            f"give 1 to {ORGANISATIONS_MOST} distinct names: --orgs north,south",
        )
    return names


def create(
    folder: Path, orgs: list[str], chain: str, *, dev: bool, passphrase_file: Path | None
) -> list[str]:
    """Writes the home; gives its members. Raise `UsageError` where something is there already."""
    from lianheng import create_ledger
    from lianheng.cli._session import CONFIGURATION, IDENTITIES, SUFFIX, passphrase
    from lianheng.members import Genesis, Identity, write_identity
    from lianheng.model import UsageError

    for name in (CONFIGURATION, "genesis.cbor", IDENTITIES, "ledger"):
        if (folder / name).exists():
            raise UsageError(
                "home.exists", f"{folder / name} is already there", "choose another folder"
            )
    (folder / IDENTITIES).mkdir(parents=True, mode=0o700)
    secret: Passphrase = None if dev else chosen_passphrase(passphrase(passphrase_file, "new keys"))
    members = specs(orgs, dev=dev)
    sealer = Identity.generate(f"sequencer@{orgs[0]}", development=dev)
    genesis = Genesis.create(
        chain=chain,
        organisations=orgs,
        members=members,
        sealer=sealer,
        time_ms=time.time_ns() // 1_000_000,
    )
    for member in members:
        write_identity(folder / IDENTITIES / f"{member.id}{SUFFIX}", member.identity, secret)
    with create_ledger(folder / "ledger", genesis, sealer=sealer, passphrase=secret) as ledger:
        (folder / "genesis.cbor").write_bytes(ledger.genesis_file)
    # The settings come last: a folder with them is a complete home.
    (folder / CONFIGURATION).write_text(SETTINGS.format(chain=chain))
    return [member.id for member in members]


def specs(orgs: list[str], *, dev: bool) -> "list[MemberSpec]":
    """One operator an organisation; the first is also the administrator."""
    from lianheng.members import Identity, MemberSpec

    made: list[MemberSpec] = []
    for name, org in zip(NAMES, orgs, strict=False):
        member = f"{name}@{org}"
        roles = ["operator"] if made else ["admin", "operator"]
        identity = Identity.generate(member, development=dev)
        made.append(MemberSpec(id=member, identity=identity, kind="person", roles=roles))
    return made


def chosen_passphrase(given: "Passphrase") -> bytes:
    """A new passphrase, asked twice where it is typed."""
    from lianheng.members import resolve_passphrase
    from lianheng.model import UsageError

    first = resolve_passphrase(given)
    if callable(given) and resolve_passphrase(given) != first:
        raise UsageError("identity.passphrase", "the two passphrases differ", "try again")
    if first is None:
        raise UsageError("identity.passphrase_missing", "no passphrase was given", "or use --dev")
    return first
