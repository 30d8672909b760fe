"""Makes .venv in the checkout and builds the core into it, each only when something changed.

    tools/setup run     what `make demo` needs
    tools/setup dev     and what `make test` and `make lint` need

Uses the standard library only, since it runs before anything is installed. A stamp file in .venv
holds the hash of what went into each step; a step whose hash is unchanged starts no process.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import NoReturn, TextIO

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
RUST = (1, 95)
LOCAL_PACKAGES = ("verify", "packs")  # pure Python wheels of their own, installed in place
LOCKS = {"run": "requirements/run.txt", "dev": "requirements/dev.txt"}
CORE_MINUTES_ONE_CORE = 6  # measured, cold
CORE_CRATES = 120  # what a cold build compiles; only for the bar
BAR = 20
BUILD_TAIL_CHARACTERS = 6_000
GET_RUST = "rustup.rs (then: rustup update stable)"


def fail(line: str) -> NoReturn:
    """Ends the set-up; `line` names what is missing and how to get it."""
    print(line, file=sys.stderr)
    raise SystemExit(2)


def check_tools() -> None:
    """Refuses to start without a recent Rust toolchain, a linker and the venv module."""
    for tool in ("cargo", "rustc"):
        if shutil.which(tool) is None:
            fail(f"missing: {tool} {RUST[0]}.{RUST[1]} or newer. Get it: {GET_RUST}")
    said = subprocess.run(["rustc", "--version"], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)\.(\d+)", said.stdout)
    if found is None or (int(found[1]), int(found[2])) < RUST:
        has = said.stdout.strip() or "rustc"
        fail(f"too old: {has}; {RUST[0]}.{RUST[1]} or newer is needed. Get it: {GET_RUST}")
    if shutil.which("cc") is None:
        fail("missing: cc, the linker. Get it: apt install gcc, or xcode-select --install")
    if importlib.util.find_spec("venv") is None or importlib.util.find_spec("ensurepip") is None:
        fail("missing: Python's venv module. Get it: apt install python3-venv")


def digest(paths: list[Path], *words: str) -> str:
    """One hash over the names and contents of `paths` (folders are walked) and over `words`."""
    total = hashlib.sha256("\0".join(words).encode())
    files: list[Path] = []
    for path in paths:
        files += sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    for file in files:
        data = file.read_bytes() if file.is_file() else b"absent"
        total.update(f"{file.relative_to(ROOT)}\0{len(data)}\0".encode() + data)
    return total.hexdigest()


def is_done(step: str, value: str) -> bool:
    """Whether this step already ran on the same inputs."""
    stamp = VENV / f"{step}.stamp"
    return stamp.is_file() and stamp.read_text() == value


def mark_done(step: str, value: str) -> None:
    """Notes that the step ran on these inputs."""
    (VENV / f"{step}.stamp").write_text(value)


def run(command: list[str], what: str) -> None:
    """Runs a quiet step; shows what it printed only when it fails."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stdout + done.stderr, file=sys.stderr)
        fail(f"failed: {what} (exit {done.returncode}); the output above says why")


def lock_digest(lock: str) -> str:
    """The stamp of an installed lock: its text, and the Python it was installed for."""
    return digest([ROOT / lock], sys.version, str(VENV))


def install(lock: str, step: str) -> None:
    """Creates the environment and installs the locked packages."""
    if not PYTHON.exists() or not is_same_python():
        run([sys.executable, "-m", "venv", "--clear", str(VENV)], "making .venv")
    print(f"installing the Python packages of {lock}", flush=True)
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    run([*pip, "--require-hashes", "-r", str(ROOT / lock)], f"installing {lock}")
    mark_done(step, lock_digest(lock))


def link_local_packages() -> None:
    """Installs the pure-Python wheels of the checkout in place, with their commands."""
    folders = [ROOT / name for name in LOCAL_PACKAGES if (ROOT / name / "pyproject.toml").is_file()]
    wanted = digest([f / "pyproject.toml" for f in folders], str(VENV))
    if is_done("local", wanted):
        return
    pip = [str(PYTHON), "-m", "pip", "install", "-q", "--disable-pip-version-check"]
    for folder in folders:
        no_network = ["--no-deps", "--no-build-isolation"]
        run([*pip, *no_network, "-e", str(folder)], f"installing {folder.name}")
    mark_done("local", wanted)


