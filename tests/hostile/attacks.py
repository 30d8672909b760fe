# ruff: noqa: E501  programs in tables: a line each reads better than wrapped
"""Scripts that spend one resource by one construct: (resource, construct, source, endings).

Each must end with one of the named codes: an exception's class, or the code of a limit.
"""

from tests.hostile import library

MEMORY = ("limit.memory", "gas.exhausted")
GAS = ("gas.exhausted",)
STACK = ("limit.recursion",)
DEPTH = ("limit.depth",)
REFUSED = ("language.refused",)
NUMBER = ("OverflowError",)

Attack = tuple[str, str, str, tuple[str, ...]]


def _loops(
    resource: str, endings: tuple[str, ...], setup: str, steps: dict[str, str]
) -> list[Attack]:
    """An endless loop around each step."""
    return [
        (resource, name, f"{setup}\nwhile True:\n    {step}\n", endings)
        for name, step in steps.items()
    ]


def _plain(resource: str, endings: tuple[str, ...], cases: dict[str, str]) -> list[Attack]:
    return [(resource, name, source + "\n", endings) for name, source in cases.items()]


TIME_STEPS = {
    "pass": "pass",
    "arithmetic": "n = n * 3 % 7",
    "big multiply": "m = big * 12345 % 10**600",
    "big divide": "m = big // 3",
    "pow mod": "pow(big, big, big + 2)",
    "str of big": "str(big)",
    "int of text": 'int("9" * 1200)',
    "hex": "hex(big)",
    "format of big": 'f"{big:,}"',
    "percent": '"%d %s" % (big, n)',
    "str.format": '"{} {}".format(big, n)',
    "shift": "m = big << 5 >> 5",
    "bits": "big.bit_count()",
    "to_bytes": "big.to_bytes(600, 'big')",
    "sorted": "sorted(xs)",
    "sorted with key": "sorted(xs, key=lambda v: -v)",
    "sort texts": "sorted(words)",
    "sort tuples": "sorted(pairs)",
    "min": "min(xs)",
    "max with key": "max(xs, key=abs)",
    "sum": "sum(xs)",
    "any": "any(v > 10**9 for v in xs)",
    "all": "all(xs)",
    "zip": "list(zip(xs, xs))",
    "map": "list(map(str, xs))",
    "filter": "list(filter(None, xs))",
    "enumerate": "list(enumerate(xs))",
    "reversed": "list(reversed(xs))",
    "list copy": "xs[:]",
    "list reverse slice": "xs[::-1]",
    "list insert": "xs.insert(0, xs.pop())",
    "list index": "xs.index(999)",
    "list count": "xs.count(-1)",
    "list remove": "xs.remove(999); xs.append(999)",
    "list in": "-1 in xs",
    "list equal": "xs == xs[:]",
    "list less": "xs < xs[:]",
    "list extend": "ys = []; ys.extend(xs)",
    "slice assign": "xs[:] = xs[::-1]",
    "slice delete": "ys = xs[:]; del ys[::2]",
    "comprehension": "[v for v in xs]",
    "nested comprehension": "[a for a in range(50) for b in range(50)]",
    "set comprehension": "{v for v in xs}",
    "dict comprehension": "{v: v for v in xs}",
    "dict copy": "d.copy()",
    "dict merge": "d | d",
    "dict equal": "d == dict(d)",
    "dict items": "list(d.items())",
    "dict update": "d.update(d)",
    "dict fromkeys": "dict.fromkeys(xs)",
    "dict of unequal hashes": "{(v, v): v for v in xs}",
    "set union": "s | s",
    "set difference": "s - s",
    "set subset": "s <= s",
    "frozenset": "frozenset(xs)",
    "set in set": "{frozenset(s): 1}",
    "view and": "d.keys() & s",
    "find": 'text.find("ab" * 100)',
    "count": 'text.count("ba")',
    "replace": 'text.replace("a", "b")',
    "split": 'text.split("a")',
    "rsplit": 'text.rsplit("a", 5)',
    "splitlines": "text.splitlines()",
    "join": '",".join(words)',
    "strip": "text.strip(text)",
    "upper": "text.upper()",
    "lower of sigmas": "sigmas.lower()",
    "casefold": "sharp.casefold()",
    "title": "sharp.title()",
    "isalpha": "sharp.isalpha()",
    "isidentifier": "text.isidentifier()",
    "translate": "text.translate({97: 'b'})",
    "maketrans": "str.maketrans(text[:500], text[:500])",
    "encode": "text.encode()",
    "decode": "data.decode()",
    "repr": "repr(text)",
    "ascii": "ascii(sharp)",
    "expandtabs": "tabs.expandtabs(9)",
    "zfill": '"1".zfill(9999)',
    "center": '"1".center(9999)',
    "startswith": "text.startswith((text, text))",
    "text in": '"b" * 500 in text',
    "text equal": 'text == text + ""',
    "text compare": 'text < text + "a"',
    "reverse text": "text[::-1]",
    "list of text": "list(text)",
    "char loop": "[c for c in text]",
    "text concat": 'text + "x"',
    "bytes find": 'data.find(b"ab" * 100)',
    "bytes replace": 'data.replace(b"a", b"b")',
    "bytes hex": "data.hex()",
    "bytes fromhex": "bytes.fromhex(data.hex())",
    "bytes split": 'data.split(b"a")',
    "bytes join": 'b",".join([data, data])',
    "bytes concat": "data + data",
    "exception": "\n    try: 1 // 0\n    except ZeroDivisionError: pass",
    "finally": "\n    try: n += 1\n    finally: n -= 1",
    "raise and catch": "\n    try: raise ValueError(n)\n    except ValueError as e: str(e)",
    "call": "f(1)",
    "closure": "(lambda v: v)(1)",
    "star call": "g(*xs)",
    "keyword call": "g(**{'k': 1})",
    "record": "Point(1, 2)",
    "record replace": "p.replace(x=3)",
    "record equal": "p == Point(1, 3)",
    "record key": "{p: 1}",
    "enum by value": "Color(2)",
    "match": "\n    match xs:\n        case [1, *rest]: pass\n        case [*every]: pass",
    "unpack": "a, *b = xs",
    "fstring": 'f"{n}{text}"',
    "print nothing": 'print(end="")',
    "isinstance": "isinstance(n, (str, bytes, list))",
    "range in": "5 in range(0, 10**9, 7)",
    "range list": "list(range(1000))",
    "decorated": "h(1)",
    "round": "round(big, -100)",
    "int of bytes": "int(b'9' * 900)",
    "divmod": "divmod(big, 7)",
    "next": "next(iter(xs))",
    "type name": "type(n).__name__",
}

