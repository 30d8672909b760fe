"""What CometBFT asks and what the application answers, as plain values; and their encoding.

Only what we use of ABCI 2.0 (CometBFT v0.40) is here. Byte strings are owned copies. Times are
milliseconds since 1970, cut down; `nanoseconds` is what was cut off. Vote extensions and state
sync are not in use: `fixed_answer` gives what CometBFT expects of an application without them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lianheng.consensus.cometbft import _schema
from lianheng.consensus.cometbft._protobuf import ProtobufError, decode, encode_into, varint

_MS_PER_SECOND = 1_000
_NS_PER_MS = 1_000_000
_NS_PER_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Echo:
    """Is anybody there; answered by the server itself."""

    message: str


@dataclass(frozen=True, slots=True)
class Flush:
    """Send all answers now; answered by the server itself."""


@dataclass(frozen=True, slots=True)
class Unused:
    """A request that we answer without asking the application, by its name in `Request`."""

    name: str


@dataclass(frozen=True, slots=True)
class Info:
    """Asked at each start: how far the application is."""

    version: str
    block_version: int
    p2p_version: int
    abci_version: str


@dataclass(frozen=True, slots=True)
class InfoAnswer:
    """The last height that the application will never lose, and its app hash (empty at 0)."""

    data: str
    version: str
    app_version: int
    last_block_height: int
    last_block_app_hash: bytes


@dataclass(frozen=True, slots=True)
class InitChain:
    """Asked once in the life of a chain; `validators` are (Ed25519 public key, power)."""

    time_ms: int
    chain_id: str
    validators: Sequence[tuple[bytes, int]]
    app_state: bytes
    initial_height: int
    nanoseconds: int = 0


@dataclass(frozen=True, slots=True)
class InitChainAnswer:
    """The app hash of the genesis; CometBFT's validators stay those of its genesis file."""

    app_hash: bytes


@dataclass(frozen=True, slots=True)
class Query:
    """A read over ABCI."""

    data: bytes
    path: str
    height: int
    prove: bool


@dataclass(frozen=True, slots=True)
class QueryAnswer:
    """Code 0: `value`; any other code: `log` says what was wrong."""

    code: int = 0
    log: str = ""
    key: bytes = b""
    value: bytes = b""
    height: int = 0
    codespace: str = "lianheng"


@dataclass(frozen=True, slots=True)
class CheckTx:
    """Whether this may enter the mempool or, after a block, stay in it."""

    tx: bytes
    recheck: bool


@dataclass(frozen=True, slots=True)
class CheckTxAnswer:
    """Code 0: yes; any other code: no, and `log` says why."""

    code: int
    log: str = ""
    codespace: str = "lianheng"
    gas_wanted: int = 0


@dataclass(frozen=True, slots=True)
class PrepareProposal:
    """Asked of a proposer: choose and order; the answer has at most `max_tx_bytes`."""

    max_tx_bytes: int
    txs: list[bytes]
    height: int
    time_ms: int
    proposer: bytes
    nanoseconds: int = 0


@dataclass(frozen=True, slots=True)
class PrepareProposalAnswer:
    """The transactions of the proposed block, in order."""

    txs: Sequence[bytes]


@dataclass(frozen=True, slots=True)
class ProcessProposal:
    """Asked of every validator: whether this proposal is good."""

    txs: list[bytes]
    height: int
    time_ms: int
    hash: bytes
    proposer: bytes
    nanoseconds: int = 0


@dataclass(frozen=True, slots=True)
class ProcessProposalAnswer:
    """Whether to vote for it."""

    accept: bool


@dataclass(frozen=True, slots=True)
class FinalizeBlock:
    """A decided block. `votes` on the block before: (address, power, BlockIDFlag)."""

    txs: list[bytes]
    height: int
    time_ms: int
    hash: bytes
    proposer: bytes
    votes: Sequence[tuple[bytes, int, int]] = ()
    misbehavior: int = 0
    nanoseconds: int = 0


