"""An application that accepts everything and remembers a number: for benches and transport tests.

Its app hash is the SHA-256 of how many blocks had transactions, so an idle chain rests. It keeps
nothing on disk: CometBFT replays all blocks to a new one.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from lianheng.consensus.cometbft import _messages as m


@dataclass(frozen=True, slots=True)
class Counts:
    """What the blocks up to a height had."""

    height: int = 0
    full_blocks: int = 0
    transactions: int = 0
    transaction_bytes: int = 0

    def after(self, height: int, txs: Sequence[bytes]) -> "Counts":
        """With one more block."""
        return Counts(
            height,
            self.full_blocks + bool(txs),
            self.transactions + len(txs),
            self.transaction_bytes + sum(map(len, txs)),
        )

    @property
    def app_hash(self) -> bytes:
        """Changes with blocks that have transactions only."""
        return hashlib.sha256(self.full_blocks.to_bytes(8, "big")).digest()


class NoopApplication:
    """Counts; `committed` is what it has."""

    def __init__(self) -> None:
        """At height 0, as a new chain has it."""
        self.committed = Counts()
        self._decided = self.committed

    def info(self, request: m.Info) -> m.InfoAnswer:
        """The last committed height: a decided block that was not committed will come again."""
        now = self.committed
        app_hash = now.app_hash if now.height else b""
        return m.InfoAnswer("noop", request.version, 1, now.height, app_hash)

    def init_chain(self, _: m.InitChain) -> m.InitChainAnswer:
        """Any genesis is good."""
        return m.InitChainAnswer(self.committed.app_hash)

    def query(self, _: m.Query) -> m.QueryAnswer:
        """How many transactions there were, in decimal."""
        now = self.committed
        return m.QueryAnswer(value=str(now.transactions).encode(), height=now.height)

    def check_tx(self, _: m.CheckTx) -> m.CheckTxAnswer:
        """Anything may enter."""
        return m.CheckTxAnswer(0)

    def prepare_proposal(self, request: m.PrepareProposal) -> m.PrepareProposalAnswer:
        """As many as fit, in the mempool's order; CometBFT counts some bytes beside each."""
        chosen, room = [], request.max_tx_bytes
        for tx in request.txs:
            room -= len(tx) + m.framing_bytes(len(tx))
            if room < 0:
                break
            chosen.append(tx)
        return m.PrepareProposalAnswer(chosen)

    def process_proposal(self, _: m.ProcessProposal) -> m.ProcessProposalAnswer:
        """Any proposal is good."""
        return m.ProcessProposalAnswer(accept=True)

    def finalize_block(self, request: m.FinalizeBlock) -> m.FinalizeBlockAnswer:
        """Count it, beside what is committed."""
        self._decided = self.committed.after(request.height, request.txs)
        return m.FinalizeBlockAnswer(len(request.txs), self._decided.app_hash)

    def commit(self) -> m.CommitAnswer:
        """Keep the counts, in memory."""
        self.committed = self._decided
        return m.CommitAnswer()
