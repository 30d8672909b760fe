"""Each attack ends in a defined error, in time and memory, the same on every run."""

import multiprocessing
import resource
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

import pytest
from tests.hostile.attacks import ATTACKS, Attack

from lianheng import _native

GAS = 10_000_000
SECONDS = 1.0
KILOBYTES = 256 * 1024
IDS = [f"{spent}-{construct}" for spent, construct, _, _ in ATTACKS]


def ending(source: str) -> tuple[str, object]:
    """How a script ends: its code, and all that is told of it."""
    outcome = _native.run_script(source, "attack.py", GAS)
    if found := outcome["diagnostics"]:
        return "refused", found
    error = outcome["error"]
    if error is None:
        return "finished", outcome
    assert isinstance(error, dict)
    return str(error["class"] or error["code"]), outcome


def attacked(source: str) -> tuple[str, bool, float, int]:
    """The code, whether a second run ends the same, seconds of work, and the peak in kB."""
    started = time.process_time()
    first = ending(source)
    took = time.process_time() - started
    same = ending(source) == first
    return first[0], same, took, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.fixture(scope="module")
def victim() -> Iterator[ProcessPoolExecutor]:
    """One process that takes all attacks, so that its peak of memory is theirs."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_an_attack_ends_in_a_defined_error(attack: Attack, victim: ProcessPoolExecutor) -> None:
    _, _, source, endings = attack
    code, same, took, peak = victim.submit(attacked, source).result()
    assert code in endings
    assert same
    assert took < SECONDS
    assert peak < KILOBYTES


def test_there_are_attacks_on_each_resource() -> None:
    counts = Counter(attack[0] for attack in ATTACKS)
    assert len(ATTACKS) >= 150
    assert set(counts) == {
        "time",
        "memory",
        "stack",
        "depth",
        "number",
        "refused",
        "output",
        "source",
    }
