"""Faulty quorum seals and steps, each wrong in one thing, made as liars would make them.

Seals that any light client must refuse too are `BALLOTS` and `HEADERS`: what voters do, and what
headers say. The rest is about our own files around them.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from tests.verify.chainmaker import comet
from tests.verify.chainmaker.comet import NIL, Ballot
from tests.verify.chainmaker.encoding import digest
from tests.verify.chainmaker.faults import Case, Fault
from tests.verify.chainmaker.quorum import QuorumChain, four, validator
from tests.verify.chainmaker.scenes import (
    changing_toolshed,
    quorum_toolshed,
    replaced_toolshed,
    succeeded,
    toolshed,
)
from tests.verify.chainmaker.signing import Key

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = [key for key, _ in four()]
SEALED_AT = 5  # The CometBFT height that seals block 2.


def three() -> list[comet.Power]:
    return comet.ordered([(validator(name), 1) for name in ("north", "south", "east")])


def small(**more: Any) -> QuorumChain:
    """Three blocks, sealed at heights 3, 5 and 7."""
    chain = QuorumChain(**more)
    for number in range(3):
        chain.add([(chain.transaction(number=number), succeeded())])
    return chain


def second(chain: QuorumChain, anchor: int = 0) -> Case:
    """The receipt of the second block."""
    return Case(chain.receipt(2, 0, anchor), chain.anchor_file(anchor))


def alone(ballot: Ballot) -> Case:
    """Under a newer anchor: nothing but the seal is at fault, though no known member signed it."""
    return second(small(ballots={SEALED_AT: ballot}), 3)


def with_ballot(ballot: Ballot, **more: Any) -> Case:
    return second(small(ballots={SEALED_AT: ballot}, **more))


def with_header(**changes: Any) -> Case:
    """The header changed before it is hashed and signed."""
    return second(small(header_changes={SEALED_AT: changes}))


def with_seal(change: Callable[[list[Any]], list[Any]]) -> Case:
    """The seal changed after it is made."""
    case = second(small())
    return Case(case.parts | {"seal": change(case.parts["seal"])}, case.anchor)


def with_votes(change: Callable[[list[Any]], list[Any]]) -> Case:
    def commit(made: list[Any]) -> list[Any]:
        return [*made[:3], change(made[3])]

    return with_ballot(Ballot(commit=commit))


def with_set(change: Callable[[list[Any]], list[Any]]) -> Case:
    """The keys of the set that comes with the seal changed; nothing else."""
    return with_seal(lambda seal: [*seal[:3], [*seal[3][:2], change(seal[3][2])]])


def vote_changed(votes: list[Any], place: int, part: int, value: Any) -> list[Any]:
    vote = [*votes[place][:part], value, *votes[place][part + 1 :]]
    return [*votes[:place], vote, *votes[place + 1 :]]


def resigned(place: int, **says: Any) -> Ballot:
    return Ballot(signed={place: says})


def _relabelled(commit: list[Any]) -> list[Any]:
    """Votes for none shown as votes for the block."""
    return [*commit[:3], [[2, *vote[1:]] for vote in commit[3]]]


def another_set() -> Case:
    """A seal by a set of which the header knows nothing, three of its four members the same."""
    chain = small()
    others = comet.ordered([*four()[1:], (Key("mallory"), 25)])
    chain.sets = {1: others}
    seal = chain.comet_seal(SEALED_AT, chain.hashes[2])
    chain.sets = {1: four()}
    return Case(chain.receipt(2) | {"seal": seal}, chain.genesis_file)


def sealed_at(height: int) -> Case:
    chain = small()
    seal = chain.comet_seal(height, chain.hashes[2])
    return Case(chain.receipt(2) | {"seal": seal}, chain.genesis_file)


def ordered_at(consensus: int, anchor: int) -> Case:
    chain = QuorumChain()
    chain.add([(chain.transaction(), succeeded())])
    call = chain.transaction(number=1)
    chain.add([(call, succeeded())], changes={"consensus_height": consensus})
    return Case(chain.receipt(2, 0, anchor), chain.anchor_file(anchor))


def solo_seal() -> Case:
    solo = toolshed()
    case = second(small())
    return Case(case.parts | {"seal": solo.blocks[2].seal}, case.anchor)


def quorum_seal_of_a_solo_chain() -> Case:
    solo = toolshed()
    seal = small().comet_seal(SEALED_AT, solo.hashes[2])
    return Case(solo.receipt(2) | {"seal": seal}, solo.genesis_file)


BALLOTS: dict[str, tuple[str, Callable[[], Case]]] = {
    "exactly two thirds": (
        "seal.no_quorum",
        lambda: with_ballot(Ballot(flags={1: None}), sets={1: three()}),
    ),
    "half": ("seal.no_quorum", lambda: with_ballot(Ballot(flags={0: None, 3: None}))),
    "nobody": ("seal.no_quorum", lambda: alone(Ballot(flags=dict.fromkeys(range(4))))),
    "votes for none do not count": (
        "seal.no_quorum",
        lambda: with_ballot(Ballot(flags={0: NIL, 1: NIL})),
    ),
    "votes for none shown as for the block": (
        "seal.bad",
        lambda: with_ballot(Ballot(flags={0: NIL, 1: NIL}, commit=_relabelled)),
    ),
    "a vote of another chain": (
        "seal.bad",
        lambda: with_ballot(resigned(0, chain_id="ab" * 24)),
    ),
    "a vote of another height": ("seal.bad", lambda: with_ballot(resigned(1, height=6))),
    "a vote of another round": ("seal.bad", lambda: with_ballot(resigned(0, round_=1))),
    "a vote for another block": (
        "seal.bad",
        lambda: with_ballot(resigned(1, block=[digest(b"x"), 1, digest(b"y")])),
    ),
    "a vote for other parts": ("seal.bad", lambda: with_ballot(resigned(0, block=None))),
    "a vote of another time": ("seal.bad", lambda: with_ballot(resigned(1, time=[1, 2]))),
    "signed by another key": (
        "seal.bad",
        lambda: with_ballot(Ballot(signers={2: Key("mallory")})),
    ),
    "one validator's vote twice": (
        "seal.other_voter",
        lambda: with_votes(lambda votes: [votes[0], votes[0], None, votes[3]]),
    ),
    "two votes swapped": (
        "seal.other_voter",
        lambda: with_votes(lambda votes: [votes[1], votes[0], *votes[2:]]),
    ),
    "another address": (
        "seal.other_voter",
        lambda: with_votes(lambda votes: vote_changed(votes, 1, 1, bytes(20))),
    ),
    "a vote too few": ("seal.votes", lambda: with_votes(lambda votes: votes[:3])),
    "a vote too many": ("seal.votes", lambda: with_votes(lambda votes: [*votes, None])),
    "no votes": ("seal.votes", lambda: alone(Ballot(commit=lambda made: [*made[:3], []]))),
    "a commit of another height": (
        "seal.other_block",
        lambda: with_ballot(Ballot(commit=lambda made: [6, *made[1:]])),
    ),
    "a commit for another block": (
        "seal.other_block",
        lambda: with_ballot(
            Ballot(commit=lambda one: [*one[:2], [digest(b"x"), *one[2][1:]], one[3]])
        ),
    ),
    "a commit of another round": (
        "seal.bad",
        lambda: with_ballot(Ballot(commit=lambda made: [made[0], 1, *made[2:]])),
    ),
    "a commit for other parts": (
        "seal.bad",
        lambda: with_ballot(
            Ballot(commit=lambda one: [*one[:2], [one[2][0], 2, one[2][2]], one[3]])
        ),
    ),
}
HEADERS: dict[str, tuple[str, Callable[[], Case]]] = {
    "a header of another chain": (
        "seal.other_chain",
        lambda: with_header(chain_id="ab" * 24),
    ),
    "other validators": ("seal.other_validators", lambda: with_header(validators=digest(b"x"))),
    "no validators": ("seal.other_validators", lambda: with_header(validators=b"")),
    "another block protocol": ("seal.version", lambda: with_header(version=[10, 1])),
}
OWN: dict[str, tuple[str, str, Callable[[], Case]]] = {
    "a bad vote beyond the quorum": (
        "seal",
        "seal.bad",
        lambda: with_ballot(resigned(3, round_=1)),
    ),
    "a bad vote for none": (
        "seal",
        "seal.bad",
        lambda: with_ballot(Ballot(flags={1: NIL}, signed={1: {"round_": 1}})),
    ),
    "another voter beyond the quorum": (
        "seal",
        "seal.other_voter",
        lambda: with_votes(lambda votes: vote_changed(votes, 3, 1, bytes(20))),
    ),
    "another application hash": (
        "seal",
        "seal.other_header",
        lambda: with_header(application=digest(b"x")),
    ),
    "no application hash": ("seal", "seal.other_header", lambda: with_header(application=b"")),
    "sealed at its own height": ("seal", "seal.height", partial(sealed_at, 4)),
    "sealed below its height": ("seal", "seal.height", partial(sealed_at, 3)),
    "another set": ("seal", "seal.other_sealers", another_set),
    "a solo seal": ("seal", "seal.wrong_kind", solo_seal),
    "a quorum seal of a solo chain": ("seal", "seal.wrong_kind", quorum_seal_of_a_solo_chain),
    "ordered below its height": (
        "anchor",
        "header.consensus_height",
        partial(ordered_at, 1, 0),
    ),
    "ordered where the anchor was": (
        "anchor",
        "header.consensus_height",
        partial(ordered_at, 2, 1),
    ),
    "the set in another order": (
        "file",
        "sealers.order",
        lambda: with_set(lambda keys: keys[::-1]),
    ),
    "a key twice in the set": (
        "file",
        "sealers.duplicate",
        lambda: with_set(lambda keys: [*keys, keys[3]]),
    ),
    "power 0": (
        "file",
        "format.field",
        lambda: with_set(lambda keys: [*keys[:3], [keys[3][0], 0]]),
    ),
    "power beyond 2^40": (
        "file",
        "format.field",
        lambda: with_set(lambda keys: [[keys[0][0], 2**40 + 1], *keys[1:]]),
    ),
    "an empty set": ("file", "format.field", lambda: with_set(lambda _: [])),
    "a short signature": (
        "file",
        "format.field",
        lambda: with_votes(lambda votes: vote_changed(votes, 0, 3, bytes(63))),
    ),
    "an unknown flag": (
        "file",
        "format.field",
        lambda: with_votes(lambda votes: vote_changed(votes, 0, 0, 1)),
    ),
    "a short chain id": ("file", "name.malformed", lambda: with_header(chain_id="ab" * 23)),
    "height 0": ("file", "format.field", lambda: with_header(height=0)),
    "a time that is none": ("file", "format.field", lambda: with_header(time=[1, 10**9])),
}


# --- steps ---


def far(change: Callable[[QuorumChain, list[Any]], list[Any]], anchor: int = 0) -> Case:
    """The last receipt of a chain whose set changed step by step, its steps changed."""
    chain = changing_toolshed()
    parts = chain.receipt(6, 0, anchor)
    steps = change(chain, parts.get("steps", []))
    rest = {name: part for name, part in parts.items() if name != "steps"}
    return Case(rest | ({"steps": steps} if steps else {}), chain.anchor_file(anchor))


def next_to(change: Callable[[QuorumChain, list[Any]], list[Any]]) -> Case:
    """The same where all validators were replaced at once, by adjacent steps only."""
    chain = replaced_toolshed()
    parts = chain.receipt(3)
    return Case(parts | {"steps": change(chain, parts["steps"])}, chain.genesis_file)


def stepless(chain: QuorumChain) -> Case:
    """The receipt of the second block, without the steps that it needs."""
    case = second(chain)
    return Case({name: part for name, part in case.parts.items() if name != "steps"}, case.anchor)


def one_third() -> Case:
    """One of three members stays: exactly a third."""
    after = comet.ordered([(validator("north"), 1), (Key("x"), 1), (Key("y"), 1)])
    return stepless(small(sets={1: three(), SEALED_AT: after}))


def step_with(**more: Any) -> Case:
    """The step at height 6 made with these ballots or changes."""
    chain = changing_toolshed()
    parts = chain.receipt(6)
    for name, value in more.items():
        getattr(chain, name)[6] = value
    return Case(parts | {"steps": [chain.step(6)]}, chain.genesis_file)


def _two_known_voters() -> Ballot:
    """55 of 105 power of the second set, half of the power of the first."""
    places = [place for place, (key, _) in enumerate(changing_toolshed().set_at(6)) if key in FIRST]
    return Ballot(flags={place: None for place in range(4) if place not in places[:2]})


def same_set(anchor: int) -> Case:
    chain = quorum_toolshed()
    parts = chain.receipt(3, 0, anchor)
    return Case(parts | {"steps": [chain.step(6)]}, chain.anchor_file(anchor))


def seal_time(time: list[int], anchor: int) -> Case:
    chain = small(header_changes={SEALED_AT: {"time": time}})
    return Case(chain.receipt(2, 0, anchor), chain.anchor_file(anchor))


def names_another_next() -> Case:
    """The step before names a set of its own as the next one."""
    chain = replaced_toolshed()
    parts = chain.receipt(3)
    chain.header_changes[3] = {"next_validators": digest(b"x")}
    return Case(parts | {"steps": [chain.step(3)]}, chain.genesis_file)


def other_next_of_the_anchor() -> Case:
    """Adjacent to the anchor's seal, by the same set, though that names another as the next."""
    chain = QuorumChain(gap=0, header_changes={2: {"next_validators": digest(b"x")}})
    for number in range(2):
        chain.add([(chain.transaction(number=number), succeeded())])
    return Case(chain.receipt(2, 0, 1), chain.anchor_file(1))


