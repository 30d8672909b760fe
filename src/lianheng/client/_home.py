"""The home folder of a node and its commands: where everything lies.

HOME/lianheng.toml             chain and genesis hash
HOME/genesis.cbor              trust anchor
HOME/identities/*.identity     one file a member
HOME/ledger/                   the ledger
HOME/node.sock, node.json      while a node runs
HOME/node.log                  log of a detached node
"""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from lianheng.members import Identity, Passphrase, read_identity
from lianheng.model import (
    HeaderHash,
    IdentityError,
    InvalidValue,
    LianhengError,
    MemberId,
    NodeError,
    NotFound,
    limits,
)

HOME_VARIABLE = "LIANHENG_HOME"
CONFIGURATION_NAME = "lianheng.toml"
_CONFIGURATION_FIELDS = frozenset({"chain", "genesis"})
_NODE_FIELDS = frozenset({"pid", "socket", "started_ms", "version"})


@dataclass(frozen=True, slots=True)
class NodeRecord:
    """What a running node says about itself in node.json."""

    pid: int
    socket: Path
    started_ms: int
    version: str


@dataclass(frozen=True, slots=True)
class Home:
    """Paths of one home folder."""

    path: Path

    @classmethod
    def find(cls, given: Path | None, environment: Mapping[str, str], start: Path) -> Self:
        """The folder given, else that of LIANHENG_HOME, else the nearest one above `start`.

        Raise `NotFound` where there is none.
        """
        if given is not None:
            return cls._checked(given, "--home")
        if environment.get(HOME_VARIABLE):
            return cls._checked(Path(environment[HOME_VARIABLE]), HOME_VARIABLE)
        for folder in (start.resolve(), *start.resolve().parents):
            if (folder / CONFIGURATION_NAME).is_file():
                return cls(folder)
        raise NotFound(
            "home.not_found",
            f"neither {start} nor a folder above it has a {CONFIGURATION_NAME}",
            f"run lianheng init, or name the folder with --home or {HOME_VARIABLE}",
        )

    @classmethod
    def _checked(cls, folder: Path, source: str) -> Self:
        if not (folder / CONFIGURATION_NAME).is_file():
            raise NotFound(
                "home.not_found",
                f"{source} names {folder}, which has no {CONFIGURATION_NAME}",
                "run lianheng init there",
            )
        return cls(folder.resolve())

    @property
    def configuration_file(self) -> Path:
        """What the operator may read and edit."""
        return self.path / CONFIGURATION_NAME

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
    def socket(self) -> Path:
        """Where the node's socket lies unless the path is too long."""
        return self.path / "node.sock"

    @property
    def node_file(self) -> Path:
        """Where a running node says which process it is."""
        return self.path / "node.json"

    @property
    def log_file(self) -> Path:
        """Log of a detached node."""
        return self.path / "node.log"

    def configuration(self) -> Mapping[str, Any]:
        """Chain and genesis hash. Raise `InvalidValue` where the file is not well formed."""
        try:
            with self.configuration_file.open("rb") as file:
                text = file.read(limits.CONFIGURATION_BYTES).decode()
            fields = tomllib.loads(text)
        except (OSError, ValueError) as failure:
            raise InvalidValue(
                "home.configuration", f"{self.configuration_file}: {failure}", "repair the file"
            ) from failure
        unknown = sorted(set(fields) - _CONFIGURATION_FIELDS)
        if unknown or not all(isinstance(value, str) for value in fields.values()):
            raise InvalidValue(
                "home.configuration",
                f"{self.configuration_file}: {unknown[0] if unknown else 'a value'} "
                "is not known here",
                f"fields are {', '.join(sorted(_CONFIGURATION_FIELDS))}, all of them texts",
            )
        return fields

    def write_configuration(self, chain: str, genesis: HeaderHash) -> None:
        """Write a new configuration."""
        text = (
            "# Which chain this folder belongs to. The genesis hash is what to compare by phone.\n"
            f'chain = "{chain}"\ngenesis = "{genesis.hex()}"\n'
        )
        self.configuration_file.write_text(text, encoding="utf-8")

    def identity_file(self, member: str) -> Path:
        """The file of a member's key."""
        return self.identities / f"{MemberId(member)}.identity"

    def members(self) -> list[MemberId]:
        """Members whose keys lie here."""
        found = sorted(self.identities.glob("*.identity"))
        return [MemberId(file.name.removesuffix(".identity")) for file in found]

    def identity(self, member: str, passphrase: Passphrase = None) -> Identity:
        """A member's key. Raise `IdentityError`, naming the members there are."""
        file = self.identity_file(member)
        if not file.is_file():
            known = ", ".join(self.members()) or "none"
            raise IdentityError(
                "identity.missing",
                f"no key of {member} lies in {self.identities}",
                f"there: {known}",
            )
        return read_identity(file, passphrase)

    def node_record(self) -> NodeRecord | None:
        """What the node that runs, or ran last, wrote; None where there is nothing readable."""
        try:
            fields = json.loads(self.node_file.read_text(encoding="utf-8"))
            if set(fields) != _NODE_FIELDS:
                return None
            return NodeRecord(
                int(fields["pid"]),
                Path(fields["socket"]),
                int(fields["started_ms"]),
                str(fields["version"]),
            )
        except (OSError, ValueError, TypeError):
            # A node that was killed while it wrote leaves this; the next one writes it anew.
            return None


def not_running(home: Home, failure: BaseException | None = None) -> LianhengError:
    """The error for a home without a running node."""
    error = NodeError(
        "node.not_running", f"no node runs for {home.path}", "start one with lianheng up"
    )
    error.__cause__ = failure
    return error
