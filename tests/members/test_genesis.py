from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianheng import _native
from lianheng.members import Genesis, Identity, MemberSpec, Validator
from lianheng.model import DEFAULT_PARAMETERS, InvalidValue, decode, encode

ALICE = Identity.generate("alice@north")
NODES = [Identity.generate(f"node-{n}@north") for n in range(1, 5)]


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
    assert fields["organisations"] == [{"name": "north", "title": "north", "uscc": "", "lei": ""}]
    assert fields["policies"] == {}
    assert {role["name"]: role["given"] for role in fields["roles"]} == {
        "admin": "organisation",
        "auditor": "chain",
        "operator": "organisation",
    }
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


def voting(*powers: int, kind: str = "node") -> list[Validator]:
    return [
        Validator(MemberSpec(node.member, node, kind=kind), power)
        for node, power in zip(NODES, powers, strict=False)
    ]


@given(st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_validators_stand_in_the_order_of_power_then_address(powers: list[int]) -> None:
    document = make(sealer=None, validators=voting(*powers)).document
    name, kind, members = document.sealers
    assert (name, kind) == ("lianheng.sealers.1", "cometbft")
    assert sorted(members) == sorted(
        [node.public, power] for node, power in zip(NODES, powers, strict=False)
    )
    order = [(-power, sha256(key).digest()[:20]) for key, power in members]
    assert order == sorted(order)
    listed = {m["id"]: m["kind"] for m in document.members}
    assert listed == {"alice@north": "person"} | {
        str(node.member): "node" for node in NODES[: len(powers)]
    }


def test_the_core_takes_a_chain_of_validators() -> None:
    engine = _native.Engine.create(None, make(sealer=None, validators=voting(1, 1, 1, 1)).encoded)
    assert engine.height == 0
    engine.close()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"sealer": None}, "genesis.sealers"),
        ({"validators": voting(1)}, "genesis.sealers"),
        ({"sealer": None, "validators": voting(0)}, "genesis.validator_power"),
        ({"sealer": None, "validators": voting(2**40 + 1)}, "genesis.validator_power"),
        ({"sealer": None, "validators": voting(1, kind="device")}, "genesis.validator_kind"),
        ({"sealer": None, "validators": voting(1) * 2}, "genesis.validator_twice"),
        ({"sealer": None, "validators": voting(1) * 1_001}, "genesis.sealers"),
    ],
)
def test_sealers_that_cannot_be_are_refused(change: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        make(**change)
    assert caught.value.code == code