def without_the_common_ones() -> Case:
    """A quorum of the new set signed, but not those that the old set knows."""
    first = comet.ordered([(validator(name), 10) for name in ("north", "south", "east")])
    after = comet.ordered([*first[:2], *((Key(f"new {place}"), 10) for place in range(5))])
    known = {place: None for place, one in enumerate(after) if one in first[:2]}
    sets = {1: first, SEALED_AT: after}
    return stepless(small(sets=sets, ballots={SEALED_AT: Ballot(flags=known)}))


STEPS: dict[str, tuple[str, Callable[[], Case]]] = {
    "no steps": ("steps.no_third", lambda: far(lambda *_: [])),
    "a step missing between neighbours": (
        "steps.no_third",
        lambda: next_to(lambda _, steps: steps[:1]),
    ),
    "exactly one third": ("steps.no_third", one_third),
    "the third did not sign": ("steps.no_third", without_the_common_ones),
    "a step twice": ("steps.order", lambda: far(lambda _, steps: steps * 2)),
    "steps in another order": ("steps.order", lambda: next_to(lambda _, steps: steps[::-1])),
    "a step behind the seal": (
        "steps.order",
        lambda: far(lambda chain, _: [chain.step(6), chain.step(14)]),
    ),
    "a step at the seal's height": (
        "steps.order",
        lambda: far(lambda chain, _: [chain.step(6), chain.step(13)]),
    ),
    "a step before the anchor": (
        "steps.order",
        lambda: far(lambda chain, _: [chain.step(2), chain.step(6)], 1),
    ),
    "a step of another chain": ("seal.other_chain", lambda: far(lambda *_: [_foreign_step()])),
    "a step without quorum": (
        "seal.no_quorum",
        lambda: step_with(ballots=_two_known_voters()),
    ),
    "a step with a bad vote": ("seal.bad", lambda: step_with(ballots=resigned(2, height=7))),
    "a step back in time": (
        "steps.time",
        lambda: step_with(header_changes={"time": [1_750_000_000 - 1, 0]}),
    ),
    "a step later than the seal": (
        "steps.time",
        lambda: step_with(header_changes={"time": [1_750_000_013, 13014]}),
    ),
    "a step at the time of the seal": (
        "steps.time",
        lambda: step_with(header_changes={"time": [1_750_000_013, 13013]}),
    ),
    "another next set named": ("steps.not_next", names_another_next),
    "another next set named by the anchor": ("steps.not_next", other_next_of_the_anchor),
    "steps to the set of the genesis": ("steps.unneeded", partial(same_set, 0)),
    "steps to the set of the anchor": ("steps.unneeded", partial(same_set, 2)),
    "steps to the anchor itself": ("steps.unneeded", partial(same_set, 3)),
    "steps under a newer anchor": ("steps.unneeded", partial(same_set, 5)),
    "a seal of the genesis's time": ("steps.time", partial(seal_time, [1_750_000_000, 0], 0)),
    "a seal of the time of the anchor's": (
        "steps.time",
        partial(seal_time, [1_750_000_003, 3003], 1),
    ),
}


