"""The messages of ABCI 2.0 in CometBFT v0.40: names, numbers and types of the fields that we use.

Facts of its `proto/tendermint/abci/types.proto` and the files that this one imports; a test holds
them against these files where they are installed. Fields that we neither read nor fill are absent.
"""

from lianheng.consensus.cometbft._protobuf import Field, Kind, Message

_INT64, _UINT64, _UINT32 = Kind.INT64, Kind.UINT64, Kind.UINT32
_BYTES, _STRING = Kind.BYTES, Kind.STRING

TIMESTAMP = Message(
    "google.protobuf.Timestamp", (Field("seconds", 1, _INT64), Field("nanos", 2, Kind.INT32))
)
PUBLIC_KEY = Message("tendermint.crypto.PublicKey", (Field("ed25519", 1, _BYTES),))


def _abci(name: str, *fields: Field) -> Message:
    return Message(f"tendermint.abci.{name}", fields)


def _enum(name: str, number: int, kind: str) -> Field:
    return Field(name, number, Kind.ENUM, enum=kind)


def _many(name: str, number: int, kind: Kind | Message) -> Field:
    return Field(name, number, kind, repeated=True)


VALIDATOR_UPDATE = _abci(
    "ValidatorUpdate", Field("pub_key", 1, PUBLIC_KEY), Field("power", 2, _INT64)
)
_VALIDATOR = _abci("Validator", Field("address", 1, _BYTES), Field("power", 3, _INT64))
_VOTE = _abci(
    "VoteInfo",
    Field("validator", 1, _VALIDATOR),
    _enum("block_id_flag", 3, "tendermint.types.BlockIDFlag"),
)
_COMMIT = _abci("CommitInfo", Field("round", 1, Kind.INT32), _many("votes", 2, _VOTE))
_MISBEHAVIOR = _abci("Misbehavior", _enum("type", 1, "MisbehaviorType"), Field("height", 3, _INT64))
_RESULT = _abci("ExecTxResult", Field("code", 1, _UINT32))

_TXS = _many("txs", 1, _BYTES)
_HEIGHT_TIME = (Field("height", 5, _INT64), Field("time", 6, TIMESTAMP))
_PROPOSER = Field("proposer_address", 8, _BYTES)

_REQUESTS = (
    Field("echo", 1, _abci("RequestEcho", Field("message", 1, _STRING))),
    Field("flush", 2, _abci("RequestFlush")),
    Field(
        "info",
        3,
        _abci(
            "RequestInfo",
            Field("version", 1, _STRING),
            Field("block_version", 2, _UINT64),
            Field("p2p_version", 3, _UINT64),
            Field("abci_version", 4, _STRING),
        ),
    ),
    Field(
        "init_chain",
        5,
        _abci(
            "RequestInitChain",
            Field("time", 1, TIMESTAMP),
            Field("chain_id", 2, _STRING),
            _many("validators", 4, VALIDATOR_UPDATE),
            Field("app_state_bytes", 5, _BYTES),
            Field("initial_height", 6, _INT64),
        ),
    ),
    Field(
        "query",
        6,
        _abci(
            "RequestQuery",
            Field("data", 1, _BYTES),
            Field("path", 2, _STRING),
            Field("height", 3, _INT64),
            Field("prove", 4, Kind.BOOL),
        ),
    ),
    Field(
        "check_tx",
        8,
        _abci("RequestCheckTx", Field("tx", 1, _BYTES), _enum("type", 2, "CheckTxType")),
    ),
    Field("commit", 11, _abci("RequestCommit")),
    Field("list_snapshots", 12, _abci("RequestListSnapshots")),
    Field("offer_snapshot", 13, _abci("RequestOfferSnapshot")),
    Field("load_snapshot_chunk", 14, _abci("RequestLoadSnapshotChunk")),
    Field("apply_snapshot_chunk", 15, _abci("RequestApplySnapshotChunk")),
    Field(
        "prepare_proposal",
        16,
        _abci(
            "RequestPrepareProposal",
            Field("max_tx_bytes", 1, _INT64),
            _many("txs", 2, _BYTES),
            *_HEIGHT_TIME,
            _PROPOSER,
        ),
    ),
    Field(
        "process_proposal",
        17,
        _abci("RequestProcessProposal", _TXS, Field("hash", 4, _BYTES), *_HEIGHT_TIME, _PROPOSER),
    ),
    Field("extend_vote", 18, _abci("RequestExtendVote")),
    Field("verify_vote_extension", 19, _abci("RequestVerifyVoteExtension")),
    Field(
        "finalize_block",
        20,
        _abci(
            "RequestFinalizeBlock",
            _TXS,
            Field("decided_last_commit", 2, _COMMIT),
            _many("misbehavior", 3, _MISBEHAVIOR),
            Field("hash", 4, _BYTES),
            *_HEIGHT_TIME,
            _PROPOSER,
        ),
    ),
    Field("insert_tx", 21, _abci("RequestInsertTx")),
    Field("reap_txs", 22, _abci("RequestReapTxs")),
)

