"""The settings of a network node: lianheng.toml, read strictly and written once.

It opens one file and decides nothing about CometBFT's own: see `files`. A key that is not known is
refused with the list of those that are, so that a slip of the pen is never a silent default.
"""

import json
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from lianheng.model import (
    QUORUM,
    SOLO,
    ChainName,
    HeaderHash,
    InvalidValue,
    MemberId,
    UsageError,
    limits,
)

SETTINGS_NAME = "lianheng.toml"
IDENTITY_NAME = "node.identity"
NEXT_IDENTITY_NAME = "node.next.identity"
LOG_LEVELS = ("debug", "info", "error", "none")

_TOP = ("chain", "genesis", "node", "consensus")
_TOP_OPTIONAL = ("store",)
_STORE_OPTIONAL = ("cache_mb",)
_NODE = ("member",)
_CONSENSUS_REQUIRED = ("kind", "listen", "peers")
_CONSENSUS_OPTIONAL = ("siblings", "cometbft", "mempool_bytes", "retain_blocks", "log_level")

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\]")
_NODE_ID = re.compile(r"[0-9a-f]{40}")
_ADDRESS_HINT = "host:port, like 127.0.0.1:26656 or a.example:26656; an IPv6 host in brackets"
_PEER_HINT = "node id@host:port; the node id has 40 digits from 0-9 and a-f"
_LONGEST_PORT_DIGITS = 5
_LAST_PORT = 65_535

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a node is reached by others."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "Address":
        """Read `host:port`; raise `ValueError` saying what is allowed."""
        host, colon, port = text.rpartition(":")
        digits = port.isascii() and port.isdigit() and len(port) <= _LONGEST_PORT_DIGITS
        if not colon or not _HOST.fullmatch(host) or not digits or not 1 <= int(port) <= _LAST_PORT:
            raise ValueError(_ADDRESS_HINT)
        return cls(host, int(port))

    def __str__(self) -> str:
        """As it is written: `host:port`."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Peer:
    """Another validator: the id of its node key, and where it listens."""

    node_id: str
    address: Address

    @classmethod
    def parse(cls, text: str) -> "Peer":
        """Read `node id@host:port`; raise `ValueError` saying what is allowed."""
        node_id, at, address = text.partition("@")
        if not at or not _NODE_ID.fullmatch(node_id):
            raise ValueError(_PEER_HINT)
        return cls(node_id, Address.parse(address))

    def __str__(self) -> str:
        """As it is written: `node id@host:port`."""
        return f"{self.node_id}@{self.address}"


@dataclass(frozen=True, slots=True)
class ConsensusSettings:
    """What one network node is told. Paths are absolute; `folder` is the node's home."""

    folder: Path
    chain: ChainName
    genesis: HeaderHash
    member: MemberId
    listen: Address
    peers: tuple[Peer, ...]
    siblings: tuple[Path, ...] = field(default=())
    cometbft: Path | None = None
    mempool_bytes: int = limits.MEMPOOL_BYTES
    retain_blocks: int = 0
    log_level: str = "info"
    cache_mb: int = limits.CACHE_MB

    @property
    def identity_file(self) -> Path:
        """The node's key."""
        return self.folder / IDENTITY_NAME

    @property
    def comet_home(self) -> Path:
        """CometBFT's own folder."""
        return self.folder / "comet"

    @property
    def comet_log(self) -> Path:
        """What CometBFT prints."""
        return self.folder / "comet.log"


def read_kind(file: Path) -> str:
    """`solo` or `cometbft`: who orders on the chain of this lianheng.toml.

    A file without a table [consensus] is that of an embedded ledger. Raise `UsageError`.
    """
    embedded: Mapping[str, Any] = {"kind": SOLO}
    consensus = _Table(file, "", _load(file)).take("consensus", _mapping, embedded)
    return _Table(file, "consensus", consensus).take("kind", _one_of((SOLO, QUORUM)))


def read_cache_mb(file: Path) -> int:
    """`cache_mb` of the table [store], which any lianheng.toml may have. Raise `UsageError`."""
    return _cache_mb(file, _Table(file, "", _load(file)))


