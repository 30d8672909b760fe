from lianheng.contract import Contract, Event, Record, Table, call, require, view


class Tool(Record):
    id: str
    holder: str


class Lent(Event):
    id: str
    to: str


class Toolshed(Contract):
    """Organisations lend each other equipment."""

    tools = Table(Tool, key="id", indexes=["holder"])

    @call(by="role:operator")
    def add(self, id: str) -> Tool:
        require(id not in self.tools, "exists", f"{id} is already here")
        self.tools[id] = Tool(id=id, holder=self.caller.organisation)
        return self.tools[id]

    @call(by="role:operator")
    def lend(self, id: str, to: str) -> Tool:
        tool = self.tools[id]
        require(tool.holder == self.caller.organisation, "not_holder", f"{tool.holder} holds {id}")
        self.tools[id] = tool.replace(holder=to)
        self.emit(Lent(id=id, to=to))
        return self.tools[id]

    @call(by="role:operator")
    def spin(self, rounds: int) -> int:
        total = 0
        step = 0
        while step < rounds:
            total = total + step
            step = step + 1
        return total

    @view
    def where(self, id: str) -> str:
        return self.tools[id].holder
