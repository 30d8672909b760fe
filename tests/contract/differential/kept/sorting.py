# bubble, insertion, merge, quick sort
def bubble(xs):
    xs = xs[:]
    n = len(xs)
    for i in range(n):
        swapped = False
        for j in range(0, n - i - 1):
            if xs[j] > xs[j + 1]:
                xs[j], xs[j + 1] = xs[j + 1], xs[j]
                swapped = True
        if not swapped:
            break
    return xs

def merge_sort(arr):
    if len(arr) <= 1:
        return arr
    mid = len(arr) // 2
    left, right = merge_sort(arr[:mid]), merge_sort(arr[mid:])
    out = []
    i = j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            out.append(left[i]); i += 1
        else:
            out.append(right[j]); j += 1
    out.extend(left[i:])
    out += right[j:]
    return out

def quick(arr):
    if not arr: return []
    p, *rest = arr
    return quick([x for x in rest if x < p]) + [p] + quick([x for x in rest if x >= p])

def insertion(a):
    for i in range(1, len(a)):
        key = a[i]; j = i - 1
        while j >= 0 and key < a[j]:
            a[j+1] = a[j]; j -= 1
        a[j+1] = key
    return a
data = [64, 34, 25, 12, 22, 11, 90, -5, 0, 34]
print(bubble(data)); print(merge_sort(data)); print(quick(data)); print(insertion(list(data)))
print(sorted(data, reverse=True), data)
assert bubble(data) == sorted(data)
