x = [1, 2, 3]
for i, v in enumerate(x):
    if v == 2:
        x.remove(v)
print(x)
d = {"a": 1}
for k in d:
    d[k + "b"] = 1
