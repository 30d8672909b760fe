# matrix
A = [[1, 2], [3, 4]]
B = [[5, 6], [7, 8]]
def mul(a, b):
    return [[sum(x * y for x, y in zip(r, c)) for c in zip(*b)] for r in a]
def det(m):
    if len(m) == 1: return m[0][0]
    return sum((-1) ** c * m[0][c] * det([row[:c] + row[c+1:] for row in m[1:]]) for c in range(len(m)))
def transpose(m): return [list(r) for r in zip(*m)]
print(mul(A, B), det([[2, 0, 1], [1, 3, 2], [1, 1, 4]]), transpose([[1,2,3],[4,5,6]]))
def power(m, n):
    result = [[int(i == j) for j in range(len(m))] for i in range(len(m))]
    while n:
        if n & 1: result = mul(result, m)
        m = mul(m, m)
        n >>= 1
    return result
print(power([[1,1],[1,0]], 90))
for row in A:
    print(" ".join(f"{v:4d}" for v in row))