def _foreign_step() -> list[Any]:
    chain = changing_toolshed()
    return comet.make_seal(
        comet.changed(chain.comet_header(6, digest(b"x")), chain_id="ab" * 24), chain.set_at(6)
    )


QUORUM_FAULTS: dict[str, Fault] = (
    {name: Fault("seal", code, build) for name, (code, build) in (BALLOTS | HEADERS).items()}
    | {name: Fault(check, code, build) for name, (check, code, build) in OWN.items()}
    | {name: Fault("steps", code, build) for name, (code, build) in STEPS.items()}
)


def solo_with_steps() -> Case:
    solo = toolshed()
    steps = [small().step(3)]
    return Case(solo.receipt(2) | {"steps": steps}, solo.genesis_file)


QUORUM_FAULTS["steps of a solo chain"] = Fault("steps", "steps.unneeded", solo_with_steps)


def proof_fault(change: Callable[[list[Any]], list[Any]]) -> Case:
    chain = quorum_toolshed()
    parts = chain.proof(3, "toolshed", "tools", ["crane-7"])
    return Case(parts | {"seal": change(parts["seal"])}, chain.genesis_file)


def proof_steps() -> Case:
    chain = changing_toolshed()
    parts = chain.proof(6, "toolshed", "tools", ["crane-7"])
    return Case({n: p for n, p in parts.items() if n != "steps"}, chain.genesis_file)


def genesis_steps() -> Case:
    chain = changing_toolshed()
    parts = chain.proof(0, "members", "members", ["bob@south", 0])
    return Case(parts | {"steps": [chain.step(6)]}, chain.genesis_file)


def _bad_vote(seal: list[Any]) -> list[Any]:
    votes = seal[2][3]
    signature = bytes([votes[0][3][0] ^ 1]) + votes[0][3][1:]
    return [*seal[:2], [*seal[2][:3], vote_changed(votes, 0, 3, signature)], seal[3]]


QUORUM_STATE_FAULTS: dict[str, Fault] = {
    "a bad vote": Fault("seal", "seal.bad", lambda: proof_fault(_bad_vote)),
    "no steps": Fault("steps", "steps.no_third", proof_steps),
    "steps to the genesis": Fault("steps", "steps.unneeded", genesis_steps),
}
