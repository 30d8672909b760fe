"""Receipts of what the chain ran by itself: a timer that fell due, its cause and its result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lianheng_verify import _approvals, _cbor, _shape, _show
from lianheng_verify import _limits as limits
from lianheng_verify._anchor import TrustAnchor, as_anchor, evidence_checks
from lianheng_verify._checks import Check, run_checks
from lianheng_verify._errors import VerificationError
from lianheng_verify._hashes import digest
from lianheng_verify._receipt import (
    PLACED_FIELDS,
    Placed,
    Source,
    check_place,
    check_source,
    notices,
    parse_placed,
    sealed_height,
)
from lianheng_verify._standing import Rows, Standing, parse_standing, standing_checks

if TYPE_CHECKING:
    from collections.abc import Callable

    from lianheng_verify._transaction import Result

TIMER: Final = 1
_CAUSE_PARTS: Final = 5


@dataclass(frozen=True, slots=True)
class Run:
    """A timer's run: the contract's timer of this number, due at `at` (ms), ran this method."""

    contract: str
    number: int
    at: int
    method: str
    arguments: dict[str, _cbor.Value]


@dataclass(frozen=True, slots=True)
class VerifiedRun:
    """What a run's receipt proves. Heights count from the genesis, `time` is the block's, ms.

    The run is entry `index`, from 0, of the `count` entries of its block. Nobody signed it: that
    the timer was made by a call, and with these arguments, is what the chain's rules say. Where it
    ran a proposal, `approval` tells which, and who agreed. The receipt rests on no seal above
    `sealed_height`.
    """

    chain: str
    genesis_hash: bytes
    height: int
    time: int
    header_hash: bytes
    index: int
    count: int
    run_id: bytes
    run: Run
    result: Result
    approval: _approvals.Approval | None
    sealed_height: int
    checks: tuple[Check, ...]


def is_run(data: bytes) -> bool:
    """Whether a receipt is of a run rather than of a call. Raises UnreadableError."""
    content = _shape.opened(data, "receipt", limits.RECEIPT_BYTES)
    return isinstance(content, dict) and "run" in content


def verify_run(
    data: bytes, anchor: TrustAnchor | bytes, source: Source | None = None
) -> VerifiedRun:
    """Checks a run's receipt against a trust anchor (`bytes`: a genesis file), offline.

    With `source`, also that it is the code that ran. Raises UnreadableError where the bytes are no
    receipt of a run, VerificationError where a check fails; its `checks` then lists all of them.
    """
    trusted = as_anchor(anchor)
    placed, begin, run, standing = _parse(data)
    steps: list[tuple[str, Callable[[], str]]] = [
        ("form", lambda: _check_form(run)),
        *standing_checks(
            standing,
            placed.bound,
            trusted,
            lambda standing, rows: _check_members(placed, run, standing, rows),
        ),
        ("code", lambda: check_source(placed.result, source)),
        ("time", lambda: _check_time(placed, run)),
        ("entry", lambda: check_place(placed, begin, "run")),
        *notices(placed.result),
        *evidence_checks(placed.bound, trusted),
    ]
    checks = run_checks(steps)
    return VerifiedRun(
        **placed.bound.where,
        index=placed.index,
        count=placed.count,
        run_id=run_id(placed.bound.genesis_hash, run),
        run=run,
        result=placed.result,
        approval=None if standing is None else _approval(placed, run, standing),
        sealed_height=sealed_height(placed.bound, standing),
        checks=checks,
    )


def run_id(genesis_hash: bytes, run: Run) -> bytes:
    """The id under which nodes find the run."""
    subject: list[_cbor.Value] = [run.contract, run.number]
    return digest(_cbor.encode(["lianheng.run.1", genesis_hash, TIMER, subject]))


def _parse(data: bytes) -> tuple[Placed, bytes, Run, Standing | None]:
    """The placed result, the entry's bytes before it, what they say, and who agreed."""
    content = _shape.fields(
        _shape.opened(data, "receipt", limits.RECEIPT_BYTES),
        "receipt",
        (*PLACED_FIELDS, "run"),
        ("steps", "members"),
    )
    raw, value = _shape.embedded(content["run"], "run")
    kind, cause = _shape.row(value, "run", 2)
    _shape.constant(kind, TIMER, "run: kind")
    contract, number, at, method, arguments = _shape.row(cause, "run: cause", _CAUSE_PARTS)
    run = Run(
        contract=_shape.text(contract, "run: contract", _shape.CONTRACT),
        number=_shape.uint(number, "run: number"),
        at=_shape.uint(at, "run: at"),
        method=_shape.text(method, "run: method", _shape.CONTRACT),
        arguments=_shape.plain_map(arguments, "run: arguments"),
    )
    # One byte opens the array of two; the entry has its items, and the result as the third.
    return parse_placed(content), raw[1:], run, parse_standing(content, of_run=True)


def _approval(placed: Placed, run: Run, standing: Standing) -> _approvals.Approval:
    """The proposal that ran. Raises VerificationError where it is no run of one (`members.*`)."""
    number = run.arguments.get("number")
    own = (run.contract, run.method) == _approvals.GOVERNANCE
    if not own or type(number) is not int or placed.result.refusal is not None:
        raise VerificationError("members.other_run", "no proposal took effect by this run")
    rows = Rows(standing, placed.bound.header)
    return _approvals.proved(standing, rows, run.number, number)


def _check_members(placed: Placed, run: Run, standing: Standing, rows: Rows) -> str:
    return _approvals.sentence(_approval(placed, run, standing), rows)


def _check_form(run: Run) -> str:
    called = _show.call(run.contract, run.method, run.arguments)
    return f"form: timer {run.number} of {run.contract} ran {called}; nobody signs a timer"


def _check_time(placed: Placed, run: Run) -> str:
    time = placed.bound.header.time
    if time < run.at:
        raise VerificationError(
            "run.early", f"block time {time} ms is before the timer's moment, {run.at} ms"
        )
    return f"time: the block was made {time - run.at:,} ms after the timer was due"
