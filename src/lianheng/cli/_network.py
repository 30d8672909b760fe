"""The folder of a network on this machine: one home an organisation, made together.

DIR/network.toml               which homes there are
DIR/<organisation>/            a home: lianheng.toml, genesis.cbor, node.identity, identities/,
                               ledger/, comet/

Each home works by itself, and holds the keys of its own organisation only.
"""

import random
import socket
import tomllib
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from lianheng.cli._home import (
    CONFIGURATION,
    HomeFolder,
    check_organisations,
    check_vacant,
    members_of,
)
from lianheng.cli._working import made_whole
from lianheng.members import (
    Genesis,
    Identity,
    MemberSpec,
    Validator,
    write_identity,
)
from lianheng.model import ContractSource, NotFound, UsageError, limits

if TYPE_CHECKING:
    from lianheng.model import GenesisFile

NETWORK = "network.toml"
LOOPBACK = "127.0.0.1"
# Below the ports that systems give to outgoing connections, above those of well-known services.
PORTS = range(20_000, 32_000)
SETTINGS = """\
# The nodes of a network on this machine, for: lianheng network up|down|status|logs
chain = "{chain}"
genesis = "{genesis}"
nodes = [{nodes}]
"""


@dataclass(frozen=True, slots=True)
class NetworkFolder:
    """A network's folder and the homes in it, in order."""

    path: Path
    chain: str
    genesis: str
    nodes: tuple[str, ...]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raise `NotFound` where the folder holds no network, `UsageError` for a damaged file."""
        file = folder / NETWORK
        if not file.is_file():
            raise NotFound(
                "network.not_found",
                f"{folder} holds no {NETWORK}",
                f"make one: lianheng network new {folder} --orgs bank-a,bank-b,hospital,grid",
            )
        try:
            fields = tomllib.loads(file.read_text(encoding="utf-8"))
            chain, genesis, nodes = fields["chain"], fields["genesis"], fields["nodes"]
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as failure:
            raise malformed(file, f"{type(failure).__name__}: {failure}") from failure
        named = isinstance(nodes, list) and nodes and all(isinstance(each, str) for each in nodes)
        if not (named and isinstance(chain, str) and isinstance(genesis, str)):
            raise malformed(file, "chain, genesis and nodes are needed")
        missing = [name for name in nodes if not (folder / name / CONFIGURATION).is_file()]
        if missing:
            raise malformed(file, f"there is no home in {', '.join(missing)}")
        return cls(folder, chain, genesis, tuple(nodes))

    def home(self, name: str) -> HomeFolder:
        """A node's home; raise `NotFound` naming those there are."""
        if name not in self.nodes:
            raise NotFound(
                "network.no_node",
                f"{self.path} has no node of {name}",
                f"there are {', '.join(self.nodes)}",
            )
        return HomeFolder(self.path / name)

    @property
    def homes(self) -> list[HomeFolder]:
        """All of them."""
        return [self.home(name) for name in self.nodes]


def malformed(file: Path, what: str) -> UsageError:
    """The error for a network file that cannot be used."""
    return UsageError("network.malformed", f"{file}: {what}", "restore it, or make a new network")


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part: the people, and one node an organisation."""

    organisations: Sequence[str]
    people: Sequence[MemberSpec]
    nodes: Sequence[MemberSpec]

    def people_of(self, organisation: str) -> list[MemberSpec]:
        """The members of one organisation."""
        return [spec for spec in self.people if spec.id.endswith(f"@{organisation}")]


def create_network(
    folder: Path,
    *,
    organisations: Sequence[str],
    chain: str,
    roles: Mapping[str, str] | None = None,
    contracts: Sequence[ContractSource] = (),
    governed: bool = False,
) -> tuple[NetworkFolder, Cast]:
    """Make a network of one validator an organisation, with development keys.

    `roles` names the members and the one role of each; without it, each organisation gets one
    operator who is its admin, too. On a `governed` chain organisations agree to each contract.
    Nothing is left behind where it fails. Raise `UsageError` where something is in the way.
    """
    check_organisations(organisations)
    if len(organisations) > limits.LOCAL_NODES:
        raise UsageError(
            "network.too_many",
            f"{len(organisations)} nodes are more than {limits.LOCAL_NODES} on one machine",
            "each is two processes; run them on machines of their own",
        )
    check_vacant(folder, [NETWORK, *organisations])
    cast = Cast(
        organisations,
        members_of(organisations, roles, development=True),
        [node_of(organisation) for organisation in organisations],
    )
    # The network's file goes last: with it the folder is a network.
    with made_whole(folder, [*organisations, NETWORK]) as working:
        network = fill(working, cast, chain, contracts, governed=governed)
    return NetworkFolder(folder, network.chain, network.genesis, network.nodes), cast


def node_of(organisation: str) -> MemberSpec:
    """An organisation's first node, with a new key."""
    name = f"node-1@{organisation}"
    return MemberSpec(name, Identity.generate(name, development=True), kind="node")


