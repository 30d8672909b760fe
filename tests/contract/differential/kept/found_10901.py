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
s2 = "12"
b3 = True
b4 = b""
i5 = [0, -1, 5, 5]
s6 = []
d7 = {"": 0}
s8 = {3, 5}
p9 = (0, "")
t10 = ()
r11 = Named(1, 2, "n")
c12 = Color.GREEN
o13 = None
f14 = lambda v: v + 1
i5.reverse()
s8.add(len(t10))
def f17(a16):
    i18 = 64
    s19 = "ΑΣ"
    i20 = [3, 1, 2]
    d21 = {"b": 2, "a": 1, "c": 3}
    s22 = {1}
    i20.append([v23 * v24 for v23, v24 in zip([3, 1, 2], t10)].pop(2**64))
    def g15(q): return q + 9223372036854775807
    return g15
print(f17(1)(2))
g25 = i1
if b3:
    d7 |= {v26: v27 for v27, v26 in enumerate(s6)}
    (i1, s2), b3 = ([p9, p9][i1] if ({}.keys() == d7.keys()) else (len(i5), s2)), s2.translate({97: ",", 98: None}).strip().isdecimal()
    del g25
try:
    v28 = t10; v28 += ("  pad ".index(s2[:i1]), i5[int.from_bytes(b4, "little", signed=True)], r11.replace(x=i1).x); print(v28)
    print(g25)
except NameError as error:
    i1 = o13 = int(b3)
    print(error)
s8 ^= {3, 5}
print(helper(i1), type(s2).__name__)
d7 |= d7
match isinstance(b3, int | str):
    case None:
        w29 = 0
        while w29 > 0:
            w29 -= 1
            v30 = i1; v30 **= 2; print(v30)
        f14 = lambda v31: v31
        print('None')
    case True | False:
        i5.sort()
        raise Rejected('refused', repr(str(s8).capitalize()))
        print('True | False')
    case int() | str():
        def f36(a32, *b33, c34=2, **d35):
            i37 = -1
            s38 = "a\tb\n"
            i39 = [0, -1, 5, 5]
            d40 = {"a": 1}
            s41 = set()
            raise KeyError(i1)
            print(a32, "Hello World")
            return -5
        print(f36())
        print('int() | str()')
    case list() as items:
        i5.sort(key=adder(i1))
        print('list() as items')
    case Color.RED:
        print()
        def f45(a44):
            i46 = 10
            s47 = "é"
            i48 = [3, 1, 2]
            d49 = {}
            s50 = {3, 5}
            for i51 in t10[:9]:
                a44 //= {"k": max(list(iter(i5)), key=lambda v52: b4.find(b4))}["k"]
                v53 = sorted(({1} - s8), key=lambda v54: -v54); v55 = v53; v53 *= 2; print(v53, v55)
                if (t10 <= t10): break
            else:
                v56 = tuple(s47.find("z".upper(), len(range(i46, i1)), v57) for v57 in i5); v56 += t10; print(v56)
                a44 //= 10
            v58 = b"\x00\xff".title(); v58 += b" Hi "; print(v58)
            t42 = i1
            def g43():
                nonlocal t42
                t42 += 1
                return t42
            g43()
            return g43() + t42
        print(f45(1))
        print('Color.RED')
    case Color():
        def f62(a61):
            i63 = -5
            s64 = "é"
            i65 = [10, 20, 30, 40]
            d66 = {}
            s67 = {1, 2, 3}
            d66["{a}".format_map({"a": 1}).lower()] = list(iter(list(i65)))[min(set(frozenset(i65)))]
            s67 |= s8
            t59 = i1
            def g60():
                nonlocal t59
                t59 += 1
                return t59
            g60()
            return g60() + t59
        print(f62(1))
        try:
            def f70(a69):
                i71 = 0o17
                s72 = r"\d"
                i73 = []
                d74 = {"a": 1}
                s75 = {1}
                print(min(((i1, str(c12)), sorted([p9, p9], key=lambda v76: v76[1])[p9[0]])), [r11, Point(a69, i1)][i1].moved(t10[i1], dy=0xff), c12)
                def g68(q): return q + hash_free(-1)
                return g68
            print(f70(1)(2))
            d7.update({v77: v78 for v77, v78 in d7.items() if b3})
        finally:
            *i5, i1 = i5
            print('finally')
        print('Color()')
i1: int = max({"k": i1}["k"], 0xff, i1)
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

