"""A throw-away chain with accounts, and its transfers, signed before the clock starts."""

import random
import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianheng import _native
from lianheng.model import limits

if TYPE_CHECKING:
    from lianheng import Ledger
    from lianheng.members import Identity
    from lianheng.model import Result, SignedTransaction

ORGANISATIONS = ("east", "north", "south", "west")
MEMBERS_EACH = 16
OPENED_AT_ONCE = 1_000  # rows that one set-up transaction writes
OPENED_TOGETHER = 50  # set-up transactions submitted in one batch
START_BALANCE = 1_000_000_000
TRANSFER_GAS = 100_000
EXPIRY_MS = 590_000  # just below the replay horizon
CONTRACT = "accounts"
HOT = 0


@dataclass(frozen=True, slots=True)
class Chain:
    """A ledger with this many accounts; account n belongs to organisation n % 4."""

    ledger: "Ledger"
    members: "Sequence[Identity]"
    accounts: int
    document: bytes = b""  # of the genesis

    def owner(self, account: int) -> str:
        """The organisation of an account."""
        return ORGANISATIONS[account % len(ORGANISATIONS)]

    def holder(self, account: int, turn: int) -> "Identity":
        """One of the members of the account's organisation, in turn."""
        index = account % len(ORGANISATIONS) + len(ORGANISATIONS) * (turn % MEMBERS_EACH)
        return self.members[index]


def create(
    folder: Path | None,
    accounts: int,
    *,
    parameters: Mapping[str, int] | None = None,
    source: str | None = None,
) -> Chain:
    """A new chain in this folder (None: in memory); no account is open yet.

    `source` stands in the place of the contract's own.
    """
    from lianheng import create_ledger
    from lianheng.members import Genesis, Identity, MemberSpec
    from lianheng.model import ContractSource
    from lianheng.system import contracts as system_contracts

    members = [
        Identity.generate(f"m{n}@{org}", development=True)
        for n in range(MEMBERS_EACH)
        for org in ORGANISATIONS
    ]
    sealer = Identity.generate(f"sequencer@{ORGANISATIONS[0]}", development=True)
    source = own_source() if source is None else source
    genesis = Genesis.create(
        chain="bench",
        organisations=ORGANISATIONS,
        members=[MemberSpec(m.member, m, roles=["operator"]) for m in members],
        sealer=sealer,
        time_ms=time.time_ns() // 1_000_000,
        contracts=[*system_contracts(), ContractSource(CONTRACT, "accounts.py", source)],
        parameters=parameters,
    )
    ledger = create_ledger(folder, genesis, sealer=sealer)
    return Chain(ledger, members, accounts, genesis.encoded)


def own_source() -> str:
    """The contract of accounts and transfers."""
    return Path(__file__).with_name("accounts.py").read_text(encoding="utf-8")


def open_accounts(chain: Chain) -> None:
    """Opens them through ordinary calls; raises where one does not succeed."""
    signed = openings(chain)
    for begin in range(0, len(signed), OPENED_TOGETHER):
        for result in chain.ledger.submit(signed[begin : begin + OPENED_TOGETHER]).wait():
            result.checked()


def openings(chain: Chain) -> "list[SignedTransaction]":
    """Signed calls that open all accounts."""
    step = OPENED_AT_ONCE
    pairs = [
        (chain.holder(first, first // step), {"first": first, "count": min(step, left)})
        for first in range(0, chain.accounts, step)
        if (left := chain.accounts - first)
    ]
    return [
        chain.ledger.sign(
            member,
            f"{CONTRACT}.open",
            {**arguments, "balance": START_BALANCE},
            gas=limits.TRANSACTION_GAS,
        )
        for member, arguments in pairs
    ]


def call(chain: Chain, member: "Identity", method: str, arguments: Mapping[str, int]) -> "Result":
    """One call by a member of the chain; raises where it is not final."""
    signed = chain.ledger.sign(
        member, f"{CONTRACT}.{method}", arguments, gas=limits.TRANSACTION_GAS
    )
    return chain.ledger.submit(signed).one().checked()


def sum_of_balances(chain: Chain) -> int:
    """Over all accounts; transfers never change it."""
    return sum(row.value["balance"] for row in chain.ledger.table(CONTRACT, "accounts"))


def transfers(accounts: int, count: int, *, hot: bool, seed: int = 7) -> Iterator[tuple[int, int]]:
    """Payers and payees, at random; all into and out of one account where `hot`."""
    chance = random.Random(seed)  # noqa: S311 - a repeatable workload, no secret
    for turn in range(count):
        source, to = chance.sample(range(accounts), 2)
        if hot:
            source, to = (HOT, to or 1) if turn % 2 else (source or 1, HOT)
        yield source, to


def sign_transfers(chain: Chain, count: int, *, hot: bool) -> list[bytes]:
    """Signed transfers between accounts."""
    expires = time.time_ns() // 1_000_000 + EXPIRY_MS
    seeds, payloads = [], []
    for turn, (source, to) in enumerate(transfers(chain.accounts, count, hot=hot)):
        member = chain.holder(source, turn)
        payloads.append(payload(chain, member, source, to, expires))
        seeds.append(member.seed)
    return _native.sign_many(seeds, payloads, chain.ledger.genesis_hash)


def payload(chain: Chain, member: "Identity", source: int, to: int, expires: int) -> bytes:
    """A transaction's payload (docs/protocol/formats.cddl, "payload")."""
    fields: dict[Any, Any] = {
        1: str(chain.ledger.chain),
        2: str(member.member),
        3: [bytes(member.key_id)],
        4: CONTRACT,
        5: "transfer",
        6: {"amount": 1, "source": source, "to": to},
        7: expires,
        8: secrets.token_bytes(limits.TRANSACTION_RANDOM_BYTES),
        9: TRANSFER_GAS,
    }
    return _native.cbor_encode(fields)
