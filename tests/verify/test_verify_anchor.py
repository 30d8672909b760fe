"""Genesis and header files: what is refused, with which code; no changed byte is accepted."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify.chainmaker.chain import PARAMETERS, START, Chain, decode_plain
from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.faults import spoil
from tests.verify.chainmaker.scenes import toolshed
from tests.verify.chainmaker.signing import Key, sign_one
from tests.verify.helpers import anchor_at, failed_checks, one_byte_changed, refuses

import lianheng_verify as verify

if TYPE_CHECKING:
    from collections.abc import Callable

CHAIN = toolshed()
ALICE = decode_plain(CHAIN.document)["members"][0]
NORTH = decode_plain(CHAIN.document)["organisations"][0]
ROLE = {"name": "operator", "given": "organisation"}
OTHER = digest(b"other")


def with_header(**changes: Any) -> bytes:
    return Chain(genesis_changes=changes).genesis_file


def with_document(**changes: Any) -> bytes:
    return Chain(document_changes=changes).genesis_file


def with_alice(**changes: Any) -> bytes:
    return with_document(members=[ALICE | changes])


def with_key(**changes: Any) -> bytes:
    return with_alice(keys=[ALICE["keys"][0] | changes])


def possession(chain: str, member: str, key: Key, signer: Key) -> bytes:
    return sign_one(signer, encode(["lianheng.possession.1", chain, member, key.id]), b"")


def small_order() -> bytes:
    """A key of small order with a proof that verifies for it: anybody can make one."""
    public = b"\x01" + bytes(31)
    key_id = digest(encode({1: 1, -1: 6, -2: public}))
    payload = encode(["lianheng.possession.1", "trade", "alice@north", key_id])
    signature = b"\x01" + bytes(63)
    signed = encode([encode({1: -19, 4: key_id}), {}, payload, signature])
    return with_key(public=public, possession=signed)


GENESIS_FAULTS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "header: chain": ("genesis.header_differs", partial(with_header, chain="other")),
    "header: height": ("genesis.header_differs", partial(with_header, height=1)),
    "header: consensus": ("genesis.header_differs", partial(with_header, consensus_height=1)),
    "header: time": ("genesis.header_differs", partial(with_header, time=START + 1)),
    "header: history": ("genesis.header_differs", partial(with_header, history_root=OTHER)),
    "header: entries": ("genesis.header_differs", partial(with_header, entries_root=OTHER)),
    "header: replay": ("genesis.header_differs", partial(with_header, replay_root=OTHER)),
    "header: sealers": ("genesis.header_differs", partial(with_header, sealers_hash=OTHER)),
    "header: rules": ("genesis.header_differs", partial(with_header, rules=2)),
    "no organisation": ("genesis.unknown_organisation", partial(with_alice, id="alice@east")),
    "member twice": ("genesis.duplicate", lambda: with_document(members=[ALICE, second_key()])),
    "key twice": ("genesis.duplicate", lambda: with_alice(keys=ALICE["keys"] * 2)),
    "organisation twice": (
        "genesis.duplicate",
        lambda: with_document(organisations=[NORTH] * 2),
    ),
    "role twice": ("genesis.duplicate", lambda: with_document(roles=[ROLE] * 2)),
    "role of nobody": (
        "format.field",
        lambda: with_document(roles=[ROLE | {"given": "anybody"}]),
    ),
    "policy no text": ("format.field", lambda: with_document(policies={"a.b": 1})),
    "contract twice": (
        "genesis.duplicate",
        lambda: with_document(contracts=[{"name": "a", "file": "a.py", "source": ""}] * 2),
    ),
    "possession: bad signature": (
        "genesis.possession",
        lambda: with_key(possession=spoil(ALICE["keys"][0]["possession"])),
    ),
    "possession: another chain": (
        "genesis.possession",
        lambda: with_key(possession=possession("x", "alice@north", Key("alice"), Key("alice"))),
    ),
    "possession: another member": (
        "genesis.possession",
        lambda: with_key(possession=possession("trade", "b@north", Key("alice"), Key("alice"))),
    ),
    "possession: another key": (
        "genesis.possession",
        lambda: with_key(possession=possession("trade", "alice@north", Key("bob"), Key("alice"))),
    ),
    "possession: another signer": (
        "genesis.possession",
        lambda: with_key(possession=possession("trade", "alice@north", Key("alice"), Key("bob"))),
    ),
    "small order": ("genesis.possession", small_order),
    "suite": ("format.unknown", partial(with_document, suite=2)),
    "rules": ("format.unknown", partial(with_document, rules=2)),
    "name": ("name.malformed", lambda: Chain(name="Trade").genesis_file),
    "parameter missing": (
        "format.missing_field",
        lambda: with_document(parameters={"block_gas": 1}),
    ),
    "parameter unknown": (
        "format.unknown_field",
        lambda: with_document(parameters=PARAMETERS | {"more": 1}),
    ),
    "two sealers": (
        "format.field",
        lambda: with_document(
            sealers=["lianheng.sealers.1", "solo", [[Key("a").public, 1], [Key("b").public, 1]]]
        ),
    ),
    "sealer's power": (
        "format.field",
        lambda: with_document(sealers=["lianheng.sealers.1", "solo", [[Key("a").public, 2]]]),
    ),
    "kind of member": ("format.field", partial(with_alice, kind="robot")),
    "no keys": ("format.field", partial(with_alice, keys=[])),
    "custodial": ("format.field", partial(with_key, custodial=0)),
    "unknown field": ("format.unknown_field", partial(with_alice, more=1)),
}


def second_key() -> dict[str, Any]:
    proof = possession("trade", "alice@north", Key("carol"), Key("carol"))
    key = {"public": Key("carol").public, "custodial": False, "possession": proof}
    return {**ALICE, "keys": [key]}


@pytest.mark.parametrize("name", GENESIS_FAULTS)
def test_faulty_geneses(name: str) -> None:
    code, build = GENESIS_FAULTS[name]
    assert failed_checks(lambda: verify.load_anchor(build())) == {"file": code}


def test_no_changed_byte_of_a_genesis_is_accepted() -> None:
    """A change either breaks the file, or makes the genesis of another chain."""
    receipt = encode(CHAIN.receipt(2))
    verify.verify_receipt(receipt, CHAIN.genesis_file)
    for changed in one_byte_changed(CHAIN.genesis_file):
        assert refuses(partial(verify.verify_receipt, receipt, changed))


def solo_set(*keys: Key) -> list[Any]:
    return ["lianheng.sealers.1", "solo", [[key.public, 1] for key in keys]]


def without(parts: dict[str, Any], name: str) -> dict[str, Any]:
    return {other: part for other, part in parts.items() if other != name}


def header_of(sealer: Key | None = None, **changes: Any) -> dict[str, Any]:
    """The header file of a block that was made and sealed so."""
    chain = Chain()
    return chain.header_file(chain.add([], sealer=sealer, changes=changes))


HEADER_FAULTS: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "genesis": ("anchor.history", lambda parts: parts | {"genesis": OTHER}),
    "path": ("anchor.history", lambda parts: parts | {"path": [OTHER, *parts["path"][1:]]}),
    "no path": ("anchor.history", lambda parts: parts | {"path": []}),
    "header": ("anchor.history", lambda parts: parts | {"header": CHAIN.blocks[3].header}),
    "seal": ("seal.other_header", lambda parts: parts | {"seal": CHAIN.blocks[3].seal}),
    "bad seal": ("seal.bad", lambda parts: parts | {"seal": ["solo", spoil(parts["seal"][1])]}),
    "sealers": (
        "anchor.other_sealers",
        lambda parts: parts | {"sealers": solo_set(Key("mallory"))},
    ),
    "two sealers": (
        "format.field",
        lambda parts: parts | {"sealers": solo_set(Key("sealer"), Key("mallory"))},
    ),
    "no sealers": ("format.missing_field", lambda parts: without(parts, "sealers")),
    "consensus height": ("header.consensus_height", lambda _: header_of(consensus_height=9)),
    "sealed by another key": ("seal.wrong_key", lambda _: header_of(sealer=Key("mallory"))),
    "no seal": ("format.field", lambda parts: parts | {"seal": None}),
    "height 0": ("anchor.height", lambda parts: parts | {"header": CHAIN.blocks[0].header}),
    "unknown field": ("format.unknown_field", lambda parts: parts | {"more": 1}),
    "format": ("format.unknown", lambda parts: parts | {"format": "lianheng.header-file.2"}),
}


@pytest.mark.parametrize("name", HEADER_FAULTS)
def test_faulty_header_files(name: str) -> None:
    code, change = HEADER_FAULTS[name]
    data = encode(change(CHAIN.header_file(5)))
    assert failed_checks(lambda: verify.load_anchor(data)) == {"file": code}


@pytest.mark.parametrize("height", [1, 2, 5])
def test_no_changed_byte_of_a_header_file_is_accepted(height: int) -> None:
    data = encode(CHAIN.header_file(height))
    verify.load_anchor(data)
    for changed in one_byte_changed(data):
        assert refuses(partial(verify.load_anchor, changed))


def test_a_header_file_stands_alone() -> None:
    anchor, genesis = anchor_at(CHAIN, 2), anchor_at(CHAIN, 0)
    assert (anchor.header.height, anchor.genesis_hash) == (2, CHAIN.genesis_hash)
    assert anchor.sealers == genesis.sealers
    assert (genesis.is_genesis, anchor.is_genesis) == (True, False)


def test_only_a_genesis_says_whose_key_it_is() -> None:
    data = encode(CHAIN.receipt(2))
    assert verify.verify_receipt(data, anchor_at(CHAIN, 0)).signers[0].member == "alice@north"
    data = encode(CHAIN.receipt(2, 0, 5))
    assert verify.verify_receipt(data, anchor_at(CHAIN, 5)).signers[0].member is None


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xa0", encode({"format": 1}), b"text"])
def test_other_files_are_no_anchors(data: bytes) -> None:
    with pytest.raises(verify.UnreadableError):
        verify.load_anchor(data)