def fill(
    folder: Path,
    cast: Cast,
    chain: str,
    contracts: Sequence[ContractSource],
    *,
    governed: bool,
) -> NetworkFolder:
    """Writes all homes and the network's file into a working folder."""
    from lianheng.ledger import wall_clock_ms
    from lianheng.model import GenesisFile
    from lianheng.system import LOCAL_POLICIES
    from lianheng.system import contracts as system_contracts

    genesis = Genesis.create(
        chain=chain,
        organisations=list(cast.organisations),
        members=cast.people,
        validators=[Validator(node) for node in cast.nodes],
        time_ms=wall_clock_ms(),
        contracts=[*system_contracts(), *contracts],
        policies={} if governed else LOCAL_POLICIES,
    )
    for node in cast.nodes:
        organisation = str(node.identity.member.organisation)
        (folder / organisation).mkdir(mode=0o700)
        fill_home(HomeFolder(folder / organisation), node, cast.people_of(organisation), genesis)
    first = folder / cast.organisations[0]
    file = GenesisFile.from_bytes(HomeFolder(first).genesis_file.read_bytes())
    write_all_settings(folder, cast, file)
    return NetworkFolder.read(folder)


def fill_home(
    home: HomeFolder, node: MemberSpec, people: Sequence[MemberSpec], genesis: Genesis
) -> None:
    """Keys, ledger and genesis of one organisation."""
    from lianheng.consensus import create_ledger
    from lianheng.consensus.cometbft.signing import begin_signing

    home.identities.mkdir(mode=0o700)
    for spec in people:
        write_identity(home.identity_file(spec.id), spec.identity)
    begin_signing(home.path, node.identity.public)
    write_identity(home.node_identity, node.identity, kind="node")
    with create_ledger(home.ledger, genesis) as ledger:
        home.genesis_file.write_bytes(ledger.genesis_file)


def write_all_settings(folder: Path, cast: Cast, genesis: "GenesisFile") -> None:
    """How each node reaches the others: lianheng.toml in each home, and the network's file."""
    from lianheng.consensus.cometbft.files import make_node_key
    from lianheng.consensus.cometbft.settings import (
        Address,
        ConsensusSettings,
        Peer,
        write_settings,
    )

    homes = [(folder / organisation).resolve() for organisation in cast.organisations]
    peers = [
        Peer(make_node_key(home / "comet"), Address(LOOPBACK, port))
        for home, port in zip(homes, free_ports(len(homes)), strict=True)
    ]
    for home, node, peer in zip(homes, cast.nodes, peers, strict=True):
        write_settings(
            ConsensusSettings(
                folder=home,
                chain=genesis.document.chain,
                genesis=genesis.hash,
                member=node.identity.member,
                listen=peer.address,
                peers=tuple(other for other in peers if other is not peer),
                siblings=tuple(other for other in homes if other is not home),
                cache_mb=limits.CACHE_MB_SHARED,
            )
        )
    text = SETTINGS.format(
        chain=genesis.document.chain,
        genesis=genesis.hash.hex(),
        nodes=", ".join(f'"{name}"' for name in cast.organisations),
    )
    (folder / NETWORK).write_text(text, encoding="utf-8")


def free_ports(count: int) -> list[int]:
    """Ports on this machine's loopback that nobody listens on.

    Raise `UsageError` where there are not enough.
    """
    # Starting anywhere keeps two networks that are made at the same time apart.
    start = random.randrange(len(PORTS))  # noqa: S311 - nothing secret
    found: list[int] = []
    with ExitStack() as held:
        for offset in range(len(PORTS)):
            probe = held.enter_context(socket.socket())
            port = PORTS[(start + offset) % len(PORTS)]
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise UsageError(
        "network.no_ports",
        f"of ports {PORTS.start:,} to {PORTS.stop - 1:,} only {len(found)} are free",
        "stop what holds them",
    )
