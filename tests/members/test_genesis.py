from typing import Any

import pytest

from lianheng import _native
from lianheng.members import Genesis, Identity, MemberSpec
from lianheng.model import DEFAULT_PARAMETERS, InvalidValue, decode, encode

ALICE = Identity.generate("alice@north")


def make(**changes: Any) -> Genesis:
    given: dict[str, Any] = {
        "chain": "trade",
        "organisations": ["north"],
        "members": [MemberSpec("alice@north", ALICE, roles=["operator"])],
        "sealer": ALICE,
        "time_ms": 5,
    }
    return Genesis.create(**{**given, **changes})


def test_the_document_names_everything() -> None:
    fields = decode(make().encoded)
    assert fields["format"] == "lianheng.genesis.1"
    assert (fields["chain"], fields["suite"], fields["rules"], fields["time"]) == ("trade", 1, 1, 5)
    assert fields["parameters"] == dict(DEFAULT_PARAMETERS)
    assert fields["sealers"] == ["lianheng.sealers.1", "solo", [[ALICE.public, 1]]]
    assert fields["organisations"] == [{"name": "north", "title": "north"}]
    (member,) = fields["members"]
    assert (member["id"], member["kind"], member["roles"]) == (
        "alice@north",
        "person",
        ["operator"],
    )


def test_each_key_proves_its_possession() -> None:
    (member,) = make().document.members
    (key,) = member["keys"]
    signed = _native.cose_verify(key["possession"], [ALICE.public], b"")
    assert decode(signed) == ["lianheng.possession.1", "trade", "alice@north", ALICE.key_id]


def test_a_document_reads_back() -> None:
    genesis = make()
    assert Genesis.from_bytes(genesis.encoded).document == genesis.document


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"chain": "Trade"}, "name.malformed"),
        ({"organisations": ["north", "South"]}, "name.malformed"),
        ({"organisations": ["south"]}, "genesis.organisation_unknown"),
        ({"parameters": {"block_size": 1}}, "genesis.parameter_unknown"),
        ({"members": [MemberSpec("alice@north", ALICE, kind="robot")]}, "genesis.member_kind"),
        ({"members": [MemberSpec("bob@north", ALICE)]}, "genesis.identity"),
        ({"members": [MemberSpec("alice@north", ALICE, roles=["a b"])]}, "name.malformed"),
    ],
)
def test_a_wrong_part_is_named(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        make(**change)
    assert caught.value.code == code


@pytest.mark.parametrize(
    "data", [b"", b"\x80", encode({}), encode({"format": "lianheng.genesis.1"})]
)
def test_other_bytes_are_no_document(data: bytes) -> None:
    with pytest.raises(InvalidValue):
        Genesis.from_bytes(data)
