"""Exports: every header of a chain from its genesis on, and the blocks where they lie beside.

Files are read as streams: memory does not grow with the chain's length.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from lianheng_verify import _cbor, _shape, _show
from lianheng_verify import _limits as limits
from lianheng_verify._anchor import signed_twice
from lianheng_verify._checks import Check, raise_first
from lianheng_verify._errors import UnreadableError, VerificationError
from lianheng_verify._genesis import Genesis, parse_genesis
from lianheng_verify._hashes import Frontier, entries_root
from lianheng_verify._header import (
    Header,
    Seal,
    check_consensus_height,
    parse_header,
    parse_seal,
    verify_seal,
)
from lianheng_verify._quorum import QuorumSeal
from lianheng_verify._sealers import SOLO
from lianheng_verify._steps import Trusted, advance
from lianheng_verify._transaction import parse_transaction, result_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path
    from typing import BinaryIO

    from lianheng_verify._anchor import TrustAnchor
    from lianheng_verify._cbor import Value

_GENESIS: Final = "genesis.cbor"
_HEADERS: Final = "headers.cbors"
_BLOCKS: Final = "blocks-*.cbors"
_BLOCKS_PER_FILE: Final = 1000
CHAIN_CHECKS: Final = ("heights", "times", "history", "sealers", "seals")


@dataclass(frozen=True, slots=True)
class Sealed:
    """One header of an export with its seal: None where a network has not sealed it."""

    header: Header
    seal: Seal | None
    seal_bytes: bytes


@dataclass(frozen=True, slots=True)
class VerifiedChain:
    """What an export proves: headers 0 to `height` are one sealed history."""

    chain: str
    genesis_hash: bytes
    height: int
    header_hash: bytes
    blocks_checked: int
    checks: tuple[Check, ...]


class ChainWalk:
    """Checks headers one after the other; remembers the first failure of each kind.

    A header that no quorum sealed is proved by the next sealed one, whose history holds it.
    """

    def __init__(self, genesis: Genesis) -> None:
        self.genesis = genesis
        self.last = genesis.header
        self.last_sealed = 0
        self.seals = 0
        self.sets = 1
        self.failures: dict[str, VerificationError] = {}
        self._history = Frontier()
        self._history.append(genesis.header.hash)
        self._trusted = Trusted.of_genesis(genesis.sealers, genesis.header.time)

    @property
    def solo(self) -> bool:
        """Whether one sequencer seals this chain."""
        return self.genesis.sealers.kind == SOLO

    def step(self, sealed: Sealed) -> None:
        """Takes the next header in."""
        header = sealed.header
        self._note("heights", lambda: self._check_height(header))
        self._note("times", lambda: self._check_time(header))
        self._note("history", lambda: self._check_history(header))
        if self.solo:
            self._note("sealers", lambda: self._check_sealers(header))
            # A header that names other sealers fails as such; its seal is still the sequencer's.
            if header.sealers_hash == self.genesis.sealers.hash:
                self._note("seals", lambda: self._check_seal(sealed))
        elif sealed.seal is not None:
            self._note("seals", lambda: self._check_seal(sealed))
            self._note("sealers", lambda: self._follow_set(sealed.seal))
        if sealed.seal is not None:
            self.seals += 1
            self.last_sealed = header.height
        self._history.append(header.hash)
        self.last = header

    def finish(self) -> None:
        """Called behind the last header: a seal must hold all that is there."""
        self._note("seals", self._check_last)

    def _note(self, name: str, check: Callable[[], None]) -> None:
        if name in self.failures:
            return
        try:
            check()
        except VerificationError as error:
            self.failures[name] = error

    def _check_height(self, header: Header) -> None:
        expected = self.last.height + 1
        if header.height != expected:
            raise VerificationError(
                "chain.height", f"block {header.height} stands where {expected} belongs"
            )
        check_consensus_height(header, self.genesis.sealers.kind, self.last)
        if header.chain != self.genesis.header.chain:
            raise VerificationError(
                "header.chain",
                f"block {header.height} is of chain {header.chain}, the genesis of "
                f"{self.genesis.header.chain}",
            )

    def _check_time(self, header: Header) -> None:
        if header.time < self.last.time:
            raise VerificationError(
                "header.time",
                f"block {header.height}, {header.time} ms, is earlier than the one before it, "
                f"{self.last.time} ms",
            )

    def _check_history(self, header: Header) -> None:
        if header.history_root != self._history.root():
            raise VerificationError(
                "header.history",
                f"block {header.height}: its history root is not that of the headers before it",
            )

    def _check_sealers(self, header: Header) -> None:
        if header.sealers_hash != self.genesis.sealers.hash:
            raise VerificationError(
                "seal.other_sealers",
                f"block {header.height} names another set of sealers than the genesis",
            )

    def _check_seal(self, sealed: Sealed) -> None:
        verify_seal(sealed.header, sealed.seal, self.genesis.header.hash, self.genesis.sealers)

    def _follow_set(self, seal: Seal | None) -> None:
        # A solo seal in a network's chain fails as a seal; no set comes with it.
        if isinstance(seal, QuorumSeal):
            after = advance(self._trusted, seal)
            self.sets += after.sealers.hash != self._trusted.sealers.hash
            self._trusted = after

    def _check_last(self) -> None:
        if not self.solo and self.last_sealed < self.last.height:
            raise VerificationError(
                "seal.missing",
                f"the last seal is that of block {self.last_sealed}: nothing proves what comes "
                f"behind it, up to block {self.last.height}",
                "export again: a network seals a block a moment after it",
            )


@dataclass(slots=True)
class _Blocks:
    """The walk over the block files beside the headers."""

    items: Iterator[bytes] | None
    count: int = 0
    failure: VerificationError | None = None

    def step(self, sealed: Sealed, genesis_hash: bytes) -> None:
        """Takes the block of the next header in."""
        self._note(lambda: self._check_next(sealed, genesis_hash))

    def finish(self) -> None:
        """Called behind the last header."""
        self._note(self._check_end)

    def _note(self, check: Callable[[], None]) -> None:
        if self.items is None or self.failure is not None:
            return
        try:
            check()
        except VerificationError as error:
            self.failure = error

    def _check_next(self, sealed: Sealed, genesis_hash: bytes) -> None:
        item = self._next()
        if item is None:
            raise VerificationError(
                "block.missing", f"block {sealed.header.height} is not in the export"
            )
        check_block(item, sealed, genesis_hash)
        self.count += 1

    def _check_end(self) -> None:
        if self._next() is not None:
            raise VerificationError("block.surplus", "there are more blocks than headers")

    def _next(self) -> bytes | None:
        return None if self.items is None else next(self.items, None)


def verify_chain(folder: Path, anchor: TrustAnchor) -> VerifiedChain:
    """Checks an export: every header, its place, seal and history, and the anchor among them.

    Blocks that lie beside are compared with their headers; nothing is executed. Raises
    UnreadableError where a file cannot be read, VerificationError where a check fails.
    """
    genesis = read_genesis(folder)
    walk = ChainWalk(genesis)
    blocks = _Blocks(_read_blocks(folder))
    found = _AnchorSearch(anchor, genesis)
    for sealed in read_headers(folder):
        walk.step(sealed)
        blocks.step(sealed, genesis.header.hash)
        found.step(sealed.header)
    walk.finish()
    blocks.finish()
    checks = (_genesis_check(genesis), *walk_checks(walk), *_block_checks(blocks), found.check())
    raise_first(checks)
    return VerifiedChain(
        chain=genesis.header.chain,
        genesis_hash=genesis.header.hash,
        height=walk.last.height,
        header_hash=walk.last.hash,
        blocks_checked=blocks.count,
        checks=checks,
    )


def check_block(data: bytes, sealed: Sealed, genesis_hash: bytes) -> None:
    """That a block is the one of this header: same header and seal, entries under their root.

    A network's block may go without its seal, which came later.
    Raises UnreadableError or VerificationError (`block.*`).
    """
    at = f"block {sealed.header.height}"
    row = _shape.row(_cbor.decode(data, at), at, 5)
    _shape.constant(row[0], "lianheng.block.1", f"{at}: format")
    late = row[2] is None and isinstance(sealed.seal, QuorumSeal)
    if row[1] != sealed.header.encoded or not (late or _cbor.encode(row[2]) == sealed.seal_bytes):
        raise VerificationError("block.other_header", f"{at} carries another header or seal")
    entries = _shape.array(row[4], f"{at}: entries", 0, limits.CONTAINER_ITEMS)
    tree = Frontier()
    called = []
    for item in entries:
        raw, entry = _shape.embedded(item, f"{at}: an entry")
        tree.append(raw)
        parts = _shape.row(entry, f"{at}: an entry", 3)
        result_of(parts[2])
        if isinstance(parts[0], bytes):
            called.append((parts[0], _shape.digest(parts[1], f"{at}: signed hash")))
        else:
            if called:
                raise _shape.refuse(at, "a run stands behind a call")
            _shape.uint(parts[0], f"{at}: kind of an entry")
            _shape.plain(parts[1], f"{at}: cause of an entry")
    if entries_root(tree.size, tree.root()) != sealed.header.entries_root:
        raise VerificationError("block.entries", f"the entries of {at} do not give its root")
    if called != _called(row[3], at, genesis_hash):
        raise VerificationError(
            "block.transactions", f"the transactions of {at} are not those of its entries"
        )


def _called(value: Value, at: str, genesis_hash: bytes) -> list[tuple[bytes, bytes]]:
    called = []
    for item in _shape.array(value, f"{at}: transactions", 0, limits.CONTAINER_ITEMS):
        transaction = parse_transaction(_shape.octets(item, f"{at}: a transaction"))
        called.append((transaction.transaction_id(genesis_hash), transaction.signed_hash))
    return called


class _AnchorSearch:
    """Looks for the anchor among the headers."""

    def __init__(self, anchor: TrustAnchor, genesis: Genesis) -> None:
        self._anchor = anchor
        self._found: bytes | None = None
        self._last = 0
        self.step(genesis.header)

    def step(self, header: Header) -> None:
        self._last = header.height
        if header.height == self._anchor.header.height and self._found is None:
            self._found = header.hash

    def check(self) -> Check:
        height = self._anchor.header.height
        if self._found == self._anchor.header.hash:
            text = f"anchor: {self._anchor.title} is among the headers"
            return Check("anchor", passed=True, text=text)
        if self._found is None:
            return Check(
                "anchor",
                passed=False,
                text=f"the export ends at block {self._last}, before your anchor, block {height}",
                code="anchor.beyond",
                hint="ask for a longer export",
            )
        return Check(
            "anchor",
            passed=False,
            text=f"your anchor is another block {height} than the export's",
            code="anchor.differs",
            hint=f"keep both: if both are sealed, {signed_twice(self._anchor.sealers)}",
        )


def _genesis_check(genesis: Genesis) -> Check:
    text = (
        f"genesis: chain {genesis.header.chain}, {_show.short_hash(genesis.header.hash)}, "
        f"header and document agree"
    )
    return Check("genesis", passed=True, text=text)


def walk_checks(walk: ChainWalk) -> tuple[Check, ...]:
    """One check for each rule that the walk applied to every header."""
    last = walk.last.height
    sets, seals = (
        (
            "every header names the set of the genesis",
            f"{last} of {last} by the sequencer (see limit: solo)",
        )
        if walk.solo
        else (_sets_text(walk.sets), f"{walk.seals} of {last} by more than two thirds of the power")
    )
    texts = {
        "heights": f"heights: 1 to {last} without gaps" if last else "heights: the genesis alone",
        "times": "times: no block is earlier than the one before it",
        "history": f"history: {last} history roots cover all headers before them",
        "sealers": f"sealers: {sets}",
        "seals": f"seals: {seals}",
    }
    return tuple(_check_of(name, texts[name], walk.failures.get(name)) for name in CHAIN_CHECKS)


def _sets_text(sets: int) -> str:
    if sets == 1:
        return "every seal is by the set of the genesis"
    return f"{sets - 1} changes of the set, each to one that the set before bears out"


def _block_checks(blocks: _Blocks) -> tuple[Check, ...]:
    if blocks.items is None:
        return ()
    text = f"blocks: entries and transactions of {blocks.count} blocks give their headers' roots"
    return (_check_of("blocks", text, blocks.failure),)


def _check_of(name: str, text: str, failure: VerificationError | None) -> Check:
    if failure is None:
        return Check(name, passed=True, text=text)
    return Check(name, passed=False, text=failure.message, code=failure.code, hint=failure.hint)


def read_genesis(folder: Path) -> Genesis:
    """The export's genesis file. Raises UnreadableError or VerificationError."""
    with open_part(folder / _GENESIS) as stream:
        data = stream.read(limits.GENESIS_BYTES + 1)
    if len(data) > limits.GENESIS_BYTES:
        raise UnreadableError("format.too_large", f"{_GENESIS} is too long")
    return parse_genesis(data)


