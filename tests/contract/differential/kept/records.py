from lianheng.contract import Record, Enum, Event
class Status(Enum):
    OPEN = "open"
    DONE = "done"
class Point(Record):
    x: int
    y: int = 0
    def dist(self, other: "Point") -> int:
        return abs(self.x - other.x) + abs(self.y - other.y)
    def moved(self, dx, dy=0):
        return self.replace(x=self.x + dx, y=self.y + dy)
class Point3(Point):
    z: int = 5
p = Point(1, 2)
q = p.moved(3, dy=-1)
print(p, q, p.dist(q), p == Point(1, 2), p != q, {p: 1}[Point(1, 2)])
print(Point3(1), Point3(x=1, z=2).moved(1), isinstance(Point3(1), Point))
print(Status.OPEN, Status("done"), Status.OPEN.value, Status.DONE.name, [s.name for s in Status], Status["OPEN"] is Status.OPEN, repr(Status.OPEN), len(Status))
match q:
    case Point(x=0): print("origin x")
    case Point(x, y) if x > 3: print("big", x, y)
match Status.OPEN:
    case Status.DONE: print("done")
    case Status.OPEN: print("open")
