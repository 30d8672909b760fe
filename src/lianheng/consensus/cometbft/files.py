"""CometBFT's home folder, derived from our settings and our genesis file.

    HOME/comet/config/config.toml                written anew at each start
    HOME/comet/config/genesis.json               the same bytes on every node
    HOME/comet/config/node_key.json              made once; its id is what peers name
    HOME/comet/config/priv_validator_key.json    the node's key in CometBFT's form
    HOME/comet/data/priv_validator_state.json    what it voted for: see `signing`
    HOME/comet/config/follower_key.json          a key without meaning, where the node must not sign

Nobody distributes a second genesis: CometBFT's is a function of ours. The folder belongs to one
genesis; another one is refused.
"""

import base64
import binascii
import contextlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lianheng.consensus.cometbft import _config
from lianheng.consensus.cometbft.settings import ConsensusSettings
from lianheng.members import Identity
from lianheng.model import (
    QUORUM,
    RULES,
    Damaged,
    GenesisFile,
    HeaderHash,
    Milliseconds,
    NodeError,
    UsageError,
    limits,
    validator_address,
)

GENESIS = Path("config/genesis.json")
CONFIGURATION = Path("config/config.toml")
NODE_KEY = Path("config/node_key.json")
VALIDATOR_KEY = Path("config/priv_validator_key.json")
VALIDATOR_STATE = Path("data/priv_validator_state.json")
FOLLOWER_KEY = Path("config/follower_key.json")
FOLLOWER_STATE = Path("data/follower_state.json")

SHORT_PREFIX = "lianheng-comet-"
_CHAIN_ID_BYTES = 24
_PUBLIC_KEY_TYPE = "tendermint/PubKeyEd25519"
_PRIVATE_KEY_TYPE = "tendermint/PrivKeyEd25519"
_SEED_BYTES = 32
_PRIVATE_KEY_BYTES = 64
# Evidence parameters as CometBFT's defaults have them: blocks, nanoseconds (48 h), bytes.
_EVIDENCE = {
    "max_age_num_blocks": "100000",
    "max_age_duration": "172800000000000",
    "max_bytes": "1048576",
}


@dataclass(frozen=True, slots=True)
class CometSockets:
    """Where CometBFT calls us (`abci`), and where we call it (`rpc`)."""

    abci: Path
    rpc: Path

    @classmethod
    def below(cls, folder: Path) -> "CometSockets":
        """In this folder, or in a new private one where its path is too long for a socket."""
        longest = folder / "abci.sock"
        if len(os.fsencode(longest)) > limits.SOCKET_PATH_BYTES:
            folder = Path(tempfile.mkdtemp(prefix=SHORT_PREFIX))
        return cls(folder / "abci.sock", folder / "rpc.sock")

    def remove(self) -> None:
        """Remove what is left of them, and the private folder."""
        for path in (self.abci, self.rpc):
            path.unlink(missing_ok=True)
        if self.abci.parent.name.startswith(SHORT_PREFIX):
            with contextlib.suppress(OSError):
                self.abci.parent.rmdir()


def chain_id(genesis: HeaderHash) -> str:
    """What CometBFT calls the chain (docs/protocol/formats.md, "Seal")."""
    return genesis[:_CHAIN_ID_BYTES].hex()


