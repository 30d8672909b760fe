"""Receipts of timers' runs: what they say, and that no change of a byte or part is accepted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify.chainmaker.chain import Chain, decode_plain
from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.scenes import (
    SOURCE,
    quorum_toolshed,
    refused,
    timer_run,
    toolshed,
)
from tests.verify.helpers import anchor_at, failed_checks, one_byte_changed, refuses

import lianheng_verify as verify

if TYPE_CHECKING:
    from collections.abc import Callable

CHAIN = toolshed()
HEIGHT = 4


@pytest.mark.parametrize("anchor", range(7))
def test_a_run_verifies_under_older_equal_and_newer_anchors(anchor: int) -> None:
    data = encode(CHAIN.run_receipt(HEIGHT, 0, anchor))
    assert verify.is_run(data)
    verified = verify.verify_run(data, anchor_at(CHAIN, anchor))
    assert (verified.height, verified.index, verified.count) == (HEIGHT, 0, 2)
    assert (verified.run.contract, verified.run.number) == ("toolshed", 7)
    assert verified.run.arguments == {"ids": ["crane-7", 2**70]}
    assert verified.time - verified.run.at == 400
    assert verified.result.value == "swept"
    subject = ["lianheng.run.1", CHAIN.genesis_hash, 1, ["toolshed", 7]]
    assert verified.run_id == digest(encode(subject))
    assert all(check.passed for check in verified.checks)


def test_a_run_sealed_by_validators_verifies() -> None:
    chain = quorum_toolshed()
    data = encode(chain.run_receipt(HEIGHT))
    assert verify.verify_run(data, chain.genesis_file).run.number == 7


def test_the_source_that_ran_is_compared() -> None:
    data = encode(CHAIN.run_receipt(HEIGHT))
    good, bad = (verify.Source("toolshed.py", text) for text in (SOURCE, SOURCE + b"#"))
    verify.verify_run(data, CHAIN.genesis_file, good)
    failed = failed_checks(lambda: verify.verify_run(data, CHAIN.genesis_file, bad))
    assert failed == {"code": "code.differs"}


def test_a_refused_run_is_proved_as_such() -> None:
    chain = Chain()
    entry = timer_run(chain)
    chain.add([], others=[[*entry[:2], refused()], timer_run(chain)])
    verified = verify.verify_run(encode(chain.run_receipt(1, 0)), chain.genesis_file)
    assert verified.result.refusal is not None
    assert verified.result.refusal.code == "contract.rejected"


@pytest.mark.parametrize("anchor", [0, 2, 5])
def test_no_changed_byte_is_accepted(anchor: int) -> None:
    data = encode(CHAIN.run_receipt(HEIGHT, 0, anchor))
    trusted = anchor_at(CHAIN, anchor)
    verify.verify_run(data, trusted)
    for changed in one_byte_changed(data):
        assert refuses(partial(verify.verify_run, changed, trusted))


def test_cut_or_longer_files_are_unreadable() -> None:
    data = encode(CHAIN.run_receipt(HEIGHT))
    for changed in [data + b"\x00", *(data[:end] for end in range(len(data)))]:
        with pytest.raises(verify.UnreadableError):
            verify.verify_run(changed, CHAIN.genesis_file)


def with_run(parts: dict[str, Any], kind: int = 1, **changes: Any) -> dict[str, Any]:
    """The receipt with other parts of the cause."""
    names = ("contract", "number", "at", "method", "arguments")
    _, cause = decode_plain(parts["run"])
    changed = {**dict(zip(names, cause, strict=True)), **changes}
    return parts | {"run": encode([kind, list(changed.values())])}


@pytest.mark.parametrize(
    "changes",
    [
        {"contract": "toolshop"},
        {"number": 8},
        {"at": 1},
        {"method": "daily"},
        {"arguments": {}},
        {"arguments": {"ids": ["crane-7", 2**70 + 1]}},
    ],
    ids=str,
)
def test_another_cause_is_not_in_the_block(changes: dict[str, Any]) -> None:
    data = encode(with_run(CHAIN.run_receipt(HEIGHT), **changes))
    failed = failed_checks(lambda: verify.verify_run(data, CHAIN.genesis_file))
    assert failed == {"entry": "entry.not_in_block"}


def test_a_run_before_its_moment_is_refused() -> None:
    chain = Chain()
    entry = timer_run(chain)
    entry[1][2] += 10_000
    chain.add([], others=[entry])
    data = encode(chain.run_receipt(1))
    failed = failed_checks(lambda: verify.verify_run(data, chain.genesis_file))
    assert failed == {"time": "run.early"}


SHAPES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "unknown kind": lambda parts: with_run(parts, kind=2),
    "a bad name": lambda parts: with_run(parts, contract="Tool-shed"),
    "a negative number": lambda parts: with_run(parts, number=-1),
    "a text as moment": lambda parts: with_run(parts, at="now"),
    "arguments that are no map": lambda parts: with_run(parts, arguments=[1]),
    "a cause of six": lambda parts: with_run(parts, more=1),
    "keys": lambda parts: parts | {"keys": [bytes(32)]},
    "a transaction": lambda parts: parts | CHAIN.receipt(2),
    "no run": lambda parts: {k: v for k, v in parts.items() if k != "run"},
}


@pytest.mark.parametrize("name", SHAPES)
def test_other_shapes_are_unreadable(name: str) -> None:
    data = encode(SHAPES[name](CHAIN.run_receipt(HEIGHT)))
    with pytest.raises(verify.UnreadableError):
        verify.verify_run(data, CHAIN.genesis_file)


def test_a_call_is_no_run_and_a_run_no_call() -> None:
    """The same bytes cannot be read as both: an entry begins with a hash or with a kind."""
    call = encode(CHAIN.receipt(HEIGHT, 1))
    assert not verify.is_run(call)
    with pytest.raises(verify.UnreadableError):
        verify.verify_run(call, CHAIN.genesis_file)
    with pytest.raises(verify.UnreadableError):
        verify.verify_receipt(encode(CHAIN.run_receipt(HEIGHT)), CHAIN.genesis_file)
