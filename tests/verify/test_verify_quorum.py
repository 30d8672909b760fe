"""Quorum seals and steps: each fault fails its check; no byte or part of a sealed file is free."""

from __future__ import annotations

import copy
import time
from functools import partial
from typing import Any

import pytest
from tests.verify.chainmaker import comet
from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.quorum import QuorumChain, four, validator
from tests.verify.chainmaker.quorum_faults import (
    QUORUM_FAULTS,
    QUORUM_STATE_FAULTS,
    another_set,
    small,
)
from tests.verify.chainmaker.scenes import (
    changing_toolshed,
    quorum_toolshed,
    replaced_toolshed,
    succeeded,
)
from tests.verify.chainmaker.signing import Key
from tests.verify.helpers import altered, anchor_at, failed_checks, one_byte_changed, refuses

import lianheng_verify as verify
from lianheng_verify import _quorum

CHAINS = {
    "one set": quorum_toolshed(),
    "changing": changing_toolshed(),
    "replaced": replaced_toolshed(),
}
RECEIPT_SECONDS = 0.010


@pytest.mark.parametrize("name", CHAINS)
@pytest.mark.parametrize("anchor", range(7))
def test_receipts_and_proofs_verify_under_any_anchor(name: str, anchor: int) -> None:
    chain = CHAINS[name]
    trusted = anchor_at(chain, anchor)
    for height in range(1, 7):
        index = 1 if height == 4 else 0
        receipt = chain.receipt(height, index, anchor)
        verified = verify.verify_receipt(encode(receipt), trusted)
        assert (verified.height, verified.index) == (height, index)
        assert [check.name for check in verified.checks][-3:] == ["anchor", "seal", "steps"]
        proof = chain.proof(height, "toolshed", "tools", ["crane-7"], anchor)
        assert verify.verify_state(encode(proof), trusted).present
    proof = chain.proof(0, "members", "members", ["node-1@west", 0], anchor)
    assert verify.verify_state(encode(proof), trusted).present


def test_what_the_report_says() -> None:
    def said(chain: QuorumChain, height: int, anchor: int = 0) -> list[str]:
        data = encode(chain.receipt(height, 0, anchor))
        checks = verify.verify_receipt(data, anchor_at(chain, anchor)).checks
        return [check.text for check in checks[-2:]]

    assert said(CHAINS["one set"], 2) == [
        "seal: 3 of 4 validators (75 of 100 power) · needs more than two thirds",
        "steps: none, it is the set of your genesis",
    ]
    assert said(CHAINS["changing"], 6)[1] == (
        "steps: 1 from the set of your genesis, at CometBFT height 6"
    )
    assert said(CHAINS["replaced"], 3)[1].endswith("at CometBFT heights 2, 3")
    assert said(CHAINS["changing"], 3, 5)[1] == (
        "steps: none, the block lies in the history of your anchor"
    )


@pytest.mark.parametrize("name", QUORUM_FAULTS)
def test_each_fault_fails_exactly_its_check(name: str) -> None:
    fault = QUORUM_FAULTS[name]
    case = fault.build()
    anchor = verify.load_anchor(case.anchor)
    failed = failed_checks(lambda: verify.verify_receipt(encode(case.parts), anchor))
    assert failed == {fault.check: fault.code}


@pytest.mark.parametrize("name", QUORUM_STATE_FAULTS)
def test_each_fault_of_a_proof_fails_exactly_its_check(name: str) -> None:
    fault = QUORUM_STATE_FAULTS[name]
    case = fault.build()
    anchor = verify.load_anchor(case.anchor)
    failed = failed_checks(lambda: verify.verify_state(encode(case.parts), anchor))
    assert failed == {fault.check: fault.code}


def test_refusals_name_both_values() -> None:
    case = another_set()
    with pytest.raises(verify.VerificationError) as caught:
        verify.verify_receipt(encode(case.parts), case.anchor)
    named, carried = digest(encode(small().sealers)), digest(encode(case.parts["seal"][3]))
    assert named.hex()[:8] in caught.value.message
    assert carried.hex()[:8] in caught.value.message


def test_a_set_that_nobody_knows_is_refused_twice() -> None:
    """By the header, and by the set that is trusted."""
    chain = small()
    chain.sets = {1: comet.ordered([(Key(f"stranger {one}"), 25) for one in range(4)])}
    seal = chain.comet_seal(5, chain.hashes[2])
    chain.sets = {1: four()}
    data = encode(chain.receipt(2) | {"seal": seal})
    failed = failed_checks(lambda: verify.verify_receipt(data, chain.genesis_file))
    assert failed == {"seal": "seal.other_sealers", "steps": "steps.no_third"}


