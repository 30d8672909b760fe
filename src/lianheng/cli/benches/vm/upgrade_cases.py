"""What upgrades do with stored rows: read, drain, index."""

from lianheng.cli.benches.vm.case import UpgradeCase

ROWS = 2_000
FEW_ROWS = 100  # of 20 kB each: an upgrade has 64 MB of memory
HEAD = """\
from lianheng.contract import Contract, Record, Table, call, migrate


class Row(Record):
    id: int
    owner: str
    text: str
    numbers: list[int]
{signatories}

class Bench(Contract):
{table}
"""
FILL = """\
    @call(by="ANY")
    def fill(self, count: int) -> None:
        numbers = list(range({size} // 10))
        for id in range(count):
            self.rows[id] = Row(id, "alice@north", f"{{id}}" + "x" * {size}, numbers)
"""
DRAINS = """\
    @migrate(from_version=0)
    def drains(self) -> None:
        self.drain("rows")

"""
STAYS = """\
    @migrate(from_version=0)
    def stays(self) -> None:
        pass

"""
SIGNED = '    signatories = ("owner",)\n'
PLAIN = '    rows = Table(Row, key="id")'
INDEXED = '    rows = Table(Row, key="id", indexes=["owner", ("owner", "text")])'
UNIQUE = '    rows = Table(Row, key="id", unique=["text"])'


def contract(table: str, methods: str, size: int, signatories: str = "") -> str:
    """A contract of rows with about `size` bytes each."""
    return HEAD.format(signatories=signatories, table=table) + methods.format(size=size)


def case(name: str, old: str, new: str, *, size: int = 20, signatories: str = "") -> UpgradeCase:
    """An upgrade from the table `old` to the table and methods `new`."""
    rows = ROWS if size < 1_000 else FEW_ROWS  # noqa: PLR2004 - small or large
    before = contract(old, FILL, size, signatories)
    return UpgradeCase(name, before, contract(new, "", size, signatories), rows)


CASES = [
    case("drain", PLAIN, DRAINS),
    case("drain of an indexed table", INDEXED, DRAINS),
    case("drain of large rows", PLAIN, DRAINS, size=20_000),
    case("drain of signed rows", PLAIN, DRAINS, signatories=SIGNED),
    case("rows read by an upgrade", PLAIN, f"{PLAIN}\n\n{STAYS}"),
    case("large rows read by an upgrade", PLAIN, f"{PLAIN}\n\n{STAYS}", size=20_000),
    case("indexes built by an upgrade", PLAIN, f"{INDEXED}\n"),
    case("unique index built by an upgrade", PLAIN, f"{UNIQUE}\n"),
    case("indexes dropped by an upgrade", INDEXED, f"{PLAIN}\n"),
]
