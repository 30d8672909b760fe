"""Chains whose members change, and the part of a receipt that proves who stood behind it."""

from __future__ import annotations

from typing import Any

from tests.verify.chainmaker.chain import Chain, decode_plain, signers_of
from tests.verify.chainmaker.encoding import digest, encode, tuple_key
from tests.verify.chainmaker.quorum import QuorumChain
from tests.verify.chainmaker.scenes import AnyChain, succeeded
from tests.verify.chainmaker.signing import Key
from tests.verify.chainmaker.trees import StateTree, log_path

Write = tuple[list[Any], dict[str, Any]]
PROPOSAL = 3
TIMER = 7
PLACES = [(1, 0), (2, 0), (3, 0), (4, 1), (5, 0), (6, 0)]
RUN = 4
"""Calls of the scene, as height and index, and the height of the run."""


def organisation(name: str, version: int = 0, since: int = 0, status: str = "active") -> Write:
    row = {"name": name, "title": name.title(), "uscc": "", "lei": ""}
    versioned = {"version": version, "since": since, "status": status}
    return ["members", "organisations", name, version], row | versioned


def member(name: str, version: int = 0, since: int = 0, status: str = "active") -> Write:
    row = {"id": name, "kind": "person", "roles": ["operator"], "organisation": name.split("@")[1]}
    versioned = {"version": version, "since": since, "status": status}
    return ["members", "members", name, version], row | versioned


def key(of: Key, name: str, version: int = 0, since: int = 0, status: str = "active") -> Write:
    row = {"id": of.id, "member": name, "public": of.public, "custodial": False}
    versioned = {"version": version, "since": since, "status": status}
    return ["members", "keys", of.id, version], row | versioned


def proposal(**changes: Any) -> Write:
    """What governance keeps of a proposal that ran."""
    row: dict[str, Any] = {
        "number": PROPOSAL,
        "contract": "members",
        "method": "suspend_member",
        "arguments": encode({"id": "dan@east", "reason": "left"}),
        "source": digest(b"members"),
        "proposer": "alice@north",
        "run": TIMER,
        "status": "done",
    } | changes
    head = f"lianheng.proposal.1 {row['contract']}.{row['method']} {len(row['arguments'])} "
    agreed = {"digest": digest(head.encode() + row["arguments"] + row["source"])}
    return ["governance", "proposals", PROPOSAL], agreed | row | changes


def vote(name: str, *, agrees: bool = True) -> Write:
    row = {"number": PROPOSAL, "member": name, "organisation": name.split("@")[1]}
    return ["governance", "votes", PROPOSAL, name], row | {"agrees": agrees, "reason": ""}


def governance_run(chain: Chain, result: dict[int, Any] | None = None, **more: Any) -> list[Any]:
    """The entry of the timer that runs a proposal in the next block."""
    cause = ["governance", TIMER, chain.time, "run", {"number": PROPOSAL} | more]
    return [1, cause, result or succeeded("done")]


def people(chain: AnyChain, **first: Any) -> AnyChain:
    """Six blocks: carol and, with the organisation east, dan join; alice rotates her key; dan is
    suspended; a proposal runs; east goes for ever. `first` is for the first block."""
    alice, bob, carol, dan = (Key(name) for name in ("alice-2", "bob", "carol", "dan"))
    joins = [
        member("carol@north", 0, 2),
        key(carol, "carol@north", 0, 2),
        organisation("east", 0, 2),
        member("dan@east", 0, 2),
        key(dan, "dan@east", 0, 2),
    ]
    call(chain, "alice@north", [Key("alice")], joins, **first)
    rotated = [key(Key("alice"), "alice@north", 1, 3, "removed"), key(alice, "alice@north", 0, 3)]
    call(chain, "carol@north", [carol], rotated)
    call(chain, "alice@north", [alice, dan, bob], [member("dan@east", 1, 4, "suspended")])
    votes = [vote("alice@north"), vote("bob@south"), vote("dan@east", agrees=False)]
    call(chain, "carol@north", [carol], [proposal(), *votes], others=[governance_run(chain)])
    gone = [organisation("east", 1, 6, "removed"), organisation("north", 1, 6)]
    call(chain, "bob@south", [bob], gone)
    call(chain, "alice@north", [alice], [])
    return chain


