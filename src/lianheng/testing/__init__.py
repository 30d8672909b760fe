"""For tests of contracts: the pytest fixture `ledger`, and what it is made of.

It drives the core directly, one block a call, in memory and without threads. It is no way to run a
chain: its keys are known to everybody.
"""

from lianheng.testing._fixture import Caller, ContractHandle, LedgerFixture, Refusal

__all__ = ["Caller", "ContractHandle", "LedgerFixture", "Refusal"]
