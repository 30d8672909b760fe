"""What a contract offers, as a typed document for programs: REST, SQL, forms, clients.

The core reads it from the compiled contract (`_native.contract_interface`); `document` adds which
format it has and which source it describes. Its JSON Schema is
docs/protocol/contract-interface.schema.json, made from these types.

Types are texts as an annotation writes them: `list[Part]`, `Decimal(2) | None`. Defaults are plain
values as they are sent: enums by value, decimals as units, records as maps, bytes as `0x…`.
"""

import hashlib
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from lianheng import _native
from lianheng.contract.imports import by_digits
from lianheng.model import jsonable, native_errors

FORMAT: Literal["lianheng.interface/1"] = "lianheng.interface/1"
"""Changes where a reader of the old form would misread the new one; parts may be added without."""

Hash = Annotated[str, Field(pattern="^0x[0-9a-f]{64}$", description="SHA-256.")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class FieldInterface(_Part):
    """A parameter of a method, or a field of a record or event."""

    name: str
    type: str
    optional: bool
    """Whether it may be left out."""
    default: JsonValue
    """What it is then. Null, too, where it is not optional or where the default has no plain form
    or more than 1,024 bytes."""


class MethodInterface(_Part):
    """A call, view or timer."""

    name: str
    doc: str
    by: str
    """The policy of a call; empty for views and timers."""
    parameters: tuple[FieldInterface, ...]
    returns: str


class TableInterface(_Part):
    """A table and the fields by which its rows are found."""

    name: str
    record: str
    key: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...]
    """Fields of each index, unique ones included."""
    unique: tuple[tuple[str, ...], ...]


class ClassInterface(_Part):
    """A record or an event."""

    name: str
    doc: str
    fields: tuple[FieldInterface, ...]
    signatories: tuple[str, ...]
    """Fields that name who signs each change of a row."""
    observers: tuple[str, ...]


class EnumInterface(_Part):
    """An enum: names and values, which are stored and sent."""

    name: str
    doc: str
    members: tuple[tuple[str, str | int], ...]


class CellInterface(_Part):
    """A cell or counter."""

    name: str
    type: str
    counter: bool


class UseInterface(_Part):
    """Another contract that this one calls, and what it expects of it."""

    name: str
    interface: str
    contract: str
    """The name under which the other is deployed."""
    source: Hash | None
    """The only source that is meant, where one is."""
    calls: tuple[MethodInterface, ...]
    views: tuple[MethodInterface, ...]


class ImportInterface(_Part):
    """A deployed source whose code is part of this contract."""

    module: str
    source: Hash


class InterfaceDocument(_Part):
    """Everything that a contract declares."""

    format: Literal["lianheng.interface/1"]
    file: str
    source: Hash
    name: str
    """The contract's class."""
    doc: str
    calls: tuple[MethodInterface, ...]
    views: tuple[MethodInterface, ...]
    timers: tuple[MethodInterface, ...]
    """Methods that a block runs by itself."""
    tables: tuple[TableInterface, ...]
    cells: tuple[CellInterface, ...]
    records: tuple[ClassInterface, ...]
    """Those of the language's own `Caller` and of imported sources included."""
    events: tuple[ClassInterface, ...]
    enums: tuple[EnumInterface, ...]
    migrations: tuple[int, ...]
    """How many other sources were in force before the one that each `@migrate` follows."""
    uses: tuple[UseInterface, ...]
    imports: tuple[ImportInterface, ...]


def document(source: str, file: str) -> InterfaceDocument:
    """The interface of a source. Raise `CallRefused` (`contract.invalid`) where it is refused."""
    with native_errors():
        core = _native.contract_interface(source, file, by_digits(source))
    digest = hashlib.sha256(source.encode()).hexdigest()
    declared: Any = jsonable(core)
    return InterfaceDocument(format=FORMAT, file=file, source=f"0x{digest}", **declared)
