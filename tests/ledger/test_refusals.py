"""Each kind of refusal: its code, the state untouched, an entry written, the id burnt."""

from typing import Any

import pytest
from tests.ledger.support import Bench

from lianheng.members import Identity
from lianheng.model import CallRefused, Result, SourceHash, Status

CASES: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
    ("contract.rejected", "toolshed.lend", {"id": "theirs", "to": "north"}, {}),
    ("contract.error", "toolshed.lend", {"id": "nothing", "to": "north"}, {}),
    ("gas.exhausted", "toolshed.spin", {"rounds": 1_000_000}, {"gas": 2_000}),
    ("call.unknown_contract", "nowhere.add", {"id": "x"}, {}),
    ("call.unknown_method", "toolshed.remove", {"id": "x"}, {}),
    ("call.is_a_view", "toolshed.where", {"id": "theirs"}, {}),
    ("call.bad_arguments", "toolshed.add", {"name": "x"}, {}),
    ("call.bad_arguments", "toolshed.add", {"id": 5}, {}),
    ("code.mismatch", "toolshed.add", {"id": "x"}, {"code": SourceHash(bytes(32))}),
    ("contract.invalid", "contracts.deploy", {"name": "a", "file": "a.py", "source": "1+1"}, {}),
]


def check_refused(bench: Bench, signed: bytes, code: str) -> Result:
    before = (bench.ledger.height, bench.state_root())
    result = bench.submit(signed)
    assert result.status is Status.REFUSED
    assert result.error is not None
    assert (result.error.code, bool(result.error.message)) == (code, True)
    assert (bench.ledger.height, bench.state_root()) == (before[0] + 1, before[1])
    assert result.id is not None
    assert bench.ledger.result(result.id) == result
    again = bench.submit(signed)
    assert again.error is not None
    assert again.error.code == "dropped.replayed"
    with pytest.raises(CallRefused):
        result.checked()
    return result


@pytest.mark.parametrize(("code", "target", "arguments", "options"), CASES)
def test_refusals_of_an_operator(
    bench: Bench,
    code: str,
    target: str,
    arguments: dict[str, Any],
    options: dict[str, Any],
) -> None:
    bench.call(bench.them.bob, "toolshed.add", id="theirs").checked()
    signed = bench.sign(bench.them.alice, target, arguments, **options)
    check_refused(bench, signed, code)


@pytest.mark.parametrize(
    ("target", "arguments"),
    [
        ("toolshed.add", {"id": "x"}),
        ("contracts.deploy", {"name": "a", "file": "a.py", "source": ""}),
    ],
)
def test_policy_denied(bench: Bench, target: str, arguments: dict[str, object]) -> None:
    result = check_refused(bench, bench.sign(bench.them.dora, target, arguments), "policy.denied")
    assert result.error is not None
    assert "requires role:operator" in result.error.message
    assert "missing: a member with the role operator" in result.error.message


def test_a_refusal_names_the_contracts_reason_file_line_and_sentence(bench: Bench) -> None:
    bench.call(bench.them.bob, "toolshed.add", id="crane-7").checked()
    result = bench.call(bench.them.alice, "toolshed.lend", id="crane-7", to="north")
    error = result.error
    assert error is not None
    assert (error.code, error.reason) == ("contract.rejected", "not_holder")
    assert error.message == "south holds crane-7"
    assert error.place == "toolshed.py:28"
    assert result.gas > 0
    assert result.source is not None


def test_an_exhausted_call_pays_all_its_gas_and_writes_nothing(bench: Bench) -> None:
    signed = bench.sign(bench.them.alice, "toolshed.spin", {"rounds": 10**6}, gas=5_000)
    assert check_refused(bench, signed, "gas.exhausted").gas == 5_000


def test_a_second_signer_can_bring_the_role(bench: Bench) -> None:
    signed = bench.sign([bench.them.dora, bench.them.bob], arguments={"id": "x"})
    result = bench.submit(signed)
    assert result.final
    assert result.value == {"id": "x", "holder": "south"}


def test_signers_in_another_order_than_listed_are_dropped(bench: Bench) -> None:
    from lianheng.model import decode, encode

    pair: list[Identity] = [bench.them.alice, bench.them.bob]
    parts = decode(bench.sign(pair))
    swapped = encode([*parts[:3], list(reversed(parts[3]))])
    assert bench.submit(swapped).status is Status.DROPPED
    one = encode([parts[3][0][0], {}, parts[2], parts[3][0][2]])
    assert bench.submit(one).status is Status.DROPPED, "a signer was stripped"
