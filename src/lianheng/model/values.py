"""Values that cross the ledger's edge, and their canonical bytes (docs/protocol/formats.md)."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from lianheng import _native
from lianheng.model.errors import InvalidValue, native_errors

if TYPE_CHECKING:
    from lianheng._native import CborValue

Value: TypeAlias = (
    "bool | int | str | bytes | Sequence[Value] | Mapping[str, Value] | Mapping[int, Value] | None"
)
"""What a call may pass and return. No floats."""


def encode(value: object) -> bytes:
    """Canonical bytes of a value. Raise `InvalidValue` for a float or any other foreign type."""
    try:
        with native_errors():
            return _native.cbor_encode(cast("CborValue", plain(value)))
    except (TypeError, ValueError, OverflowError) as failure:
        raise InvalidValue("value.unsupported", str(failure), _VALUES_HINT) from failure


def decode(data: bytes) -> Any:
    """The value of canonical bytes. Raise `InvalidValue` where they are anything else."""
    with native_errors():
        return _native.cbor_decode(data)


def plain(value: object) -> object:
    """The value with mappings, tuples and typed names made plain, ready for the encoder."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    if isinstance(value, Mapping):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [plain(item) for item in value]
    raise InvalidValue(
        "value.unsupported", f"{type(value).__name__} is not a value of the ledger", _VALUES_HINT
    )


def jsonable(value: object) -> Any:
    """The value for JSON at the edge: bytes become `0x…`, everything else keeps its shape."""
    if isinstance(value, bytes | bytearray):
        return "0x" + bytes(value).hex()
    if isinstance(value, Mapping):
        return {str(key): jsonable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(item) for item in value]
    return value


_PLAIN = frozenset({type(None), bool, int, str, bytes})
_VALUES_HINT = (
    "use None, bool, int, str, bytes, lists and mappings with text keys; "
    "amounts are whole numbers of the smallest unit, never floats"
)


class Row(dict[str, Any]):
    """A record as a mapping with fields as attributes, shown as the contract names it."""

    __slots__ = ("_kind",)

    def __init__(self, fields: Mapping[str, Any], kind: str = "Row") -> None:
        """`kind` is the record's name in the contract."""
        super().__init__(fields)
        self._kind = kind

    def __getattr__(self, name: str) -> Any:
        """A field."""
        try:
            return self[name]
        except KeyError:
            fields = ", ".join(sorted(self))
            raise AttributeError(f"{self._kind} has no field {name!r}; it has {fields}") from None

    def __repr__(self) -> str:
        """As the contract's source would write it."""
        inner = ", ".join(f"{name}={value!r}" for name, value in self.items())
        return f"{self._kind}({inner})"
