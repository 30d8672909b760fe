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
i1 = 10**20
s2 = "{}"
b3 = False
b4 = b"\x00\xff"
i5 = [0, -1, 5, 5]
s6 = ["x", "", "yy"]
d7 = {}
s8 = {3, 5}
p9 = (-2, "zz")
t10 = ()
r11 = Point(1, 2)
c12 = Color.RED
o13 = 0
f14 = abs
r11 = r11.replace(y=len(i5))
print(f"{r11.x:5}|{format(i1):>6}"[:i1], end=s2[str(d7).find("z", i1, i1)])
d7.update(d7)
s8 |= (s8 & s8.copy())
try:
    print(i1, bool(i5[i1:i1].pop()), sep=b"".hex())
finally:
    i1: int = 10
    print('finally')
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

