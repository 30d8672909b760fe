"""The bench of our ABCI server against CometBFT's own application."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.consensus.cometbft.support import Client

from lianheng.cli.benches import envelopes
from lianheng.consensus.cometbft.process import check_version, find_binary
from lianheng.model import NodeError


@given(st.integers(1_000, 5_000))
def test_transactions_have_the_form_that_kvstore_takes(size: int) -> None:
    one, other = envelopes.opaque(size), envelopes.opaque(size)
    assert len(one) == size
    assert one != other
    assert one.count(b"=") == 1
    assert b":" not in one
    assert not one.startswith((b"=", b"val="))
    assert not one.endswith(b"=")


def test_its_server_ends_with_the_bench(tmp_path: Path) -> None:
    path = tmp_path / "abci.sock"
    with envelopes.noop_node(path), Client(path) as client:
        assert client.call("echo", message="here") == {"message": "here"}
    assert not path.exists()


def test_a_server_that_cannot_start_is_told(tmp_path: Path) -> None:
    (tmp_path / "abci.sock").write_text("in the way")
    with (
        pytest.raises(NodeError, match="does not start"),
        envelopes.noop_node(tmp_path / "abci.sock"),
    ):
        pass


@pytest.mark.long
def test_both_decide_blocks(tmp_path: Path) -> None:
    try:
        check_version(find_binary())
    except NodeError as failure:
        pytest.skip(str(failure))
    command = [sys.executable, "-m", "lianheng", "bench", "envelopes", "--json"]
    found = subprocess.run(
        [*command, "--size", "50000", "--seconds", "1", "--dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert '"percent_of_kvstore"' in found.stdout
    assert not list(tmp_path.iterdir())
