from lianheng.contract import Contract, Event, Record, Table, call, view


class Note(Record):
    id: str
    author: str


class Page(Record):
    id: int
    text: str


class D(Record):
    items: list[list[list[list[list[list[list[list[int]]]]]]]]


class C(Record):
    items: list[list[list[list[list[list[list[list[D]]]]]]]]


class B(Record):
    items: list[list[list[list[list[list[list[list[C]]]]]]]]


class A(Record):
    items: list[list[list[list[list[list[list[list[B]]]]]]]]


class Nested(Event):
    a: A


class Said(Event):
    text: str


class Notes(Contract):
    items = Table(Note, key="id", indexes=["author"])
    pages = Table(Page, key="id")

    @call(by="ANY")
    def add(self, id: str, author: str) -> None:
        self.items[id] = Note(id=id, author=author)

    @call(by="ANY")
    def nest(self, levels: int) -> A:
        c = C(items=[[[[[[[[D(items=wrapped(levels - 24))]]]]]]]])
        if levels < 24:
            c = C(items=[[[[[]]]]])
        b = B(items=[[[[[[[[c]]]]]]]])
        if levels < 12:
            b = B(items=[[[[]]]])
        a = A(items=[[[[[[[[b]]]]]]]])
        self.emit(Nested(a=a))
        return a

    @call(by="ANY")
    def shout(self, times: int, size: int) -> None:
        for _ in range(times):
            self.emit(Said(text="x" * size))

    @call(by="ANY")
    def fill(self, count: int) -> None:
        for number in range(count):
            self.pages[number] = Page(id=number, text="x" * 1_000_000)

    @view
    def read(self, id: str) -> bool:
        return id in self.items

    @view
    def by_author(self, author: str) -> int:
        return len(self.items.by("author", author, limit=10))


def wrapped(levels: int) -> list[list[list[list[list[list[list[list[int]]]]]]]]:
    if levels <= 1:
        return []
    if levels == 2:
        return [[]]
    if levels == 3:
        return [[[]]]
    if levels == 4:
        return [[[[]]]]
    if levels == 5:
        return [[[[[]]]]]
    if levels == 6:
        return [[[[[[]]]]]]
    return [[[[[[[]]]]]]]
