"""A validator's ledger operations: the core's own, where evidence waits for its seal.

A result is final one block before its seal is there. Who asks for a receipt in between waits for
the seal, a few seconds at most, instead of being sent away.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lianheng.ledger import EngineBackend, Sequencer
from lianheng.model import LianhengError, limits

if TYPE_CHECKING:
    from lianheng._native import Engine

_NOT_YET = "seal.not_yet"


class Seals(Protocol):
    """What this needs of who fetches seals. `seals.SealKeeper` is one."""

    def wait(self, height: int, seconds: float) -> None:
        """Return once the header of this height has its seal, or the time has passed."""


class NetworkBackend(EngineBackend):
    """The operations of a validator's node."""

    def __init__(
        self,
        engine: "Engine",
        sequencer: Sequencer,
        seals: Seals,
        report: Callable[[], Mapping[str, Any]],
    ) -> None:
        """`report` gives the figures of consensus for `status`."""
        super().__init__(engine, sequencer)
        self._seals = seals
        self._report = report

    def receipt(self, transaction: bytes, anchor: bytes | None) -> bytes:
        """Evidence of a transaction and its result; raise `seal.not_yet` where no seal comes."""
        place = self.locate(transaction)
        return self._sealed(lambda: EngineBackend.receipt(self, transaction, anchor), place)

    def prove(self, contract: str, table: str, key: Sequence[Any], anchor: bytes | None) -> bytes:
        """Evidence of a row, or of its absence; raise `seal.not_yet` where no seal comes."""
        return self._sealed(lambda: EngineBackend.prove(self, contract, table, key, anchor))

    def header_file(self, height: int) -> bytes:
        """A header as trust anchor; raise `seal.not_yet` where no seal comes."""
        return self._sealed(lambda: EngineBackend.header_file(self, height), (height,))

    def status(self) -> Mapping[str, Any]:
        """Figures of the core, of the gatherer, and of consensus."""
        return {**super().status(), "consensus": dict(self._report())}

    def _sealed(self, make: Callable[[], bytes], place: Sequence[int] | None = None) -> bytes:
        deadline = time.monotonic() + limits.SEAL_WAIT_SECONDS
        while True:
            # A proof is of the last header, which may be another one after waiting.
            height = self.head()[0] if place is None else place[0]
            try:
                return make()
            except LianhengError as failure:
                left = deadline - time.monotonic()
                if failure.code != _NOT_YET or left <= 0:
                    raise
            self._seals.wait(height, left)
