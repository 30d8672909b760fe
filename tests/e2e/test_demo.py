"""The main job from the outside: the program is started as a person starts it."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lianheng.consensus.cometbft.process import find_binary
from lianheng.model import NodeError

BIN = Path(sys.executable).parent
ROOT = Path(__file__).resolve().parents[2]
REAL = Path(os.environ.get("LIANHENG_DATA") or ROOT.parent / "shared" / "data")


def run(*command: str, folder: Path, data: Path | None = None) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LIANHENG_")}
    environment |= {"PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "200"}
    if data is not None:
        environment["LIANHENG_DATA"] = str(data)
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stdout + done.stderr, done
    return done


def demo(*arguments: str, folder: Path, data: Path | None = None) -> str:
    done = run("lianheng", "demo", *arguments, folder=folder, data=data)
    assert done.returncode == 0, done
    return done.stdout


@pytest.mark.skipif(not (REAL / "invoices-xrechnung").is_dir(), reason="no real invoices at hand")
def test_real_invoices_in_receipts_out(tmp_path: Path) -> None:
    lines = demo(folder=tmp_path, data=REAL).splitlines()
    told = {line[:10].strip(): line[12:] for line in lines if re.match(r"\d ", line)}
    assert list(told) == ["1 read", "2 confirm", "3 finance", "4 refused", "5 verify"]
    assert told["1 read"] == (
        "60 e-invoices: 28 UBL/CII pairs agree, 25 distinct claims, 0 refused"
    )
    assert re.search(r"buyer confirms \S+, [\d,.]+ EUR +final +\d+ ms$", told["2 confirm"])
    assert re.search(r"bank-a finances it +final +\d+ ms$", told["3 finance"])
    assert "bank-b: contract.rejected already_pledged" in told["4 refused"]
    assert re.search(r"holding\.py:\d+$", told["4 refused"])
    assert re.search(r"verifies (\d+) of \1 receipts; one byte changed: refused$", told["5 verify"])
    assert any("not that it kept one history" in line for line in lines)
    assert not list(tmp_path.iterdir())


def test_without_data_it_reads_examples_of_our_own(tmp_path: Path) -> None:
    report = json.loads(demo("--json", folder=tmp_path))
    assert report["invoices"]["registered"] > 0
    assert [step["status"] for step in report["steps"]][-2:] == ["final", "refused"]
    assert report["steps"][-1]["error"]["reason"] == "already_pledged"
    assert report["receipts"]["verified"] == report["invoices"]["registered"] + len(report["steps"])
    assert report["receipts"]["one_byte_changed"]["exit"] in {1, 2}


def test_what_is_kept_verifies_replays_and_opens(tmp_path: Path) -> None:
    demo("--keep", "kept", folder=tmp_path)
    kept = tmp_path / "kept"
    receipts = sorted(str(file) for file in (kept / "receipts").glob("*.cbor"))
    assert receipts
    anchor = str(kept / "genesis.cbor")
    verified = run("lianheng-verify", "receipt", *receipts, "--anchor", anchor, folder=tmp_path)
    assert verified.returncode == 0, verified
    assert run("lianheng", "fsck", "kept/ledger", folder=tmp_path).returncode == 0
    assert run("lianheng", "export", "copy", "--home", "kept", folder=tmp_path).returncode == 0
    assert run("lianheng", "replay", "copy", folder=tmp_path).returncode == 0
    status = run("lianheng", "status", "--json", "--home", "kept", folder=tmp_path)
    assert json.loads(status.stdout)["height"] == len(list((kept / "receipts").iterdir())) - (
        sum("register" in name for name in receipts) - 1
    )
    again = run("lianheng", "demo", "--keep", "kept", folder=tmp_path)
    assert again.returncode == 2
    assert "demo.not_empty" in again.stderr


@pytest.mark.parametrize("arguments", [[], ["--keep", "mine"]], ids=["plain", "kept"])
def test_the_commands_to_try_next_work_as_pasted(tmp_path: Path, arguments: list[str]) -> None:
    lines = demo(*arguments, folder=tmp_path).splitlines()
    commands = [line.strip() for line in lines[lines.index("try next:") + 1 :]]
    assert len(commands) == 3
    for command in commands:
        done = run("bash", "-c", command, folder=tmp_path)
        assert done.returncode == 0, done


def test_a_folder_of_bad_invoices_is_told_file_by_file(tmp_path: Path) -> None:
    import trade_finance

    folder = tmp_path / "invoices"
    shutil.copytree(trade_finance.EXAMPLES / "good", folder)
    (folder / "broken.xml").write_text("<Invoice")
    report = json.loads(demo("--json", "--invoices", "invoices", folder=tmp_path))
    assert [item["file"] for item in report["invoices"]["refused"]] == ["broken.xml"]
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "broken.xml").write_text("<Invoice")
    done = run("lianheng", "demo", "--invoices", "invoices", folder=tmp_path)
    assert done.returncode == 2
    assert "demo.no_invoice" in done.stderr


def test_data_and_keys_of_a_demo_are_private(tmp_path: Path) -> None:
    demo("--keep", "kept", folder=tmp_path)
    for file in (tmp_path / "kept").rglob("*.identity"):
        assert file.stat().st_mode & 0o077 == 0


def test_the_network_demo_kills_and_revives_a_validator(tmp_path: Path) -> None:
    try:
        find_binary()
    except NodeError as missing:
        pytest.skip(f"{missing.message}; {missing.hint}")
    lines = demo("network", "--keep", "kept", folder=tmp_path).splitlines()
    told = {line[:10].strip(): line[12:] for line in lines if re.match(r"\d ", line)}
    assert list(told) == [
        "1 read",
        "2 start",
        "3 confirm",
        "4 kill -9",
        "5 finance",
        "6 revive",
        "7 refused",
        "8 verify",
    ]
    assert "CometBFT v0.40.0" in told["2 start"]
    assert "bank-b's validator" in told["4 kill -9"]
    assert re.search(r"the chain goes on: bank-a finances it +final +\d+ ms$", told["5 finance"])
    # One block, or two where the first one was left empty for its old time.
    assert re.search(r"back with the \d+ blocks? it missed", told["6 revive"])
    assert any("on 4 of 4 nodes" in line for line in lines)
    assert "bank-b, by its own node: contract.rejected already_pledged" in told["7 refused"]
    assert re.search(r"holding\.py:\d+$", told["7 refused"])
    assert re.search(
        r"verifies (\d+) of \1 receipts against the genesis; one byte changed: refused$",
        told["8 verify"],
    )
    assert not list((tmp_path / "kept").glob("*/node.sock"))
    for pid in re.findall(r'"pid": (\d+)', (tmp_path / "kept/bank-a/node.log").read_text()):
        assert not Path(f"/proc/{pid}").exists()
    *two, up = [line.strip() for line in lines[lines.index("try next:") + 1 :]]
    for command in two:
        done = run("bash", "-c", command, folder=tmp_path)
        assert done.returncode == 0, done
    assert up == "lianheng network up kept"
    again = run("lianheng", "demo", "network", "--keep", "kept", folder=tmp_path)
    assert "demo.not_empty" in again.stderr


def test_a_demo_that_is_not_there_is_refused(tmp_path: Path) -> None:
    done = run("lianheng", "demo", "opera", folder=tmp_path)
    assert done.returncode == 2
    assert "network" in done.stderr


def test_organisations_agree(tmp_path: Path) -> None:
    lines = demo("governance", "--keep", "kept", folder=tmp_path).splitlines()
    told = {line[:10].strip(): line[12:] for line in lines if re.match(r"\d ", line)}
    words = "start propose reject change approve replace ask verify rotate"
    assert list(told) == [f"{number} {word}" for number, word in enumerate(words.split(), 1)]
    assert told["3 reject"].startswith("grid disagrees: ")
    assert '            + @call(by="role:operator")' in lines
    assert re.search(r"it deploys by itself +final +\d+ ms$", told["5 approve"])
    assert re.search(r"verifies \d+ proofs and the deployment's receipt$", told["8 verify"])
    assert re.search(r"gets a fresh key, four nodes go on +\d+\.\d s$", told["9 rotate"])
    assert told["1 start"].startswith("four organisations sign one document")
    home = str(tmp_path / "kept" / "bank-a")
    anchor = f"{home}/genesis.cbor"
    proofs = sorted(str(file) for file in (tmp_path / "kept" / "proofs").glob("0*.cbor"))
    verified = run("lianheng-verify", "state", *proofs, "--anchor", anchor, folder=tmp_path)
    assert verified.returncode == 0, verified
    shown = run("lianheng", "governance", "show", "2", "--home", home, folder=tmp_path)
    assert "status    done" in shown.stdout


def test_organisations_agree_for_machines(tmp_path: Path) -> None:
    report = json.loads(demo("governance", "--json", folder=tmp_path))
    steps = {step["step"]: step for step in report["steps"]}
    assert steps["replace"]["old_key"] == "dropped.unknown_key"
    assert steps["audit"]["who"] == ["clerk@grid"]
    assert steps["rotate"]["height"] > 0
    assert report["seconds"] < 60
    assert not list(tmp_path.iterdir())
