"""Our verdicts against CometBFT's own light client, over honest, forged and real headers.

Whatever it refuses, we refuse. We refuse more in three cases only, each asserted by its class: a
bad vote behind those that make the quorum, a bad vote for none, and what concerns our own header
and files, at which it does not look.
"""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify import comet_node
from tests.verify.chainmaker import comet
from tests.verify.chainmaker.chain import START, decode_plain
from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.quorum import QuorumChain
from tests.verify.chainmaker.quorum_faults import BALLOTS, HEADERS, QUORUM_FAULTS, small
from tests.verify.chainmaker.scenes import changing_toolshed, quorum_toolshed, replaced_toolshed
from tests.verify.chainmaker.signing import Key
from tests.verify.chainmaker.trees import log_root
from tests.verify.helpers import ROOT, altered
from tests.verify.light_client import TRUSTED, ask, build, question

import lianheng_verify as verify
from lianheng_verify import _comet, _quorum, _sealers
from lianheng_verify._steps import Trusted, advance

if TYPE_CHECKING:
    from pathlib import Path

    from tests.verify.chainmaker.faults import Case

NOT_LOOKED_AT = {
    *("seal.other_header", "seal.height", "seal.other_sealers", "steps.unneeded"),
}
BEYOND = {
    "a bad vote beyond the quorum",
    "a bad vote for none",
    "another voter beyond the quorum",
}


@pytest.fixture(scope="module")
def program() -> Path:
    return build()


def ours(trusted: Trusted, seal: list[Any], chain_id: str) -> str:
    """Our verdict on a seal, its header's application hash apart: "trusted", or the code."""
    try:
        parsed = _quorum.parse_quorum_seal(seal)
        _quorum.verify_commit(parsed, chain_id)
        advance(trusted, parsed)
    except verify.VerificationError as error:
        return error.code
    return TRUSTED


def trusted_by(seal: list[Any]) -> Trusted:
    return Trusted.of_seal(_quorum.parse_quorum_seal(seal))


