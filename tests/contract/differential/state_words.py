"""What generated contracts declare, and the expressions and statements that use their state.

Holes are filled as those of expressions.py are; `<id>`, `<num>` and the like are few small values,
so that keys meet.
"""

DECLARED = """
class Kind(Enum):
    A = "a"
    B = "b"
    LONG = "ccc"

class Level(Enum):
    LOW = -1
    MID = 0
    HIGH = 300

class Item(Record):
    id: str
    owner: str = "north"
    amount: int = 0
    kind: Kind = Kind.A
    note: str | None = None
    marks: tuple[int, ...] = ()

class Slot(Record):
    shelf: str
    place: int
    level: Level
    sealed: bool = False
    mark: bytes = b""
    serial: int | None = None
    parts: list[Item] | None = None
    counts: dict[str, int] | None = None

class Lock(Record):
    mark: bytes
    sealed: bool
    level: Level
    value: Amount = Amount("0.00")

class Deal(Record):
    id: int
    buyer: str
    seller: str | None = None
    others: tuple[str, ...] = ()
    price: int = 0
    signatories = ("buyer", "seller", "others")
    observers = ("seller",)

class Said(Event):
    id: str
    amount: int = 0
    kind: Kind = Kind.B
    parts: list[int] | None = None

class Kept(Event):
    item: Item | None
    level: Level = Level.HIGH

class Peer(Interface):
    @call
    def do_put(self, id: str, num: int = 2) -> int: ...

    @call
    def do_take(self, item: Item, level: Level = Level.MID) -> Item | None: ...

    @view
    def ask_many(self, kind: Kind) -> list[Item]: ...

    @view
    def ask_one(self, id: str) -> Item | None: ...
"""

TABLES = [
    '    items = Table(Item, key="id", indexes=["owner", ("kind", "amount"), "note"])',
    '    items = Table(Item, key="id", indexes=["note"], unique=["amount", ("owner", "kind")])',
    '    items = Table(Item, key="id", indexes=[("owner", "note"), "kind"], unique=["note"])',
]
SLOTS = [
    'indexes=["mark", ("sealed", "level")]',
    'unique=["serial"], indexes=["sealed"]',
    'unique=[("mark", "serial")]',
]
KEYED = '    slots = Table(Slot, key=("shelf", "place", "level"), {})'
REST = """
    locks = Table(Lock, key=("mark", "sealed"), indexes=[("level", "sealed")])
    deals = Table(Deal, key="id", indexes=["buyer"], unique=["price"])
    total = Cell(int, 0)
    owner: Cell[str | None] = Cell(str | None, None)
    best: Cell[Item | None] = Cell(Item | None, None)
    pact: Cell[Deal | None] = Cell(Deal | None, None)
    bag: Cell[list[int] | None] = Cell(list[int] | None, None)
    worth = Cell(Amount, Amount("0.00"))
    numbers = Counter()
"""

LITERALS: dict[str, list[str]] = {
    "id": ['"a"', '"b"', '"ab"', '"b\\x00"', '""', '"é"'],
    "num": ["0", "1", "2", "3", "-1", "300", "1_000", "2**63 - 1", "-(2**63)", "2**63"],
    "span": ["1", "2", "1_000", "60_000", "86_400_000"],
    "kind": ["Kind.A", "Kind.B", "Kind.LONG"],
    "level": ["Level.LOW", "Level.MID", "Level.HIGH"],
    "flag": ["True", "False"],
    "mark": ['b""', 'b"\\x00"', 'b"\\xff"', 'b"ab"', 'b"ab\\x00"'],
    "note": ["None", '"a"', '"z"'],
    "serial": ["None", "None", "1", "2"],
    "limit": ["1", "2", "3", "1_000"],
    "who": ['"ann@north"', '"bob@south"', '"north"', '"south"', '"west"'],
    "item": ['Item("a")', 'Item("b", "south", 3)', 'Item(id="ab", kind=Kind.B, note="z")'],
    "slot": ['Slot("a", 1, Level.LOW)', 'Slot("b", -1, Level.HIGH, True, b"ab", 2)'],
    "lock": ['Lock(b"ab", True, Level.LOW)', 'Lock(b"", False, Level.MID, Amount("1.50"))'],
    "deal": ['Deal(1, "north")', 'Deal(2, "ann@north", "south")', 'Deal(3, "west", None, (), 4)'],
    "items": ["[]"],
    "slots": ["[]"],
}

