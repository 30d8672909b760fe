"""What a contract author imports: `from lianheng.contract import Contract, Record, Table, call`.

The same file runs in the chain's VM, which has these names built in, and under CPython 3.11+,
where this room defines them: for editors, `mypy --strict`, debuggers and plain tests.

This room does not decide what the language accepts (the VM's checker does) and holds no keys.
`lianheng.contract.twin` runs a loaded file on a state in memory, as the engine and the VM would.

Rules it keeps:
- a Record or Event is frozen, has no default repr of an identity, and its fields have the
  declared types from the moment it exists;
- a row read from a Table is a copy; the only write is an assignment to the Table;
- every listing takes a limit;
- what this room cannot do, it refuses by name, never by guessing.
"""

from enum import Enum

from lianheng.contract._amounts import allocate, mul_div
from lianheng.contract._cells import Cell, Counter
from lianheng.contract._check_digits import (
    is_valid_container,
    is_valid_gln,
    is_valid_gtin,
    is_valid_iban,
    is_valid_isin,
    is_valid_lei,
    is_valid_sscc,
    is_valid_uscc,
)
from lianheng.contract._contracts import (
    Caller,
    Contract,
    Declaration,
    Host,
    call,
    declarations,
    invariant,
    migrate,
    timer,
    view,
)
from lianheng.contract._dates import (
    add_months,
    date,
    date_of,
    date_parts,
    datetime_of,
    datetime_parts,
    days_between,
    end_of_month,
    format_date,
    format_datetime,
    is_leap_year,
    iso_weekday,
    parse_date,
    parse_datetime,
    quarter,
    start_of_day,
)
from lianheng.contract._decimal import Decimal
from lianheng.contract._directory import signed_by
from lianheng.contract._errors import Rejected, require
from lianheng.contract._hashing import (
    commit,
    is_signed,
    opens,
    sha256,
    sm3,
)
from lianheng.contract._interfaces import Interface, Uses
from lianheng.contract._records import Event, Record
from lianheng.contract._tables import LIMIT_ROWS, Table

__all__ = [
    "LIMIT_ROWS",
    "Caller",
    "Cell",
    "Contract",
    "Counter",
    "Decimal",
    "Declaration",
    "Enum",
    "Event",
    "Host",
    "Interface",
    "Record",
    "Rejected",
    "Table",
    "Uses",
    "add_months",
    "allocate",
    "call",
    "commit",
    "date",
    "date_of",
    "date_parts",
    "datetime_of",
    "datetime_parts",
    "days_between",
    "declarations",
    "end_of_month",
    "format_date",
    "format_datetime",
    "invariant",
    "is_leap_year",
    "is_signed",
    "is_valid_container",
    "is_valid_gln",
    "is_valid_gtin",
    "is_valid_iban",
    "is_valid_isin",
    "is_valid_lei",
    "is_valid_sscc",
    "is_valid_uscc",
    "iso_weekday",
    "migrate",
    "mul_div",
    "opens",
    "parse_date",
    "parse_datetime",
    "quarter",
    "require",
    "sha256",
    "signed_by",
    "sm3",
    "start_of_day",
    "timer",
    "view",
]
