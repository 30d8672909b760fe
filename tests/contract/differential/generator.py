"""A seeded generator of well-typed programs, and the constructs that it used."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from tests.contract.differential.expressions import EXPRESSIONS, LITERALS
from tests.contract.differential.statements import BLOCKS, HEAD, SIMPLE

DEPTH = 3  # levels of an expression
BLOCK_DEPTH = 3  # blocks inside of each other
HOLE = re.compile(
    r"<([a-z]+)((?:@[a-z]:[a-z]+)*)>|!(int|str|bool|bytes|ints|strs|dict|set|tup|rec|fn|opt|dec)\b|@([a-z])(?![a-z])"
)
STARTED = (
    "int",
    "str",
    "bool",
    "bytes",
    "ints",
    "strs",
    "dict",
    "set",
    "pair",
    "tup",
    "rec",
    "col",
    "opt",
    "fn",
    "dec",
)


def constructs() -> set[str]:
    """Every construct that the generator knows."""
    every = {f"{kind}: {one}" for kind, all_of in EXPRESSIONS.items() for one in all_of}
    return every | {f"statement: {one}" for one in SIMPLE} | {f"block: {one}" for one in BLOCKS}


class Generator:
    """Makes one program; `used` counts the constructs in it."""

    expressions: ClassVar[Mapping[str, Sequence[str]]] = EXPRESSIONS
    literals: ClassVar[Mapping[str, Sequence[str]]] = LITERALS

    def __init__(self, seed: int, used: Counter[str] | None = None) -> None:
        self.random = random.Random(seed)  # noqa: S311  repeatable, not secret
        self.used: Counter[str] = Counter() if used is None else used
        self.names: list[tuple[str, str]] = []
        self.number = 0
        self.lines: list[str] = []
        self.indent = 0
        self.assignable = 0

    def program(self) -> str:
        """A whole program."""
        self.lines = HEAD.splitlines()
        for kind in STARTED:
            name = self.fresh(kind)
            self.line(f"{name} = {self.random.choice(self.literals[kind])}")
            self.names.append((name, kind))
        inside = self.random.random() < 0.5
        outer = self.names
        if inside:
            self.names = []
            self.line("def main():")
            self.indent += 1
            for kind in STARTED:
                name = self.fresh(kind)
                self.line(f"{name} = {self.expression(kind, 1)}")
                self.names.append((name, kind))
        for _ in range(self.random.randint(3, 9)):
            self.statement(0)
        self.show()
        if inside:
            self.indent -= 1
            self.names = outer
            self.line("main()")
            self.show()
        return "\n".join(self.lines) + "\n"

    def show(self) -> None:
        """Print every variable: a difference must be seen."""
        for name, kind in self.names[: len(STARTED)]:
            if kind == "fn":
                self.line(f"print({name}(3))")
            else:
                self.line(f"print(sorted({name}))" if kind == "set" else f"print({name})")

    def line(self, text: str) -> None:
        """One line at the present depth."""
        self.lines.append("    " * self.indent + text)

    def fresh(self, kind: str) -> str:
        """A new name."""
        self.number += 1
        return f"{kind[0]}{self.number}"

    def expression(self, kind: str, depth: int) -> str:
        """An expression of a type."""
        known = [name for name, of in self.names if of == kind]
        chance = self.random.random()
        if known and (depth <= 0 or chance < 0.35):
            return self.random.choice(known)
        templates = self.expressions.get(kind, [])
        if kind in self.literals and (depth <= 0 or not templates or chance < 0.45):
            return self.random.choice(self.literals[kind])
        template = self.random.choice(templates)
        self.used[f"{kind}: {template}"] += 1
        return self.filled(template, depth - 1)

    def filled(self, template: str, depth: int) -> str:
        """A template with its holes filled."""
        bound: dict[str, str] = {}

        def own(letter: str) -> str:
            if letter not in bound:
                self.number += 1
                bound[letter] = f"v{self.number}"
            return bound[letter]

        def fill(hole: re.Match[str]) -> str:
            kind, given, variable, letter = hole.groups()
            if letter:
                return own(letter)
            if variable:
                return self.variable(variable)
            before = len(self.names)
            for part in re.findall(r"@([a-z]):([a-z]+)", given):
                self.names.append((own(part[0]), part[1]))
            text = self.expression(kind, depth)
            # CPython 3.11 takes neither quotes nor backslashes inside of an f-string's braces.
            quoted = template.startswith("f") and re.search(r"[\"'\\{]", text)
            if quoted or (":=" in text and " for " in template):
                known = [name for name, of in self.names if of == kind]
                text = self.random.choice(known) if known else "LIMIT"
            del self.names[before:]
            return text

        return HOLE.sub(fill, template)

    def variable(self, kind: str) -> str:
        """A variable of a type that may be assigned here."""
        known = [name for name, of in self.names[self.assignable :] if of == kind]
        return self.random.choice(known or [self.fresh(kind)])

    def statement(self, depth: int) -> None:
        """A statement or block."""
        if depth < BLOCK_DEPTH and self.random.random() < 0.35:
            name = self.random.choice(BLOCKS)
            self.used[f"block: {name}"] += 1
            getattr(self, "block_" + name.replace("-", "_"))(depth + 1)
            return
        template = self.random.choice(SIMPLE)
        if template.startswith(("raise", "assert", "require")) and self.random.random() < 0.7:
            template = "print(<int>, <str>)"
        here = {kind for _, kind in self.names[self.assignable :]}
        if any(hole[2] and hole[2] not in here for hole in HOLE.findall(template)):
            template = "print(<int>, <str>)"
        self.used[f"statement: {template}"] += 1
        self.line(self.filled(template, DEPTH))

    def body(self, depth: int, *last: str) -> None:
        """Indented statements, then these lines."""
        self.indent += 1
        before = len(self.names)
        for _ in range(self.random.randint(1, 2)):
            self.statement(depth)
        for text in last:
            self.line(text)
        del self.names[before:]
        self.indent -= 1

    def headed(self, head: str, depth: int, *last: str) -> None:
        """A block with its head."""
        self.line(head)
        self.body(depth, *last)

    def some(self, kind: str) -> str:
        """A small expression."""
        return self.expression(kind, 2)

    # Blocks, by the names of BLOCKS.

    def block_if(self, depth: int) -> None:
        self.headed(f"if {self.some('bool')}:", depth)

    def block_if_else(self, depth: int) -> None:
        self.headed(f"if {self.some('int')}:", depth)
        self.headed("else:", depth)

    def block_elif(self, depth: int) -> None:
        self.headed(f"if {self.some('bool')}:", depth)
        self.headed(f"elif {self.some('str')}:", depth)
        self.headed(f"elif not {self.some('bool')}:", depth)
        self.headed("else:", depth)

    def loop(self, depth: int, *last: str) -> None:
        """A `while` that ends."""
        name = self.fresh("w")
        self.line(f"{name} = {self.random.randint(0, 4)}")
        self.line(f"while {name} > 0:")
        self.indent += 1
        self.line(f"{name} -= 1")
        self.indent -= 1
        self.body(depth, *last)

    def block_while(self, depth: int) -> None:
        self.loop(depth)

    def block_while_else(self, depth: int) -> None:
        self.loop(depth, f"if {self.some('bool')}: break")
        self.headed("else:", depth)

    def over(self, target: str, kinds: str, iterable: str, depth: int, *last: str) -> None:
        """A `for` whose targets can be read inside."""
        names = re.findall(r"[a-z]+\d+", target)
        before = len(self.names)
        self.names += list(zip(names, kinds.split(), strict=True))
        self.line(f"for {target} in {iterable}:")
        self.body(depth, *last)
        del self.names[before:]

    def block_for_range(self, depth: int) -> None:
        self.over(self.fresh("i"), "int", f"range({self.random.randint(0, 5)})", depth)

    def block_for_list(self, depth: int) -> None:
        self.over(self.fresh("i"), "int", f"list({self.some('ints')})[:9]", depth)

    def block_for_else(self, depth: int) -> None:
        self.over(
            self.fresh("i"),
            "int",
            self.some("tup") + "[:9]",
            depth,
            f"if {self.some('bool')}: break",
        )
        self.headed("else:", depth)

    def block_for_items(self, depth: int) -> None:
        self.over(
            f"{self.fresh('k')}, {self.fresh('v')}",
            "str int",
            f"dict({self.some('dict')}).items()",
            depth,
        )

    def block_for_enumerate(self, depth: int) -> None:
        self.over(
            f"{self.fresh('i')}, {self.fresh('t')}",
            "int str",
            f"enumerate({self.some('strs')}[:9])",
            depth,
        )

    def block_for_zip(self, depth: int) -> None:
        iterable = f"zip({self.some('ints')}[:5], {self.some('strs')})"
        self.over(f"({self.fresh('i')}, {self.fresh('t')})", "int str", iterable, depth)

    def block_for_str(self, depth: int) -> None:
        self.over(self.fresh("c"), "char", f"{self.some('str')}[:6]", depth)

    def block_break(self, depth: int) -> None:
        self.over(
            self.fresh("i"),
            "int",
            "range(4)",
            depth,
            f"if {self.some('bool')}: break",
            "print('on')",
        )

    def block_continue(self, depth: int) -> None:
        self.over(
            self.fresh("i"),
            "int",
            "range(4)",
            depth,
            f"if {self.some('bool')}: continue",
            "print('on')",
        )

    def block_try_except(self, depth: int) -> None:
        self.headed("try:", depth)
        self.headed("except Exception:", depth)

    def block_try_except_as(self, depth: int) -> None:
        name = self.fresh("e")
        self.headed("try:", depth)
        self.headed(
            f"except Exception as {name}:",
            depth,
            f"print(type({name}).__name__, {name})",
            f"print(repr({name}), {name}.args)",
        )

    def block_try_several(self, depth: int) -> None:
        self.headed("try:", depth)
        self.headed("except (KeyError, IndexError) as error:", depth, "print('lookup', error)")
        self.headed("except ArithmeticError as error:", depth, "print('number', error)")
        self.headed("except Exception as error:", depth, "print('other', error)")

    def block_try_tuple(self, depth: int) -> None:
        self.headed("try:", depth, "raise IndexError(1, 'two')")
        self.headed("except (ValueError, LookupError) as error:", depth, "print(error, error.args)")
        self.headed("except Exception:", depth)

    def block_try_else(self, depth: int) -> None:
        self.headed("try:", depth)
        self.headed("except LookupError:", depth)
        self.headed("else:", depth)

    def block_try_finally(self, depth: int) -> None:
        self.headed("try:", depth)
        self.headed("finally:", depth, "print('finally')")

    def block_try_finally_loop(self, depth: int) -> None:
        self.line("for step in range(3):")
        self.indent += 1
        self.headed(
            "try:", depth, f"if {self.some('bool')}: continue", f"if {self.some('bool')}: break"
        )
        self.headed("finally:", depth, "print('left', step)")
        self.indent -= 1

    def block_reraise(self, depth: int) -> None:
        self.line("try:")
        self.indent += 1
        self.headed("try:", depth, "raise RuntimeError('inner')")
        self.headed("except RuntimeError:", depth, "raise")
        self.indent -= 1
        self.headed("except Exception as error:", depth, "print('again', error)")

    def block_raise_from(self, depth: int) -> None:
        self.line("try:")
        self.indent += 1
        self.headed("try:", depth, "raise RuntimeError('inner')")
        self.headed("except Exception as error:", depth, "raise KeyError('outer') from error")
        self.indent -= 1
        self.headed("except Exception as error:", depth, "print(repr(error))")

    def cases(self, subject: str, patterns: list[str], depth: int) -> None:
        """A `match` with a body for each pattern."""
        self.line(f"match {subject}:")
        self.indent += 1
        for pattern in patterns:
            self.headed(f"case {pattern}:", depth, f"print({pattern!r})")
        self.indent -= 1

    def block_match_int(self, depth: int) -> None:
        self.cases(self.some("int"), ["0", "1 | 2 | 3", "-1", "int(n) if n > 50", "_"], depth)

    def block_match_list(self, depth: int) -> None:
        patterns = ["[]", "[only]", "[1, *rest]", "[first, _, *_, last]", "[*every]"]
        self.cases(self.some("ints"), patterns, depth)

    def block_match_dict(self, depth: int) -> None:
        patterns = ['{"a": 1}', '{"a": found, **rest}', '{"b": int(n)}', "{}"]
        self.cases(self.some("dict"), patterns, depth)

    def block_match_record(self, depth: int) -> None:
        patterns = ["Named(name=called)", "Point(0, y)", "Point(x=1)", "Point(x, y) if x > y", "_"]
        self.cases(self.some("rec"), patterns, depth)

    def block_match_or_guard(self, depth: int) -> None:
        patterns = [
            "(0, text) | (1, text)",
            '(n, "a" | "b" as letter)',
            "(n, text) if text",
            "other",
        ]
        self.cases(self.some("pair"), patterns, depth)

    def block_match_class(self, depth: int) -> None:
        patterns = [
            "None",
            "True | False",
            "int() | str()",
            "list() as items",
            "Color.RED",
            "Color()",
        ]
        subject = self.random.choice(["opt", "int", "str", "ints", "col", "bool", "rec"])
        self.cases(self.some(subject), patterns, depth)

    def function(
        self, parameters: str, kinds: str, depth: int, *last: str, default: str = ""
    ) -> str:
        """A function whose parameters and own variables are all that its body assigns."""
        name = self.fresh("f")
        self.line(f"def {name}({parameters.replace('?', default)}):")
        outer, assignable = self.names, self.assignable
        names = re.findall(r"[a-z]+\d+", parameters)
        own = list(zip(names, kinds.split(), strict=True))
        self.assignable = len(outer)
        self.names = [*outer, *own]
        self.indent += 1
        for kind in ("int", "str", "ints", "dict", "set"):
            local = self.fresh(kind)
            self.line(f"{local} = {self.random.choice(self.literals[kind])}")
            self.names.append((local, kind))
        self.indent -= 1
        self.body(depth, *(last or (f"return {self.some('int')}",)))
        self.names, self.assignable = outer, assignable
        return name

    def block_def(self, depth: int) -> None:
        name = self.function(f"{self.fresh('a')}, {self.fresh('b')}", "int str", depth)
        self.line(f"print({name}({self.some('int')}, {self.some('str')}))")

    def block_def_default(self, depth: int) -> None:
        name = self.function(
            f"{self.fresh('a')}, {self.fresh('b')}=?", "int int", depth, default=self.some("int")
        )
        self.line(f"print({name}({self.some('int')}), {name}(1, {self.some('int')}))")

    def block_def_recursive(self, depth: int) -> None:
        name, parameter = self.fresh("r"), self.fresh("n")
        self.line(f"def {name}({parameter}):")
        self.indent += 1
        self.line(f"if {parameter} <= 0: return {self.some('int')}")
        self.line(f"return {name}({parameter} - 1) + {parameter}")
        self.indent -= 1
        self.line(f"print({name}({self.random.randint(0, 9)}))")
        self.used["block: def-recursive"] += 0 * depth

    def block_def_star(self, depth: int) -> None:
        name = self.function(
            f"{self.fresh('a')}, *{self.fresh('b')}, {self.fresh('c')}=2, **{self.fresh('d')}",
            "int tup int dict",
            depth,
        )
        arguments = self.random.choice(["1", "1, 2, 3", "*[4, 5]", "1, z=9", "a=1", ""])
        self.line(f"print({name}({arguments}))")

    def block_def_nested(self, depth: int) -> None:
        inner = self.fresh("g")
        name = self.function(
            self.fresh("a"),
            "int",
            depth,
            f"def {inner}(q): return q + {self.some('int')}",
            f"return {inner}",
        )
        self.line(f"print({name}(1)(2))")

    def block_nonlocal(self, depth: int) -> None:
        total, inner = self.fresh("t"), self.fresh("g")
        last = (
            f"{total} = {self.some('int')}",
            f"def {inner}():",
            f"    nonlocal {total}",
            f"    {total} += 1",
            f"    return {total}",
            f"{inner}()",
            f"return {inner}() + {total}",
        )
        self.line(f"print({self.function(self.fresh('a'), 'int', depth, *last)}(1))")

    def block_decorator(self, depth: int) -> None:
        wrap = self.function("fn1", "fn", depth, "return lambda *given: (fn1(*given), len(given))")
        self.line(f"@{wrap}")
        name = self.function(self.fresh("a"), "int", depth)
        self.line(f"print({name}({self.some('int')}))")

    def block_closure_loop(self, depth: int) -> None:
        name = self.fresh("l")
        self.line(f"{name} = []")
        self.headed(
            f"for turn in range({depth}):", depth, f"{name}.append(lambda k=turn: (k, turn))"
        )
        self.line(f"print([one() for one in {name}])")

    def block_del_name(self, depth: int) -> None:
        name = self.fresh("gone")
        self.line(f"{name} = {self.some('int')}")
        self.headed(f"if {self.some('bool')}:", depth, f"del {name}")
        self.headed("try:", depth, f"print({name})")
        self.headed("except NameError as error:", depth, "print(error)")

    def block_return_in_finally(self, depth: int) -> None:
        name = self.fresh("f")
        self.line(f"def {name}():")
        self.indent += 1
        self.line(f"try: return {self.some('int')}")
        self.line(f"finally: {self.random.choice(['return 2', 'print(1)', 'pass'])}")
        self.indent -= 1
        self.line(f"print({name}())")
        self.used["block: return-in-finally"] += 0 * depth

    def block_unpack_star(self, depth: int) -> None:
        self.line(f"first, *middle, last = {self.some('ints')}")
        self.line("print(first, middle, last)")
        self.used["block: unpack-star"] += 0 * depth

    def block_changed_while_looping(self, depth: int) -> None:
        name = self.fresh("d")
        self.line(f"{name} = dict({self.some('dict')})")
        self.headed(
            f"for key in {name}:",
            depth,
            f"{name}[key + 'x'] = {self.some('int')}",
            f"if len({name}) > 6: break",
        )


def programs(first: int, count: int, used: Counter[str]) -> Iterator[tuple[int, str]]:
    """Seeds and programs."""
    for seed in range(first, first + count):
        yield seed, Generator(seed, used).program()
