"""Who stood behind a call or a run: members' rows, proved as they were in force at its block.

Rows are versions that are never changed or removed, and a version says from which height it holds.
So any later state proves the one in force at a block: it is there and holds from a height not above
the block's, and the next version is absent, or holds from a height above it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from lianheng_verify import _limits as limits
from lianheng_verify import _shape, _show
from lianheng_verify._anchor import Bound, TrustAnchor, evidence_checks, parse_bound
from lianheng_verify._errors import VerificationError
from lianheng_verify._hashes import leaf_hash, verify_inclusion
from lianheng_verify._header import check_consensus_height
from lianheng_verify._state import flat_key, verify_row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lianheng_verify._cbor import Value
    from lianheng_verify._header import Header

CONTRACT: Final = "members"
ACTIVE: Final = "active"
_NAMES_SHOWN: Final = 8
_Kind = TypeVar("_Kind")


@dataclass(frozen=True, slots=True)
class Proved:
    """A row's bytes and value, or its absence, with the path in the state tree."""

    data: bytes | None
    value: Value
    siblings: tuple[bytes, ...]
    other: tuple[bytes, bytes] | None


@dataclass(frozen=True, slots=True)
class InForce:
    """A subject's version, and the next one."""

    version: int
    row: Proved
    next: Proved


@dataclass(frozen=True, slots=True)
class Later:
    """A later block whose state proves the rows, and the path that shows the receipt's in it."""

    bound: Bound
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """The part `members` of a receipt: of a call with keys, of a run with a proposal and votes."""

    later: Later | None
    keys: tuple[InForce, ...]
    proposal: Proved | None
    votes: tuple[Proved, ...]
    members: tuple[InForce, ...]
    organisations: tuple[InForce, ...]

    def proving(self, header: Header) -> Header:
        """The header whose state proves the rows; `header` is the receipt's own."""
        return header if self.later is None else self.later.bound.header


@dataclass(frozen=True, slots=True)
class Person:
    """A member as it was in force: its roles then."""

    member: str
    roles: tuple[str, ...]


def parse_standing(content: dict[Value, Value], *, of_run: bool) -> Standing | None:
    """The field `members` of a receipt. Raises UnreadableError."""
    if "members" not in content:
        return None
    named = ("proposal", "votes") if of_run else ("keys",)
    parts = _shape.fields(
        content["members"], "members", (*named, "members", "organisations"), ("at",)
    )
    most = limits.VOTES if of_run else limits.SIGNERS
    votes = _shape.array(parts["votes"], "members: votes", 1, most) if of_run else []
    return Standing(
        later=_later(parts["at"], content["genesis"]) if "at" in parts else None,
        keys=() if of_run else _versions(parts["keys"], "keys", most),
        proposal=_proved(parts["proposal"], "members: proposal") if of_run else None,
        votes=tuple(_proved(vote, "members: vote") for vote in votes),
        members=_versions(parts["members"], "members", most),
        organisations=_versions(parts["organisations"], "organisations", most),
    )


def _later(value: Value, genesis: Value) -> Later:
    fields = ("header", "seal", "links", "path")
    parts = _shape.fields(value, "members: at", fields, ("steps",))
    bound = parse_bound({**parts, "genesis": genesis})
    return Later(bound, _shape.digests(parts["path"], "members: path", limits.HISTORY_PATH))


def _versions(value: Value, name: str, most: int) -> tuple[InForce, ...]:
    where = f"members: {name}"
    found = []
    for item in _shape.array(value, where, 1, most):
        version, row, following = _shape.row(item, where, 3)
        number = _shape.uint(version, f"{where}: version")
        found.append(InForce(number, _proved(row, where), _proved(following, where)))
    return tuple(found)


def _proved(value: Value, where: str) -> Proved:
    data, siblings, other = _shape.row(value, where, 3)
    raw, content = None, None
    if data is not None:
        raw, content = _shape.embedded(data, where)
        _shape.plain_map(content, where)
    beside = None
    if other is not None:
        key, hashed = _shape.row(other, where, 2)
        beside = _shape.digest(key, where), _shape.digest(hashed, where)
        if raw is not None:
            raise _shape.refuse(where, "a proof of presence names another leaf")
    return Proved(raw, content, _shape.digests(siblings, where, limits.SIBLINGS), beside)


def standing_checks(
    standing: Standing | None,
    bound: Bound,
    anchor: TrustAnchor,
    check: Callable[[Standing, Rows], str],
) -> tuple[tuple[str, Callable[[], str]], ...]:
    """The checks of what a receipt proves of members; `check` looks at its rows."""
    if standing is None:
        return ()
    rows, later = Rows(standing, bound.header), standing.later
    named = ("members", lambda: check(standing, rows))
    if later is None:
        return (named,)
    return (named, ("later block", lambda: _check_later(later, bound, anchor)))


def _check_later(later: Later, bound: Bound, anchor: TrustAnchor) -> str:
    """That it belongs to the anchor's history and holds the receipt's block. Returns a sentence.

    Raises VerificationError (`members.block`, `link.*`, `header.*`, `seal.*`, `steps.*`).
    """
    ours, theirs = bound.header, later.bound.header
    if theirs.height <= ours.height:
        raise VerificationError(
            "members.block", f"block {theirs.height} is not later than block {ours.height}"
        )
    sentences = [step() for _, step in evidence_checks(later.bound, anchor)]
    check_consensus_height(theirs, anchor.sealers.kind, ours)
    try:
        verify_inclusion(
            theirs.history_root, leaf_hash(ours.hash), ours.height, theirs.height, later.path
        )
    except VerificationError as error:
        raise VerificationError(
            "members.block",
            f"block {ours.height} is not in the history of block {theirs.height}: {error.message}",
        ) from error
    if theirs.time < ours.time:
        raise VerificationError(
            "header.time", f"block {theirs.height} is earlier than block {ours.height}"
        )
    told = "; ".join(sentences)
    return f"block {theirs.height} holds block {ours.height} in its history; {told}"


