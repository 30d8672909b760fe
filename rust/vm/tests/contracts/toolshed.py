from lianheng.contract import Contract, Record, Table, call, require

class Tool(Record):
    id: str
    holder: str

class Toolshed(Contract):
    """Organisations lend each other equipment."""

    tools = Table(Tool, key="id")

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
        return self.tools[id]
