"""The way that a node chooses from one set to another, as CometBFT's light client goes."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.system.stage import START
from tests.system.voting_stage import ORGANISATIONS, VotingStage
from tests.verify.chainmaker import comet
from tests.verify.light_client import TRUSTED, ask, build, question
from tests.verify.test_verify_light import genesis_as_header

from lianheng.model import decode


@pytest.fixture(scope="module")
def program() -> Path:
    return build()


def turned(voting: int) -> VotingStage:
    """A chain whose set changed in every way, none of the first keys left."""
    stage = VotingStage(voting=voting)
    for number in range(1, 3):
        for organisation in ORGANISATIONS[:voting]:
            stage.rotate(f"node-1@{organisation}", number).checked()
    stage.add_node("node-2@grid")
    stage.most("members.add_validator", id="node-2@grid", power=7).checked()
    gone = {"id": "node-1@bank-a", "reason": ""}
    stage.call("bank-a", "members.remove_validator", **gone).checked()
    stage.rotate("node-2@grid", 1).checked()
    spec = {"name": "grid", "title": "end", "uscc": "", "lei": ""}
    stage.call("grid", "members.describe_organisation", **spec).checked()
    return stage


@pytest.mark.parametrize("voting", [1, 2, 4])
def test_each_step_is_trusted_because_of_the_one_before(program: Path, voting: int) -> None:
    stage = turned(voting)
    chain_id, first = stage.consensus.chain_id, decode(stage.genesis_file)
    genesis = genesis_as_header(chain_id, decode(first["document"])["sealers"])
    genesis[1] = comet.changed(genesis[1], time=[START // 1_000, 0])
    cases: list[tuple[list[Any], list[Any]]] = []
    longest = 0
    for evidence in stage.receipts().values():
        fields = decode(evidence)
        steps = fields.get("steps", [])
        longest = max(longest, len(steps))
        cases += pairwise([genesis, *steps, fields["seal"]])
    answers = ask(program, [question(before, after) for before, after in cases])
    assert [answer["verdict"] for answer in answers] == [TRUSTED] * len(cases)
    assert longest >= 2
