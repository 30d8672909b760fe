def tricky():
    for i in range(3):
        try:
            if i == 1: continue
            if i == 2: break
            print("body", i)
        finally:
            print("finally", i)
    else:
        print("else")
    try:
        try:
            raise ValueError("a")
        except ValueError as e:
            raise KeyError("b") from e
        finally:
            print("inner finally")
    except KeyError as e:
        print("outer", e, e.args)
    def g():
        try: return 1
        finally: return 2
    print(g())
    while True:
        try: break
        finally: print("leaving")
    n = 3
    while n:
        n -= 1
        if n == 5: break
    else: print("while else", n)
    for x in []: pass
    else: print("for else")
    try: pass
    except: print("no")
    else: print("try else")
    try:
        raise RuntimeError
    except (ValueError, RuntimeError) as e:
        print(repr(e), str(e) == "")
    try:
        try: 1 // 0
        except ValueError: print("no")
    except ArithmeticError as err: print("arith", err)
    try: e
    except NameError as x: print(x)
tricky()
