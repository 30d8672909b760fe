"""Printing of what a file says, so that no byte of it acts on the terminal.

Control characters, bidirectional overrides, invisible and unassigned characters are shown as
escapes; long texts, numbers and values are cut, and the cut is shown.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final

from lianheng_verify import _limits as limits

if TYPE_CHECKING:
    from lianheng_verify._cbor import Value

_SHOWN_BITS: Final = 256
_SHOWN_BYTES: Final = 32


def safe(text: str) -> str:
    """The text with everything but visible characters and single spaces escaped."""
    return "".join(_safe_character(character) for character in text)


def _safe_character(character: str) -> str:
    if character == " " or (
        unicodedata.category(character)[0] not in "CZ" and unicodedata.category(character) != "Me"
    ):
        return character
    return f"\\u{{{ord(character):x}}}"


def short_hash(data: bytes) -> str:
    """First and last two bytes, as people compare them."""
    return f"{data[:2].hex()}…{data[-2:].hex()}"


def quoted(text: str) -> str:
    """The text in quotes, safe and cut to a length that fits a line or two."""
    cut = text[: limits.SHOWN_TEXT]
    inside = safe(cut.replace("\\", "\\\\").replace("'", "\\'"))
    more = len(text) - len(cut)
    return f"'{inside}'" + (f"… ({more} more characters)" if more else "")


def shown(value: Value) -> str:
    """A value in the notation of Python, safe and cut."""
    return _cut(_shown(value))


def call(contract: str, method: str, arguments: dict[str, Value]) -> str:
    """A call as its author wrote it."""
    inside = ", ".join(f"{_name(key)}={_shown(item)}" for key, item in arguments.items())
    return f"{contract}.{method}({_cut(inside)})"


def _cut(text: str) -> str:
    if len(text) <= limits.SHOWN_VALUE:
        return text
    return f"{text[: limits.SHOWN_VALUE]}… ({len(text) - limits.SHOWN_VALUE} more characters)"


def _name(key: str) -> str:
    return key if key.isidentifier() and key.isascii() else quoted(key)


def _shown(value: Value) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, int):
        return str(value) if value.bit_length() <= _SHOWN_BITS else hex(value)
    if isinstance(value, bytes):
        more = len(value) - _SHOWN_BYTES
        return f"h'{value[:_SHOWN_BYTES].hex()}'" + (f"… ({more} more bytes)" if more > 0 else "")
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, list):
        return "[" + ", ".join(_shown(item) for item in value) + "]"
    return "{" + ", ".join(f"{_shown(k)}: {_shown(item)}" for k, item in value.items()) + "}"
