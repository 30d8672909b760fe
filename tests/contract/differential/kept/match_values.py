# match
def describe(x):
    match x:
        case 0: return "zero"
        case int(n) if n < 0: return f"neg {n}"
        case bool(): return "bool"
        case int() | None: return "int or none"
        case str(s): return "str " + s
        case []: return "empty"
        case [a]: return f"one {a}"
        case [a, b, *rest]: return f"many {a} {b} {rest}"
        case {"type": "circle", "r": r}: return f"circle {r}"
        case {"type": t, **others}: return f"{t} {others}"
        case (1, 2) as pair: return f"never {pair}"
        case _: return "other"
for v in (0, -3, 5, None, True, "hi", [], [1], [1, 2, 3, 4], {"type": "circle", "r": 3}, {"type": "sq", "w": 1, "h": 2}, (1, 2), {}, b"x", {1}):
    print(describe(v))
