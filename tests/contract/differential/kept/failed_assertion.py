print("before")
assert 1 + 1 == 3, "math is broken: " + str([1, 2])
