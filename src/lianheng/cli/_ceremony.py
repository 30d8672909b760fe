"""An organisation's side of a ceremony: its file, its keys in its home, and the home in the end.

HOME/identities/admin@ORG.identity   signs for the organisation
HOME/node.identity                   its validator's key
HOME/comet/config/node_key.json      how other nodes know its node

Keys are made when an organisation joins and never leave its home; what is there is used again, so
that a join that was cut off is simply run once more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lianheng.cli._continue import own_state, state_file
from lianheng.cli._home import CONFIGURATION, HomeFolder
from lianheng.cli._working import made_whole
from lianheng.members import (
    Identity,
    MemberSpec,
    OrganisationSpec,
    Passphrase,
    read_card,
    read_identity,
    replace_file,
    resolve_passphrase,
    write_identity,
)
from lianheng.members.ceremony import (
    ADMIN,
    Ceremony,
    NodePlace,
    Part,
    Terms,
    admin_of,
    rehearse,
)
from lianheng.model import (
    InvalidValue,
    MemberId,
    NotFound,
    OrganisationName,
    UsageError,
    limits,
)

if TYPE_CHECKING:
    from lianheng.consensus.cometbft.settings import Address
    from lianheng.members import IdentityCard
    from lianheng.model import GenesisFile

FILE_MODE = 0o644
MADE = ("ledger", "genesis.cbor", CONFIGURATION)


@dataclass(frozen=True, slots=True)
class Joining:
    """What an organisation says of itself."""

    organisation: str
    spec: OrganisationSpec
    address: str
    node: str
    members: Mapping[str, Sequence[str]]
    development: bool = False
    """All keys are written unencrypted."""
    open_node: bool = False
    """The node's key is: CometBFT needs it in plain beside its own files."""


def read_ceremony(file: Path) -> Ceremony:
    """A ceremony's file, checked. Raise naming what is wrong with it."""
    if not file.is_file():
        raise NotFound(
            "ceremony.not_found", f"{file} is not there", "lianheng genesis new makes one"
        )
    with file.open("rb") as stream:
        return Ceremony.from_bytes(stream.read(limits.CEREMONY_FILE_BYTES + 1))


def write_ceremony(file: Path, ceremony: Ceremony) -> None:
    """Write it whole or not at all."""
    replace_file(file, ceremony.encoded, mode=FILE_MODE)


def require_own_system(terms: Terms) -> None:
    """Raise unless the system's contracts are those of this program: nobody slips in others."""
    from lianheng.system import contracts

    there = {contract.name: contract.source for contract in terms.contracts}
    for contract in contracts():
        if there.get(contract.name) != contract.source:
            raise InvalidValue(
                "ceremony.system_contracts",
                f"the contract {contract.name} is not the one of this program",
                "all use the same version of lianheng: compare lianheng --version",
            )


def join_home(
    ceremony: Ceremony, home: HomeFolder, joining: Joining, passphrase: Passphrase
) -> Ceremony:
    """Make what is missing of the organisation's keys in its home, and add its part.

    Nothing but the node's key for connections is written where something is wrong.
    """
    from lianheng.consensus.cometbft.files import make_node_key

    require_own_system(ceremony.terms)
    require_named(ceremony.terms, joining.organisation)
    if (home.path / CONFIGURATION).exists():
        raise UsageError(
            "home.exists", f"{home.path} belongs to a chain already", "name another: --home FOLDER"
        )
    home.path.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = open_keys(home, joining, passphrase)
    node = MemberId(f"{joining.node}@{joining.organisation}")
    place = NodePlace(node, joining.address, make_node_key(home.path / "comet"))
    part = Part.make(
        ceremony.terms, joining.organisation, joining.spec, [key.spec for key in keys], place
    )
    joined = ceremony.join(part)
    rehearse(joined)
    home.identities.mkdir(mode=0o700, exist_ok=True)
    for key in keys:
        key.write()
    return joined


