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
    passphrase_file: PassphraseFile = None,
    json: Json = False,
) -> None:
    """Make a new chain here: one operator key an organisation, a genesis, an empty ledger.

    Whoever is admin or operator deploys contracts, unless the chain is --governed.
    """
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
