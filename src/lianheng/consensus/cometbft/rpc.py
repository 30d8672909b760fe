"""CometBFT's RPC over its Unix socket: the calls that a node makes, typed, with time limits.

JSON stays at this edge: hashes and keys come out as bytes, 64-bit numbers (texts in CometBFT's
JSON) as int. `commit` and `validators` keep their JSON, which `seals` turns into ours. Any thread
may call; nothing is retried here, but for a connection that CometBFT closed while it was idle.
"""

import base64
import http.client
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

from lianheng.consensus.cometbft._unix_http import TooLargeError, UnixHttp
from lianheng.model import Busy, LianhengError, NodeError, error_for, limits

Json: TypeAlias = Mapping[str, Any]
T = TypeVar("T")

_FULL = ("mempool is full", "mempool is still rechecking")
_KNOWN = "tx already exists in cache"
_CATCHING_UP = "endpoint is closed while node is catching up"
_TOO_LARGE = "Tx too large"
_NOT_THERE = ("must be less than or equal to", "is not available", "could not find")


@dataclass(frozen=True, slots=True)
class CometStatus:
    """Where this CometBFT is."""

    node_id: str
    network: str
    height: int
    earliest_height: int
    app_hash: bytes
    catching_up: bool
    address: bytes
    power: int


@dataclass(frozen=True, slots=True)
class CometPeer:
    """Another node that is connected."""

    node_id: str
    moniker: str
    outbound: bool
    host: str


@dataclass(frozen=True, slots=True)
class CometBlock:
    """A decided block: its envelopes in order."""

    height: int
    chain_id: str
    app_hash: bytes
    proposer: bytes
    txs: list[bytes]


@dataclass(frozen=True, slots=True)
class CometCommit:
    """A header and a commit for it, in CometBFT's JSON. Not canonical: one that this node saw."""

    height: int
    validators_hash: str
    signed_header: Json
    canonical: bool


