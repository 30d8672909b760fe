"""The VM and CPython do the same; a sample of what `python -m tests.contract.differential` runs."""

import sys
from collections import Counter
from pathlib import Path

import pytest
from tests.contract.differential import state_compare, state_programs
from tests.contract.differential.compare import by_cpython, by_vm, difference
from tests.contract.differential.generator import constructs, programs

from lianheng.model import InvalidValue

KEPT = sorted(Path(__file__).with_name("kept").glob("*.txt"))
PROGRAMS = 1_000
STATE_PROGRAMS = 300
pytestmark = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="the VM does what CPython 3.11 does"
)


def test_generated_programs_agree() -> None:
    used: Counter[str] = Counter()
    refused = 0
    for seed, source in programs(0, PROGRAMS, used):
        assert difference(source) is None, seed
        refused += bool(by_vm(source).refused)
    assert refused < PROGRAMS // 20
    assert sum(1 for one in constructs() if used[one]) > len(constructs()) * 0.98


@pytest.mark.filterwarnings("ignore::SyntaxWarning")
def test_generated_contracts_agree() -> None:
    used: Counter[str] = Counter()
    refused = 0
    for seed, program in state_programs.state_programs(0, STATE_PROGRAMS, used):
        try:
            assert state_compare.difference(program, used) is None, seed
        except InvalidValue:
            refused += 1
    assert refused < STATE_PROGRAMS // 50
    every = state_programs.constructs() | state_compare.ENDS
    assert sum(1 for one in every if used[one]) > len(every) * 0.95


@pytest.mark.parametrize("file", KEPT, ids=[file.stem for file in KEPT])
def test_kept_programs_agree(file: Path) -> None:
    source = file.read_text(encoding="utf-8")
    ran = by_vm(source)
    assert not ran.refused
    assert ran == by_cpython(source)
