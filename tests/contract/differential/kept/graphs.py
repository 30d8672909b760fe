# graph bfs dfs dijkstra topological
graph = {"A": ["B", "C"], "B": ["D"], "C": ["D", "E"], "D": ["F"], "E": ["F"], "F": []}
def bfs(start):
    seen, queue = {start}, [start]
    order = []
    while queue:
        node = queue.pop(0)
        order.append(node)
        for n in graph[node]:
            if n not in seen:
                seen.add(n); queue.append(n)
    return order
def dfs(node, seen=None):
    seen = seen if seen is not None else []
    if node in seen: return seen
    seen.append(node)
    for n in graph[node]: dfs(n, seen)
    return seen
print(bfs("A"), dfs("A"))
def topo():
    indeg = {n: 0 for n in graph}
    for ns in graph.values():
        for n in ns: indeg[n] += 1
    ready = sorted(n for n, d in indeg.items() if d == 0)
    out = []
    while ready:
        n = ready.pop()
        out.append(n)
        for m in graph[n]:
            indeg[m] -= 1
            if indeg[m] == 0: ready.append(m)
    return out
print(topo())
weights = {("A","B"): 7, ("A","C"): 3, ("C","B"): 1, ("B","D"): 2, ("C","D"): 8}
def dijkstra(src):
    dist = {src: 0}
    todo = {src}
    while todo:
        u = min(todo, key=lambda n: (dist[n], n))
        todo.remove(u)
        for (a, b), w in weights.items():
            if a == u and dist[u] + w < dist.get(b, 10**9):
                dist[b] = dist[u] + w
                todo.add(b)
    return dist
print(dijkstra("A"))
