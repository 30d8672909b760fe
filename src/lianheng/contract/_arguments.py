"""Checks of arguments that the helpers share, with the texts that the VM gives."""

from collections.abc import Sequence
from typing import Any

INTEGER_BITS = 4_096
"""Magnitude of an integer, in bits: the VM's limit."""

SHOWN_CHARACTERS = 40
"""Characters of a text that an error shows."""


def wrong_type(function: str, name: str, expected: str, value: object) -> TypeError:
    """The error of an argument that has another type."""
    given = type(value).__name__
    return TypeError(f"{function}() argument '{name}' must be {expected}, not {given}")


def check_int(function: str, name: str, value: object) -> None:
    """Raise TypeError unless `value` is an int; a bool is none here."""
    if type(value) is not int:
        raise wrong_type(function, name, "int", value)


def check_ints(function: str, **values: object) -> None:
    """Raise TypeError for the first of `values` that is no int."""
    for name, value in values.items():
        check_int(function, name, value)


def check_str(function: str, name: str, value: object) -> None:
    """Raise TypeError unless `value` is a str."""
    if type(value) is not str:
        raise wrong_type(function, name, "str", value)


def check_bytes(function: str, name: str, value: object) -> None:
    """Raise TypeError unless `value` is bytes."""
    if type(value) is not bytes:
        raise wrong_type(function, name, "bytes", value)


def check_items(function: str, name: str, value: object) -> Sequence[Any]:
    """Give the items of a list or tuple; TypeError for anything else."""
    if not isinstance(value, list | tuple):
        raise wrong_type(function, name, "list", value)
    return value


def capped(value: int) -> int:
    """Give `value`; OverflowError beyond the magnitude that the chain's integers have."""
    if value.bit_length() > INTEGER_BITS:
        raise OverflowError(f"the integer has more than {INTEGER_BITS} bits")
    return value


def shown(text: str) -> str:
    """The start of a text, quoted, for an error."""
    return repr(text[:SHOWN_CHARACTERS])
