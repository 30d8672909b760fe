"""The home folder of commands: where the parts lie, how it is found, how a new one is made.

HOME/lianheng.toml             chain and genesis hash
HOME/genesis.cbor              trust anchor
HOME/identities/*.identity     one file a member
HOME/ledger/                   the ledger and its sequencer's key
HOME/node.*                    what a running node leaves (see lianheng.client)

A home in a network has its node's key in node.identity, and none of a sequencer (see `_network`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lianheng.cli._working import made_whole
from lianheng.members import (
    Genesis,
    Identity,
    MemberSpec,
    Passphrase,
    read_identity,
    resolve_passphrase,
    write_identity,
)
from lianheng.model import (
    ContractSource,
    IdentityError,
    MemberId,
    NotFound,
    OrganisationName,
    UsageError,
)

if TYPE_CHECKING:
    from lianheng.ledger import Ledger

CONFIGURATION = "lianheng.toml"
VARIABLE = "LIANHENG_HOME"
# People's names for the first members, one an organisation in order; later ones get a number.
NAMES = ("alice", "bob", "carol", "dan", "erin", "frank", "grace", "heidi", "ivan", "judy")
MADE = (CONFIGURATION, "genesis.cbor", "identities", "ledger")
SETTINGS = """\
# Which chain this folder belongs to. The genesis hash is what to compare by phone.
chain = "{chain}"
genesis = "{genesis}"
"""


@dataclass(frozen=True, slots=True)
class HomeFolder:
    """Paths of one home, and the keys in it."""

    path: Path

    @classmethod
    def find(cls, given: Path | None, start: Path) -> Self:
        """The folder given, else the nearest one from `start` upwards; raise `NotFound`."""
        if given is not None:
            if not (given / CONFIGURATION).is_file():
                raise NotFound(
                    "home.not_found",
                    f"{given} holds no {CONFIGURATION}",
                    f"make one: lianheng init --dev --orgs north,south {given}",
                )
            return cls(given)
        for folder in (start, *start.parents):
            if (folder / CONFIGURATION).is_file():
                return cls(folder)
        raise NotFound(
            "home.not_found",
            f"neither {start} nor a folder above it holds {CONFIGURATION}",
            f"make one: lianheng init --dev --orgs north,south; or name one: --home, {VARIABLE}",
        )

    @property
    def genesis_file(self) -> Path:
        """The chain's genesis file."""
        return self.path / "genesis.cbor"

    @property
    def identities(self) -> Path:
        """Folder of identity files."""
        return self.path / "identities"

    @property
    def ledger(self) -> Path:
        """Folder of the ledger."""
        return self.path / "ledger"

    @property
    def node_identity(self) -> Path:
        """The key of this home's node, where it is a validator."""
        return self.path / "node.identity"

    def identity_file(self, member: str) -> Path:
        """The file of a member's key."""
        return self.identities / f"{MemberId(member)}.identity"

    def members(self) -> list[str]:
        """Members whose keys lie here."""
        return sorted(f.name.removesuffix(".identity") for f in self.identities.glob("*.identity"))

    def identity(self, member: str, passphrase: Passphrase) -> Identity:
        """A member's key; raise `IdentityError` naming the members there are."""
        file = self.identity_file(member)
        if not file.is_file():
            raise IdentityError(
                "identity.missing",
                f"no key of {member} lies in {self.identities}",
                f"there are keys of {', '.join(self.members()) or 'nobody'}",
            )
        return read_identity(file, passphrase)


def create_home(
    folder: Path,
    *,
    organisations: Sequence[str],
    roles: Mapping[str, str] | None = None,
    chain: str,
    contracts: Sequence[ContractSource] = (),
    passphrase: Passphrase = None,
    development: bool,
    governed: bool = False,
) -> tuple[HomeFolder, dict[str, Identity]]:
    """Make keys, genesis and an empty ledger in this folder; gives the members' identities.

    `roles` names the members and the one role of each; without it, each organisation gets one
    operator who is its admin, too. On a `governed` chain organisations agree to each contract.
    Nothing is left behind where it fails. Raise `UsageError` where a home is there already.
    """
    check_organisations(organisations)
    check_vacant(folder, MADE)
    secret = None if development else resolve_passphrase(passphrase)
    cast = members_of(organisations, roles, development=development)
    # The configuration goes last: with it the folder is a home.
    with made_whole(folder, MADE[::-1]) as working:
        fill(HomeFolder(working), organisations, cast, chain, contracts, secret, governed=governed)
    return HomeFolder(folder), {str(spec.id): spec.identity for spec in cast}


def check_organisations(names: Sequence[str]) -> None:
    """Raise `UsageError` unless each is a name, and there once."""
    if not names or len(set(names)) != len(names):
        raise UsageError(
            "home.organisations",
            "organisations are missing or named twice",
            "name each once: --orgs north,south",
        )
    for name in names:
        OrganisationName(name)


def check_vacant(folder: Path, names: Sequence[str]) -> None:
    """Raise `UsageError` where something of that name is in the folder."""
    for name in names:
        if (folder / name).exists():
            raise UsageError(
                "home.exists", f"{folder / name} is already there", "use it, or another folder"
            )


def members_of(
    organisations: Sequence[str], roles: Mapping[str, str] | None, *, development: bool
) -> list[MemberSpec]:
    """One member an organisation unless `roles` names them."""
    wanted: dict[str, list[str]] = {}
    if roles is not None:
        wanted = {member: [role] for member, role in roles.items()}
    else:
        for number, organisation in enumerate(organisations):
            turn, place = divmod(number, len(NAMES))
            name = NAMES[place] + (str(turn + 1) if turn else "")
            wanted[f"{name}@{organisation}"] = ["operator", "admin"]
    return [
        MemberSpec(member, Identity.generate(member, development=development), roles=given)
        for member, given in wanted.items()
    ]


def fill(
    home: HomeFolder,
    organisations: Sequence[str],
    cast: Sequence[MemberSpec],
    chain: str,
    contracts: Sequence[ContractSource],
    secret: bytes | None,
    *,
    governed: bool,
) -> None:
    """Writes everything into a working folder."""
    from lianheng.consensus import create_ledger
    from lianheng.ledger import wall_clock_ms
    from lianheng.system import LOCAL_POLICIES
    from lianheng.system import contracts as system_contracts

    name = f"sequencer@{organisations[0]}"
    sealer = Identity.generate(name, development=secret is None)
    genesis = Genesis.create(
        chain=chain,
        organisations=list(organisations),
        members=[*cast, MemberSpec(name, sealer, kind="node")],
        sealer=sealer,
        time_ms=wall_clock_ms(),
        contracts=[*system_contracts(), *contracts],
        policies={} if governed else LOCAL_POLICIES,
    )
    home.identities.mkdir(mode=0o700)
    for spec in cast:
        write_identity(home.identity_file(spec.id), spec.identity, secret)
    ledger: Ledger
    with create_ledger(home.ledger, genesis, sealer=sealer, passphrase=secret) as ledger:
        home.genesis_file.write_bytes(ledger.genesis_file)
        settings = SETTINGS.format(chain=ledger.chain, genesis=ledger.genesis_hash.hex())
    (home.path / CONFIGURATION).write_text(settings, encoding="utf-8")
