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
i1 = 0o17
s2 = "  pad "
b3 = True
b4 = b"a,b,c"
i5 = [1]
s6 = ["b", "a"]
d7 = {"a": 1}
s8 = {1}
p9 = (0, "")
t10 = ()
r11 = Point(x=0)
c12 = Color.GREEN
o13 = 0
f14 = lambda v: v + 1
def main():
    i15 = [10**20, 1][False]
    s16 = "{p.x}".format(p=Point(-1, y=5))
    b17 = s16.isascii()
    b18 = b','.join([b"\x00\xff", b"a,b,c"])
    i19 = sorted({1}, key=lambda v20: -v20)
    s21 = sorted([], key=lambda v22: (len(v22), v22))
    d23 = {v24: i15 for v24 in s21}
    s25 = set(frozenset(i19))
    p26 = (i15, s16)
    t27 = (1,)
    r28 = Named(1, 2, "n").moved(i15)
    c29 = Color.GREEN
    o30 = 0
    f31 = composed(lambda v: v + 1, lambda v: v + 1)
    i15 //= (1 and i15)
    i19.sort()
    print(i15, s16)
    try:
        try:
            del i19[i15]
            raise RuntimeError('inner')
        except RuntimeError:
            s25.clear()
            (i15, s16), b17 = p26, (((i15 or i15) << (2 + 1)) in range(list(Color)[i15].value, min(min(i19), s16.find(s16, i15))))
            raise
    except Exception as error:
        s16 += "é"
        print('again', error)
    try:
        try:
            v32 = list(map(lambda v33, v34: i15, (i19 or i19), t27)); v32[i15:-1] = [int(v35) for v35 in str(abs(i15))]; print(v32)
            try:
                del d23[f"{s16[::-1]!a}".removeprefix(str(s25).zfill(0))]
                print(fact(LIMIT), s16)
            except LookupError:
                *i19, i15 = (list(b" Hi ") or [v36 for v36, _ in zip(sorted(i19), i19.copy(), strict=True)])
                i15 >>= 0
            else:
                i19.insert(t27[r28.y], pow(i15, 5))
                d23.update(k=list(reversed([3, 1, 2])).pop())
            raise IndexError(1, 'two')
        except (ValueError, LookupError) as error:
            s21.append(((2 + 1) * "%s".replace(s16, (s16 or s16))))
            print(b18.decode(), end=",".upper())
            print(error, error.args)
        except Exception:
            i15 ^= (0 - s16.find(str(i19)))
        i19.sort()
        raise IndexError(1, 'two')
    except (ValueError, LookupError) as error:
        print(sorted({i15, sum(1 for v37 in s16 if v37 == "0".lower())}), t27)
        i15, i19[i15] = {"k": max(s25, default=variadic(*t27, k=i15))}["k"], i15
        print(error, error.args)
    except Exception:
        i15 *= 3
        match r28:
            case Named(name=called):
                match Point(-1, y=5).replace(x=i19[-1]):
                    case None:
                        print(i15, s16)
                        print('None')
                    case True | False:
                        v38 = s16; v38 *= 2; print(v38)
                        del d23[s16]
                        print('True | False')
                    case int() | str():
                        d23[s16] += int.from_bytes(bytes([2, 65])[len(d23):i15], "big")
                        print('int() | str()')
                    case list() as items:
                        s25.difference_update(tuple(sum(s25) for v39 in sorted(s25))[i15:i15])
                        i19.append(tuple(range(1))[2])
                        print('list() as items')
                    case Color.RED:
                        print(repr(s16), sorted([(0, ""), (i15, s16)], key=lambda v40: v40[1]))
                        i15 |= i19.count(i15)
                        print('Color.RED')
                    case Color():
                        i19.sort(reverse=True)
                        s25 ^= set(i19)
                        print('Color()')
                print('Named(name=called)')
            case Point(0, y):
                try:
                    print((c29.value, "Hello World"), (r28 if b17 else r28).moved(i15, dy=int("0x1f", 16)).moved(dict(sorted(d23.items())).get("a", max(i15, i15, i15)), dy=min({1})), (c29 if False else Color["RED"]))
                    v41 = i15; v41 **= 2; print(v41)
                except Exception:
                    s25.remove(i15)
                    d23 |= {"b": 2, "a": 1, "c": 3}
                print('Point(0, y)')
            case Point(x=1):
                v42 = [3, 1, 2]; v43 = v42; v42 *= 2; print(v42, v43)
                i15 *= 3
                print('Point(x=1)')
            case Point(x, y) if x > y:
                f31 = lambda v44: {s16: p26[0], s16[:v44]: 7}.setdefault("abc", 10)
                print('Point(x, y) if x > y')
            case _:
                s25.difference_update((1,))
                print('_')
    print()
    match r28:
        case Named(name=called):
            i15 -= Point(1, 2).y
            del i19[::2]
            print('Named(name=called)')
        case Point(0, y):
            v45 = list(filter(None, [v46 * v47 for v46, v47 in zip(list(map(f31, i19)), tuple(i19))])); v48 = v45; v45 *= 2; print(v45, v48)
            print()
            print('Point(0, y)')
        case Point(x=1):
            try:
                try:
                    i19[(d23 | dict.fromkeys(s21, i15)).get(format(s16, LIMIT), (~255))] += next((v49 for v49 in [10, 20, 30, 40] if f"{i15=}".endswith((str(b18, 'ascii'), s16))), len(s25.symmetric_difference(i19)))
                    i15 <<= 1
                    raise RuntimeError('inner')
                except RuntimeError:
                    f31 = lambda v50: i15
                    s25.clear()
                    raise
            except Exception as error:
                first, *middle, last = list(t27)
                print(first, middle, last)
                i19[i15] = min({1, 2, 3})
                print('again', error)
            print('Point(x=1)')
        case Point(x, y) if x > y:
            i19.reverse()
            print('Point(x, y) if x > y')
        case _:
            match r28.moved(max(i19, key=lambda v51: i15)):
                case Named(name=called):
                    i19.clear()
                    print((10 ** ((1 + 1) + 1)), s16)
                    print('Named(name=called)')
                case Point(0, y):
                    i15 //= len([(v52 := i15) for v53 in i19])
                    d23[s16.replace(min(s16, s16), next(iter(dict(d23))))] = d23.get(s16, 0) + 1
                    print('Point(0, y)')
                case Point(x=1):
                    v54 = bytes(i19); v54 += (b18 * len("z".upper())); print(v54)
                    print('Point(x=1)')
                case Point(x, y) if x > y:
                    s25 &= s25
                    d23["é"] = d23.get(s16, 0) + 1
                    print('Point(x, y) if x > y')
                case _:
                    def f58(a57):
                        i59 = 2
                        s60 = "straße"
                        i61 = [3, 1, 2]
                        d62 = {"": 0}
                        s63 = {3, 5}
                        a57 -= min(s63.copy())
                        t55 = int("0x1f", 16)
                        def g56():
                            nonlocal t55
                            t55 += 1
                            return t55
                        g56()
                        return g56() + t55
                    print(f58(1))
                    pass
                    print('_')
            r28 = r28.replace(y=i15)
            print('_')
    for i64 in range(4):
        i64 -= (i64 + (-(2**63) % i15))
        def f67(a65, b66):
            i68 = -1
            s69 = "  pad "
            i70 = [10, 20, 30, 40]
            d71 = {"a": 1}
            s72 = {1, 2, 3}
            for (i73, t74) in zip(i19[:5], list({"": 0})):
                print(variadic(list(Color)[a65].value, *[ord(v75) for v75 in next(iter(d23))]), repr({v76: i68 for v76 in s21}.pop(b66.rpartition("z")[2], len(s72))))
            print((list(enumerate([ord(v77) for v77 in s16], i64))[0:1] and i70 + list(iter([]))), dict((dict(d71) | {"b": 2, "a": 1, "c": 3})))
            return int("0x1f", 16)
        print(f67(((i15 << 0) or i64), (5 * s16)))
        if (i15 != i15): continue
        print('on')
    i15 = v78 = int.from_bytes(b18, "little", signed=True)
    print(i15)
    print(s16)
    print(b17)
    print(b18)
    print(i19)
    print(s21)
    print(d23)
    print(sorted(s25))
    print(p26)
    print(t27)
    print(r28)
    print(c29)
    print(o30)
    print(f31(3))
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

