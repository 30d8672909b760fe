"""ZIP-215: third-party vectors, and one verdict from the library's path and the plain one."""

from __future__ import annotations

import json
from functools import partial
from hashlib import sha512
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.verify.chainmaker.signing import Key
from tests.verify.helpers import data_folder, refuses

from lianheng_verify import VerificationError, _ed25519

ORDER = 2**252 + 27742317777372353535851937790883648493
PRIME = 2**255 - 19


def library_accepts(public: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def cctv() -> list[dict[str, Any]]:
    cases: list[dict[str, Any]] = json.loads(
        (data_folder("cctv-ed25519") / "ed25519vectors.json").read_text()
    )
    return cases


# ZIP-215 differs from RFC 8032 on purpose: R encodes y = 1 with the sign of "minus zero".
WYCHEPROOF_ACCEPTED_ON_PURPOSE = {151}
CHECKS = (_ed25519.verify_signature, _ed25519.verify_plainly)


def test_cctv_every_edge_case_is_accepted() -> None:
    """Except where k was computed from another encoding than the one that stands there: ZIP-215
    hashes the bytes as they are, so these 88 do not verify."""
    cases = cctv()
    refused_by_library, reencoded = 0, 0
    for case in cases:
        public, signature = bytes.fromhex(case["key"]), bytes.fromhex(case["sig"])
        message = case["msg"].encode()
        verdicts = {refuses(partial(check, public, message, signature)) for check in CHECKS}
        assert len(verdicts) == 1, case["number"]
        if verdicts == {True}:
            assert "reencoded_k" in case["flags"], case["number"]
            reencoded += 1
        refused_by_library += not library_accepts(public, message, signature)
    assert len(cases) > 900
    assert reencoded == 88
    assert refused_by_library > 100 + reencoded, "the plain check decides these"


def test_wycheproof_gives_the_expected_verdict() -> None:
    groups = json.loads((data_folder("wycheproof") / "ed25519_test.json").read_text())["testGroups"]
    cases = [(group["publicKey"]["pk"], case) for group in groups for case in group["tests"]]
    assert len(cases) >= 150
    for pk, case in cases:
        public, message = bytes.fromhex(pk), bytes.fromhex(case["msg"])
        signature = bytes.fromhex(case["sig"])
        valid = case["result"] == "valid" or case["tcId"] in WYCHEPROOF_ACCEPTED_ON_PURPOSE
        for check in CHECKS:
            assert refuses(partial(check, public, message, signature)) != valid, case["tcId"]


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=50), st.integers(0, 63), st.integers(0, 255), st.booleans())
def test_plain_and_library_agree_on_ordinary_signatures(
    message: bytes, place: int, value: int, change: bool
) -> None:
    key = Key("ed25519")
    signature = bytearray(key.private.sign(message))
    if change:
        signature[place] = value
    accepted = library_accepts(key.public, message, bytes(signature))
    assert accepted != refuses(
        lambda: _ed25519.verify_plainly(key.public, message, bytes(signature))
    )


def test_s_above_the_order_is_refused() -> None:
    key = Key("ed25519")
    signature = key.private.sign(b"m")
    s = int.from_bytes(signature[32:], "little") + ORDER
    with pytest.raises(VerificationError, match="group order"):
        _ed25519.verify_signature(key.public, b"m", signature[:32] + s.to_bytes(32, "little"))


def test_crafted_torsion_gets_the_verdict_of_zip_215() -> None:
    """A key with a torsion component: the library may refuse it, the chain does not."""
    low = _ed25519._decompress(
        bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa")
    )
    assert low is not None
    scalar, nonce, message = 1234567, 7654321, b"torsion"
    public = compressed(_ed25519._add(multiple(scalar), low))
    r = compressed(_ed25519._add(multiple(nonce), low))
    k = int.from_bytes(sha512(r + public + message).digest(), "little") % ORDER
    signature = r + ((nonce + k * scalar) % ORDER).to_bytes(32, "little")
    _ed25519.verify_signature(public, message, signature)
    _ed25519.check_public_key(public)
    with pytest.raises(VerificationError):
        _ed25519.verify_signature(public, b"another", signature)


def multiple(scalar: int) -> _ed25519.Point:
    return _ed25519._combine(scalar, _ed25519._BASE, 0, _ed25519._BASE)


def compressed(point: _ed25519.Point) -> bytes:
    inverse = pow(point[2], -1, PRIME)
    x, y = point[0] * inverse % PRIME, point[1] * inverse % PRIME
    return (y | (x & 1) << 255).to_bytes(32, "little")


@pytest.mark.parametrize(
    "encoded",
    [
        "00" * 32,
        "01" + "00" * 31,
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",  # 0 as p
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
        "02" + "00" * 31,  # no point
        "f0" + "ff" * 30 + "7f",  # 3 as p + 3
        "00" * 31,
    ],
)
def test_keys_that_may_not_be_registered(encoded: str) -> None:
    with pytest.raises(VerificationError, match=r"key\.bad"):
        _ed25519.check_public_key(bytes.fromhex(encoded))
