import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianheng.model import (
    CallTarget,
    ChainName,
    ContractName,
    Hash32,
    InvalidValue,
    MemberId,
    OrganisationName,
    RoleName,
    TransactionId,
)


@given(st.binary(min_size=32, max_size=32))
def test_a_hash_reads_back_from_its_text(data: bytes) -> None:
    value = TransactionId(data)
    assert TransactionId.from_hex(str(value)) == value == data
    assert value.short == f"{data.hex()[:4]}…{data.hex()[-4:]}"


@given(st.binary(max_size=80).filter(lambda data: len(data) != 32))
def test_a_hash_of_another_length_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidValue) as caught:
        Hash32(data)
    assert caught.value.code == "id.length"
    assert str(len(data)) in caught.value.message


def test_a_hash_that_is_not_hexadecimal_is_refused() -> None:
    with pytest.raises(InvalidValue, match="not hexadecimal"):
        Hash32.from_hex("xyz")


@pytest.mark.parametrize("kind", [ChainName, OrganisationName, RoleName, ContractName])
@pytest.mark.parametrize("text", ["", "A", "1a", "a" * 64, "a b", "a\n", "ä", "a@b", "a."])
def test_names_outside_the_format_are_refused(kind: type[str], text: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        kind(text)
    assert caught.value.code == "name.malformed"
    assert caught.value.hint


@pytest.mark.parametrize("text", ["alice", "@north", "alice@", "Alice@north", "a@b@c", "a_b@north"])
def test_members_outside_the_format_are_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        MemberId(text)


def test_a_member_names_its_organisation() -> None:
    assert MemberId("dora.k@bank-a").organisation == "bank-a"


def test_a_target_is_contract_and_method() -> None:
    assert CallTarget.parse("toolshed.lend") == ("toolshed", "lend")
    for text in ("toolshed", "toolshed.", ".lend", "a.b.c", "Tool.lend"):
        with pytest.raises(InvalidValue):
            CallTarget.parse(text)