def require_named(terms: Terms, organisation: str) -> None:
    """Raise unless the terms name this organisation."""
    if organisation not in terms.organisations:
        raise UsageError(
            "ceremony.not_a_party",
            f"{OrganisationName(organisation)} is not named by the terms of {terms.chain}",
            f"parties are {', '.join(terms.organisations)}",
        )


@dataclass(frozen=True, slots=True)
class OwnKey:
    """A member's key and its file, which may have to be written."""

    file: Path
    spec: MemberSpec
    secret: bytes | None

    def write(self) -> None:
        """Write the file where there is none; a new node's key has signed nothing."""
        from lianheng.consensus.cometbft.signing import begin_signing

        if not self.file.exists():
            if self.spec.kind == "node":
                begin_signing(self.file.parent, self.spec.identity.public)
            kind, custodial = self.spec.kind, self.spec.custodial
            write_identity(
                self.file, self.spec.identity, self.secret, kind=kind, custodial=custodial
            )


def open_keys(home: HomeFolder, joining: Joining, passphrase: Passphrase) -> list[OwnKey]:
    """The keys of admin, node and other members: those that are there, and new ones in memory."""
    organisation = joining.organisation
    named = {ADMIN: (), **joining.members}
    roles = {f"{name}@{organisation}": list(given) for name, given in named.items()}
    admin, node = admin_of(organisation), MemberId(f"{joining.node}@{organisation}")
    roles[admin] = [ADMIN, *(role for role in roles[admin] if role != ADMIN)]
    if node in roles:
        raise UsageError(
            "ceremony.node_name", f"{node} is named as a member, too", "name the node otherwise"
        )
    files = {**{name: home.identity_file(name) for name in roles}, str(node): home.node_identity}
    cards = {name: read_card(file) for name, file in files.items() if file.exists()}
    check_cards(cards)

    def is_open(name: str) -> bool:
        if name in cards:
            return not cards[name].encrypted
        return joining.development or (joining.open_node and name == node)

    secret = None if all(map(is_open, files)) else resolve_passphrase(passphrase)
    found: list[OwnKey] = []
    for name, file in files.items():
        kind, given = ("node", []) if name == node else ("person", roles[name])
        opened = is_open(name)
        spec = spec_of(name, file, cards.get(name), secret, is_open=opened, kind=kind, roles=given)
        found.append(OwnKey(file, spec, None if opened else secret))
    return found


def spec_of(
    name: str,
    file: Path,
    card: "IdentityCard | None",
    secret: bytes | None,
    *,
    is_open: bool,
    kind: str = "person",
    roles: Sequence[str] = (),
) -> MemberSpec:
    """A member with the key in its file, or with a new one."""
    if card is None:
        return MemberSpec(name, Identity.generate(name, development=is_open), kind, roles)
    kind = kind if kind == "node" else card.kind
    return MemberSpec(name, read_identity(file, secret), kind, roles, card.custodial)


def check_cards(cards: "Mapping[str, IdentityCard]") -> None:
    """Raise where a file holds the key of somebody else."""
    for name, card in cards.items():
        if card.member != name:
            raise UsageError(
                "ceremony.other_identity",
                f"the key of {card.member} lies where that of {name} should",
                "each organisation joins with a home of its own: --home FOLDER",
            )


def own_organisation(home: HomeFolder) -> OrganisationName:
    """Whose home it is; raise `NotFound` where nobody joined with it."""
    if not home.node_identity.is_file():
        raise NotFound(
            "ceremony.no_home",
            f"{home.path} holds no {home.node_identity.name}",
            "name the folder with which your organisation joined: --home FOLDER",
        )
    return read_card(home.node_identity).member.organisation


def sign_home(ceremony: Ceremony, home: HomeFolder, passphrase: Passphrase) -> Ceremony:
    """Sign as the organisation of this home, once its own part is the one that it made."""
    require_own_system(ceremony.terms)
    ceremony.require_joined()
    require_own_part(ceremony, home)
    rehearse(ceremony)
    own_state(ceremony.terms, home)
    file = home.identity_file(admin_of(own_organisation(home)))
    return ceremony.sign(read_identity(file, passphrase))


