data = "name,age\nann,30\nbob,25\ncy,x\n"
rows = [line.split(",") for line in data.strip().split("\n")]
header, *body = rows
records = [dict(zip(header, row)) for row in body]
total = 0
for r in records:
    try:
        total += int(r["age"])
    except ValueError as e:
        print("skip", r, "-", e)
    else:
        print(f"{r['name']:>5}: {r['age']:0>4}")
    finally:
        print("done", r["name"])
print(total, total // len(records), total % len(records))
json_like = {"a": [1, 2, {"b": None}], "c": (True, "x\ty"), "d": b"\x00"}
print(json_like)
def dump(v, indent=0):
    pad = "  " * indent
    match v:
        case dict():
            for k, x in v.items():
                print(f"{pad}{k}:")
                dump(x, indent + 1)
        case list() | tuple():
            for x in v: dump(x, indent + 1)
        case None | bool() | int() | str() | bytes():
            print(f"{pad}{v!r}")
dump(json_like)
bits = 0b1011_0010
print([bits >> i & 1 for i in range(7, -1, -1)], bits & -bits, bits & (bits - 1), bin(bits ^ 0xFF), (~bits) & 0xFF, f"{bits:08b}"[::-1], int("0b1011", 2), bits.bit_count())
def to_base(n, b):
    if n == 0: return "0"
    s = ""
    while n: n, r = divmod(n, b); s = "0123456789abcdef"[r] + s
    return s
print([to_base(255, b) for b in (2, 8, 10, 16)], 2 ** 200, str(2 ** 200)[::-1][:5], 10 ** 50 // 7, -(10 ** 30) % 97)
e = 0
for k in range(60): e = e * 10 + k % 10
print(e, len(str(e)))
fact = 1
for k in range(1, 31): fact *= k
print(fact)
print(str(fact).count("0"), sum(map(int, str(fact))))
a, b = 0, 1
while a < 200: print(a, end=" "); a, b = b, a + b
print()
matrix = [[i * 3 + j for j in range(3)] for i in range(3)]
print([row[::-1] for row in matrix], [list(c) for c in zip(*matrix[::-1])], sum(matrix[i][i] for i in range(3)))
words = "the cat sat on the mat the end".split()
freq = {w: words.count(w) for w in sorted(set(words))}
print(freq, max(freq, key=freq.get), [w for w, c in freq.items() if c == max(freq.values())])
