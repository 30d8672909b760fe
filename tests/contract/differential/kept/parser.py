# tokenizer + recursive descent
def tokenize(src):
    tokens, i = [], 0
    while i < len(src):
        c = src[i]
        if c.isspace(): i += 1
        elif c.isdigit():
            j = i
            while j < len(src) and src[j].isdigit(): j += 1
            tokens.append(("num", int(src[i:j]))); i = j
        elif c in "+-*/()^":
            tokens.append(("op", c)); i += 1
        else:
            raise SyntaxError(f"bad char {c!r} at {i}")
    return tokens
def parse(tokens):
    pos = [0]
    def peek(): return tokens[pos[0]] if pos[0] < len(tokens) else (None, None)
    def next_():
        t = peek(); pos[0] += 1; return t
    def expr():
        v = term()
        while peek()[1] in ("+", "-"):
            op = next_()[1]
            r = term()
            v = v + r if op == "+" else v - r
        return v
    def term():
        v = factor()
        while peek()[1] in ("*", "/"):
            op = next_()[1]
            r = factor()
            v = v * r if op == "*" else v // r
        return v
    def factor():
        kind, val = next_()
        if kind == "num": return val
        if val == "(":
            v = expr()
            if next_()[1] != ")": raise ValueError("expected )")
            return v
        if val == "-": return -factor()
        raise ValueError(f"unexpected {val!r}")
    return expr()
for e in ("1+2*3", "(1+2)*3", "2*(3+4)-10/3", "-5+8"):
    print(e, "=", parse(tokenize(e)))
try:
    parse(tokenize("(1+2"))
except ValueError as e:
    print("error:", e)
