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
i1 = 0b101
s2 = "é"
b3 = False
b4 = b" Hi "
i5 = [0, -1, 5, 5]
s6 = ["b", "a"]
d7 = {"b": 2, "a": 1, "c": 3}
s8 = {1}
p9 = (0, "")
t10 = ()
r11 = Named(1, 2, "n")
c12 = Color.RED
o13 = None
f14 = lambda v: v + 1
def main():
    i15 = range(-(2**63), 1)[-(2**63)]
    s16 = "%x %o %c" % (i15, i15, 5)
    b17 = True
    b18 = b""
    i19 = [v20 + len(v21) for v20, v21 in enumerate(["b", "a"])]
    s22 = s16.splitlines(True)
    d23 = dict.fromkeys(s22, i15)
    s24 = {1}
    p25 = (0, "")
    t26 = tuple(sorted(i19))
    r27 = (Named(1, 2, "n") if b17 else Point(x=0))
    c28 = Color.RED
    o29 = (None if b17 else i15)
    f30 = helper
    for i31 in range(3):
        for (i32, t33) in zip([3, 1, 2][:5], [s16, s16]):
            for i34 in list(i19)[:9]:
                (i31, s16), b17 = min(((variadic(*t26, k=i31), (t33 * 5)), (0, ""))), b17
                d23[f"{(list(next(iter([i19]))) + i19)}{(7, t33.upper())}"] = (~i15)
    s22.sort(key=len)
    i15 //= len(dict())
    print(i15)
    print(s16)
    print(b17)
    print(b18)
    print(i19)
    print(s22)
    print(d23)
    print(sorted(s24))
    print(p25)
    print(t26)
    print(r27)
    print(c28)
    print(o29)
    print(f30(3))
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

