"""Frames of the local socket: four bytes of length, then one canonical CBOR item.

    request    [id, method, {parameter: value}]
    answer     [id, 0, value]       the last frame of a request
               [id, 1, error]       the last frame as well: {code, message, hint, details}
               [id, 2, [done, of]]  progress
               [id, 3, [item, ...]] a part of a long list, in order; the last answer holds the rest

Ids are chosen by the client and mean nothing to the node. Id 0 in an answer: the frame itself was
unreadable, and the connection ends.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from lianheng.model import (
    Height,
    InvalidValue,
    LianhengError,
    Milliseconds,
    NodeError,
    Result,
    TransactionId,
    decode,
    encode,
    error_for,
    limits,
)

PROTOCOL = 1
LENGTH_BYTES = 4
VALUE, ERROR, PROGRESS, PART = range(4)
NO_REQUEST = 0
_REQUEST_PARTS = 3
_LARGEST_ID = 2**53


class Request(NamedTuple):
    """What a client asks."""

    id: int
    method: str
    parameters: Mapping[str, Any]


class Answer(NamedTuple):
    """One frame of an answer."""

    id: int
    kind: int
    value: Any


def frame(item: Sequence[Any]) -> bytes:
    """The bytes of one frame. Raise `NodeError` where it is larger than the other side reads."""
    data = encode(item)
    if len(data) > limits.FRAME_BYTES:
        raise NodeError(
            "node.frame_too_large",
            f"{len(data):,} bytes do not fit a frame of {limits.FRAME_BYTES:,}",
            "ask for less at once",
        )
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


def frame_size(head: bytes) -> int:
    """The length that these four bytes announce. Raise `NodeError` where it is out of bounds."""
    size = int.from_bytes(head, "big")
    if not 1 <= size <= limits.FRAME_BYTES:
        raise NodeError(
            "node.frame_size",
            f"a frame announces {size:,} bytes; 1 to {limits.FRAME_BYTES:,} are read",
            "frames are 4 bytes of big-endian length and one CBOR item",
        )
    return size


def parse_request(data: bytes) -> Request:
    """Read a request. Raise `InvalidValue` or `NodeError` where it is none."""
    item = decode(data)
    if (
        not isinstance(item, list)
        or len(item) != _REQUEST_PARTS
        or type(item[0]) is not int
        or not 0 < item[0] < _LARGEST_ID
        or not isinstance(item[1], str)
        or not isinstance(item[2], dict)
        or not all(isinstance(name, str) for name in item[2])
    ):
        raise NodeError(
            "node.request_malformed",
            "a request is [id, method, {parameter: value}]",
            "an id is a whole number from 1 on",
        )
    return Request(*item)


def parse_answer(data: bytes) -> Answer:
    """Read an answer. Raise `InvalidValue` or `NodeError` where it is none."""
    item = decode(data)
    if (
        not isinstance(item, list)
        or len(item) != _REQUEST_PARTS
        or type(item[0]) is not int
        or item[1] not in (VALUE, ERROR, PROGRESS, PART)
    ):
        raise NodeError("node.answer_malformed", "an answer is [id, kind, value]")
    return Answer(*item)


def error_fields(error: LianhengError) -> dict[str, Any]:
    """An error as it crosses the socket."""
    return {
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
        "details": {name: _plain_detail(value) for name, value in error.details.items()},
    }


def error_from(fields: Any) -> LianhengError:
    """The error that crossed the socket, as the same class of the tree."""
    if not isinstance(fields, dict) or not {"code", "message"} <= set(fields):
        return NodeError("node.answer_malformed", "the node answered with an unreadable error")
    details = fields.get("details")
    named = details.items() if isinstance(details, dict) else ()
    return error_for(
        str(fields["code"]),
        str(fields["message"]),
        str(fields.get("hint", "")),
        **{str(name): value for name, value in named if name not in ("code", "message", "hint")},
    )


def result_from(item: Sequence[Any]) -> Result:
    """A result as `ledger.Results.encoded` sent it."""
    height, time_ms, index, identity, data, drop = item
    transaction = None if identity is None else TransactionId(identity)
    if data is None or transaction is None:
        code, message, hint = drop
        return Result.dropped(transaction, code, message, hint)
    return Result.from_bytes(
        data, id=transaction, height=Height(height), time=Milliseconds(time_ms), index=index
    )


def _plain_detail(value: Any) -> Any:
    try:
        encode(value)
    except InvalidValue:
        return str(value)
    return value
