"""Coverage-guided fuzzing on the stable compiler: `make fuzz SECONDS=600 TARGETS="script_source"`.

Builds the targets of fuzz/ with LLVM's coverage counters, collects what they begin with from the
repository's own contracts, scripts and documents, and runs libFuzzer on each, one after the other.
A failing input stays in fuzz/artifacts; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

from tools.setup import ROOT, core_environment

FUZZ = ROOT / "fuzz"
BUILT = FUZZ / "target"
CORPUS = BUILT / "corpus"
ARTIFACTS = FUZZ / "artifacts"

TARGETS = (
    "contract_source",
    "contract_upgrade",
    "script_source",
    "program_bytes",
    "row_bytes",
    "cbor_decode",
    "key_decode",
    "cose_parse",
    "envelope_parts",
    "quorum_seal",
)
COVERAGE = (
    "-Cpasses=sancov-module -Ccodegen-units=4 --cfg fuzzing "
    "-Cllvm-args=-sanitizer-coverage-level=4 "
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters "
    "-Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
)
# Between the two sources of an upgrade.
UPGRADE = "\n=====\n"
LONGEST_BYTES = 16_384
MEMORY_MEGABYTES = 256
INPUT_SECONDS = 10


def host() -> str:
    """The compiler's own target triple: with it named, build scripts are not instrumented."""
    told = subprocess.run(["rustc", "-vV"], capture_output=True, text=True, check=True).stdout
    return next(line.split()[1] for line in told.splitlines() if line.startswith("host:"))


def build() -> Path:
    """Builds all targets; gives the folder of the programs."""
    environment = core_environment() | {"RUSTFLAGS": COVERAGE}
    command = ["cargo", "build", "--release", "--locked", "--bins", "--target", host()]
    subprocess.run(command, cwd=FUZZ, env=environment, check=True)
    return BUILT / host() / "release"


def sources() -> tuple[list[str], list[str]]:
    """Contracts and scripts of the repository."""
    contracts: list[str] = []
    scripts: list[str] = []
    for folder, ending in (("packs", "py"), ("rust/vm/tests", "py"), ("src", "py")):
        texts = (path.read_text("utf-8") for path in (ROOT / folder).rglob(f"*.{ending}"))
        contracts += [text for text in texts if "(Contract):" in text]
    for path in (ROOT / "docs").rglob("*.md"):
        contracts += re.findall(r"```python\n(.*?)```", path.read_text("utf-8"), re.DOTALL)
    for path in (ROOT / "rust" / "vm" / "tests").rglob("*.rs"):
        contracts += re.findall(r'r#"\n(.*?)"#', path.read_text("utf-8"), re.DOTALL)
    for path in (ROOT / "tests").rglob("*.py"):
        contracts += re.findall(r'"""\\?\n(from lianheng.*?)"""', path.read_text(), re.DOTALL)
    for path in (ROOT / "tests/contract/differential/kept").glob("*.txt"):
        scripts += path.read_text("utf-8").split("\n---\n")
    for path in (ROOT / "rust/vm/tests/snippets").glob("*.txt"):
        bodies = path.read_text("utf-8").split("\n---\n")
        scripts += [f"def f():\n{_moved(body)}\nprint(f())\n" for body in bodies]
    return contracts, scripts


def _moved(body: str) -> str:
    return "\n".join(f"    {line}" for line in body.splitlines())


def seed() -> None:
    """Puts what the targets begin with into their folders."""
    contracts, scripts = sources()
    upgrades = [a + UPGRADE + b for a, b in pairwise(contracts)]
    upgrades += [one + UPGRADE + one for one in contracts]
    given = {
        "contract_source": contracts,
        "script_source": scripts,
        "contract_upgrade": upgrades,
        "program_bytes": contracts,  # the target compiles them
    }
    for target in TARGETS:
        folder = CORPUS / target
        folder.mkdir(parents=True, exist_ok=True)
        for text in given.get(target, []):
            data = text.encode()
            (folder / hashlib.sha256(data).hexdigest()[:24]).write_bytes(data)


def fuzz(programs: Path, target: str, seconds: int) -> bool:
    """Runs one target; whether nothing was found."""
    artifacts = ARTIFACTS / target
    artifacts.mkdir(parents=True, exist_ok=True)
    command = [
        str(programs / target),
        str(CORPUS / target),
        f"-max_total_time={seconds}",
        f"-max_len={LONGEST_BYTES}",
        f"-timeout={INPUT_SECONDS}",
        f"-rss_limit_mb={MEMORY_MEGABYTES}",
        f"-artifact_prefix={artifacts}/",
        "-print_final_stats=1",
        "-len_control=0",
    ]
    print(f"fuzz {target} for {seconds} s", flush=True)
    return subprocess.run(command, cwd=BUILT, check=False).returncode == 0


def main() -> int:
    """Builds, seeds, runs; 1 if anything failed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("targets", nargs="*", help="targets; all of them unless named")
    options.add_argument("--seconds", type=int, default=60, help="for each target")
    given = options.parse_args()
    if unknown := set(given.targets) - set(TARGETS):
        print(f"no such target: {', '.join(sorted(unknown))}; there are {', '.join(TARGETS)}")
        return 2
    os.chdir(ROOT)
    programs = build()
    seed()
    targets = given.targets or TARGETS
    failed = [target for target in targets if not fuzz(programs, target, given.seconds)]
    for target in failed:
        print(f"FAILED {target}: the input is in {ARTIFACTS.relative_to(ROOT)}/{target}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
