"""CometBFT's light client, asked: builds the program in tests/verify/light and speaks to it.

The rows are those of the CDDL; the program answers what CometBFT itself says about them.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify.chainmaker.comet import HEADER
from tests.verify.helpers import ROOT

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = ROOT / "tests" / "verify" / "light"
BUILD_SECONDS = 600
TRUSTED = "trusted"
FAR_AHEAD = 4_000_000_000


def build() -> Path:
    """The program, built from what `make cometbft` fetched; skips where that cannot be."""
    go = shutil.which("go")
    if go is None:
        pytest.skip("Go is not installed: CometBFT's light client cannot be asked")
    program = ROOT / "target" / "light-client"
    # Nothing is fetched here: what is not in the module cache was never installed.
    offline = {**os.environ, "GOPROXY": "off", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}
    built = subprocess.run(
        [go, "build", "-o", str(program), "."],
        cwd=FOLDER,
        env=offline,
        capture_output=True,
        text=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    if "module lookup disabled" in built.stderr or "missing go.sum" in built.stderr:
        pytest.skip("CometBFT's modules are not at hand: run `make cometbft`")
    assert built.returncode == 0, built.stderr
    return program


def ask(program: Path, questions: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Its answers in order: `verdict`, `header_hash`, `validators_hash`."""
    said = subprocess.run(
        [str(program)],
        input=json.dumps(questions).encode(),
        capture_output=True,
        timeout=BUILD_SECONDS,
        check=False,
    )
    assert said.returncode == 0, said.stderr
    answers: list[dict[str, str]] = json.loads(said.stdout)
    assert len(answers) == len(questions)
    return answers


def question(trusted: list[Any] | None, after: list[Any]) -> dict[str, Any]:
    """Whether one quorum seal may be trusted because of another, long after both."""
    return {
        "trusted": trusted and told_seal(trusted),
        "next": told_seal(after),
        "now": instant([FAR_AHEAD, 0]),
    }


def told_seal(seal: list[Any]) -> dict[str, Any]:
    header, commit, sealers = seal[1:]
    return {
        "header": told_header(header),
        "commit": {
            "height": commit[0],
            "round": commit[1],
            "block": told_block(commit[2]),
            "votes": [vote and told_vote(vote) for vote in commit[3]],
        },
        "sealers": [{"key": key.hex(), "power": power} for key, power in sealers[2]],
    }


def told_header(header: list[Any]) -> dict[str, Any]:
    told = {
        name: item.hex() if isinstance(item, bytes) else item
        for name, item in zip(HEADER, header, strict=True)
    }
    return told | {"time": instant(header[3]), "last_block": told_block(header[4])}


def told_block(block: list[Any] | None) -> dict[str, Any] | None:
    if block is None:
        return None
    return {"hash": block[0].hex(), "parts": block[1], "parts_hash": block[2].hex()}


def told_vote(vote: list[Any]) -> dict[str, Any]:
    return {
        "flag": vote[0],
        "address": vote[1].hex(),
        "time": instant(vote[2]),
        "signature": vote[3].hex(),
    }


def instant(time: list[int]) -> dict[str, int]:
    return {"seconds": time[0], "nanoseconds": time[1]}