_RESPONSES = (
    Field("exception", 1, _abci("ResponseException", Field("error", 1, _STRING))),
    Field("echo", 2, _abci("ResponseEcho", Field("message", 1, _STRING))),
    Field("flush", 3, _abci("ResponseFlush")),
    Field(
        "info",
        4,
        _abci(
            "ResponseInfo",
            Field("data", 1, _STRING),
            Field("version", 2, _STRING),
            Field("app_version", 3, _UINT64),
            Field("last_block_height", 4, _INT64),
            Field("last_block_app_hash", 5, _BYTES),
        ),
    ),
    Field("init_chain", 6, _abci("ResponseInitChain", Field("app_hash", 3, _BYTES))),
    Field(
        "query",
        7,
        _abci(
            "ResponseQuery",
            Field("code", 1, _UINT32),
            Field("log", 3, _STRING),
            Field("key", 6, _BYTES),
            Field("value", 7, _BYTES),
            Field("height", 9, _INT64),
            Field("codespace", 10, _STRING),
        ),
    ),
    Field(
        "check_tx",
        9,
        _abci(
            "ResponseCheckTx",
            Field("code", 1, _UINT32),
            Field("log", 3, _STRING),
            Field("gas_wanted", 5, _INT64),
            Field("codespace", 8, _STRING),
        ),
    ),
    Field("commit", 12, _abci("ResponseCommit", Field("retain_height", 3, _INT64))),
    Field("list_snapshots", 13, _abci("ResponseListSnapshots")),
    Field(
        "offer_snapshot",
        14,
        _abci("ResponseOfferSnapshot", _enum("result", 1, "Result")),
    ),
    Field("load_snapshot_chunk", 15, _abci("ResponseLoadSnapshotChunk")),
    Field(
        "apply_snapshot_chunk",
        16,
        _abci("ResponseApplySnapshotChunk", _enum("result", 1, "Result")),
    ),
    Field("prepare_proposal", 17, _abci("ResponsePrepareProposal", _TXS)),
    Field(
        "process_proposal",
        18,
        _abci("ResponseProcessProposal", _enum("status", 1, "ProposalStatus")),
    ),
    Field("extend_vote", 19, _abci("ResponseExtendVote")),
    Field(
        "verify_vote_extension",
        20,
        _abci("ResponseVerifyVoteExtension", _enum("status", 1, "VerifyStatus")),
    ),
    Field(
        "finalize_block",
        21,
        _abci(
            "ResponseFinalizeBlock",
            _many("tx_results", 2, _RESULT),
            _many("validator_updates", 3, VALIDATOR_UPDATE),
            Field("app_hash", 5, _BYTES),
        ),
    ),
)

# One of the fields each, which says what it is.
REQUEST = _abci("Request", *_REQUESTS)
RESPONSE = _abci("Response", *_RESPONSES)

# Values of enumerations, by the names of the .proto files.
CHECK_TX_RECHECK = 1
ACCEPT = 1
REJECT = 2
ABORT_SNAPSHOT = 2
