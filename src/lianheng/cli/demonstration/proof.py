"""Receipts out, and the separate program run on them."""

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lianheng.cli.demonstration.play import Play
from lianheng.cli.demonstration.stage import Stage
from lianheng.model import LianhengError, NotFound

VERIFIER = "lianheng-verify"
VERIFIER_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Proof:
    """What the verifier said."""

    receipts: list[Path]
    tampered_exit: int
    offset: int


def export_receipts(stage: Stage, play: Play) -> list[Path]:
    """One file a call, refused ones included, in the order of the calls; from who made it."""
    files = []
    for number, (by, method, result) in enumerate(play.calls, start=1):
        if result.id is None:
            continue
        file = stage.folder / "receipts" / f"{number:02}-{method}.cbor"
        file.write_bytes(stage.ledger(by).receipt(result.id))
        files.append(file)
    return files


def verify(stage: Stage, files: list[Path]) -> Proof:
    """Runs the verifier on all receipts, then on one with a byte changed; raises if it errs."""
    anchor = stage.folder / "genesis.cbor"
    honest = run_verifier(files, anchor)
    if honest.returncode != 0:
        raise LianhengError(
            "demo.not_verified",
            f"{VERIFIER} refused a receipt: {last_line(honest)}",
            "this is a defect; please report it with the output of: lianheng demo --keep DIR",
        )
    offset = middle(files[-1])
    forged = forge(files[-1], stage.folder / "forged.cbor")
    try:
        refused = run_verifier([forged], anchor)
    finally:
        forged.unlink()
    if refused.returncode == 0:
        raise LianhengError(
            "demo.forgery_accepted",
            f"{VERIFIER} accepted a receipt with byte {offset} changed",
            "this is a defect; please report it",
        )
    return Proof(files, refused.returncode, offset)


def middle(file: Path) -> int:
    """Which byte is changed."""
    return file.stat().st_size // 2


def forge(file: Path, forged: Path) -> Path:
    """A copy with one byte changed."""
    victim, offset = file.read_bytes(), middle(file)
    forged.write_bytes(victim[:offset] + bytes([victim[offset] ^ 1]) + victim[offset + 1 :])
    return forged


def run_verifier(
    files: list[Path], anchor: Path, what: str = "receipt"
) -> subprocess.CompletedProcess[str]:
    """The program as an outsider starts it, in a process of its own."""
    arguments = [str(verifier()), what, *map(str, files), "--anchor", str(anchor)]
    return subprocess.run(
        arguments, capture_output=True, text=True, check=False, timeout=VERIFIER_SECONDS
    )


def verifier() -> Path:
    """Where the program is; beside this one first."""
    beside = Path(sys.executable).with_name(VERIFIER)
    found = str(beside) if beside.exists() else shutil.which(VERIFIER)
    if found is None:
        raise NotFound(
            "demo.no_verifier",
            f"the separate program {VERIFIER} is not installed",
            "in a checkout: make demo; elsewhere: pip install lianheng-verify",
        )
    return Path(found)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    """The verdict, which stands last."""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[-1] if lines else f"exit {done.returncode}"