SAMPLES: dict[str, tuple[str, int, int]] = {
    "a vote absent": ("one set", 2, 0),
    "a vote for none, newer anchor": ("one set", 3, 5),
    "a step": ("changing", 6, 0),
    "neighbouring steps": ("replaced", 3, 0),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_no_changed_byte_is_accepted(name: str) -> None:
    """Some 500 bytes of it; where the sample starts, the file's length chooses."""
    scene, height, anchor = SAMPLES[name]
    data = encode(CHAINS[scene].receipt(height, 0, anchor))
    trusted = anchor_at(CHAINS[scene], anchor)
    verify.verify_receipt(data, trusted)
    stride = len(data) // 500 + 1
    for place, changed in enumerate(one_byte_changed(data)):
        if place % stride == len(data) % stride:
            assert refuses(partial(verify.verify_receipt, changed, trusted)), place


@pytest.mark.long
@pytest.mark.parametrize("part", range(8))
@pytest.mark.parametrize("name", SAMPLES)
def test_no_byte_with_another_value_is_accepted(name: str, part: int) -> None:
    """Each byte, with eight other values."""
    scene, height, anchor = SAMPLES[name]
    data = encode(CHAINS[scene].receipt(height, 0, anchor))
    trusted = anchor_at(CHAINS[scene], anchor)
    for changed in one_byte_changed(data, (1 << part, 0xFF ^ 1 << part)):
        assert refuses(partial(verify.verify_receipt, changed, trusted))


@pytest.mark.parametrize("scene", ["one set", "changing"])
def test_every_field_of_a_seal_and_of_a_step_counts(scene: str) -> None:
    chain = CHAINS[scene]
    parts = chain.receipt(6)
    trusted = anchor_at(chain, 0)
    count = 0
    for seal in altered(parts["seal"]):
        assert refuses(partial(verify.verify_receipt, encode(parts | {"seal": seal}), trusted))
        count += 1
    for steps in altered(parts.get("steps", [])):
        assert refuses(partial(verify.verify_receipt, encode(parts | {"steps": steps}), trusted))
        count += 1
    assert count > 80


def test_any_commit_with_a_quorum_will_do() -> None:
    """Which nodes voted, and when, differs between nodes: the same block may carry either."""
    chain = small()
    for flags in ({0: None}, {3: None}, {2: comet.NIL}, {}):
        chain.ballots[5] = comet.Ballot(flags=flags, round_=len(flags))
        seal = chain.comet_seal(5, chain.hashes[2])
        verify.verify_receipt(encode(chain.receipt(2) | {"seal": seal}), chain.genesis_file)
    later = chain.comet_seal(9, chain.hashes[2])
    verify.verify_receipt(encode(chain.receipt(2) | {"seal": later}), chain.genesis_file)


def test_each_signature_is_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bytes] = []
    check = vars(_quorum)["verify_signature"]

    def counted(public: bytes, message: bytes, signature: bytes) -> None:
        seen.append(signature)
        check(public, message, signature)

    monkeypatch.setattr(_quorum, "verify_signature", counted)
    chain = CHAINS["changing"]
    verify.verify_receipt(encode(chain.receipt(6)), chain.genesis_file)
    assert len(seen) == len(set(seen)) == 8


@pytest.mark.parametrize("members", [1, 2, 3, 4, 7, 34])
def test_the_quorum_is_more_than_two_thirds_of_any_number(members: int) -> None:
    made = comet.ordered([(validator(f"v{one}"), 1) for one in range(members)])
    chain = QuorumChain(
        members={f"node-1@v{one}": validator(f"v{one}") for one in range(members)}
        | {"alice@v0": Key("alice")},
        sets={1: made},
    )
    chain.add([(chain.transaction("alice@v0"), succeeded())])
    enough = members * 2 // 3 + 1
    for voters in (enough - 1, enough):
        chain.ballots[3] = comet.Ballot(flags=dict.fromkeys(range(voters, members)))
        seal = chain.comet_seal(3, chain.hashes[1])
        data = encode(chain.receipt(1) | {"seal": seal})
        failed = failed_checks(partial(verify.verify_receipt, data, chain.genesis_file))
        assert failed.get("seal") == (None if voters == enough else "seal.no_quorum")


