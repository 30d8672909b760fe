"""An application that accepts everything and remembers a number: for benches and transport tests.

Its app hash is the SHA-256 of how many blocks had transactions, so an idle chain rests. It keeps
nothing on disk: CometBFT replays all blocks to a new one.
"""

import hashlib
import threading

from lianheng.consensus.cometbft import _messages as m


class NoopApplication:
    """Counts blocks with transactions, transactions and bytes."""

    def __init__(self) -> None:
        """At height 0, as a new chain has it."""
        self._lock = threading.Lock()
        self.height = 0
        self.full_blocks = 0
        self.transactions = 0
        self.transaction_bytes = 0

    @property
    def app_hash(self) -> bytes:
        """After the last decided block."""
        return hashlib.sha256(self.full_blocks.to_bytes(8, "big")).digest()

    def info(self, request: m.Info) -> m.InfoAnswer:
        """The last height of this process."""
        with self._lock:
            app_hash = self.app_hash if self.height else b""
            return m.InfoAnswer("noop", request.version, 1, self.height, app_hash)

    def init_chain(self, _: m.InitChain) -> m.InitChainAnswer:
        """Any genesis is good."""
        return m.InitChainAnswer(self.app_hash)

    def query(self, _: m.Query) -> m.QueryAnswer:
        """How many transactions there were, in decimal."""
        return m.QueryAnswer(value=str(self.transactions).encode(), height=self.height)

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
        """Count it."""
        with self._lock:
            self.height = request.height
            self.full_blocks += bool(request.txs)
            self.transactions += len(request.txs)
            self.transaction_bytes += sum(map(len, request.txs))
            return m.FinalizeBlockAnswer(len(request.txs), self.app_hash)

    def commit(self) -> m.CommitAnswer:
        """Nothing to keep."""
        return m.CommitAnswer()
