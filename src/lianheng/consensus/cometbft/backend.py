"""A validator's ledger operations: the core's own, where evidence waits for its seal.

A result is final one block before its seal is there. Who asks for a receipt in between waits for
the seal, a few seconds at most, instead of being sent away. What proves rows is made at once, of
the last block there is, and gets its seal when that comes: under load there is always a newer one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lianheng.ledger import EngineBackend, Sequencer
from lianheng.model import (
    Header,
    LianhengError,
    TimedOut,
    decode,
    encode,
    limits,
    native_errors,
    plain,
)

if TYPE_CHECKING:
    from lianheng._native import Engine

_NOT_YET = "seal.not_yet"


class Seals(Protocol):
    """What this needs of who fetches seals. `seals.SealKeeper` is one."""

    def wait(self, height: int, seconds: float) -> None:
        """Return once the header of this height has its seal; raise `seal.not_yet` in time."""


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

    def receipt(self, transaction: bytes, anchor: bytes | None, *, members: bool = False) -> bytes:
        """Evidence of a transaction and its result; raise `seal.not_yet` where no seal comes."""
        place = self.locate(transaction)
        receipt = self._sealed(
            lambda: self._unsealed_receipt(transaction, anchor, members=members),
            place[0] if place else None,
        )
        fields = decode(receipt)
        # Who signed may be proved by the state after a later block than the receipt's own.
        proof = fields.get("members", {})
        later = proof.get("at")
        if later is None or later["seal"] is not None:
            return receipt
        return encode({**fields, "members": {**proof, "at": self._with_seal(later)}})

    def prove(self, contract: str, table: str, key: Sequence[Any], anchor: bytes | None) -> bytes:
        """Evidence of a row, or of its absence; raise `seal.not_yet` where no seal comes."""
        parts: list[Any] = [plain(part) for part in key]

        def unsealed() -> bytes:
            with native_errors():
                return self._open.prove(contract, table, parts, anchor, sealed=False)

        # Right behind a change of the set the seal before it is needed, too.
        proof = self._sealed(unsealed, max(0, self._open.height - 1))
        fields = decode(proof)
        if fields["seal"] is not None or Header.from_bytes(fields["header"]).height == 0:
            return proof
        return encode(self._with_seal(fields))

    def header_file(self, height: int) -> bytes:
        """A header as trust anchor; raise `seal.not_yet` where no seal comes."""
        return self._sealed(lambda: EngineBackend.header_file(self, height), height)

    def status(self) -> Mapping[str, Any]:
        """Figures of the core, of the gatherer, and of consensus."""
        return {**super().status(), "consensus": dict(self._report())}

    def _unsealed_receipt(
        self, transaction: bytes, anchor: bytes | None, *, members: bool
    ) -> bytes:
        with native_errors():
            return self._open.receipt(transaction, anchor, members=members, sealed=False)

    def _with_seal(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The same fields with the seal of their header, which is waited for."""
        height = Header.from_bytes(fields["header"]).height
        self._seals.wait(height, limits.SEAL_WAIT_SECONDS)
        found = self.header(height)
        if found is None or found[1] is None:
            raise TimedOut(_NOT_YET, f"block {height} has no seal yet", "ask again in a moment")
        return {**fields, "seal": decode(found[1])}

    def _sealed(self, make: Callable[[], bytes], height: int | None) -> bytes:
        try:
            return make()
        except LianhengError as failure:
            if failure.code != _NOT_YET or height is None:
                raise
        self._seals.wait(height, limits.SEAL_WAIT_SECONDS)
        return make()
