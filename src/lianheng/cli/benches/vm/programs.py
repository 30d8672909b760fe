"""Eight small programs: the same source in the VM, metered, and in this CPython, in turn."""

import json
import math
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from lianheng.model import NodeError

GAS = 10**15
SECONDS = 120.0
MOST_MEAN, MOST_SINGLE = 2.0, 6.0
Say = Callable[[str], None]

PROGRAMS = {
    "loops": """
def main():
    i = n = 0
    while i < 600_000:
        n = (n * 31 + i) % 1_000_003
        i += 1
    for j in range(300_000):
        if j % 3 == 0:
            n += j
    return n
print(main())
""",
    "calls": """
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)
print(fib(24))
""",
    "dict": """
def main():
    counts = {}
    for i in range(200_000):
        key = i * 7919 % 5003
        counts[key] = counts.get(key, 0) + i
    return sum(counts.values()) + len([k for k in counts if k in counts])
print(main())
""",
    "list": """
def main():
    xs = []
    for i in range(150_000):
        xs.append(i * i % 1000)
    total = 0
    for j in range(3):
        for x in xs:
            total += x
    return total + sum([x for x in xs if x % 3 == 0]) + xs[::2].count(4)
print(main())
""",
    "string": """
def main():
    parts = []
    for i in range(60_000):
        parts.append(f"{i}:{i % 7}")
    text = ",".join(parts)
    n = 0
    for part in text.split(","):
        if part.endswith(":3"):
            n += len(part.upper())
    return n + text.count("1:")
print(main())
""",
    "big int": """
def main():
    a, m = 1, 2 ** 521 - 1
    for i in range(60_000):
        a = (a * a + i) % m
    return a + pow(3, m - 2, m)
print(main())
""",
    "sort": """
def main():
    pairs = [(i * 7919 % 100_003, str(i)) for i in range(60_000)]
    first = sorted(pairs, key=lambda pair: pair[0])
    numbers = sorted([i * 7919 % 100_003 for i in range(100_000)], reverse=True)
    return first[500][1], numbers[500]
print(main())
""",
    "records": """
from lianheng.contract import Record

class Point(Record):
    x: int
    y: int = 0

def main():
    points = [Point(x=i, y=i % 5) for i in range(30_000)]
    total = 0
    for p in points:
        q = p.replace(y=p.x)
        total += q.x + q.y
    return total
print(main())
""",
}

# CPython gets the plainest record that it has, which is faster than the twin's checked one.
RUNNER = """
import contextlib, dataclasses, io, json, sys, time, types
class Record:
    def __init_subclass__(cls):
        dataclasses.dataclass(frozen=True)(cls)
    def replace(self, **changes):
        return dataclasses.replace(self, **changes)
module = types.ModuleType("lianheng.contract")
module.Record = Record
sys.modules["lianheng"], sys.modules["lianheng.contract"] = types.ModuleType("lianheng"), module
source = sys.stdin.read()
out = io.StringIO()
with contextlib.redirect_stdout(out):
    started = time.perf_counter()
    exec(compile(source, "program.py", "exec"), {"__name__": "__main__"})
    took = time.perf_counter() - started
print(json.dumps([took, out.getvalue()]))
"""


def measure(rounds: int, say: Say) -> dict[str, Any]:
    """Times CPython's of each, and their geometric mean; the best of some rounds of both."""
    figures: dict[str, Any] = {}
    ratios = {}
    for name, source in PROGRAMS.items():
        say(f"program: {name}")
        vm, cpython = math.inf, math.inf
        for _ in range(rounds):
            (ours, text), (theirs, expected) = by_vm(source), by_cpython(source)
            if text != expected:
                raise NodeError("bench.differs", f"{name}: {text!r}, but CPython {expected!r}")
            vm, cpython = min(vm, ours), min(cpython, theirs)
        ratios[name] = vm / cpython
        figures[name] = {
            "vm_ms": round(vm * 1000, 1),
            "cpython_ms": round(cpython * 1000, 1),
            "times": round(vm / cpython, 2),
        }
    mean = math.exp(sum(math.log(ratio) for ratio in ratios.values()) / len(ratios))
    worst = max(ratios, key=lambda name: ratios[name])
    return {
        "times_cpython": round(mean, 2),
        "worst": {worst: round(ratios[worst], 2)},
        "reached": mean <= MOST_MEAN and ratios[worst] <= MOST_SINGLE,
        "programs": figures,
    }


def by_vm(source: str) -> tuple[float, str]:
    """Seconds, compiling included, and what was printed."""
    from lianheng import _native

    started = time.perf_counter()
    outcome = _native.run_script(source, "program.py", GAS)
    took = time.perf_counter() - started
    if outcome["error"] is not None or outcome["diagnostics"]:
        raise NodeError("bench.program", f"the program fails in the VM: {outcome}")
    return took, str(outcome["output"])


def by_cpython(source: str) -> tuple[float, str]:
    """The same in a process of its own."""
    ran = subprocess.run(
        [sys.executable, "-c", RUNNER],
        input=source,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    took, output = json.loads(ran.stdout)
    return float(took), str(output)
