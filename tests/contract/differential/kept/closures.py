# stack/queue with dicts & closures
def make_counter(start=0):
    count = start
    def inc(by=1):
        nonlocal count
        count += by
        return count
    def get():
        return count
    return inc, get
inc, get = make_counter(5)
inc(); inc(3)
print(get())
fs = [lambda x, i=i: x + i for i in range(3)]
print([f(10) for f in fs])
gs = [lambda: i for i in range(3)]
print([g() for g in gs])
def compose(*fns):
    def run(x):
        for f in reversed(fns):
            x = f(x)
        return x
    return run
print(compose(lambda x: x + 1, lambda x: x * 2)(5))
memo = {}
def fib(n):
    if n in memo: return memo[n]
    memo[n] = n if n < 2 else fib(n-1) + fib(n-2)
    return memo[n]
print(fib(50))
