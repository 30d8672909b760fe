"""Receipts that prove whose keys signed, and who agreed: what they say, and what they refuse."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify.chainmaker.encoding import encode
from tests.verify.chainmaker.signing import Key
from tests.verify.chainmaker.standing import (
    PLACES,
    PROPOSAL,
    RUN,
    Prover,
    chains,
    receipt,
    run_receipt,
)
from tests.verify.chainmaker.standing_faults import STANDING_FAULTS
from tests.verify.helpers import anchor_at, failed_checks, one_byte_changed, refuses

import lianheng_verify as verify
from lianheng_verify._standing import Rows, parse_standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.verify.chainmaker.chain import Chain

CHAINS = chains()
CHAIN = CHAINS["solo"]
SIGNERS = {
    1: ["alice@north"],
    2: ["carol@north"],
    3: ["alice@north", "dan@east", "bob@south"],
    4: ["carol@north"],
    5: ["bob@south"],
    6: ["alice@north"],
}


@pytest.mark.parametrize("scene", CHAINS)
@pytest.mark.parametrize("anchor", range(7))
@pytest.mark.parametrize(("height", "index"), PLACES)
def test_signers_are_proved_under_every_anchor_by_every_later_state(
    scene: str, anchor: int, height: int, index: int
) -> None:
    chain = CHAINS[scene]
    trusted = anchor_at(chain, anchor)
    for at in range(height, 7):
        data = encode(receipt(chain, height, index, at, anchor))
        verified = verify.verify_receipt(data, trusted)
        assert [one.member for one in verified.signers] == SIGNERS[height]
        assert {one.standing for one in verified.signers} == {"proved"}
        assert {one.roles for one in verified.signers} == {("operator",)}
        assert verified.sealed_height == at
        assert [one.key_id for one in verified.signers] == list(verified.transaction.signers)


@pytest.mark.parametrize("scene", CHAINS)
@pytest.mark.parametrize("anchor", range(7))
def test_who_agreed_to_a_run_is_proved(scene: str, anchor: int) -> None:
    chain = CHAINS[scene]
    for at in range(RUN, 7):
        data = encode(run_receipt(chain, at, anchor))
        verified = verify.verify_run(data, anchor_at(chain, anchor))
        assert verified.approval is not None
        assert [one.member for one in verified.approval.agreed] == ["alice@north", "bob@south"]
        assert verified.approval.number == PROPOSAL
        assert verified.approval.method == "suspend_member"
        assert verified.approval.arguments == {"id": "dan@east", "reason": "left"}
        assert verified.sealed_height == at


def test_without_the_proof_a_genesis_tells_of_its_own_keys_and_a_header_of_none() -> None:
    data = encode(CHAIN.receipt(3))
    told = verify.verify_receipt(data, anchor_at(CHAIN, 0)).signers
    assert [(one.member, one.standing) for one in told] == [
        (None, "unknown"),
        (None, "unknown"),
        ("bob@south", "genesis"),
    ]
    data = encode(CHAIN.receipt(3, 0, 2))
    told = verify.verify_receipt(data, anchor_at(CHAIN, 2)).signers
    assert {(one.member, one.standing) for one in told} == {(None, "unknown")}
    assert verify.verify_run(encode(CHAIN.run_receipt(RUN)), CHAIN.genesis_file).approval is None


@pytest.mark.parametrize("name", STANDING_FAULTS)
def test_each_fault_fails_exactly_its_check(name: str) -> None:
    fault = STANDING_FAULTS[name]
    case = fault.build()
    assert failed_checks(partial(check, encode(case.parts), verify.load_anchor(case.anchor))) == {
        fault.check: fault.code
    }


def check(data: bytes, anchor: verify.TrustAnchor) -> object:
    both = verify.verify_run if verify.is_run(data) else verify.verify_receipt
    return both(data, anchor)


BYTES: dict[str, tuple[dict[str, Any], int]] = {
    "own state": (receipt(CHAIN, 2, 0, 2), 0),
    "later state": (receipt(CHAIN, 2, 0, 6, 3), 3),
    "three signers": (receipt(CHAIN, 3, 0, 5), 0),
    "a run": (run_receipt(CHAIN, 5), 0),
    "quorum": (receipt(CHAINS["quorum"], 2, 0, 4), 0),
}


def chain_of(name: str) -> Chain:
    return CHAINS.get(name, CHAIN)


@pytest.mark.parametrize("name", BYTES)
def test_no_changed_byte_is_accepted(name: str) -> None:
    """Every byte of the small ones, every third of the others."""
    parts, anchor = BYTES[name]
    data, trusted = encode(parts), anchor_at(chain_of(name), anchor)
    check(data, trusted)
    every = 1 if name in ("own state", "later state") else 3
    for place, changed in enumerate(one_byte_changed(data)):
        if place % every == 0:
            assert refuses(partial(check, changed, trusted)), place


@pytest.mark.long
@pytest.mark.parametrize("name", BYTES)
@pytest.mark.parametrize("part", range(8))
def test_no_byte_with_many_other_values_is_accepted(name: str, part: int) -> None:
    """16 other values of each byte, in eight parts."""
    parts, anchor = BYTES[name]
    data, trusted = encode(parts), anchor_at(chain_of(name), anchor)
    masks = tuple(range(1, 256))[part::128]
    for changed in one_byte_changed(data, masks):
        assert refuses(partial(check, changed, trusted))


def test_cut_files_are_unreadable() -> None:
    data = encode(receipt(CHAIN, 2, 0, 3))
    for end in range(len(data)):
        with pytest.raises(verify.UnreadableError):
            verify.verify_receipt(data[:end], anchor_at(CHAIN, 0))


def members(change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    parts = receipt(CHAIN, 2, 0, 5)
    return parts | {"members": change(parts["members"])}


def later(change: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    return members(lambda part: part | {"at": change(part["at"])})


def first_key(*changes: Any) -> dict[str, Any]:
    """The receipt whose first key's proof has other parts."""
    return members(lambda part: part | {"keys": [[*part["keys"][0][: 3 - len(changes)], *changes]]})


