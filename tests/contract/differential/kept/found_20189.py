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
s2 = "  pad "
b3 = False
b4 = b""
i5 = []
s6 = ["x", "", "yy"]
d7 = {}
s8 = {1, 2, 3}
p9 = (1, "a")
t10 = ()
r11 = Named(1, 2, "n")
c12 = Color.RED
o13 = 5
f14 = lambda v: v + 1
v15 = b4; v15 += b"ab".title(); print(v15)
g16 = i5.count(len(b4))
if s2.isdigit():
    s8.update(i5)
    del g16
try:
    i5[::2] = [(v17 := (i1 | 7)) for v18 in sorted(i5)]
    v19 = bytes([len(","), 65])[b','.join([b4, b4]).count(b4):(f14(i1) & sum(i1 for v20 in i5))]; v19 += b4; print(v19)
    print(g16)
except NameError as error:
    match p9:
        case (0, text) | (1, text):
            print((scaled(fact(8)), s2[i1:i1]), Point(x=0).replace(x=i1), (c12 if b3 else Color.GREEN))
            raise Rejected('refused', (len(s2[i1]) * s2))
            print('(0, text) | (1, text)')
        case (n, "a" | "b" as letter):
            i1 >>= (([i1, i1][b3] & 7) + 1)
            v21 = i1; v21 **= 2; print(v21)
            print('(n, "a" | "b" as letter)')
        case (n, text) if text:
            v22 = (10, next((v23 for v23 in i5 if b3), i1), 3); v22 += (t10 + (*i5, i1)); print(v22)
            print('(n, text) if text')
        case other:
            print("Hello World", end=" ")
            print('other')
    print(error)
