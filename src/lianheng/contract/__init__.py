"""What a contract author imports: `from lianheng.contract import Contract, Record, Table, call`.

The same file runs in the chain's VM, which has these names built in, and under CPython 3.11+,
where this room defines them: for editors, `mypy --strict`, debuggers and plain tests.

This room does not decide what the language accepts (the VM's checker does), holds no keys and
checks no policy: `by=` is recorded here and enforced by whoever makes the call.

Rules it keeps:
- a Record or Event is frozen, has no default repr of an identity, and its fields have the
  declared types from the moment it exists;
- a row read from a Table is a copy; the only write is an assignment to the Table;
- every listing takes a limit;
- what this room cannot do, it refuses by name, never by guessing.
"""

from enum import Enum

from lianheng.contract._contracts import (
    Caller,
    Contract,
    Declaration,
    Host,
    call,
    declarations,
    view,
)
from lianheng.contract._errors import Rejected, require
from lianheng.contract._records import Event, Record
from lianheng.contract._state import Cell, Counter, SignatoryMissing, migrate
from lianheng.contract._tables import LIMIT_ROWS, Table

__all__ = [
    "LIMIT_ROWS",
    "Caller",
    "Cell",
    "Contract",
    "Counter",
    "Declaration",
    "Enum",
    "Event",
    "Host",
    "Record",
    "Rejected",
    "SignatoryMissing",
    "Table",
    "call",
    "declarations",
    "migrate",
    "require",
    "view",
]
