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
s2 = "ab" "cd"
b3 = False
b4 = b""
i5 = [3, 1, 2]
s6 = ["b", "a"]
d7 = {"": 0}
s8 = {1, 2, 3}
p9 = (1, "a")
t10 = (3, 1, 2)
r11 = Point(x=0)
c12 = Color.RED
o13 = None
f14 = abs
def main():
    i15 = lambda v, k=2: v * k(-1)
    s16 = "é"
    b17 = False
    b18 = b"ab"
    i19 = [10, 20, 30, 40]
    s20 = [v21 for v21 in ["b", "a"]]
    d22 = dict([(s16, i15)])
    s23 = set(range(0))
    p24 = ((-2, "zz") if b17 else (1, "a"))
    t25 = (1,)
    r26 = Point(1, 2)
    c27 = Color.RED
    o28 = i15
    f29 = (lambda v30: v30)
    f29 = lambda v31: next(iter(i19), len(tuple(d22.values())))
    i15 >>= 3
    del i19[(b18.count(b18[::-1]) + max(i19))]
    s23.remove(r26.y)
    for step in range(3):
        try:
            i19.insert(i15, i15)
            if ((r26 if b17 else r26) != Point(i15, i15)): continue
            if b17: break
        finally:
            i15 *= 3
            print('left', step)
    i15 += pow(i15, len("z".upper()), i15)
    print(i15)
    print(s16)
    print(b17)
    print(b18)
    print(i19)
    print(s20)
    print(d22)
    print(sorted(s23))
    print(p24)
    print(t25)
    print(r26)
    print(c27)
    print(o28)
    print(f29(3))
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

