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
i1 = -5
s2 = "ΑΣ"
b3 = False
b4 = b" Hi "
i5 = [10, 20, 30, 40]
s6 = ["x", "", "yy"]
d7 = {"b": 2, "a": 1, "c": 3}
s8 = {1}
p9 = (0, "")
t10 = (3, 1, 2)
r11 = Named(1, 2, "n")
c12 = Color.RED
o13 = None
f14 = lambda v, k=2: v * k
i1 <<= 1
v15 = b4; v15 += b"\x00\xff".split(b',')[0]; print(v15)
print((~i1), "%x %o %c" % (i1, round(i1, -1), 0).rstrip(s2[i1]))
i5[b"ab".count((range(i1).index(i1)).to_bytes(8, 'big'))] = scaled(i1)
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

