"""From options to a ledger and an identity: which folder, which member, which passphrase."""

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from lianheng.model import ContractName, NotFound, UsageError

if TYPE_CHECKING:
    from lianheng.cli._home import HomeFolder
    from lianheng.ledger import Ledger
    from lianheng.members import Identity, Passphrase
    from lianheng.model import TransactionId

SEALER = "the sequencer"


def find_home(home: Path | None) -> "HomeFolder":
    """The folder given, else the nearest one upwards that holds lianheng.toml."""
    from lianheng.cli._home import HomeFolder

    return HomeFolder.find(home, Path.cwd())


def open_client(home: Path | None) -> "AbstractContextManager[Ledger]":
    """The running node of this home, else its ledger opened here."""
    from lianheng.client import connect

    return connect(find_home(home).path, passphrase=passphrase(None, SEALER))


def open_path(folder: Path) -> "AbstractContextManager[Ledger]":
    """A ledger folder without a home around it."""
    from lianheng.consensus import open_ledger

    return open_ledger(folder, passphrase=passphrase(None, SEALER))


def load_identity(
    home: "HomeFolder", member: str | None, passphrase_file: Path | None
) -> "Identity":
    """The key of this member; of the only one where none is named."""
    if member is None:
        known = home.members()
        if len(known) != 1:
            raise UsageError(
                "identity.not_chosen",
                "who signs is not clear",
                f"add --as MEMBER; there are keys of {', '.join(known) or 'nobody'}",
            )
        member = known[0]
    return home.identity(member, passphrase(passphrase_file, member))


def passphrase(file: Path | None, whose: str) -> "Passphrase":
    """From the file, else LIANHENG_PASSPHRASE, else asked when a key needs it."""
    from lianheng.members import passphrase_from

    return passphrase_from(file, os.environ, lambda: prompt(f"passphrase for {whose}: "))


def prompt(question: str) -> str:
    """Asks on the terminal, without echo; raise `UsageError` where there is none."""
    import getpass
    import sys

    if not sys.stdin.isatty():
        raise UsageError(
            "identity.no_passphrase",
            "a key is encrypted and there is no terminal to ask on",
            "use --passphrase-file FILE or LIANHENG_PASSPHRASE",
        )
    return getpass.getpass(question)


def new_passphrase(
    file: Path | None, question: str = "new passphrase for all keys"
) -> "Passphrase":
    """A passphrase for new keys, asked twice where it is typed."""
    from lianheng.members import passphrase_from

    return passphrase_from(file, os.environ, asked_twice(question))


def asked_twice(question: str) -> Callable[[], str]:
    """Asks for a new passphrase; raise `UsageError` where the two answers differ."""

    def ask() -> str:
        first = prompt(f"{question}: ")
        if prompt("the same again: ") != first:
            raise UsageError("identity.passphrase", "the two passphrases differ", "try again")
        return first

    return ask


def find_transaction(ledger: "Ledger", text: str) -> "TransactionId":
    """By an abbreviated id, by `HEIGHT:POSITION`, or the run of a timer by `CONTRACT:NUMBER`."""
    height, colon, position = text.partition(":")
    if not (colon and position.isdecimal()):
        return ledger.find(text)
    if not height.isdecimal():
        return ledger.run(ContractName(height), int(position)).id(ledger.genesis_hash)
    block = ledger.block(int(height))
    if int(position) >= len(block):
        raise NotFound(
            "id.not_found", f"block {height} has {len(block)} entries", "they count from 0"
        )
    if int(position) < block.runs:
        return block.run(int(position)).id(ledger.genesis_hash)
    return block.entry(int(position)).id
