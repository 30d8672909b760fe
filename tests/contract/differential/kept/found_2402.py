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
i1 = 2
s2 = "straße"
b3 = False
b4 = b"\x00\xff"
i5 = [3, 1, 2]
s6 = ["b", "a"]
d7 = {"b": 2, "a": 1, "c": 3}
s8 = {3, 5}
p9 = (0, "")
t10 = (1,)
r11 = Point(1, 2)
c12 = Color.GREEN
o13 = None
f14 = abs
def main():
    i15 = 9223372036854775807
    s16 = next(iter({"": 0}))
    b17 = callable(helper)
    b18 = (b"\x00\xff" * 8)
    i19 = [1]
    s20 = s16.split("é")
    d21 = {}
    s22 = ({1, 2, 3} - {1})
    p23 = (-2, "zz")
    t24 = ()
    r25 = Point(x=0)
    c26 = (Color.GREEN if b17 else Color.RED)
    o27 = None
    f28 = composed(lambda v: v + 1, lambda v, k=2: v * k)
    def f33(a29, *b30, c31=2, **d32):
        i34 = -5
        s35 = "é"
        i36 = [10, 20, 30, 40]
        d37 = {"a": 1}
        s38 = {1, 2, 3}
        i34 |= (-(2**63) % int("0x1f", 16))
        c31 -= int(set(t24).issuperset(tuple(c31 for v39 in i19)))
        return c31
    print(f33(1, 2, 3))
    i19.insert(len(range(-(2**63), hash_free(i15))), (i15 << len(",")))
    v40 = b"a,b,c"; v40 += b18; print(v40)
    s22.add(i15)
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

