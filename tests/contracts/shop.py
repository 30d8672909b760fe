"""Orders that take goods from the stock."""

from lianheng.contract import Contract, Counter, Event, Interface, Record, Table, Uses, call, view


class Item(Record):
    id: str
    amount: int
    place: str


class Stock(Interface):
    """What a shop expects of its stock."""

    @call
    def put(self, id: str, amount: int, place: str = "shop") -> Item: ...

    @call
    def take(self, id: str, amount: int) -> Item: ...

    @call
    def fill(self, id: str) -> list[str]: ...

    @view
    def total(self, place: str) -> int: ...

    @view
    def asked_by(self) -> str | None: ...


class Order(Record):
    number: int
    id: str
    amount: int


class Sold(Event):
    number: int
    left: int


class Shop(Contract):
    """Sells what the stock has."""

    stock = Uses(Stock, contract="stock")
    orders = Table(Order, key="number")
    numbers = Counter()

    @call(by="role:operator")
    def sell(self, id: str, amount: int) -> Item:
        number = self.numbers.next()
        self.orders[number] = Order(number=number, id=id, amount=amount)
        left = self.stock.take(id, amount)
        self.emit(Sold(number=number, left=left.amount))
        return left

    @call(by="role:operator")
    def restock(self, id: str) -> Item:
        self.stock.put(id, amount=5)
        return self.stock.put(id, 2, place="hall")

    @call(by="role:operator")
    def try_sell(self, id: str, amount: int) -> str:
        try:
            self.stock.take(id, amount)
        except Exception:  # noqa: BLE001 - no exception of the other contract is caught
            return "caught"
        finally:
            self.numbers.next()
        return "sold"

    @call(by="role:operator")
    def wrong(self) -> str:
        amounts: list[int] = [1]
        try:
            self.stock.take("a", amounts)  # type: ignore[arg-type]
        except TypeError as error:
            return str(error)
        return "taken"

    @call(by="ANY")
    def who(self) -> list[str]:
        return self.stock.fill("a")

    @view
    def stored(self, place: str) -> int:
        return self.stock.total(place)

    @view
    def asked(self) -> str | None:
        return self.stock.asked_by()

    def total_of(self, place: str) -> int:
        return self.stock.total(place)

    @view
    def sneaky(self) -> Item:
        return self.hidden()

    def hidden(self) -> Item:
        return self.stock.put("a", 1)