SETUP = """from lianheng.contract import Enum, Record
class Point(Record):
    x: int
    y: int
class Color(Enum):
    RED = 1
    GREEN = 2
def f(v):
    return v
def g(*a, **k):
    return len(a)
@lambda fn: lambda v: fn(v)
def h(v):
    return v
n = 1
big = 7 ** 1400
xs = list(range(1000))
words = [str(v) for v in xs]
pairs = [(v % 7, v) for v in xs]
d = {v: v for v in xs}
s = set(xs)
text = "a" * 5000
sharp = "ß" * 2000
sigmas = "Σ" * 2000
tabs = "\\t" * 500
data = b"a" * 5000
p = Point(1, 2)"""

MEMORY_CASES = {
    "text times": '"a" * 10**9',
    "bytes times": 'b"a" * 10**9',
    "list times": "[0] * 10**9",
    "tuple times": "(0,) * 10**9",
    "bytes of a number": "bytes(10**9)",
    "rjust": '"x".rjust(10**9)',
    "zfill": '"x".zfill(10**15)',
    "center": '"x".center(2**62)',
    "replace grows": '("a" * 10**4).replace("a", "b" * 10**4)',
    "join grows": '("x" * 10**4).join(["y"] * 10**4)',
    "expandtabs grows": '("\\t" * 10**4).expandtabs(10**6)',
    "list of range": "list(range(10**9))",
    "tuple of range": "tuple(range(10**9))",
    "set of range": "set(range(10**9))",
    "dict of range": "{i: i for i in range(10**9)}",
    "list of text": 'list("a" * 10**7) * 10',
    "sorted range": "sorted(range(10**9))",
    "star range": "[*range(10**9)]",
    "call star range": "print(*range(10**9))",
    "reversed range": "list(reversed(range(10**9)))",
    "zip range": "list(zip(range(10**9), range(10**9)))",
    "enumerate range": "list(enumerate(range(10**9)))",
    "split": '[("a," * 10**6).split(",") for i in range(100)]',
    "to_bytes": "(1).to_bytes(10**9, 'big')",
    "unicode growth": '[("ΐ" * 10**6).upper() for i in range(100)]',
    "translate grows": '("a" * 10**4).translate({97: "b" * 10**5})',
    "percent grows": '["%s" % ("a" * 10**7) for i in range(100)]',
    "format grows": '["{0}{0}".format("a" * 10**6) for i in range(100)]',
    "repr grows": '[repr("\\x00" * 10**6) for i in range(100)]',
    "encode": '["é" * 10**6 + str(i) for i in range(100)]',
    "hex": "[(b'a' * 10**6).hex() for i in range(100)]",
    "fromkeys": "dict.fromkeys(range(10**9))",
    "divmod list": "[divmod(i, 3) for i in range(10**9)]",
    "records": "xs = [ValueError(i) for i in range(10**9)]",
}

