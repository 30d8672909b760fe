a = b = [1, 2]
b.append(3)
print(a, a is b, a is not None)
x, y = y2, x2 = 1, 2
print(x, y, y2, x2)
i = 0
xs = [0, 0, 0]
i, xs[i] = 1, 5
print(i, xs)
d = {}
d["a"] = d["b"] = 1
print(d)
def order(n, log=None):
    print("eval", n)
    return n
r = [order(3), order(1)][order(0)]
print(order(1) + order(2) * order(3))
d = {order("k"): order("v")}
xs[order(1)] = order(9)
print(xs, 1 if order(0) else order(2))
print(order(1) < order(2) < order(0) < order(5))
def kw(a, b=2, *args, c, d=4, **kwargs):
    return (a, b, args, c, d, kwargs)
print(kw(1, c=3), kw(1, 2, 3, 4, c=5, e=6), kw(*[1, 2], **{"c": 3, "z": 1}))
def po(a, /, b, *, c): return a, b, c
print(po(1, b=2, c=3), po(1, 2, c=3))
try: po(a=1, b=2, c=3)
except TypeError as e: print(e)
try: kw()
except TypeError as e: print(e)
try: kw(1, 2, c=1, a=3)
except TypeError as e: print(e)
if (n := len(xs)) > 2: print("walrus", n)
print([y for x in range(5) if (y := x * x) % 2 == 0], y)
print([*range(3), *"ab"], {**{"a": 1}, "b": 2}, (*[1], 2), {*[1], 1})
first, *_ = "hello"; *_, last = "hello"; print(first, last, _)
for k, (p, q) in {"a": (1, 2)}.items(): print(k, p, q)
for i, (a, *b) in enumerate([(1, 2, 3), (4, 5)]): print(i, a, b)
print((lambda *a, k=1, **kw: (a, k, kw))(1, 2, z=3))
x = 5
x += 1; x -= 2; x *= 3; x //= 2; x %= 4; x **= 3; x <<= 2; x >>= 1; x |= 1; x &= 7; x ^= 2
print(x, 7 // -2, -7 % 3, 2 ** 100, 1_000_000, 0xff, 0b11, 0o17, ~5, -2 ** 2, not 1 == 2)
print("a" "b" 'c', """multi
line""", r"\n", b"\x00\xff", '\u00e9\N{BULLET}\x41\101')
del x
try: print(x)
except NameError as e: print(e)
print(True + True, True == 1, False < True, int(True), str(None), bool([]), bool("0"), [] == False, None == 0)