def test_a_receipt_of_four_validators_takes_less_than_ten_milliseconds() -> None:
    chain = CHAINS["one set"]
    anchor = verify.load_anchor(chain.genesis_file)
    files = [encode(chain.receipt(height)) for height in (1, 2, 3, 5)] * 10
    start = time.perf_counter()
    for data in files:
        verify.verify_receipt(data, anchor)
    assert (time.perf_counter() - start) / len(files) < RECEIPT_SECONDS


# --- anchors ---


def with_sealers(keys: list[list[Any]], **changes: Any) -> bytes:
    sealers = ["lianheng.sealers.1", "cometbft", keys]
    return QuorumChain(document_changes={"sealers": sealers} | changes).genesis_file


def rows() -> list[list[Any]]:
    return [[key.public, power] for key, power in four()]


def not_a_node() -> bytes:
    members = copy.deepcopy(QuorumChain()._document()["members"])
    for member in members:
        if member["id"] == "node-1@west":
            member["kind"] = "service"
    return QuorumChain(document_changes={"members": members}).genesis_file


GENESES: dict[str, tuple[str, Any]] = {
    "order": ("sealers.order", lambda: with_sealers(rows()[::-1])),
    "order of powers": (
        "sealers.order",
        lambda: with_sealers([[row[0], 10 + place] for place, row in enumerate(rows())]),
    ),
    "a key twice": ("sealers.duplicate", lambda: with_sealers([rows()[0], *rows()])),
    "power 0": ("format.field", lambda: with_sealers([[row[0], 0] for row in rows()])),
    "power beyond": ("format.field", lambda: with_sealers([[rows()[0][0], 2**40 + 1]])),
    "none": ("format.field", lambda: with_sealers([])),
    "too many": (
        "format.field",
        lambda: with_sealers([[digest(b"%d" % one), 1] for one in range(1001)]),
    ),
    "a key of nobody": ("genesis.sealers", lambda: with_sealers([[Key("x").public, 1]])),
    "a key of a person": ("genesis.sealers", lambda: with_sealers([[Key("alice").public, 1]])),
    "a key of a service": ("genesis.sealers", not_a_node),
}


@pytest.mark.parametrize("name", GENESES)
def test_geneses_with_faulty_sets_are_refused(name: str) -> None:
    code, build = GENESES[name]
    assert failed_checks(lambda: verify.load_anchor(build())) == {"file": code}


def test_the_genesis_of_a_network_loads() -> None:
    anchor = verify.load_anchor(QuorumChain().genesis_file)
    assert (anchor.sealers.kind, anchor.sealers.power) == ("cometbft", 100)
    verify.load_anchor(with_sealers([[rows()[0][0], 2**40]]))


@pytest.mark.parametrize("scene", CHAINS)
def test_no_changed_byte_of_a_header_file_is_accepted(scene: str) -> None:
    data = encode(CHAINS[scene].header_file(5))
    verify.load_anchor(data)
    for place, changed in enumerate(one_byte_changed(data)):
        if place % 3 == len(data) % 3:
            assert refuses(partial(verify.load_anchor, changed)), place


HEADER_FILES: dict[str, tuple[str, Any]] = {
    "another set": (
        "anchor.other_sealers",
        lambda parts: parts | {"sealers": comet.sealers(four()[:3])},
    ),
    "a solo set": (
        "anchor.other_sealers",
        lambda parts: parts | {"sealers": ["lianheng.sealers.1", "solo", [[Key("x").public, 1]]]},
    ),
    "seal of another block": (
        "seal.other_header",
        lambda parts: parts | {"seal": CHAINS["one set"].blocks[6].seal},
    ),
    "no seal": ("format.field", lambda parts: parts | {"seal": None}),
}


@pytest.mark.parametrize("name", HEADER_FILES)
def test_faulty_header_files_are_refused(name: str) -> None:
    code, change = HEADER_FILES[name]
    data = encode(change(CHAINS["one set"].header_file(5)))
    assert failed_checks(lambda: verify.load_anchor(data)) == {"file": code}


DAY = 24 * 60 * 60 * 1000


@pytest.mark.parametrize(
    ("height", "days", "limits"), [(6, 13, 1), (6, 15, 2), (3, 99, 1), (5, 99, 1)]
)
def test_old_anchors_are_said_to_be_old(height: int, days: int, limits: int) -> None:
    anchor = anchor_at(CHAINS["one set"], 5)
    found = anchor.limits(height, anchor.header.time + days * DAY)
    assert len(found) == limits
    assert found[0].startswith("quorum: more than a third")
    assert (f"age: your anchor is {days} days old" in found[-1]) == (limits == 2)
