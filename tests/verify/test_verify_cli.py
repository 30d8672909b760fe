"""The command: golden outputs, exit codes, JSON, and nothing that acts on a terminal.

The golden outputs in tests/verify/golden are rewritten by LIANHENG_UPDATE_GOLDEN=1.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify.chainmaker import standing
from tests.verify.chainmaker.chain import START, Chain
from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.quorum import QuorumChain
from tests.verify.chainmaker.scenes import SOURCE, changing_toolshed, succeeded, toolshed
from tests.verify.chainmaker.signing import Key

from lianheng_verify._cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

DAY = 24 * 60 * 60 * 1000
GOLDEN = Path(__file__).parent / "golden"
Scene = tuple[list[str], int]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toolshed's files, under short names."""
    folder = tmp_path_factory.mktemp("files")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        make_files()
    return folder


@pytest.fixture
def folder(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of them, as the current folder."""
    copied = shutil.copytree(made, tmp_path / "files")
    monkeypatch.chdir(copied)
    # The age of an anchor is told in days: here all were made 20 days ago.
    monkeypatch.setattr("time.time_ns", lambda: (START + 20 * DAY) * 1_000_000)
    return copied


def make_files() -> None:
    chain = toolshed()
    files: dict[str, bytes] = {
        "genesis.cbor": chain.genesis_file,
        "header-5.cbor": encode(chain.header_file(5)),
        "lend.cbor": encode(chain.receipt(2)),
        "refused.cbor": encode(chain.receipt(3, 1)),
        "three.cbor": encode(chain.receipt(3, 2)),
        "large.cbor": encode(chain.receipt(4, 1)),
        "newer.cbor": encode(chain.receipt(2, 0, 5)),
        "changed.cbor": encode(chain.receipt(2) | {"result": encode(succeeded(1))}),
        "cut.cbor": encode(chain.receipt(2))[:-1],
        "row.cbor": encode(chain.proof(3, "toolshed", "tools", ["crane-7"])),
        "absent.cbor": encode(chain.proof(3, "toolshed", "tools", ["crane-8"])),
        "toolshed.py": SOURCE,
        "other.py": b"x\n",
    }
    for name, data in files.items():
        Path(name).write_bytes(data)
    chain.export(Path("export"))
    histories()
    network()
    joined_later()


def joined_later() -> None:
    """Receipts of a chain whose members change, in the folder m."""
    chain = standing.people(Chain())
    parts = standing.receipt(chain, 3, 0, 6)
    suspended = standing.Prover(chain, 4, 6).at_version("members", "dan@east", 1)
    people = parts["members"]["members"]
    changed = parts["members"] | {"members": [people[0], suspended, people[2]]}
    files = {
        "genesis.cbor": chain.genesis_file,
        "header-4.cbor": encode(chain.header_file(4)),
        "carol.cbor": encode(standing.receipt(chain, 2)),
        "three.cbor": encode(parts),
        "three-4.cbor": encode(standing.receipt(chain, 3, 0, 6, 4)),
        "suspended.cbor": encode(parts | {"members": changed}),
        "run.cbor": encode(standing.run_receipt(chain, 5)),
        "unproved.cbor": encode(chain.receipt(3)),
        "run-unproved.cbor": encode(chain.run_receipt(4)),
    }
    network = standing.people(QuorumChain())
    files |= {
        "quorum-header-4.cbor": encode(network.header_file(4)),
        "quorum-4.cbor": encode(standing.receipt(network, 3, 0, 6, 4)),
    }
    Path("m").mkdir()
    for name, data in files.items():
        Path("m", name).write_bytes(data)


def network() -> None:
    """The same under validators, whose set changes, in the folder n; a fork in n/fork."""
    chain = changing_toolshed()
    vote_missing = copy.deepcopy(chain.receipt(6))
    vote_missing["seal"][2][3][1] = None
    vote_missing["seal"][2][3][2] = None
    files = {
        "genesis.cbor": chain.genesis_file,
        "header-5.cbor": encode(chain.header_file(5)),
        "lend.cbor": encode(chain.receipt(2)),
        "late.cbor": encode(chain.receipt(6)),
        "late-5.cbor": encode(chain.receipt(6, 0, 5)),
        "stepless.cbor": encode({n: p for n, p in chain.receipt(6).items() if n != "steps"}),
        "half.cbor": encode(vote_missing),
        "row.cbor": encode(chain.proof(6, "toolshed", "tools", ["crane-7"])),
    }
    Path("n").mkdir()
    for name, data in files.items():
        Path("n", name).write_bytes(data)
    changing_toolshed().export(Path("n/export"))
    for name, number in (("n/two", 70), ("n/three", 80), ("n/unsealed", 80)):
        longer = changing_toolshed()
        longer.add([(longer.transaction(number=number), succeeded())])
        if name == "n/unsealed":
            longer.blocks[7].seal = None
        longer.export(Path(name))


def histories() -> None:
    for name, number in (("two", 70), ("three", 80)):
        chain = toolshed()
        chain.add([(chain.transaction(number=number), succeeded())])
        chain.export(Path(name))
    forged = toolshed()
    forged.add([(forged.transaction(number=90), succeeded())], sealer=Key("mallory"))
    forged.export(Path("forged"))


ANCHORED = ["--anchor", "genesis.cbor"]
MEMBERS = ["--anchor", "m/genesis.cbor"]
NETWORK = ["--anchor", "n/genesis.cbor"]
SCENES: dict[str, Scene] = {
    "quorum": (["receipt", "n/lend.cbor", *NETWORK, "--source", "toolshed.py"], 0),
    "quorum-steps": (["receipt", "n/late.cbor", *NETWORK], 0),
    "quorum-header-file": (["receipt", "n/late-5.cbor", "--anchor", "n/header-5.cbor"], 0),
    "quorum-stepless": (["receipt", "n/stepless.cbor", *NETWORK], 1),
    "quorum-half": (["receipt", "n/half.cbor", *NETWORK], 1),
    "quorum-of-another-chain": (["receipt", "n/lend.cbor", *ANCHORED], 1),
    "quorum-several": (["receipt", "n/lend.cbor", "n/late.cbor", *NETWORK], 0),
    "quorum-state": (["state", "n/row.cbor", *NETWORK], 0),
    "quorum-chain": (["chain", "n/export", *NETWORK], 0),
    "quorum-chain-unsealed": (["chain", "n/unsealed", *NETWORK], 1),
    "quorum-compare": (["compare", "n/export", "n/two"], 0),
    "quorum-compare-parted": (["compare", "n/two", "n/three"], 1),
    "receipt": (["receipt", "lend.cbor", *ANCHORED, "--source", "toolshed.py"], 0),
    "receipt-refused-call": (["receipt", "refused.cbor", *ANCHORED], 0),
    "receipt-three-signers": (["receipt", "three.cbor", *ANCHORED], 0),
    "receipt-large-integers": (["receipt", "large.cbor", *ANCHORED], 0),
    "receipt-newer-anchor": (["receipt", "newer.cbor", "--anchor", "header-5.cbor"], 0),
    "receipt-for-another-anchor": (["receipt", "newer.cbor", *ANCHORED], 1),
    "receipt-changed": (["receipt", "changed.cbor", *ANCHORED], 1),
    "receipt-other-source": (["receipt", "lend.cbor", *ANCHORED, "--source", "other.py"], 1),
    "receipt-cut": (["receipt", "cut.cbor", *ANCHORED], 2),
    "receipt-missing": (["receipt", "none.cbor", *ANCHORED], 2),
    "receipt-no-anchor": (["receipt", "lend.cbor", "--anchor", "none.cbor"], 2),
    "receipt-of-a-proof": (["receipt", "row.cbor", *ANCHORED], 2),
    "members": (["receipt", "m/carol.cbor", *MEMBERS], 0),
    "members-later": (["receipt", "m/three.cbor", *MEMBERS], 0),
    "members-header-file": (["receipt", "m/three-4.cbor", "--anchor", "m/header-4.cbor"], 0),
    # Its own block lies in the anchor's history; the later one rests on signatures.
    "members-quorum": (["receipt", "m/quorum-4.cbor", "--anchor", "m/quorum-header-4.cbor"], 0),
    "members-suspended": (["receipt", "m/suspended.cbor", *MEMBERS], 1),
    "members-of-a-run": (["receipt", "m/run.cbor", *MEMBERS], 0),
    "members-run-unproved": (["receipt", "m/run-unproved.cbor", *MEMBERS], 0),
    "members-unproved": (["receipt", "m/unproved.cbor", *MEMBERS], 0),
    "receipts": (["receipt", "lend.cbor", "refused.cbor", "three.cbor", *ANCHORED], 0),
    "receipts-mixed": (["receipt", "lend.cbor", "changed.cbor", "cut.cbor", *ANCHORED], 1),
    "receipts-cut": (["receipt", "lend.cbor", "cut.cbor", *ANCHORED], 2),
    "state": (["state", "row.cbor", *ANCHORED], 0),
    "state-absent": (["state", "absent.cbor", *ANCHORED], 0),
    "state-of-a-receipt": (["state", "lend.cbor", *ANCHORED], 2),
    "chain": (["chain", "export", *ANCHORED], 0),
    "chain-anchored": (["chain", "export", "--anchor", "header-5.cbor"], 0),
    "chain-forged": (["chain", "forged", *ANCHORED], 1),
    "chain-missing": (["chain", "nowhere", *ANCHORED], 2),
    "compare-equal": (["compare", "export", "export"], 0),
    "compare-prefix": (["compare", "export", "two"], 0),
    "compare-parted": (["compare", "two", "three"], 1),
    "compare-forged": (["compare", "two", "forged"], 1),
    "compare-missing": (["compare", "two", "nowhere"], 2),
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", SCENES)
@pytest.mark.parametrize("form", ["txt", "json"])
def test_golden_output(name: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, expected = SCENES[name]
    code = main([*arguments, "--json"] if form == "json" else arguments)
    said = capsys.readouterr().out
    assert code == expected
    if form == "json":
        json.loads(said)
    path = GOLDEN / f"{name}.{form}"
    if os.environ.get("LIANHENG_UPDATE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(said)
    assert said == path.read_text()


def test_no_golden_output_is_left_over() -> None:
    assert {path.stem for path in GOLDEN.iterdir()} == set(SCENES)


HOSTILE = "a\x1b[2J\r\n\x9b31m\u202egpj\u2066\u200b\u0000\ud7a4\U000e0041'\\ é链"


def hostile_files() -> Chain:
    """A receipt and proof whose every free text is hostile."""
    chain = Chain()
    error: dict[int, Any] = {1: HOSTILE, 2: HOSTILE, 3: HOSTILE, 4: HOSTILE, 5: 1, 6: HOSTILE}
    arguments = {HOSTILE: [HOSTILE, {HOSTILE: HOSTILE}], "n": -(2**4095), "b": bytes(1000)}
    call = chain.transaction(arguments=arguments, changes={11: HOSTILE})
    chain.add(
        [(call, {1: 1, 2: 0, 5: error})],
        [(["shed", HOSTILE, HOSTILE], {HOSTILE: [HOSTILE]})],
    )
    event = ["shed", 0, HOSTILE, {HOSTILE: HOSTILE}]
    chain.add([(chain.transaction(arguments={}, number=2), succeeded(HOSTILE, [event]))])
    return chain


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_nothing_in_a_file_acts_on_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], form: list[str]
) -> None:
    chain = hostile_files()
    genesis = tmp_path / "genesis.cbor"
    genesis.write_bytes(chain.genesis_file)
    name = tmp_path / "r\x1b[2J\u202e.cbor"
    anchored = ["--anchor", str(genesis), *form]
    parts = chain.receipt(1)
    for data, code in (
        (encode(parts), 0),
        (encode(chain.receipt(2)), 0),
        (encode(parts | {"keys": [Key("bob").public]}), 1),
        (encode(parts | {HOSTILE: 1}), 2),
        (encode(parts | {"format": HOSTILE}), 2),
    ):
        name.write_bytes(data)
        assert main(["receipt", str(name), *anchored]) == code
    name.write_bytes(encode(chain.proof(1, "shed", HOSTILE, [HOSTILE])))
    assert main(["state", str(name), *anchored]) == 0
    assert main(["receipt", str(tmp_path / "\x1b[2J"), *anchored]) == 2
    said = capsys.readouterr().out
    assert all(character.isprintable() or character == "\n" for character in said)
    assert "\u202e" not in said


def test_long_values_are_cut(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chain = Chain()
    arguments = {"text": "x" * 100_000, "list": list(range(5000))}
    chain.add([(chain.transaction(arguments=arguments), succeeded())])
    files = tmp_path / "r.cbor", tmp_path / "g.cbor"
    files[0].write_bytes(encode(chain.receipt(1)))
    files[1].write_bytes(chain.genesis_file)
    assert main(["receipt", str(files[0]), "--anchor", str(files[1])]) == 0
    said = capsys.readouterr().out
    assert len(said) < 4000
    assert "more characters" in said


@pytest.mark.usefixtures("folder")
def test_as_a_program() -> None:
    def run(*arguments: str, **more: Any) -> subprocess.CompletedProcess[bytes]:
        command = [sys.executable, "-m", "lianheng_verify", *arguments]
        return subprocess.run(command, capture_output=True, check=False, **more)

    good = run("receipt", "lend.cbor", *ANCHORED)
    assert (good.returncode, good.stderr) == (0, b"")
    assert run("receipt", "changed.cbor", *ANCHORED).returncode == 1
    assert run("receipt", "cut.cbor", *ANCHORED).returncode == 2
    assert run("receipt", "lend.cbor").returncode == 2
    assert run("--version").stdout.strip() == b"0.1.0"
    narrow = {**os.environ, "PYTHONIOENCODING": "ascii"}
    assert run("receipt", "lend.cbor", *ANCHORED, env=narrow).returncode == 0


def test_a_folder_or_a_pipe_in_place_of_a_file(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["receipt", str(folder), *ANCHORED]) == 2
    assert main(["receipt", "a\0b", *ANCHORED]) == 2
    assert main(["receipt", "lend.cbor", "--anchor", str(folder)]) == 2
    assert "file.unreadable" in capsys.readouterr().out


def test_a_file_that_is_too_long_is_not_read_to_its_end(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (folder / "long.cbor").open("wb") as stream:
        stream.truncate(100 * 1024 * 1024)
    assert main(["receipt", "long.cbor", *ANCHORED]) == 2
    assert "format.too_large" in capsys.readouterr().out


def test_the_source_hash_is_the_hash_of_the_file() -> None:
    result: Callable[..., dict[int, Any]] = succeeded
    assert result()[6] == digest(SOURCE)
