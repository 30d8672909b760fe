"""The workload of `lianheng bench ledger`: accounts of organisations, and transfers."""

from lianheng.contract import Contract, Record, Table, call, require, view

OPENED_AT_ONCE = 1_000
OWNERS = ("east", "north", "south", "west")


class Account(Record):
    id: int
    owner: str
    balance: int  # minor units


class Accounts(Contract):
    """Transfers between accounts; the sum of all balances never changes."""

    accounts = Table(Account, key="id")

    @call(by="role:operator")
    def open(self, first: int, count: int, balance: int) -> int:
        """Account n belongs to organisation n modulo 4."""
        require(0 < count <= OPENED_AT_ONCE, "too_many", f"open at most {OPENED_AT_ONCE} at once")
        for id in range(first, first + count):
            require(id not in self.accounts, "exists", f"account {id} is open")
            self.accounts[id] = Account(id=id, owner=OWNERS[id % 4], balance=balance)
        return first + count

    @call(by="role:operator")
    def transfer(self, source: int, to: int, amount: int) -> int:
        payer = self.accounts[source]
        payee = self.accounts[to]
        require(
            payer.owner == self.caller.organisation, "not_owner", f"{payer.owner} owns {source}"
        )
        require(source != to, "same_account", f"{source} cannot pay itself")
        require(0 < amount <= payer.balance, "insufficient", f"{source} holds {payer.balance}")
        self.accounts[source] = payer.replace(balance=payer.balance - amount)
        self.accounts[to] = payee.replace(balance=payee.balance + amount)
        return payer.balance - amount

    @view
    def balance(self, id: int) -> int:
        return self.accounts[id].balance
