"""What a node answers on its socket: the ledger's plain operations, by name.

Reads run on worker threads, so that a slow view holds up nobody; submissions wait without one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from lianheng.ledger import Backend, Results, Rows
from lianheng.model import NodeError, encode, limits


class Method(NamedTuple):
    """A method's parameters, whether it takes long and reports progress, and whether it waits.

    What waits (evidence, for its seal) does no work meanwhile.
    """

    parameters: tuple[str, ...]
    long: bool = False
    waits: bool = False


METHODS: Mapping[str, Method] = {
    "genesis_file": Method(()),
    "head": Method(()),
    "view": Method(("contract", "method", "arguments", "sender", "gas")),
    "get": Method(("contract", "table", "key")),
    "scan": Method(("contract", "table", "prefix", "limit", "after", "reverse")),
    "index": Method(("contract", "table", "index", "values", "limit", "after", "reverse")),
    "interface": Method(("contract",)),
    "source": Method(("contract",)),
    "rehearse": Method(("contract", "file", "source", "signers")),
    "find": Method(("prefix", "odd_nibble", "limit")),
    "locate": Method(("transaction",)),
    "block": Method(("height",)),
    "header": Method(("height",)),
    "blocks": Method(("first", "limit")),
    "receipt": Method(("transaction", "anchor", "members"), waits=True),
    "prove": Method(("contract", "table", "key", "anchor"), waits=True),
    "header_file": Method(("height",), waits=True),
    "trace": Method(("transaction",), long=True),
    "fsck": Method((), long=True),
}
# Answered by the server itself.
HELLO, SUBMIT, STATUS, STOP = "hello", "submit", "status", "stop"
SERVER_METHODS: Mapping[str, Method] = {
    HELLO: Method(("protocol",)),
    SUBMIT: Method(("transactions",)),
    STATUS: Method(()),
    STOP: Method(()),
}


_ROW_METHODS = ("scan", "index")


def find_method(name: str, parameters: Mapping[str, Any]) -> Method:
    """The method of this name. Raise `NodeError` for another name or parameters."""
    method = METHODS.get(name) or SERVER_METHODS.get(name)
    if method is None:
        known = ", ".join(sorted({*METHODS, *SERVER_METHODS}))
        raise NodeError("node.method_unknown", f"no method {name[:80]!r}", f"there are: {known}")
    if set(parameters) != set(method.parameters):
        raise NodeError(
            "node.parameters",
            f"{name} was given {', '.join(sorted(parameters)) or 'no parameters'}",
            f"it takes {', '.join(method.parameters) or 'none'}",
        )
    return method


def answer(
    backend: Backend,
    name: str,
    parameters: Mapping[str, Any],
    progress: Callable[[int, int], None] | None,
) -> Any:
    """Do what a method of `METHODS` names. Raise `NodeError` for values of a wrong type."""
    function: Callable[..., Any] = getattr(backend, name)
    extra: dict[str, Any] = {"progress": progress} if METHODS[name].long else {}
    try:
        if name == "view":
            # Reads share few threads: no client gets more of one than any other.
            extra["gas"] = min(parameters["gas"], limits.VIEW_GAS)
        if name in _ROW_METHODS:
            return _rows(lambda limit: function(**{**parameters, "limit": limit}), parameters)
        return function(**{**parameters, **extra})
    except (TypeError, ValueError, OverflowError) as failure:
        raise NodeError(
            "node.parameters", f"{name}: {failure}", "see docs/protocol for the types"
        ) from failure


def _rows(read: Callable[[int], Rows], parameters: Mapping[str, Any]) -> Rows:
    """A page of rows that fits a frame; at least one row where there is one."""
    rows, after = read(parameters["limit"])
    while (fitting := _fitting(rows)) < len(rows):
        # Read again: only the core knows where a page of this many rows ends.
        rows, after = read(fitting)
    return rows, after


def _fitting(rows: Sequence[tuple[Sequence[Any], bytes]]) -> int:
    """How many of the first rows fit a frame together."""
    room = limits.PAGE_BYTES
    for position, (key, value) in enumerate(rows):
        room -= len(value) + len(encode(key))
        if position and room < 0:
            return position
    return len(rows)


def result_pages(results: Results) -> list[list[list[Any]]]:
    """Encoded results in pages that fit a frame each; at least one page, which may be empty."""
    pages: list[list[list[Any]]] = [[]]
    room = limits.PAGE_BYTES
    for position in range(len(results)):
        item = results.encoded(position)
        room -= _ITEM_BYTES + len(item[4] or b"")
        if room < 0:
            pages.append([])
            room = limits.PAGE_BYTES
        pages[-1].append(list(item))
    return pages


# Heights, time, id and heads around one encoded result; a drop's sentence lies below it as well.
_ITEM_BYTES = 512
