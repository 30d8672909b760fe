"""What stands around expressions: simple statements as templates, and blocks by name."""

SIMPLE: list[str] = [
    "!dec += <dec>",
    "!dec *= <int>",
    "!dec -= <dec>",
    "print(<dec>, <rate>)",
    "print(<day>, <moment>)",
    "print(<datetext>, <timetext>, <code>)",
    "print(<int>, <str>)",
    "print(<ints>, <dict>)",
    "print(<pair>, <rec>, <col>)",
    "print(<str>, end=<char>)",
    "print(<int>, <bool>, sep=<str>)",
    "print(sorted(<set>), <tup>)",
    "print(<strs>, <bytes>, <opt>)",
    "print(*<ints>)",
    "print()",
    "print(repr(<str>), <strpairs>)",
    "!int += <int>",
    "!int -= <int>",
    "!int *= 3",
    "!int //= <int>",
    "!int %= <int>",
    "@a = <int>; @a **= 2; print(@a)",
    "!int <<= 1",
    "!int >>= <nat>",
    "!int &= <int>",
    "!int |= <int>",
    "!int ^= <int>",
    "!str += <char>",
    "@a = <str>; @a *= 2; print(@a)",
    "@a = <ints>; @a += <ints>; print(@a)",
    "@a = <ints>; @b = @a; @a *= 2; print(@a, @b)",
    "@a = <tup>; @a += <tup>; print(@a)",
    "!dict |= <dict>",
    "!set |= <set>",
    "!set &= <set>",
    "!set -= <set>",
    "!set ^= <set>",
    "@a = <bytes>; @a += <bytes>; print(@a)",
    "!ints.append(<int>)",
    "@a = <ints>; @a.extend(<tup>); print(@a)",
    "!ints.insert(<int>, <int>)",
    "!ints.remove(<int>)",
    "!ints.reverse()",
    "!ints.sort()",
    "!ints.sort(reverse=True)",
    "!ints.sort(key=<fn>)",
    "!ints.clear()",
    "!ints[<int>] = <int>",
    "!ints[<int>] += <int>",
    "@a = <ints>; @a[<int>:<int>] = <ints>; print(@a)",
    "!ints[::2] = <ints>",
    "del !ints[<int>]",
    "del !ints[<int>:<int>]",
    "del !ints[::2]",
    "!dict[<str>] = <int>",
    "!dict[<str>] += <int>",
    "!dict[<str>] = !dict.get(<str>, 0) + 1",
    "del !dict[<str>]",
    "!dict.update(<dict>)",
    "!dict.update(k=<int>)",
    "!dict.clear()",
    "!strs.append(<str>)",
    "!strs.sort(key=len)",
    "!strs[<int>], !ints[<int>] = <pair>[1], <pair>[0]",
    "!set.add(<int>)",
    "!set.discard(<int>)",
    "!set.remove(<int>)",
    "!set.update(<ints>)",
    "!set.clear()",
    "!set.difference_update(<tup>)",
    "!int, !str = <pair>",
    "!int, *!ints = <tup>",
    "*!ints, !int = <ints>",
    "!int = @a = <int>",
    "!int, !ints[<int>] = <int>, <int>",
    "(!int, !str), !bool = <pair>, <bool>",
    "!int = !opt = <int>",
    "assert <bool>",
    "assert <bool>, <str>",
    "pass",
    "raise ValueError(<str>)",
    "raise KeyError(<int>)",
    "raise Rejected('refused', <str>)",
    "require(<bool>, 'not_so', <str>)",
    "!rec = !rec.replace(y=<int>)",
    "!int: int = <int>",
    "print((lambda: <int>)())",
    "!fn = lambda @a: <int@a:int>",
    "print([f(<int>) for f in [lambda v: v, <fn>]])",
]

BLOCKS: list[str] = [
    "if",
    "if-else",
    "elif",
    "while",
    "while-else",
    "for-range",
    "for-list",
    "for-else",
    "for-items",
    "for-enumerate",
    "for-zip",
    "for-str",
    "break",
    "continue",
    "try-except",
    "try-except-as",
    "try-several",
    "try-tuple",
    "try-else",
    "try-finally",
    "try-finally-loop",
    "reraise",
    "raise-from",
    "match-int",
    "match-list",
    "match-dict",
    "match-record",
    "match-or-guard",
    "match-class",
    "def",
    "def-default",
    "def-recursive",
    "def-star",
    "def-nested",
    "nonlocal",
    "decorator",
    "closure-loop",
    "del-name",
    "return-in-finally",
    "unpack-star",
    "changed-while-looping",
]

HEAD = """from math import gcd, isqrt, lcm
from typing import Optional

from lianheng.contract import (
    Decimal, Enum, Record, Rejected, add_months, allocate, commit, date, date_of, date_parts,
    datetime_of, datetime_parts, days_between, end_of_month, format_date, format_datetime,
    is_leap_year, is_signed, is_valid_container, is_valid_gln, is_valid_gtin, is_valid_iban,
    is_valid_isin, is_valid_lei, is_valid_sscc, is_valid_uscc, iso_weekday, mul_div, opens,
    parse_date, parse_datetime, quarter, require, sha256, signed_by, sm3, start_of_day,
)

class Amount(Decimal, scale=2):
    pass

Rate = Decimal(4)

Whole = int
Wholes = list[Whole]
calls = 0

class Color(Enum):
    RED = 1
    GREEN = 2

class Point(Record):
    x: int
    y: int = 0

    def norm(self) -> int:
        return abs(self.x) + abs(self.y)

    @property
    def sum(self) -> Whole:
        return self.x + self.y

    @staticmethod
    def diagonal(n: Whole) -> "Point":
        return Point(n, n)

    @classmethod
    def of(cls, pair, **more):
        return cls(*pair, **more)

    def moved(self, dx: int, dy: int = 0):
        return self.replace(x=self.x + dx, y=self.y + dy)

class Named(Point):
    name: str = "none"

LIMIT = 3

def helper(v: int) -> int:
    if v > 100:
        return v % 97
    return v + LIMIT

def counted(v: Optional[Whole] = None) -> Whole:
    global calls
    calls += 1
    return calls if v is None else v + calls

def collected(**named):
    return named

def added(v: Wholes) -> Whole:
    return sum(v)

def scaled(v, by=2):
    return v * by

def variadic(*args, k=1):
    return len(args) * k + sum(args)

def keywords(**named):
    return sum(named.values())

def shout(text: str) -> str:
    return text.upper() + "!"

def adder(n):
    return lambda v: v + n

def composed(f, g):
    def run(v):
        return f(g(v))
    return run

def counter():
    total = 0
    def add(v):
        nonlocal total
        total += v
        return total
    return add

def fact(n):
    return 1 if n <= 1 else n * fact(n - 1)

def hash_free(v):
    table = {v: "found", (v, 1): "pair"}
    return len(table[v])
"""
