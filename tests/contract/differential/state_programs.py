"""A seeded generator of contracts that use their state, and of calls to them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from tests.contract.differential import state_words, statements
from tests.contract.differential.expressions import EXPRESSIONS, LITERALS
from tests.contract.differential.generator import Generator
from tests.contract.differential.wrapped import CHANGED, SHOW

NAMES = ("far", "back", "front")
"""In the order of their deployment: each may use those before it."""
MEMBERS: dict[str, tuple[str, ...]] = {
    "ann@north": ("operator", "keeper"),
    "bob@south": ("operator",),
    "cy@west": (),
}
POLICIES = (
    "ANY or via:ANY",
    "ANY or via:ANY",
    "ANY or via:front",
    "role:operator or via:ANY",
    "role:keeper and org:north or via:back",
    "ANY",
)
NAMED = "Contract, Cell, Counter, Event, Interface, Table, Uses, call, timer, view"
PEOPLE = "id: str, num: int = 1, kind: Kind = Kind.A, flag: bool = False"
PARAMETERS = (("id", "id"), ("num", "num"), ("kind", "kind"), ("flag", "bool"))
TAKES = (("item", "item"), ("level", "level"))
LOCALS = ("int", "str", "ints", "dict", "set", "item", "slot")
STEPS = (6, 12)
UPGRADED = 0.5  # of the programs
STATEMENTS = (1, 4)  # of a method
GUARDED = 0.6  # of the methods: an error ends a statement of theirs, not the call
TIMED = 0.35  # of the calls make a timer whatever else they do
NEW_SHARE = 0.65  # of the statements that are about state

Plain = dict[str, Any]


def _mixed(kind: str) -> list[str]:
    """Expressions of a type, about half of them about state."""
    ours = state_words.EXPRESSIONS.get(kind, [])
    # A contract has no names of functions and types: scripts do.
    theirs = [one for one in EXPRESSIONS.get(kind, []) if "__" not in one]
    return [*theirs, *ours * max(1, len(theirs) // max(1, len(ours)))]


@dataclass(frozen=True)
class Method:
    """A method's form: parameters, with the types that expressions know, result, decorator."""

    parameters: str
    known: tuple[tuple[str, str], ...]
    returns: str
    kind: str = ""


ACT = Method(PEOPLE, PARAMETERS, "list[str]", "call")


@dataclass(frozen=True)
class Step:
    """One thing that happens: a call, a view, time that passes, or an act of an admin."""

    kind: str
    target: str = ""
    arguments: Plain = field(default_factory=dict)
    signers: tuple[str, ...] = ()
    amount: int = 0
    """Gas of a call; milliseconds that pass."""


@dataclass(frozen=True)
class StateProgram:
    """Contract sources by name, and what happens to them."""

    sources: dict[str, str]
    steps: tuple[Step, ...]

    def __str__(self) -> str:
        """For people who look for a difference."""
        sources = [f"# {name}.py\n{source}" for name, source in self.sources.items()]
        return "\n".join([*sources, *map(repr, self.steps)])


