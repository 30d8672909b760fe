"""Writing a chain to files, and re-executing such files as an outsider (formats.md, "Export")."""

import mmap
import shutil
from collections.abc import Iterator
from pathlib import Path

from lianheng import _native
from lianheng.ledger._backend import Backend, Progress
from lianheng.model import (
    Damaged,
    Height,
    InvalidValue,
    NotFound,
    UsageError,
    decode,
    encode,
    limits,
    native_errors,
)

GENESIS_NAME = "genesis.cbor"
HEADERS_NAME = "headers.cbors"
STATE_NAME = "carried.state"
"""The state that the chain began with, where it continues another one."""


def blocks_name(first: int) -> str:
    """Name of the file whose first block has this height."""
    return f"blocks-{first:012d}.cbors"


def export_chain(
    backend: Backend, folder: Path, progress: Progress | None = None, state: Path | None = None
) -> Height:
    """Write genesis, headers and blocks into a new or empty folder; return the last height.

    The last block is the last one with a seal: in a network seals come a moment after their
    blocks. The bytes are equal for equal chains, but for the seals of a network. `state` is the
    file of the state that a continuing chain began with: who replays it needs that, too. Raise
    `UsageError` where the folder holds something.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise UsageError(
            "usage.folder_not_empty", f"{folder} is not empty", "export into a new folder"
        )
    last = _last_sealed(backend)
    (folder / GENESIS_NAME).write_bytes(backend.genesis_file())
    if state is not None:
        shutil.copyfile(state, folder / STATE_NAME)
    with (folder / HEADERS_NAME).open("wb") as headers:
        first = 1
        while first <= last:
            end = min(first + limits.EXPORT_BLOCKS_PER_FILE - 1, last)
            with (folder / blocks_name(first)).open("wb") as blocks:
                for height, data in _blocks(backend, first, end):
                    blocks.write(data)
                    parts = decode(data)
                    headers.write(encode([parts[1], parts[2]]))
                    if progress is not None:
                        progress(height, last)
            first = end + 1
    return Height(last)


def _last_sealed(backend: Backend) -> int:
    height = backend.head()[0]
    while height > 0:
        found = backend.header(height)
        if found is not None and found[1] is not None:
            break
        height -= 1
    return height


def _blocks(backend: Backend, first: int, last: int) -> Iterator[tuple[int, bytes]]:
    height = first
    while height <= last:
        page = backend.blocks(height, min(limits.BLOCKS_PAGE, last - height + 1))
        if not page:
            raise Damaged(
                "ledger.block_missing", f"block {height} is not there", "run lianheng fsck"
            )
        for data in page:
            yield height, data
            height += 1


def replay_export(folder: Path, progress: Progress | None = None) -> Height:
    """Re-execute exported blocks from the genesis on, comparing every header byte.

    Headers and seals of the header file are compared with those of the blocks. Return the last
    height. Raise `NotFound` where it is not an export, `InvalidValue` or `Damaged` naming the
    first block that does not follow.
    """
    genesis_file, headers_file = folder / GENESIS_NAME, folder / HEADERS_NAME
    try:
        genesis = genesis_file.read_bytes()
        headers_file.stat()
    except OSError as failure:
        raise NotFound(
            "replay.not_an_export",
            f"{failure.filename}: {failure.strerror}",
            "name a folder that lianheng export wrote",
        ) from failure
    with native_errors():
        state = folder / STATE_NAME
        replay = _native.replay_open(genesis, str(state) if state.exists() else None)
    files = sorted(folder.glob("blocks-*.cbors"))
    headers = read_sequence(headers_file)
    expected = 1
    for number, file in enumerate(files, start=1):
        if file.name != blocks_name(expected):
            raise NotFound("replay.gap", f"{blocks_name(expected)} is missing, {file.name} follows")
        for block in read_sequence(file):
            with native_errors():
                replay.apply(block)
            _compare_header(replay.height, _header_and_seal(block, file), next(headers, None))
        expected = replay.height + 1
        if progress is not None:
            progress(number, len(files))
    if next(headers, None) is not None:
        raise _headers_differ(f"it holds more than the {replay.height:,} headers of the blocks")
    return Height(replay.height)


def _header_and_seal(block: bytes, file: Path) -> bytes:
    # The second and third item of a block that the core took, without decoding the large rest.
    start = _item_end(block, _ARRAY_HEAD_BYTES, file)
    end = _item_end(block, _item_end(block, start, file), file)
    return _PAIR_HEAD + block[start:end]


def _compare_header(height: int, expected: bytes, found: bytes | None) -> None:
    if found == expected:
        return
    if found is None:
        raise _headers_differ(f"the header of block {height} is not in it")
    pair, wanted = decode(found), decode(expected)
    if not isinstance(pair, list) or len(pair) != len(wanted):
        raise _headers_differ(f"what stands for block {height} is no header with its seal")
    name = "header" if pair[0] != wanted[0] else "seal"
    raise _headers_differ(f"the {name} of block {height} is not the one in the block")


def _headers_differ(what: str) -> Damaged:
    return Damaged("replay.headers_differ", f"{HEADERS_NAME}: {what}", "export the chain again")


def read_sequence(file: Path) -> Iterator[bytes]:
    """The items of a CBOR sequence (RFC 8742), each still encoded."""
    if file.stat().st_size == 0:
        return
    with file.open("rb") as handle, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as data:
        offset = 0
        while offset < len(data):
            end = _item_end(data, offset, file)
            yield data[offset:end]
            offset = end


_ARRAY_HEAD_BYTES = 1
_PAIR_HEAD = b"\x82"
_SHORT = 24
_LONGEST_ADDITIONAL = 27
_UINT, _NEGATIVE, _BYTES, _TEXT, _ARRAY, _MAP, _TAG, _SIMPLE = range(8)


def _item_end(data: mmap.mmap | bytes, start: int, file: Path) -> int:
    # Only the lengths are followed here; the core checks every byte when it decodes the item.
    offset, waiting = start, 1
    while waiting:
        if offset >= len(data):
            raise _cut(file, start)
        major, additional = divmod(data[offset], 32)
        offset += 1
        if additional < _SHORT:
            argument = additional
        elif additional <= _LONGEST_ADDITIONAL:
            size = 1 << (additional - _SHORT)
            argument = int.from_bytes(data[offset : offset + size], "big")
            offset += size
        else:
            raise InvalidValue(
                "cbor.unsupported", f"{file}: indefinite length at byte {offset - 1:,}"
            )
        waiting -= 1
        if major in (_BYTES, _TEXT):
            offset += argument
        elif major == _ARRAY:
            waiting += argument
        elif major == _MAP:
            waiting += 2 * argument
        elif major == _TAG:
            waiting += 1
    if offset > len(data):
        raise _cut(file, start)
    return offset


def _cut(file: Path, start: int) -> InvalidValue:
    return InvalidValue(
        "cbor.truncated",
        f"{file}: the item at byte {start:,} is cut off",
        "export the chain again",
    )
