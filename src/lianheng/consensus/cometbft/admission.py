"""Which envelopes count, which of them this node takes into its mempool, and which it proposes.

Whether an envelope counts is a matter of its bytes and the head's state; every validator finds the
same. What enters the mempool is this node's own choice: it may use the clock, and what it saw of
who sends. The cheap checks come first: what the head alone tells costs no signature.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from lianheng import _native
from lianheng.consensus.clock import Clock
from lianheng.consensus.cometbft._core import ConsensusEngine, OpenedEnvelope
from lianheng.consensus.cometbft.pool import EnvelopePool
from lianheng.consensus.cometbft.proposal import Candidate, GasMeans
from lianheng.consensus.cometbft.ticks import check_tick, is_tick
from lianheng.ledger import read_closing
from lianheng.model import LedgerError, LianhengError, limits, native_errors


class Admission:
    """Opens envelopes, each once, and says no with a reason. Thread safe."""

    def __init__(
        self,
        engine: ConsensusEngine,
        pool: EnvelopePool[Any],
        parameters: Mapping[str, int],
        clock_ms: Clock,
    ) -> None:
        """The parameters are those of the genesis."""
        self._engine = engine
        self._pool = pool
        self._clock_ms = clock_ms
        # Of the last decided block, with or without header: what expired by it is dead, and would
        # keep an idle chain making empty blocks if it stayed in the mempool.
        self.block_time = engine.time
        self._largest = max(
            limits.ENVELOPE_BYTES, parameters["transaction_bytes"] + limits.ENVELOPE_HEAD_BYTES
        )

    def head(self, data: bytes) -> tuple[str, str, int, int, int]:
        """Node, organisation, expiry, gas and count, as an envelope's unchecked head has them."""
        with native_errors():
            return self._engine.envelope_head(data)

    def open(self, data: bytes) -> OpenedEnvelope:
        """The envelope, if it counts at the head's state. Raises where it does not."""
        known = self._pool.find(data)
        with native_errors():
            if known is not None:
                # Opened before; its key may have left since.
                self._engine.admit_envelope(known)
                return known  # type: ignore[no-any-return]
            envelope: OpenedEnvelope = self._engine.open_envelope(data)
        self._pool.add(data, envelope, self._clock_ms())
        return envelope

    def counting(self, data: bytes) -> OpenedEnvelope | None:
        """The envelope, or None where it does not count."""
        try:
            return self.open(data)
        except LianhengError as refused:
            only_envelope(refused)
            return None

    def check_new(self, data: bytes) -> None:
        """Take it into the mempool, or raise why not."""
        now = self._clock_ms()
        self._check_open()
        if is_tick(data):
            check_tick(data, self._engine, now)
            return
        if len(data) > self._largest:
            raise _refused("too_large", f"{len(data):,} bytes; at most {self._largest:,}")
        envelope = self._pool.find(data)
        if envelope is None:
            # What the head alone tells is cheap to refuse; a forged head refuses only itself.
            _, organisation, expires, _, _ = self.head(data)
            self._check_sender(data, organisation, expires, now)
            self._check_decided(_native.hash_bytes(data))
            envelope = self.open(data)
        else:
            with native_errors():
                self._engine.admit_envelope(envelope)
            self._check_sender(data, envelope.organisation, envelope.expires, now)
        if envelope.bad == envelope.count:
            raise _refused("nothing_good", f"none of its {envelope.count} can ever be ordered")
        self._check_decided(envelope.hash)
        self._check_not_replayed(envelope)
        self._pool.wait(data, envelope.organisation, envelope.expires)

    def check_again(self, data: bytes) -> None:
        """Keep it in the mempool after a block, or raise why not; cheap, whatever its size."""
        self._check_open()
        if is_tick(data):
            check_tick(data, self._engine, self._clock_ms())
            return
        _, organisation, expires, _, _ = self.head(data)
        if expires <= self.block_time:
            raise _expired(expires, self.block_time)
        self._pool.wait(data, organisation, expires)

    def _check_open(self) -> None:
        with native_errors():
            closing = read_closing(self._engine.closed)
        if closing is not None:
            raise _refused("chain_closed", f"the chain is {closing.sentence}", "read and prove it")

    def _check_sender(self, data: bytes, organisation: str, expires: int, now: int) -> None:
        latest = max(now, self.block_time)
        if expires <= latest:
            raise _expired(expires, latest)
        bad = self._pool.bad_lately(organisation, now)
        if bad:
            raise _refused(
                "bad_sender",
                f"{organisation} sent {bad:,} transactions lately that can never be ordered",
                "its nodes must drop these before they sign; it is heard again in a minute",
            )
        if not self._pool.has_room(data, organisation):
            raise _refused(
                "over_share",
                f"the share of {organisation} in this node's mempool is full",
                "send it again after the next block",
            )

    def _check_decided(self, digest: bytes) -> None:
        if self._pool.decided(digest):
            raise _refused("decided", "it was in a block already", "look its transactions up")

    def _check_not_replayed(self, envelope: OpenedEnvelope) -> None:
        # Anybody may send an old envelope again, in the name and in the share of who signed it.
        # An honest one is new with its first transaction: this looks no further there.
        if all(
            identity is None or self._engine.locate(identity) is not None
            for identity in envelope.prepared.ids()
        ):
            raise _refused(
                "replayed", "all its transactions were ordered already", "look them up by their ids"
            )

    def check_proposal(self, transactions: Sequence[bytes], time_ms: int) -> None:
        """Raise why this is no good proposal. Depends on nothing but it and the head's state."""
        if transactions:
            self._check_open()
        size, most = sum(map(len, transactions)), self._engine.block_room["block_bytes"]
        if len(transactions) > 1 and size > most:
            raise _refused("too_many", f"{size:,} bytes; a block has {most:,}")
        latest = max(time_ms, self._engine.time)
        seen: set[bytes] = set()
        for data in transactions:
            envelope = self.open(data)
            if envelope.hash in seen:
                raise _refused("twice", f"{envelope.hash.hex()} stands twice")
            seen.add(envelope.hash)
            if envelope.expires <= latest:
                raise _expired(envelope.expires, latest)

    def candidates(
        self, transactions: Sequence[bytes], time_ms: int, gas: GasMeans
    ) -> tuple[list[Candidate], list[int]]:
        """What of these may be proposed, each once; and where they stand."""
        latest = max(time_ms, self._engine.time)
        candidates: list[Candidate] = []
        positions: list[int] = []
        if self._engine.closed is not None:
            return candidates, positions
        seen: set[bytes] = set()
        for position, data in enumerate(transactions):
            if is_tick(data):
                continue
            envelope = self.counting(data)
            if (
                envelope is None
                or envelope.expires <= latest
                or envelope.hash in seen
                or self._pool.decided(envelope.hash)
            ):
                continue
            seen.add(envelope.hash)
            estimate = gas.estimate(envelope.organisation, envelope.count, envelope.gas)
            candidates.append(Candidate(envelope.organisation, len(data), envelope.count, estimate))
            positions.append(position)
        return candidates, positions


def _refused(word: str, message: str, hint: str = "") -> LianhengError:
    return LedgerError(f"envelope.{word}", message, hint)


def _expired(expires: int, latest: int) -> LianhengError:
    return _refused(
        "expired", f"its last transaction expired at {expires}, it is {latest} (ms)", "sign anew"
    )


def only_envelope(failure: LianhengError) -> None:
    """Raise again whatever does not speak of the envelope: the core itself failed."""
    if not failure.code.startswith("envelope."):
        raise failure