print([v24 for v25, v24 in sorted({v26: v27 for v27, v26 in enumerate(s6)}.items())].copy(), d7)
match p9:
    case (0, text) | (1, text):
        i5[::2] = sorted(i5)
        print('(0, text) | (1, text)')
    case (n, "a" | "b" as letter):
        def f30(a28, b29):
            i31 = 9223372036854775807
            s32 = "abc"
            i33 = [0, -1, 5, 5]
            d34 = {"a": 1}
            s35 = {1}
            match (min(i33, key=f14), s2):
                case (0, text) | (1, text):
                    i33[a28] = i1
                    print('(0, text) | (1, text)')
                case (n, "a" | "b" as letter):
                    print(i5, {"": 0}.copy())
                    print('(n, "a" | "b" as letter)')
                case (n, text) if text:
                    s35 -= s8
                    d34.update(k=i1)
                    print('(n, text) if text')
                case other:
                    s35.update([v36 for v37, v36 in {"a": 1}.items()])
                    print((lambda: len(s8))())
                    print('other')
            return divmod(i31, 9223372036854775807)[1]
        print(f30(int.from_bytes(b4.title(), "big"), s2))
        i5[(list(Color)[i1] if b3 else (c12 if b3 else c12)).value] += ((i1 // 9223372036854775807) or pow(len(b4), 3, i1))
        print('(n, "a" | "b" as letter)')
    case (n, text) if text:
        v38 = [divmod(i1, {"k": i1}["k"])[1] for v39 in i5 if ("" in "%s" % i1)]; v38 += [v40 + len(v41) for v40, v41 in enumerate([])]; print(v38)
        v42 = sorted([10, 20, 30, 40], reverse=True); v42.extend((i1,)); print(v42)
        print('(n, text) if text')
    case other:
        for k43, v44 in dict(dict({"a": 1})).items():
            v45 = []; v45 += i5; print(v45)
            s6.sort(key=len)
        for i46 in range(4):
            match (1, "a"):
                case (0, text) | (1, text):
                    v47 = i1; v47 **= 2; print(v47)
                    s8.discard(i46)
                    print('(0, text) | (1, text)')
                case (n, "a" | "b" as letter):
                    del i5[i46]
                    i1 >>= len(chr(97 + (i1 & 15)))
                    print('(n, "a" | "b" as letter)')
                case (n, text) if text:
                    v48 = tuple(i5)[i46:i5.index((~i46))]; v48 += divmod(i46, d7.get(str.upper(s2), (+i46))); print(v48)
                    print('(n, text) if text')
                case other:
                    v49 = b""; v49 += b4; print(v49)
                    r11 = r11.replace(y=i46)
                    print('other')
            v50 = i5; v51 = v50; v50 *= 2; print(v50, v51)
            if b3: break
            print('on')
        print('other')
print(min(i1, i1), s2)
try:
    for step in range(3):
        try:
            for k54, v55 in dict({**dict([(s2, i1)]), (s2 * 0): pow(i1, 5)}).items():
                d7[oct(v55)] = i1
                i5[::2] = list(d7.values())
            l56 = []
            for turn in range(3):
                s6[i1], i5[i1] = p9[1], min((min((min((p9, p9)), sorted([p9, p9], key=lambda v57: v57[1])[i1])), p9))[0]
                print(scaled(((None if b3 else i1) or (i1 | i1))), "{a}".format_map(dict.fromkeys(list(map(str, i5)), i1)))
                l56.append(lambda k=turn: (k, turn))
            print([one() for one in l56])
            if (i5 == [[v52 for v52 in range(v53 & 3)][-1] for v53 in i5 if v53 & 3]): continue
            if ((None if b3 else i1) is None): break
        finally:
            w58 = 3
            while w58 > 0:
                w58 -= 1
                i5.insert(next((v59 for v59 in list(filter(None, i5))[int(str(i1)):d7.pop(s2, i1)] if (d7 == {"a": 1})), 0), (i1 & i5.pop((i1 or i1))))
            print('left', step)
    w60 = 0
    while w60 > 0:
        w60 -= 1
        def f61():
            try: return 255
            finally: print(1)
        print(f61())
        d7["straße"] += [*()].pop((i1 << (2 + 1)))
    raise IndexError(1, 'two')
except (ValueError, LookupError) as error:
    print(sorted(s8.symmetric_difference([0, -1, 5, 5]).copy()), divmod(len(repr(r11)), d7.setdefault(sorted(d7)[i1], (i1 ^ i1))))
    i1, *i5 = t10[10**20:(i1 * (i1 and i1))]
    print(error, error.args)
except Exception:
    print([type(7).__name__ for v62 in ["x", "", "yy"]], b4, d7.get(str.upper(s2)[:variadic(*t10, k=i1)]))
    def f63():
        try: return i1
        finally: print(1)
    print(f63())
i1 %= hash_free(i1)
if b3:
    del i5[i1:i1]
elif s2:
    i1 *= 3
elif not False:
    g64 = i1
    if isinstance(b3, int | str):
        for step in range(3):
            try:
                f14 = lambda v65: v65
                del i5[i1]
                if b3: continue
                if b4.isdigit(): break
            finally:
                i1 <<= 1
                print('left', step)
        del g64
    try:
        v66 = i1; v66 **= 2; print(v66)
        try:
            v67 = (t10 * (i1 & 7)); v67 += t10; print(v67)
            pass
        finally:
            i1, i5[i1] = i1, i1
            print('finally')
        print(g64)
    except NameError as error:
        s8.discard((divmod(i1, (i1 & i1))[0] * i1))
        print(error)
    def r68(n69):
        if n69 <= 0: return Color(i1).value
        return r68(n69 - 1) + n69
    print(r68(5))
else:
    print(bytes(5).upper().hex(), end=s2[sum(sorted(i5, key=f14))])
for (i70, t71) in zip(list(range(len("0"), 2, 2))[:5], s6[len(i5):]):
    i70 >>= (divmod(max(i5), i70)[0] & 7)
    s6.append("%r" % ("{a}".format_map(dict([(t71, i70)])),))
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