@dataclass(frozen=True, slots=True)
class FinalizeBlockAnswer:
    """`results` transactions, all with code 0 and nothing else, and the app hash after them."""

    results: int
    app_hash: bytes
    validator_updates: Sequence[tuple[bytes, int]] = ()


@dataclass(frozen=True, slots=True)
class Commit:
    """Make durable what the last decided block did."""


@dataclass(frozen=True, slots=True)
class CommitAnswer:
    """CometBFT may remove blocks below `retain_height`; 0 keeps all."""

    retain_height: int = 0


Request = (
    Echo
    | Flush
    | Unused
    | Info
    | InitChain
    | Query
    | CheckTx
    | PrepareProposal
    | ProcessProposal
    | FinalizeBlock
    | Commit
)
Answer = (
    InfoAnswer
    | InitChainAnswer
    | QueryAnswer
    | CheckTxAnswer
    | PrepareProposalAnswer
    | ProcessProposalAnswer
    | FinalizeBlockAnswer
    | CommitAnswer
)


def decode_request(data: memoryview) -> Request:
    """One request, without its length. Raises ProtobufError."""
    given = {k: v for k, v in decode(_schema.REQUEST, data).items() if v is not None}
    if len(given) != 1:
        what = ", ".join(given) if given else "nothing that we know"
        raise ProtobufError("protobuf.request", f"a request is one message; this one has {what}")
    ((name, values),) = given.items()
    make = _REQUESTS.get(name)
    return Unused(name) if make is None else make(values)


def encode_answer(answer: Answer) -> list[bytes]:
    """The parts of the answer, its length first.

    Raises KeyError, TypeError, OverflowError where the answer holds what its field cannot.
    """
    name, values = _ANSWERS[type(answer)](answer)
    return encode_response(name, values)


def encode_response(name: str, values: Mapping[str, Any]) -> list[bytes]:
    """The parts of the response of this name (`flush`, `check_tx`, ...), its length first."""
    parts = [b""]
    parts[0] = varint(encode_into(parts, _schema.RESPONSE, {name: values}))
    return parts


def fixed_answer(name: str) -> Mapping[str, Any]:
    """What an application without vote extensions and state sync answers.

    Raises NotImplementedError for what can only come from a mempool that is not CometBFT's own.
    """
    if name not in _FIXED:
        raise NotImplementedError(f"{name} belongs to a mempool of the application; use `flood`")
    return _FIXED[name]


def is_proposal(data: memoryview) -> bool:
    """Whether a request that may be unreadable is a ProcessProposal."""
    return data[: len(_PROPOSAL_TAG)] == _PROPOSAL_TAG


def framing_bytes(size: int) -> int:
    """What CometBFT counts beside a transaction of `size` bytes against `max_tx_bytes`."""
    return 1 + len(varint(size))


_PROPOSAL_TAG = _schema.REQUEST.by_name["process_proposal"][1]
_FIXED: dict[str, Mapping[str, Any]] = {
    "list_snapshots": {},
    "offer_snapshot": {"result": _schema.ABORT_SNAPSHOT},
    "load_snapshot_chunk": {},
    "apply_snapshot_chunk": {"result": _schema.ABORT_SNAPSHOT},
    "extend_vote": {},
    "verify_vote_extension": {"status": _schema.ACCEPT},
}


def _time(stamp: Mapping[str, int] | None) -> tuple[int, int]:
    """Milliseconds, and the nanoseconds below them."""
    if stamp is None:
        return 0, 0
    seconds, nanos = stamp["seconds"], stamp["nanos"]
    if not 0 <= nanos < _NS_PER_SECOND:
        raise ProtobufError("protobuf.time", f"a time with {nanos} nanoseconds")
    return seconds * _MS_PER_SECOND + nanos // _NS_PER_MS, nanos % _NS_PER_MS


