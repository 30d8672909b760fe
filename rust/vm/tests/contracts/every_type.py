from lianheng.contract import Cell, Contract, Decimal, Enum, Record, Table, call


class Kind(Enum):
    OPEN = "open"
    SHUT = "shut"


class Level(Enum):
    LOW = 1
    HIGH = 2


class Amount(Decimal, scale=2):
    """Cents."""


class Point(Record):
    x: int
    y: int = 0


class Row(Record):
    id: str
    names: list[str]
    flag: bool = False
    number: int = 0
    data: bytes = b""
    pair: tuple[int, str] = (0, "")
    many: tuple[int, ...] = ()
    found: dict[str, list[int]] | None = None
    amount: Amount | None = None
    kind: Kind = Kind.OPEN
    level: Level = Level.LOW
    point: Point | None = None
    maybe: Point | int | str | None = None
    points: list[Point] | None = None
    anything: object = None


class Rows(Contract):
    rows = Table(Row, key="id", indexes=["kind", ("level", "id")], unique=["data"])
    copies = Table(Row, key="id", indexes=["kind", ("level", "id")], unique=["data"])
    kept = Cell(tuple[Row, Row | None] | None, None)
    copied = Cell(tuple[Row, Row | None] | None, None)

    @call(by="ANY")
    def copy_row(self) -> Row:
        row = self.rows["a"].replace(id="a")
        self.copies["a"] = row
        return row

    @call(by="ANY")
    def copy_cell(self) -> str:
        both = self.kept.get()
        self.copied.set(both)
        return repr(both)

    @call(by="ANY")
    def take(self, row: Row, rows: list[Row] | None = None, any: object = None) -> str:
        self.rows[row.id] = row
        return repr([row, rows, any, self.rows[row.id] == row])