def core_environment() -> dict[str, str]:
    """The variables that maturin sets, for plain cargo too: others make PyO3 compile again."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PYO3_")}
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    configs = sorted((ROOT / "target" / "maturin").glob(f"pyo3-config-*-{version}-abi3.txt"))
    bits = 64 if sys.maxsize > 2**32 else 32
    return (
        kept
        | {
            "VIRTUAL_ENV": str(VENV),
            "PATH": f"{VENV / 'bin'}{os.pathsep}{kept.get('PATH', '')}",
            "CARGO_TERM_COLOR": "never",
            "PYO3_BUILD_EXTENSION_MODULE": "1",
            "PYO3_ENVIRONMENT_SIGNATURE": f"cpython-{version}-{bits}bit",
            "PYO3_PYTHON": str(PYTHON),
            "PYTHON_SYS_EXECUTABLE": str(PYTHON),
        }
        | ({"PYO3_CONFIG_FILE": str(configs[0])} if configs else {})
    )


def build_core() -> None:
    """Builds the extension in the release profile and installs the package in place."""
    inputs = [ROOT / name for name in ("rust", "Cargo.toml", "Cargo.lock", "pyproject.toml")]
    wanted = digest(inputs, str(VENV), sysconfig.get_platform())
    if any((ROOT / "src" / "lianheng").glob("_native*.so")) and is_done("core", wanted):
        return
    cores = os.cpu_count() or 1
    minutes = max(1, round(CORE_MINUTES_ONE_CORE / cores))
    print(f"building the core, once (about {minutes} min on {cores} cores)", flush=True)
    started, log = time.monotonic(), VENV / "build.log"
    command = [str(VENV / "bin" / "maturin"), "develop", "--release", "--locked"]
    with (
        log.open("w") as sink,
        subprocess.Popen(
            command,
            cwd=ROOT,
            env=core_environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as build,
    ):
        follow(build.stdout or (), sink, started)
    if build.returncode != 0:
        print(log.read_text()[-BUILD_TAIL_CHARACTERS:], file=sys.stderr)
        fail(f"failed: building the core; the whole output is in {log.relative_to(ROOT)}")
    print(f"built in {clock(time.monotonic() - started)}", flush=True)
    mark_done("core", wanted)


def follow(lines: Iterable[str], sink: TextIO, started: float) -> None:
    """Turns the compiler's lines into one progress line, on a terminal only."""
    seen, live = 0, sys.stdout.isatty()
    for line in lines:
        sink.write(line)
        seen += line.lstrip().startswith("Compiling")
        if live:
            filled = min(BAR, BAR * seen // CORE_CRATES)
            bar = "━" * filled + " " * (BAR - filled)
            print(f"\r{bar} {clock(time.monotonic() - started)} ", end="", flush=True)
    if live:
        print("\r\033[K", end="", flush=True)


def clock(seconds: float) -> str:
    """`3m51s`."""
    return f"{int(seconds) // 60}m{int(seconds) % 60:02d}s"


def is_same_python() -> bool:
    """Whether .venv was made for the Python that runs this."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    return f"version = {version}\n" in (VENV / "pyvenv.cfg").read_text()


def is_installed(lock: str, step: str) -> bool:
    """Whether the packages of this lock are in the environment."""
    return PYTHON.exists() and is_done(step, lock_digest(lock))


def main() -> None:
    """Runs the steps that the asked level needs."""
    level = sys.argv[1] if len(sys.argv) > 1 else "run"
    if level not in LOCKS:
        fail("usage: tools/setup run|dev")
    if not (VENV / "core.stamp").is_file():
        check_tools()
    if not is_installed(LOCKS["dev"], "dev") and not is_installed(LOCKS[level], level):
        install(LOCKS[level], level)
    link_local_packages()
    build_core()


if __name__ == "__main__":
    main()
