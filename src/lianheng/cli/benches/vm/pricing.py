"""What a unit of gas takes, operation by operation.

Each case is a contract with two calls: a loop with what stands around the operation, and the same
loop with the operation in it. Their difference in time and gas is the operation's own. What only an
upgrade does is the difference between an upgrade with rows and the same one without any.
"""

import functools
import os
import statistics
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from lianheng.cli.benches.vm import (
    container_cases,
    contract_cases,
    core_cases,
    state_cases,
    text_cases,
    upgrade_cases,
)
from lianheng.cli.benches.vm.case import Case, UpgradeCase
from lianheng.model import InvalidValue

COPIES = 4  # of the statement in the loop, so that the loop itself matters little
AIMED_NANOSECONDS = 400_000  # of one run: long against the clock, short against a time slice
SHORTEST_NANOSECONDS = 20  # of a turn of the loop
LOOKS = 3  # runs that find out how often to repeat a case
FACTOR = 10  # how far from the median an operation may be
TRIES = 3  # of an operation that seems to be too dear: a busy machine slows single ones
Say = Callable[[str], None]
CASES: Sequence[Case] = (
    *core_cases.CASES,
    *text_cases.CASES,
    *container_cases.CASES,
    *state_cases.CASES,
    *contract_cases.CASES,
)
UPGRADES: Sequence[UpgradeCase] = upgrade_cases.CASES

HEAD = """\
from math import gcd, isqrt, lcm

from lianheng.contract import (
    Cell, Contract, Counter, Decimal, Enum, Event, Interface, Record, Rejected, Table, Uses,
    add_months, allocate, call, commit, date, date_of, date_parts, datetime_of, datetime_parts,
    days_between, end_of_month, format_date, format_datetime, is_leap_year, is_signed,
    is_valid_container, is_valid_gln, is_valid_gtin, is_valid_iban, is_valid_isin, is_valid_lei,
    is_valid_sscc, is_valid_uscc, iso_weekday, mul_div, opens, parse_date, parse_datetime, quarter,
    require, sha256, signed_by, sm3, start_of_day, timer, view,
)

KEY = {key!r}
SIGNATURE = {signature!r}


class Amount(Decimal, scale=2):
    "Cents."


class Rate(Decimal, scale=6):
    "Shares."


class Color(Enum):
    RED = "red"
    BLUE = "blue"


class Point(Record):
    x: int
    y: int = 0

    def total(self) -> int:
        return self.x


class Row(Record):
    id: int
    group: str
    amount: int
    shared: bool = True


class Pair(Record):
    name: str
    number: int


class Signed(Record):
    id: int
    owner: str
    amount: int
    signatories = ("owner",)


class Watched(Record):
    id: int
    names: list[str]
    amount: int
    observers = ("names",)


class Large(Record):
    id: int
    text: str
    numbers: list[int]
    names: dict[str, int]


class Named(Record):
    name: str
    amount: int


class Told(Event):
    id: int
    text: str


class LargeTold(Event):
    text: str
    numbers: list[int]


def plain(x):
    return x


def several(x, y=1, z=2):
    return x


def collects(x, *rest, **named):
    return x


class Offered(Interface):
    @call
    def take(self, value: int) -> int: ...

    @call
    def pass_on(self, text: str) -> str: ...

    @call
    def stocked(self, text: str, numbers: list[int]) -> list[int]: ...

    @view
    def look(self, value: int) -> int: ...


class Bench(Contract):
    other = Uses(Offered, contract="other")
    rows = Table(Row, key="id")
    indexed = Table(Row, key="id", indexes=["group", "shared"])
    unique = Table(Row, key="id", unique=[("group", "id")])
    pairs = Table(Pair, key=("name", "number"))
    signed = Table(Signed, key="id")
    watched = Table(Watched, key="id")
    large = Table(Large, key="id")
    named = Table(Named, key="name")
    total = Cell(int, 0)
    large_cell: Cell[list[int] | None] = Cell(list[int] | None, None)
    numbers = Counter()

    def helper(self, x):
        return x

    @timer
    def later(self, id: int) -> None:
        pass

    @timer
    def told_later(self, text: str, numbers: list[int]) -> None:
        pass

    @call(by="ANY")
    def fill(self) -> None:
        for id in range(2_000):
            row = Row(id, f"group-{{id % 100}}", id)
            self.rows[id] = row
            self.indexed[id] = row
            self.unique[id] = row
            self.pairs["a", id] = Pair("a", id)
        self.signed[5] = Signed(5, "alice@north", 0)
        self.watched[5] = Watched(5, ["north", "alice@north"], 0)
        self.total.set(1)
"""
METHOD = """
    @call(by="ANY")
    def {name}(self, times: int) -> None:
{setup}
        for _ in range(times):
{body}
"""


@dataclass(frozen=True, slots=True)
class Price:
    """What an operation costs."""

    name: str
    gas: float
    nanoseconds: float

    @property
    def ns_per_gas(self) -> float:
        """0 where the operation takes no time that could be told from none."""
        return max(0.0, self.nanoseconds) / max(self.gas, 1e-9)


