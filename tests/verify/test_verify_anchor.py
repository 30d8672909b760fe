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
        lambda: with_document(organisations=[{"name": "north", "title": "N"}] * 2),
    ),
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


HEADER_FAULTS: dict[str, tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]] = {
    "genesis": ("anchor.other_genesis", lambda parts: parts | {"genesis": OTHER}),
    "path": ("anchor.history", lambda parts: parts | {"path": [OTHER, *parts["path"][1:]]}),
    "no path": ("anchor.history", lambda parts: parts | {"path": []}),
    "header": ("anchor.history", lambda parts: parts | {"header": CHAIN.blocks[3].header}),
    "seal": ("seal.other_header", lambda parts: parts | {"seal": CHAIN.blocks[3].seal}),
    "bad seal": ("seal.bad", lambda parts: parts | {"seal": ["solo", spoil(parts["seal"][1])]}),
    "no seal": ("format.field", lambda parts: parts | {"seal": None}),
    "height 0": ("anchor.height", lambda parts: parts | {"header": CHAIN.blocks[0].header}),
    "unknown field": ("format.unknown_field", lambda parts: parts | {"more": 1}),
    "format": ("format.unknown", lambda parts: parts | {"format": "lianheng.header-file.2"}),
}


@pytest.mark.parametrize("name", HEADER_FAULTS)
def test_faulty_header_files(name: str) -> None:
    code, change = HEADER_FAULTS[name]
    data = encode(change(CHAIN.header_file(5)))
    assert failed_checks(lambda: verify.load_anchor(data, CHAIN.genesis_file)) == {"file": code}


@pytest.mark.parametrize("height", [1, 2, 5])
def test_no_changed_byte_of_a_header_file_is_accepted(height: int) -> None:
    data = encode(CHAIN.header_file(height))
    verify.load_anchor(data, CHAIN.genesis_file)
    for changed in one_byte_changed(data):
        assert refuses(partial(verify.load_anchor, changed, CHAIN.genesis_file))


def test_a_header_file_needs_the_genesis_for_its_sealers() -> None:
    with pytest.raises(verify.VerificationError, match=r"anchor\.needs_genesis"):
        verify.load_anchor(encode(CHAIN.header_file(2)))
    with pytest.raises(verify.VerificationError, match=r"anchor\.other_genesis"):
        verify.load_anchor(encode(CHAIN.header_file(2)), Chain(name="other").genesis_file)
    with pytest.raises(verify.VerificationError, match=r"anchor\.two_geneses"):
        verify.load_anchor(CHAIN.genesis_file, Chain(name="other").genesis_file)
    assert anchor_at(CHAIN, 2).header.height == 2


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xa0", encode({"format": 1}), b"text"])
def test_other_files_are_no_anchors(data: bytes) -> None:
    with pytest.raises(verify.UnreadableError):
        verify.load_anchor(data)