def read_settings(file: Path) -> ConsensusSettings:
    """Read a network node's lianheng.toml; raise `UsageError` naming file, table and key."""
    top = _Table(file, "", _load(file))
    top.check(_TOP, _TOP_OPTIONAL)
    node = _Table(file, "node", top.take("node", _mapping))
    node.check(_NODE, ())
    consensus = _Table(file, "consensus", top.take("consensus", _mapping))
    consensus.check(_CONSENSUS_REQUIRED, _CONSENSUS_OPTIONAL)
    consensus.take("kind", _one_of((QUORUM,)))
    folder = file.parent.resolve()
    settings = ConsensusSettings(
        folder=folder,
        chain=top.take("chain", ChainName),
        genesis=top.take("genesis", HeaderHash.from_hex),
        member=node.take("member", MemberId),
        listen=consensus.take("listen", _text(Address.parse)),
        peers=consensus.take("peers", _list_of(_text(Peer.parse))),
        siblings=consensus.take("siblings", _list_of(_path(folder)), ()),
        cometbft=consensus.take("cometbft", _path(folder), None),
        mempool_bytes=consensus.take(
            "mempool_bytes",
            _between(limits.MEMPOOL_BYTES_LEAST, limits.MEMPOOL_BYTES_MOST),
            limits.MEMPOOL_BYTES,
        ),
        retain_blocks=consensus.take("retain_blocks", _retained, 0),
        log_level=consensus.take("log_level", _one_of(LOG_LEVELS), "info"),
        cache_mb=_cache_mb(file, top),
    )
    _check_peers(consensus, settings)
    return settings


def settings_text(settings: ConsensusSettings) -> str:
    """The lianheng.toml that `read_settings` reads as these settings."""
    folder = settings.folder
    optional: list[str] = []
    if settings.siblings:
        paths = ", ".join(_quoted(_relative(folder, path)) for path in settings.siblings)
        optional += [
            "# homes of nodes on this machine, asked when this node's result is not the chain's",
            f"siblings = [{paths}]",
        ]
    if settings.cometbft is not None:
        optional.append(f"cometbft = {_quoted(str(settings.cometbft))}")
    if settings.mempool_bytes != limits.MEMPOOL_BYTES:
        optional.append(f"mempool_bytes = {settings.mempool_bytes}")
    if settings.retain_blocks:
        optional.append(f"retain_blocks = {settings.retain_blocks}")
    if settings.log_level != "info":
        optional.append(f"log_level = {_quoted(settings.log_level)}")
    lines = [
        "# Which chain this node belongs to. The genesis hash is what to compare by phone.",
        f"chain = {_quoted(settings.chain)}",
        f"genesis = {_quoted(str(settings.genesis))}",
        "",
        "[node]",
        f"member = {_quoted(settings.member)}  # its key: {IDENTITY_NAME} beside this file",
        "",
        "[consensus]",
        f"kind = {_quoted(QUORUM)}",
        f"listen = {_quoted(str(settings.listen))}  # where other validators reach this node",
        "peers = [",
        *(f"    {_quoted(str(peer))}," for peer in settings.peers),
        "]",
        *optional,
    ]
    if settings.cache_mb != limits.CACHE_MB:
        lines += [
            "",
            "[store]",
            f"cache_mb = {settings.cache_mb}  # memory of the ledger at rest, MB",
        ]
    return "\n".join(lines) + "\n"


def write_settings(settings: ConsensusSettings) -> Path:
    """Write a new lianheng.toml into the node's folder; raise `UsageError` where one is there."""
    file = settings.folder / SETTINGS_NAME
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(settings_text(settings))
    except FileExistsError as failure:
        raise UsageError(
            "consensus.settings_exist", f"{file} is already there", "name another folder"
        ) from failure
    return file