def write_comet_home(
    folder: Path,
    settings: ConsensusSettings,
    genesis: GenesisFile,
    validator: Identity,
    sockets: CometSockets,
    *,
    signs: bool = True,
    application: str | None = None,
) -> None:
    """Make or renew CometBFT's home; `application` replaces our ABCI socket in tests.

    Where the node `signs`, its state file MUST be there (`signing.begin_signing`); else CometBFT
    runs with a key that means nothing, and the node's own files are left alone.

    Raise `UsageError` (`cometbft.wrong_genesis`, `cometbft.wrong_member`) where the parts do not
    belong together, `Damaged` where the folder is not what this node left there.
    """
    _check_parts(settings, genesis, validator)
    _check_folder(folder, genesis)
    for part in ("config", "data"):
        (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
    _replace(folder / GENESIS, genesis_json(genesis), mode=0o644)
    make_node_key(folder)
    if signs:
        key, state = VALIDATOR_KEY, VALIDATOR_STATE
        _replace(folder / VALIDATOR_KEY, _validator_key_json(validator), mode=0o600)
    else:
        key, state = FOLLOWER_KEY, FOLLOWER_STATE
        unknown = Identity.generate("follower@localhost")
        _replace(folder / FOLLOWER_KEY, _validator_key_json(unknown), mode=0o600)
        _replace(folder / FOLLOWER_STATE, _json({"height": "0", "round": 0, "step": 0}), mode=0o600)
    proxy_app = application or f"unix://{sockets.abci}"
    text = _config.config_toml(
        settings,
        proxy_app=proxy_app,
        rpc=f"unix://{sockets.rpc}",
        key=str(key),
        state=str(state),
    )
    _replace(folder / CONFIGURATION, text.encode(), mode=0o644)


def genesis_json(genesis: GenesisFile) -> bytes:
    """CometBFT's genesis: the same bytes wherever it is derived from the same genesis file.

    Raise `UsageError` where the chain is sealed by one sequencer.
    """
    _, kind, members = genesis.document.sealers
    if kind != QUORUM:
        raise UsageError(
            "consensus.not_a_network",
            f"chain {genesis.document.chain} is sealed by {kind!r}, not by validators",
            "make a network: lianheng network new DIR --orgs a,b,c,d",
        )
    validators = [
        {
            "address": validator_address(public).hex().upper(),
            "pub_key": _public_key(public),
            "power": str(power),
            "name": "",
        }
        for public, power in members
    ]
    fields = {
        "genesis_time": rfc3339(genesis.document.time),
        "chain_id": chain_id(genesis.hash),
        "initial_height": "1",
        "consensus_params": {
            "block": {"max_bytes": "-1", "max_gas": "-1"},
            "evidence": _EVIDENCE,
            "validator": {"pub_key_types": ["ed25519"]},
            # As our application names it: CometBFT goes back by a block to this version.
            "version": {"app": str(RULES)},
            "abci": {"vote_extensions_enable_height": "0"},
            "authority": {"authority": ""},
        },
        "validators": validators,
        "app_hash": genesis.hash.hex().upper(),
        "app_state": {"genesis": genesis.hash.hex()},
    }
    return _json(fields)


def make_node_key(folder: Path) -> str:
    """The id of the node's key for connections between nodes; the key is made where none is."""
    file = folder / NODE_KEY
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        seed = secrets.token_bytes(_SEED_BYTES)
        public = Identity("node-key@localhost", seed).public
        _write_once(file, _json({"priv_key": _private_key(seed, public)}))
    return node_id(file)


def node_id(file: Path) -> str:
    """The id of a node key file: 40 hexadecimal digits. Raise `Damaged` where it is not one."""
    return validator_address(_read_public(file)).hex()


def rfc3339(time: Milliseconds) -> str:
    """A time as CometBFT's JSON has it."""
    seconds, milliseconds = divmod(time, 1000)
    text = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f".{milliseconds:03}".rstrip("0") if milliseconds else ""
    return f"{text}{fraction}Z"


def _check_parts(settings: ConsensusSettings, genesis: GenesisFile, validator: Identity) -> None:
    if settings.genesis != genesis.hash:
        raise UsageError(
            "cometbft.wrong_genesis",
            f"{settings.folder}: lianheng.toml names genesis {settings.genesis}, "
            f"genesis.cbor has {genesis.hash}",
            "ask the other organisations which hash is right, and bring the file that has it",
        )
    if settings.member != validator.member:
        raise UsageError(
            "cometbft.wrong_member",
            f"lianheng.toml names node {settings.member}, its key is that of {validator.member}",
            f"bring the node.identity of {settings.member}",
        )
    if not validator.development:
        # CometBFT reads its key from a plain file.
        raise UsageError(
            "cometbft.key_encrypted",
            f"the key of {validator.member} is encrypted; CometBFT would need it in plain",
            "until a remote signer is built, nodes run with development keys only",
        )


def _check_folder(folder: Path, genesis: GenesisFile) -> None:
    if (folder / GENESIS).exists():
        found = _read_json(folder / GENESIS).get("app_hash")
        if found != genesis.hash.hex().upper():
            raise UsageError(
                "cometbft.wrong_genesis",
                f"{folder} belongs to genesis {str(found)[:80].lower()}, "
                f"this node to {genesis.hash}",
                "bring the genesis.cbor of the chain that ran here, or name a new home; "
                "never empty the folder of a validator that votes",
            )


def _validator_key_json(validator: Identity) -> bytes:
    return _json(
        {
            "address": validator_address(validator.public).hex().upper(),
            "pub_key": _public_key(validator.public),
            "priv_key": _private_key(validator.seed, validator.public),
        }
    )


def _public_key(public: bytes) -> dict[str, str]:
    return {"type": _PUBLIC_KEY_TYPE, "value": base64.b64encode(public).decode()}


def _private_key(seed: bytes, public: bytes) -> dict[str, str]:
    return {"type": _PRIVATE_KEY_TYPE, "value": base64.b64encode(seed + public).decode()}


def _read_public(file: Path) -> bytes:
    """The public half of a file with a private key."""
    key = _read_json(file).get("priv_key")
    if not isinstance(key, dict) or key.get("type") != _PRIVATE_KEY_TYPE:
        raise _unreadable(file, "it holds no Ed25519 key")
    try:
        private = base64.b64decode(str(key.get("value")), validate=True)
    except (binascii.Error, ValueError) as failure:
        raise _unreadable(file, "its key is not base64") from failure
    if len(private) != _PRIVATE_KEY_BYTES:
        raise _unreadable(file, f"its key has {len(private)} bytes, not {_PRIVATE_KEY_BYTES}")
    return private[_SEED_BYTES:]


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes())
    except OSError as failure:
        raise NodeError(
            "cometbft.file_unreadable", f"{file} cannot be read: {failure.strerror}"
        ) from failure
    except (ValueError, RecursionError) as failure:
        raise _unreadable(file, "it is not JSON") from failure
    if not isinstance(content, dict):
        raise _unreadable(file, "it is no JSON object")
    return content


