"""Receivables: confirm, split, pass on, finance; one claim is financed once."""

from lianheng.contract import Contract, Enum, Event, Record, Rejected, Table, call, require, view

CURRENCIES = ("EUR", "CNY", "USD")
MAX_PARTS = 20
WEIGHTS = {"a": 1, "b": 2}


class Status(Enum):
    ISSUED = "issued"
    CONFIRMED = "confirmed"
    FINANCED = "financed"
    SPLIT = "split"


class Line(Record):
    text: str
    amount: int


class Receivable(Record):
    debtor: str
    number: str
    holder: str
    amount: int
    currency: str
    lines: list[Line]
    notes: dict[str, str]
    status: Status = Status.ISSUED
    parent: str | None = None
    financed_by: str | None = None

    def key_text(self) -> str:
        return f"{self.debtor}/{self.number}"


class Confirmed(Event):
    debtor: str
    number: str
    amount: int


class Financed(Event):
    debtor: str
    number: str
    bank: str
    price: int


def total(lines: list[Line]) -> int:
    return sum(line.amount for line in lines)


def clean(text: str) -> str:
    return " ".join(text.split()).upper()


def shares(amount: int, weights: list[int]) -> list[int]:
    """Parts whose sum is the amount; the rest goes to the largest remainders."""
    whole = sum(weights)
    parts = [amount * weight // whole for weight in weights]
    rest = amount - sum(parts)
    order = sorted(range(len(weights)), key=lambda i: (-(amount * weights[i] % whole), i))
    for i in order[:rest]:
        parts[i] += 1
    return parts


class Receivables(Contract):
    """A debtor confirms an invoice; its holder splits it, passes it on and finances it."""

    items = Table(Receivable, key=("debtor", "number"), indexes=["holder", ("debtor", "status")])

    def find(self, debtor: str, number: str) -> Receivable:
        item = self.items.get((debtor, number))
        if item is None:
            raise Rejected("unknown", f"{debtor} owes no {number}")
        return item

    @call(by="ANY")
    def register(self, debtor: str, number: str, currency: str, lines: list[Line], notes: dict[str, str]) -> Receivable:
        number = clean(number)
        require(currency in CURRENCIES, "currency", f"{currency} is none of {', '.join(CURRENCIES)}")
        require((debtor, number) not in self.items, "exists", f"{number} is registered")
        amount = total(lines)
        require(amount > 0, "amount", f"the lines sum to {amount}")
        item = Receivable(debtor=debtor, number=number, holder=self.caller.organisation, amount=amount,
                          currency=currency, lines=lines, notes=notes)
        self.items[debtor, number] = item
        return item

    @call(by="ANY")
    def confirm(self, debtor: str, number: str) -> None:
        item = self.find(debtor, number)
        require(item.debtor == self.caller.organisation, "not_debtor", f"{item.debtor} owes it")
        require(item.status == Status.ISSUED, "status", f"it is {item.status.value}")
        self.items[debtor, number] = item.replace(status=Status.CONFIRMED)
        self.emit(Confirmed(debtor=debtor, number=number, amount=item.amount))

    @call(by="ANY")
    def split(self, debtor: str, number: str, weights: list[int]) -> list[str]:
        item = self.find(debtor, number)
        require(item.holder == self.caller.organisation, "not_holder", f"{item.holder} holds it")
        require(item.status is Status.CONFIRMED, "status", "only a confirmed one is split")
        require(1 < len(weights) <= MAX_PARTS and all(w > 0 for w in weights), "weights", "two or more positive weights")
        made = []
        for i, amount in enumerate(shares(item.amount, weights), start=1):
            child = item.replace(number=f"{number}.{i:02d}", amount=amount, parent=number)
            self.items[debtor, child.number] = child
            made.append(child.number)
        self.items[debtor, number] = item.replace(status=Status.SPLIT)
        return made

    @call(by="role:operator")
    def finance(self, debtor: str, number: str, price: int) -> Receivable:
        item = self.find(debtor, number)
        require(item.financed_by is None, "already_financed", f"{item.financed_by} has financed {number}")
        require(item.status == Status.CONFIRMED, "not_confirmed", f"the debtor has not confirmed {number}")
        bank = self.caller.organisation
        self.items[debtor, number] = item.replace(holder=bank, financed_by=bank, status=Status.FINANCED)
        self.emit(Financed(debtor=debtor, number=number, bank=bank, price=price))
        return self.items[debtor, number]

    @view
    def held(self, holder: str, limit: int = 10) -> list[str]:
        return [item.key_text() for item in self.items.by("holder", holder, limit=limit)]

    @view
    def open_of(self, debtor: str) -> dict[str, int]:
        sums: dict[str, int] = {}
        for item in self.items.by(("debtor", "status"), debtor, Status.CONFIRMED, limit=100):
            sums[item.currency] = sums.get(item.currency, 0) + item.amount
        return sums

    @view
    def all_of(self, debtor: str) -> list[Receivable]:
        return self.items.scan(debtor, limit=100)
