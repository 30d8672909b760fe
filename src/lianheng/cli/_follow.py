"""The home of an organisation that joins a running chain: keys, and a node that follows.

Chain and first addresses come from the ceremony's file, whose signatures are checked anew. The keys
of admin and node are made here; what the organisation hands to the others holds no secret.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lianheng.cli._ceremony import MADE, require_own_system
from lianheng.cli._home import CONFIGURATION, HomeFolder, check_vacant
from lianheng.cli._working import made_whole
from lianheng.members import (
    Arrival,
    Identity,
    OrganisationSpec,
    Passphrase,
    Registration,
    resolve_passphrase,
    write_identity,
)
from lianheng.model import MemberId, OrganisationName, UsageError

if TYPE_CHECKING:
    from lianheng.consensus.cometbft.settings import Address
    from lianheng.members.ceremony import Ceremony
    from lianheng.model import GenesisFile

# The configuration goes last: with it the folder is a home.
OWN = ("comet", "identities", "node.identity", "signed.json", *MADE)


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Who joins, and where its node listens."""

    organisation: str
    spec: OrganisationSpec
    node: str
    listen: "Address"
    development: bool = False


def follow_home(
    ceremony: "Ceremony", home: HomeFolder, newcomer: Newcomer, passphrase: Passphrase
) -> "tuple[GenesisFile, Arrival]":
    """Make a home whose node follows the chain of a signed ceremony, and what to hand over.

    Nothing is left behind where it fails. Raise `UsageError` where something is in the way.
    """
    name = OrganisationName(newcomer.organisation)
    ceremony.require_signed()
    require_own_system(ceremony.terms)
    if name in ceremony.terms.organisations:
        raise UsageError(
            "ceremony.a_party",
            f"{name} began the chain: it has a part in the file",
            f"its home is made by: lianheng genesis finish FILE --home {home.path}",
        )
    check_vacant(home.path, OWN)
    secret = None if newcomer.development else resolve_passphrase(passphrase)
    with made_whole(home.path, OWN, mode=0o700) as working:
        genesis = fill(HomeFolder(working), home, ceremony, newcomer)
        return genesis, make_keys(HomeFolder(working), ceremony, newcomer, secret)


def make_keys(
    home: HomeFolder, ceremony: "Ceremony", newcomer: Newcomer, secret: bytes | None
) -> Arrival:
    """The keys of admin and node, and their public parts."""
    from lianheng.consensus.cometbft.signing import begin_signing

    organisation, chain = newcomer.organisation, ceremony.terms.chain
    admin = Identity.generate(f"admin@{organisation}", development=secret is None)
    # CometBFT reads the node's key in plain; this one has no vote.
    node = Identity.generate(f"{newcomer.node}@{organisation}", development=True)
    home.identities.mkdir(mode=0o700)
    write_identity(home.identity_file(admin.member), admin, secret)
    write_identity(home.node_identity, node, kind="node")
    begin_signing(home.path, node.public)
    return Arrival(
        newcomer.spec,
        Registration.make(admin, chain),
        Registration.make(node, chain, kind="node"),
    )


def fill(
    working: HomeFolder, home: HomeFolder, ceremony: "Ceremony", newcomer: Newcomer
) -> "GenesisFile":
    """Ledger and settings into a working folder."""
    from lianheng.consensus import create_ledger
    from lianheng.consensus.cometbft.files import make_node_key
    from lianheng.consensus.cometbft.settings import (
        Address,
        ConsensusSettings,
        Peer,
        settings_text,
    )
    from lianheng.model import GenesisFile

    with create_ledger(working.ledger, ceremony.genesis()) as ledger:
        data = ledger.genesis_file
    working.genesis_file.write_bytes(data)
    genesis = GenesisFile.from_bytes(data)
    make_node_key(working.path / "comet")
    places = [part.node for _, part in sorted(ceremony.parts.items())]
    settings = ConsensusSettings(
        folder=home.path.resolve(),
        chain=ceremony.terms.chain,
        genesis=genesis.hash,
        member=MemberId(f"{newcomer.node}@{newcomer.organisation}"),
        listen=newcomer.listen,
        peers=tuple(Peer(place.id, Address.parse(place.address)) for place in places),
    )
    (working.path / CONFIGURATION).write_text(settings_text(settings), encoding="utf-8")
    return genesis
