"""The CPython twin of the VM: runs a contract file in this process, for tests and debuggers.

    program = load(source, "toolshed.py", path="/work/toolshed.py")
    state = State()
    outcome = run(program, Call("toolshed", "add", {"id": "x"}, signers=(alice,)), state)

The very same file runs here and in the VM, with the same tables, arguments, policies, events and
refusals, and lines that count as in the file, so a debugger stops where the error will name.

It measures no gas and knows none of the VM's limits; what depends on them is compared by nobody.
It keeps no keys: the signers are those it is told, and who there is comes from a `Directory`.
It refuses to run under `python -O`, which drops every `assert` of a contract.
"""

from lianheng.contract._callers import Broken, broken_callers
from lianheng.contract._declaration import declaration, differences
from lianheng.contract._directory import Directory
from lianheng.contract._load import Program, load
from lianheng.contract._policy import Judgement, Question, denial
from lianheng.contract._run import Outcome, broken_invariants, run
from lianheng.contract._state import State, key_of
from lianheng.contract._timers import Timer
from lianheng.contract._transaction import Call, Failure, Peer
from lianheng.contract._upgrade import upgrade

__all__ = [
    "Broken",
    "Call",
    "Directory",
    "Failure",
    "Judgement",
    "Outcome",
    "Peer",
    "Program",
    "Question",
    "State",
    "Timer",
    "broken_callers",
    "broken_invariants",
    "declaration",
    "denial",
    "differences",
    "key_of",
    "load",
    "run",
    "upgrade",
]
