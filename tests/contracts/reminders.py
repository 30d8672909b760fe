"""Terms that pass by themselves."""

from lianheng.contract import Contract, Event, Record, Table, call, require, timer, view


class Term(Record):
    id: str
    until: int
    number: int
    passed_at: int | None = None


class Passed(Event):
    id: str


class Reminders(Contract):
    """Whoever sets a term is reminded when it passed."""

    terms = Table(Term, key="id")

    @call(by="ANY")
    def remind(self, id: str, after: int) -> int:
        require(id not in self.terms, "exists", f"{id} is set already")
        until = self.now + after
        number = self.due(until, "expire", id=id)
        self.terms[id] = Term(id=id, until=until, number=number)
        return number

    @call(by="ANY")
    def withdraw(self, id: str) -> bool:
        return self.cancel(self.terms[id].number)

    @timer
    def expire(self, id: str) -> int:
        """The term passed."""
        term = self.terms[id]
        require(term.passed_at is None, "twice", f"{id} passed already")
        self.terms[id] = term.replace(passed_at=self.now)
        self.emit(Passed(id=id))
        return self.now

    @view
    def of(self, id: str) -> Term:
        return self.terms[id]
