"""Vectors of chains that validators seal: encodings, headers, receipts and proofs with steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.verify.chainmaker import comet
from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.faults import Case
from tests.verify.chainmaker.quorum import four, validator
from tests.verify.chainmaker.quorum_faults import QUORUM_FAULTS, QUORUM_STATE_FAULTS, three
from tests.verify.chainmaker.scenes import changing_toolshed, quorum_toolshed, replaced_toolshed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.verify.chainmaker.chain import Chain
    from tests.verify.chainmaker.faults import Fault
    from tests.verify.chainmaker.quorum import QuorumChain

Json = dict[str, Any]


def all_vectors(
    files: Callable[[dict[str, Case], dict[str, Fault], str], Json],
    headers: Callable[[Chain], Json],
) -> dict[str, Json]:
    scenes = {
        "one set": quorum_toolshed(),
        "a set that changes": changing_toolshed(),
        "a set that is replaced": replaced_toolshed(),
    }
    return {
        "quorum.json": encodings(scenes),
        "quorum-headers.json": headers(scenes["a set that changes"]),
        "quorum-receipts.json": files(receipts(scenes), QUORUM_FAULTS, "receipt"),
        "quorum-proofs.json": files(proofs(scenes), QUORUM_STATE_FAULTS, "proof"),
    }


def encodings(scenes: dict[str, QuorumChain]) -> Json:
    chain = scenes["one set"]
    powers = [2**40, 1, 255, 256, 300, 2**33, 7, 7]
    mixed = [(validator(f"v{place}"), power) for place, power in enumerate(powers)]
    sets = [four(), three(), [(validator("alone"), 1)], comet.ordered(mixed)]
    special: dict[int, dict[str, Any]] = {
        1: {"data": b"", "consensus": b"", "time": [-62_135_596_800, 0]},
        2: {"version": [11, 0], "time": [-1, 999_999_999], "last_results": b""},
        3: {"version": [11, 2**64 - 1], "time": [0, 0], "application": b""},
        2**63 - 1: {"time": [253_402_300_798, 0], "next_validators": b""},
    }
    chain.header_changes = special
    seals = [seal_of(chain, height) for height in (*special, 5, 7, 9)]
    chain.header_changes = {}
    return {
        "about": "CometBFT's encodings: sets, header hashes, what votes sign (null: absent).",
        "genesis_hash": chain.genesis_hash.hex(),
        "chain_id": chain.chain_id,
        "sets": [set_of(members) for members in sets],
        "seals": seals,
    }


def set_of(members: list[comet.Power]) -> Json:
    return {
        "sealers": encode(comet.sealers(members)).hex(),
        "hash": comet.seal_hash(members).hex(),
        "addresses": [comet.address(key.public).hex() for key, _ in members],
        "power": sum(power for _, power in members),
        "validators_hash": comet.validators_hash(members).hex(),
    }


def seal_of(chain: QuorumChain, height: int) -> Json:
    members, ballot = chain.set_at(height), chain.ballots.get(height, comet.Ballot())
    header = chain.comet_header(height, digest(b"application %d" % height))
    seal = comet.make_seal(header, members, ballot)
    signed = [vote and ballot.says(header, place).hex() for place, vote in enumerate(seal[2][3])]
    return {
        "seal": encode(seal).hex(),
        "block_hash": comet.header_hash(header).hex(),
        "signed": signed,
    }


def receipts(scenes: dict[str, QuorumChain]) -> dict[str, Case]:
    return {
        f"{name}: block {height} entry {index} under block {anchor}": Case(
            chain.receipt(height, index, anchor), chain.anchor_file(anchor)
        )
        for name, chain in scenes.items()
        for height, index in ((1, 0), (2, 0), (3, 1), (6, 0))
        for anchor in (0, 2, 3, 5)
    }


def proofs(scenes: dict[str, QuorumChain]) -> dict[str, Case]:
    rows: dict[str, tuple[str, str, list[Any]]] = {
        "present": ("toolshed", "tools", ["crane-7"]),
        "absent": ("toolshed", "tools", ["crane-8"]),
        "node": ("members", "members", ["node-1@west", 0]),
    }
    return {
        f"{name}: {title} after block {height} under block {anchor}": Case(
            chain.proof(height, *row, anchor), chain.anchor_file(anchor)
        )
        for name, chain in scenes.items()
        for title, row in rows.items()
        for height, anchor in ((0, 0), (6, 0), (6, 3), (4, 6))
    }
