"""From options to a ledger and an identity: which folder, which member, which passphrase."""

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from lianheng.model import NotFound, UsageError

if TYPE_CHECKING:
    from lianheng import Ledger
    from lianheng.members import Identity, Passphrase
    from lianheng.model import TransactionId

CONFIGURATION = "lianheng.toml"
IDENTITIES = "identities"
SUFFIX = ".identity"


def find_home(home: Path | None) -> Path:
    """The folder given, else the nearest one upwards that holds lianheng.toml."""
    if home is not None:
        if not (home / CONFIGURATION).is_file():
            raise NotFound(
                "home.not_found",
                f"{home} holds no {CONFIGURATION}",
                f"make one: lianheng init --dev --orgs north,south {home}",
            )
        return home
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / CONFIGURATION).is_file():
            return folder
    raise NotFound(
        "home.not_found",
        f"neither {here} nor a folder above it holds {CONFIGURATION}",
        "make one here: lianheng init --dev --orgs north,south   or name one: --home DIR",
    )


def open_client(home: Path | None) -> "AbstractContextManager[Ledger]":
    """The running node of this home, else its ledger opened here."""
    from lianheng.client import connect

    return connect(find_home(home), passphrase=passphrase(None, "the sequencer"))


def load_identity(home: Path, member: str | None, passphrase_file: Path | None) -> "Identity":
    """The key of this member; of the only one where none is named."""
    from lianheng.members import read_identity

    folder = home / IDENTITIES
    known = sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))
    if member is None:
        if len(known) != 1:
            raise UsageError(
                "identity.not_chosen",
                "who signs is not clear",
                f"add --as MEMBER; there are keys of {', '.join(known) or 'nobody'}",
            )
        member = known[0]
    if member not in known:
        raise NotFound(
            "identity.not_found",
            f"there is no key of {member} in {folder}",
            f"there are keys of {', '.join(known) or 'nobody'}",
        )
    return read_identity(folder / f"{member}{SUFFIX}", passphrase(passphrase_file, member))


def passphrase(file: Path | None, whose: str) -> "Passphrase":
    """From the file, else LIANHENG_PASSPHRASE, else asked when a key needs it."""
    from lianheng.members import passphrase_from

    return passphrase_from(file, os.environ, lambda: prompt(whose))


def prompt(whose: str) -> str:
    """Asks on the terminal, without echo; raise `UsageError` where there is none."""
    import getpass
    import sys

    if not sys.stdin.isatty():
        raise UsageError(
            "identity.no_passphrase",
            f"the key of {whose} is encrypted and there is no terminal to ask on",
            "use --passphrase-file FILE or LIANHENG_PASSPHRASE",
        )
    return getpass.getpass(f"passphrase for {whose}: ")


def open_path(folder: Path) -> "AbstractContextManager[Ledger]":
    """A ledger folder without a home around it."""
    from lianheng import open_ledger

    if not folder.is_dir():
        raise NotFound("ledger.not_found", f"there is no folder {folder}", "check the path")
    return open_ledger(folder, passphrase=passphrase(None, "the sequencer"))


def find_transaction(ledger: "Ledger", text: str) -> "TransactionId":
    """The transaction of an abbreviated id, or of `HEIGHT:POSITION`, as `3:0`."""
    height, colon, position = text.partition(":")
    if not (colon and height.isdecimal() and position.isdecimal()):
        return ledger.find(text)
    block = ledger.block(int(height))
    if int(position) >= len(block):
        raise NotFound(
            "id.not_found", f"block {height} has {len(block)} entries", "they count from 0"
        )
    return block.entry(int(position)).id
