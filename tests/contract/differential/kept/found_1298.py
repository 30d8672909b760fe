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
i1 = 64
s2 = "straße"
b3 = False
b4 = b"ab"
i5 = [10, 20, 30, 40]
s6 = ["b", "a"]
d7 = {"a": 1}
s8 = set()
p9 = (1, "a")
t10 = (3, 1, 2)
r11 = Point(-1, y=5)
c12 = Color.GREEN
o13 = 0
f14 = lambda v, k=2: v * k
for step in range(3):
    try:
        f14 = lambda v15: (-variadic(min(d7.values()), *i5))
        for i16 in range(4):
            def f21(a17, *b18, c19=2, **d20):
                i22 = 0b101
                s23 = "a\tb\n"
                i24 = [1]
                d25 = {"": 0}
                s26 = {1, 2, 3}
                print(r"\d".find("Hello World"), "%r" % (s23,))
                return (i1).to_bytes(9, 'little', signed=True).count(b"a,b,c")
            print(f21())
            i16, s2 = p9
            if True: continue
            print('on')
        if False: continue
        if (r11 == Point(x=i1)): break
    finally:
        l27 = []
        for turn in range(2):
            print(s2.find("é", i1, max({1, 2, 3}, default=i1)), s2)
            l27.append(lambda k=turn: (k, turn))
        print([one() for one in l27])
        print('left', step)
for i28 in range(4):
    s8.add(64)
    if (i1 <= (i1 ** 5) != divmod(i1, i1)[1]): continue
    print('on')
l29 = []
for turn in range(1):
    print([((i1 % v30) ** 3) for v30 in i5[(+i1):(i1, i1)[i1]] if True], d7)
    l29.append(lambda k=turn: (k, turn))
print([one() for one in l29])
w31 = 4
while w31 > 0:
    w31 -= 1
    s6.append(s2)
    def r32(n33):
        if n33 <= 0: return i1
        return r32(n33 - 1) + n33
    print(r32(1))
    if (bytes([5, 65]) < b4): break
else:
    def f36(a35):
        i37 = 2**64
        s38 = r"\d"
        i39 = []
        d40 = {}
        s41 = {1}
        if 0b101:
            print()
        else:
            v42 = i39; v42[i1:s2.rfind(str(i39).removeprefix(s38.lower()))] = list(filter(lambda v43: False, [10, 20, 30, 40])); print(v42)
            pass
        g44 = list(divmod(i1, i37))[7]
        if isinstance(next((v45 for v45 in i39 if b3), None), int):
            a35 &= (i1 << 8)
            del g44
        try:
            i39.sort()
            s41.discard(i37)
            print(g44)
        except NameError as error:
            print(-1, "abc")
            print(error)
        def g34(q): return q + i1
        return g34
    print(f36(1)(2))
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

