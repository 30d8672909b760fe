"""Receipts whose part about members is wrong in one thing, made as a liar would make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.verify.chainmaker import standing
from tests.verify.chainmaker.chain import START, Chain
from tests.verify.chainmaker.encoding import digest, encode
from tests.verify.chainmaker.faults import Case, Fault, spoil_seal
from tests.verify.chainmaker.quorum import QuorumChain
from tests.verify.chainmaker.scenes import refused
from tests.verify.chainmaker.signing import Key
from tests.verify.chainmaker.standing import (
    Prover,
    Write,
    governance_run,
    key,
    member,
    organisation,
    people,
    proposal,
    vote,
)

if TYPE_CHECKING:
    from collections.abc import Callable

CAROL = Key("carol")
Part = dict[str, Any]


def signed_by_carol(*writes: Write, at: int = 1, sender: str = "carol@north") -> Case:
    """A receipt at height 2 of a call that carol signed, where block `at` wrote these rows."""
    chain = Chain()
    for height in (1, 2):
        rows = list(writes) if height == at else []
        keys, name = ([Key("bob")], "bob@south") if height == 1 else ([CAROL], sender)
        standing.call(chain, name, keys, rows)
    return Case(standing.receipt(chain, 2), chain.genesis_file)


def joined(**more: Any) -> list[Write]:
    """Rows that make carol a member from block 2 on; `more` changes the key's."""
    where, row = key(CAROL, "carol@north", 0, 2)
    return [member("carol@north", 0, 2), (where, row | more)]


def with_members(
    change: Callable[[Chain, Part], Part], height: int = 2, at: int = 2, anchor: int = 0
) -> Case:
    """A receipt of the scene whose part about members is changed."""
    chain = people(Chain())
    parts = standing.receipt(chain, height, 0, at, anchor)
    changed = parts["members"] | change(chain, parts["members"])
    return Case(parts | {"members": changed}, chain.anchor_file(anchor))


def with_later(
    change: Callable[[Chain, Part], Part], anchor: int = 0, made_for: int | None = None
) -> Case:
    """A receipt at height 2, proved by the state after block 5, which is changed."""
    chain = people(Chain())
    own = standing.receipt(chain, 2, 0, 5, anchor)
    at = own["members"]["at"]
    if made_for is not None:
        at = standing.receipt(chain, 2, 0, 5, made_for)["members"]["at"]
    changed = own["members"] | {"at": at | change(chain, at)}
    return Case(own | {"members": changed}, chain.anchor_file(anchor))


def older_version(at: int, *, hidden: bool = False) -> Case:
    """Alice signs with the key that she rotated away a block before; perhaps it is not shown."""
    chain = Chain()
    removed = key(Key("alice"), "alice@north", 1, 2, "removed")
    standing.call(chain, "bob@south", [Key("bob")], [removed])
    standing.call(chain, "alice@north", [Key("alice")], [])
    standing.call(chain, "bob@south", [Key("bob")], [])
    parts = standing.receipt(chain, 2, 0, at)
    rows = Prover(chain, 2, at)
    version, row, following = rows.at_version("keys", Key("alice").id, 0)
    proof = [version, row, absent_row(following) if hidden else following]
    return Case(parts | {"members": parts["members"] | {"keys": [proof]}}, chain.genesis_file)


def _of_another_table(table: str) -> Case:
    """Carol's key stands in a table of another contract."""
    where, row = key(CAROL, "carol@north", 0, 2)
    case = signed_by_carol(member("carol@north", 0, 2), *joined())
    chain = Chain()
    standing.call(chain, "bob@south", [Key("bob")], [([table, *where[1:]], row), *joined()[:1]])
    standing.call(chain, "carol@north", [CAROL], [])
    rows = Prover(chain, 2, 2)
    proof = [0, rows.proved([table, *where[1:]]), rows.proved([*where[:3], 1])]
    part = {"keys": [proof]} | rows.people(["carol@north"])
    parts = chain.receipt(2)
    return Case({**case.parts, **parts, "members": part}, chain.genesis_file)


def _genesis_differs() -> Case:
    """Bob's key is carol's by its row, and co-signs."""
    chain = Chain()
    where, row = key(Key("bob"), "carol@north")
    standing.call(chain, "alice@north", [Key("alice")], [(where, row), *joined()])
    standing.call(chain, "alice@north", [Key("alice"), Key("bob")], [])
    return Case(standing.receipt(chain, 2), chain.genesis_file)


def of_another(made: Chain) -> Case:
    """The proof is of another history, which has the same rows."""
    chain, other = people(Chain()), people(made, later=1001)
    members = standing.receipt(other, 2, 0, 5)["members"]
    return Case(chain.receipt(2) | {"members": members}, chain.genesis_file)


