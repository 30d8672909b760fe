# inventory with records
from lianheng.contract import Record, Enum, Rejected, require
class Item(Record):
    sku: str
    qty: int
    price: int = 0
    tags: tuple[str, ...] = ()
class Kind(Enum):
    IN = "in"
    OUT = "out"
stock: dict[str, Item] = {}
history: list[tuple[str, Kind, int]] = []
def move(sku: str, kind: Kind, qty: int) -> Item:
    require(qty > 0, "bad_qty", f"{qty} is not positive")
    item = stock.get(sku) or Item(sku=sku, qty=0)
    delta = qty if kind == Kind.IN else -qty
    require(item.qty + delta >= 0, "short", f"only {item.qty} of {sku}")
    stock[sku] = item.replace(qty=item.qty + delta)
    history.append((sku, kind, qty))
    return stock[sku]
for sku, kind, qty in [("a", Kind.IN, 5), ("b", Kind.IN, 2), ("a", Kind.OUT, 3), ("a", Kind.OUT, 9), ("b", Kind.OUT, 0)]:
    try:
        print(move(sku, kind, qty))
    except Rejected as r:
        print("refused", r.code, r.message, r)
print(len(history), sorted(stock), sum(i.qty for i in stock.values()))
print(f"{'sku':<6}{'qty':>5}")
for i in sorted(stock.values(), key=lambda i: (-i.qty, i.sku)):
    print(f"{i.sku:<6}{i.qty:>5}")
try:
    Item(sku=1, qty=2)
except TypeError as e: print("type")
try:
    Item("x")
except TypeError as e: print(e)
print(Item("a", 1) == Item("a", 1), Item("a", 1) in [Item("a", 1)], hash_ok := {Item("a", 1): 1}[Item("a", 1)])
