"""`lianheng bench vm`: it knows every operation, and says what takes longer than its gas."""

import json
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from lianheng import _native
from lianheng.cli.benches.vm import measure, speed
from lianheng.cli.benches.vm.case import UpgradeCase
from lianheng.cli.benches.vm.pricing import CASES, UPGRADES, Price, price_upgrade, source, summary
from lianheng.model import InvalidValue

# What no call of a contract reaches: module variables are a script's, a drain is a migration's;
# what is compiled into other operations, or only a type.
NOT_IN_A_CALL = {
    "builtin isinstance",
    "builtin type name",
    "builtin type of None",
    "builtin print",
    "op BoundGlobal",
    "op ClearGlobal",
    "op Drain",
    "op LoadGlobal",
    "op Nop",
    "op StoreGlobal",
    "op TrueDiv",
}


def test_every_operation_has_a_case() -> None:
    known: set[str] = set()
    used: set[str] = set()
    for case in CASES:
        every, in_it = _native.contract_operations(source(case))
        known |= set(every)
        used |= set(in_it)
    named = {f"method {case.name}" for case in CASES}
    # Functions of `math` are values of the program, called as such.
    used |= {
        f"builtin {name}" for name in ("gcd", "isqrt", "lcm") if any(c.name == name for c in CASES)
    }
    missing = {
        one
        for one in known - NOT_IN_A_CALL
        if one not in (named if one.startswith("method ") else used)
    }
    assert not missing


def test_a_drain_has_a_case() -> None:
    used = {name for case in UPGRADES for name in _native.contract_operations(case.new)[0]}
    assert "op Drain" in used


@pytest.mark.parametrize("case", UPGRADES, ids=lambda case: case.name)
def test_every_row_of_an_upgrade_costs_gas(case: UpgradeCase) -> None:
    assert price_upgrade(replace(case, rows=3), 1).gas > 100


def test_cases_have_names_of_their_own() -> None:
    names = Counter([*(case.name for case in CASES), *(case.name for case in UPGRADES)])
    assert [name for name, times in names.items() if times > 1] == []


def test_far_from_the_median_is_told() -> None:
    prices = [Price(f"plain {n}", 10, 50) for n in range(9)]
    prices += [Price("dear", 2, 101), Price("cheap", 1_000, 400), Price("nearly", 2, 99)]
    found = summary(prices)
    assert found["median_ns_per_gas"] == 5
    assert list(found["too_dear_to_run"]) == ["dear"]
    assert list(found["over_priced"]) == ["cheap"]
    assert found["most"] == {"dear": 10.1}
    assert len(found["operations"]) == len(prices)


def test_an_unknown_operation_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match="no operation"):
        measure(tmp_path, rounds=1, only="nonsense", gas_only=True, say=lambda _: None)


def test_a_small_run(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lianheng", "bench", "vm", "--json", "--rounds", "1"]
    ran = subprocess.run(
        [*command, "--only", "sorted", "--dir", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = json.loads(ran.stdout)
    parts = [found[name] for name in ("calls", "executed", "compile", "beside_cpython")]
    good = not found["gas"]["too_dear_to_run"] and all(part["reached"] for part in parts)
    assert ran.returncode == (0 if good else 1), ran.stderr
    assert found["workload"]["operations"] == len(found["gas"]["operations"]) > 5
    assert all(one["gas"] > 0 for one in found["gas"]["operations"])
    assert 0 < found["gas"]["median_ns_per_gas"] < 1_000
    assert len(found["beside_cpython"]["programs"]) == 8
    # Far beyond what a busy machine does to them.
    assert found["beside_cpython"]["times_cpython"] < 20
    assert found["compile"]["lines"] >= 300
    assert found["compile"]["milliseconds"] < 1_000
    assert found["calls"]["transfers_a_second"] > 5_000
    assert found["executed"]["transfers_a_second"] > 5_000
    assert not list(tmp_path.iterdir())


def test_gas_of_a_transfer_does_not_depend_on_the_run() -> None:
    assert speed.transfers(1)["transfer_gas"] == speed.transfers(2)["transfer_gas"]
