"""An export of a network's ledger ends where the seals do."""

from pathlib import Path
from typing import Any, cast

import pytest

from lianheng.ledger import Backend
from lianheng.ledger._export import export_chain
from lianheng.model import encode


class Blocks:
    """The few operations that an export needs, over blocks of which only some have a seal."""

    def __init__(self, last: int, sealed: set[int]) -> None:
        self.last = last
        self.sealed = sealed

    def head(self) -> tuple[int, int]:
        return self.last, 0

    def genesis_file(self) -> bytes:
        return b"genesis"

    def header(self, height: int) -> tuple[bytes, bytes | None]:
        return b"header %d" % height, b"seal" if height in self.sealed else None

    def blocks(self, first: int, limit: int) -> list[bytes]:
        return [self._block(h) for h in range(first, min(first + limit, self.last + 1))]

    def _block(self, height: int) -> bytes:
        seal: Any = ["seal"] if height in self.sealed else None
        return encode(["lianheng.block.1", b"header %d" % height, seal, [], []])


@pytest.mark.parametrize(
    ("last", "sealed", "ends"),
    [(5, {1, 2, 3, 4, 5}, 5), (5, {1, 2, 3}, 3), (5, {1, 3}, 3), (3, set(), 0), (0, set(), 0)],
)
def test_the_last_block_is_the_last_sealed_one(
    tmp_path: Path, last: int, sealed: set[int], ends: int
) -> None:
    backend = cast("Backend", Blocks(last, sealed))
    assert export_chain(backend, tmp_path / "export") == ends
    headers = (tmp_path / "export" / "headers.cbors").read_bytes()
    assert headers.count(b"header ") == ends
