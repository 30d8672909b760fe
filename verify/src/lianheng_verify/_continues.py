"""A genesis that continues another chain: that it begins where the old one was sealed last.

What it shows: the old header is sealed as your anchor's chain seals, and the new genesis names it
and who is left out. What it does not show: that those who are left out agreed, or that no other
chain continues the same one. The rows that the new chain begins with are re-derived by a replay.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lianheng_verify import _cbor
from lianheng_verify._anchor import HEADER_FORMAT, TrustAnchor, as_anchor, load_anchor
from lianheng_verify._checks import Check, run_checks
from lianheng_verify._errors import UnreadableError, VerificationError
from lianheng_verify._genesis import Genesis, parse_genesis
from lianheng_verify._header import parse_seal
from lianheng_verify._quorum import QuorumSeal, chain_id
from lianheng_verify._state_file import StateFile, verify_state_file
from lianheng_verify._steps import verify_steps

if TYPE_CHECKING:
    from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class VerifiedContinuation:
    """What is proved: chain `chain` with this genesis continues `old_chain` from a sealed block."""

    chain: str
    genesis_hash: bytes
    organisations: tuple[str, ...]
    old_chain: str
    old_genesis_hash: bytes
    height: int
    header_hash: bytes
    state_root: bytes
    without: tuple[str, ...]
    checks: tuple[Check, ...]


def verify_continuation(
    data: bytes, anchor: TrustAnchor | bytes, state: BinaryIO | None = None
) -> VerifiedContinuation:
    """Checks a genesis file against an anchor of the chain that it says it continues, offline.

    `state` is the file of the state that is carried over, read once. Raises UnreadableError where
    the bytes are no such genesis, VerificationError (`continues.*`, ...) where a check fails.
    """
    trusted = as_anchor(anchor)
    genesis = parse_genesis(data)
    continued = genesis.continues
    if continued is None:
        raise VerificationError(
            "continues.nothing",
            f"chain {genesis.header.chain} continues no other one",
            "give the genesis file of the chain that does",
        )
    old = load_anchor(continued.last)
    steps = [
        ("genesis", lambda: _say_genesis(genesis)),
        ("anchor", lambda: _check_anchor(old, trusted)),
        ("seal", lambda: _check_seal(continued.last, old, trusted)),
        ("without", lambda: _say_without(continued.without)),
    ]
    if state is not None:
        steps.append(("state", lambda: _check_state(state, old)))
    checks = run_checks(steps)
    header = old.header
    return VerifiedContinuation(
        genesis.header.chain,
        genesis.header.hash,
        genesis.organisations,
        header.chain,
        old.genesis_hash,
        header.height,
        header.hash,
        header.state_root,
        continued.without,
        checks,
    )


def _say_genesis(genesis: Genesis) -> str:
    header = genesis.header
    names = ", ".join(genesis.organisations)
    return f"genesis: chain {header.chain}, {header.hash.hex()}, begun by {names}"


def _check_anchor(old: TrustAnchor, trusted: TrustAnchor) -> str:
    header = old.header
    if old.genesis_hash != trusted.genesis_hash:
        raise VerificationError(
            "genesis.differs",
            f"it continues the chain that starts with {old.genesis_hash.hex()[:8]}…, "
            f"your anchor's starts with {trusted.genesis_hash.hex()[:8]}…",
            "get the genesis of the chain that it names",
        )
    if header.chain != trusted.header.chain:
        raise VerificationError(
            "header.chain",
            f"block {header.height} is of chain {header.chain}, your anchor of "
            f"{trusted.header.chain}",
        )
    if trusted.is_genesis:
        at = f"{header.chain} from block {header.height}, header {header.hash.hex()}"
        return f"anchor: it continues {at}, which chains to {trusted.title}"
    if header.height == trusted.header.height and header.hash != trusted.header.hash:
        raise VerificationError(
            "anchor.differs",
            f"your anchor is another block {header.height}: there are two histories",
            "keep both files",
        )
    if header.height < trusted.header.height:
        raise VerificationError(
            "continues.earlier",
            f"it continues block {header.height}, your anchor is the later block "
            f"{trusted.header.height}: what was final between them is left out",
            "ask who began this chain why; keep your receipts",
        )
    return f"anchor: it continues {header.chain} from block {header.height}, {trusted.title}"


def _check_seal(last: bytes, old: TrustAnchor, trusted: TrustAnchor) -> str:
    # The seal itself was checked with the header file; here its set, against the anchor's.
    content = _cbor.decode(last, "header file")
    if not isinstance(content, dict) or content.get("format") != HEADER_FORMAT:
        raise UnreadableError("format.field", "continues: its last header is no header file")
    seal = parse_seal(content["seal"])
    if not isinstance(seal, QuorumSeal):
        if old.sealers.hash != trusted.sealers.hash:
            raise VerificationError(
                "seal.other_sealers", f"block {old.header.height} is sealed by another sequencer"
            )
        return f"seal: block {old.header.height} is sealed by the sequencer of {trusted.name}"
    if trusted.trusted is not None and old.header.height > trusted.header.height:
        verify_steps(trusted.trusted, (), seal, chain_id(old.genesis_hash))
    signed, total = sum(seal.signers.values()), seal.sealers.power
    return f"seal: block {old.header.height} is sealed by {signed} of {total} power"


def _say_without(names: tuple[str, ...]) -> str:
    return f"without: {', '.join(names) or 'nobody'} left out, by the word of who began it"


def _check_state(stream: BinaryIO, old: TrustAnchor) -> str:
    file = StateFile(stream)
    if file.header.hash != old.header.hash:
        raise VerificationError(
            "state_file.header",
            f"the state file is of block {file.header.height} of {file.header.chain}, "
            f"{file.header.hash.hex()[:8]}…, the genesis continues block {old.header.height} of "
            f"{old.header.chain}, {old.header.hash.hex()[:8]}…",
        )
    count = verify_state_file(file)
    return f"state: {count} rows are exactly the state after block {old.header.height}"