class CometRpc:
    """One CometBFT's RPC."""

    def __init__(self, socket: Path, *, seconds: float = limits.RPC_SECONDS) -> None:
        """Connects at the first call."""
        self._socket = socket
        self._ids = 0
        self._lock = threading.Lock()
        self._http = UnixHttp(socket, seconds)

    def broadcast(self, data: bytes) -> None:
        """Hand over an envelope; returns once CheckTx let it into this node's mempool.

        One that is there, or was lately, is fine. Raise `Busy` (`cometbft.mempool_full`,
        `cometbft.catching_up`), CheckTx's own error, or `NodeError` (`cometbft.not_reachable`, ...)
        where CometBFT does not answer: then the envelope may be in its mempool all the same.
        """
        try:
            answer = self._call("broadcast_tx_sync", {"tx": base64.b64encode(data).decode()})
        except _RpcError as failure:
            _broadcast_refused(failure)
            return
        code = _read(answer, "code", int)
        if code:
            log = _read(answer, "log", str)
            raise _checked(code, log, _read(answer, "codespace", str))

    def status(self) -> CometStatus:
        """Where it is. Raise `NodeError`."""
        answer = self._ask("status", {})
        node, sync = _read(answer, "node_info", dict), _read(answer, "sync_info", dict)
        mine = _read(answer, "validator_info", dict)
        return CometStatus(
            node_id=_read(node, "id", str),
            network=_read(node, "network", str),
            height=_number(sync, "latest_block_height"),
            earliest_height=_number(sync, "earliest_block_height"),
            app_hash=_hex(sync, "latest_app_hash"),
            catching_up=_read(sync, "catching_up", bool),
            address=_hex(mine, "address"),
            power=_number(mine, "voting_power"),
        )

    def net_info(self) -> list[CometPeer]:
        """Who is connected. Raise `NodeError`."""
        peers = _read(self._ask("net_info", {}), "peers", list)
        return [_peer(peer) for peer in peers]

    def heights(self) -> tuple[int, list[int]]:
        """The height that this node works on, and those of the nodes that said theirs.

        Raise `NodeError`.
        """
        answer = self._ask("dump_consensus_state", {})
        own = _number(_read(answer, "round_state", dict), "height")
        others = []
        for peer in answer.get("peers") or []:
            state = _read(_read(peer, "peer_state", dict), "round_state", dict)
            others.append(_number(state, "height"))
        return own, [height for height in others if height > 0]

    def block(self, height: int) -> CometBlock | None:
        """The decided block of a height, or None where it is not there (yet, or any more)."""
        answer = self._find("block", height)
        block = None if answer is None else answer.get("block")
        if not isinstance(block, dict):
            return None
        header, data = _read(block, "header", dict), _read(block, "data", dict)
        return CometBlock(
            height=_number(header, "height"),
            chain_id=_read(header, "chain_id", str),
            app_hash=_hex(header, "app_hash"),
            proposer=_hex(header, "proposer_address"),
            txs=[_base64(tx) for tx in data.get("txs") or []],
        )

    def commit(self, height: int) -> CometCommit | None:
        """A header and its commit, or None where the height is not decided (or not kept)."""
        answer = self._find("commit", height)
        signed = None if answer is None else answer.get("signed_header")
        if answer is None or not isinstance(signed, dict):
            return None
        header = signed.get("header")
        if not isinstance(header, dict) or not isinstance(signed.get("commit"), dict):
            return None
        return CometCommit(
            height=_number(header, "height"),
            validators_hash=_read(header, "validators_hash", str),
            signed_header=signed,
            canonical=_read(answer, "canonical", bool),
        )

    def validators(self, height: int) -> list[Json] | None:
        """The set of a height in CometBFT's order, all pages; None where it is not known."""
        found: list[Json] = []
        for page in range(1, limits.VALIDATORS // limits.RPC_PAGE + 2):
            answer = self._find("validators", height, page=str(page), per_page=str(limits.RPC_PAGE))
            if answer is None:
                return None
            found += _read(answer, "validators", list)
            if len(found) >= _number(answer, "total"):
                return found
        raise _malformed("validators", f"more than {limits.VALIDATORS:,} validators")

    def close(self) -> None:
        """Close its connections; calls that wait end with an error."""
        self._http.close()

    def _find(self, method: str, height: int, **more: str) -> Json | None:
        try:
            return self._call(method, {"height": str(height), **more})
        except _RpcError as failure:
            if any(words in failure.text for words in _NOT_THERE):
                return None
            raise failure.error(method) from failure

    def _ask(self, method: str, parameters: Json) -> Json:
        try:
            return self._call(method, parameters)
        except _RpcError as failure:
            raise failure.error(method) from failure

    def _call(self, method: str, parameters: Json) -> Json:
        """The result of a call; raise `_RpcError` where CometBFT answers with an error."""
        with self._lock:
            self._ids += 1
            identity = self._ids
        body = json.dumps(
            {"jsonrpc": "2.0", "id": identity, "method": method, "params": parameters}
        ).encode()
        try:
            answer = json.loads(self._post(method, body))
        except (ValueError, RecursionError) as failure:
            raise _malformed(method, "an answer that is not JSON") from failure
        if not isinstance(answer, dict):
            raise _malformed(method, "an answer that is no object")
        error = answer.get("error")
        if isinstance(error, dict):
            raise _RpcError(f"{error.get('message', '')}: {error.get('data', '')}"[:_SHOWN])
        if answer.get("id") != identity or not isinstance(answer.get("result"), dict | None):
            raise _malformed(method, "an answer to another question")
        return answer.get("result") or {}

    def _post(self, method: str, body: bytes) -> bytes:
        try:
            return self._http.post(body, limits.RPC_ANSWER_BYTES)
        except TooLargeError as failure:
            raise _malformed(method, str(failure)) from failure
        except TimeoutError as failure:
            raise NodeError(
                "cometbft.slow",
                f"CometBFT did not answer {method} in time on {self._socket}",
                "see comet.log; it may be replaying blocks",
            ) from failure
        except (http.client.HTTPException, OSError) as failure:
            raise NodeError(
                "cometbft.not_reachable",
                f"CometBFT does not answer on {self._socket}: {failure}",
                "it may be starting; see comet.log",
            ) from failure


_SHOWN = 500


class _RpcError(Exception):
    """CometBFT answered with an error."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text

    def error(self, method: str) -> NodeError:
        """As others see it."""
        return NodeError("cometbft.refused", f"CometBFT refused {method}: {self.text}")


def _broadcast_refused(failure: _RpcError) -> None:
    """Turn the words of a refusal into ours; nothing is wrong where it knows the envelope."""
    text = failure.text
    if _KNOWN in text:
        return
    if any(words in text for words in _FULL):
        raise _busy("mempool_full", text, limits.MEMPOOL_RETRY_MS) from failure
    if _CATCHING_UP in text:
        raise _busy(
            "catching_up", "this node is catching up with the others", limits.CATCHING_UP_RETRY_MS
        ) from failure
    if _TOO_LARGE in text:
        raise error_for(
            "envelope.too_large",
            f"CometBFT refused an envelope: {text}",
            f"at most {limits.CONSENSUS_TRANSACTION_BYTES:,} bytes",
        ) from failure
    raise failure.error("broadcast_tx_sync") from failure


def _busy(word: str, text: str, retry_after_ms: int) -> Busy:
    return Busy(
        f"cometbft.{word}", text, f"again in {retry_after_ms} ms", retry_after_ms=retry_after_ms
    )


def _checked(code: int, log: str, codespace: str) -> LianhengError:
    """CheckTx's own error: its log is `code: message` where it is ours."""
    word, colon, message = log.partition(": ")
    if codespace == "lianheng" and colon and "." in word and " " not in word:
        return error_for(word, message, check_code=code)
    return error_for(
        "envelope.refused", f"CheckTx refused with code {code}: {log}", check_code=code
    )


def _peer(peer: object) -> CometPeer:
    if not isinstance(peer, dict):
        raise _malformed("net_info", "a peer that is no object")
    node = _read(peer, "node_info", dict)
    return CometPeer(
        node_id=_read(node, "id", str),
        moniker=_read(node, "moniker", str),
        outbound=_read(peer, "is_outbound", bool),
        host=_read(peer, "remote_ip", str),
    )


def _read(fields: Json, name: str, kind: type[T]) -> T:
    value = fields.get(name)
    if not isinstance(value, kind):
        raise _malformed("", f"{name} is no {kind.__name__}")
    return value


def _number(fields: Json, name: str) -> int:
    try:
        return int(_read(fields, name, str))
    except ValueError as failure:
        raise _malformed("", f"{name} is no number") from failure


def _hex(fields: Json, name: str) -> bytes:
    try:
        return bytes.fromhex(_read(fields, name, str))
    except ValueError as failure:
        raise _malformed("", f"{name} is not hexadecimal") from failure


def _base64(text: object) -> bytes:
    try:
        return base64.b64decode(str(text), validate=True)
    except ValueError as failure:
        raise _malformed("", "a transaction is not base64") from failure


def _malformed(method: str, what: str) -> NodeError:
    return NodeError(
        "cometbft.answer_malformed",
        f"CometBFT answered {method} with {what}".replace("  ", " "),
        "check its version: lianheng doctor",
    )
