# knapsack, lcs, edit distance, permutations, n-queens
def knapsack(weights, values, cap):
    n = len(weights)
    dp = [[0] * (cap + 1) for _ in range(n + 1)]
    for i in range(1, n + 1):
        for w in range(cap + 1):
            dp[i][w] = dp[i-1][w]
            if weights[i-1] <= w:
                dp[i][w] = max(dp[i][w], dp[i-1][w - weights[i-1]] + values[i-1])
    return dp[n][cap]
def lcs(a, b):
    dp = {}
    for i in range(len(a) + 1):
        for j in range(len(b) + 1):
            if i == 0 or j == 0: dp[i, j] = ""
            elif a[i-1] == b[j-1]: dp[i, j] = dp[i-1, j-1] + a[i-1]
            else: dp[i, j] = max(dp[i-1, j], dp[i, j-1], key=len)
    return dp[len(a), len(b)]
def edit(a, b):
    prev = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        cur = [i]
        for j, y in enumerate(b, 1):
            cur.append(min(prev[j] + 1, cur[-1] + 1, prev[j-1] + (x != y)))
        prev = cur
    return prev[-1]
def permutations(xs):
    if len(xs) <= 1: return [xs]
    return [[x] + p for i, x in enumerate(xs) for p in permutations(xs[:i] + xs[i+1:])]
def queens(n, row=0, cols=(), out=None):
    out = [] if out is None else out
    if row == n:
        out.append(cols)
        return out
    for c in range(n):
        if all(c != cc and abs(c - cc) != row - r for r, cc in enumerate(cols)):
            queens(n, row + 1, cols + (c,), out)
    return out
print(knapsack([1, 3, 4, 5], [1, 4, 5, 7], 7), lcs("AGGTAB", "GXTXAYB"), edit("kitten", "sitting"))
print(permutations([1, 2, 3]), len(queens(6)), queens(4))
def hanoi(n, a, b, c, moves):
    if n == 0: return
    hanoi(n - 1, a, c, b, moves); moves.append(f"{a}->{c}"); hanoi(n - 1, b, a, c, moves)
m = []; hanoi(3, "A", "B", "C", m); print(m)
def collatz(n):
    steps = 0
    while n != 1:
        n = n // 2 if n % 2 == 0 else 3 * n + 1
        steps += 1
    return steps
print(max(range(1, 1000), key=collatz))
def isqrt(n):
    x = n
    y = (x + 1) // 2
    while y < x:
        x = y
        y = (x + n // x) // 2
    return x
print(isqrt(10**40), isqrt(2 * 10**60))
print(sum(d ** len(str(n)) for n in [153] for d in map(int, str(n))), [n for n in range(1, 1000) if n == sum(int(c) ** 3 for c in str(n))])
def caesar(s, k):
    return "".join(chr((ord(c) - 97 + k) % 26 + 97) if c.islower() else chr((ord(c) - 65 + k) % 26 + 65) if c.isupper() else c for c in s)
print(caesar("Hello, World!", 3), caesar(caesar("Hello, World!", 3), -3))
def rle(s):
    out, i = [], 0
    while i < len(s):
        j = i
        while j < len(s) and s[j] == s[i]: j += 1
        out.append((s[i], j - i)); i = j
    return out
print(rle("aaabbc"), "".join(f"{c}{n}" for c, n in rle("aaabbc")))
def bin_search(xs, t):
    lo, hi = 0, len(xs) - 1
    while lo <= hi:
        mid = (lo + hi) // 2
        if xs[mid] == t: return mid
        lo, hi = (mid + 1, hi) if xs[mid] < t else (lo, mid - 1)
    return -1
print([bin_search([1, 3, 5, 7, 9], t) for t in (1, 9, 4)])
def balanced(s):
    stack, pairs = [], {")": "(", "]": "[", "}": "{"}
    for c in s:
        if c in pairs.values(): stack.append(c)
        elif c in pairs:
            if not stack or stack.pop() != pairs[c]: return False
    return not stack
print(balanced("([]{})"), balanced("([)]"), balanced("(("))
triangle = [[1]]
for _ in range(5):
    r = triangle[-1]
    triangle.append([1, *[a + b for a, b in zip(r, r[1:])], 1])
for r in triangle: print(" ".join(map(str, r)).center(20).rstrip())
def flatten(x): return [y for i in x for y in (flatten(i) if isinstance(i, list) else [i])]
print(flatten([1, [2, [3, [4]], 5]]), [*zip(*[[1, 2], [3, 4]])], dict(enumerate("ab")), list(zip("ab", range(2), [True, False])))
print(*[f"{i}x{j}={i*j}" for i in range(1, 3) for j in range(1, 3)], sep=", ", end=".\n")
print("%-10s|%8.3s|%+05d" % ("left", "abcdef", 42), "{:=^20}".format(" hi "), f"{'a':->5}{'b':-<5}")
groups = {}
for w in ["apple", "avocado", "bean", "cherry", "corn"]:
    groups.setdefault(w[0], []).append(w)
print(groups, {k: len(v) for k, v in groups.items()}, sorted(groups, key=lambda k: (-len(groups[k]), k)))
inverted = {}
for k, vs in groups.items():
    for v in vs: inverted[v] = k
print(inverted)
print(sorted([("b", 2), ("a", 2), ("c", 1)], key=lambda t: (t[1], t[0])), min([3, 1, 2]), max("a", "b"), sum([[1], [2]], []), sorted({"b": 1, "a": 2}.items(), key=lambda kv: kv[1], reverse=True))
