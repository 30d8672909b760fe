# word count text report
text = """the quick brown fox jumps over the lazy dog
The dog barks; the fox runs away. The end!"""
counts = {}
for line in text.splitlines():
    for word in line.split():
        w = word.strip(".,;!").lower()
        counts[w] = counts.get(w, 0) + 1
for word, n in sorted(counts.items(), key=lambda kv: (-kv[1], kv[0])):
    print(f"{word:<10}|{n:>3}|{'*' * n}")
print("total:", sum(counts.values()), "unique:", len(counts))
print("{:>10} {:^10} {:<10}|".format("right", "mid", "left"))
print("{0}-{1}-{0} {name!r}".format("a", 2, name="x"))
print("%s has %d items (%5d|%-5d|%05d) %x %o %%" % ("bag", 3, 42, 42, 42, 255, 8))
print("%r %s %10s|%-10s|" % ("q", None, "ab", "cd"))
