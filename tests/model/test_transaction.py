import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianheng import _native
from lianheng.members import CallSigner, Identity
from lianheng.model import (
    CallTarget,
    ChainName,
    Gas,
    Hash32,
    HeaderHash,
    InvalidValue,
    KeyId,
    MemberId,
    Milliseconds,
    Payload,
    SignedTransaction,
    SourceHash,
    TransactionId,
    decode,
    encode,
)

GENESIS = HeaderHash(bytes(range(32)))
ALICE = Identity("alice@north", bytes([7]) * 32)
BOB = Identity("bob@south", bytes([8]) * 32)
PLAIN = Payload(
    chain=ChainName("trade"),
    sender=MemberId("alice@north"),
    signers=(ALICE.key_id,),
    target=CallTarget.parse("toolshed.add"),
    arguments={"id": "crane-7"},
    expires=Milliseconds(1_000),
    random=bytes(16),
    gas=Gas(5),
)


@given(
    st.booleans(),
    st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=128),
    st.lists(st.binary(min_size=32, max_size=32), max_size=16),
    st.dictionaries(st.text("abc", max_size=3), st.integers(), max_size=3),
)
def test_a_payload_reads_back_as_it_was(
    code: bool, application: str | None, attachments: list[bytes], arguments: dict[str, int]
) -> None:
    payload = dataclasses.replace(
        PLAIN,
        code=SourceHash(bytes(32)) if code else None,
        application=application,
        attachments=tuple(Hash32(item) for item in attachments),
        arguments=arguments,
    )
    assert Payload.from_bytes(payload.to_bytes()) == payload


@pytest.mark.parametrize(
    "change",
    [
        {"signers": ()},
        {"signers": (ALICE.key_id, ALICE.key_id)},
        {"random": bytes(15)},
        {"application": ""},
        {"application": "x" * 129},
        {"attachments": (Hash32(bytes(32)),) * 17},
    ],
)
def test_a_payload_that_the_format_cannot_carry_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidValue):
        dataclasses.replace(PLAIN, **change)


@pytest.mark.parametrize("field", range(1, 10))
def test_a_payload_without_a_field_is_refused(field: int) -> None:
    fields = decode(PLAIN.to_bytes())
    del fields[field]
    with pytest.raises(InvalidValue):
        Payload.from_bytes(encode(fields))


def test_a_payload_with_an_unknown_field_is_refused() -> None:
    fields = {**decode(PLAIN.to_bytes()), 13: 1}
    with pytest.raises(InvalidValue, match="13"):
        Payload.from_bytes(encode(fields))


def test_one_signer_makes_a_sign1_and_two_a_sign() -> None:
    signer = CallSigner(ChainName("trade"), GENESIS, lambda: 0)
    one = decode(signer.sign(ALICE, "toolshed.add", {}))
    assert [type(part) for part in one] == [bytes, dict, bytes, bytes]
    assert decode(one[0]) == {1: -19, 4: ALICE.key_id}
    two = decode(signer.sign([ALICE, BOB], "toolshed.add", {}))
    assert two[0] == b""
    assert two[1] == {}
    assert [decode(item[0])[4] for item in two[3]] == [ALICE.key_id, BOB.key_id]


def test_the_id_hangs_on_chain_and_payload_but_not_on_signatures() -> None:
    signer = CallSigner(ChainName("trade"), GENESIS, lambda: 0, lambda: bytes(16))
    signed = signer.sign(ALICE, "toolshed.add", {})
    expected = encode(["lianheng.transaction.1", GENESIS, signed.payload_bytes])
    assert signed.id(GENESIS) == TransactionId(_native.hash_bytes(expected))
    parts = decode(signed)
    other = SignedTransaction(encode([*parts[:3], bytes(64)]))
    assert other.id(GENESIS) == signed.id(GENESIS)
    assert other.signed_hash != signed.signed_hash
    assert signed.id(HeaderHash(bytes(32))) != signed.id(GENESIS)


def test_signing_many_gives_what_signing_one_gives() -> None:
    numbers = iter(range(1_000))
    signer = CallSigner(
        ChainName("trade"), GENESIS, lambda: 5, lambda: next(numbers).to_bytes(16, "big")
    )
    many = signer.sign_many(ALICE, [("a.b", {"n": number}) for number in range(5)])
    numbers = iter(range(1_000))
    assert many == [signer.sign(ALICE, "a.b", {"n": number}) for number in range(5)]
    _native.cose_verify(many[0], [ALICE.public], GENESIS)


@pytest.mark.parametrize("data", [b"\x01", b"\x80", b"\x84\x40\xa0\x01\x40", b"\xff"])
def test_bytes_that_are_no_transaction_are_refused(data: bytes) -> None:
    with pytest.raises(InvalidValue):
        _ = SignedTransaction(data).payload


def test_key_ids_are_thumbprints() -> None:
    # RFC 9679: the hash of the deterministic COSE_Key with its required parameters only.
    cose_key = encode({1: 1, -1: 6, -2: ALICE.public})
    assert KeyId(_native.hash_bytes(cose_key)) == ALICE.key_id