def require_own_part(ceremony: Ceremony, home: HomeFolder) -> Part:
    """The part of this home's organisation; raise where its keys are not those that lie here."""
    from lianheng.consensus.cometbft.files import NODE_KEY, node_id

    organisation = own_organisation(home)
    require_named(ceremony.terms, organisation)
    part = ceremony.parts[organisation]
    files = {home.node_identity: part.node.member}
    files[home.identity_file(admin_of(organisation))] = admin_of(organisation)
    same = node_id(home.path / "comet" / NODE_KEY) == part.node.id
    for file, member in files.items():
        card = read_card(file)
        same = same and (card.member, card.public) == (member, part.key_of(member))
    if not same:
        raise InvalidValue(
            "ceremony.part_replaced",
            f"the part of {organisation} does not hold the keys in {home.path}",
            "somebody else joined in your name: tell the others, and begin anew",
        )
    return part


def finish_home(
    ceremony: Ceremony,
    home: HomeFolder,
    listen: "Address | None" = None,
    siblings: Sequence[Path] = (),
) -> "GenesisFile":
    """Write genesis, ledger and settings of this home; raise unless all have signed.

    Nothing is left behind where it fails.
    """
    ceremony.require_signed()
    require_own_system(ceremony.terms)
    part = require_own_part(ceremony, home)
    own_state(ceremony.terms, home)
    for name in MADE:
        if (home.path / name).exists():
            raise UsageError(
                "home.exists", f"{home.path / name} is already there", "it was finished before"
            )
    # The configuration goes last: with it the folder is a home.
    with made_whole(home.path, MADE) as working:
        return fill(HomeFolder(working), home, ceremony, part, listen, siblings)


def fill(
    working: HomeFolder,
    home: HomeFolder,
    ceremony: Ceremony,
    part: Part,
    listen: "Address | None",
    siblings: Sequence[Path],
) -> "GenesisFile":
    """Everything into a working folder."""
    from lianheng.consensus import create_ledger
    from lianheng.consensus.cometbft.settings import (
        Address,
        ConsensusSettings,
        Peer,
        settings_text,
    )
    from lianheng.model import GenesisFile

    state = None if ceremony.terms.continues is None else state_file(home)
    with create_ledger(working.ledger, ceremony.genesis(), state=state) as ledger:
        data = ledger.genesis_file
    working.genesis_file.write_bytes(data)
    genesis = GenesisFile.from_bytes(data)
    settings = ConsensusSettings(
        folder=home.path.resolve(),
        chain=ceremony.terms.chain,
        genesis=genesis.hash,
        member=part.node.member,
        listen=listen or Address.parse(part.node.address),
        peers=tuple(
            Peer(other.node.id, Address.parse(other.node.address))
            for name, other in sorted(ceremony.parts.items())
            if name != part.organisation
        ),
        siblings=tuple(siblings),
    )
    (working.path / CONFIGURATION).write_text(settings_text(settings), encoding="utf-8")
    return genesis


def genesis_file(ceremony: Ceremony, state: Path | None = None) -> bytes:
    """The genesis file alone, for who runs no node of the chain."""
    from lianheng.consensus import create_ledger

    ceremony.require_signed()
    with create_ledger(None, ceremony.genesis(), state=state) as ledger:
        return ledger.genesis_file


def replaced(ceremony: Ceremony, part_of: str) -> Ceremony:
    """The ceremony without one organisation's part, before anybody signed."""
    if ceremony.signatures:
        raise UsageError(
            "ceremony.signed_already",
            f"{', '.join(ceremony.signatures)} signed what stands here",
            "go on from a file that nobody signed, or begin anew",
        )
    parts = {name: part for name, part in ceremony.parts.items() if name != part_of}
    return replace(ceremony, parts=parts)
