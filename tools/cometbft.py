"""Installs CometBFT into .venv/bin with `go install`, unless the right version is there.

python -m tools.cometbft

Needs Go and, the first time, its module proxy. The version is that of the package, read from
`src/lianheng/consensus/cometbft/_version.py` without importing it.
"""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

from tools.setup import ROOT, VENV, clock, fail

if TYPE_CHECKING:
    from pathlib import Path

FACTS = ROOT / "src" / "lianheng" / "consensus" / "cometbft" / "_version.py"
MINUTES_ONE_CORE = 4  # measured, cold, modules already downloaded
OUTPUT_CHARACTERS = 6_000
GET_GO = "go.dev/dl, or apt install golang where that is new enough"
# Static and without what the machine's C compiler would add: the way its authors build it.
ENVIRONMENT = {
    "CGO_ENABLED": "0",
    "GOFLAGS": "-buildvcs=false -trimpath",
    "GOTOOLCHAIN": "local",  # never fetch another Go behind somebody's back
    "GOWORK": "off",
}


def facts() -> dict[str, Any]:
    """Names and versions, as the package has them."""
    return runpy.run_path(str(FACTS))


def installed(program: Path) -> str | None:
    """The version of CometBFT that a file was built from; None where it is not CometBFT."""
    return None if not program.is_file() else facts()["built_version"](program)


def check_go(needed: tuple[int, int], version: str) -> None:
    """Ends with what to do where Go is missing or too old."""
    words = f"Go {needed[0]}.{needed[1]} or newer"
    if shutil.which("go") is None:
        fail(f"missing: {words}, to build CometBFT {version}. Get it: {GET_GO}")
    said = subprocess.run(
        ["go", "env", "GOVERSION"], env=environment(), capture_output=True, text=True, check=False
    )
    found = re.match(r"go(\d+)\.(\d+)", said.stdout)
    if found is None or (int(found[1]), int(found[2])) < needed:
        has = said.stdout.strip() or "go"
        fail(f"too old: {has}; {words} is needed to build CometBFT {version}. Get it: {GET_GO}")


def environment() -> dict[str, str]:
    """Go's own folders and proxy stay as the machine has them."""
    return {**os.environ, **ENVIRONMENT, "GOBIN": str(VENV / "bin")}


def main() -> None:
    """Builds it once; ends with a line that names what is missing."""
    known = facts()
    version, program = known["VERSION"], VENV / "bin" / "cometbft"
    if installed(program) == version:
        return
    check_go(known["GO_VERSION"], version)
    cores = os.cpu_count() or 1
    minutes = max(1, round(MINUTES_ONE_CORE / cores))
    print(f"building CometBFT {version}, once (about {minutes} min on {cores} cores)", flush=True)
    started = time.monotonic()
    command = ["go", "install", f"{known['PROGRAM']}@{version}"]
    done = subprocess.run(
        command, cwd=VENV, env=environment(), capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        print((done.stdout + done.stderr)[-OUTPUT_CHARACTERS:].rstrip(), file=sys.stderr)
        fail(f"failed: {' '.join(command)} (exit {done.returncode}); the output above says why")
    if (found := installed(program)) != version:
        fail(f"failed: {program} is CometBFT {found or 'of no known version'}, not {version}")
    print(f"built in {clock(time.monotonic() - started)}", flush=True)


if __name__ == "__main__":
    main()
