"""Trust anchors, and how a block is bound to one.

An anchor is a header that the reader got out of band. Everything that a file claims is measured
against it: the anchor is never changed by what is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypedDict

from lianheng_verify import _cbor, _shape
from lianheng_verify import _limits as limits
from lianheng_verify._errors import UnreadableError, VerificationError
from lianheng_verify._genesis import FORMAT as GENESIS_FORMAT
from lianheng_verify._genesis import parse_genesis
from lianheng_verify._hashes import leaf_hash, verify_inclusion
from lianheng_verify._header import (
    Header,
    Seal,
    check_consensus_height,
    parse_header,
    parse_seal,
    verify_seal,
)
from lianheng_verify._quorum import QuorumSeal, chain_id, parse_quorum_seal
from lianheng_verify._sealers import COMETBFT, SOLO, Sealers, parse_sealers
from lianheng_verify._steps import Trusted, verify_steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from lianheng_verify._cbor import Value

HEADER_FORMAT: Final = "lianheng.header-file.1"
_LIMIT_SOLO: Final = (
    "solo: one sequencer signs; that proves what it recorded, not that it kept one history"
)
_LIMIT_QUORUM: Final = "quorum: more than a third of the power lying breaks any BFT chain"
_SHOWN_STEPS: Final = 8
_DAY_MS: Final = 24 * 60 * 60 * 1000


@dataclass(frozen=True, slots=True)
class TrustAnchor:
    """A header that the reader trusts, the genesis hash of its chain and the set that seals.

    `members_by_key` says whose keys a genesis registers, by key id; a header file registers none.
    `trusted` is where steps to other sets start: there is none where one sequencer seals.
    """

    header: Header
    genesis_hash: bytes
    sealers: Sealers
    members_by_key: Mapping[bytes, str]
    trusted: Trusted | None = None

    @property
    def is_genesis(self) -> bool:
        """Whether the anchor is the genesis itself."""
        return self.header.height == 0

    @property
    def title(self) -> str:
        """How sentences call it."""
        return "your genesis" if self.is_genesis else f"your anchor, block {self.header.height}"

    @property
    def name(self) -> str:
        """The same without its height."""
        return "your genesis" if self.is_genesis else "your anchor"

    def limits(self, height: int, now: int) -> tuple[str, ...]:
        """What a verified file about block `height` leaves open, at `now` (ms since 1970)."""
        if self.sealers.kind == SOLO:
            return (_LIMIT_SOLO,)
        age = now - self.header.time
        if height <= self.header.height or age <= limits.TRUSTING_PERIOD_MS:
            return (_LIMIT_QUORUM,)
        days = limits.TRUSTING_PERIOD_MS // _DAY_MS
        old = (
            f"age: {self.name} is {age // _DAY_MS} days old; beyond {days} days newer signatures "
            "prove less, for who left the set since may have given the key away: get a newer header"
        )
        return (_LIMIT_QUORUM, old)


@dataclass(frozen=True, slots=True)
class Link:
    """Path that shows the header at `height` in the history of `newer` (None: the own header)."""

    newer: Header | None
    height: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Bound:
    """What receipts and proofs have in common: a sealed header, its chain, its links."""

    genesis_hash: bytes
    header: Header
    seal: Seal | None
    links: tuple[Link, ...]
    steps: tuple[QuorumSeal, ...]

    @property
    def where(self) -> Where:
        """Chain and block, as what was verified names them."""
        header = self.header
        return Where(
            chain=header.chain,
            genesis_hash=self.genesis_hash,
            height=header.height,
            time=header.time,
            header_hash=header.hash,
        )


class Where(TypedDict):
    """A chain, and a block of it: height from the genesis, time in ms since 1970."""

    chain: str
    genesis_hash: bytes
    height: int
    time: int
    header_hash: bytes


def as_anchor(anchor: TrustAnchor | bytes) -> TrustAnchor:
    """The anchor itself, or the one in a genesis or header file. Raises as `load_anchor`."""
    return load_anchor(anchor) if isinstance(anchor, bytes) else anchor


def load_anchor(data: bytes) -> TrustAnchor:
    """The anchor in a genesis file or in a header file.

    Raises UnreadableError or VerificationError (`anchor.*`, `genesis.*`, `seal.*`).
    """
    value = _cbor.decode(data, "anchor")
    form = value.get("format") if isinstance(value, dict) else None
    if form == GENESIS_FORMAT:
        genesis = parse_genesis(data)
        header, sealers = genesis.header, genesis.sealers
        quorum = sealers.kind == COMETBFT
        trusted = Trusted.of_genesis(sealers, header.time) if quorum else None
        return TrustAnchor(header, header.hash, sealers, genesis.members_by_key, trusted)
    if form == HEADER_FORMAT:
        return _header_anchor(value)
    raise _shape.refuse("anchor", "neither a genesis file nor a header file", "format.unknown")


def _header_anchor(value: Value) -> TrustAnchor:
    content = _shape.fields(
        value, "header file", ("format", "header", "seal", "sealers", "genesis", "path")
    )
    header = parse_header(_shape.octets(content["header"], "header file: header"))
    seal = parse_seal(content["seal"])
    sealers = parse_sealers(content["sealers"])
    genesis_hash = _shape.digest(content["genesis"], "header file: genesis")
    path = _shape.digests(content["path"], "header file: path", limits.HISTORY_PATH)
    if header.height == 0:
        raise UnreadableError(
            "anchor.height", "a header file of height 0", "use the genesis file as anchor"
        )
    if header.sealers_hash != sealers.hash:
        raise VerificationError(
            "anchor.other_sealers",
            f"the header file carries the set {sealers.hash.hex()[:8]}…, its header names "
            f"{header.sealers_hash.hex()[:8]}…",
        )
    check_consensus_height(header, sealers.kind)
    try:
        verify_inclusion(header.history_root, leaf_hash(genesis_hash), 0, header.height, path)
    except VerificationError as error:
        raise VerificationError(
            "anchor.history", f"the genesis is not in the anchor's history: {error.message}"
        ) from error
    verify_seal(header, seal, genesis_hash, sealers)
    trusted = Trusted.of_seal(seal) if isinstance(seal, QuorumSeal) else None
    return TrustAnchor(header, genesis_hash, sealers, {}, trusted)


def _check_form(header: Header, anchor: TrustAnchor) -> None:
    trusted, kind = anchor.header, anchor.sealers.kind
    if header.chain != trusted.chain:
        raise VerificationError(
            "header.chain",
            f"block {header.height} is of chain {header.chain}, your anchor of {trusted.chain}",
        )
    check_consensus_height(header, kind)
    if header.height != trusted.height:
        earlier, later = sorted((header, trusted), key=lambda one: one.height)
        check_consensus_height(later, kind, earlier)


def parse_bound(content: dict[Value, Value]) -> Bound:
    """The fields `genesis`, `header`, `seal`, `links`, `steps`. Raises UnreadableError."""
    header = parse_header(_shape.octets(content["header"], "header"))
    seal = None if content["seal"] is None else parse_seal(content["seal"])
    if (seal is None) != (header.height == 0):
        raise _shape.refuse("seal", "exactly the genesis header goes without a seal")
    items = _shape.array(content["links"], "links", 0, limits.LINKS)
    links = tuple(_parse_link(item) for item in items)
    places = [(link.newer and link.newer.hash, link.height) for link in links]
    if len(set(places)) != len(places):
        raise _shape.refuse("links", "a link stands twice")
    return Bound(
        _shape.digest(content["genesis"], "genesis"), header, seal, links, _parse_steps(content)
    )


def _parse_steps(content: dict[Value, Value]) -> tuple[QuorumSeal, ...]:
    if "steps" not in content:
        return ()
    items = _shape.array(content["steps"], "steps", 1, limits.STEPS)
    return tuple(parse_quorum_seal(item, "step") for item in items)


def _parse_link(value: Value) -> Link:
    content = _shape.fields(value, "link", ("newer", "height", "path"))
    newer = content["newer"]
    return Link(
        newer=None
        if newer is None
        else parse_header(_shape.octets(newer, "link: newer"), "link: newer"),
        height=_shape.uint(content["height"], "link: height"),
        path=_shape.digests(content["path"], "link: path", limits.HISTORY_PATH),
    )


def check_binding(bound: Bound, anchor: TrustAnchor) -> str:
    """That the block belongs to the anchor's history, or the anchor to its. Returns the sentence.

    Every link MUST be of use: one that this anchor cannot check would be unchecked bytes.
    Raises VerificationError (`genesis.differs`, `anchor.differs`, `link.*`, `header.*`).
    """
    header, trusted = bound.header, anchor.header
    if bound.genesis_hash != anchor.genesis_hash:
        raise VerificationError(
            "genesis.differs",
            f"it belongs to the chain that starts with {bound.genesis_hash.hex()[:8]}…, "
            f"your anchor's starts with {anchor.genesis_hash.hex()[:8]}…",
            "get the genesis of its chain, or the file of your chain",
        )
    _check_form(header, anchor)
    used = set()
    if header.height > 0:
        used.add(_follow(bound, None, 0, bound.genesis_hash))
    if header.height == trusted.height:
        if header.hash != trusted.hash:
            raise VerificationError(
                "anchor.differs",
                f"your anchor is another block {header.height}: there are two histories",
                f"keep both files: both seals together prove that {signed_twice(anchor.sealers)}",
            )
        sentence = f"block {header.height} is {anchor.title}"
    elif trusted.height < header.height:
        used.add(_follow(bound, None, trusted.height, trusted.hash))
        sentence = f"block {header.height} chains to {anchor.title}"
    else:
        used.add(_follow(bound, trusted, header.height, header.hash))
        sentence = f"{anchor.title}, holds block {header.height} in its history"
    _check_times(header, trusted)
    unused = [link for link in bound.links if link not in used]
    if unused:
        raise VerificationError(
            "link.unused",
            f"a link to block {unused[0].height} cannot be checked with this anchor",
            "give the anchor that the file was made for, or have it made anew for this one",
        )
    return sentence


def _follow(bound: Bound, newer: Header | None, height: int, leaf: bytes) -> Link:
    """The link that shows `leaf` at `height`, its path checked."""
    for link in bound.links:
        same = link.newer is None if newer is None else link.newer == newer
        if same and link.height == height:
            break
    else:
        raise VerificationError(
            "link.missing",
            f"no link between block {bound.header.height} and block "
            f"{height if newer is None else newer.height}",
            "have the file made for this anchor",
        )
    top = bound.header if newer is None else newer
    try:
        verify_inclusion(top.history_root, leaf_hash(leaf), height, top.height, link.path)
    except VerificationError as error:
        raise VerificationError(
            "link.bad",
            f"block {height} as claimed is not in the history of block {top.height}: "
            f"{error.message}",
        ) from error
    return link


def _check_times(header: Header, trusted: Header) -> None:
    earlier, later = sorted((header, trusted), key=lambda one: one.height)
    if earlier.time > later.time:
        raise VerificationError(
            "header.time", f"block {later.height} is earlier than block {earlier.height}"
        )


def signed_twice(sealers: Sealers) -> str:
    """Who is to blame for two sealed histories, as a sentence."""
    if sealers.kind == SOLO:
        return "the sequencer signed two histories"
    return "more than a third of the validators' power signed two histories"


def evidence_checks(bound: Bound, anchor: TrustAnchor) -> tuple[tuple[str, Callable[[], str]], ...]:
    """The checks that end every receipt and proof: its place, its seal, the steps to the set."""
    checks: list[tuple[str, Callable[[], str]]] = [
        ("anchor", lambda: check_binding(bound, anchor)),
        ("seal", lambda: check_seal(bound, anchor)),
    ]
    if anchor.sealers.kind == COMETBFT or bound.steps:
        checks.append(("steps", lambda: check_steps(bound, anchor)))
    return tuple(checks)


def check_seal(bound: Bound, anchor: TrustAnchor) -> str:
    """That the block is sealed; by one sequencer: by the anchor's. Returns the sentence."""
    if bound.header.height == 0:
        return "seal: none, the genesis is the trust anchor"
    return f"seal: {verify_seal(bound.header, bound.seal, bound.genesis_hash, anchor.sealers)}"


def check_steps(bound: Bound, anchor: TrustAnchor) -> str:
    """That the sealing set may be trusted because of the anchor's. Returns the sentence."""
    header, trusted, count = bound.header, anchor.trusted, len(bound.steps)
    if trusted is None or header.height <= anchor.header.height:
        if count:
            raise VerificationError(
                "steps.unneeded", f"{count} steps are given where {anchor.name} needs none"
            )
        return f"steps: none, the block lies in the history of {anchor.name}"
    if not isinstance(bound.seal, QuorumSeal):
        return "steps: none, the seal is of no quorum"
    verify_steps(trusted, bound.steps, bound.seal, chain_id(bound.genesis_hash))
    if count:
        places = [str(step.header.height) for step in bound.steps]
        shown = ", ".join(places if count < _SHOWN_STEPS else [places[0], "…", places[-1]])
        heights = f"height{'s' * (count > 1)} {shown}"
        return f"steps: {count} from the set of {anchor.name}, at CometBFT {heights}"
    if bound.seal.sealers.hash == trusted.sealers.hash:
        return f"steps: none, it is the set of {anchor.name}"
    return f"steps: none, more than a third of the power of {anchor.name} signed it"
