"""Goods in store, moved by whoever the policies let."""

from lianheng.contract import Contract, Event, Record, Rejected, Table, call, require, view


class Item(Record):
    id: str
    amount: int
    place: str = "hall"


class Moved(Event):
    id: str
    amount: int


LIMIT = 1_000


def checked(item: Item) -> int:
    """The amount, where a store can hold it."""
    require(item.amount < LIMIT, "too_many", f"{item.amount} of {item.id}")
    return item.amount


class Stock(Contract):
    """What lies in the store."""

    items = Table(Item, key="id", indexes=["place"])

    @call(by="role:operator or via:shop")
    def put(self, id: str, amount: int, place: str = "hall") -> Item:
        require(amount > 0, "not_positive", f"{amount} of {id}")
        before = self.items.get(id)
        total = amount if before is None else before.amount + amount
        self.items[id] = Item(id=id, amount=total, place=place)
        self.emit(Moved(id=id, amount=amount))
        return self.items[id]

    @call(by="via:shop")
    def take(self, id: str, amount: int) -> Item:
        item = self.items[id]
        if item.amount < amount:
            raise Rejected("too_few", f"{item.amount} of {id}, wanted {amount}")
        self.items[id] = item.replace(amount=item.amount - amount)
        self.emit(Moved(id=id, amount=-amount))
        return self.items[id]

    @view
    def total(self, place: str) -> int:
        return sum(item.amount for item in self.items.by("place", place, limit=100))

    @view
    def asked_by(self) -> str | None:
        return self.via

    @call(by="ANY or via:ANY")
    def fill(self, id: str) -> list[str]:
        return [self.via or "nobody", self.caller.member, id]
