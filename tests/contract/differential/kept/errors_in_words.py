def f(n):
    try:
        if n == 0: return "zero"
        if n == 1: raise ValueError("one")
        if n == 2: [][0]
        if n == 3: {}["k"]
        if n == 4: 1 // 0
        if n == 5: int("x")
        if n == 6: "a" + 1
        if n == 7: None.foo
        if n == 8: assert n < 0, "neg"
        if n == 9: [].pop()
        if n == 10: (1, 2)[5]
        if n == 11: "abc"[10]
        if n == 12: a, b = [1, 2, 3]
        if n == 13: a, b = [1]
        if n == 14: [1, 2].remove(5)
        if n == 15: [1].index(9)
        if n == 16: "a".index("z")
        if n == 17: {}.popitem()
        if n == 18: set().pop()
        if n == 19: {1}.remove(2)
        if n == 20: sorted([1, "a"])
        if n == 21: 5 in 5
        if n == 22: len(5)
        if n == 23: for_in = [x for x in 5]
        if n == 24: max([])
        if n == 25: {[]: 1}
        if n == 26: chr(-1)
        if n == 27: "x" * "y"
        if n == 28: [] + ()
        if n == 29: 1 < "a"
        if n == 30: "{}".format()
        if n == 31: "%d" % "x"
        if n == 32: "%s %s" % (1,)
        if n == 33: b"a" + "b"
        if n == 34: 5()
        if n == 35: f()
        if n == 36: f(1, 2)
        if n == 37: f(x=1)
        if n == 38: range(1, 2, 0)
        if n == 39: [1, 2, 3][::0]
        if n == 40: int("12", 99)
        if n == 41: "abc".split("")
        if n == 42: raise KeyError("k", 2)
        if n == 43: pass
        if n == 44: print(n, sep=3)
        if n == 45: pow(2, -1, 4)
        if n == 46: bytes([300])
        if n == 47: ord("ab")
        if n == 48: (1).bit_length(3)
        if n == 49: "a".join([1])
        if n == 50: [3].sort(key=5)
        if n == 51: dict([1])
        if n == 52: dict([(1, 2, 3)])
        if n == 53: -"a"
        if n == 54: 1 << -1
        if n == 55: "a"["b"]
        if n == 56: [1]["b"]
        if n == 57: d = {}; d.x
        if n == 58: "a".foo()
        if n == 59: next(iter([]))
        if n == 60: list(zip([1], [2, 3], strict=True))
        if n == 61: isinstance(1, 5)
        if n == 62: "é".encode("ascii")
        if n == 63: b"\xff".decode()
        if n == 64: sum(["a"])
        if n == 65: sum(["a"], "")
        if n == 66: [1, 2, 3].insert("a", 1)
        if n == 67: "abc".center()
        if n == 68: "abc".replace("a")
        if n == 69: {}.update(5)
        if n == 70: {}.get()
        if n == 71: abs("x")
        if n == 72: round("x")
        if n == 73: divmod(1, 0)
        if n == 74: 5 % 0
        if n == 75: int([])
        if n == 76: int("1", base="x")
        if n == 77: str(1, 2)
        if n == 78: list(5)
        if n == 79: tuple(1, 2)
        if n == 80: enumerate()
        if n == 81: "x".zfill("a")
        if n == 82: "x" in 5
        if n == 83: 5 in "x"
        if n == 84: del_me = [1]; del del_me[5]
        if n == 85: dd = {}; del dd["q"]
        if n == 86: x = (1, 2); x[0] = 5
        if n == 87: s = "abc"; s[0] = "x"
        if n == 88: 5[0]
        if n == 89: n[0] = 1
        if n == 90: not_callable = 3; not_callable(4)
        if n == 91: [].append()
        if n == 92: [].append(1, 2)
        if n == 93: ~"a"
        if n == 94: {}[[]]
        if n == 95: "{:d}".format("s")
        if n == 96: f"{'s':d}"
        if n == 97: f"{5:s}"
        if n == 98: f"{[1]:>5}"
        if n == 99: f"{5:.2}"
        return "fine"
    except Exception as e:
        return f"{type(e).__name__}: {e}"
    finally:
        pass
for i in range(100):
    print(i, f(i))
