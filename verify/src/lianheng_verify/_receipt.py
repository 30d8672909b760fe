"""Receipts: that one call, its result and its events stand in a sealed block of your chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lianheng_verify import _cbor, _shape, _show, _signers
from lianheng_verify import _limits as limits
from lianheng_verify._anchor import (
    Bound,
    TrustAnchor,
    as_anchor,
    evidence_checks,
    parse_bound,
)
from lianheng_verify._checks import Check, run_checks
from lianheng_verify._errors import VerificationError
from lianheng_verify._hashes import digest, key_id, verify_entry
from lianheng_verify._standing import Rows, Standing, parse_standing, standing_checks
from lianheng_verify._transaction import Event, Result, Transaction, parse_result, parse_transaction

if TYPE_CHECKING:
    from collections.abc import Callable

FORMAT: Final = "lianheng.receipt.1"
_NOTICES_SHOWN: Final = 10


@dataclass(frozen=True, slots=True)
class Source:
    """A contract's source as the reader has it: the file's name and its bytes."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Placed:
    """A result, and where a receipt says that its entry lies."""

    bound: Bound
    result_bytes: bytes
    result: Result
    index: int
    count: int
    path: tuple[bytes, ...]


PLACED_FIELDS: Final = ("format", "genesis", "result", "entry", "header", "seal", "links")


def parse_placed(content: dict[_cbor.Value, _cbor.Value]) -> Placed:
    """The parts that every receipt has. Raises UnreadableError."""
    _shape.constant(content["format"], FORMAT, "receipt: format")
    entry = _shape.fields(content["entry"], "entry", ("index", "count", "path"))
    bound = parse_bound(content)
    if bound.header.height == 0:
        raise _shape.refuse("header", "nothing is called or run in the genesis")
    result_bytes = _shape.octets(content["result"], "result")
    return Placed(
        bound=bound,
        result_bytes=result_bytes,
        result=parse_result(result_bytes),
        index=_shape.uint(entry["index"], "entry: index"),
        count=_shape.uint(entry["count"], "entry: count"),
        path=_shape.digests(entry["path"], "entry: path", limits.HISTORY_PATH),
    )


@dataclass(frozen=True, slots=True)
class _Receipt(Placed):
    transaction: Transaction
    keys: tuple[bytes, ...]
    standing: Standing | None

    @property
    def transaction_id(self) -> bytes:
        return self.transaction.transaction_id(self.bound.genesis_hash)


@dataclass(frozen=True, slots=True)
class VerifiedReceipt:
    """What a receipt proves. Heights count from the genesis, `time` is the block's, ms since 1970.

    The call is entry `index`, from 0, of the `count` entries of its block.
    `signers` are the keys that signed, in their order, and what shows whose they are; where nothing
    does, that the first is the sender's is the chain's word. The receipt rests on no seal above
    `sealed_height`.
    """

    chain: str
    genesis_hash: bytes
    height: int
    time: int
    header_hash: bytes
    index: int
    count: int
    transaction_id: bytes
    transaction: Transaction
    result: Result
    signers: tuple[_signers.Signer, ...]
    sealed_height: int
    checks: tuple[Check, ...]


def verify_receipt(
    data: bytes, anchor: TrustAnchor | bytes, source: Source | None = None
) -> VerifiedReceipt:
    """Checks a receipt against a trust anchor (`bytes`: a genesis file), offline.

    With `source`, also that it is the code that ran. Raises UnreadableError where the bytes are no
    receipt, VerificationError where a check fails; its `checks` then lists all of them.
    """
    trusted = as_anchor(anchor)
    receipt = _parse(data)
    steps: list[tuple[str, Callable[[], str]]] = [
        ("form", lambda: _check_form(receipt)),
        ("signature", lambda: _check_signatures(receipt, trusted)),
        *standing_checks(
            receipt.standing,
            receipt.bound,
            trusted,
            lambda standing, rows: _check_members(receipt, trusted, standing, rows),
        ),
        ("code", lambda: _check_code(receipt, source)),
        ("time", lambda: _check_time(receipt)),
        ("entry", lambda: _check_entry(receipt)),
        *notices(receipt.result),
        *evidence_checks(receipt.bound, trusted),
    ]
    checks = run_checks(steps)
    return VerifiedReceipt(
        **receipt.bound.where,
        index=receipt.index,
        count=receipt.count,
        transaction_id=receipt.transaction_id,
        transaction=receipt.transaction,
        result=receipt.result,
        signers=_signers_of(receipt, trusted),
        sealed_height=sealed_height(receipt.bound, receipt.standing),
        checks=checks,
    )


