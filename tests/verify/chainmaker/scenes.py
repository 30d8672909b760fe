"""Chains that tests and vectors share."""

from __future__ import annotations

from typing import Any, TypeVar

from tests.verify.chainmaker.chain import Chain
from tests.verify.chainmaker.comet import NIL, Ballot, ordered
from tests.verify.chainmaker.encoding import digest
from tests.verify.chainmaker.quorum import VALIDATORS, QuorumChain, four, validator
from tests.verify.chainmaker.signing import Key

SOURCE = b'"""Organisations lend each other equipment."""\n'
AnyChain = TypeVar("AnyChain", bound=Chain)
TOOL = ["toolshed", "tools", "crane-7"]


def succeeded(value: Any = None, events: list[Any] | None = None, **more: Any) -> dict[int, Any]:
    result: dict[int, Any] = {1: 0, 2: 1204, 6: digest(SOURCE)}
    if value is not None:
        result[3] = value
    if events:
        result[4] = events
    return result | {int(key[1:]): item for key, item in more.items()}


def refused() -> dict[int, Any]:
    error = {
        1: "contract.rejected",
        2: "south holds crane-7",
        3: "not_holder",
        4: "toolshed.py",
        5: 20,
    }
    return {1: 1, 2: 800, 5: error, 6: digest(SOURCE)}


def toolshed() -> Chain:
    """Six blocks: one add, one lend with an event, three calls (one refused, one of three signers),
    a chain-run entry beside a call, and two more."""
    return fill(Chain())


def quorum_toolshed(**more: Any) -> QuorumChain:
    """The same blocks, sealed by four validators; one vote is absent or for none now and then."""
    ballots = {5: Ballot(flags={1: None}, round_=2), 7: Ballot(flags={3: NIL})}
    return fill(QuorumChain(**{"ballots": ballots} | more))


def changing_toolshed() -> QuorumChain:
    """The same blocks, the set changing twice: the last has a quarter in common with the first."""
    north, south, east, west = (validator(name) for name in VALIDATORS)
    mill, port, quay = (validator(name) for name in ("mill", "port", "quay"))
    second = ordered([(north, 25), (south, 30), (east, 25), (mill, 25)])
    third = ordered([(east, 20), (mill, 20), (port, 25), (quay, 35)])
    first = ordered([(north, 25), (south, 25), (east, 25), (west, 25)])
    return quorum_toolshed(sets={1: first, 6: second, 10: third})


def replaced_toolshed() -> QuorumChain:
    """A block at every CometBFT height; at height 4 all validators are others, none stays."""
    others = ordered([(validator(name), 10) for name in ("mill", "port", "quay", "silo")])
    return quorum_toolshed(sets={1: four(), 4: others}, gap=0)


def fill(chain: AnyChain) -> AnyChain:
    """Adds the six blocks."""
    add = chain.transaction(number=1)
    chain.add([(add, succeeded({"id": "crane-7", "holder": "north"}))], [(TOOL, held_by("north"))])
    lend = chain.transaction(
        method="toolshed.lend", arguments={"id": "crane-7", "to": "south"}, number=2
    )
    event = ["toolshed", 0, "Lent", {"id": "crane-7", "to": "south"}]
    chain.add([(lend, succeeded(held_by("south"), [event]))], [(TOOL, held_by("south"))])
    chain.add(_three(chain), [(["toolshed", "tools", "saw-2"], held_by("north"))])
    chain.add(
        [(chain.transaction(arguments={"id": "n", "n": 2**200}, number=6), succeeded(-(2**200)))],
        [(["toolshed", "counts", -(2**70), True, b"\x00\xff"], {"n": 2**70})],
        others=[timer_run(chain)],
    )
    for number in (7, 8):
        chain.add([(chain.transaction(number=number), succeeded())])
    return chain


def _three(chain: Chain) -> list[tuple[bytes, dict[int, Any]]]:
    signers = [Key("alice"), Key("bob"), Key("carol")]
    return [
        (chain.transaction("bob@south", "toolshed.add", {"id": "saw-2"}, number=3), succeeded()),
        (chain.transaction(method="toolshed.lend", number=4), refused()),
        (
            chain.transaction(keys=signers, number=5, changes={10: digest(SOURCE), 11: "ref 5"}),
            succeeded([1, -1, "x", b"y", True, None, {"k": []}]),
        ),
    ]


def timer_run(chain: Chain, later: int = 1000, **more: Any) -> list[Any]:
    """The entry of a timer's run in the next block, `later` ms after the last one."""
    at = chain.time + later - 400
    cause = ["toolshed", 7, at, "nightly", {"ids": ["crane-7", 2**70]} | more]
    return [1, cause, succeeded("swept", [["toolshed", 1, "Swept", {"at": at}]])]


def held_by(organisation: str) -> dict[str, Any]:
    return {"id": "crane-7", "holder": organisation}
