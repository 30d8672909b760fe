"""CometBFT's encodings, for making: protobuf by hand, hashes of headers and sets, signed commits.

Headers, commits and sets are the plain rows of the CDDL; every hash and signature is made of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.trees import log_root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.verify.chainmaker.signing import Key

COMMIT, NIL = 2, 3
HEADER = (
    *("version", "chain_id", "height", "time", "last_block", "last_commit", "data"),
    *("validators", "next_validators", "consensus", "application", "last_results", "evidence"),
    "proposer",
)
Power = tuple["Key", int]


def varint(value: int) -> bytes:
    if value < 0:
        value += 2**64
    if value < 128:
        return bytes([value])
    return bytes([value % 128 + 128]) + varint(value // 128)


def number(place: int, value: int) -> bytes:
    return varint(place * 8) + varint(value) if value else b""


def fixed(place: int, value: int) -> bytes:
    return varint(place * 8 + 1) + value.to_bytes(8, "little", signed=True) if value else b""


def inner(place: int, content: bytes) -> bytes:
    return varint(place * 8 + 2) + varint(len(content)) + content


def octets(place: int, content: bytes) -> bytes:
    return inner(place, content) if content else b""


def timestamp(time: list[int]) -> bytes:
    return number(1, time[0]) + number(2, time[1])


def block_id(block: list[Any] | None) -> bytes:
    if block is None:
        return inner(2, b"")
    return octets(1, block[0]) + inner(2, number(1, block[1]) + octets(2, block[2]))


def header_hash(header: list[Any]) -> bytes:
    version, chain_id, height, time, last_block, *rest = header
    return log_root(
        [
            number(1, version[0]) + number(2, version[1]),
            octets(1, chain_id.encode()),
            number(1, height),
            timestamp(time),
            block_id(last_block),
            *(octets(1, item) for item in rest),
        ]
    )


def address(public: bytes) -> bytes:
    return digest(public)[:20]


def ordered(members: list[Power]) -> list[Power]:
    """CometBFT's order: power descending, then address ascending."""
    return sorted(members, key=lambda one: (-one[1], address(one[0].public)))


def sealers(members: list[Power]) -> list[Any]:
    return ["lianheng.sealers.1", "cometbft", [[key.public, power] for key, power in members]]


def validators_hash(members: list[Power]) -> bytes:
    return log_root([inner(1, octets(1, key.public)) + number(2, power) for key, power in members])


def vote_bytes(
    chain_id: str, height: int, round_: int, block: list[Any] | None, time: list[int]
) -> bytes:
    """What a precommit signs; `block` None: for none."""
    content = (
        number(1, 2)
        + fixed(2, height)
        + fixed(3, round_)
        + (inner(4, block_id(block)) if block is not None else b"")
        + inner(5, timestamp(time))
        + octets(6, chain_id.encode())
    )
    return varint(len(content)) + content


@dataclass
class Ballot:
    """How members vote in one commit; faults are made by changing it.

    `flags` by place in the set: 2, 3, or None for absent. `signed` changes what a place's vote
    signs, away from what the commit says: `chain_id`, `height`, `round_`, `block`, `time`.
    `signers` makes another key sign in a place. `commit` changes fields of the commit itself.
    """

    flags: Mapping[int, int | None] = field(default_factory=dict)
    signed: dict[int, dict[str, Any]] = field(default_factory=dict)
    signers: dict[int, Key] = field(default_factory=dict)
    round_: int = 0
    commit: Callable[[list[Any]], list[Any]] | None = None

    def hold(self, header: list[Any], members: list[Power]) -> list[Any]:
        """The commit for the header."""
        block = [header_hash(header), 1, digest(b"parts" + header_hash(header))]
        votes: list[Any] = []
        for place, (key, _) in enumerate(members):
            flag = self.flags.get(place, COMMIT)
            if flag is None:
                votes.append(None)
                continue
            cast = self._time(header, place)
            signature = self.signers.get(place, key).private.sign(self.says(header, place))
            votes.append([flag, address(key.public), cast, signature])
        commit = [header[2], self.round_, block, votes]
        return self.commit(commit) if self.commit else commit

    def _time(self, header: list[Any], place: int) -> list[int]:
        return [header[3][0] + 1, (header[3][1] + place * 1000 + 7) % 10**9]

    def says(self, header: list[Any], place: int) -> bytes:
        """What the vote in this place signs."""
        block = [header_hash(header), 1, digest(b"parts" + header_hash(header))]
        values: dict[str, Any] = {
            "chain_id": header[1],
            "height": header[2],
            "round_": self.round_,
            "block": block if self.flags.get(place, COMMIT) == COMMIT else None,
            "time": self._time(header, place),
        }
        return vote_bytes(**values | self.signed.get(place, {}))


def make_header(values: dict[str, Any]) -> list[Any]:
    """A header's row from fields by their name; what is not given is made of the height."""
    height = values["height"]

    def some(name: str) -> bytes:
        return digest(f"{name} {height}".encode())

    filled: dict[str, Any] = {
        "version": [11, 1],
        "last_block": [some("last block"), 1, some("last parts")] if height > 1 else None,
        "last_commit": some("commit") if height > 1 else b"",
        "data": some("data"),
        "consensus": digest(b"consensus"),
        "last_results": some("results") if height > 1 else digest(b""),
        "evidence": digest(b""),
    } | values
    return [filled[name] for name in HEADER]


def make_seal(header: list[Any], members: list[Power], ballot: Ballot | None = None) -> list[Any]:
    """The quorum seal of a header by these members."""
    return ["cometbft", header, (ballot or Ballot()).hold(header, members), sealers(members)]


def changed(header: list[Any], **changes: Any) -> list[Any]:
    return [changes.get(name, item) for name, item in zip(HEADER, header, strict=True)]


def seal_hash(members: list[Power]) -> bytes:
    """The hash by which our headers name the set."""
    return digest(encode(sealers(members)))
