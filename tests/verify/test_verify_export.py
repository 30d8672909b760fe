"""Exports: each check of `chain` has a fault that fails only it; `compare` finds where two part."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest
from tests.verify.chainmaker.chain import START, Chain
from tests.verify.chainmaker.comet import Ballot, ordered
from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.quorum import QuorumChain, four
from tests.verify.chainmaker.scenes import (
    changing_toolshed,
    quorum_toolshed,
    replaced_toolshed,
    succeeded,
    toolshed,
)
from tests.verify.chainmaker.signing import Key
from tests.verify.helpers import anchor_at, failed_checks, one_byte_changed, refuses

import lianheng_verify as verify

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHAIN = toolshed()


def faulty(**block: Any) -> Chain:
    """A chain whose third block was made so, with two good blocks behind it."""
    chain = Chain()
    for number in range(2):
        chain.add([(chain.transaction(number=number), succeeded())])
    chain.add([(chain.transaction(number=3), succeeded())], **block)
    for number in (4, 5):
        chain.add([(chain.transaction(number=number), succeeded())], later=5000)
    return chain


def with_gap() -> Chain:
    return faulty(changes={"height": 7, "consensus_height": 7})


def with_other_entries() -> Chain:
    chain = faulty()
    chain.blocks[3].entries[0] = chain.blocks[2].entries[0]
    return chain


def with_other_transactions() -> Chain:
    chain = faulty()
    chain.blocks[3].transactions = chain.blocks[2].transactions
    return chain


CHAIN_FAULTS: dict[str, tuple[str, str, Callable[[], Chain]]] = {
    "gap": ("heights", "chain.height", with_gap),
    "consensus height": (
        "heights",
        "header.consensus_height",
        partial(faulty, changes={"consensus_height": 9}),
    ),
    "another chain": ("heights", "header.chain", partial(faulty, changes={"chain": "other"})),
    "earlier": ("times", "header.time", partial(faulty, changes={"time": START + 1})),
    "history root": (
        "history",
        "header.history",
        partial(faulty, changes={"history_root": bytes(32)}),
    ),
    "sealers": (
        "sealers",
        "seal.other_sealers",
        partial(faulty, changes={"sealers_hash": bytes(32)}),
    ),
    "another sealer": ("seals", "seal.wrong_key", partial(faulty, sealer=Key("mallory"))),
    "seal of another header": (
        "seals",
        "seal.other_header",
        partial(faulty, seal_payload=["lianheng.seal.1", bytes(32)]),
    ),
    "entries": ("blocks", "block.entries", with_other_entries),
    "entries root": (
        "blocks",
        "block.entries",
        partial(faulty, changes={"entries_root": bytes(32)}),
    ),
    "transactions": ("blocks", "block.transactions", with_other_transactions),
}


@pytest.mark.parametrize("blocks", [True, False])
@pytest.mark.parametrize("anchor", [0, 1, 6])
def test_a_good_export_verifies(tmp_path: Path, anchor: int, blocks: bool) -> None:
    folder = CHAIN.export(tmp_path / "export", blocks=blocks)
    verified = verify.verify_chain(folder, anchor_at(CHAIN, anchor))
    assert (verified.height, verified.blocks_checked) == (6, 6 if blocks else 0)


def test_the_genesis_alone_verifies(tmp_path: Path) -> None:
    chain = Chain()
    assert verify.verify_chain(chain.export(tmp_path), anchor_at(chain, 0)).height == 0


@pytest.mark.parametrize("name", CHAIN_FAULTS)
def test_each_fault_fails_exactly_its_check(name: str, tmp_path: Path) -> None:
    check, code, build = CHAIN_FAULTS[name]
    chain = build()
    folder = chain.export(tmp_path / "export")
    failed = failed_checks(lambda: verify.verify_chain(folder, anchor_at(chain, 0)))
    assert failed == {check: code}


@pytest.mark.parametrize(("height", "code"), [(3, "anchor.differs"), (8, "anchor.beyond")])
def test_the_anchor_must_be_among_the_headers(tmp_path: Path, height: int, code: str) -> None:
    other = Chain()
    for number in range(9):
        other.add([(other.transaction(number=70 + number), succeeded())])
    folder = CHAIN.export(tmp_path / "export")
    failed = failed_checks(lambda: verify.verify_chain(folder, anchor_at(other, height)))
    assert failed == {"anchor": code}


def test_blocks_missing_or_too_many(tmp_path: Path) -> None:
    folder = CHAIN.export(tmp_path / "export")
    blocks = folder / "blocks-000000000001.cbors"
    whole = blocks.read_bytes()
    last = len(encode(record(CHAIN, 6)))
    run = partial(verify.verify_chain, folder, anchor_at(CHAIN, 0))
    blocks.write_bytes(whole[:-last])
    assert failed_checks(run) == {"blocks": "block.missing"}
    blocks.write_bytes(whole + encode(record(CHAIN, 6)))
    assert failed_checks(run) == {"blocks": "block.surplus"}
    blocks.rename(folder / "blocks-000000000002.cbors")
    assert failed_checks(run) == {"blocks": "export.blocks"}


def record(chain: Chain, height: int) -> list[Any]:
    block = chain.blocks[height]
    return ["lianheng.block.1", block.header, block.seal, block.transactions, block.entries]


def test_no_changed_byte_of_the_headers_or_blocks_is_accepted(tmp_path: Path) -> None:
    chain = Chain()
    for number in range(2):
        chain.add([(chain.transaction(number=number), succeeded())])
    folder = chain.export(tmp_path / "export")
    anchor = anchor_at(chain, 0)
    for name in ("headers.cbors", "blocks-000000000001.cbors"):
        path = folder / name
        data = path.read_bytes()
        for changed in one_byte_changed(data):
            path.write_bytes(changed)
            assert refuses(partial(verify.verify_chain, folder, anchor))
        path.write_bytes(data)
    assert verify.verify_chain(folder, anchor).height == 2


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(verify.UnreadableError, match=r"genesis\.cbor"):
        verify.verify_chain(tmp_path, anchor_at(CHAIN, 0))


# --- compare ---


def longer(chain: Chain, first: int, blocks: int = 1) -> Chain:
    for number in range(first, first + blocks):
        chain.add([(chain.transaction(number=number), succeeded())])
    return chain


def exports(tmp_path: Path, a: Chain, b: Chain) -> verify.Comparison:
    return verify.compare_exports(a.export(tmp_path / "a"), b.export(tmp_path / "b"))


def test_equal_exports(tmp_path: Path) -> None:
    found = exports(tmp_path, toolshed(), toolshed())
    assert (found.relation, found.height, found.one_history) == ("equal", 6, True)


@pytest.mark.parametrize("more", ["A", "B"])
def test_one_is_a_prefix_of_the_other(tmp_path: Path, more: str) -> None:
    pair = toolshed(), longer(toolshed(), 20, 2)
    found = exports(tmp_path, *(pair if more == "B" else pair[::-1]))
    assert (found.relation, found.height, found.longer) == ("prefix", 6, more)
    assert found.one_history


def test_two_sealed_histories_prove_equivocation(tmp_path: Path) -> None:
    a, b = longer(toolshed(), 20, 2), longer(toolshed(), 30, 3)
    found = exports(tmp_path, a, b)
    assert (found.relation, found.height, found.equivocation) == ("parted", 7, True)
    assert found.fields == ("entries root", "replay root")
    assert not found.one_history


def test_a_forged_side_proves_nothing(tmp_path: Path) -> None:
    a, b = longer(toolshed(), 20), toolshed()
    b.add([(b.transaction(number=30), succeeded())], sealer=Key("mallory"))
    found = exports(tmp_path, a, b)
    assert (found.relation, found.height, found.equivocation) == ("parted", 7, False)
    assert [check.passed for check in found.checks] == [True, False, False]


def test_a_bad_tail_of_the_longer_one_is_seen(tmp_path: Path) -> None:
    b = toolshed()
    b.add([(b.transaction(number=30), succeeded())], changes={"history_root": digest(b"x")})
    found = exports(tmp_path, toolshed(), b)
    assert found.relation == "prefix"
    assert not found.one_history


def test_two_chains(tmp_path: Path) -> None:
    found = exports(tmp_path, toolshed(), Chain(name="other"))
    assert (found.relation, found.one_history) == ("other_chain", False)


# --- networks ---


def sealed_by_quorum(**more: Any) -> QuorumChain:
    """Five blocks, sealed at heights 3, 5, 7, 9 and 11."""
    return add_calls(QuorumChain(**more), 1, 5)


def add_calls(chain: QuorumChain, first: int, blocks: int = 1) -> QuorumChain:
    for number in range(first, first + blocks):
        chain.add([(chain.transaction(number=number), succeeded())])
    return chain


def without_seals(chain: QuorumChain, *heights: int) -> QuorumChain:
    for height in heights:
        chain.blocks[height].seal = None
    return chain


SCENES = (quorum_toolshed, changing_toolshed, replaced_toolshed)


@pytest.mark.parametrize("anchor", [0, 2, 6])
@pytest.mark.parametrize("scene", SCENES)
def test_a_network_s_export_verifies(
    tmp_path: Path, scene: Callable[[], QuorumChain], anchor: int
) -> None:
    chain = scene()
    verified = verify.verify_chain(chain.export(tmp_path), anchor_at(chain, anchor))
    assert (verified.height, verified.blocks_checked) == (6, 6)


def test_a_missing_seal_is_made_up_for_by_a_later_one(tmp_path: Path) -> None:
    chain = without_seals(sealed_by_quorum(), 2, 4)
    verified = verify.verify_chain(chain.export(tmp_path), anchor_at(chain, 0))
    said = next(check.text for check in verified.checks if check.name == "seals")
    assert said == "seals: 3 of 5 by more than two thirds of the power"


def test_blocks_may_lack_the_seal_that_came_later(tmp_path: Path) -> None:
    chain = sealed_by_quorum()
    folder = chain.export(tmp_path)
    records = b"".join(
        encode([*record(chain, height)[:2], None, *record(chain, height)[3:]])
        for height in range(1, 6)
    )
    (folder / "blocks-000000000001.cbors").write_bytes(records)
    assert verify.verify_chain(folder, anchor_at(chain, 0)).blocks_checked == 5


QUORUM_CHAIN_FAULTS: dict[str, tuple[str, str, Callable[[], QuorumChain]]] = {
    "no seal at the end": (
        "seals",
        "seal.missing",
        lambda: without_seals(sealed_by_quorum(), 4, 5),
    ),
    "no quorum": (
        "seals",
        "seal.no_quorum",
        lambda: sealed_by_quorum(ballots={7: Ballot(flags={0: None, 1: None})}),
    ),
    "bad vote": (
        "seals",
        "seal.bad",
        lambda: sealed_by_quorum(ballots={7: Ballot(signed={3: {"height": 9}})}),
    ),
    "back in time": (
        "sealers",
        "steps.time",
        lambda: sealed_by_quorum(header_changes={7: {"time": [START // 1000 + 5, 0]}}),
    ),
    "all validators replaced between two seals": (
        "sealers",
        "steps.no_third",
        lambda: sealed_by_quorum(sets={1: four(), 6: strangers()}),
    ),
}


def strangers() -> list[Any]:
    return ordered([(Key(f"stranger {one}"), 25) for one in range(4)])


@pytest.mark.parametrize("name", QUORUM_CHAIN_FAULTS)
def test_each_fault_of_a_network_fails_exactly_its_check(name: str, tmp_path: Path) -> None:
    check, code, build = QUORUM_CHAIN_FAULTS[name]
    chain = build()
    folder = chain.export(tmp_path)
    failed = failed_checks(lambda: verify.verify_chain(folder, anchor_at(chain, 0)))
    assert failed == {check: code}


def test_solo_seals_prove_nothing_in_a_network(tmp_path: Path) -> None:
    chain = sealed_by_quorum()
    chain.blocks[3].seal = CHAIN.blocks[3].seal
    folder = chain.export(tmp_path, blocks=False)
    failed = failed_checks(lambda: verify.verify_chain(folder, anchor_at(chain, 0)))
    assert failed == {"seals": "seal.wrong_kind"}


def test_no_changed_byte_of_a_network_s_headers_is_accepted(tmp_path: Path) -> None:
    chain = add_calls(QuorumChain(), 1)
    folder, anchor = chain.export(tmp_path, blocks=False), anchor_at(chain, 0)
    path = folder / "headers.cbors"
    data = path.read_bytes()
    for place, changed in enumerate(one_byte_changed(data)):
        if place % 2 == 0:
            path.write_bytes(changed)
            assert refuses(partial(verify.verify_chain, folder, anchor)), place


def test_two_histories_of_a_network_are_blamed_on_its_validators(tmp_path: Path) -> None:
    found = exports(
        tmp_path, add_calls(sealed_by_quorum(), 20, 2), add_calls(sealed_by_quorum(), 30, 3)
    )
    assert (found.relation, found.height, found.equivocation) == ("parted", 6, True)
    assert found.blame == "more than a third of the validators' power signed two histories"


def test_a_later_seal_proves_two_histories_as_well(tmp_path: Path) -> None:
    a = without_seals(add_calls(sealed_by_quorum(), 20, 3), 6, 7)
    found = exports(tmp_path, a, add_calls(sealed_by_quorum(), 30, 1))
    assert (found.height, found.equivocation) == (6, True)


def test_unsealed_blocks_prove_no_two_histories(tmp_path: Path) -> None:
    a = without_seals(add_calls(sealed_by_quorum(), 20, 2), 6, 7)
    found = exports(tmp_path, a, add_calls(sealed_by_quorum(), 30, 1))
    assert (found.relation, found.equivocation, found.blame) == ("parted", False, "")
    assert [check.code for check in found.checks] == ["seal.missing", "", "compare.parted"]


def test_seals_may_differ_between_exports_of_one_history(tmp_path: Path) -> None:
    other = sealed_by_quorum(ballots={5: Ballot(flags={2: None}), 9: Ballot(round_=3)})
    found = exports(tmp_path, sealed_by_quorum(), other)
    assert (found.relation, found.one_history) == ("equal", True)
