"""Each attack ends in a defined error, in time and memory, the same on every run."""

import resource
import time
from collections import Counter

import pytest

from lianheng import _native
from tests.hostile.attacks import ATTACKS, Attack

GAS = 20_000_000
SECONDS = 1.0
KILOBYTES = 256 * 1024
IDS = [f"{resource_}-{construct}" for resource_, construct, _, _ in ATTACKS]


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


@pytest.mark.parametrize("attack", ATTACKS, ids=IDS)
def test_an_attack_ends_in_a_defined_error(attack: Attack) -> None:
    _, _, source, endings = attack
    started = time.process_time()
    code, told = ending(source)
    took = time.process_time() - started
    assert code in endings, (code, told)
    assert took < SECONDS
    assert ending(source) == (code, told)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < KILOBYTES


def test_there_are_attacks_on_each_resource() -> None:
    counts = Counter(attack[0] for attack in ATTACKS)
    assert len(ATTACKS) >= 150
    assert set(counts) == {
        "time", "memory", "stack", "depth", "number", "refused", "output", "source",
    }
