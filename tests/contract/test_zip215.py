"""The plain Ed25519 check of the helpers gives the verdicts of ZIP-215 for keys of the ledger."""

import json
import os
from pathlib import Path

import pytest

from lianheng.contract._ed25519 import verifies
from lianheng_verify import VerificationError, _ed25519

_ROOT = Path(__file__).resolve().parents[2]
_DATA = Path(os.environ.get("LIANHENG_DATA") or _ROOT.parent / "shared" / "data")
_VECTORS = _DATA / "vectors" / "cctv-ed25519" / "ed25519vectors.json"


def accepted(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        _ed25519.check_public_key(key)
        _ed25519.verify_plainly(key, message, signature)
    except VerificationError:
        return False
    return True


def test_the_verdicts_are_those_of_the_offline_verifier() -> None:
    if not _VECTORS.exists():
        pytest.skip(f"third-party vectors are not at hand: set LIANHENG_DATA (looked in {_DATA})")
    verdicts = []
    for vector in json.loads(_VECTORS.read_text()):
        key, signature = bytes.fromhex(vector["key"]), bytes.fromhex(vector["sig"])
        message = vector["msg"].encode()
        verdicts.append(verifies(key, message, signature))
        assert verdicts[-1] == accepted(key, message, signature), vector
    assert {True, False} == set(verdicts)
