# calendar
def is_leap(y): return y % 4 == 0 and (y % 100 != 0 or y % 400 == 0)
def weekday(y, m, d):
    t = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4]
    if m < 3: y -= 1
    return (y + y // 4 - y // 100 + y // 400 + t[m - 1] + d) % 7
days = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
y, m = 2024, 2
n = 29 if m == 2 and is_leap(y) else days[m - 1]
print(f"{'February 2024':^20}")
print("Su Mo Tu We Th Fr Sa")
print("   " * weekday(y, m, 1), end="")
for d in range(1, n + 1):
    print(f"{d:2}", end="\n" if weekday(y, m, d) == 6 else " ")
print()
print([yr for yr in range(1896, 1925) if is_leap(yr)])