class StateGenerator(Generator):
    """Makes one program of contracts and calls."""

    expressions: ClassVar[Mapping[str, Sequence[str]]] = {
        kind: _mixed(kind) for kind in [*EXPRESSIONS, *state_words.EXPRESSIONS]
    }
    literals: ClassVar[Mapping[str, Sequence[str]]] = {**LITERALS, **state_words.LITERALS}
    reads = helping = alone = False

    def whole(self) -> StateProgram:
        """Contracts and steps."""
        self.frozen: set[str] = set()
        names = NAMES[-self.random.choice([1, 2, 2, 3]) :]
        sources = {name: self.contract(name, names[:at]) for at, name in enumerate(names)}
        steps = [self.step(names) for _ in range(self.random.randint(*STEPS))]
        if self.random.random() < UPGRADED:
            # Only a later source can use what is deployed after it: so calls come round.
            name = self.random.choice(names)
            upgrade = Step("upgrade", name, {"source": self.contract(name, names)})
            steps.insert(self.random.randint(1, 3), upgrade)
        return StateProgram(sources, tuple(steps))

    def contract(self, name: str, peers: tuple[str, ...]) -> str:
        """One source, which may use these contracts."""
        head = statements.HEAD.replace("contract import (", f"contract import (\n    {NAMED},", 1)
        self.lines = [head.replace(CHANGED, ""), state_words.DECLARED]
        self.lines.append(f"class {name.title()}(Contract):")
        self.lines += [self.random.choice(state_words.TABLES)]
        slots = state_words.KEYED.format(self.random.choice(state_words.SLOTS))
        self.lines += [slots, state_words.REST]
        others = [other for other in peers if other != name]
        self.alone = not others
        for place in ("peer", "other") if others else ():
            used = self.random.choice(others)
            self.lines.append(f'    {place} = Uses(Peer, contract="{used}")')
        self.methods()
        source = re.sub(r"\bprint\(", "show(", "\n".join(self.lines)) + "\n"
        return re.sub(r"type\((\w+)\).__name__", r"repr(\1)", source)

    def methods(self) -> None:
        """The same names in every contract, so that each can call each."""
        taking = Method("item: Item, level: Level = Level.LOW", TAKES, "Item | None", "call")
        acts = {f"act{number}": ACT for number in range(self.random.randint(2, 4))}
        given = Method("id: str, num: int = 7", PARAMETERS[:2], "int", "call")
        every = acts | {
            "do_put": given,
            "do_take": taking,
            "look": replace(ACT, kind="view"),
            "ask_many": Method("kind: Kind", PARAMETERS[2:3], "list[Item]", "view"),
            "ask_one": Method("id: str", PARAMETERS[:1], "Item | None", "view"),
            "tick": replace(given, kind="timer"),
            "turn": replace(taking, returns="None", kind="timer"),
            "help_put": Method("id: str, num: int", PARAMETERS[:2], "int"),
            "help_count": Method("id: str", PARAMETERS[:1], "int"),
        }
        for name, method in every.items():
            self.method(name, method)

    def method(self, name: str, of: Method) -> None:
        """One method of the contract."""
        policy = self.random.choice(POLICIES)
        decorator = {"call": f'    @call(by="{policy}")', "": ""}.get(of.kind, f"    @{of.kind}")
        self.lines += [
            "",
            decorator,
            f"    def {name}(self, {of.parameters}) -> {of.returns}:{SHOW}",
        ]
        self.indent, self.names, self.assignable = 2, list(of.known), 0
        self.helping, self.reads = name.startswith("help_"), of.kind == "view"
        for local in LOCALS[: 5 if self.helping else None]:
            fresh = self.fresh(local)
            self.line(f"{fresh} = {self.random.choice(self.literals[local])}")
            self.names.append((fresh, local))
        if of.kind == "call" and self.random.random() < TIMED:
            self.used["state block: timer-chain"] += 1
            self.block_timer_chain(1)
        guarded = self.random.random() < GUARDED
        for _ in range(self.random.randint(*STATEMENTS)):
            if not guarded:
                self.statement(1)
                continue
            self.headed("try:", 1)
            self.line("except (LookupError, ValueError, TypeError) as error: print(error)")
        self.line(f"return {self.result(of.returns)}")
        self.names = []

    def result(self, returns: str) -> str:
        """What a method gives: nearly always what it says."""
        chance = self.random.random()
        if returns in ("list[str]", "None"):
            return "out" if returns != "None" else "None"
        if chance < 0.03:
            return self.some("str")
        if returns == "int":
            return self.some("int" if chance < 0.2 else "num")
        if returns == "list[Item]":
            return self.some("items")
        return "None" if chance < 0.3 else self.some("item")

    def expression(self, kind: str, depth: int) -> str:
        """As everywhere; helpers do not call helpers, so every program ends."""
        found = super().expression(kind, depth)
        return (
            self.random.choice(self.literals.get(kind, ["None"])) if self.barred(found) else found
        )

    def barred(self, text: str) -> bool:
        """Whether this stands for nothing here."""
        calls = "self.peer." in text or "self.other." in text
        return (calls and (self.helping or self.alone)) or (self.helping and "self.help_" in text)

    def statement(self, depth: int) -> None:
        """A statement or block, mostly about state."""
        if self.random.random() > NEW_SHARE:
            super().statement(depth)
            return
        if depth < 3 and self.random.random() < 0.25:
            name = self.random.choice(state_words.BLOCKS)
            if not (self.reads or self.helping or self.alone) or not name.startswith("callee"):
                self.used[f"state block: {name}"] += 1
                getattr(self, "block_" + name.replace("-", "_"))(depth + 1)
                return
        calling = [] if self.reads or self.helping else state_words.CALLING
        template = self.random.choice([*state_words.SIMPLE, *calling])
        if template.startswith(("raise", "require")) and self.random.random() < 0.6:
            template = "print(<bool>, <strs>, <dict>)"
        if self.barred(template):
            template = "print(<str>, <int>)"
        self.used[f"state statement: {template}"] += 1
        self.line(self.filled(template, 2))

    # Blocks, by the names of BLOCKS.

    def block_undone_not(self, depth: int) -> None:
        """What was written before a refusal that is caught stays written."""
        self.headed("try:", depth, "raise Rejected('caught', 'here')")
        self.headed("except Rejected as error:", depth, "print(error.code, error.message, error)")

    def block_caught_error(self, depth: int) -> None:
        self.headed("try:", depth, f"self.items[{self.some('id')}] = {self.some('item')}")
        caught = self.random.choice(["KeyError", "(ValueError, TypeError)", "Exception"])
        self.headed(f"except {caught} as error:", depth, "print(repr(error), error)")

    def block_callee_not_caught(self, depth: int) -> None:
        self.headed("try:", depth, f"print(self.peer.do_put({self.some('id')}))")
        self.headed("except Exception as error:", depth, "print('caught', error)")
        self.headed("finally:", depth)

    def block_callee_hidden(self, depth: int) -> None:
        """A `finally` that leaves hides what was raised, but no refusal of another contract."""
        self.line("for turn in range(1):")
        self.indent += 1
        self.headed("try:", depth, f"print(self.other.do_take({self.some('item')}))")
        self.headed("finally:", depth, "break")
        self.indent -= 1

    def paged(self, listing: str, after: str, depth: int) -> None:
        """A listing page by page."""
        cursor, page, turn = self.fresh("c"), self.fresh("p"), self.fresh("t")
        self.line(f"{cursor} = None")
        self.line(f"for {turn} in range(4):")
        self.indent += 1
        self.line(f"{page} = {listing.replace('CURSOR', cursor)}")
        self.line(f"print({page})")
        self.line(f"if not {page}: break")
        self.line(f"{cursor} = {after.replace('PAGE', page)}")
        self.indent -= 1
        self.body(depth)

    def block_paged(self, depth: int) -> None:
        given, reverse = self.some("limit"), self.some("flag")
        if self.random.random() < 0.5:
            self.paged(
                f"self.items.scan(limit={given}, after=CURSOR, reverse={reverse})",
                "PAGE[-1].id",
                depth,
            )
        else:
            listing = f"self.slots.scan(limit={given}, after=CURSOR, reverse={reverse})"
            self.paged(listing, "(PAGE[-1].shelf, PAGE[-1].place, PAGE[-1].level)", depth)

    def block_paged_index(self, depth: int) -> None:
        index = self.random.choice(["owner", "kind", "note", "amount"])
        given, reverse = self.some("limit"), self.some("flag")
        listing = f'self.items.by("{index}", limit={given}, after=CURSOR, reverse={reverse})'
        self.paged(listing, "PAGE[-1]", depth)

    def block_both_changed(self, depth: int) -> None:
        """A listing is a copy: what changes while it is walked does not change it."""
        name = self.fresh("r")
        self.names.append((name, "item"))
        self.headed(
            f"for {name} in {self.some('items')}:",
            depth,
            f"self.items[{name}.id] = {name}.replace(owner={self.some('id')})",
            f"self.items[{name}.id + 'x'] = {name}.replace(id={name}.id + 'x', note=None)",
        )
        self.names = [one for one in self.names if one[0] != name]

    def block_match_row(self, depth: int) -> None:
        patterns = ["None", 'Item(id="a", amount=n)', "Item(kind=Kind.B)", "Item() as row", "_"]
        self.cases(f"self.items.get({self.some('id')})", patterns, depth)

    def block_event_in_loop(self, depth: int) -> None:
        name = self.fresh("r")
        self.headed(
            f"for {name} in range(2):", depth, f"self.emit(Said({self.some('id')}, {name}))"
        )

    def block_timer_chain(self, depth: int) -> None:
        name = self.fresh("n")
        which = self.random.choice(["'tick', gas=60_000, id='t'", "'turn', item=Item('t')"])
        made = f"{name} = self.due(self.now + {self.some('span')}, {which})"
        self.line(made)
        self.headed(
            f"if {name} % 3 == 0:", depth, f"print(self.cancel({name}), self.cancel({name}))"
        )

    # What happens.

    def step(self, names: tuple[str, ...]) -> Step:
        """A call most often."""
        chance = self.random.random()
        name = self.random.choice([*names, names[-1], names[-1]])
        if chance < 0.16:
            spans = [0, 1, 2, 1_000, 60_000, 86_400_000, 90_000_000]
            return Step("time", amount=self.random.choice(spans))
        if chance < (0.3 if self.frozen else 0.2):
            name = self.random.choice([name, *self.frozen, *self.frozen])
            acts = ["thaw"] * 8 + ["retire"] if name in self.frozen else ["freeze"] * 6 + ["thaw"]
            act = self.random.choice([*acts, "retire"])
            self.frozen = {name} if act == "freeze" else set()
            return Step(act, name)
        if chance < 0.36:
            method = self.random.choice(["look", "look", "ask_many", "ask_one"] * 2 + ["act0"])
            return Step("view", f"{name}.{method}", self.given(method))
        methods = ["act0", "act1"] * 10 + ["do_put", "do_take"] * 4 + ["tick", "look", "none"]
        method = self.random.choice(methods)
        return Step(
            "call",
            f"{name}.{method}",
            self.given(method),
            tuple(self.random.sample(list(MEMBERS), self.random.choice([1, 1, 1, 2, 3]))),
            self.random.choice([0] * 12 + [3_000, 20_000]),
        )

    def given(self, method: str) -> Plain:
        """Arguments as a transaction has them, now and then of a wrong form."""
        choose = self.random.choice
        item: Plain = {"id": choose(["a", "b", "ab"]), "amount": choose([0, 1, 5])}
        if self.random.random() < 0.5:
            item |= {"owner": choose(["north", "a"]), "kind": choose(["a", "ccc"]), "note": None}
            item |= {"marks": [1, 2]}
        every: Plain = {
            "id": choose(["a", "b", "ab", "", "é"]),
            "num": choose([0, 1, 2, 3, -1, 300, 2**63]),
            "kind": choose(["a", "b", "ccc"]),
            "flag": choose([True, False]),
            "item": item,
            "level": choose([-1, 0, 300]),
        }
        if self.random.random() < 0.06:
            every[choose(list(every))] = choose([None, "no", 4, [], {}, True])
        wanted = {
            "look": ["id", "num", "kind", "flag"],
            "ask_many": ["kind"],
            "ask_one": ["id"],
            "do_put": ["id", "num"],
            "tick": ["id", "num"],
            "do_take": ["item", "level"],
        }.get(method, ["id", "num", "kind", "flag"])
        left = 0 if self.random.random() < 0.95 else 1
        return {name: every[name] for name in wanted[left:]}


def constructs() -> set[str]:
    """Every construct of state that the generator knows."""
    kinds = state_words.EXPRESSIONS.items()
    every = {f"{kind}: {one}" for kind, all_of in kinds for one in all_of}
    every |= {f"state block: {one}" for one in state_words.BLOCKS}
    return every | {
        f"state statement: {one}" for one in [*state_words.SIMPLE, *state_words.CALLING]
    }


def state_programs(
    first: int, count: int, used: Counter[str]
) -> Iterator[tuple[int, StateProgram]]:
    """Seeds and programs."""
    for seed in range(first, first + count):
        yield seed, StateGenerator(seed, used).whole()
