"""Homes of single nodes: one for a chain that runs, and the next key of one that is there.

A key is made where it is used, together with the state of what it signed: nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from lianheng.cli._home import CONFIGURATION, HomeFolder, check_vacant
from lianheng.cli._working import made_whole
from lianheng.members import (
    Genesis,
    Identity,
    Registration,
    read_identity,
    write_identity,
    write_new_file,
)
from lianheng.model import QUORUM, GenesisFile, InvalidValue, MemberId, NotFound, UsageError

if TYPE_CHECKING:
    from lianheng.consensus.cometbft.settings import Peer

MADE = ("genesis.cbor", "identities", "ledger", "comet", "signed.json", "node.identity")


@dataclass(frozen=True, slots=True)
class Place:
    """The chain of a node, and whom it connects to."""

    genesis: bytes
    peers: "tuple[Peer, ...]"

    @classmethod
    def found(cls, like: Path | None, genesis: Path | None, peers: Sequence[str]) -> Self:
        """From a home of the chain, a genesis file, and peers; what is given stands before."""
        from lianheng.consensus.cometbft.files import NODE_KEY, node_id
        from lianheng.consensus.cometbft.settings import Peer, read_settings

        known: list[Peer] = []
        for text in peers:
            try:
                known.append(Peer.parse(text))
            except ValueError as failure:
                raise InvalidValue(
                    "value.malformed", f"{text[:80]!r} is no peer", str(failure)
                ) from None
        if like is not None:
            home = HomeFolder.find(like, Path.cwd())
            settings = read_settings(home.path / CONFIGURATION)
            genesis = genesis or home.genesis_file
            own = Peer(node_id(home.path / "comet" / NODE_KEY), settings.listen)
            known += [peer for peer in (own, *settings.peers) if peer not in known]
        if genesis is None or not genesis.is_file():
            raise NotFound(
                "home.no_genesis",
                f"there is no genesis file{'' if genesis is None else f' {genesis}'}",
                "name one: --genesis FILE, or a home of the chain: --like HOME",
            )
        return cls(genesis.read_bytes(), tuple(known))


def make_node_home(
    folder: Path, node: str, place: Place, listen: str, public_name: str
) -> dict[str, Any]:
    """Key, genesis, empty ledger and settings; gives what was made. Nothing is left half made.

    Raise `UsageError` where something is in the way, or the chain has no validators.
    """
    from lianheng.consensus.cometbft.settings import Address, ConsensusSettings, settings_text

    member, genesis = MemberId(node), GenesisFile.from_bytes(place.genesis)
    if genesis.document.sealers[1] != QUORUM:
        raise UsageError(
            "consensus.not_a_network",
            f"one sequencer seals {genesis.document.chain}, and nobody votes",
            "other nodes have no part in such a chain",
        )
    check_vacant(folder, [*MADE, CONFIGURATION, public_name])
    at = Address.parse(listen)
    settings = ConsensusSettings(
        folder=folder.resolve(),
        chain=genesis.document.chain,
        genesis=genesis.hash,
        member=member,
        listen=at,
        peers=tuple(peer for peer in place.peers if peer.address != at),
    )
    identity = Identity.generate(member, development=True)
    part = Registration.make(identity, genesis.document.chain, kind="node")
    # The configuration goes last: with it the folder is a home.
    with made_whole(folder, [*MADE, CONFIGURATION], mode=0o700) as working:
        fill(HomeFolder(working), identity, place.genesis, genesis)
        (working / CONFIGURATION).write_text(settings_text(settings), encoding="utf-8")
    write_new_file(folder / public_name, part.encoded, mode=0o644)
    return {
        "home": str(folder),
        "node": str(member),
        "chain": str(settings.chain),
        "genesis": genesis.hash.hex(),
        "public": str(folder / public_name),
        "listen": str(at),
        "peers": [str(peer) for peer in settings.peers],
    }


def fill(home: HomeFolder, identity: Identity, data: bytes, genesis: GenesisFile) -> None:
    """Writes all but the settings into a working folder."""
    from lianheng.consensus import create_ledger
    from lianheng.consensus.cometbft.files import make_node_key
    from lianheng.consensus.cometbft.signing import begin_signing

    home.identities.mkdir(mode=0o700)
    begin_signing(home.path, identity.public)
    write_identity(home.node_identity, identity, kind="node")
    make_node_key(home.path / "comet")
    home.genesis_file.write_bytes(data)
    with create_ledger(home.ledger, Genesis(genesis.document)) as ledger:
        if ledger.genesis_hash != genesis.hash:
            raise UsageError(
                "consensus.wrong_genesis",
                f"the document gives genesis {ledger.genesis_hash}, its file says {genesis.hash}",
                "fetch the genesis file again, and compare its hash by phone",
            )


def next_key(home: Path) -> tuple[Identity, Identity]:
    """The key of this home's node, and the one to follow it, which is made where there is none."""
    from lianheng.consensus.cometbft.settings import NEXT_IDENTITY_NAME, read_kind

    own = HomeFolder(home).node_identity
    if read_kind(home / CONFIGURATION) != QUORUM or not own.is_file():
        raise UsageError(
            "consensus.not_a_network",
            f"{home} is no home of a node that votes",
            "name the home of one: --home HOME",
        )
    current = read_identity(own)
    file = home / NEXT_IDENTITY_NAME
    if file.exists():
        # A rotation that was cut off goes on with the key that it made.
        return current, read_identity(file)
    fresh = Identity.generate(current.member, development=True)
    write_identity(file, fresh, kind="node")
    return current, fresh