ATTACKS: list[Attack] = [
    *_loops("time", GAS, SETUP, TIME_STEPS),
    *_plain(
        "memory",
        MEMORY,
        {
            "pieces of a text": "x = ',' * 16_000_000\nx.split(',')",
            "words of a text": "x = ' a' * 8_000_000\nx.split()",
            "lines of a text": "x = '\\n' * 16_000_000\nx.splitlines()",
            "pieces of bytes": "x = b',' * 2_000_000\nx.split(b',')",
            "sorted inside of sorted": "xs = [0] * 2_000_000\ndef f(v):\n    return sorted(xs, key=f)\nsorted(xs, key=f)",
        },
    ),
    *_plain(
        "time",
        GAS,
        {
            "inverses": "m = 5 ** 1700\nwhile True:\n    pow(7, -1, m)",
            "powers with an even modulus": "m = 2 ** 4000\nwhile True:\n    pow(3, m - 1, m - 2)",
            "titles": "t = 'a b' * 100_000\nwhile True:\n    t.title()",
            "comparisons of large numbers": "a = 3 ** 2500\nwhile True:\n    a < a + 1",
        },
    ),
    *_plain("memory", MEMORY, MEMORY_CASES),
    *_loops(
        "memory",
        MEMORY,
        'xs = [1]\ns = "ab"\nd = {}\nt = ()\ni = 0\nfs = []',
        {
            "list doubling": "xs += xs",
            "list sum": "xs = xs + xs",
            "text doubling": "s += s",
            "nested lists": "xs = [xs, xs, list(range(1000))]; fs.append(xs)",
            "dict growing": "i += 1; d[i] = str(i) * 10",
            "tuple growing": "t = t + (1,) * 1000",
            "closures": "fs.append(lambda: fs)",
            "cycles": "a = []; a.append(a); fs.append(a)",
            "set growing": "i += 1; fs.append({i, str(i)})",
        },
    ),
    *_plain(
        "stack",
        STACK,
        {
            "recursion": "def f(n):\n    return f(n + 1)\nf(0)",
            "mutual recursion": "def f(n): return g(n)\ndef g(n): return f(n)\nf(0)",
            "lambda": "f = lambda g: g(g)\nf(f)",
            "through sorted": "def f(x): return sorted([1], key=f)\nf(1)",
            "through map": "def f(x): return list(map(f, [1]))\nf(1)",
            "through max": "def f(x): return max([1, 2], key=f)\nf(1)",
            "through filter": "def f(x): return list(filter(f, [1]))\nf(1)",
            "star call": "def f(*a): return f(*a)\nf(1)",
            "in finally": "def f():\n    try: f()\n    finally: f()\nf()",
            "caught": "def f():\n    try: return f()\n    except Exception: return 1\nf()",
            "method": "from lianheng.contract import Record\nclass R(Record):\n    x: int\n    def m(self): return self.m()\nR(1).m()",
            "comprehension": "def f(n): return [f(n) for i in [1]]\nf(0)",
            "decorated": "def d(g): return lambda *a: g(*a)\n@d\ndef f(n): return f(n)\nf(0)",
            "through any": "def f(x): return any(map(f, [1]))\nf(1)",
            "through min over dict": "def f(x): return min({1: 2, 3: 4}, key=f)\nf(1)",
        },
    ),
    *_plain(
        "depth",
        DEPTH,
        {
            "str of nested": "x = []\nfor i in range(10000): x = [x]\nstr(x)",
            "repr of nested tuples": "x = ()\nfor i in range(10000): x = (x,)\nprint(x)",
            "equal": "x = []\nfor i in range(10000): x = [x]\nx == [x]",
            "less": "x = []\nfor i in range(100): x = [x]\nx < [x]",
            "hash": "x = ()\nfor i in range(10000): x = (x,)\n{x: 1}",
            "own list": "x = []\nx.append(x)\nprint(x)",
            "own dict": "d = {}\nd[1] = d\nprint(d)",
            "equal cycles": "a = []; a.append(a)\nb = []; b.append(b)\na == b",
            "iterators": "x = [1]\nfor i in range(1000): x = enumerate(x)\nlist(x)",
            "maps": "x = [1]\nfor i in range(1000): x = map(str, x)\nlist(x)",
            "isinstance": "x = (bytes,)\nfor i in range(1000): x = (x,)\nisinstance(1, x)",
            "issubclass": "x = (bytes,)\nfor i in range(1000): x = (x,)\nissubclass(int, x)",
            "exceptions": "e = ValueError(1)\nfor i in range(1000): e = ValueError(e)\nprint(e)",
            "percent": 'x = []\nfor i in range(1000): x = [x]\n"%s" % (x,)',
            "format": 'x = []\nfor i in range(1000): x = [x]\nf"{x}"',
            "sorted": "x = []\nfor i in range(100): x = [x]\nsorted([x, [x]])",
            "dict equal": "a = {}\nb = {}\nfor i in range(100): a, b = {1: a}, {1: b}\na == b",
        },
    ),
    *_plain(
        "number",
        NUMBER,
        {
            "shift": "1 << 10**9",
            "power": "10 ** 10**9",
            "negative power base": "(-10) ** (10**40)",
            "squares": "x = 2\nwhile True: x = x * x",
            "sum": "x = 2 ** 4095\nx + x",
            "product": "2 ** 3000 * 2 ** 3000",
            "int of digits": 'int("9" * 2000)',
            "from_bytes": "int.from_bytes(b'a' * 10**5, 'big')",
            "index size": '"a" * 2**70',
            "shift in place": "x = 1\nwhile True: x <<= 7",
        },
    ),
    *_plain(
        "refused",
        REFUSED,
        {
            "wide format": 'f"{1:99999999}"',
            "wide percent": '"%99999999d" % 1',
            "wide star": '"%*d" % (10**8, 1)',
            "wide precision": '"%.99999999d" % 1',
            "set order": "for x in {1, 2}: pass",
            "set text": "print({1, 2})",
            "set pop": "{1, 2}.pop()",
            "set list": "list({1, 2})",
            "function text": "print(len)\nprint(lambda: 1)",
            "identity": "300 is 300",
            "negative power": "2 ** -1",
            "huge range": "range(10**30)",
            "float format": 'f"{1:.2f}"',
            "surrogate": "chr(0xd800)",
            "sorted set by a key with ties": "sorted({1, -1}, key=abs)",
            "encoding": '"a".encode("utf-16")',
        },
    ),
    *_plain(
        "output",
        ("limit.output", "gas.exhausted"),
        {
            "many lines": "while True: print(1)",
            "long line": 'while True: print("a" * 10**5)',
            "endings": 'while True: print(end="ab" * 1000)',
            "separators": 'print(*range(10000), sep="x" * 1000)',
            "in except": "while True:\n    try: print('x' * 10000)\n    except Exception: pass",
        },
    ),
    *_plain(
        "source",
        ("refused", "finished"),
        {
            "long source": "x = 1\n" * 20000,
            "brackets": "x = " + "(" * 500 + ")" * 500,
            "operators": "x = " + "1+" * 5000 + "1",
            "not": "x = " + "not " * 5000 + "1",
            "attributes": "x = a" + ".b" * 5000,
            "calls": "x = a" + "()" * 5000,
            "lambdas": "x = " + "lambda: " * 5000 + "1",
            "indents": "".join(" " * level + "if 1:\n" for level in range(200))
            + " " * 200
            + "pass",
            "elifs": "if 1: pass\n" + "elif 1: pass\n" * 1000,
            "decorators": "@a" * 5000,
            "fstrings": 'x = f"{' * 300,
            "null byte": "x = 1\0",
            "digits": "x = " + "9" * 60000,
            "strings": "x = " + '"a" ' * 15000,
            "classes": "class A(A): pass\n" * 1000,
            "defs": "def f():\n" + " def g(): pass\n" * 4000,
            "comprehensions": "x = [1 " + "for a in b " * 1000 + "]",
            "match": "match x:\n case " + "(" * 200,
            "with": "with (" * 3000,
            "starred": "x = [" + "*" * 5000 + "a]",
        },
    ),
    *_loops("time", (*GAS, *MEMORY), library.SETUP, library.TIME_STEPS),
    *_plain("number", NUMBER, {name: library.SETUP + one for name, one in library.ERRORS.items()}),
    *_plain(
        "refused",
        ("ValueError", "OverflowError"),
        {name: library.SETUP + one for name, one in library.VALUES.items()},
    ),
    *_plain("depth", DEPTH, {name: library.SETUP + one for name, one in library.DEPTHS.items()}),
]
