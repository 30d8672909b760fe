"""Independent programs end alike on both engines, or are refused by name; none crashes."""

import sys
import sysconfig
from collections import Counter
from pathlib import Path

import pytest
from tests.contract.conformance.extract import Program, programs
from tests.contract.conformance.verdict import judged

EVERY = 4
pytestmark = pytest.mark.skipif(
    sys.version_info[:2] != (3, 11), reason="the VM does what CPython 3.11 does"
)


@pytest.fixture(scope="module")
def independent() -> list[Program]:
    return list(programs([Path(sysconfig.get_path("stdlib"))]))


def ends(chosen: list[Program]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for program in chosen:
        verdict = judged(program.source)
        counts[verdict.end] += 1
        assert verdict.end not in ("different", "crash"), f"{program.name}\n{verdict.detail}"
        assert verdict.end == "equal" or verdict.reasons
    return counts


def test_a_sample_of_the_standard_library_agrees(independent: list[Program]) -> None:
    counts = ends(independent[::EVERY])
    if not any(program.name.startswith("test.") for program in independent):
        pytest.skip("this Python comes without its own tests")
    assert counts["equal"] > counts.total() // 8


@pytest.mark.long
def test_all_of_the_standard_library_agrees(independent: list[Program]) -> None:
    ends(independent)