class Rows:
    """The rows that a receipt proves, read as of its block."""

    def __init__(self, standing: Standing, header: Header) -> None:
        """`header`: of the receipt's own block."""
        self._standing = standing
        self._proving = standing.proving(header)
        self._height = header.height

    @property
    def where(self) -> str:
        """Where and by what the rows are proved, for sentences."""
        proving = self._proving.height
        return f"in force at block {self._height} as the state after block {proving} proves"

    def present(self, proved: Proved, contract: str, table: str, key: Sequence[Value]) -> None:
        """That the row is there. Raises VerificationError (`members.proof`)."""
        if proved.data is None:
            raise VerificationError("members.proof", f"{contract}.{table}: the row is not there")
        self._check(proved, contract, table, key)

    def in_force(self, one: InForce, table: str, subject: Value) -> dict[str, Value]:
        """The subject's row in force at the block. Raises VerificationError (`members.*`)."""
        self.present(one.row, CONTRACT, table, [subject, one.version])
        row = _shape.plain_map(one.row.value, f"members.{table}")
        title = f"version {one.version} of {_show.shown(subject)}"
        since = field_of(row, "since", int)
        if since > self._height:
            raise VerificationError(
                "members.not_yet", f"{title} holds from block {since}, not at block {self._height}"
            )
        self._check(one.next, CONTRACT, table, [subject, one.version + 1])
        if one.next.data is not None:
            following = _shape.plain_map(one.next.value, f"members.{table}")
            until = field_of(following, "since", int)
            if until <= self._height:
                raise VerificationError(
                    "members.superseded",
                    f"{title} held before block {until}, not at block {self._height}",
                )
        status = field_of(row, "status", str)
        if status != ACTIVE:
            raise VerificationError(
                "members.not_active",
                f"{_show.shown(subject)} is {_show.safe(status[:20])} at block {self._height}",
            )
        return row

    def people(self, names: Sequence[str]) -> tuple[Person, ...]:
        """These members, each in force with its organisation. Raises as `in_force`."""
        distinct = list(dict.fromkeys(names))
        _same_number(distinct, self._standing.members, "members")
        found = {}
        for name, one in zip(distinct, self._standing.members, strict=True):
            row = self.in_force(one, "members", name)
            organisation = field_of(row, "organisation", str)
            if field_of(row, "id", str) != name or name.partition("@")[2] != organisation:
                raise VerificationError("members.row", f"the row of {name} is of another member")
            found[name] = Person(name, _roles(row)), organisation
        organisations = list(dict.fromkeys(organisation for _, organisation in found.values()))
        _same_number(organisations, self._standing.organisations, "organisations")
        for name, one in zip(organisations, self._standing.organisations, strict=True):
            self.in_force(one, "organisations", name)
        return tuple(found[name][0] for name in names)

    def _check(self, proved: Proved, contract: str, table: str, key: Sequence[Value]) -> None:
        flat = flat_key(contract, table, key)
        root = self._proving.state_root
        try:
            verify_row(root, flat, proved.data, proved.siblings, proved.other)
        except VerificationError as error:
            shown = f"{contract}.{table}{_show.shown(list(key))}"
            raise VerificationError("members.proof", f"{shown}: {error.message}") from error


def _same_number(names: Sequence[str], proofs: Sequence[InForce], what: str) -> None:
    if len(names) != len(proofs):
        raise VerificationError(
            "members.number", f"{len(proofs)} {what} are proved, {len(names)} are named"
        )


def field_of(row: dict[str, Value], name: str, kind: type[_Kind]) -> _Kind:
    """A row's field of this type. Raises VerificationError (`members.row`)."""
    value = row.get(name)
    if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
        raise VerificationError("members.row", f"a row has no {name} of the right form")
    return value


def member_of(row: dict[str, Value]) -> str:
    """The member that a row names."""
    return _shape.text(field_of(row, "member", str), "members: member", _shape.MEMBER)


def _roles(row: dict[str, Value]) -> tuple[str, ...]:
    roles = field_of(row, "roles", list)
    return tuple(_shape.text(role, "members: roles", _shape.CONTRACT) for role in roles)


def names_sentence(people: Sequence[Person], marked: Sequence[str] = ()) -> str:
    """The names, with roles; `marked` says something of each."""
    words = []
    for place, person in enumerate(people[:_NAMES_SHOWN]):
        told = [", ".join(person.roles), *marked[place : place + 1]]
        inside = "; ".join(word for word in told if word)
        words.append(f"{person.member} ({inside})" if inside else person.member)
    return listed([*words, *(person.member for person in people[_NAMES_SHOWN:])])


def listed(words: Sequence[str]) -> str:
    """The first of them, and how many more there are."""
    shown = list(words[:_NAMES_SHOWN])
    if len(words) > len(shown):
        shown.append(f"{len(words) - len(shown)} more")
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
