"""CometBFT's config.toml as text: what we set, and why. What is not named keeps its default."""

import json
from typing import TypeAlias

from lianheng.consensus.cometbft.settings import ConsensusSettings
from lianheng.model import limits

FIRST_LINE = (
    "# Written anew at each start from lianheng.toml: what is changed here does not last.\n"
)

_Setting: TypeAlias = str | int | bool | list[str]
_SPARE_INBOUND_PEERS = 20


def config_toml(
    settings: ConsensusSettings, *, proxy_app: str, rpc: str, key: str, state: str
) -> str:
    """The whole file; `proxy_app` and `rpc` are addresses with their scheme.

    `key` and `state` are the files to sign with, below CometBFT's home.
    """
    top: dict[str, _Setting] = {
        "proxy_app": proxy_app,
        "abci": "socket",
        # Without it CometBFT tells everybody the name of the machine.
        "moniker": settings.member,
        "priv_validator_key_file": key,
        "priv_validator_state_file": state,
        "db_backend": "goleveldb",
        "log_level": settings.log_level,
        "log_format": "plain",
        "filter_peers": False,
    }
    tables: dict[str, dict[str, _Setting]] = {
        "rpc": _rpc(rpc),
        "p2p": _p2p(settings),
        "mempool": _mempool(settings),
        "statesync": {"enable": False},
        "consensus": _consensus(),
        "storage": {"discard_abci_responses": True},
        # Ours is derived from our own blocks; CometBFT's would cost a write for each envelope.
        "tx_index": {"indexer": "null"},
        "instrumentation": {"prometheus": False},
    }
    parts = [FIRST_LINE, _lines(top)]
    parts += [f"\n[{name}]\n{_lines(table)}" for name, table in tables.items()]
    return "".join(parts)


def _rpc(address: str) -> dict[str, _Setting]:
    return {
        "laddr": address,
        "grpc_laddr": "",
        "cors_allowed_origins": [],
        "unsafe": False,
        "max_open_connections": 4 * limits.RPC_CONNECTIONS,
        "max_body_bytes": limits.RPC_BODY_BYTES,
        "pprof_laddr": "",
    }


def _p2p(settings: ConsensusSettings) -> dict[str, _Setting]:
    peers = settings.peers
    return {
        "laddr": f"tcp://{settings.listen}",
        "persistent_peers": ",".join(map(str, peers)),
        # Validators always find room with each other.
        "unconditional_peer_ids": ",".join(peer.node_id for peer in peers),
        "max_num_inbound_peers": len(peers) + _SPARE_INBOUND_PEERS,
        "max_num_outbound_peers": len(peers) + _SPARE_INBOUND_PEERS,
        # Nobody but those named in the settings: no search for peers, no address book to trust.
        "pex": False,
        "addr_book_strict": False,
        "allow_duplicate_ip": True,
        # A block of 4 MB reaches a peer in 50 ms where the wire allows it; the defaults say 1 s.
        "send_rate": 100_000_000,
        "recv_rate": 100_000_000,
        "flush_throttle_timeout": "5ms",
        "max_packet_msg_payload_size": 65_536,
    }


def _mempool(settings: ConsensusSettings) -> dict[str, _Setting]:
    return {
        "type": "flood",
        # Or dead envelopes would wait at the head of the queue for ever.
        "recheck": True,
        "broadcast": True,
        "size": limits.MEMPOOL_ENVELOPES,
        "max_txs_bytes": settings.mempool_bytes,
        "max_tx_bytes": limits.CONSENSUS_TRANSACTION_BYTES,
        "cache_size": 10_000,
        "keep-invalid-txs-in-cache": False,
    }


def _consensus() -> dict[str, _Setting]:
    return {
        # An idle chain rests: the next block is made when something waits.
        "create_empty_blocks": False,
        "create_empty_blocks_interval": "0s",
        "skip_timeout_commit": True,
        "timeout_commit": "100ms",
        "timeout_propose": "1500ms",
        "timeout_propose_delta": "500ms",
        "timeout_prevote": "500ms",
        "timeout_prevote_delta": "250ms",
        "timeout_precommit": "500ms",
        "timeout_precommit_delta": "250ms",
        # Each wake-up of each peer's three routines costs an idle node: four of them took 8 % of a
        # core at 10 ms and 3 % at 50; a lone call was final in 50 ms and 150.
        "peer_gossip_sleep_duration": "30ms",
        "double_sign_check_height": 0,
    }


def _lines(table: dict[str, _Setting]) -> str:
    return "".join(f"{key} = {_value(value)}\n" for key, value in table.items())


def _value(value: _Setting) -> str:
    # JSON and TOML write these four the same way, but for one control character.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
