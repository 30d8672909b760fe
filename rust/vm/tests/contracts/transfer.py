from lianheng.contract import Contract, Record, Table, call, require, view

class Account(Record):
    id: str
    owner: str
    balance: int

class Bank(Contract):
    accounts = Table(Account, key="id")

    @call(by="role:operator")
    def open(self, id: str, balance: int) -> None:
        require(id not in self.accounts, "exists", f"{id} is open already")
        require(balance >= 0, "negative", "a balance is not negative")
        self.accounts[id] = Account(id=id, owner=self.caller.organisation, balance=balance)

    @call(by="role:operator")
    def transfer(self, source: str, target: str, amount: int) -> None:
        require(amount > 0, "bad_amount", f"amount is {amount}")
        payer = self.accounts[source]
        payee = self.accounts[target]
        require(payer.balance >= amount, "not_covered", f"{source} has {payer.balance}")
        self.accounts[source] = payer.replace(balance=payer.balance - amount)
        self.accounts[target] = payee.replace(balance=payee.balance + amount)

    @view
    def balance(self, id: str) -> int:
        return self.accounts[id].balance