def _updates(items: Sequence[Mapping[str, Any]]) -> list[tuple[bytes, int]]:
    return [((item["pub_key"] or {}).get("ed25519", b""), item["power"]) for item in items]


def _vote(item: Mapping[str, Any]) -> tuple[bytes, int, int]:
    validator = item["validator"] or {"address": b"", "power": 0}
    return validator["address"], validator["power"], item["block_id_flag"]


def _init_chain(values: Mapping[str, Any]) -> InitChain:
    time_ms, rest = _time(values["time"])
    return InitChain(
        time_ms=time_ms,
        chain_id=values["chain_id"],
        validators=_updates(values["validators"]),
        app_state=values["app_state_bytes"],
        initial_height=values["initial_height"],
        nanoseconds=rest,
    )


def _prepare_proposal(values: Mapping[str, Any]) -> PrepareProposal:
    time_ms, rest = _time(values["time"])
    return PrepareProposal(
        max_tx_bytes=values["max_tx_bytes"],
        txs=values["txs"],
        height=values["height"],
        time_ms=time_ms,
        proposer=values["proposer_address"],
        nanoseconds=rest,
    )


def _process_proposal(values: Mapping[str, Any]) -> ProcessProposal:
    time_ms, rest = _time(values["time"])
    return ProcessProposal(
        txs=values["txs"],
        height=values["height"],
        time_ms=time_ms,
        hash=values["hash"],
        proposer=values["proposer_address"],
        nanoseconds=rest,
    )


def _finalize_block(values: Mapping[str, Any]) -> FinalizeBlock:
    time_ms, rest = _time(values["time"])
    commit = values["decided_last_commit"] or {"votes": []}
    return FinalizeBlock(
        txs=values["txs"],
        height=values["height"],
        time_ms=time_ms,
        hash=values["hash"],
        proposer=values["proposer_address"],
        votes=[_vote(item) for item in commit["votes"]],
        misbehavior=len(values["misbehavior"]),
        nanoseconds=rest,
    )


_REQUESTS: dict[str, Callable[[Mapping[str, Any]], Request]] = {
    "echo": lambda values: Echo(**values),
    "flush": lambda _: Flush(),
    "info": lambda values: Info(**values),
    "init_chain": _init_chain,
    "query": lambda values: Query(**values),
    "check_tx": lambda values: CheckTx(values["tx"], values["type"] == _schema.CHECK_TX_RECHECK),
    "commit": lambda _: Commit(),
    "prepare_proposal": _prepare_proposal,
    "process_proposal": _process_proposal,
    "finalize_block": _finalize_block,
}


def _plain(answer: Any) -> dict[str, Any]:
    return {name: getattr(answer, name) for name in answer.__slots__}


def _finalize_block_answer(answer: FinalizeBlockAnswer) -> dict[str, Any]:
    return {
        "tx_results": [{}] * answer.results,
        "app_hash": answer.app_hash,
        "validator_updates": [
            {"pub_key": {"ed25519": key}, "power": power} for key, power in answer.validator_updates
        ],
    }


def _verdict(answer: ProcessProposalAnswer) -> dict[str, Any]:
    return {"status": _schema.ACCEPT if answer.accept else _schema.REJECT}


_ANSWERS: dict[type, Callable[[Any], tuple[str, Mapping[str, Any]]]] = {
    InfoAnswer: lambda answer: ("info", _plain(answer)),
    InitChainAnswer: lambda answer: ("init_chain", _plain(answer)),
    QueryAnswer: lambda answer: ("query", _plain(answer)),
    CheckTxAnswer: lambda answer: ("check_tx", _plain(answer)),
    PrepareProposalAnswer: lambda answer: ("prepare_proposal", _plain(answer)),
    ProcessProposalAnswer: lambda answer: ("process_proposal", _verdict(answer)),
    FinalizeBlockAnswer: lambda answer: ("finalize_block", _finalize_block_answer(answer)),
    CommitAnswer: lambda answer: ("commit", _plain(answer)),
}
