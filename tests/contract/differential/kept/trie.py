# trie and LRU with dicts
trie = {}
def insert(word):
    node = trie
    for ch in word:
        node = node.setdefault(ch, {})
    node["$"] = True
def starts(prefix):
    node = trie
    for ch in prefix:
        if ch not in node: return []
        node = node[ch]
    out = []
    def walk(node, acc):
        for k in sorted(node):
            if k == "$": out.append(prefix + acc)
            else: walk(node[k], acc + k)
    walk(node, "")
    return out
for w in "tea ten to inn in i team".split(): insert(w)
print(starts("te"), starts("i"), starts("x"))
def lru(cap):
    cache = {}
    def get(k):
        if k not in cache: return -1
        v = cache.pop(k)
        cache[k] = v
        return v
    def put(k, v):
        cache.pop(k, None)
        cache[k] = v
        if len(cache) > cap:
            del cache[next(iter(cache))]
    return get, put, cache
get, put, cache = lru(2)
put(1, 1); put(2, 2); print(get(1)); put(3, 3); print(get(2)); print(cache)
