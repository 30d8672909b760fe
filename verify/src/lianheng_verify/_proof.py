"""State proofs: that a row holds a value, or is absent, in the state after a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lianheng_verify import _limits as limits
from lianheng_verify import _shape, _show
from lianheng_verify._anchor import (
    Bound,
    TrustAnchor,
    as_anchor,
    evidence_checks,
    parse_bound,
)
from lianheng_verify._checks import Check, run_checks
from lianheng_verify._state import flat_key, verify_row

if TYPE_CHECKING:
    from lianheng_verify._cbor import Value

FORMAT: Final = "lianheng.proof.1"
CLOSING: Final = ("governance", "closings")


@dataclass(frozen=True, slots=True)
class _Proof:
    bound: Bound
    contract: str
    table: str
    key: tuple[Value, ...]
    flat: bytes
    value_bytes: bytes | None
    value: Value
    siblings: tuple[bytes, ...]
    other: tuple[bytes, bytes] | None

    @property
    def title(self) -> str:
        """How sentences call the row."""
        table = _show.safe(self.table[:80])
        return f"{self.contract}.{table}{_show.shown(list(self.key))}"


@dataclass(frozen=True, slots=True)
class VerifiedState:
    """What a state proof proves: the row's value after block `height`, or that it is absent."""

    chain: str
    genesis_hash: bytes
    height: int
    time: int
    header_hash: bytes
    contract: str
    table: str
    key: tuple[Value, ...]
    present: bool
    value: Value
    checks: tuple[Check, ...]


def verify_state(data: bytes, anchor: TrustAnchor | bytes) -> VerifiedState:
    """Checks a state proof against a trust anchor (`bytes`: a genesis file), offline.

    Raises UnreadableError where the bytes are no state proof, VerificationError where a check
    fails; its `checks` then lists all of them.
    """
    trusted = as_anchor(anchor)
    proof = _parse(data)
    checks = run_checks(
        (
            ("proof", lambda: _check_row(proof)),
            *evidence_checks(proof.bound, trusted),
        )
    )
    return VerifiedState(
        **proof.bound.where,
        contract=proof.contract,
        table=proof.table,
        key=proof.key,
        present=proof.value_bytes is not None,
        value=proof.value,
        checks=checks,
    )


def _parse(data: bytes) -> _Proof:
    content = _shape.fields(
        _shape.opened(data, "state proof", limits.PROOF_BYTES),
        "proof",
        (
            *("format", "genesis", "contract", "table", "key", "value", "siblings"),
            *("header", "seal", "links"),
        ),
        ("other", "steps"),
    )
    _shape.constant(content["format"], FORMAT, "proof: format")
    contract = _shape.text(content["contract"], "proof: contract", _shape.CONTRACT)
    table = _shape.text(content["table"], "proof: table")
    key = tuple(_shape.array(content["key"], "proof: key", 0, limits.KEY_PARTS))
    value_bytes, value = None, None
    if content["value"] is not None:
        value_bytes, value = _shape.embedded(content["value"], "proof: value")
        _shape.plain(value, "proof: value")
    other = None
    if "other" in content:
        row = _shape.row(content["other"], "proof: other", 2)
        other = _shape.digest(row[0], "proof: other"), _shape.digest(row[1], "proof: other")
        if value_bytes is not None:
            raise _shape.refuse("proof: other", "a proof of presence names another leaf")
    return _Proof(
        bound=parse_bound(content),
        contract=contract,
        table=table,
        key=key,
        flat=flat_key(contract, table, key),
        value_bytes=value_bytes,
        value=value,
        siblings=_shape.digests(content["siblings"], "proof: siblings", limits.SIBLINGS),
        other=other,
    )


def _check_row(proof: _Proof) -> str:
    header = proof.bound.header
    verify_row(header.state_root, proof.flat, proof.value_bytes, proof.siblings, proof.other)
    if proof.value_bytes is None:
        return f"proof: {proof.title} is absent from the state after block {header.height}"
    shown = _show.shown(proof.value)
    sentence = f"proof: {proof.title} = {shown} in the state after block {header.height}"
    if _closes(proof):
        sentence += f"; it closed chain {header.chain}: no block follows block {header.height}"
    return sentence


def _closes(proof: _Proof) -> bool:
    """Whether it is the row that ends its chain, in the state of the block that wrote it."""
    header, row = proof.bound.header, proof.value
    return (
        (proof.contract, proof.table, proof.key) == (*CLOSING, (header.chain,))
        and isinstance(row, dict)
        and row.get("height") == header.height
    )
