"""Two exports of one chain: where do they part, and who is to blame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from lianheng_verify import _show
from lianheng_verify._anchor import signed_twice
from lianheng_verify._checks import Check
from lianheng_verify._export import ChainWalk, Sealed, read_genesis, read_headers
from lianheng_verify._header import FIELD_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Relation = Literal["equal", "prefix", "parted", "other_chain"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two exports relate.

    `height` is the last common one, or for `parted` the first that differs, in the header fields
    `fields`. `equivocation`: both sides are validly sealed there, so the sequencer, or validators
    with more than a third of the power, signed two histories; `blame` says who, else it is empty.
    `longer` is "A" or "B" for `prefix`. `checks` says whether each side verifies.
    """

    relation: Relation
    height: int
    fields: tuple[str, ...]
    equivocation: bool
    longer: str
    checks: tuple[Check, ...]
    blame: str = ""

    @property
    def one_history(self) -> bool:
        """Whether both verify and one continues, or equals, the other."""
        return self.relation in {"equal", "prefix"} and all(check.passed for check in self.checks)


def compare_exports(first: Path, second: Path) -> Comparison:
    """Compares header by header. Raises UnreadableError where a file cannot be read."""
    genesis_a, genesis_b = read_genesis(first), read_genesis(second)
    if genesis_a.header.hash != genesis_b.header.hash:
        text = (
            f"A starts with {_show.short_hash(genesis_a.header.hash)}, B with "
            f"{_show.short_hash(genesis_b.header.hash)}: these are not exports of one chain"
        )
        check = Check("genesis", passed=False, text=text, code="compare.other_chain")
        return Comparison("other_chain", 0, (), equivocation=False, longer="", checks=(check,))
    walks = ChainWalk(genesis_a), ChainWalk(genesis_b)
    headers_a, headers_b = read_headers(first), read_headers(second)
    while True:
        a, b = next(headers_a, None), next(headers_b, None)
        if a is None or b is None:
            common = walks[0].last.height
            for walk, one, rest in ((walks[0], a, headers_a), (walks[1], b, headers_b)):
                if one is not None:
                    walk.step(one)
                for sealed in rest:
                    walk.step(sealed)
                walk.finish()
            return _one_history(walks, common)
        walks[0].step(a)
        walks[1].step(b)
        if a.header.encoded != b.header.encoded:
            # The next seal of each side holds what they part in, if none is on it.
            _to_next_seal(walks[0], headers_a)
            _to_next_seal(walks[1], headers_b)
            return _parted(walks, a, b)


def _to_next_seal(walk: ChainWalk, headers: Iterator[Sealed]) -> None:
    while walk.last_sealed < walk.last.height:
        sealed = next(headers, None)
        if sealed is None:
            walk.finish()
            return
        walk.step(sealed)


def _one_history(walks: tuple[ChainWalk, ChainWalk], common: int) -> Comparison:
    heights = [walk.last.height for walk in walks]
    longer = "" if heights[0] == heights[1] else "A" if heights[0] > heights[1] else "B"
    relation: Relation = "prefix" if longer else "equal"
    text = (
        f"histories: equal up to block {common}, where {'B' if longer == 'A' else 'A'} ends; "
        f"{longer} goes on to block {max(heights)}"
        if longer
        else f"histories: equal, both end at block {common}"
    )
    checks = (*_sides(walks), Check("histories", passed=True, text=text))
    return Comparison(relation, common, (), equivocation=False, longer=longer, checks=checks)


def _parted(walks: tuple[ChainWalk, ChainWalk], a: Sealed, b: Sealed) -> Comparison:
    names = tuple(
        title
        for field, title in FIELD_NAMES.items()
        if getattr(a.header, field) != getattr(b.header, field)
    )
    # Same place, two headers, both valid and sealed: only who holds the keys can have made it.
    both = a.header.height == b.header.height and not any(walk.failures for walk in walks)
    height = min(a.header.height, b.header.height)
    text = f"they part at block {height}: {', '.join(names)} differ"
    checks = (
        *_sides(walks),
        Check("histories", passed=False, text=text, code="compare.parted"),
    )
    blame = signed_twice(walks[0].genesis.sealers) if both else ""
    return Comparison("parted", height, names, both, longer="", checks=checks, blame=blame)


def _sides(walks: tuple[ChainWalk, ChainWalk]) -> tuple[Check, ...]:
    checks = []
    for name, walk in zip("AB", walks, strict=True):
        failure = next(iter(walk.failures.values()), None)
        if failure is None:
            text = f"{name}: its headers verify up to block {walk.last.height}"
            checks.append(Check(name, passed=True, text=text))
        else:
            text = f"{name} does not verify: {failure.message}"
            checks.append(Check(name, passed=False, text=text, code=failure.code))
    return tuple(checks)
