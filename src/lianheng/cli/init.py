"""`lianheng init`: a new chain: keys, genesis, ledger."""

from pathlib import Path
from typing import Annotated

import typer

from lianheng.cli._options import Json, PassphraseFile


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Else this folder.")] = Path(),
    orgs: Annotated[str, typer.Option("--orgs", help="Names joined by commas.")] = "north,south",
    chain: Annotated[str, typer.Option("--chain", help="The chain's name.")] = "main",
    dev: Annotated[
        bool, typer.Option("--dev", help="UNENCRYPTED keys, for development only.")
    ] = False,
    governed: Annotated[
        bool, typer.Option("--governed", help="Organisations agree to each contract.")
    ] = False,
    validators: Annotated[
        bool,
        typer.Option("--validators", help="A home and a validator each, begun by a ceremony."),
    ] = False,
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Make a new chain here: one operator key an organisation, a genesis, an empty ledger.

    Whoever is admin or operator deploys contracts, unless the chain is --governed.
    """
    if validators:
        play_ceremony(folder, orgs, chain, passphrase_file, dev=dev, governed=governed, json=json)
        return
    import time

    from lianheng._native import hash_bytes
    from lianheng.cli._home import create_home
    from lianheng.cli._print import console, emit, short_hash
    from lianheng.cli._session import new_passphrase
    from lianheng.model import GenesisFile

    started = time.monotonic()
    home, members = create_home(
        folder,
        organisations=[name.strip() for name in orgs.split(",") if name.strip()],
        chain=chain,
        development=dev,
        governed=governed,
        passphrase=None if dev else new_passphrase(passphrase_file),
    )
    genesis = hash_bytes(GenesisFile.from_bytes(home.genesis_file.read_bytes()).header.encoded)
    if json:
        emit(
            {
                "home": str(home.path.resolve()),
                "chain": chain,
                "genesis": genesis,
                "members": list(members),
                "development": dev,
            }
        )
        return
    kind = "UNENCRYPTED development keys" if dev else "encrypted keys"
    where = "" if folder == Path() else f" --home {folder}"
    console().print(
        f"made chain {chain}, genesis {short_hash(genesis)} · "
        f"{', '.join(members)} (operators and admins; {kind}) · {time.monotonic() - started:.1f} s",
        markup=False,
    )
    console().print(f"  next: lianheng up --detach{where}", style="dim")


def play_ceremony(
    folder: Path,
    orgs: str,
    chain: str,
    passphrase_file: Path | None,
    *,
    dev: bool,
    governed: bool,
    json: bool,
) -> None:
    """A home an organisation, made by the steps that they would take on machines of their own."""
    import time

    from lianheng.cli._local import play
    from lianheng.cli._print import console, emit, short_hash
    from lianheng.cli._quorum import bears
    from lianheng.cli._session import new_passphrase
    from lianheng.cli.genesis import described, show_fingerprint

    started = time.monotonic()
    network, ceremony = play(
        folder,
        organisations=[name.strip() for name in orgs.split(",") if name.strip()],
        chain=chain,
        passphrase=None if dev else new_passphrase(passphrase_file),
        development=dev,
        governed=governed,
    )
    if json:
        made = {"folder": str(network.path.resolve()), "genesis": network.genesis}
        emit({**described(ceremony), **made, "development": dev})
        return
    kind = "UNENCRYPTED development keys" if dev else "encrypted keys, those of nodes open"
    console().print(
        f"made chain {network.chain} in {folder}, genesis {short_hash(network.genesis)} · "
        f"{bears(len(network.nodes))} · {kind} · {time.monotonic() - started:.1f} s",
        markup=False,
    )
    show_fingerprint(ceremony)
    console().print(f"  next: lianheng network up {folder}", style="dim", markup=False)
