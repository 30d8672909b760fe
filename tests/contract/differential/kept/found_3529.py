from lianheng.contract import Enum, Record, Rejected, require

class Color(Enum):
    RED = 1
    GREEN = 2

class Point(Record):
    x: int
    y: int = 0

    def norm(self) -> int:
        return abs(self.x) + abs(self.y)

    def moved(self, dx: int, dy: int = 0):
        return self.replace(x=self.x + dx, y=self.y + dy)

class Named(Point):
    name: str = "none"

LIMIT = 3

def helper(v: int) -> int:
    if v > 100:
        return v % 97
    return v + LIMIT

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
i1 = -1
s2 = "ΑΣ"
b3 = False
b4 = b"\x00\xff"
i5 = [10, 20, 30, 40]
s6 = ["b", "a"]
d7 = {"a": 1}
s8 = {1}
p9 = (1, "a")
t10 = (1,)
r11 = Point(1, 2)
c12 = Color.GREEN
o13 = 0
f14 = lambda v: v + 1
def main():
    i15 = len(range(-5, 9223372036854775807))
    s16 = "{}"
    b17 = ([] is [3, 1, 2])
    b18 = b"".strip()
    i19 = []
    s20 = []
    d21 = {"": 0}
    s22 = set()
    p23 = (0, "")
    t24 = tuple(d21.values())
    r25 = Point(i15, i15)
    c26 = Color.RED
    o27 = None
    f28 = counter()
    i19.remove((ord(",") & 2))
    def f29():
        try: return ord(s16[i15])
        finally: return 2
    print(f29())
    for i30 in range(0):
        d21 |= {v31: round(len(s16)) for v31 in s16.replace("é", s16, i15).split()}
    i19[(v32 := i15)] += (ord(chr(97 + (i15 & 15))) | max([i15 for v33 in i19]))
    i19.sort(reverse=True)
    i15 //= i15
    print(repr(hex(i15)), list(zip([][::-1], sorted([], key=str.lower))))
    print(i15)
    print(s16)
    print(b17)
    print(b18)
    print(i19)
    print(s20)
    print(d21)
    print(sorted(s22))
    print(p23)
    print(t24)
    print(r25)
    print(c26)
    print(o27)
    print(f28(3))
main()
print(i1)
print(s2)
print(b3)
print(b4)
print(i5)
print(s6)
print(d7)
print(sorted(s8))
print(p9)
print(t10)
print(r11)
print(c12)
print(o13)
print(f14(3))