def read_headers(folder: Path) -> Iterator[Sealed]:
    """The export's headers with their seals, from height 1. Raises UnreadableError."""
    with open_part(folder / _HEADERS) as stream:
        for item in _cbor.read_sequence(stream, limits.HEADER_ITEM_BYTES, _HEADERS):
            row = _shape.row(_cbor.decode(item, _HEADERS), _HEADERS, 2)
            header = parse_header(_shape.octets(row[0], _HEADERS), _HEADERS)
            seal = None if row[1] is None else parse_seal(row[1], _HEADERS)
            yield Sealed(header, seal, _cbor.encode(row[1]))


def _read_blocks(folder: Path) -> Iterator[bytes] | None:
    names = sorted(path.name for path in folder.glob(_BLOCKS))
    if not names:
        return None
    return _block_items(folder, names)


def _block_items(folder: Path, names: list[str]) -> Iterator[bytes]:
    for number, name in enumerate(names):
        if name != f"blocks-{1 + number * _BLOCKS_PER_FILE:012}.cbors":
            raise UnreadableError(
                "export.blocks", f"{_show.safe(name)} is no name of a block file that belongs here"
            )
        with open_part(folder / name) as stream:
            for count, item in enumerate(
                _cbor.read_sequence(stream, limits.BLOCK_ITEM_BYTES, name), 1
            ):
                if count > _BLOCKS_PER_FILE:
                    raise UnreadableError("export.blocks", f"{name} has too many blocks")
                yield item


def open_part(path: Path) -> AbstractContextManager[BinaryIO]:
    """Opens a file of an export. Raises UnreadableError naming it."""
    try:
        return path.open("rb")
    except OSError as error:
        raise UnreadableError(
            "file.unreadable", f"{_show.safe(str(path))}: {error.strerror}", "check the path"
        ) from error
