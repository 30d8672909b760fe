"""Runs pytest over a folder or file, and keeps what the tests did with contracts."""

import io
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lianheng.contract.checks import Diagnostic
    from lianheng.testing import Record

NO_TESTS = 5  # pytest's exit code where it collected nothing


@dataclass
class TestRun:
    """A run of pytest: how many tests ended how, what it printed, what was recorded."""

    record: "Record"
    code: int = 0
    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    output: str = ""
    failures: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether every test passed, and there was one."""
        return self.code == 0

    def summary(self) -> str:
        """`1 passed on VM and CPython: same results, ... · lend 1,204 gas · 0.4 s`."""
        counts = [
            f"{number} {word}"
            for word in ("failed", "passed", "skipped")
            if (number := getattr(self, word)) or (word == "passed" and not self.failed)
        ]
        head = ", ".join(counts)
        if self.record.compared == 0:
            head += "; no test called a contract through the fixture `ledger`"
        elif self.failed == 0:
            head += " on VM and CPython: same results, events, state, errors"
        parts = [head]
        if dearest := self.record.dearest():
            parts.append(f"{dearest[0]} {dearest[1]['most']:,} gas")
        return " · ".join([*parts, f"{self.seconds:.1f} s"])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "ok": self.ok,
            "passed": self.passed,
            "failed": self.failed,
            "skipped": self.skipped,
            "compared": self.record.compared,
            "seconds": round(self.seconds, 3),
            "failures": self.failures,
            "advice": [
                {**item.to_json(), "file": file} for file, item in sorted_advice(self.record)
            ],
            "gas": {
                method: {"calls": spent.calls, "least": spent.least, "most": spent.most}
                for file in self.record.files.values()
                for method, spent in sorted(file.methods.items())
            },
        }


class _Counter:
    """The part of a run that pytest tells."""

    def __init__(self, run: TestRun) -> None:
        self._run = run

    def pytest_runtest_logreport(self, report: Any) -> None:
        if report.failed:
            self._run.failed += 1
            self._run.failures.append(str(report.nodeid))
        elif report.skipped:
            self._run.skipped += 1
        elif report.when == "call":
            self._run.passed += 1


def run_tests(place: Path, *, wants_steps: bool = False, options: "Sequence[str]" = ()) -> TestRun:
    """Run the tests of a folder or file; a contract's own file means the test file beside it.

    Raise `UsageError` where pytest is not installed, or there is nothing to run.
    """
    from lianheng.model import UsageError
    from lianheng.testing import RECORD, Record

    try:
        import pytest
    except ImportError:
        raise UsageError(
            "contract.no_pytest", "pytest is not installed", "pip install pytest"
        ) from None
    run = TestRun(Record(wants_steps=wants_steps))
    # The command line imported what pytest would like to rewrite: nothing to warn of.
    quiet = ["-q", "--no-header", "--tb=short", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    arguments = [*quiet, *options, str(tests_of(place))]
    printed, started = io.StringIO(), time.monotonic()
    token, known = RECORD.set(run.record), set(sys.modules)
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            run.code = int(pytest.main(arguments, plugins=[_Counter(run)]))
    finally:
        RECORD.reset(token)
        # A later run in this process reads the test files again, not what was imported now.
        for name in set(sys.modules) - known:
            if name.rpartition(".")[2].startswith(("test_", "conftest")):
                del sys.modules[name]
    run.seconds = time.monotonic() - started
    run.output = printed.getvalue()
    if run.code == NO_TESTS:
        raise UsageError(
            "contract.no_tests",
            f"{place} has no tests",
            "write test_NAME.py with def test_...(ledger): ...; "
            "`lianheng contract new` begins with one",
        )
    return run


def tests_of(place: Path) -> Path:
    """Where the tests are: the folder or test file itself, or the tests beside a contract."""
    from lianheng.model import NotFound

    if not place.exists():
        raise NotFound("contract.no_file", f"there is no {place}", "name a folder or a file")
    if place.is_dir() or place.name.startswith("test_") or place.stem.endswith("_test"):
        return place
    beside = place.with_name(f"test_{place.name}")
    return beside if beside.exists() else place.parent


def sorted_advice(record: "Record") -> "list[tuple[str, Diagnostic]]":
    """What the type pass says against the contracts that the tests deployed, by file and line."""
    return sorted(record.advice, key=lambda pair: (pair[0], pair[1].line, pair[1].column))


def show_advice(record: "Record") -> None:
    """As `contract check` shows it: tests pass all the same, `contract deploy` may refuse."""
    from lianheng.cli._print import console, printable

    for file, item in sorted_advice(record):
        style = "bold red" if item.severity == "error" else "bold yellow"
        place = f"{Path(file).name}:{item.line}:{item.column}"
        told = f"{place}  {item.code}: {printable(item.message)}"
        console().print(told, style=style, markup=False)


def show_failures(run: TestRun) -> None:
    """What pytest printed, where anything failed."""
    if not run.ok:
        sys.stdout.write(run.output.rstrip() + "\n")
