def f(a, b): return a // b
print([f(10, n) for n in (5, 2, 0)])