def call(chain: Chain, sender: str, keys: list[Key], writes: list[Write], **more: Any) -> int:
    """Adds a block of one call. Its height."""
    made = chain.transaction(sender, keys=keys, number=len(chain.blocks))
    return chain.add([(made, succeeded())], [(where, row) for where, row in writes], **more)


def chains() -> dict[str, Chain]:
    """The scene sealed by one sequencer, and by four validators."""
    return {"solo": people(Chain()), "quorum": people(QuorumChain())}


# --- proofs ---


def receipt(
    chain: Chain, height: int, index: int = 0, at: int = 0, anchor: int = 0
) -> dict[str, Any]:
    """A receipt of a call that proves its signers by the state after block `at`, or its own."""
    parts = chain.receipt(height, index, anchor)
    keys = signers_of(parts["transaction"])
    rows = Prover(chain, height, at or height)
    proofs = [rows.in_force("keys", one) for one in keys]
    names = [rows.row("keys", one)["member"] for one in keys]
    return parts | {"members": {"keys": proofs} | rows.people(names) | rows.later(anchor)}


def run_receipt(chain: Chain, at: int = 0, anchor: int = 0, height: int = RUN) -> dict[str, Any]:
    """A receipt of the proposal's run that proves who agreed."""
    rows = Prover(chain, height, at or height)
    agreed = [name for name in rows.voters() if rows.row("members", name)["status"] == "active"]
    named = {
        "proposal": rows.proved(proposal()[0]),
        "votes": [rows.proved(vote(name)[0]) for name in agreed],
    }
    members = named | rows.people(agreed) | rows.later(anchor)
    return chain.run_receipt(height, 0, anchor) | {"members": members}


class Prover:
    """Rows in force at a block, proved by the state after the same or a later one."""

    def __init__(self, chain: Chain, height: int, at: int) -> None:
        self.chain, self.height, self.at = chain, height, at
        self.rows = chain.blocks[at].rows
        self.tree = StateTree(self.rows)

    def value(self, where: list[Any]) -> Any:
        found = self.rows.get(tuple_key(where))
        return None if found is None else decode_plain(found)

    def proved(self, where: list[Any]) -> list[Any]:
        flat = tuple_key(where)
        siblings, other = self.tree.prove(flat)
        return [self.rows.get(flat), siblings, None if other is None else list(other)]

    def version(self, table: str, subject: Any) -> int:
        found = 0
        while (row := self.value(["members", table, subject, found + 1])) is not None:
            if row["since"] > self.height:
                break
            found += 1
        return found

    def row(self, table: str, subject: Any) -> Any:
        return self.value(["members", table, subject, self.version(table, subject)])

    def in_force(self, table: str, subject: Any) -> list[Any]:
        return self.at_version(table, subject, self.version(table, subject))

    def at_version(self, table: str, subject: Any, version: int) -> list[Any]:
        where = ["members", table, subject]
        return [version, self.proved([*where, version]), self.proved([*where, version + 1])]

    def people(self, names: list[str]) -> dict[str, Any]:
        distinct = list(dict.fromkeys(names))
        organisations = dict.fromkeys(name.split("@")[1] for name in distinct)
        return {
            "members": [self.in_force("members", name) for name in distinct],
            "organisations": [self.in_force("organisations", name) for name in organisations],
        }

    def voters(self) -> list[str]:
        names = sorted(["alice@north", "bob@south", "carol@north", "dan@east"])
        rows = {name: self.value(["governance", "votes", PROPOSAL, name]) for name in names}
        return [name for name, row in rows.items() if row and row["agrees"]]

    def later(self, anchor: int) -> dict[str, Any]:
        """The field `at`, where the proving block is a later one."""
        if self.at == self.height:
            return {}
        block = self.chain.blocks[self.at]
        return {
            "at": self.chain.with_steps(self.at, anchor)
            | {
                "header": block.header,
                "seal": block.seal,
                "links": self.chain.links(self.at, anchor),
                "path": log_path(self.height, self.chain.hashes[: self.at]),
            }
        }