def _parse(data: bytes) -> _Receipt:
    content = _shape.fields(
        _shape.opened(data, "receipt", limits.RECEIPT_BYTES),
        "receipt",
        (*PLACED_FIELDS, "transaction", "keys"),
        ("steps", "members"),
    )
    keys = _shape.array(content["keys"], "keys", 1, limits.SIGNERS)
    placed = parse_placed(content)
    return _Receipt(
        bound=placed.bound,
        result_bytes=placed.result_bytes,
        result=placed.result,
        index=placed.index,
        count=placed.count,
        path=placed.path,
        transaction=parse_transaction(_shape.octets(content["transaction"], "transaction")),
        keys=tuple(_shape.octets(key, "keys", 32) for key in keys),
        standing=parse_standing(content, of_run=False),
    )


def sealed_height(bound: Bound, standing: Standing | None) -> int:
    """The greatest height whose seal a receipt rests on."""
    return bound.header.height if standing is None else standing.proving(bound.header).height


def _signers_of(receipt: _Receipt, anchor: TrustAnchor) -> tuple[_signers.Signer, ...]:
    if receipt.standing is None:
        return _signers.registered(receipt.transaction.signers, anchor)
    rows = Rows(receipt.standing, receipt.bound.header)
    return _signers.proved(receipt.standing, rows, receipt.keys, anchor)


def _check_members(receipt: _Receipt, anchor: TrustAnchor, standing: Standing, rows: Rows) -> str:
    signers = _signers.proved(standing, rows, receipt.keys, anchor)
    _signers.check_sender(signers, receipt.transaction.sender)
    return f"members: {_signers.words(signers)} signed, {rows.where}"


def _check_form(receipt: _Receipt) -> str:
    transaction = receipt.transaction
    signed_by = tuple(signature.key_id for signature in transaction.signed.signatures)
    if transaction.signers != signed_by:
        raise VerificationError(
            "transaction.signers", "the keys that it lists are not exactly those that signed it"
        )
    if len(set(signed_by)) != len(signed_by):
        raise VerificationError("transaction.signers", "a key signed it twice")
    if transaction.chain != receipt.bound.header.chain:
        raise VerificationError(
            "transaction.wrong_chain",
            f"it was signed for chain {transaction.chain}, not {receipt.bound.header.chain}",
        )
    count = len(signed_by)
    return f"form: signed by exactly the {count} key{'s' * (count > 1)} that it lists"


def _check_signatures(receipt: _Receipt, anchor: TrustAnchor) -> str:
    transaction = receipt.transaction
    signatures = transaction.signed.signatures
    if len(receipt.keys) != len(signatures):
        raise VerificationError(
            "signature.keys", f"{len(receipt.keys)} keys for {len(signatures)} signatures"
        )
    for index, (public, signature) in enumerate(zip(receipt.keys, signatures, strict=True)):
        if key_id(public) != signature.key_id:
            raise VerificationError(
                "signature.keys", f"key {index + 1} is not the one that signature names"
            )
        try:
            transaction.signed.verify(index, public, receipt.bound.genesis_hash)
        except VerificationError as error:
            raise VerificationError(
                error.code, f"signature {index + 1} of {len(signatures)}: {error.message}"
            ) from error
    owner = anchor.members_by_key.get(transaction.signers[0], transaction.sender)
    if owner != transaction.sender:
        raise VerificationError(
            "signature.not_senders_key",
            f"it says {transaction.sender} sent it, the genesis registers the key to {owner}",
        )
    called = _show.call(transaction.contract, transaction.method, transaction.arguments)
    others = len(signatures) - 1
    also = f", {others} more key{'s' * (others > 1)} signed with it" if others else ""
    return f"signature: {transaction.sender} called {called}{also}"