EXPRESSIONS: dict[str, list[str]] = {
    "id": ["<item>.id", "<slot>.shelf", "<id>", "<id> + <id>", "(self.owner.get() or <id>)"],
    "num": ["<item>.amount", "<slot>.place", "self.numbers.get()", "len(<items>)", "<num>"],
    "kind": ["<item>.kind", "Kind(<id>)", "<kind>"],
    "level": ["<slot>.level", "Level(<num>)", "<level>"],
    "flag": ["<bool>", "<slot>.sealed", "<id> in self.items"],
    "mark": ["<slot>.mark", "<id>.encode()", "<mark>"],
    "note": ["<item>.note", "<id>", "self.owner.get()"],
    "serial": ["<slot>.serial", "<num>"],
    "who": ["self.caller.member", "self.caller.organisation", "<deal>.buyer"],
    "bound": ["None", "<id>"],
    "int": [
        "<item>.amount",
        "self.total.get()",
        "self.numbers.get()",
        "self.numbers.next()",
        "self.numbers.add(<num>)",
        "len(<items>)",
        "len(<slots>)",
        "sum(@a.amount for @a in <items>)",
        "max([@a.amount for @a in <items>], default=<int>)",
        "sum(self.bag.get() or [])",
        "self.now",
        "self.height",
        "len(self.transaction_id)",
        "len(self.signers)",
        "self.worth.get().units",
        "len(self.deals.scan(limit=<limit>))",
        "self.help_count(<id>)",
        "<deal>.price",
    ],
    "str": [
        "<id>",
        "<item>.owner",
        "str(<item>)",
        "str(<items>)",
        "self.caller.member",
        "','.join(self.caller.roles)",
        "self.caller.organisation",
        "self.signers[<nat>].member",
        "','.join([@a.organisation for @a in self.signers])",
        "str(self.via)",
        "str(self.application)",
        "str(<slots>)",
        "str(<lock>)",
        "repr(self.attachments)",
        "str(self.worth.get())",
        "<kind>.value",
        "<kind>.name",
        "str(<deal>)",
        "f'{<level>.value:05}'",
    ],
    "bool": [
        "<id> in self.items",
        "<id> not in self.items",
        "(<id>, <num>, <level>) in self.slots",
        "(<mark>, <flag>) in self.locks",
        "<num> in self.deals",
        "self.items.get(<id>) is None",
        "self.best.get() is None",
        "<item> == <item>",
        "<kind> == <kind>",
        "self.cancel(<num>)",
        "self.cancel(self.due(self.now + <span>, 'tick', id=<id>))",
    ],
    "ints": [
        "(self.bag.get() or [])",
        "[@a.amount for @a in <items>]",
        "[@a.place for @a in <slots>]",
    ],
    "strs": ["[@a.id for @a in <items>]", "[@a.owner for @a in self.items.scan(limit=3)]"],
    "dict": ["{@a.id: @a.amount for @a in <items>}", "(<slot>.counts or {})"],
    "item": [
        "self.items[<id>]",
        "self.items.get(<id>, <item>)",
        "Item(<id>, <id>, <num>, <kind>, <note>)",
        "Item(<id>, amount=<num>, marks=(<num>, 1))",
        "<item>.replace(amount=<num>)",
        "<item>.replace(owner=<id>, note=<note>)",
        "<item>.replace(id=<id>, kind=<kind>)",
        "(self.best.get() or <item>)",
        "<items>[0]",
        "min(<items>, key=lambda @a: @a.amount)",
    ],
    "items": [
        "self.items.scan(limit=<limit>)",
        "self.items.scan(limit=<limit>, reverse=<flag>)",
        "self.items.scan(limit=<limit>, after=<id>)",
        "self.items.scan(limit=<limit>, after=<id>, reverse=True)",
        "self.items.scan(limit=<limit>, start=<bound>, end=<bound>)",
        "self.items.scan(<id>, limit=<limit>)",
        'self.items.by("owner", <id>, limit=<limit>)',
        'self.items.by("owner", <id>, limit=<limit>, reverse=True)',
        'self.items.by("kind", <kind>, limit=<limit>)',
        'self.items.by(("kind", "amount"), <kind>, <num>, limit=<limit>)',
        'self.items.by("kind", <kind>, limit=<limit>, start=<num>, end=<num>)',
        'self.items.by("kind", limit=<limit>, start=(<kind>, <num>), reverse=<flag>)',
        'self.items.by("kind", <kind>, limit=<limit>, after=<item>)',
        'self.items.by("note", limit=<limit>)',
        'self.items.by("note", limit=<limit>, start=<bound>, after=<item>)',
        'self.items.by("amount", limit=<limit>, end=<num>)',
        'self.items.by(("owner", "kind"), <id>, limit=<limit>)',
        'self.items.by("owner", limit=<limit>, after=<item>, reverse=True)',
        "self.peer.ask_many(<kind>)",
        "[@a for @a in [self.peer.ask_one(<id>)] if @a is not None]",
        "(<slot>.parts or [])",
        "sorted(<items>, key=lambda @a: (@a.amount, @a.id))",
    ],
    "slot": [
        "self.slots[<id>, <num>, <level>]",
        "self.slots.get((<id>, <num>, <level>), <slot>)",
        "Slot(<id>, <num>, <level>, <flag>, <mark>, <serial>)",
        "Slot(<id>, <num>, <level>, parts=<items>, counts={<id>: <num>, 'a': 1})",
        "<slot>.replace(serial=<serial>, mark=<mark>)",
        "<slot>.replace(place=<num>, sealed=<flag>)",
        "<slots>[-1]",
    ],
    "slots": [
        "self.slots.scan(limit=<limit>)",
        "self.slots.scan(<id>, limit=<limit>)",
        "self.slots.scan(<id>, <num>, limit=<limit>, reverse=<flag>)",
        "self.slots.scan(<id>, <num>, <level>, limit=<limit>)",
        "self.slots.scan(<id>, limit=<limit>, start=<num>, end=(<num>, <level>))",
        "self.slots.scan(limit=<limit>, start=(<id>, <num>), end=<bound>)",
        "self.slots.scan(limit=<limit>, after=(<id>, <num>, <level>))",
        "self.slots.scan(<id>, limit=<limit>, after=(<id>, <num>, <level>), reverse=True)",
        'self.slots.by("sealed", <flag>, limit=<limit>)',
        'self.slots.by("sealed", <flag>, <level>, limit=<limit>)',
        'self.slots.by("mark", <mark>, limit=<limit>, after=<slot>)',
        'self.slots.by("mark", limit=<limit>, start=<mark>, end=<mark>)',
        'self.slots.by("serial", <num>, limit=<limit>)',
        'self.slots.by("serial", limit=<limit>, reverse=True)',
        'self.slots.by(("mark", "serial"), <mark>, <num>, limit=<limit>)',
    ],
    "lock": [
        "self.locks[<mark>, <flag>]",
        "self.locks.get((<mark>, <flag>), <lock>)",
        "Lock(<mark>, <flag>, <level>, Amount.from_units(<num>))",
        "<lock>.replace(value=self.worth.get() + <lock>.value)",
        "self.locks.scan(<mark>, limit=<limit>)[0]",
        "self.locks.scan(limit=<limit>, start=<mark>, reverse=<flag>)[0]",
        'self.locks.by("level", <level>, limit=<limit>)[0]',
        'self.locks.by("level", <level>, <flag>, limit=<limit>, after=<lock>)[0]',
    ],
    "deal": [
        "self.deals[<num>]",
        "Deal(<num>, <who>)",
        "Deal(<num>, <who>, <who>, price=<num>)",
        "Deal(<num>, <who>, None, (<who>,), <num>)",
        "<deal>.replace(buyer=<who>)",
        "<deal>.replace(price=<num>)",
        'self.deals.by("buyer", <who>, limit=<limit>)[0]',
        'self.deals.by("price", limit=<limit>)[0]',
        "(self.pact.get() or <deal>)",
    ],
}

