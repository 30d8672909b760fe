# uncaught with cause & custom messages
def level3(x):
    return {"a": 1}[x]
def level2(x):
    try:
        return level3(x)
    except KeyError as e:
        raise ValueError(f"cannot find {x!r}") from e
def level1():
    return level2("zz")
print("start")
level1()