def proved_at(chain: Chain, **changes: Any) -> Case:
    """A receipt at height 2, proved by the state after block 3, whose header is changed."""
    standing.call(chain, "bob@south", [Key("bob")], joined())
    standing.call(chain, "carol@north", [CAROL], [])
    standing.call(chain, "bob@south", [Key("bob")], [], changes=changes)
    return Case(standing.receipt(chain, 2, 0, 3), chain.genesis_file)


def ran(
    rows: list[Write],
    change: Callable[[Prover, Part], Part] = lambda *_: {},
    **run: Any,
) -> Case:
    """A proposal's run at height 1, with these rows in place of the usual ones."""
    chain = Chain()
    written = dict_of([proposal(), vote("alice@north"), vote("bob@south")]) | dict_of(rows)
    entry = governance_run(chain, **run)
    standing.call(chain, "bob@south", [Key("bob")], list(written.values()), others=[entry])
    prover = Prover(chain, 1, 1)
    agreed = ["alice@north", "bob@south"]
    part = {
        "proposal": prover.proved(proposal()[0]),
        "votes": [prover.proved(vote(name)[0]) for name in agreed],
    } | prover.people(agreed)
    parts = chain.run_receipt(1) | {"members": part | change(prover, part)}
    return Case(parts, chain.genesis_file)


def dict_of(rows: list[Write]) -> dict[bytes, Write]:
    return {encode(where): (where, row) for where, row in rows}


def no_governance() -> Case:
    """Another contract's timer, with governance's rows."""
    case = ran([])
    chain = Chain()
    entry = governance_run(chain)
    entry[1][0] = "toolshed"
    standing.call(
        chain,
        "bob@south",
        [Key("bob")],
        [proposal(), vote("alice@north"), vote("bob@south")],
        others=[entry],
    )
    return Case(chain.run_receipt(1) | {"members": case.parts["members"]}, chain.genesis_file)


def members_fault(code: str, build: Callable[[], Case]) -> Fault:
    return Fault("members", f"members.{code}", build)


def later_fault(code: str, build: Callable[[], Case]) -> Fault:
    return Fault("later block", code, build)


