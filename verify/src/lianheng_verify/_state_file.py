"""A chain's state as a file: a header, then every row of the state that it commits to, in order."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, BinaryIO, Final

from lianheng_verify import _limits as limits
from lianheng_verify._errors import UnreadableError, VerificationError
from lianheng_verify._hashes import digest
from lianheng_verify._header import Header, parse_header
from lianheng_verify._state import EMPTY, INNER, leaf_node

if TYPE_CHECKING:
    from collections.abc import Iterator

FORMAT: Final = b"lianheng.state.1"
_PAIR: Final = 0x82
_BYTES: Final = 0x40
_TEXT: Final = 0x60
_SHORT: Final = 24
_WIDTHS: Final = {24: 1, 25: 2, 26: 4}
_SMALLEST: Final = {24: 24, 25: 1 << 8, 26: 1 << 16}
_KEY_BITS: Final = 256


class StateFile:
    """A file that is being read; `header` is the one that it names. Rows are read once."""

    def __init__(self, stream: BinaryIO) -> None:
        """Reads the header. Raises UnreadableError where this is no state file."""
        self._stream = stream
        first = self._pair(_TEXT)
        if first is None or first[0] != FORMAT:
            raise _refused("it does not begin as one")
        self.header: Header = parse_header(first[1], "state file: header")

    def rows(self) -> Iterator[tuple[bytes, bytes]]:
        """Flat keys and values, which ascend. Raises UnreadableError."""
        last = b""
        while (row := self._pair(_BYTES)) is not None:
            if row[0] <= last:
                raise _refused("its rows do not ascend")
            last = row[0]
            yield row

    def _pair(self, major: int) -> tuple[bytes, bytes] | None:
        begin = self._stream.read(1)
        if not begin:
            return None
        if begin[0] != _PAIR:
            raise _refused("it holds something that is no pair")
        return self._string(major), self._string(_BYTES)

    def _string(self, major: int) -> bytes:
        (first,) = self._exactly(1)
        length = first - major
        if not 0 <= length < _SHORT:
            width = _WIDTHS.get(length)
            if width is None:
                raise _refused("a length is not written as the format has it")
            argument = int.from_bytes(self._exactly(width), "big")
            if argument < _SMALLEST[length] or argument > limits.STATE_VALUE_BYTES:
                raise _refused("a length is not written as the format has it")
            length = argument
        return self._exactly(length)

    def _exactly(self, count: int) -> bytes:
        data = self._stream.read(count)
        if len(data) != count:
            raise _refused("it is cut off")
        return data


def _refused(why: str) -> UnreadableError:
    return UnreadableError("state_file.malformed", f"state file: {why}", "ask for the file again")


def verify_state_file(file: StateFile) -> int:
    """That the rows are exactly the state of the file's header; gives their number.

    Raises UnreadableError, VerificationError (`state_file.root`).
    """
    leaves = sorted((digest(key), digest(value)) for key, value in file.rows())
    keys = [key for key, _ in leaves]
    found = _root(leaves, keys, 0, len(leaves), 0)
    wanted = file.header.state_root
    if found != wanted:
        raise VerificationError(
            "state_file.root",
            f"its {len(leaves)} rows have the state root {found.hex()[:8]}…, "
            f"block {file.header.height} says {wanted.hex()[:8]}…",
            "a row was changed, added or left out: ask for the file again",
        )
    return len(leaves)


def _root(
    leaves: list[tuple[bytes, bytes]], keys: list[bytes], low: int, high: int, depth: int
) -> bytes:
    """The root of the tree over these leaves, which agree in their first `depth` bits."""
    if high - low <= 1:
        return leaf_node(*leaves[low]) if high > low else EMPTY
    prefix = int.from_bytes(keys[low], "big") >> (_KEY_BITS - depth) if depth else 0
    middle = ((prefix << 1 | 1) << (_KEY_BITS - 1 - depth)).to_bytes(_KEY_BITS // 8, "big")
    split = bisect_left(keys, middle, low, high)
    left = _root(leaves, keys, low, split, depth + 1)
    return digest(INNER + left + _root(leaves, keys, split, high, depth + 1))
