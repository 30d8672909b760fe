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
i1 = 10
s2 = r"\d"
b3 = True
b4 = b" Hi "
i5 = [3, 1, 2]
s6 = []
d7 = {"a": 1}
s8 = set()
p9 = (0, "")
t10 = (3, 1, 2)
r11 = Point(-1, y=5)
c12 = Color.GREEN
o13 = 5
f14 = helper
r11 = r11.replace(y=(i1 << ((1 + 1) + 1)))
f14 = lambda v15: dict.fromkeys(["b", "a"], v15).setdefault(s2, (v16 := (v15 + i1)))
s2 += "é"
i5.sort(key=(lambda v: v + 1 if ((i1 & i1) not in t10[i1:i1]) else counter()))
v17 = i5; v17 += list(enumerate([0, -1, 5, 5], (i1).bit_count()))[0:1] and i5; print(v17)
print(sorted(s8), (1,))
s6.append(s2.center(0))
print(i1, "{} {}".format(Color["RED"].value, str(Point(i1, i1))))
try:
    v18 = "".join(sorted(s2)); v18 *= 2; print(v18)
    try:
        d7.update(k=fact((1 + 1)))
    finally:
        for i19 in range(1):
            i19 <<= 1
        i1: int = next((v20 for v20 in (i5[::-1] + list(range(3, 3, 2))) if False), len(s8))
        print('finally')
finally:
    v21 = [0, -1, 5, 5]; v21.extend(tuple(sorted({i1, i1}, key=lambda v22: -v22))); print(v21)
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