CALLING: list[str] = [
    "print(self.peer.do_put(<id>))",
    "print(self.peer.do_put(<id>, <num>))",
    "print(self.peer.do_put(num=<num>, id=<id>))",
    "print(self.peer.do_take(<item>))",
    "print(self.peer.do_take(<item>, level=<level>))",
    "print(self.peer.do_put(<int>))",
    "print(self.other.do_put(<id>, <num>), self.other.ask_one(<id>))",
    "print(self.other.do_take(<item>, <level>))",
    "@a = self.other.do_take(<item>); self.items[@a.id] = @a",
]
"""Calls of other contracts that write: a view has none of them."""

SIMPLE: list[str] = [
    "@a = <item>; self.items[@a.id] = @a",
    "@a = <item>; self.items[@a.id] = @a.replace(amount=<num>)",
    "self.items[<id>] = <item>",
    "self.items[<id>] = self.items[<id>].replace(note=<note>, owner=<id>)",
    "self.items[<slot>.shelf] = <slot>",
    "del self.items[<id>]",
    "self.items.delete(<id>)",
    "print(self.items.get(<id>), <item>)",
    "print(self.items[<num>])",
    "print(self.items.scan(limit=<num>))",
    "print(self.items.by(<id>, limit=2))",
    "print(self.items.scan(<id>, <id>, limit=2))",
    "print([@a.id for @a in <items>])",
    "for @a in <items>: self.items[@a.id] = @a.replace(amount=@a.amount + <num>)",
    "for @a in <items>: del self.items[@a.id]",
    "for @a in <items>: print(@a)",
    "@a = <slot>; self.slots[@a.shelf, @a.place, @a.level] = @a",
    "self.slots[<id>, <num>, <level>] = Slot(<id>, <num>, <level>, <flag>, <mark>, <serial>)",
    "self.slots[<id>, <num>] = <slot>",
    "del self.slots[<id>, <num>, <level>]",
    "self.slots.delete((<id>, <num>, <level>))",
    "print([(@a.shelf, @a.place, @a.level.name) for @a in <slots>])",
    "for @a in <slots>: self.slots.delete((@a.shelf, @a.place, @a.level))",
    "@a = <lock>; self.locks[@a.mark, @a.sealed] = @a",
    "del self.locks[<mark>, <flag>]",
    "print(self.locks.scan(limit=<limit>))",
    "@a = <deal>; self.deals[@a.id] = @a",
    "del self.deals[<num>]",
    "print(self.deals.scan(limit=<limit>))",
    "self.total.set(<int>)",
    "self.total.set(self.total.get() + <num>)",
    "self.total.set(<str>)",
    "self.owner.set(<note>)",
    "self.best.set(<item>)",
    "self.best.set(None)",
    "self.pact.set(<deal>)",
    "self.bag.set([*(self.bag.get() or ()), <num>])",
    "@a = self.bag.get() or [1]; @a.append(<num>); print(@a, self.bag.get())",
    "@a = <slot>; print(@a.counts); self.slots[@a.shelf, @a.place, @a.level] = @a",
    "self.worth.set(Amount.from_units(<num>))",
    "self.worth.set(self.worth.get() + Amount('0.25'))",
    "print(self.numbers.next(), self.numbers.add(<num>))",
    "self.emit(Said(<id>))",
    "self.emit(Said(<id>, <num>, <kind>, <ints>))",
    "self.emit(Kept(<item>))",
    "self.emit(Kept(None, <level>))",
    "print(self.due(self.now + <span>, 'tick', id=<id>))",
    "print(self.due(self.now + <span>, 'tick', id=<id>, num=<num>, gas=50_000))",
    "print(self.due(self.now + <span>, 'turn', item=<item>, level=<level>))",
    "print(self.due(<int>, 'tick', id=<id>))",
    "print(self.due(self.now + <span>, 'tick', id=<num>))",
    "print(self.due(self.now + <span>, 'tick', id=<id>, gas=<num>))",
    "print(self.due(self.now + <span>, 'turn', gas=3_000, item=<item>))",
    "print(self.cancel(<num>))",
    "print(self.cancel(1), self.cancel(2))",
    "require(<bool>, 'not_so', <str>)",
    "raise Rejected('refused', <str>)",
    "print(self.help_put(<id>, <num>))",
    "print(<str>, <int>)",
    "print(<bool>, <strs>, <dict>)",
    "print(self.caller, self.via, self.now, self.height)",
]

BLOCKS: list[str] = [
    "undone-not",
    "caught-error",
    "callee-not-caught",
    "callee-hidden",
    "paged",
    "paged-index",
    "both-changed",
    "match-row",
    "event-in-loop",
    "timer-chain",
]
