# iter/next etc
it = iter([1, 2, 3])
print(next(it), next(it), list(it), next(it, "end"))
print(next((x for x in range(10) if x > 3), None), next((c for c in "abc" if c == "z"), "none"))
z = zip("ab", [1, 2]); print(next(z), list(z))
e = enumerate("xy"); print(next(e)); print(list(e))
m = map(str.upper, "abc"); print(list(m)); print(list(map(str.strip, [" a ", "b "])), sorted(["B", "a"], key=str.lower), max(["aa", "b"], key=len))
print(type(1) is int, type("") == str, type([]).__name__, type(None).__name__, type(1 == 1), type(ValueError("x")).__name__)
print(callable(len), callable(5), callable(lambda: 1), issubclass(bool, int), issubclass(KeyError, LookupError))
print(round(15, -1), round(25, -1), round(-15, -1), round(1250, -2), round(5, 3), round(149, -2), round(True))
print("%5.1s|%-6d|%+d|%x|%#X|%c|%%|%s" % ("abc", 42, 7, 255, 255, "z", [1]), "%(a)s-%(b)03d" % {"a": 1, "b": 2})
print("{0[1]} {1[k]} {2}".format([1, 2], {"k": 3}, 4), "{:>{w}}".format("a", w=4), "{!r:^7}".format("q"))
print("ÀÉ".lower(), "straße".upper(), "ǆ".title(), "ΑΣ".lower(), "ß".casefold(), "İ".lower() == "i̇", "é".isalpha(), "²".isdigit(), "½".isnumeric(), int("٣"))
@lambda f: lambda *a: ("wrapped", f(*a))
def deco(x): return x * 2
print(deco(4))
def memo(fn):
    cache = {}
    def inner(*args):
        if args not in cache: cache[args] = fn(*args)
        return cache[args]
    return inner
@memo
def fibm(n): return n if n < 2 else fibm(n - 1) + fibm(n - 2)
print(fibm(20))
print(sorted({3: 1, 1: 2}), sorted({(1, "b"), (0, "z")}, key=lambda t: t[1]), min({4, 2, 9}), max({"a", "bb"}, key=len))
print(dict(sorted({"b": 1, "a": 2}.items())), list({}.items()), list({"a": 1}.keys()), {"a": 1}.items() == {"a": 1}.items(), "a" in {"a": 1}.keys())
print("abc".translate({97: "X", 98: None}), "a-b_c".replace("-", " ").replace("_", " ").split(), "A,B;C".replace(";", ",").split(","), "k=v=w".split("=", 1), "a b c".rsplit(" ", 1), "a.b.c".rpartition("."))
print(int.from_bytes(b"\x01\x02", "big"), (258).to_bytes(2, "little"), (5).bit_length(), bin(5).count("1"), (-5).to_bytes(2, "big", signed=True), b"\x01\xab".hex(), bytes.fromhex("01ab"), b"a,b".split(b","), b"abc".upper(), b" x ".strip())
print(f"{1000000:,}", f"{-5:05d}", f"{255:#06x}", f"{5:+}", f"{'x':*^5}", f"{12345:_}", f"{True}", f"{True:d}", f"{None}", f"{'a':5}|", f"{5:5}|", f"{5:<5}|", f"{3:c}" == "\x03", f"{10:b}", f"{'abc':.2}")