def _check_code(receipt: _Receipt, source: Source | None) -> str:
    ran, meant = receipt.result.source, receipt.transaction.code
    if meant is not None and receipt.result.refusal is None and ran != meant:
        raise VerificationError(
            "code.not_meant", f"the signer meant source {_show.short_hash(meant)}, other code ran"
        )
    if source is None and ran is not None and meant == ran:
        return f"code: source {_show.short_hash(ran)} ran, as the signer meant"
    return check_source(receipt.result, source)


def check_source(result: Result, source: Source | None) -> str:
    """That the source, where one is given, is what ran. Raises VerificationError."""
    ran = result.source
    if source is not None:
        given = digest(source.data)
        if ran is None:
            raise VerificationError("code.none", "the result names no source that ran")
        if given != ran:
            raise VerificationError(
                "code.differs",
                f"source {_show.short_hash(ran)} ran, sha256({_show.safe(source.name)}) is "
                f"{_show.short_hash(given)}",
            )
        return f"code: source {_show.short_hash(ran)} equals sha256({_show.safe(source.name)})"
    if ran is None:
        return "code: the result names no source"
    return f"code: the result names source {_show.short_hash(ran)} (compare it by --source FILE)"


def _check_time(receipt: _Receipt) -> str:
    time, expires = receipt.bound.header.time, receipt.transaction.expires
    if time >= expires:
        raise VerificationError(
            "transaction.expired",
            f"block time {time} ms is not before the call's expiry, {expires} ms",
        )
    return "time: the block was made before the call expired"


def _check_entry(receipt: _Receipt) -> str:
    one, signed = receipt.transaction_id, receipt.transaction.signed_hash
    return check_place(receipt, _cbor.encode(one) + _cbor.encode(signed), "call")


def check_place(placed: Placed, begin: bytes, what: str) -> str:
    """That an entry that begins so, with this result, lies where the receipt says."""
    height = placed.bound.header.height
    # The result stands in the entry as the item that its bytes hold.
    entry = b"\x83" + begin + placed.result_bytes
    root = placed.bound.header.entries_root
    try:
        verify_entry(root, entry, placed.index, placed.count, placed.path)
    except VerificationError as error:
        raise VerificationError(
            "entry.not_in_block",
            f"this {what} with this result is not in block {height} as claimed: {error.message}",
        ) from error
    return f"result and events lie in block {height}: {_outcome(placed.result)}"


def notices(result: Result) -> list[tuple[str, Callable[[], str]]]:
    """Who was told of what, for readers: the entry's place proves it with the other events."""
    told = [event for event in result.events if event.is_notice]
    if not told:
        return []
    shown = [_notice(event) for event in told[:_NOTICES_SHOWN]]
    if len(told) > len(shown):
        shown.append(f"{len(told) - len(shown)} more rows")
    return [("observers", lambda: f"observers told: {'; '.join(shown)}")]


def _notice(event: Event) -> str:
    key, observers = _show.shown(event.data["key"]), _show.shown(event.data["observers"])
    row = f"{event.contract}.{_word(event.data['table'])}{'' if key == '[]' else key}"
    return f"{row} {_word(event.data['change'])}, to {observers}"


def _word(value: _cbor.Value) -> str:
    return _show.safe(value[:80]) if isinstance(value, str) else _show.shown(value)


def _outcome(result: Result) -> str:
    if result.refusal is not None:
        refusal = result.refusal
        reason = f" {_show.safe(refusal.reason[:80])}" if refusal.reason else ""
        place = ""
        if refusal.file:
            place = f"  {_show.safe(refusal.file[:80])}" + (
                f":{refusal.line}" if refusal.line is not None else ""
            )
        return (
            f"refused  {_show.safe(refusal.code[:80])}{reason}{place}  "
            f"{_show.quoted(refusal.message)}  state unchanged"
        )
    events = len(result.events)
    announced = f", {events} event{'s' * (events > 1)}" if events else ""
    return f"returned {_show.shown(result.value)}{announced}"
