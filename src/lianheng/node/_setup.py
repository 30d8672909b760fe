"""Making a home: genesis, keys and an empty ledger, for a chain that one machine runs."""

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lianheng.client import Home
from lianheng.consensus import create_ledger
from lianheng.ledger import wall_clock_ms
from lianheng.members import (
    Genesis,
    Identity,
    MemberSpec,
    Passphrase,
    resolve_passphrase,
    write_identity,
)
from lianheng.model import (
    HeaderHash,
    MemberId,
    OrganisationName,
    UsageError,
)

# People's names for development keys, one an organisation in order; later ones get a number.
_NAMES = ("alice", "bob", "carol", "dan", "erin", "frank", "grace", "heidi", "ivan", "judy")
_SEALER_NAME = "sequencer"
_MADE = ("lianheng.toml", "genesis.cbor", "identities", "ledger")


@dataclass(frozen=True, slots=True)
class MadeHome:
    """A home that was made: its members in order, and the genesis hash to compare."""

    home: Home
    members: tuple[MemberId, ...]
    genesis: HeaderHash
    development: bool


def create_home(
    folder: Path,
    *,
    organisations: Sequence[str],
    chain: str = "main",
    development: bool = False,
    passphrase: Passphrase = None,
) -> MadeHome:
    """Make genesis, identity files, the sealer's key and an empty ledger in this folder.

    Each organisation gets one member with role operator, the first one admin as well. Nothing
    is left behind where it fails. Raise `UsageError` where a home is there already, and
    `IdentityError` where keys are to be encrypted and there is no passphrase.
    """
    names = [OrganisationName(name) for name in organisations]
    if not names or len(set(names)) != len(names):
        raise UsageError(
            "home.organisations",
            "organisations are missing or named twice",
            "name each once: --orgs north,south",
        )
    for name in _MADE:
        if (folder / name).exists():
            raise UsageError(
                "home.exists", f"{folder / name} is already there", "use it, or another folder"
            )
    secret = None if development else resolve_passphrase(passphrase)
    folder.mkdir(parents=True, exist_ok=True)
    working = Path(tempfile.mkdtemp(prefix=".lianheng-", dir=folder))
    try:
        made = _fill(Home(working), names, chain, development=development, secret=secret)
        # The configuration goes last: with it the folder is a home.
        for name in reversed(_MADE):
            (working / name).rename(folder / name)
    finally:
        shutil.rmtree(working)
    members, genesis = made
    return MadeHome(Home(folder.resolve()), members, genesis, development)


def _fill(
    home: Home,
    organisations: Sequence[OrganisationName],
    chain: str,
    *,
    development: bool,
    secret: bytes | None,
) -> tuple[tuple[MemberId, ...], HeaderHash]:
    specs = []
    for number, organisation in enumerate(organisations):
        round_number, place = divmod(number, len(_NAMES))
        name = _NAMES[place] + (str(round_number + 1) if round_number else "")
        identity = Identity.generate(f"{name}@{organisation}", development=development)
        roles = ["operator", "admin"] if number == 0 else ["operator"]
        specs.append(MemberSpec(identity.member, identity, roles=roles))
    sealer = Identity.generate(f"{_SEALER_NAME}@{organisations[0]}", development=development)
    genesis = Genesis.create(
        chain=chain,
        organisations=list(organisations),
        members=[*specs, MemberSpec(sealer.member, sealer, kind="node")],
        sealer=sealer,
        time_ms=wall_clock_ms(),
    )
    home.identities.mkdir(mode=0o700)
    for spec in specs:
        write_identity(home.identity_file(spec.id), spec.identity, secret)
    with create_ledger(home.ledger, genesis, sealer=sealer, passphrase=secret) as ledger:
        home.genesis_file.write_bytes(ledger.genesis_file)
        home.write_configuration(ledger.chain, ledger.genesis_hash)
        members = tuple(MemberId(spec.id) for spec in specs)
        return members, ledger.genesis_hash