def source(case: Case) -> str:
    """The contract of a case."""
    from lianheng import _native

    # Any point as the first half, a small number as the second: checked in full, and refused.
    seeds = os.urandom(32), os.urandom(32)
    key, point = (_native.public_key(seed) for seed in seeds)
    head = HEAD.format(key=key, signature=point + (1).to_bytes(32, "little"))
    with_it = f"{case.before}\n{case.statement}" if case.before else case.statement
    methods = (("without", case.before or "pass"), ("with_it", with_it))
    return head + "".join(
        METHOD.format(
            name=name,
            setup=textwrap.indent(case.setup, " " * 8),
            body=textwrap.indent("\n".join([text] * COPIES), " " * 12),
        )
        for name, text in methods
    )


def price(case: Case, rounds: int) -> Price:
    """Measures one case; the least of some rounds, because a machine only ever adds time."""
    text = source(case)
    times = 1
    for trial in (4, 32):  # the first look says little of short ones
        (_, spent), (_, around) = timed(text, trial, LOOKS)
        each = max(SHORTEST_NANOSECONDS, (spent - around) // trial)
        times = max(2, min(case.most_times, AIMED_NANOSECONDS // each))
        if times <= trial:
            break
    (gas, spent), (gas_around, around) = timed(text, times, rounds)
    done = times * COPIES
    return Price(case.name, (gas - gas_around) / done, (spent - around) / done)


def timed(text: str, times: int, rounds: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Gas and nanoseconds of the call with the operation, and of the one without it."""
    from lianheng import _native

    arguments = _native.cbor_encode({"times": times})
    calls = [("with_it", arguments), ("without", arguments)]
    first = [("fill", _native.cbor_encode({}))] if needs_rows(text) else []
    others = [("other", contract_cases.OTHER)]
    found = _native.bench_contract(text, first, calls, rounds, False, others)
    (gas, runs), (gas_around, runs_around) = found
    return (gas, min(runs)), (gas_around, min(runs_around))


def needs_rows(text: str) -> bool:
    """Whether a case looks at the tables: filling them takes longer than most cases."""
    behind = text.partition("def without")[2]
    tables = ("rows", "indexed", "unique", "pairs", "signed", "watched")
    return any(f"self.{name}" in behind for name in tables)


def price_upgrade(case: UpgradeCase, rounds: int) -> Price:
    """Gas and time of a row in an upgrade; the least of some rounds."""
    from lianheng import _native

    fill = ("fill", _native.cbor_encode({"count": case.rows}))
    gas, runs = _native.bench_upgrade(case.old, case.new, [fill], rounds)
    gas_around, runs_around = _native.bench_upgrade(case.old, case.new, [], rounds)
    spent = min(runs) - min(runs_around)
    return Price(case.name, (gas - gas_around) / case.rows, spent / case.rows)


def measure(rounds: int, only: str, say: Say) -> list[Price]:
    """All cases whose name holds `only`; what is far off is measured again."""
    ways: list[tuple[str, Callable[[int], Price]]] = [
        *((case.name, functools.partial(price, case)) for case in CASES),
        *((case.name, functools.partial(price_upgrade, case)) for case in UPGRADES),
    ]
    ways = [way for way in ways if only in way[0]]
    if not ways:
        message = f"no operation's name holds {only!r}"
        raise InvalidValue("bench.unknown_operation", message, "leave --only out to see all names")
    prices = []
    for number, (name, way) in enumerate(ways):
        say(f"{number} of {len(ways)} operations: {name}")
        prices.append(way(rounds))
    middle = statistics.median(found.ns_per_gas for found in prices)
    for number, (_, way) in enumerate(ways):
        for _ in range(TRIES):
            if prices[number].ns_per_gas <= FACTOR * middle:
                break
            again = way(rounds * 2)
            prices[number] = min(prices[number], again, key=lambda one: one.ns_per_gas)
    return prices


def summary(prices: Sequence[Price]) -> dict[str, Any]:
    """Median, ends and everything that is far from the median."""
    middle = statistics.median(found.ns_per_gas for found in prices)
    ordered = sorted(prices, key=lambda found: found.ns_per_gas, reverse=True)
    shown = {found.name: round(found.ns_per_gas / middle, 2) for found in ordered}
    dear = {name: times for name, times in shown.items() if times > FACTOR}
    cheap = {name: times for name, times in shown.items() if times < 1 / FACTOR}
    return {
        "median_ns_per_gas": round(middle, 2),
        "most": {ordered[0].name: shown[ordered[0].name]},
        "too_dear_to_run": dear,
        "over_priced": cheap,
        "operations": [
            {
                "name": found.name,
                "gas": round(found.gas, 2),
                "ns": round(found.nanoseconds, 1),
                "ns_per_gas": round(found.ns_per_gas, 2),
                "times_median": shown[found.name],
            }
            for found in ordered
        ],
    }