class _Table:
    """One table of the file; every complaint names file, table and key."""

    def __init__(self, file: Path, name: str, content: Mapping[str, Any]) -> None:
        self._file = file
        self._name = name
        self._content = content

    def check(self, required: tuple[str, ...], optional: tuple[str, ...]) -> None:
        """Exactly these keys: all of the first, any of the second."""
        known = f"{self._place()} has {', '.join((*required, *optional))}"
        for key in self._content:
            if key not in required and key not in optional:
                self._refuse("consensus.setting_unknown", f"there is no setting {key!r}", known)
        for key in required:
            if key not in self._content:
                self._refuse("consensus.setting_missing", f"{key} is missing", known)

    def take(self, key: str, read: Callable[[Any], T], *default: T) -> T:
        """The value of a key, or the default where it is absent and there is one."""
        if key not in self._content:
            if default:
                return default[0]
            self._refuse("consensus.setting_missing", f"{key} is missing", "write it")
        value = self._content[key]
        try:
            return read(value)
        except InvalidValue as failure:
            self.invalid(key, value, "; ".join(filter(None, (failure.message, failure.hint))))
        except (ValueError, TypeError) as failure:
            self.invalid(key, value, str(failure))

    def invalid(self, key: str, value: object, allowed: str) -> NoReturn:
        """This key's value is not one that it may have."""
        self._refuse(
            "consensus.setting_invalid", f"{key} = {str(value)[:80]!r} is not allowed", allowed
        )

    def _place(self) -> str:
        return f"table [{self._name}]" if self._name else "the top of the file"

    def _refuse(self, code: str, message: str, hint: str) -> NoReturn:
        raise UsageError(code, f"{self._file}, {self._place()}: {message}", hint)


def _load(file: Path) -> Mapping[str, Any]:
    try:
        with file.open("rb") as stream:
            data = stream.read(limits.SETTINGS_FILE_BYTES + 1)
    except OSError as failure:
        raise UsageError(
            "consensus.settings_unreadable",
            f"{file} cannot be read: {failure.strerror}",
            "lianheng network new writes one",
        ) from failure
    if len(data) > limits.SETTINGS_FILE_BYTES:
        raise UsageError(
            "consensus.settings_malformed",
            f"{file} has more than {limits.SETTINGS_FILE_BYTES:,} bytes",
        )
    try:
        return tomllib.loads(data.decode())
    except (ValueError, RecursionError) as failure:
        raise UsageError(
            "consensus.settings_malformed", f"{file} is not TOML: {failure}", "see toml.io"
        ) from failure


def _cache_mb(file: Path, top: _Table) -> int:
    store = _Table(file, "store", top.take("store", _mapping, {}))
    store.check((), _STORE_OPTIONAL)
    allowed = _between(limits.CACHE_MB_LEAST, limits.CACHE_MB_MOST)
    return store.take("cache_mb", allowed, limits.CACHE_MB)


def _check_peers(table: _Table, settings: ConsensusSettings) -> None:
    if len(settings.peers) > limits.PEERS:
        table.invalid("peers", f"{len(settings.peers)} peers", f"at most {limits.PEERS}")
    seen: set[str] = set()
    for peer in settings.peers:
        if peer.node_id in seen:
            table.invalid("peers", peer, "each node id once")
        if peer.address == settings.listen:
            table.invalid("peers", peer, "the other validators, not this node's own address")
        seen.add(peer.node_id)


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("a table")
    return value


def _text(read: Callable[[str], T]) -> Callable[[Any], T]:
    def checked(value: Any) -> T:
        if not isinstance(value, str):
            raise TypeError("a text in quotes")
        return read(value)

    return checked


def _list_of(read: Callable[[Any], T]) -> Callable[[Any], tuple[T, ...]]:
    def checked(value: Any) -> tuple[T, ...]:
        if not isinstance(value, list):
            raise TypeError("a list in brackets")
        return tuple(read(item) for item in value)

    return checked


def _one_of(allowed: tuple[str, ...]) -> Callable[[Any], str]:
    def checked(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(" or ".join(f'"{name}"' for name in allowed))
        return value

    return checked


def _between(least: int, most: int) -> Callable[[Any], int]:
    def checked(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise ValueError(f"a whole number from {least:,} to {most:,}")
        return value

    return checked


def _retained(value: Any) -> int:
    if value == 0 and not isinstance(value, bool) and isinstance(value, int):
        return 0
    try:
        return _between(limits.RETAIN_BLOCKS_LEAST, limits.RETAIN_BLOCKS_MOST)(value)
    except ValueError as failure:
        raise ValueError(f"0 to keep all, or {failure}") from failure


def _path(folder: Path) -> Callable[[Any], Path]:
    def absolute(text: str) -> Path:
        if not text or "\0" in text:
            raise ValueError("a path, absolute or from the folder of this file")
        return Path(os.path.normpath(folder / text))

    return _text(absolute)


def _relative(folder: Path, path: Path) -> str:
    return os.path.relpath(path, folder) if path.is_absolute() else str(path)


def _quoted(text: str) -> str:
    # JSON's escapes are TOML's, but for the one control character that JSON leaves as it is.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
