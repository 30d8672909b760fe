from lianheng.contract import Contract, Counter, Event, Interface, Record, Uses, call, view

class Note(Record):
    id: str
    parts: list[int]

class Passed(Event):
    id: str

class Next(Interface):
    @call
    def lend(self, id: str, to: str = "b") -> Note | None: ...

    @view
    def total(self, note: Note | None, amounts: dict[str, int]) -> int: ...

class Relay(Contract):
    next = Uses(Next, contract="test")
    passed = Counter()

    @call(by="ANY")
    def lend(self, id: str, to: str = "b") -> Note | None:
        self.emit(Passed(id=self.via or id))
        if self.passed.next() > 3:
            return None
        note = self.next.lend(id + "a", to=to)
        self.next.total(note or Note(id=id, parts=[1, 2]), {"a": 1})
        return note

    @view
    def total(self, note: Note | None, amounts: dict[str, int]) -> int:
        return sum(amounts.values()) + (sum(note.parts) if note else 0)
