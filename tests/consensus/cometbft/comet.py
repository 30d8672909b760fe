"""Homes of validators on this machine, and the real CometBFT where it is installed."""

import contextlib
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import pytest
from tests.consensus.cometbft.support import Recorder

from lianheng._native import Engine
from lianheng.consensus.cometbft._watch import CometEvent
from lianheng.consensus.cometbft.files import CometSockets, make_node_key, write_comet_home
from lianheng.consensus.cometbft.process import CometProcess, check_version, find_binary
from lianheng.consensus.cometbft.rpc import CometRpc
from lianheng.consensus.cometbft.settings import Address, ConsensusSettings, Peer
from lianheng.consensus.cometbft.signing import STATE, begin_signing
from lianheng.members import Genesis, Identity, MemberSpec
from lianheng.members._genesis import Validator
from lianheng.model import (
    ChainName,
    GenesisFile,
    LianhengError,
    MemberId,
    NodeError,
    native_errors,
)

ORGANISATIONS = ("bank-a", "bank-b", "hospital", "grid")
TIME_MS = 1_795_000_000_250
WAIT_SECONDS = 30.0


def real_binary() -> Path:
    """CometBFT, or a clean skip."""
    try:
        found = find_binary()
        check_version(found)
    except NodeError as failure:
        pytest.skip(str(failure))
    return found


def node_identity(number: int) -> Identity:
    organisation = ORGANISATIONS[number]
    return Identity.generate(f"node-1@{organisation}", development=True)


def make_genesis(identities: Sequence[Identity], time_ms: int = TIME_MS) -> GenesisFile:
    """The genesis of a chain that these nodes seal, each with power 1."""
    genesis = Genesis.create(
        chain="trade",
        organisations=[identity.member.organisation for identity in identities],
        members=[],
        validators=[Validator(MemberSpec(i.member, i, kind="node")) for i in identities],
        time_ms=time_ms,
    )
    with native_errors():
        return GenesisFile.from_bytes(Engine.create(None, genesis.encoded).genesis_file)


def free_port() -> int:
    with contextlib.closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class ValidatorHome:
    """One node's home, its key and its chain."""

    settings: ConsensusSettings
    genesis: GenesisFile
    identity: Identity
    sockets: CometSockets

    @classmethod
    def make(cls, folder: Path, genesis: GenesisFile, identity: Identity) -> "ValidatorHome":
        folder.mkdir(parents=True, exist_ok=True)
        settings = ConsensusSettings(
            folder=folder,
            chain=ChainName("trade"),
            genesis=genesis.hash,
            member=MemberId(identity.member),
            listen=Address("127.0.0.1", free_port()),
            peers=(),
        )
        return cls(settings, genesis, identity, CometSockets.below(folder))

    @property
    def comet(self) -> Path:
        return self.settings.comet_home

    def write(self, application: str | None = "kvstore", *, signs: bool = True) -> None:
        if signs and not (self.settings.folder / STATE).exists():
            begin_signing(self.settings.folder, self.identity.public)
        write_comet_home(
            self.comet,
            self.settings,
            self.genesis,
            self.identity,
            self.sockets,
            application=application,
            signs=signs,
        )


def lone_home(folder: Path) -> ValidatorHome:
    """A chain of one validator."""
    identity = node_identity(0)
    time_ms = time.time_ns() // 1_000_000
    return ValidatorHome.make(folder, make_genesis([identity], time_ms), identity)


def joined(homes: Sequence[ValidatorHome]) -> list[ValidatorHome]:
    """The same homes, each with all others as peers."""
    peers = [Peer(make_node_key(home.comet), home.settings.listen) for home in homes]
    return [
        replace(
            home,
            settings=replace(
                home.settings, peers=tuple(p for p in peers if p.address != home.settings.listen)
            ),
        )
        for home in homes
    ]


class Supervised:
    """A CometBFT under supervision, and what was heard of it."""

    def __init__(self, home: ValidatorHome, binary: Path) -> None:
        self.home = home
        self.recorder = Recorder()
        self.events: list[CometEvent] = []
        self.exits: list[LianhengError] = []
        self.process = CometProcess(
            binary,
            home.comet,
            home.settings.comet_log,
            self.recorder.log,
            self.exits.append,
            rpc=home.sockets.rpc,
            on_event=self.events.append,
        )
        self.rpc = CometRpc(home.sockets.rpc)

    def __enter__(self) -> Self:
        self.process.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.rpc.close()
        self.process.stop()

    def height(self) -> int:
        """0 while nobody answers."""
        try:
            return self.rpc.status().height
        except NodeError:
            return 0

    def kinds(self) -> list[str]:
        return [event.kind for event in self.events]


def wait_for(happened: Callable[[], object], what: str, seconds: float = WAIT_SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline, f"waited for {what}"
        time.sleep(0.02)