def _unreadable(file: Path, reason: str) -> Damaged:
    return Damaged("cometbft.file_damaged", f"{file}: {reason}", "restore it from a backup")


def _json(fields: dict[str, Any]) -> bytes:
    return (json.dumps(fields, indent=2) + "\n").encode()


def _replace(file: Path, data: bytes, *, mode: int) -> None:
    """Write whole or not at all; an equal file is left alone."""
    if file.exists() and file.read_bytes() == data and file.stat().st_mode & 0o777 == mode:
        return
    temporary = _write_beside(file, data, mode)
    temporary.replace(file)
    _sync_folder(file.parent)


def _write_once(file: Path, data: bytes) -> None:
    """Write whole or not at all; a file that is there stays."""
    temporary = _write_beside(file, data, 0o600)
    try:
        # link() fails where the target exists; rename() would replace it.
        os.link(temporary, file)
    except FileExistsError as failure:
        raise NodeError(
            "cometbft.file_exists", f"{file} appeared meanwhile", "another process runs here"
        ) from failure
    finally:
        temporary.unlink()
    _sync_folder(file.parent)


def _write_beside(file: Path, data: bytes, mode: int) -> Path:
    temporary = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(descriptor, "wb") as stream:  # noqa: PTH123 - from a descriptor
        stream.write(data)
        stream.flush()
        os.fsync(descriptor)
    return temporary


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
