"""A chain of validators in memory, and a consensus that a test drives, with sets of its own.

The sets follow CometBFT's rule, written here anew: what `FinalizeBlock` of a height answers holds
from two heights later on. Each header is sealed by whom that rule says, whatever the core believes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.system.stage import CHAIN, START, identity
from tests.verify.chainmaker import comet
from tests.verify.chainmaker.signing import Key

import lianheng_verify as verify
from lianheng import _native
from lianheng.ledger import DirectSequencer, EngineBackend, Ledger
from lianheng.members import (
    CallSigner,
    Genesis,
    Identity,
    MemberSpec,
    Validator,
    prove_possession,
)
from lianheng.model import ChainName, Header, Result, decode, encode, limits
from lianheng.system import contracts

ORGANISATIONS = ("bank-a", "bank-b", "grid", "hospital")
GAS = 20_000_000


@dataclass(frozen=True)
class NodeKey(Key):
    """A node's key, as commits are made with it."""

    secret: bytes

    @property
    def seed(self) -> bytes:
        return self.secret


def proof(member: str, key: Identity) -> bytes:
    """What shows that a key's holder has it."""
    return prove_possession(Identity(member, key.seed, development=True), ChainName(CHAIN))


class Consensus:
    """Decides heights one by one and seals each header of the core with the one above it."""

    def __init__(self, engine: Any, keys: dict[bytes, NodeKey]) -> None:
        self.engine = engine
        self.keys = keys
        self.height = engine.consensus_height
        first = {bytes(key): power for key, power in engine.set_at(0)}
        self.sets = {1: first, 2: first}
        self.applications = {1: engine.genesis_hash}
        self.absent: set[bytes] = set()
        self.seals_held_back = False

    @property
    def chain_id(self) -> str:
        return bytes(self.engine.genesis_hash)[:24].hex()

    def members(self, height: int) -> list[Any]:
        """The set of a height, in CometBFT's order."""
        return comet.ordered([(self.keys[key], power) for key, power in self.sets[height].items()])

    def make(self, batches: Sequence[Any], time_ms: int) -> Any:
        """Decide a block of these, then those that CometBFT makes by itself."""
        outcomes = self.decide(batches, time_ms)
        while self.applications[self.height + 1] != self.applications[self.height]:
            self.decide([], time_ms)
        return outcomes

    def decide(self, batches: Sequence[Any], time_ms: int) -> Any:
        """One height."""
        self.height += 1
        at = self.height
        pending = self.engine.execute(list(batches), time_ms, at)
        changes = list(pending.set_changes)
        assert changes == list(pending.set_changes)
        application = self.engine.header_hash if pending.empty else pending.header_hash
        outcomes = self.engine.commit(pending, None)
        self.sets[at + 2] = {
            key: power for key, power in (self.sets[at + 1] | dict(changes)).items() if power
        }
        assert self.sets[at + 2], "nobody is left"
        assert {key for key, power in changes if not power} <= set(self.sets[at + 1])
        self.applications[at + 1] = application
        if not self.seals_held_back:
            self.add_seals()
        return outcomes

    def add_seals(self) -> None:
        """Seal every header that is not sealed and has a height above it."""
        for height, consensus_height in self.engine.unsealed(1_000):
            if consensus_height < self.height:
                self.engine.add_seal(height, self.seal(consensus_height + 1))

    def seal(self, at: int) -> bytes:
        """A commit for the header of a height."""
        members = self.members(at)
        values = {
            "chain_id": self.chain_id,
            "height": at,
            "time": [START // 1_000 + at, at],
            "application": bytes(self.applications[at]),
            "validators": comet.validators_hash(members),
            "next_validators": comet.validators_hash(self.members(at + 1)),
            "proposer": comet.address(members[0][0].public),
        }
        away = sum(power for key, power in members if key.public in self.absent)
        # Were it more, the real chain would wait for them.
        bears = 3 * away < sum(power for _, power in members)
        gone = [at for at, (key, _) in enumerate(members) if bears and key.public in self.absent]
        flags = dict.fromkeys(gone)
        return encode(comet.make_seal(comet.make_header(values), members, comet.Ballot(flags)))


class VotingStage:
    """Each organisation has an admin; the first ones have a node that votes."""

    def __init__(
        self,
        *,
        voting: int = 4,
        organisations: Sequence[str] = ORGANISATIONS,
        powers: Mapping[str, int] | None = None,
        path: Path | None = None,
    ) -> None:
        """`powers` by organisation; 1 where none is given."""
        self.now = START
        self.path = path
        self.admins = {name: identity(f"admin@{name}") for name in organisations}
        self.nodes = {f"node-1@{name}": identity(f"node-1@{name}") for name in organisations}
        specs = {n: MemberSpec(n, key, kind="node") for n, key in self.nodes.items()}
        genesis = Genesis.create(
            chain=CHAIN,
            organisations=list(organisations),
            members=[
                *(MemberSpec(f"admin@{n}", key, roles=["admin"]) for n, key in self.admins.items()),
                *list(specs.values())[voting:],
            ],
            validators=[
                Validator(spec, (powers or {}).get(name.partition("@")[2], 1))
                for name, spec in list(specs.items())[:voting]
            ],
            time_ms=START,
            contracts=contracts(),
        )
        self.keys: dict[bytes, NodeKey] = {}
        for name, key in self.nodes.items():
            self.know(name, key)
        self.engine: Any = _native.Engine.create(
            None if path is None else str(path), genesis.encoded
        )
        self.consensus = Consensus(self.engine, self.keys)
        self._count = 0
        self._open()

    def _open(self) -> None:
        sequencer: Any = DirectSequencer(self.engine, identity("nobody@bank-a"), lambda: self.now)
        sequencer._maker = self.consensus
        self.sequencer = sequencer
        self.ledger = Ledger(EngineBackend(self.engine, sequencer), lambda: self.now)
        self.genesis_file = bytes(self.engine.genesis_file)

    def reopen(self, *, rebuild: bool = False) -> None:
        """Close the core and open it again."""
        self.engine.close()
        self.engine = _native.Engine.open(str(self.path), rebuild=rebuild)
        self.consensus.engine = self.engine
        self._open()

    def know(self, name: str, key: Identity) -> Identity:
        """A node's key, so that consensus can vote with it."""
        self.keys[key.public] = NodeKey(name, key.seed)
        return key

    def call(self, signers: str | list[str], target: str, /, **arguments: Any) -> Result:
        """Sign and order one call, by admins of these organisations."""
        names = [signers] if isinstance(signers, str) else signers
        return self.call_with([self.admins[name] for name in names], target, arguments)

    def call_with(self, keys: list[Identity], target: str, arguments: dict[str, Any]) -> Result:
        """The same, with these keys."""
        self.now += 10
        self._count += 1
        signer = CallSigner(
            self.ledger.chain,
            self.ledger.genesis_hash,
            lambda: self.now,
            lambda: self._count.to_bytes(limits.TRANSACTION_RANDOM_BYTES, "big"),
        )
        signed = signer.sign(keys, target, arguments, gas=GAS)
        return self.ledger.submit(signed).one()

    def most(self, target: str, /, **arguments: Any) -> Result:
        """A call by the admins of all organisations."""
        return self.call(list(self.admins), target, **arguments)

    def add_node(self, name: str, number: int = 0) -> Identity:
        """A member of kind node of its organisation."""
        key = self.know(name, identity(name, number))
        organisation = name.partition("@")[2]
        self.call(
            organisation,
            "members.add_member",
            id=name,
            kind="node",
            roles=[],
            public=key.public,
            custodial=False,
            possession=proof(name, key),
        ).checked()
        self.nodes[name] = key
        return key

    def rotate(self, name: str, number: int, *, by: Identity | None = None) -> Result:
        """Another key for a node, signed by its admin unless somebody else is given."""
        key = self.know(name, identity(name, number))
        arguments = {
            "member": name,
            "old": bytes(self.nodes[name].key_id),
            "public": key.public,
            "custodial": False,
            "possession": proof(name, key),
        }
        signer = by or self.admins[name.partition("@")[2]]
        result = self.call_with([signer], "members.rotate_key", arguments)
        if result.final:
            self.nodes[name] = key
        return result

    def voters(self) -> dict[str, tuple[bytes, int]]:
        """Who votes, with which key and power, as the core says."""
        return {name: (bytes(key), power) for name, key, power in self.engine.validators()}

    def receipts(self, anchor: bytes | None = None) -> dict[int, bytes]:
        """Of one transaction of each block that has one, by height."""
        found = {}
        for block in self.ledger.blocks():
            if block.transactions:
                transaction = block.transactions[0].id(self.ledger.genesis_hash)
                found[int(block.height)] = bytes(self.engine.receipt(transaction, anchor))
        return found

    def header(self, height: int) -> Header:
        """A header of ours."""
        found = self.engine.header(height)
        assert found is not None
        return Header.from_bytes(found[0])

    def verified(self, evidence: bytes, anchor: bytes | None = None) -> int:
        """How many steps a receipt or a proof took, once the independent verifier accepts it."""
        given = anchor or self.genesis_file
        if b"lianheng.receipt.1" in evidence:
            verify.verify_receipt(evidence, given)
        else:
            verify.verify_state(evidence, given)
        return steps_of(evidence)


def steps_of(evidence: bytes) -> int:
    """How many steps a receipt or a proof carries."""
    return len(decode(evidence).get("steps", []))