def genesis_as_header(chain_id: str, members: list[Any]) -> list[Any]:
    """The genesis as the light client may know it: a header of height 0 that names its own set."""
    powers = [[key, power] for key, power in members[2]]
    root = log_root(
        [comet.inner(1, comet.octets(1, key)) + comet.number(2, power) for key, power in powers]
    )
    header = comet.make_header(
        {
            "chain_id": chain_id,
            "height": 0,
            "time": [START // 1000, 0],
            "application": b"",
            "validators": root,
            "next_validators": root,
            "proposer": bytes(20),
        }
    )
    return ["cometbft", header, [0, 0, [bytes(32), 1, bytes(32)], []], members]


# --- honest ---


def pairs(chain: QuorumChain) -> list[tuple[list[Any], list[Any]]]:
    seals = [chain.step(height) for height in range(1, 15)]
    return [(a, b) for a in seals for b in seals]


@pytest.mark.parametrize("scene", [quorum_toolshed, changing_toolshed, replaced_toolshed])
def test_any_two_headers_of_a_chain(program: Path, scene: Any) -> None:
    """Forward, backward, neighbours, and across changes of the set."""
    chain = scene()
    cases = pairs(chain)
    theirs = ask(program, [question(a, b) for a, b in cases])
    verdicts = [ours(trusted_by(a), b, chain.chain_id) for a, b in cases]
    for (a, b), mine, answer in zip(cases, verdicts, theirs, strict=True):
        assert (mine == TRUSTED) == (answer["verdict"] == TRUSTED), (a[1][2], b[1][2], mine, answer)
    assert 20 < verdicts.count(TRUSTED) < len(cases)


# --- forged ---


def way(name: str, case: Case) -> tuple[Trusted, list[Any], list[list[Any]]] | None:
    """What is trusted, as we and as CometBFT know it, and what is to be trusted because of it."""
    anchor = decode_plain(case.anchor)
    if "document" in anchor:
        loaded = verify.load_anchor(case.anchor)
        start = genesis_as_header(
            loaded.genesis_hash[:24].hex(), decode_plain(anchor["document"])["sealers"]
        )
    elif name in BALLOTS:
        loaded = verify.load_anchor(small().genesis_file)
        start = genesis_as_header(small().chain_id, small().sealers)
    else:
        loaded = verify.load_anchor(case.anchor)
        start = anchor["seal"]
    if loaded.trusted is None or case.parts["seal"][0] != "cometbft":
        return None
    return loaded.trusted, start, [*case.parts.get("steps", []), case.parts["seal"]]


def verdict_on_the_way(trusted: Trusted, seals: list[list[Any]], chain_id: str) -> str:
    for seal in seals:
        found = ours(trusted, seal, chain_id)
        if found != TRUSTED:
            return found
        trusted = trusted_by(seal)
    return TRUSTED


def forged() -> dict[str, tuple[Trusted, list[Any], list[list[Any]]]]:
    found = {}
    for name, fault in QUORUM_FAULTS.items():
        if fault.check not in {"seal", "steps"}:
            continue
        case = way(name, fault.build())
        if case is not None:
            found[name] = case
    return found


def test_forged_seals_and_steps(program: Path) -> None:
    cases = forged()
    assert set(BALLOTS) | set(HEADERS) <= set(cases)
    questions, owners = [], []
    for name, (_, start, seals) in cases.items():
        for before, after in pairwise([start, *seals]):
            questions.append(question(before, after))
            owners.append(name)
    refused = {
        name
        for name, answer in zip(owners, ask(program, questions), strict=True)
        if answer["verdict"] != TRUSTED
    }
    only_ours = set()
    for name, (trusted, start, seals) in cases.items():
        found = verdict_on_the_way(trusted, seals, start[1][1])
        assert found != TRUSTED or QUORUM_FAULTS[name].code in NOT_LOOKED_AT, name
        if name not in refused:
            only_ours.add(name)
            assert name in BEYOND or QUORUM_FAULTS[name].code in NOT_LOOKED_AT, (name, found)
    assert only_ours >= BEYOND


def looked_at(seal: list[Any]) -> list[Any]:
    """The seal without the votes that CometBFT's light client skips: those for none, and those
    that come behind more than two thirds."""
    commit, members = seal[2], seal[3][2]
    total, power, votes = sum(one for _, one in members), 0, []
    for vote, (_, one) in zip(commit[3], members, strict=True):
        counts = vote is not None and vote[0] == comet.COMMIT and power * 3 <= total * 2
        votes.append(vote if counts else None)
        power += one if counts else 0
    # The names in front of a set are ours; it knows none.
    return [*seal[:2], [*commit[:3], votes], ["lianheng.sealers.1", "cometbft", members]]


@pytest.mark.parametrize("height", [5, 7, 9])
def test_any_altered_field_of_a_seal(program: Path, height: int) -> None:
    """One vote absent, one for none, all there: each field changed, both verdicts compared."""
    chain = quorum_toolshed()
    good = chain.step(height)
    start = genesis_as_header(chain.chain_id, chain.sealers)
    trusted = Trusted.of_genesis(_sealers.parse_sealers(chain.sealers), START)
    cases = [good, *(seal for seal in altered(good) if seal[0] == "cometbft")]
    assert ours(trusted, good, chain.chain_id) == TRUSTED
    differing = 0
    for seal, answer in zip(
        cases, ask(program, [question(start, seal) for seal in cases]), strict=True
    ):
        mine = ours(trusted, seal, chain.chain_id)
        if (mine == TRUSTED) != (answer["verdict"] == TRUSTED):
            assert mine != TRUSTED
            assert ours(trusted, looked_at(seal), chain.chain_id) == TRUSTED, mine
            differing += 1
    assert 0 < differing < len(cases) / 4


POOL = [Key(f"validator {one}") for one in range(9)]


def random_set(source: random.Random) -> list[comet.Power]:
    keys = source.sample(POOL, source.randint(1, 6))
    return comet.ordered([(key, source.randint(1, 4)) for key in keys])


def random_header(
    source: random.Random, height: int, sets: tuple[list[comet.Power], list[comet.Power]]
) -> list[Any]:
    values: dict[str, Any] = {
        "chain_id": "cd" * 24,
        "height": height,
        "time": [START // 1000 + height + source.choice((0, 0, 0, -2)), source.randrange(3)],
        "application": digest(b"application"),
        "validators": comet.validators_hash(sets[0]),
        "next_validators": comet.validators_hash(sets[1]),
        "proposer": bytes(20),
    }
    return comet.make_header(values)


def random_ballot(source: random.Random, members: int) -> comet.Ballot:
    choices = (comet.COMMIT, comet.COMMIT, comet.COMMIT, comet.COMMIT, comet.NIL, None)
    flags = {place: source.choice(choices) for place in range(members)}
    forged = {source.randrange(members): {"round_": 5}} if source.random() < 0.1 else {}
    return comet.Ballot(flags=flags, signed=forged)


def test_random_sets_powers_voters_and_heights(program: Path) -> None:
    """Where the thirds lie, on either side; neighbours or not."""
    source = random.Random(215)  # noqa: S311 - the same cases everywhere
    cases = []
    for _ in range(400):
        first, second = random_set(source), random_set(source)
        after = source.choice((first, second))
        height = source.randint(1, 5)
        trusted = comet.make_seal(random_header(source, height, (first, second)), first)
        later = source.choice((height + 1, height + 1, height + 2, height + 9, height))
        header = random_header(source, later, (after, first))
        seal = comet.make_seal(header, after, random_ballot(source, len(after)))
        cases.append((trusted, seal))
    verdicts = []
    for (before, seal), answer in zip(
        cases, ask(program, [question(*one) for one in cases]), strict=True
    ):
        verdicts.append(ours(trusted_by(before), seal, "cd" * 24))
        if (verdicts[-1] == TRUSTED) != (answer["verdict"] == TRUSTED):
            assert ours(trusted_by(before), looked_at(seal), "cd" * 24) == TRUSTED, answer
    wanted = {TRUSTED, "seal.no_quorum", "seal.bad", "steps.no_third", "steps.not_next"}
    assert wanted | {"steps.order", "steps.time"} == set(verdicts)
    assert verdicts.count(TRUSTED) > 50


# --- hashes ---


def random_seal(source: random.Random) -> list[Any]:
    def some(length: int = 32) -> bytes:
        return source.randbytes(length)

    def hashed() -> bytes:
        return source.choice((some(), some(), b""))

    def number(bits: int) -> int:
        return source.getrandbits(source.randint(1, bits))

    block = [some(), number(32), some()]
    header = comet.make_header(
        {
            "version": [number(64), number(64)],
            "chain_id": some(24).hex(),
            "height": number(63),
            "time": [source.randint(-62_135_596_800, 253_402_300_799), source.randrange(10**9)],
            "last_block": source.choice((block, None)),
            "validators": some(),
            "application": source.choice((some(), some(8), b"")),
            "proposer": some(20),
        }
        | {name: hashed() for name in ("last_commit", "data", "next_validators", "consensus")}
        | {name: hashed() for name in ("last_results", "evidence")}
    )
    keys = [[some(), 1 + number(40)] for _ in range(source.randint(1, 40))]
    return ["cometbft", header, [1, 0, block, []], ["lianheng.sealers.1", "cometbft", keys]]


def test_hashes_of_random_headers_and_sets(program: Path) -> None:
    source = random.Random(40)  # noqa: S311 - the same cases everywhere
    seals = [random_seal(source) for _ in range(300)]
    for seal, answer in zip(
        seals, ask(program, [question(None, one) for one in seals]), strict=True
    ):
        fields = fields_of(seal[1])
        assert _comet.header_hash(fields).hex() == answer["header_hash"]
        assert comet.header_hash(seal[1]).hex() == answer["header_hash"]
        keys = [(key, power) for key, power in seal[3][2]]
        assert _comet.validators_hash(keys).hex() == answer["validators_hash"]


def fields_of(row: list[Any]) -> _comet.HeaderFields:
    version, chain_id, height, time, last, *rest = row
    return _comet.HeaderFields(
        tuple(version),
        chain_id,
        height,
        _comet.Time(*time),
        last and _comet.BlockId(*last),
        *rest,
    )


# --- real ---


def real_seal(row: list[Any]) -> _quorum.QuorumSeal:
    """A seal of a chain whose application hash has another length than ours."""
    filled = [row[0], comet.changed(row[1], application=b""), *row[2:]]
    parsed = _quorum.parse_quorum_seal(filled)
    return _quorum.QuorumSeal(fields_of(row[1]), parsed.commit, parsed.sealers)


def check_real(program: Path, rows: list[list[Any]]) -> None:
    chain_id = rows[0][1][1]
    seals = [real_seal(row) for row in rows]
    for seal, after in pairwise(seals):
        _quorum.verify_commit(seal, chain_id)
        advance(Trusted.of_seal(seal), after)
    _quorum.verify_commit(seals[-1], chain_id)
    with pytest.raises(verify.VerificationError, match=r"seal\.other_chain"):
        _quorum.verify_commit(seals[-1], "ab" * 24)
    questions = [question(a, b) for a, b in pairwise(rows)]
    assert {answer["verdict"] for answer in ask(program, questions)} == {TRUSTED}


def test_commits_that_a_real_network_made(program: Path) -> None:
    """Absent votes and a vote for none among them."""
    path = ROOT / "tests" / "vectors" / "cometbft-commits.json"
    commits = json.loads(path.read_text())["commits"]
    rows = [comet_node.seal_of(one["signed_header"], one["validators"]) for one in commits]
    flags = {vote and vote[0] for row in rows for vote in row[2][3]}
    assert flags == {None, 2, 3}
    check_real(program, rows)


def test_commits_of_a_node_started_here(program: Path, tmp_path: Path) -> None:
    home = tmp_path / "c"
    with comet_node.running(home, digest(b"chain")[:24].hex()) as rpc:
        comet_node.wait_for(rpc, 4)
        rows = [comet_node.seal_at(rpc, height) for height in (1, 2, 4)]
    check_real(program, rows)
    assert encode(rows[0][3])
