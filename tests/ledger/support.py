"""A ledger with a clock that a test sets, and signers that may lie about everything."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.rooms import People, genesis, people

from lianheng.consensus import BlockClock, create_ledger
from lianheng.ledger import Ledger
from lianheng.members import CallSigner, Identity
from lianheng.model import ChainName, Hash32, HeaderHash, Result, SignedTransaction, limits

START_MS = 1_800_000_000_000


@dataclass
class Bench:
    """A ledger under test."""

    ledger: Ledger
    them: People
    now_ms: list[int] = field(default_factory=lambda: [START_MS])

    def sign(
        self,
        signers: Identity | Sequence[Identity],
        target: str = "toolshed.add",
        arguments: dict[str, Any] | None = None,
        *,
        chain: str | None = None,
        genesis_hash: HeaderHash | None = None,
        now_ms: int | None = None,
        random: bytes | None = None,
        **options: Any,
    ) -> SignedTransaction:
        signer = CallSigner(
            ChainName(chain or self.ledger.chain),
            genesis_hash or self.ledger.genesis_hash,
            lambda: self.now_ms[0] if now_ms is None else now_ms,
            *([] if random is None else [lambda: random]),
        )
        return signer.sign(signers, target, arguments or {"id": "crane-7"}, **options)

    def submit(self, transaction: bytes) -> Result:
        return self.ledger.submit(transaction).one(10)

    def call(self, identity: Identity, target: str, **arguments: Any) -> Result:
        return self.submit(self.sign(identity, target, arguments))

    def state_root(self) -> Hash32:
        if self.ledger.height == 0:
            return self.ledger.genesis.header.state_root
        return self.ledger.block(self.ledger.height).header.state_root


def make_bench(path: Path | None = None, *, parameters: dict[str, int] | None = None) -> Bench:
    them = people()
    now = [START_MS]
    document = genesis(them, time_ms=START_MS, parameters=parameters)
    # Both clocks are the test's: time passes only where a test says so.
    clock = BlockClock(lambda: now[0], lambda: now[0])
    ledger = create_ledger(path, document, sealer=them.sealer, clock=clock)
    return Bench(ledger, them, now)


LONGEST_MS = limits.REPLAY_HORIZON_MS