SHAPES: dict[str, dict[str, Any]] = {
    "no map": members(lambda _: {}) | {"members": []},
    "nothing in it": members(lambda _: {}),
    "an unknown field": members(lambda part: part | {"more": 1}),
    "no keys": members(lambda part: part | {"keys": []}),
    "no organisations": members(lambda part: part | {"organisations": []}),
    "votes of a call": members(lambda part: part | {"votes": [], "proposal": [None, [], None]}),
    "too many keys": members(lambda part: part | {"keys": part["keys"] * 257}),
    "a version below 0": members(lambda part: part | {"keys": [[-1, *part["keys"][0][1:]]]}),
    "true as version": members(lambda part: part | {"keys": [[True, *part["keys"][0][1:]]]}),
    "a proof of two": first_key([None, []]),
    "a text as row": first_key(["row", [], None]),
    "a row that is no map": first_key([encode([1]), [], None]),
    "a row that is not canonical": first_key([b"\xa1\x61a\x18\x01", [], None]),
    "presence beside another leaf": first_key([encode({}), [], [bytes(32), bytes(32)]]),
    "a short other leaf": first_key([None, [], [bytes(31), bytes(32)]]),
    "257 siblings": first_key([None, [bytes(32)] * 257, None]),
    "a later block without path": later(
        lambda at: {name: part for name, part in at.items() if name != "path"}
    ),
    "a later block with a genesis": later(lambda at: at | {"genesis": CHAIN.genesis_hash}),
    "a later block without seal": later(lambda at: at | {"seal": None}),
    "a link twice": later(lambda at: at | {"links": at["links"] * 2}),
}


@pytest.mark.parametrize("name", SHAPES)
def test_other_shapes_are_unreadable(name: str) -> None:
    with pytest.raises(verify.UnreadableError) as caught:
        verify.verify_receipt(encode(SHAPES[name]), CHAIN.genesis_file)
    assert caught.value.code.startswith(("format.", "cbor."))


def test_parts_of_two_proofs_never_mix() -> None:
    """The proof of one receipt says nothing of another, by whomever it is signed."""
    proofs = [(place, at) for place in PLACES for at in sorted({place[0], 6})]
    made = {(place, at): receipt(CHAIN, *place, at) for place, at in proofs}
    for (place, _), one in made.items():
        for (other, _), another in made.items():
            data = encode(one | {"members": another["members"]})
            refused = refuses(partial(verify.verify_receipt, data, CHAIN.genesis_file))
            assert refused == (place != other), (place, other)


def test_a_key_that_a_later_block_registers_signs_nothing_before() -> None:
    """The same rows, receipts of all heights: each key is proved exactly while it is in force."""
    in_force = {"alice": range(3), "alice-2": range(3, 7), "carol": range(2, 7), "bob": range(7)}
    for name, heights in in_force.items():
        for height in range(1, 7):
            proved = prove_key(Key(name), height)
            assert proved == (height in heights), (name, height)


def prove_key(key: Key, height: int) -> bool:
    """Whether any version of the key's rows passes as in force at this height."""
    whole: dict[Any, Any] = dict(receipt(CHAIN, height, 1 if height == RUN else 0, 6))
    header = verify.load_anchor(CHAIN.anchor_file(height)).header
    for version in range(2):
        proof = Prover(CHAIN, height, 6).at_version("keys", key.id, version)
        part = whole["members"] | {"keys": [proof]}
        standing = parse_standing(whole | {"members": part}, of_run=False)
        assert standing is not None
        rows = Rows(standing, header)
        if not refuses(partial(rows.in_force, standing.keys[0], "keys", key.id)):
            return True
    return False
