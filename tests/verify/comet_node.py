"""The real CometBFT with its own key-value application, alone, for a few blocks."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify.helpers import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 10


def binary() -> str:
    """CometBFT's program; skips where it is not."""
    own = ROOT / ".venv" / "bin" / "cometbft"
    found = os.environ.get("LIANHENG_COMETBFT") or (str(own) if own.exists() else None)
    found = found or shutil.which("cometbft")
    if found is None:
        pytest.skip("CometBFT is not installed: run `make cometbft`")
    return found


@contextmanager
def running(home: Path, chain_id: str) -> Iterator[Path]:
    """A node of this chain; the path is its RPC socket. It is ended by its process id."""
    program = binary()
    subprocess.run([program, "init", "--home", home], check=True, capture_output=True)
    genesis = home / "config" / "genesis.json"
    genesis.write_text(json.dumps(json.loads(genesis.read_text()) | {"chain_id": chain_id}))
    rpc = home / "rpc.sock"
    arguments = {
        "--home": str(home),
        "--proxy_app": "kvstore",
        "--rpc.laddr": f"unix://{rpc}",
        "--p2p.laddr": "tcp://127.0.0.1:0",
        "--consensus.create_empty_blocks_interval": "100ms",
    }
    flags = [part for pair in arguments.items() for part in pair]
    with (home / "log").open("wb") as log:
        node = subprocess.Popen([program, "start", *flags], stdout=log, stderr=log)
        try:
            yield rpc
        finally:
            node.terminate()
            try:
                node.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                node.kill()
                node.wait()


def get(rpc: Path, path: str) -> Any:
    """An answer of the RPC. Raises OSError while the node does not listen."""
    connection = http.client.HTTPConnection("localhost")
    connection.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.sock.settimeout(STOP_SECONDS)
    try:
        connection.sock.connect(str(rpc))
        connection.request("GET", path)
        return json.loads(connection.getresponse().read())["result"]
    finally:
        connection.close()


def wait_for(rpc: Path, height: int) -> None:
    """Returns once the node has made a block of this height."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        try:
            if int(get(rpc, "/status")["sync_info"]["latest_block_height"]) >= height:
                return
        except (OSError, http.client.HTTPException):
            pass
        time.sleep(0.1)
    pytest.fail(f"CometBFT made no block {height} in {START_SECONDS} s")


def seal_at(rpc: Path, height: int) -> list[Any]:
    """The quorum seal that its RPC gives for a height."""
    commit = get(rpc, f"/commit?height={height}")
    validators = get(rpc, f"/validators?height={height}")
    return seal_of(commit["signed_header"], validators["validators"])


def seal_of(signed_header: dict[str, Any], validators: list[dict[str, Any]]) -> list[Any]:
    """A quorum seal as a row, from the JSON of CometBFT's RPC."""
    keys = [
        [base64.b64decode(one["pub_key"]["value"]), int(one["voting_power"])] for one in validators
    ]
    commit = signed_header["commit"]
    votes = [vote_of(one) for one in commit["signatures"]]
    return [
        "cometbft",
        header_of(signed_header["header"]),
        [int(commit["height"]), commit["round"], block_of(commit["block_id"]), votes],
        ["lianheng.sealers.1", "cometbft", keys],
    ]


def header_of(header: dict[str, Any]) -> list[Any]:
    version = header["version"]
    names = (
        *("last_commit_hash", "data_hash", "validators_hash", "next_validators_hash"),
        *("consensus_hash", "app_hash", "last_results_hash", "evidence_hash", "proposer_address"),
    )
    return [
        [int(version["block"]), int(version.get("app", 0))],
        header["chain_id"],
        int(header["height"]),
        time_of(header["time"]),
        block_of(header["last_block_id"]),
        *(bytes.fromhex(header[name]) for name in names),
    ]


def block_of(block: dict[str, Any]) -> list[Any] | None:
    parts = block["parts"]
    if not block["hash"]:
        return None
    return [bytes.fromhex(block["hash"]), parts["total"], bytes.fromhex(parts["hash"])]


def vote_of(vote: dict[str, Any]) -> list[Any] | None:
    if vote["block_id_flag"] == 1:
        return None
    return [
        vote["block_id_flag"],
        bytes.fromhex(vote["validator_address"]),
        time_of(vote["timestamp"]),
        base64.b64decode(vote["signature"]),
    ]


def time_of(text: str) -> list[int]:
    """RFC 3339 with up to nine digits behind the point."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    seconds = datetime.fromisoformat(whole).replace(tzinfo=UTC).timestamp()
    return [int(seconds), int(fraction.ljust(9, "0") or 0)]
