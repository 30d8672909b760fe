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
i1 = 2**64
s2 = "abc"
b3 = False
b4 = b"a,b,c"
i5 = [3, 1, 2]
s6 = []
d7 = {}
s8 = {1, 2, 3}
p9 = (1, "a")
t10 = (3, 1, 2)
r11 = Point(1, 2)
c12 = Color.GREEN
o13 = None
f14 = lambda v, k=2: v * k
def main():
    i15 = round(3)
    s16 = "é"
    b17 = True
    b18 = b"\x00\xff"
    i19 = [3, 1, 2]
    s20 = ["b", "a"]
    d21 = {}
    s22 = ({1, 2, 3} | {1})
    p23 = (0, "")
    t24 = tuple(sorted(i19))
    r25 = Point(x=0)
    c26 = Color.RED
    o27 = (None if b17 else i15)
    f28 = lambda v: v + 1
    print([f(sum(list(range((i15 & 7), (i15 & 7), 2)), i15)) for f in [lambda v: v, f28]])
    s16 += "é"
    d21 |= dict(sorted({str(v29): v29 for v29 in sorted(i19, key=f28)}.items(), key=lambda v30: v30[1]))
    i15 &= {}.pop(s16.swapcase()[i15::2], 1_000)
    if ((i15 < i15 < i15) or b17):
        s22.difference_update(tuple(sorted(i19)))
    d21.update(k=max(i19, key=lambda v31: scaled(i19.pop())))
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

