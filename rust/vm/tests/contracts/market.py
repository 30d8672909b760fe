from lianheng.contract import (
    Cell,
    Contract,
    Counter,
    Decimal,
    Enum,
    Event,
    Record,
    Rejected,
    Table,
    add_months,
    allocate,
    call,
    commit,
    date,
    format_date,
    is_signed,
    is_valid_gtin,
    migrate,
    mul_div,
    opens,
    require,
    sha256,
    sm3,
    view,
)


class Amount(Decimal, scale=2):
    """Cents."""


class Kind(Enum):
    OPEN = "open"
    SHUT = "shut"


class Item(Record):
    maker: str
    number: int
    price: Amount
    parties: list[str]
    kind: Kind = Kind.OPEN
    serial: str | None = None
    signatories = ("maker", "parties")
    observers = ("parties",)

    def total(self, count: int = 1, *more: int, **named: int) -> Amount:
        return self.price * (count + sum(more) + sum(named.values()))


class Moved(Event):
    number: int
    at: str


RATES = {"a": (1, 2), "b": (3, 4)}


def shares(total: Amount, weights: list[int]) -> list[Amount]:
    return [part for part in allocate(total, weights) if part]


class Market(Contract):
    """A bit of everything."""

    items = Table(Item, key=("maker", "number"), indexes=["kind"], unique=["serial"])
    total = Cell(Amount, Amount("0"))
    last: Cell[Item | None] = Cell(Item | None, None)
    count = Counter()
    LIMIT = 10

    @call(by="role:operator or role:bank")
    def add(self, price: Amount, parties: list[str], serial: str | None = None) -> Item:
        number = self.count.next()
        item = Item(self.caller.member, number, price, parties, serial=serial)
        try:
            self.items[item.maker, number] = item
        except ValueError as error:
            raise Rejected("taken", f"{error!s:>20}") from None
        finally:
            self.total.set(self.total.get() + item.total(2, 3, more=number))
        self.last.set(item)
        self.emit(Moved(number=number, at=format_date(add_months(date(self.now), number))))
        return item

    @call(by="ANY")
    def work(self, weights: list[int], text: str, data: bytes) -> list[str]:
        out = [str(part) for part in shares(Amount("10.00"), weights)]
        while len(out) < 5:
            out.append(text.upper()[::-1])
        match weights:
            case [1, *rest] if rest:
                out += [f"{one:>{3}}" for one in rest]
            case []:
                return out
            case _:
                out.extend(map(str, sorted(weights, key=lambda one: -one)))
        for key, (low, high) in RATES.items():
            if (found := mul_div(low, high, 7, "half_even")) > 0 and key not in out:
                out.append(str(found))
        sealed = commit([text, weights], sha256(data))
        require(opens(sealed, [text, weights], sha256(data)), "other", "not the same")
        out.append(
            (sm3(sealed).hex() + str(is_signed(data, data * 2, data)) + str(is_valid_gtin(text)))[
                :40
            ]
        )
        del self.items[self.caller.member, 1]
        return out

    @view
    def found(self, kind: Kind, start: int = 0) -> list[Item]:
        mine = self.items.scan(self.caller.member, limit=self.LIMIT, start=start)
        return mine + self.items.by("kind", kind, limit=3, reverse=True)

    @migrate(from_version=0)
    def again(self) -> None:
        for row in self.drain("items"):
            self.items[row["maker"], row["number"]] = Item(
                row["maker"], row["number"], Amount("1"), row["parties"]
            )