STANDING_FAULTS: dict[str, Fault] = {
    "another member's key row": members_fault(
        "proof", lambda: with_members(lambda chain, _: {"keys": [keys_of(chain, "bob")]})
    ),
    "another member's row": members_fault(
        "proof",
        lambda: with_members(
            lambda chain, _: {"members": [in_force(chain, "members", "bob@south")]}
        ),
    ),
    "another organisation's row": members_fault(
        "proof",
        lambda: with_members(
            lambda chain, _: {"organisations": [in_force(chain, "organisations", "south")]}
        ),
    ),
    "a row that says another id": members_fault(
        "row", lambda: signed_by_carol(*joined(id=Key("dan").id))
    ),
    "a row with another public key": members_fault(
        "row", lambda: signed_by_carol(*joined(public=Key("dan").public))
    ),
    "a row without since": members_fault("row", lambda: signed_by_carol(*joined(since="2"))),
    "a member's row of another one": members_fault(
        "row",
        lambda: signed_by_carol(
            *joined(), (member("carol@north")[0], member("dan@north", 0, 2)[1])
        ),
    ),
    "a member's row of another organisation": members_fault(
        "row",
        lambda: signed_by_carol(
            *joined(),
            (member("carol@north")[0], member("carol@north", 0, 2)[1] | {"organisation": "south"}),
        ),
    ),
    "a key of another member than the sender": members_fault(
        "not_senders_key", lambda: signed_by_carol(*joined(), sender="bob@south")
    ),
    "a key that the genesis gives to another": members_fault("genesis_differs", _genesis_differs),
    "a row of another contract": members_fault("proof", lambda: _of_another_table("toolshed")),
    "a row that is not there": members_fault(
        "proof", lambda: with_members(lambda _, part: {"keys": [absent(part["keys"][0])]})
    ),
    "a key registered in the block itself": members_fault(
        "not_yet", lambda: signed_by_carol(*[later_row(row) for row in joined()], at=2)
    ),
    "a key that was rotated away": members_fault("superseded", lambda: older_version(2)),
    "the same, by a later state": members_fault("superseded", lambda: older_version(3)),
    "the next version hidden": members_fault("proof", lambda: older_version(3, hidden=True)),
    "a revoked key": members_fault(
        "not_active", lambda: signed_by_carol(*joined(status="removed"))
    ),
    "a suspended member": members_fault(
        "not_active",
        lambda: signed_by_carol(*joined(), member("carol@north", 1, 2, "suspended")),
    ),
    "a removed member": members_fault(
        "not_active", lambda: signed_by_carol(*joined(), member("carol@north", 1, 2, "removed"))
    ),
    "a suspended organisation": members_fault(
        "not_active", lambda: signed_by_carol(*joined(), organisation("north", 1, 2, "suspended"))
    ),
    "a removed organisation": members_fault(
        "not_active", lambda: signed_by_carol(*joined(), organisation("north", 1, 2, "removed"))
    ),
    "a member too many": members_fault(
        "number", lambda: with_members(lambda _, part: {"members": part["members"] * 2})
    ),
    "an organisation too many": members_fault(
        "number", lambda: with_members(lambda _, part: {"organisations": part["organisations"] * 2})
    ),
    "a key too many": members_fault(
        "number", lambda: with_members(lambda _, part: {"keys": part["keys"] * 2})
    ),
    "a co-signer's key left out": members_fault(
        "number", lambda: with_members(lambda _, part: {"keys": part["keys"][:2]}, 3, 3)
    ),
    "co-signers' keys in another order": members_fault(
        "proof", lambda: with_members(lambda _, part: {"keys": part["keys"][::-1]}, 3, 3)
    ),
    "an own block as a later one": later_fault(
        "members.block",
        lambda: with_members(lambda chain, _: Prover(chain, 1, 2).later(0)),
    ),
    "an earlier block as a later one": Fault(
        "later block",
        "members.block",
        lambda: with_members(lambda chain, _: earlier_later(chain), 5, 5),
    ),
    "another path": later_fault(
        "members.block", lambda: with_later(lambda _, at: {"path": at["path"][::-1]})
    ),
    "the path of another block": later_fault(
        "members.block",
        lambda: with_later(lambda chain, _: {"path": Prover(chain, 1, 5).later(0)["at"]["path"]}),
    ),
    "a later block of another history": later_fault("members.block", lambda: of_another(Chain())),
    "a later block of another chain": later_fault(
        "link.bad", lambda: of_another(Chain(document_changes={"time": START - 1}))
    ),
    "a later block that is earlier": later_fault(
        "header.time", lambda: proved_at(Chain(), time=START + 1999)
    ),
    "a later block that was ordered before": later_fault(
        "header.consensus_height", lambda: proved_at(QuorumChain(), consensus_height=3)
    ),
    "a bad seal of the later block": later_fault(
        "seal.bad", lambda: with_later(lambda _, at: spoil_seal(at))
    ),
    "the seal of another block": later_fault(
        "seal.other_header", lambda: with_later(lambda chain, _: {"seal": chain.blocks[4].seal})
    ),
    "a later block without its link": later_fault(
        "link.missing", lambda: with_later(lambda *_: {"links": []})
    ),
    "a later block linked for another anchor": later_fault(
        "link.missing", lambda: with_later(lambda *_: {}, 3, 4)
    ),
    "a later block with a link too many": later_fault(
        "link.unused", lambda: with_later(lambda *_: {}, 0, 4)
    ),
    "no such proposal": members_fault(
        "proof", lambda: ran([], lambda _, part: {"proposal": absent_row(part["proposal"])})
    ),
    "a proposal that another timer ran": members_fault("other_run", lambda: ran([proposal(run=8)])),
    "a proposal that waits": members_fault("other_run", lambda: ran([proposal(status="approved")])),
    "another proposal than the run's": members_fault("proof", lambda: ran([], number=4)),
    "a run that was refused": members_fault("other_run", lambda: ran([], result=refused())),
    "a run of another contract": members_fault("other_run", no_governance),
    "another call than was agreed to": members_fault(
        "digest", lambda: ran([proposal(digest=digest(b"other"))])
    ),
    "a vote against": members_fault("votes", lambda: ran([vote("bob@south", agrees=False)])),
    "a vote twice": members_fault(
        "votes", lambda: ran([], lambda _, part: {"votes": [*part["votes"], part["votes"][1]]})
    ),
    "votes in another order": members_fault(
        "votes", lambda: ran([], lambda _, part: {"votes": part["votes"][::-1]})
    ),
    "a vote that was never given": members_fault(
        "proof",
        lambda: ran([], lambda _, part: {"votes": [invented(part["votes"][0]), part["votes"][1]]}),
    ),
    "a voter who was removed": members_fault(
        "not_active", lambda: ran([member("bob@south", 0, 0, "removed")])
    ),
}


def keys_of(chain: Chain, name: str) -> Any:
    return in_force(chain, "keys", Key(name).id)


def in_force(chain: Chain, table: str, subject: Any) -> Any:
    return Prover(chain, 2, 2).in_force(table, subject)


def absent_row(proof: list[Any]) -> list[Any]:
    return [None, *proof[1:]]


def absent(version: list[Any]) -> list[Any]:
    return [version[0], absent_row(version[1]), version[2]]


def invented(proof: list[Any]) -> list[Any]:
    """The same path, with a vote of carol's."""
    return [encode(vote("carol@north")[1]), *proof[1:]]


def later_row(write: Write) -> Write:
    where, row = write
    return where, row | {"since": 3}


def earlier_later(chain: Chain) -> Part:
    """Block 4 as what proves a receipt of block 5, with the rows that its state has."""
    rows = Prover(chain, 5, 4)
    at = rows.later(0)["at"] | {"path": []}
    return {"keys": [rows.in_force("keys", Key("bob").id)], "at": at} | rows.people(["bob@south"])
