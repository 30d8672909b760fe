"""What the verifier's tests share."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify.chainmaker.chain import decode_plain
from tests.verify.chainmaker.encoding import encode

import lianheng_verify as verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.verify.chainmaker.chain import Chain

ROOT = Path(__file__).resolve().parents[2]


def data_folder(*parts: str) -> Path:
    """A folder of third-party vectors; skips the test where it is not there."""
    base = Path(os.environ.get("LIANHENG_DATA") or ROOT.parent / "shared" / "data")
    folder = base.joinpath("vectors", *parts)
    if not folder.exists():
        pytest.skip(f"third-party vectors are not at hand: set LIANHENG_DATA (looked in {folder})")
    return folder


def anchor_at(chain: Chain, height: int) -> verify.TrustAnchor:
    return verify.load_anchor(chain.anchor_file(height))


def failed_checks(run: Callable[[], object]) -> dict[str, str]:
    """Names and codes of the checks that failed; an unreadable file counts as check "file"."""
    try:
        run()
    except verify.VerificationError as error:
        failed = {check.name: check.code for check in error.checks if not check.passed}
        return failed or {"file": error.code}
    return {}


def refuses(run: Callable[[], object]) -> bool:
    try:
        run()
    except verify.VerificationError:
        return True
    return False


def one_byte_changed(data: bytes, masks: tuple[int, ...] = ()) -> Iterator[bytes]:
    """The data with each byte in turn changed, by all masks, or by one that the place chooses."""
    for place in range(len(data)):
        for mask in masks or (1 << place % 8,):
            changed = bytearray(data)
            changed[place] ^= mask
            yield bytes(changed)


def with_bad_signature(signed: bytes) -> bytes:
    """The same COSE_Sign1 with the last bit of the signature's first half flipped."""
    parts: list[Any] = decode_plain(signed)
    raw = bytearray(parts[3])
    raw[31] ^= 1
    parts[3] = bytes(raw)
    return encode(parts)


def altered(value: Any) -> Iterator[Any]:
    """The value with each of its leaves in turn another one of the same type."""
    if isinstance(value, list):
        for place, item in enumerate(value):
            for other in altered(item):
                yield [*value[:place], other, *value[place + 1 :]]
    elif isinstance(value, bytes) and value:
        yield bytes([value[0] ^ 1]) + value[1:]
        yield value[:-1] + bytes([value[-1] ^ 0x80])
    elif isinstance(value, int):
        yield value + 1
        if value:
            yield value - 1
    elif isinstance(value, str):
        yield ("b" if value[0] == "a" else "a") + value[1:]
